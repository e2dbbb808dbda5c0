"""The stages stand in the order in which sound travels; nothing imports upwards or in a circle."""

import ast
import json
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kwslib"

LISTED = re.search(r"^`config`.*$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)[0]
ROOMS = re.findall(r"`(\w+)`", LISTED)
"""From the ground up, as CONTRIBUTING.md lists them. A room imports from itself and from those
before it."""

MOST_ROOMS = 25


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name, path, everywhere=True):
    """Modules of the package that a module imports, anywhere in it or only when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else _loaded(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in SOURCES)
        elif isinstance(node, ast.ImportFrom):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in SOURCES:
                    yield full
                elif base in SOURCES:
                    yield base


def _loaded(body):
    """Statements that run when the module is loaded: none inside functions."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ("body", "orelse", "handlers", "finalbody"):
                yield from _loaded(getattr(node, inner, []))


def level_of(name):
    """Where its room stands; the package itself is below all."""
    _, _, inside = name.partition(".")
    return ROOMS.index(inside.split(".")[0]) if inside else -1


@pytest.mark.parametrize("name", SOURCES)
def test_no_module_imports_upwards(name):
    upwards = [
        f"{name} imports {imported}"
        for imported in imports_of(name, SOURCES[name])
        if level_of(imported) > level_of(name)
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: {imported for imported in imports_of(name, path) if imported != name}
        for name, path in SOURCES.items()
    }
    for name in graph:  # a package offers what its modules define: it is not below them
        graph[name] -= {name.rpartition(".")[0]}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(reversed(error.args[1]))}")


def test_the_check_sees_imports_in_functions_packages_and_relative_ones(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(
        "from kwslib import models\n"
        "from kwslib.data import task, source as s\n"
        "from .main import main\n"
        "import kwslib.files\n"
        "def f():\n    from kwslib.evaluation.accuracy import evaluate\n"
    )
    found = list(imports_of("kwslib.cli.m", path))
    assert sorted(found) == [
        "kwslib.cli.main",
        "kwslib.data.source",
        "kwslib.data.task",
        "kwslib.evaluation.accuracy",
        "kwslib.files",
        "kwslib.models",
    ]
    assert "kwslib.evaluation.accuracy" not in imports_of("kwslib.cli.m", path, everywhere=False)


HEAVY = ("torch", "torchaudio", "tensorflow", "altair", "papermill", "scipy", "soundfile", "numpy")


def loaded_by(code):
    """The heavy packages that a fresh interpreter has loaded after ``code``."""
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def test_importing_the_package_and_its_ground_loads_nothing_heavy():
    ground = "import kwslib, kwslib.config, kwslib.errors, kwslib.files, kwslib.records"
    assert loaded_by(ground) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "from kwslib.cli import main\n"
        f"try: main({arguments})\n"
        "except SystemExit as end: assert end.code == 0, end.code"
    )
    assert not {"torch", "torchaudio", "tensorflow"} & set(loaded_by(code))
    if arguments != ["train", "--help"]:
        assert loaded_by(code) == []


@pytest.mark.parametrize("verb", ["data", "evaluate"])
def test_help_of_a_verb_loads_neither_torch_nor_tensorflow(verb):
    code = f"import kwslib.cli.{verb}"
    assert not {"torch", "torchaudio", "tensorflow"} & set(loaded_by(code))


def test_every_room_is_listed_once_and_says_what_it_is_for():
    there = {name.split(".")[1] for name in SOURCES if "." in name}
    assert sorted(ROOMS) == sorted(there)
    assert len(ROOMS) <= MOST_ROOMS
    for room in ROOMS:
        source = SOURCES[f"kwslib.{room}"].read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(source)), room
