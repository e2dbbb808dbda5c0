"""The whole way from sources to pages, by ``kws report`` and by ``jupyter-book build`` alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from command_line import refused, runner

from kwslib.errors import InputError
from kwslib.folders import lock_folder
from kwslib.site import build
from kwslib.site.publication import MANIFEST, claimed_folder, put_site
from kwslib.site.settings import Settings

SCRIPTS = Path(sys.executable).parent


def run(root, *command, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KWS_")}
    environment["PATH"] = f"{SCRIPTS}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command, cwd=root, env=environment | variables, capture_output=True, text=True, check=False
    )


def report(root, *options):
    start = "from kwslib.cli import main; main()"
    return run(root, sys.executable, "-c", start, "report", *options)


def page(root, name):
    return (root / "_build" / "html" / "book" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def built(once, make_book):
    """The folder of a small book that is built, and what the command said."""

    def build_book(folder):
        done = report(make_book(folder), "--json", "-p", "sound.level=8")
        assert done.returncode == 0, done.stderr
        (folder / "said.json").write_text(done.stdout)

    root = once("small book", build_book)
    return root, json.loads((root / "said.json").read_text())


@pytest.fixture
def copy(built, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(built[0], root)
    return root


@pytest.fixture
def report_here(copy, capfd, monkeypatch):
    """Runs ``kws report`` in this process on a copy of the book that is built."""
    monkeypatch.chdir(copy)
    return runner("report", capfd)


def test_the_result_is_one_json_object(built):
    root, result = built
    assert result["page"] == str(root / "_build" / "html" / "index.html")
    assert Path(result["page"]).exists()
    assert (result["profile"], result["data"]) == ("demo", "embedded speech")
    assert [each["chapter"] for each in result["chapters"]] == ["1_sound", "2_size"]
    assert result["chapters"][0]["parameters"]["level"] == 8


def test_values_captions_and_claims_reach_the_page(built):
    text = re.sub(r"<[^>]*>", "", page(built[0], "1_sound")).replace("\N{NO-BREAK SPACE}", " ")
    assert "The loudness is 4 dB. It is above zero." in text
    assert "A loud page: 8 and 0.33, see Figure 1 and Table 1." in text
    assert "Figure 1 A bar of 8." in text and "data: made up" in text
    assert "Table 1 The same as a table." in text and "method: computed" in text
    assert "Claims on this page: 1. True in this run: 1." in text
    assert 'aria-label="One bar"' in page(built[0], "1_sound")


def test_a_wrong_claim_stops_the_build_and_the_last_site_stands(report_here, copy):
    path = copy / "book" / "1_sound.md"
    path.write_text(path.read_text().replace("level * gain > 0", "level * gain > 9"))
    code, _, err = report_here()
    assert code == 1 and "Traceback" not in err
    line = 1 + path.read_text().splitlines().index(
        next(each for each in path.read_text().splitlines() if "above zero" in each)
    )
    assert f"{path}:{line}: not true: It is above zero." in err
    assert "level * gain > 9 does not hold: level * gain = 1.5" in err
    assert "The loudness is" in page(copy, "1_sound")


def test_a_changed_sentence_executes_nothing_and_a_new_expression_its_chapter(report_here, copy):
    def fresh():
        _, out, _ = report_here("--json", "-p", "sound.level=8")
        return [each["fresh"] for each in json.loads(out)["chapters"]]

    path = copy / "book" / "1_sound.md"
    source = path.read_text()
    path.write_text(source.replace("The loudness is", "How loud it is:"))
    assert fresh() == [False, False]
    assert "How loud it is: " in page(copy, "1_sound")
    path.write_text(source.replace("The loudness is", "At gain {eval}`gain` the loudness is"))
    assert fresh() == [True, False]


def test_the_executed_notebook_can_be_downloaded(built):
    assert '_sources/book/1_sound.ipynb"' in page(built[0], "1_sound")
    path = built[0] / "_build" / "html" / "_sources" / "book" / "1_sound.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert any("kws-chart" in str(cell.get("outputs")) for cell in notebook.cells)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "The loudness is 4 dB. It is above zero. It grows [Wri99]." in text
    assert "*Figure 1.* A bar of 8. (data: made up)" in text
    assert "{" not in text and "%" not in text


def test_the_page_on_the_run_tells_parameters_and_origin(built):
    text = page(built[0], "run")
    assert "sound.level" in text and "changed from" in text
    assert "in this run" in text and "embedded speech" in text


def test_a_failing_cell_leaves_the_last_good_site(report_here, copy):
    code, out, err = report_here("--json", "-p", "sound.words=fail")
    assert (code, out) == (1, "")
    assert "kws: chapter 1_sound, code cell 3" in err
    assert "Traceback" not in err
    assert "The loudness is" in page(copy, "1_sound")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-p", "sound.volume=1"], "has no 'volume'"),
        (["-p", "sound.words=bad"], "there is no such word"),
        (["--chapter", "9"], "there is no chapter '9'"),
        (["--profile", "half"], "choose demo or full"),
        (["--data", "nowhere"], "no such data folder"),
        (["--out", "book"], "holds something other than a site"),
    ],
)
def test_bad_input_ends_with_one_line_and_exit_code_2(report_here, options, message):
    code, _, err = report_here(*options)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("kws: ")
    assert "Traceback" not in err


def test_a_warning_of_sphinx_leaves_the_last_good_site(report_here, copy):
    index = copy / "book" / "index.md"
    index.write_text(index.read_text() + "\n{doc}`nowhere`\n")
    code, _, err = report_here("-p", "sound.level=8")
    assert code == 1
    assert "nowhere" in err
    assert "nowhere" not in page(copy, "index")


def test_jupyter_book_alone_executes_and_builds(report_here, copy):
    for name in ("html", "next"):
        shutil.rmtree(copy / "_build" / name)
    variables = {"KWS_PARAMETERS": '{"sound.level": 10}'}
    done = run(copy, "jupyter-book", "build", ".", **variables)
    assert done.returncode == 0, done.stderr
    assert "The loudness is 5 dB." in page(copy, "1_sound")
    # the environment of the first build is known to Sphinx; the other numbers must still arrive
    done = run(copy, "jupyter-book", "build", ".", KWS_PARAMETERS='{"sound.level": 12}')
    assert done.returncode == 0, done.stderr
    assert "The loudness is 6 dB." in page(copy, "1_sound")
    before = page(copy, "1_sound")
    done = run(copy, "jupyter-book", "build", ".", KWS_PARAMETERS='{"sound.words": "fail"}')
    assert done.returncode != 0
    assert "chapter 1_sound, code cell 3" in done.stderr
    assert page(copy, "1_sound") == before
    # its pages are replaced by the next report, which knows nothing of them
    out = copy / "_build" / "html"
    assert not (out / MANIFEST).exists()
    (out / "mine.txt").write_text("mine")
    code, _, err = report_here("-p", "sound.level=8")
    assert code == 0, err
    assert "The loudness is" in page(copy, "1_sound")
    assert (out / MANIFEST).exists() and (out / "mine.txt").exists()


def test_one_chapter_alone(report_here):
    code, out, err = report_here("--json", "--chapter", "2")
    assert code == 0, err
    result = json.loads(out)
    assert [each["chapter"] for each in result["chapters"]] == ["2_size"]
    assert Path(result["page"]).name == "2_size.html"
    assert Path(result["page"]).exists() and Path(result["chapters"][0]["notebook"]).exists()
    assert not Path(result["page"]).with_name("index.html").exists()


def test_what_a_run_lacks_is_left_out_and_a_checkout_keeps_what_is_not_the_sites(
    report_here, copy, tmp_path
):
    out = tmp_path / "gh-pages"
    with claimed_folder(out) as folder:
        put_site(copy / "_build" / "html", folder)
    (out / "index.html").write_text("of the last site")
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("ref: refs/heads/gh-pages")
    (out / "CNAME").write_text("kws.example")
    toc = copy / "_toc.yml"
    toc.write_text(toc.read_text().replace("  - file: book/2_size\n", ""))
    (copy / "book" / "2_size.md").unlink()
    code, _, err = report_here("--out", out, "-p", "sound.level=4")
    assert code == 0, err
    assert "of the last site" not in (out / "index.html").read_text()
    text = (out / "book" / "1_sound.html").read_text()
    assert "The loudness is" in text
    assert "A loud page" not in text and "fig-bar" not in text and "% if" not in text
    assert not list(out.rglob("2_size*"))
    assert (out / ".nojekyll").exists()
    assert (out / ".git" / "HEAD").exists() and (out / "CNAME").read_text() == "kws.example"


def test_a_folder_that_cannot_be_taken_is_refused_before_anything_runs(report_here, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / ".buildinfo").write_text("of another Sphinx")
    (tmp_path / "link").symlink_to(theirs)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("theirs", "link", "pipe", "loop"):
        result = report_here("--out", tmp_path / name, "-p", "sound.words=fail")
        assert refused(result, name)
    assert (theirs / ".buildinfo").read_text() == "of another Sphinx"


def test_a_second_build_into_the_same_folder_is_refused_with_the_first_ones_number(
    report_here, copy
):
    with lock_folder(copy / "_build" / "html"):
        code, _, err = report_here()
    assert code == 2
    assert f"process {os.getpid()} is writing there" in err


@pytest.mark.parametrize("out", ["_build", "_build/next", "_build/next/deep", ".", ".."])
def test_a_site_does_not_go_where_it_is_built(tmp_path, out):
    root = tmp_path / "root"
    root.mkdir()
    settings = Settings.choose("demo", None, {})
    with pytest.raises(InputError, match=f"--out .*{out}: .* in which the site is built"):
        build.build_site(root, settings, pytest.fail, root / out)
    assert list(tmp_path.rglob("*")) == [root]


JUPYTER_BOOK = """
import os, sys, threading
def main():
    print(os.getpid(), file=sys.stderr, flush=True)
    threading.Event().wait()
