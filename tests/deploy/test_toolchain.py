"""The compilers build, remember what they built, and say in a line what went wrong."""

import ctypes
import os
import re
import select
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from installed import needs
from sanitizers import sanitized_program

from kwslib.board.emulator import Emulator
from kwslib.deploy import toolchain
from kwslib.deploy.toolchain import CompileError, cortex_m4, shared_library
from kwslib.errors import InputError
from kwslib.folders import cache_folder

ADD = "int add(int, int); int add(int a, int b) { return a + b; }\n"


@pytest.fixture
def add(tmp_path):
    path = tmp_path / "add.c"
    path.write_text(ADD)
    return path


def test_a_shared_library_runs_here(add, tmp_path):
    library = ctypes.CDLL(str(shared_library([add], tmp_path / "add.so")))
    assert library.add(2, 40) == 42


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_a_program_runs_on_the_emulated_board(add, tmp_path, compiler):
    if compiler == "gcc":
        needs("arm-none-eabi-gcc")
    program = cortex_m4([add], tmp_path / "add.elf", compiler=compiler)
    call = Emulator(program).call("add", 2, 40)
    assert (call.value, call.instructions) == (42, 2)


def test_a_changed_source_or_header_is_built_anew(tmp_path):
    source = tmp_path / "value.c"
    source.write_text('#include "value.h"\nint value(void); int value(void) { return VALUE; }\n')
    for value in (1, 2):
        (tmp_path / "value.h").write_text(f"#define VALUE {value}\n")
        output = tmp_path / f"value{value}.so"
        library = shared_library([source], output, include=[tmp_path])
        assert ctypes.CDLL(str(library)).value() == value


def test_what_the_compiler_refuses_is_one_line(tmp_path):
    path = tmp_path / "bad.c"
    path.write_text("int f(void); int f(void) { int unused = 1; return 0; }\n")
    with pytest.raises(CompileError, match="unused") as caught:
        shared_library([path], tmp_path / "bad.so")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "bad.so").exists()


ARRAYS = {
    "ram": "char room[300000]; char *f(int); char *f(int i) { room[i] = 1; return room; }\n",
    "flash": "const char much[1100000] = {1}; const char *f(void); "
    "const char *f(void) { return much; }\n",
    "flash and ram": "char both[1100000] = {1}; char *f(int); "
    "char *f(int i) { both[i] = 2; return both; }\n",
}


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("region", ARRAYS)
def test_what_does_not_fit_the_board_says_by_how_much(tmp_path, compiler, region):
    if compiler == "gcc":
        needs("arm-none-eabi-gcc")
    path = tmp_path / "big.c"
    path.write_text(ARRAYS[region])
    with pytest.raises(InputError) as caught:
        cortex_m4([path], tmp_path / "big.elf", compiler=compiler)
    least = {"flash": 1_100_000 - 2**20, "ram": 300_000 + 4096 - 2**18}
    if region == "flash and ram":
        least["ram"] = 1_100_000 + 4096 - 2**18
    found = re.findall(r"([\d,]+) bytes of (\w+) more than", str(caught.value))
    assert [name for _, name in found] == region.split(" and ")
    for excess, name in found:
        assert least[name] <= int(excess.replace(",", "")) < least[name] + 2000


def test_a_compiler_that_hangs_is_ended_and_told(add, tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_TIMEOUT_S", 0.5)
    held = tmp_path / "held open by what the driver started"
    os.mkfifo(held)
    driver = tmp_path / "driver"
    driver.write_text(f"#!/bin/sh\nsleep 600 > '{held}' &\nwait\n")
    driver.chmod(0o755)
    monkeypatch.setattr(toolchain, "_program", lambda name: str(driver))
    monkeypatch.setattr(toolchain, "_version", lambda command: "")
    end = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(InputError, match=r"did not finish within 0\.5 s; take a smaller network"):
        cortex_m4([add], tmp_path / "add.elf", compiler="gcc")
    assert not (tmp_path / "add.elf").exists()
    assert select.select([end], [], [], 60)[0], "what the driver started lives on"
    os.close(end)


def test_the_cache_keeps_the_builds_used_last(tmp_path, monkeypatch):
    zig = cache_folder("zig")  # its runtime takes long to compile
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "zig").symlink_to(zig)
    monkeypatch.setattr(toolchain, "_KEPT_BUILDS", 2)

    def build(value):
        path = tmp_path / f"{value}.c"
        path.write_text(f"int f(void); int f(void) {{ return {value}; }}\n")
        library = shared_library([path], tmp_path / f"{value}.so")
        assert ctypes.CDLL(str(library)).f() == value
        return set((tmp_path / "cache" / "builds").iterdir())

    (first,) = build(1)
    (second,) = build(2) - {first}
    for path, age in ((first, 20), (second, 10)):
        os.utime(path, (time.time() - age,) * 2)
    assert build(1) == {first, second}  # used again: now the second is the older one
    assert first in build(3)
    assert not second.exists()


def test_the_sanitizers_catch_a_read_outside(tmp_path):
    needs("gcc")
    path = tmp_path / "outside.c"
    path.write_text("int main(int n, char **a) { int x[3] = {0}; (void)a; return x[n + 2]; }\n")
    program = sanitized_program([path], tmp_path / "outside")
    run = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode != 0
    assert "out of bounds" in run.stderr or "overflow" in run.stderr


LOOP = """int sum(const int *, int);
int sum(const int *values, int n) {
    int total = 0;
    for (int i = 0; i < n; ++i)
        total += values[i];
    return total;
}
"""


def test_zig_optimises_as_told(tmp_path):
    path = tmp_path / "loop.c"
    path.write_text(LOOP)
    sizes, counts = {}, {}
    for flag in ("-O1", "-O2", "-O3", "-Os"):
        board = Emulator(cortex_m4([path], tmp_path / "loop.elf", flags=[flag]))
        sizes[flag] = board.elf.flash
        counts[flag] = board.call("sum", 0x20000000, 100).instructions
    assert sizes["-Os"] < sizes["-O1"] < sizes["-O2"] < sizes["-O3"]
    assert counts["-O2"] < counts["-O1"]


@pytest.mark.parametrize("name", ["100%", "%b", "a 'quoted\" name", "mühle", "-x", "$HOME;@#(1)"])
@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_folders_may_have_any_name(add, tmp_path, monkeypatch, name, compiler):
    if compiler == "gcc":
        needs("arm-none-eabi-gcc")
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setenv("KWS_CACHE", str(folder / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.chdir(folder)
    source = Path("add.c")
    source.write_text(ADD)
    program = cortex_m4([source], Path("out") / name, include=[Path()], compiler=compiler)
    assert Emulator(program).call("add", 2, 40).value == 42
    assert sorted(path.name for path in folder.iterdir()) == ["add.c", "cache", "out"]
