"""What every test shares: a cache of its own and, where it is at hand, real speech."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import browsers
import pytest
from fake_speech import write_official, write_spoken
from filelock import FileLock
from hypothesis import settings

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.source import Source
from kwslib.data.task import Task

ROOT = Path(__file__).resolve().parent.parent

# An example may take long on a busy machine; all else stays as it is, under CI too.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

_own_cache: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a cache that ends with it, unless ``KWS_CACHE`` names one to keep.

    Workers of pytest-xdist inherit the environment, so what one of them makes all can read.
    """
    global _own_cache
    os.environ.pop("KWS_DATA", None)
    if not os.environ.get("KWS_CACHE"):
        _own_cache = Path(tempfile.mkdtemp(prefix="kws-tests-"))
        os.environ["KWS_CACHE"] = str(_own_cache)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        _keep_bytecode_in(Path(os.environ["KWS_CACHE"], "bytecode"))


def _keep_bytecode_in(folder: Path) -> None:
    """Compile modules once for all processes of the run, though not into the folders of packages.

    Tests start a hundred processes, and some import a thousand modules: compiling them takes
    several times as long as what is tested.
    """
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's own cache; a worker has none."""
    if _own_cache is not None:
        shutil.rmtree(_own_cache, ignore_errors=True)
        os.environ.pop("KWS_CACHE", None)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Say which tests stay together, and in which order those that are chosen begin.

    Tests that share what their module makes run in one process, so that it is made once. The site
    is built first, beside other tests; what looks at it comes last, in all processes.
    """
    for item in items:
        if group := _made_by_its_module(item):
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    looks = [item for item in items if "site" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "site" not in getattr(item, "fixturenames", ())]
    items[:] = [*looks[:1], *others, *looks[1:]]


def _made_by_its_module(item: pytest.Item) -> str:
    """The name of a test's module, and of the parameters for which the module makes something.

    It is empty where the module has made nothing for the test that others use.
    """
    file, _, _ = item.nodeid.partition("::")
    made = [
        name
        for name, found in item._fixtureinfo.name2fixturedefs.items()
        if found[-1].scope == "module" and found[-1].baseid == file
    ]
    if not made:
        return ""
    chosen = item.callspec.indices if hasattr(item, "callspec") else {}
    return " ".join([file, *(str(chosen[name]) for name in made if name in chosen)])


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Makes a folder that all processes of the run share, when the first asks for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, finished = shared / name, shared / f"{name}.finished"
        with FileLock(shared / f"{name}.lock"):
            if not finished.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                finished.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def speech_commands() -> Path:
    """The folder of the three Speech Commands archives, beside the repository."""
    named = os.environ.get("KWS_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "speech_commands"
    if not folder.is_dir():
        pytest.skip(f"no Speech Commands archives in {folder}; KWS_TEST_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def official(speech_commands: Path) -> Source:
    """The clips of these archives, opened once in a process."""
    return open_source(speech_commands)


@pytest.fixture(scope="session")
def official_task(official: Source) -> Dataset:
    """The default task of these clips; do not change it."""
    return Dataset(official, Task())


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a small data set in the official layout; do not write into it."""
    return write_official(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="session")
def spoken(once) -> Path:
    """The root of a data set of *write*, *right*, *bed* and *know*; do not write into it."""
    return once("spoken", lambda root: write_spoken(root, ("write", "right", "bed", "know")))


@pytest.fixture(scope="module")
def driver():
    """What starts browsers; one at a time in a process, so that it ends with each module."""
    with browsers.driver() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(driver):
    """Headless Chromium."""
    browser = browsers.launch(driver)
    yield browser
    browser.close()
