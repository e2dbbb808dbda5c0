"""The smoothing in C, compiled for this machine and called from Python."""

import ctypes

import numpy as np

from kwslib.deploy.toolchain import CORE, shared_library

SOURCES = sorted(CORE.glob("smoothing_*.c"))


def smoothing_library(folder):
    library = ctypes.CDLL(str(shared_library(SOURCES, folder / "smoothing.so")))
    library.kws_smoothing_size.restype = ctypes.c_size_t
    library.kws_smoothing_reset.restype = ctypes.c_bool
    return library


class HostSmoother:
    """The state of one stream in the shared library."""

    def __init__(self, library, settings):
        self._library = library
        self._labels = settings.labels
        self._state = ctypes.create_string_buffer(library.kws_smoothing_size())
        assert library.kws_smoothing_reset(
            self._state,
            settings.labels,
            settings.inferences,
            bytes(settings.thresholds),
            ctypes.c_uint32(settings.refractory_ms),
        )

    def push(self, scores, time):
        row = np.array(scores, np.int8).tobytes()
        return self._library.kws_smoothing_push(self._state, row, ctypes.c_uint32(time))

    @property
    def sums(self):
        labels = range(self._labels)
        return tuple(self._library.kws_smoothing_sum(self._state, label) for label in labels)
