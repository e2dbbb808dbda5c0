import subprocess

import pytest

from kwslib.report import repository


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
