"""Benchmarks: how fast the stages run on this machine, ``python -m kwslib.studies.bench``."""
