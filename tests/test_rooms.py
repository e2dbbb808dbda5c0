"""What stands above what in the library, as CONTRIBUTING.md lists it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "kwslib"
LISTED = re.search(r"^`config`.*$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)[0]
ROOMS = re.findall(r"`(\w+)`", LISTED)
MOST_ROOMS = 25


def imported(path):
    """Rooms that a module imports from, within functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [module, *(f"{module}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        for name in names:
            library, _, rest = name.partition(".")
            if library == "kwslib" and rest and rest != "__version__":
                yield rest.split(".")[0]


def test_every_room_is_listed_once_and_says_what_it_is_for():
    there = {path.stem for path in LIBRARY.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert sorted(ROOMS) == sorted(there - {"__init__", "__pycache__"})
    assert len(ROOMS) <= MOST_ROOMS
    for room in ROOMS:
        module = LIBRARY / f"{room}.py"
        source = module if module.exists() else LIBRARY / room / "__init__.py"
        assert ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))), room


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_from_one_above_it(room):
    modules = [LIBRARY / f"{room}.py", *(LIBRARY / room).rglob("*.py")]
    found = {name for path in modules if path.exists() for name in imported(path)}
    assert found <= set(ROOMS[: ROOMS.index(room) + 1])
