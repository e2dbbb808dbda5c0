"""What fills the board: parts that add up to what the linker says."""

import subprocess

import pytest
from devices import tiny_conv
from installed import needs

from kwslib.board.emulator import Emulator
from kwslib.board.footprint import DEVICE, FRONT_END, NETWORK, REST, SMOOTHING, memory_parts
from kwslib.deploy.compile import compile_network


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_network(tiny_conv(), "emulator", tmp_path_factory.mktemp("emulator"))


@pytest.fixture(scope="module")
def parts(compiled):
    return {part.name: part for part in memory_parts(Emulator(compiled.program))}


def test_sums_are_the_linkers(compiled, parts):
    needs("arm-none-eabi-size")
    lines = subprocess.check_output(["arm-none-eabi-size", "-A", compiled.program], text=True)
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines.splitlines()[2:] if line}
    flash = sizes[".text"] + sizes.get(".ARM.exidx", 0) + sizes[".data"]
    assert sum(part.flash for part in parts.values()) == flash
    assert sum(part.ram for part in parts.values()) == sizes[".data"] + sizes[".bss"]


def test_parts_hold_what_they_must(compiled, parts):
    assert parts[NETWORK].constants >= tiny_conv().operators[0].weights.size + 16_000
    assert parts[NETWORK].ram == compiled.source.arena.size
    # a spectrum of 512 floats, a window of 480 samples, an image, three counters
    assert parts[FRONT_END].ram == pytest.approx(4 * 512 + 2 * 480 + 49 * 40, abs=16)
    assert parts[SMOOTHING].ram >= 50 * 40
    assert parts[DEVICE].ram >= 1960


def test_little_is_left_over(parts):
    assert 0 <= parts[REST].flash < 1024
    assert 0 <= parts[REST].ram < 64
