"""Benchmarks: how fast the stages run on this machine, ``python -m kwslib.studies.bench``.

One module a stage; in it, one function a benchmark, marked with
:func:`kwslib.studies.bench.registry.benchmark`, that returns rows.
"""
