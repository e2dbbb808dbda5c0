"""Keyword spotting on a microcontroller, one stage of the way from sound to board a module.

Importing the package loads neither torch nor tensorflow: a stage imports what it needs.
"""

__version__ = "0.1.0"
