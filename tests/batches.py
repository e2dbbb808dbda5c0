"""Many networks in one program: a compiler is called once for all, and all run in one call.

A network's C is compiled in a file of its own, as always; only the names that it exports get its
number, so that it can stand beside others.
"""

import ctypes
import re
import subprocess
from dataclasses import dataclass

import numpy as np
import pytest
import qemu_calls as qemu
from accepted import graph_or_reject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import needs
from reference import run_reference
from sanitizers import sanitized_program

from kwslib.board.emulator import Emulator
from kwslib.deploy.codegen import KERNELS, generate
from kwslib.deploy.toolchain import cortex_m4, shared_library

AUTO = st.just("auto")

RUN_ALL = """
#include <stddef.h>
#include <string.h>
%(includes)s
static const struct {
    int8_t *(*input)(void);
    const int8_t *(*output)(void);
    void (*run)(void);
    size_t input_size, output_size, times;
} networks[] = {%(networks)s};
int8_t inputs[%(input_bytes)d];
int8_t outputs[%(output_bytes)d];
void run_all(void);
void run_all(void)
{
    const int8_t *in = inputs;
    int8_t *out = outputs;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; ++i)
        for (size_t time = 0; time < networks[i].times; ++time) {
            memcpy(networks[i].input(), in, networks[i].input_size);
            networks[i].run();
            memcpy(out, networks[i].output(), networks[i].output_size);
            in += networks[i].input_size;
            out += networks[i].output_size;
        }
}
"""

MAIN = """
#include <stdint.h>
#include <stdio.h>
extern int8_t inputs[%(input_bytes)d], outputs[%(output_bytes)d];
void run_all(void);
int main(void)
{
    if (fread(inputs, 1, sizeof inputs, stdin) != sizeof inputs)
        return 3;
    run_all();
    return fwrite(outputs, 1, sizeof outputs, stdout) != sizeof outputs;
}
"""


def often(few, many):
    """So many examples of each kind in ``make test``, and in ``make test-long``."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.long)])


def inputs_for(size, seed):
    """Random ones, the extremes, and a constant."""
    rng = np.random.default_rng(seed)
    random = rng.integers(-128, 128, (3, size))
    edges = np.stack([np.full(size, -128), np.full(size, 127), rng.choice([-128, 127], size)])
    return np.concatenate([random, edges]).astype(np.int8)


@dataclass(frozen=True)
class Example:
    """A network's C, and the outputs, int8 ``[n, size]``, that belong to inputs ``[n, size]``."""

    name: str
    source: object
    inputs: np.ndarray
    expected: np.ndarray


def examples_of(name, graph, data, inputs, kernels=KERNELS, sparse="auto"):
    """A network in the C of several kinds, all of which must equal the reference interpreter."""
    expected = run_reference(data, inputs)
    return [
        Example(f"{name}, {kind}", generate(graph, kind, sparse=sparse), inputs, expected)
        for kind in kernels
    ]


def examples_at_random(count, networks, kernels=KERNELS, sparse=AUTO):
    """So many of each strategy's networks, the same in each run."""
    found = []

    def gather(name, strategy):
        @settings(
            max_examples=count, suppress_health_check=list(HealthCheck),
            derandomize=True, database=None,
        )  # fmt: skip
        @given(data=strategy, sparse=sparse, seed=st.integers(0, 2**32 - 1))
        def draw(data, sparse, seed):
            graph = graph_or_reject(data)
            inputs = inputs_for(graph.input.size, seed)
            called = f"{name}, example {len(found)}, sparse {sparse}"
            found.extend(examples_of(called, graph, data, inputs, kernels, sparse))

        draw()

    for name, strategy in networks.items():
        gather(name, strategy)
    return found


class Batch:
    """Networks of which each must give what is expected, wherever they run."""

    def __init__(self, examples, folder):
        """Write the C of all into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._examples, self._folder, self._sources = examples, folder, []
        for number, example in enumerate(examples):
            (folder / f"network_{number}.h").write_text(_numbered(example.source.header, number))
            self._write(f"network_{number}.c", _numbered(example.source.source, number))
        self._inputs = b"".join(example.inputs.tobytes() for example in examples)
        self._sizes = {
            "input_bytes": len(self._inputs),
            "output_bytes": sum(example.expected.size for example in examples),
        }
        numbers = range(len(examples))
        includes = "\n".join(f'#include "network_{number}.h"' for number in numbers)
        rows = ",\n".join(map(self._row, numbers))
        self._write("run_all.c", RUN_ALL % {"includes": includes, "networks": rows, **self._sizes})

    def _write(self, name, text):
        (self._folder / name).write_text(text)
        self._sources.append(self._folder / name)

    def _row(self, number):
        functions = [f"kws_network_{part}_{number}" for part in ("input", "output", "run")]
        example = self._examples[number]
        sizes = example.inputs.shape[1], example.expected.shape[1], len(example.inputs)
        return "{" + ", ".join(map(str, [*functions, *sizes])) + "}"

    def check_on_the_host(self):
        library = ctypes.CDLL(
            shared_library(
                self._sources, self._folder / "all.so", include=[self._folder], flags=["-O1"]
            )
        )
        ctypes.memmove(library.inputs, self._inputs, len(self._inputs))
        library.run_all()
        self._check(ctypes.string_at(library.outputs, self._sizes["output_bytes"]))

    def board(self):
        """The emulated board; a layer's function is called by its name and its network's number."""
        return Emulator(cortex_m4(self._sources, self._folder / "all.elf", include=[self._folder]))

    def check_on_the_emulator(self):
        board = self.board()
        board.write("inputs", self._inputs)
        board.call("run_all")
        self._check(board.read("outputs", self._sizes["output_bytes"]))

    def check_on_qemu(self, compiler):
        program = cortex_m4(
            [*self._sources, qemu.HARNESS], self._folder / "qemu.elf",
            include=[self._folder], compiler=compiler,
        )  # fmt: skip
        read = "outputs", self._sizes["output_bytes"]
        self._check(qemu.call(program, "run_all", write=("inputs", self._inputs), read=read).output)

    def check_sanitized(self):
        self._check(self.run_sanitized())

    def run_sanitized(self):
        """The outputs under the address and undefined-behaviour sanitizers, which find nothing."""
        needs("gcc")
        self._write("main.c", MAIN % self._sizes)
        program = sanitized_program(
            self._sources, self._folder / "sanitized", include=[self._folder]
        )
        run = subprocess.run(
            [program], input=self._inputs, capture_output=True, timeout=300, check=False
        )
        assert run.returncode == 0, run.stderr[:2000].decode()
        return run.stdout

    def _check(self, outputs):
        start = 0
        for example in self._examples:
            expected = example.expected
            found = np.frombuffer(outputs, np.int8, expected.size, start).reshape(expected.shape)
            np.testing.assert_array_equal(found, expected, err_msg=example.name)
            start += expected.size


def _numbered(text, number):
    """C in which whatever a network exports, and each of its layers, has its number."""
    text = re.sub(r"\b(kws_network|KWS_NETWORK|layer_\d+)_\w+", rf"\g<0>_{number}", text)
    return text.replace('"network.h"', f'"network_{number}.h"')