"""
BUILD = """
from pathlib import Path
from kwslib.site.settings import Settings
from kwslib.site.build import _sphinx
_sphinx(Path("."), Path("out"), Settings.choose("demo", None, {}), [])
"""


def test_sphinx_ends_with_a_report_that_is_killed(tmp_path):
    package = tmp_path / "jupyter_book"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "cli" / "main.py").write_text(JUPYTER_BOOK)
    command = [sys.executable, "-c", BUILD]  # which imports from its working folder first
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    sphinx = int(process.stderr.readline())
    process.kill()
    try:
        process.communicate(timeout=60)  # until nobody holds the other end
    except subprocess.TimeoutExpired:
        os.kill(sphinx, signal.SIGKILL)
        raise


def test_a_root_is_the_working_folder_or_the_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (build.find_root() / "_toc.yml").exists()
    (tmp_path / "_toc.yml").touch()
    assert build.find_root() == tmp_path


def test_the_heading_of_a_page_is_not_the_one_for_paper(tmp_path):
    (tmp_path / "page.html").write_text(
        '<h1>For paper</h1><h2>Contents</h2><h1><span class="n">1. </span>Sound &amp; more'
        '<a class="headerlink" href="#">#</a></h1>'
    )
    assert build.titles(tmp_path, ["page"]) == {"page": "1. Sound & more"}
