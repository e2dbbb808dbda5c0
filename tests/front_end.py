"""The front end in C, compiled for this machine and for the emulated board, called from Python."""

import ctypes

import numpy as np

from kwslib.board.emulator import Emulator
from kwslib.config import DEPLOYED
from kwslib.deploy.frontend import HEADER, SOURCES, frontend_tables
from kwslib.deploy.toolchain import cortex_m4, shared_library

PROBE = """
#include "frontend.h"

static struct kws_frontend frontend;
static int16_t samples[16000] __attribute__((aligned(4)));
static uint8_t image[KWS_IMAGE_SIZE] __attribute__((aligned(4)));

void *probe_frontend(void);
void *probe_samples(void);
void *probe_image(void);

void *probe_frontend(void)
{
    return &frontend;
}

void *probe_samples(void)
{
    return samples;
}

void *probe_image(void)
{
    return image;
}
"""
"""Memory on the board for what its caller owns."""


class HostFrontEnd:
    """A stream through the shared library."""

    def __init__(self, folder, config=DEPLOYED, flags=("-O2",)):
        (folder / HEADER).write_text(frontend_tables(config))
        path = shared_library(SOURCES, folder / "frontend.so", include=[folder], flags=flags)
        self.library = ctypes.CDLL(str(path))
        for function in ("kws_frontend_size", "kws_frontend_push"):
            getattr(self.library, function).restype = ctypes.c_size_t
        self.library.kws_frontend_pixel.argtypes = [ctypes.c_float]
        self.library.kws_frontend_pixel.restype = ctypes.c_uint8
        self._shape = config.frames, config.bands
        self._state = ctypes.create_string_buffer(self.library.kws_frontend_size())
        self.reset()

    def reset(self):
        self.library.kws_frontend_reset(self._state)

    def push(self, samples):
        samples = np.ascontiguousarray(samples, np.int16)
        pointer = samples.ctypes.data_as(ctypes.c_void_p)
        return self.library.kws_frontend_push(self._state, pointer, ctypes.c_size_t(len(samples)))

    def power_of(self, frame):
        """Power in each band, float32, of one frame."""
        spectrum = (ctypes.c_float * DEPLOYED.fft)()
        power = np.empty(DEPLOYED.bands, np.float32)
        self.library.kws_frontend_window(frame.ctypes.data_as(ctypes.c_void_p), spectrum)
        self.library.kws_fft(spectrum)
        self.library.kws_frontend_mel(spectrum, power.ctypes.data_as(ctypes.c_void_p))
        return power

    @property
    def image(self):
        image = np.empty(self._shape, np.uint8)
        self.library.kws_frontend_image(self._state, image.ctypes.data_as(ctypes.c_void_p))
        return image

    @property
    def input(self):
        image = np.empty(self._shape, np.int8)
        self.library.kws_frontend_input(self._state, image.ctypes.data_as(ctypes.c_void_p))
        return image

    @property
    def spectrum(self):
        """Bytes of the last frame's transform, with which the state begins."""
        return self._state.raw[: 4 * DEPLOYED.fft]

    def image_of(self, clip):
        self.reset()
        self.push(clip)
        return self.image


class BoardFrontEnd:
    """A stream through the emulated board; ``call`` is the last call of :meth:`push`."""

    def __init__(self, folder, compiler, flags=("-O2",)):
        (folder / HEADER).write_text(frontend_tables())
        (folder / "probe.c").write_text(PROBE)
        sources = [*SOURCES, folder / "probe.c"]
        program = cortex_m4(
            sources, folder / "frontend.elf", include=[folder], compiler=compiler, flags=flags
        )
        self.board = Emulator(program)
        self._state, self._samples, self._image = (
            self.board.call(f"probe_{name}").value for name in ("frontend", "samples", "image")
        )
        self.reset()

    def reset(self):
        self.board.call("kws_frontend_reset", self._state)

    def push(self, samples):
        """Up to a second."""
        self.board.write(self._samples, np.asarray(samples, "<i2").tobytes())
        self.call = self.board.call("kws_frontend_push", self._state, self._samples, len(samples))
        return self.call.value

    @property
    def image(self):
        self.call = self.board.call("kws_frontend_image", self._state, self._image)
        return self._read(np.uint8)

    @property
    def input(self):
        self.call = self.board.call("kws_frontend_input", self._state, self._image)
        return self._read(np.int8)

    @property
    def spectrum(self):
        return self.board.read(self._state, 4 * DEPLOYED.fft)

    def _read(self, kind):
        size = DEPLOYED.frames * DEPLOYED.bands
        return np.frombuffer(self.board.read(self._image, size), kind).reshape(-1, DEPLOYED.bands)

    def image_of(self, clip):
        self.reset()
        self.push(clip)
        return self.image
