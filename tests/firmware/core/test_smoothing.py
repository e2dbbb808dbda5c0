"""Smoothing in C equals the Python reference, wherever it runs."""

import ctypes
import re
import subprocess

import numpy as np
import pytest
from host_smoothing import SOURCES, HostSmoother, smoothing_library
from hypothesis import given
from hypothesis import strategies as st
from installed import needs
from sanitizers import sanitized_program

from kwslib.board.emulator import Emulator
from kwslib.deploy.toolchain import CORE, cortex_m4
from kwslib.evaluation.smoothing import (
    FIRST_KEYWORD,
    MAX_INFERENCES,
    MAX_LABELS,
    Smoother,
    Smoothing,
)

MOST_INSTRUCTIONS = 5_000
NONE = -1


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return smoothing_library(tmp_path_factory.mktemp("host"))


@st.composite
def streams(draw):
    """Settings, scores ``[n, labels]`` that now and then favour a label for a while, times."""
    labels = draw(st.integers(FIRST_KEYWORD + 1, MAX_LABELS))
    settings = Smoothing(
        tuple(draw(st.lists(st.integers(0, 255), min_size=labels - 2, max_size=labels - 2))),
        draw(st.integers(1, MAX_INFERENCES)),
        draw(st.one_of(st.integers(0, 3000), st.just(2**31 - 1))),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 120))
    favoured = np.repeat(rng.integers(0, labels, n), rng.integers(1, 12, n))[:n]
    scores = np.where(
        favoured[:, None] == np.arange(labels),
        rng.integers(-128, 128, (n, labels)),
        rng.integers(-128, draw(st.integers(-127, 128)), (n, labels)),
    )
    steps = rng.choice([0, 20, 100, 700, 2**31, 2**32 - 300], n, p=[0.1, 0.4, 0.3, 0.1, 0.05, 0.05])
    times = draw(st.integers(0, 2**32 - 1)) + np.cumsum(steps)
    return settings, scores.tolist(), times.tolist()


def label_of(detection):
    return NONE if detection is None else detection.label


@given(streams())
def test_equals_the_python_reference(library, stream):
    settings, rows, times = stream
    ours, reference = HostSmoother(library, settings), Smoother(settings)
    for scores, time in zip(rows, times, strict=True):
        assert ours.push(scores, time) == label_of(reference.push(scores, time))
        assert ours.sums == reference.sums


def test_streams_of_the_test_have_detections():
    """A comparison of streams in which nothing is ever heard would say little."""
    heard = 0

    @given(streams())
    def count(stream):
        nonlocal heard
        settings, rows, times = stream
        smoother = Smoother(settings)
        found = [smoother.push(*pair) for pair in zip(rows, times, strict=True)]
        heard += any(found)

    count()
    assert heard >= 20


def test_limits_are_those_of_python():
    header = (CORE / "smoothing.h").read_text()
    macros = dict(re.findall(r"#define KWS_SMOOTHING_(\w+) (\d+)", header))
    assert int(macros["LABELS"]) == MAX_LABELS
    assert int(macros["INFERENCES"]) == MAX_INFERENCES
    assert int(macros["KEYWORD"]) == FIRST_KEYWORD


@pytest.mark.parametrize(
    ("labels", "inferences", "refractory"),
    [
        (2, 1, 0),
        (-1, 1, 0),
        (MAX_LABELS + 1, 1, 0),
        (4, 0, 0),
        (4, MAX_INFERENCES + 1, 0),
        (4, 1, 2**31),
    ],
)
def test_settings_that_do_not_fit_are_refused(library, labels, inferences, refractory):
    state = ctypes.create_string_buffer(library.kws_smoothing_size())
    thresholds = bytes(MAX_LABELS)
    assert not library.kws_smoothing_reset(
        state, labels, inferences, thresholds, ctypes.c_uint32(refractory)
    )


PROBE = """
#include "smoothing.h"

static struct kws_smoothing smoothing;
static uint8_t bytes[KWS_SMOOTHING_LABELS];

void *probe_smoothing(void);
void *probe_bytes(void);
bool probe_reset(int32_t labels, int32_t inferences, uint32_t refractory_ms);

void *probe_smoothing(void)
{
    return &smoothing;
}

void *probe_bytes(void)
{
    return bytes;
}

bool probe_reset(int32_t labels, int32_t inferences, uint32_t refractory_ms)
{
    return kws_smoothing_reset(&smoothing, labels, inferences, bytes, refractory_ms);
}
"""


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_cortex_m4_equals_the_python_reference_in_its_budget(compiler, tmp_path):
    (tmp_path / "probe.c").write_text(PROBE)
    board = Emulator(
        cortex_m4([*SOURCES, tmp_path / "probe.c"], tmp_path / "s.elf", compiler=compiler)
    )
    state, memory = board.call("probe_smoothing").value, board.call("probe_bytes").value
    rng = np.random.default_rng(0)
    heard = most = 0
    for labels in (3, 4, 12, MAX_LABELS):
        settings = Smoothing((140,) * (labels - 2), inferences=7, refractory_ms=450)
        board.write(memory, bytes(settings.thresholds))
        assert board.call("probe_reset", labels, 7, 450).value == 1
        reference = Smoother(settings)
        for i in range(60):
            scores = rng.integers(-128, -50, labels).astype(np.int8)
            scores[(i // 10) % labels] = 120
            time = 2**32 - 2000 + 100 * i
            board.write(memory, scores.tobytes())
            call = board.call("kws_smoothing_push", state, memory, time)
            expected = label_of(reference.push(scores, time))
            assert call.value == expected % 2**32
            heard += expected != NONE
            most = max(most, call.instructions)
    assert heard > 10
    assert most <= MOST_INSTRUCTIONS


MAIN = """
#include <stdio.h>
#include "smoothing.h"

/* Rows of 40 scores on standard input; each row's detection on standard output. */
int main(void)
{
    static struct kws_smoothing smoothing;
    static const uint8_t thresholds[KWS_SMOOTHING_LABELS - 2];
    int8_t scores[KWS_SMOOTHING_LABELS];
    uint32_t time = UINT32_MAX - 1000;
    if (!kws_smoothing_reset(&smoothing, KWS_SMOOTHING_LABELS, 50, thresholds, 300))
        return 1;
    while (fread(scores, 1, sizeof scores, stdin) == sizeof scores) {
        const int32_t label = kws_smoothing_push(&smoothing, scores, time += 20);
        if (label != KWS_NO_DETECTION && kws_smoothing_sum(&smoothing, label) == 0)
            return 2;
        printf("%d\\n", label);
    }
    return 0;
}
"""


def test_sanitizers_find_nothing(tmp_path):
    needs("gcc")
    (tmp_path / "main.c").write_text(MAIN)
    program = sanitized_program([*SOURCES, tmp_path / "main.c"], tmp_path / "sanitized")
    rows = np.random.default_rng(1).integers(-128, 128, (200, MAX_LABELS)).astype(np.int8)
    rows[::3] = 127
    run = subprocess.run([program], input=rows.tobytes(), capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    reference = Smoother(Smoothing((0,) * (MAX_LABELS - 2), 50, 300))
    times = range(2**32 - 1 - 1000 + 20, 2**33, 20)
    expected = [label_of(reference.push(row, time)) for row, time in zip(rows, times, strict=False)]
    assert [int(line) for line in run.stdout.split()] == expected
