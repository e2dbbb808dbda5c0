"""The test in the field: words are said, a network listens, and what it detects is counted."""
