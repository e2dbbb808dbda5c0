import os
import select
import signal
import subprocess
import sys

import jupyter_client.kernelspec
import nbformat
import pytest

from kwslib.errors import InputError
from kwslib.folders import lock_folder
from kwslib.site.book import Book
from kwslib.site.execute import ChapterError, _with_parameters, run_book
from kwslib.site.pages import value_text
from kwslib.site.settings import Settings


def shown(executed, text):
    return value_text(executed.run.values, text)


def test_chapters_run_with_their_parameters_in_the_books_folder(root):
    sound, size = run_book(Book.open(root), Settings(parameters={"sound.level": "8"}))
    assert shown(sound, "loudness") == "4\N{NO-BREAK SPACE}dB"
    assert (sound.values["level"], sound.defaults["level"]) == (8, 3)
    assert sound.fresh and sound.run.seconds > 0 and sound.asked and not size.asked
    assert shown(size, "holds_the_book") == "True"


def test_a_kept_run_gives_the_same_notebook(root):
    asked = {"sound.level": "8"}
    first, again = (run_book(Book.open(root), Settings(parameters=asked))[0] for _ in range(2))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.notebook == first.notebook and again.run == first.run
    lines = first.notebook.metadata.source_map
    assert len(lines) == len(first.notebook.cells) and lines == sorted(lines)


def test_a_chapter_runs_again_only_when_something_changed(root):
    first = run_book(Book.open(root), Settings())
    again = run_book(Book.open(root), Settings())
    assert [each.fresh for each in first] == [True, True]
    assert [each.fresh for each in again] == [False, False]
    changed = run_book(Book.open(root), Settings(parameters={"sound.level": 4}))
    assert [each.fresh for each in changed] == [True, False]


def test_a_failing_cell_names_chapter_cell_and_error_and_is_not_kept(root):
    settings = Settings(parameters={"sound.words": "fail"})
    for _ in range(2):
        with pytest.raises(ChapterError) as caught:
            run_book(Book.open(root), settings)
        message = str(caught.value)
        assert message.startswith("chapter 1_sound, code cell 3 (import altair as alt)")
        assert message.endswith("ZeroDivisionError: by design")
        assert "\n" not in message


def test_input_that_a_chapter_refuses_is_the_users_mistake(root):
    with pytest.raises(InputError, match="chapter 1_sound: there is no such word"):
        run_book(Book.open(root), Settings(parameters={"sound.words": "bad"}))


KILLED = """
import sys
from pathlib import Path
from kwslib.folders import lock_folder
from kwslib.site.book import Book
from kwslib.site.execute import run_book
from kwslib.site.settings import Settings
root = Path(sys.argv[1])
with lock_folder(root / "_build"):
    run_book(Book.open(root), Settings())
"""
WAITS = """
import os, threading
told = open("told", "w")
print(os.getpid(), file=told, flush=True)
threading.Event().wait()
"""


def test_a_kernel_ends_with_a_report_that_is_killed(root):
    path = root / "book" / "1_sound.md"
    path.write_text(path.read_text().replace("import altair as alt\n", WAITS, 1))
    os.mkfifo(root / "told")
    heard = os.open(root / "told", os.O_RDONLY | os.O_NONBLOCK)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(root)])
    try:
        assert select.select([heard], [], [], 120)[0], "the cell did not run"
        kernel = int(os.read(heard, 100))
    finally:
        process.kill()
        process.wait()
    ended = select.select([heard], [], [], 60)[0]  # nobody holds the other end
    os.close(heard)
    if not ended:
        os.kill(kernel, signal.SIGKILL)
    assert ended
    with lock_folder(root / "_build"):
        pass


def test_nothing_runs_before_all_parameters_are_checked(root):
    said = []
    with pytest.raises(InputError):
        run_book(Book.open(root), Settings(parameters={"size.level": 1}), said.append)
    assert said == []
    assert not (root / "_build" / "executed").exists()


def test_the_kernel_is_this_python_whatever_is_installed(root, monkeypatch):
    monkeypatch.setattr(
        jupyter_client.kernelspec.KernelSpecManager,
        "get_kernel_spec",
        lambda self, name: pytest.fail("looked for an installed kernel"),
    )
    path = root / "book" / "2_size.md"
    path.write_text(
        path.read_text().replace("answer = 42", "answer = __import__('sys').executable")
    )
    _, size = run_book(Book.open(root), Settings())
    assert shown(size, "answer") == sys.executable


@pytest.mark.parametrize(
    ("tag", "hidden"), [("remove-cell", "remove-cell"), ("other", "hide-input")]
)
def test_injected_parameters_are_hidden_as_the_declared_ones(tag, hidden):
    cell = nbformat.v4.new_code_cell("level = 3", metadata={"tags": ["parameters", tag]})
    kernel = {"name": "python3", "display_name": "Python 3"}
    facts = {"kernelspec": kernel, "source_map": [0]}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=facts)
    injected = _with_parameters(notebook, {"level": 4}).cells[1]
    assert injected.metadata["tags"] == ["injected-parameters", hidden]
