"""The audit: what the original report handed in and claimed, point by point beside ours.

Ours comes from the records in ``measurements/`` or is counted or timed while the page is made;
the original's and others' figures come from data files with their sources. A point whose record is
not there yet says so, with the command that makes it.
"""
