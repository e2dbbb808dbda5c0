"""The core on an emulator that is as strict about addresses as the processor.

The Cortex-M4 faults where a load or store of several registers, or one of the FPU, is not aligned
to a word. QEMU does too; unicorn does not.
"""

import numpy as np
import pytest
import qemu_calls as qemu
from batches import KERNELS, Batch, examples_at_random
from front_end import HostFrontEnd
from installed import needs
from random_networks import NETWORKS, SPARSE_NETWORKS, ways

from kwslib.config import CLIP_SAMPLES, DEPLOYED
from kwslib.deploy.frontend import HEADER, SOURCES, frontend_tables
from kwslib.deploy.toolchain import CORE, cortex_m4
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Smoother, Smoothing

SOMEWHERE = 0x20020000
"""In RAM, beyond what the programs use."""

FRONT_END = """
#include "frontend.h"
static struct kws_frontend frontend;
static uint8_t image[KWS_IMAGE_SIZE];
void run(const int16_t *samples, size_t n);
void run(const int16_t *samples, size_t n)
{
    kws_frontend_reset(&frontend);
    kws_frontend_push(&frontend, samples, n);
    kws_frontend_image(&frontend, image);
}
"""

SMOOTHING = """
#include "smoothing.h"
static struct kws_smoothing smoothing;
static const uint8_t thresholds[2] = {120, 140};
void run(int8_t *scores, int32_t n);
void run(int8_t *scores, int32_t n)
{
    kws_smoothing_reset(&smoothing, 4, 5, thresholds, 300);
    for (int32_t i = 0; i < n; ++i)
        scores[i] = (int8_t)kws_smoothing_push(&smoothing, scores + 4 * i, (uint32_t)(20 * i));
}
"""


TOOLS = {"zig": ["qemu-system-arm"], "gcc": ["qemu-system-arm", "arm-none-eabi-gcc"]}
COMPILERS = pytest.mark.parametrize("compiler", TOOLS)


def build(folder, source, sources, compiler):
    needs(*TOOLS[compiler])
    (folder / "run.c").write_text(source)
    sources = [*sources, folder / "run.c", qemu.HARNESS]
    return cortex_m4(sources, folder / "run.elf", include=[folder], compiler=compiler)


@COMPILERS
@pytest.mark.parametrize("kernels", KERNELS)
def test_networks(kernels, compiler, tmp_path):
    needs(*TOOLS[compiler])
    Batch(examples_at_random(2, NETWORKS, [kernels]), tmp_path).check_on_qemu(compiler)


@COMPILERS
def test_networks_without_their_zeros(compiler, tmp_path):
    needs(*TOOLS[compiler])
    names = "conv2d", "one_channel_conv2d", "fully_connected"
    networks = {name: SPARSE_NETWORKS[name] for name in names}
    Batch(examples_at_random(3, networks, ["dsp"], ways), tmp_path).check_on_qemu(compiler)


@COMPILERS
def test_front_end(compiler, tmp_path):
    clip = np.random.default_rng(0).normal(0, 3000, CLIP_SAMPLES).astype("<i2")
    (tmp_path / HEADER).write_text(frontend_tables())
    program = build(tmp_path, FRONT_END, SOURCES, compiler)
    call = qemu.call(
        program, "run", SOMEWHERE, CLIP_SAMPLES,
        write=(SOMEWHERE, clip.tobytes()), read=("image", DEPLOYED.frames * DEPLOYED.bands),
    )  # fmt: skip
    expected = HostFrontEnd(tmp_path).image_of(clip)
    np.testing.assert_array_equal(np.frombuffer(call.output, np.uint8), expected.reshape(-1))


@COMPILERS
def test_smoothing(compiler, tmp_path):
    n = 200
    scores = np.random.default_rng(0).integers(-128, 128, (n, 4)).astype(np.int8)
    program = build(tmp_path, SMOOTHING, sorted(CORE.glob("smoothing_*.c")), compiler)
    call = qemu.call(
        program, "run", SOMEWHERE, n,
        write=(SOMEWHERE, scores.tobytes()), read=(SOMEWHERE, n),
    )  # fmt: skip
    smoother = Smoother(Smoothing((120, 140), inferences=5, refractory_ms=300))
    detections = [smoother.push(row, 20 * i) for i, row in enumerate(scores)]
    expected = [-1 if detection is None else detection.label for detection in detections]
    assert np.frombuffer(call.output, np.int8).tolist() == expected
    assert set(expected) == {-1, 2, 3}


def test_an_unaligned_load_of_two_registers_faults(tmp_path):
    source = """
    __attribute__((naked)) int pair(const void *from);
    int pair(__attribute__((unused)) const void *from) { __asm__("ldrd r0, r1, [r0]; bx lr"); }
    """
    program = build(tmp_path, source, [], "zig")
    assert qemu.call(program, "pair", SOMEWHERE).value == 0
    with pytest.raises(InputError, match="pair failed in QEMU"):
        qemu.call(program, "pair", SOMEWHERE + 2)
