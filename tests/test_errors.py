"""Programs beside ``kws`` treat bad input as it does."""

import subprocess
import sys

import pytest

from kwslib.errors import InputError, naming


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("kwslib.studies", "--data", "nowhere", "--networks", "huge-yes_no"), ("huge-yes_no",)),
        (("kwslib.studies", "--data", "nowhere"), ("nowhere", "--data")),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, words):
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    for word in words:
        assert word in line


def test_a_mistake_is_named_by_the_file_that_it_is_in():
    for error, others in ((InputError("no weights"), ()), (KeyError("w"), (KeyError,))):
        with (
            pytest.raises(InputError, match=r"^a\.bin: (no weights|'w')$"),
            naming("a.bin", *others),
        ):
            raise error
    with pytest.raises(KeyError), naming("a.bin"):
        raise KeyError("w")
