"""The report: chapters executed by papermill, their charts drawn, their numbers put into prose."""
