"""Records as values, tables and charts, for the chapters to show."""
