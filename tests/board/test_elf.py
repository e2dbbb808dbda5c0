"""ELF files are read with bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.board.elf import read_elf
from kwslib.deploy.toolchain import cortex_m4
from kwslib.errors import InputError


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elf")
    (folder / "a.c").write_text(
        "int f(int); int f(int x) { return x; }"
        "int v = 3; int *g(void); int *g(void) { return &v; }\n"
    )
    return cortex_m4([folder / "a.c"], folder / "a.elf")


def test_symbols_and_segments(program):
    elf = read_elf(program)
    assert elf.symbols["f"].is_function
    assert elf.symbols["f"].size == 2
    assert elf.symbols["f"].address % 2 == 0
    assert not elf.symbols["v"].is_function
    assert elf.symbols["v"].address >= 0x20000000
    assert elf.segments[0][0] == 0


def test_functions_stand_under_one_name(tmp_path):
    (tmp_path / "a.c").write_text(
        "int f(int); int f(int x) { return x; }\n"
        '__attribute__((alias("f"))) int _f(int); __attribute__((alias("f"))) int g(int);\n'
        "__attribute__((noinline)) static int h(int x) { return x + 1; }\n"
        "int i(int); int i(int x) { return h(h(x)); }\n"
    )
    (tmp_path / "b.c").write_text(
        "__attribute__((noinline)) static int h(int x) { return x * x * 3; }\n"
        "int j(int); int j(int x) { return h(h(x)); }\n"
    )
    elf = read_elf(cortex_m4([tmp_path / "a.c", tmp_path / "b.c"], tmp_path / "a.elf"))
    names = [function.name for function in elf.functions]
    assert names.count("f") == 1 and not {"_f", "g"} & set(names)
    assert names.count("h") == 2, "two static functions of one name"
    for function in elf.functions:
        last = function.address + function.size - 1
        assert elf.function_at(function.address) == elf.function_at(last) == function.name
    assert elf.function_at(0x0FFFFFFF) == "no function"


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file; 'kws compile' makes"):
        read_elf(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="is no program for the board"):
        read_elf(tmp_path / "text")


@settings(max_examples=300)
@given(data=st.data())
def test_an_altered_file_is_read_or_refused(program, data):
    content = bytearray(program.read_bytes())
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    changed = program.with_suffix(".changed")
    changed.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        read_elf(changed)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
