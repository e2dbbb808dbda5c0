"""The ``kws`` command: one verb a stage, one module a verb.

A verb parses its arguments, calls one function of its stage and prints. With ``--json``
standard output holds one JSON object and nothing else; progress goes to standard error. A
user's mistake ends in one line on standard error and exit code 2.
"""

from kwslib.cli.main import main

__all__ = ["main"]
