import nbformat

from kwslib.site import reader


def test_a_page_comes_as_a_notebook():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title")])
    assert reader.read(nbformat.writes(notebook)) == notebook
