"""QEMU and unicorn, clang and gcc agree on results; on one program also on its instructions."""

import shutil
import subprocess

import numpy as np
import pytest
import qemu_calls as qemu
from installed import needs

from kwslib.board.emulator import Emulator
from kwslib.deploy.compile import compile_network
from kwslib.deploy.toolchain import cortex_m4
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph

SOURCE = r"""
#include <stdint.h>
int8_t bytes[64];
__attribute__((naked)) uint32_t countdown(uint32_t n);
uint32_t countdown(__attribute__((unused)) uint32_t n)
{
    __asm__("1: subs r0, #1\n\tbne 1b\n\tbx lr");
}
__attribute__((naked)) uint32_t conditional(uint32_t n);
uint32_t conditional(__attribute__((unused)) uint32_t n)
{
    __asm__("cmp r0, #0\n\tite eq\n\tmoveq r0, #10\n\tmovne r0, #20\n\tbx lr");
}
uint32_t mixed(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
uint32_t mixed(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    float x = (float)a * 0.25f + (float)b;
    for (uint32_t i = 0; i < c; ++i)
        x = x > 1000.0f ? x / 3.0f : x + (float)(bytes[i % 64] * (int32_t)d);
    return (uint32_t)(int32_t)x;
}
void reverse(uint32_t n);
void reverse(uint32_t n)
{
    for (uint32_t i = 0; i < n / 2; ++i) {
        const int8_t kept = bytes[i];
        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = kept;
    }
}
uint32_t fault(void);
uint32_t fault(void) { return *(volatile uint32_t *)0xF0000000; }
void hang(void);
void hang(void) { for (;;) __asm__ volatile(""); }
"""


@pytest.fixture(scope="module", params=["zig", "gcc"])
def compiler(request):
    needs("qemu-system-arm")
    if request.param == "gcc":
        needs("arm-none-eabi-gcc")
    return request.param


@pytest.fixture(scope="module")
def program(tmp_path_factory, compiler):
    folder = tmp_path_factory.mktemp("qemu")
    (folder / "program.c").write_text(SOURCE)
    sources = [folder / "program.c", qemu.HARNESS]
    return cortex_m4(sources, folder / "program.elf", compiler=compiler)


@pytest.mark.parametrize("n", [1, 2, 3, 1000, 1_000_000])
def test_hand_counted_loops(program, n):
    call = qemu.call(program, "countdown", n)
    assert (call.value, call.instructions) == (0, 2 * n + 1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("conditional", (0,)), ("conditional", (7,)), ("mixed", (5, 6, 300, 7)), ("reverse", (64,))],
)
def test_both_emulators_agree(program, name, arguments):
    data = np.random.default_rng(0).integers(-128, 128, 64).astype(np.int8).tobytes()
    found = qemu.call(program, name, *arguments, write=("bytes", data), read=("bytes", 64))
    board = Emulator(program)
    board.write("bytes", data)
    expected = board.call(name, *arguments)
    assert found.instructions == expected.instructions
    assert found.output == board.read("bytes", 64)
    if name != "reverse":  # which returns nothing
        assert found.value == expected.value


def test_bytes_go_in_and_out(program):
    data = bytes(range(10))
    call = qemu.call(program, "reverse", 10, write=("bytes", data), read=("bytes", 12))
    assert call.output == data[::-1] + b"\0\0"


def test_the_published_network_is_the_same_on_every_emulator_and_compiler(compiler, tmp_path):
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    compile_network(graph, "emulator", tmp_path)
    sources = [tmp_path / "network.c", qemu.HARNESS]
    program = cortex_m4(sources, tmp_path / "both.elf", include=[tmp_path], compiler=compiler)
    board = Emulator(program)
    image, scores = (board.call(f"kws_network_{end}").value for end in ("input", "output"))
    data = np.random.default_rng(0).integers(-128, 128, graph.input.size).astype(np.int8)
    board.write(image, data.tobytes())
    expected = board.call("kws_network_run")
    write, read = (image, data.tobytes()), (scores, graph.output.size)
    found = qemu.call(program, "kws_network_run", write=write, read=read)
    assert found.output == board.read(*read)
    assert found.instructions == expected.instructions


def test_what_goes_wrong_is_named(program, monkeypatch):
    with pytest.raises(InputError, match="has no symbol 'nothing'"):
        qemu.call(program, "nothing")
    with pytest.raises(InputError, match="fault failed in QEMU: it faulted"):
        qemu.call(program, "fault")
    monkeypatch.setattr(qemu, "TIMEOUT_S", 1)
    with pytest.raises(InputError, match="hang did not return within 1 s"):
        qemu.call(program, "hang")


def test_a_missing_qemu_is_named(program, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(subprocess, "run", None)
    with pytest.raises(InputError, match="apt-get install qemu-system-arm"):
        qemu.call(program, "countdown", 1)
