"""Who published a figure."""

import doctest

import pytest

from kwslib.records import FOLDER, read_records
from kwslib.results import committed
from kwslib.results.committed import author_of, repository_of

SOURCES = sorted(
    {record.source for path in FOLDER.glob("literature*.json") for record in read_records(path)}
)


def test_the_examples_hold():
    assert doctest.testmod(committed).failed == 0


@pytest.mark.parametrize("source", SOURCES)
def test_of_code_the_author_owns_the_repository(source):
    if source.startswith("github.com/"):
        owner, _, name = repository_of(source).partition("/")
        assert author_of(source) == owner and name
    else:
        assert author_of(source) == source
        assert source.startswith(repository_of(source))
