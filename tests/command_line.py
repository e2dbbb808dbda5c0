"""What the tests of the ``kws`` verbs share."""

from kwslib.cli.main import _run


def runner(verb, capsys):
    """Runs ``kws VERB`` in this process: exit code, standard output, standard error."""

    def run(*arguments):
        code = _run([verb, *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def refused(result, *parts):
    """Exit code 2, nothing on standard output, one line on standard error with ``parts``."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    for part in parts:
        assert part in err
    return True
