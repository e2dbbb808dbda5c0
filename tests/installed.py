"""What tests need that pip does not bring."""

import os
import shutil

import pytest


def needs(*programs):
    """Skip where a program is missing, but not under CI."""
    for program in programs:
        if shutil.which(program) is None and os.environ.get("CI") != "true":
            pytest.skip(f"{program} is not installed")
