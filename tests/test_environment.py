"""The files that make the environment agree with each other and with what the code imports."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]
ON_DEMAND = [
    Requirement(line)
    for extra in ("cluster", "microphone")
    for line in PROJECT["optional-dependencies"][extra]
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def conda() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def conda_pip_lines() -> list[str]:
    return next(part["pip"] for part in conda()["dependencies"] if isinstance(part, dict))


def imported_modules(folder: Path) -> set[str]:
    modules = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    return modules - set(sys.stdlib_module_names) - {"kwslib"}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # a make of its own, not a part of the make that may run the tests
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL"}}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_every_direct_dependency_is_pinned_within_its_specifier():
    pinned = pins()
    for requirement in RUNTIME + DEVELOPMENT:
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in constraints.txt; run make constraints"
        assert requirement.specifier.contains(pinned[name], prereleases=True), requirement


def test_who_develops_can_run_on_a_cluster():
    assert set(PROJECT["optional-dependencies"]["cluster"]) <= {str(each) for each in DEVELOPMENT}


def test_pins_fit_every_build_of_torch():
    pinned = pins()
    assert all(version.local is None for version in pinned.values())
    assert not [name for name in pinned if name.startswith(("nvidia", "cuda", "triton"))]


def test_conda_environment_names_the_packages_of_pyproject():
    listed = [Requirement(line) for line in conda_pip_lines() if not line.startswith("-")]
    assert {str(requirement) for requirement in listed} == {
        str(requirement) for requirement in RUNTIME + DEVELOPMENT
    }
    assert [line for line in conda_pip_lines() if line.startswith("-")][-2:] == [
        "-c constraints.txt",
        "-e .",
    ]


def test_conda_takes_a_python_that_the_project_supports():
    (python,) = [part for part in conda()["dependencies"] if str(part).startswith("python=")]
    minimum = Requirement("python" + PROJECT["requires-python"]).specifier
    assert minimum.contains(python.removeprefix("python="))


def undeclared(modules: set[str], requirements: list[Requirement]) -> dict[str, set[str]]:
    declared = {canonicalize_name(requirement.name) for requirement in requirements}
    providers = packages_distributions()
    packages = {
        module: {canonicalize_name(name) for name in providers.get(module, [module])}
        for module in modules
    }
    return {module: names for module, names in packages.items() if not names & declared}


def test_what_the_library_imports_is_declared():
    assert undeclared(imported_modules(ROOT / "kwslib"), RUNTIME + ON_DEMAND) == {}


def test_what_the_tests_import_is_declared():
    local = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"tests"}
    assert undeclared(imported_modules(ROOT / "tests") - local, RUNTIME + DEVELOPMENT) == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_calls_make_targets_that_exist(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    called = re.findall(
        r"\bmake ([a-z-]+)", "\n".join(step.get("run", "") for step in steps(workflow))
    )
    assert called
    assert set(called) <= targets


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_takes_cpu_builds_and_released_actions(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["env"]["PIP_EXTRA_INDEX_URL"] == "https://download.pytorch.org/whl/cpu"
    for step in steps(workflow):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v4"))


def test_ci_runs_the_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert "make test" in script.read_text(encoding="utf-8")


def test_help_names_every_target():
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    listed = re.findall(r"^  ([a-z-]+) ", make("help").stdout, re.MULTILINE)
    assert set(phony.group(1).split()) <= set(listed)


def test_an_environment_that_stands_is_not_installed_again(tmp_path):
    for name in ["Makefile", "pyproject.toml", "constraints.txt"]:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    installed = tmp_path / ".venv" / "installed"
    installed.parent.mkdir()
    installed.touch()
    assert "pip install" not in make("-n", "report", cwd=tmp_path).stdout
    os.utime(installed, (0, 0))
    assert "-c constraints.txt -e '.[dev]'" in make("-n", "report", cwd=tmp_path).stdout


def test_report_passes_profile_data_and_parameters_on():
    plan = make("-n", "report", "PROFILE=full", "DATA=/a b", "P=training.epochs=40 training.seed=1")
    assert (
        'kws report --profile full --data "/a b" -p training.epochs=40 -p training.seed=1'
        in plan.stdout
    )


def test_the_long_tests_run_on_the_full_report_without_data_and_nowhere_else(tmp_path):
    plan = make("-n", "test-long", "DATA=/a", "P=training.seed=1").stdout
    assert "kws report --profile full" in plan and "--data" not in plan and "-p " not in plan
    assert "pytest -n 2 --dist loadgroup --no-loadscope-reorder -m long" in plan
    path = tmp_path / "test_marked.py"
    path.write_text(
        "import pytest\n@pytest.mark.long\ndef test_it(): pass\ndef test_quick(): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--co", "-q", path]
    found = [
        subprocess.run([*command, *more], capture_output=True, text=True).stdout
        for more in ([], ["-m", "long"])
    ]
    assert ["test_it" in each for each in found] == [False, True]
    assert ["test_quick" in each for each in found] == [True, False]


@pytest.mark.parametrize("python", ["", "false"], ids=["none", "old"])
def test_a_missing_python_is_told_in_one_line(tmp_path, python):
    for name in ["Makefile", "pyproject.toml", "constraints.txt"]:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    run = make("install", f"PYTHON={python}", cwd=tmp_path)
    assert run.returncode != 0
    assert run.stderr.splitlines()[0].startswith("Python 3.11, 3.12 or 3.13 is needed; ")
    assert not (tmp_path / ".venv").exists()


def test_citation_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == [{"name": "the project's contributors"}]
    assert citation["license"] == PROJECT["license"]
    assert {"message", "title", "type", "version"} <= set(citation)


def test_citation_has_the_version_of_the_code():
    source = (ROOT / "kwslib" / "__init__.py").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'__version__ = "{citation["version"]}"' in source


def test_readme_links_lead_somewhere():
    for page in ["README.md", "CONTRIBUTING.md"]:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)", text):
            if not target.startswith("http"):
                assert (ROOT / target).exists(), f"{page} links to {target}"
