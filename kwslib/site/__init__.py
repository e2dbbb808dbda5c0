"""The site: Sphinx, papermill and what is built around them; no chapter is known here."""
