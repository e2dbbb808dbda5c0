"""How myst-nb reads a page: :mod:`kwslib.site.extension` has made a notebook of it already."""

import nbformat


def read(text: str) -> nbformat.NotebookNode:
    """The notebook that stands in ``text`` as JSON."""
    return nbformat.reads(text, as_version=4)
