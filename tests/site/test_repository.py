import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from kwslib.site import repository

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:someone/kws.git", "https://github.com/someone/kws"),
        ("https://github.com/someone/kws.git", "https://github.com/someone/kws"),
        ("https://user:secret@gitlab.com/a/b/kws", "https://gitlab.com/a/b/kws"),
        ("/srv/git/kws.git", ""),
        (None, ""),
    ],
)
def test_the_address_comes_from_the_remote(tmp_path, remote, address):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote:
        git = ["git", "-C", str(tmp_path), "remote", "add", "origin", remote]
        subprocess.run(git, check=True)
    assert repository.address(tmp_path) == address


def test_the_workflow_names_the_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/kws")
    assert repository.address(tmp_path) == "https://github.com/someone/kws"


def test_a_folder_without_git_has_no_address(tmp_path):
    assert repository.address(tmp_path) == ""


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://github.com/a/kws", "https://mybinder.org/v2/gh/a/kws/main?urlpath=lab/tree/"),
        (
            "https://gitlab.com/a/b/kws",
            "https://mybinder.org/v2/gl/a%2Fb%2Fkws/main?urlpath=lab/tree/",
        ),
        ("https://github.example.org/a/kws", None),
        ("", None),
    ],
)
def test_binder_opens_a_notebook_where_it_knows_the_host(address, url):
    expected = f"{url}book/3_training.ipynb" if url else ""
    assert repository.binder(address, "book/3_training.ipynb") == expected


def test_binder_finds_the_notebooks_that_its_script_makes(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("3_training.md", "references.md"):
        (tmp_path / "book" / name).write_text((ROOT / "book" / name).read_text())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = [str(ROOT / "postBuild")]
    subprocess.run(script, cwd=tmp_path, env=os.environ | {"PATH": path}, check=True)
    notebook = nbformat.read(tmp_path / "book" / "3_training.ipynb", as_version=4)
    assert any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert not (tmp_path / "book" / "references.ipynb").exists()
