"""The tables of the front end in C, computed from the configuration: window, transform, filters.

``firmware/core/frontend.h`` includes them as ``frontend_tables.h``; whoever compiles it writes
that file.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

from kwslib.config import DEPLOYED, SAMPLE_RATE, LogMelConfig
from kwslib.deploy.toolchain import CORE
from kwslib.errors import InputError, check

HEADER = "frontend_tables.h"
"""The name under which the tables are included."""

SOURCES = tuple(
    CORE / name
    for name in (
        "fft.c",
        "frontend_frame.c",
        "frontend_image.c",
        "frontend_input.c",
        "frontend_mel.c",
        "frontend_pixel.c",
        "frontend_push.c",
        "frontend_reset.c",
        "frontend_size.c",
        "frontend_window.c",
    )
)
"""What is compiled with them."""

_FFT = 512
"""The length that ``fft.c`` is written for."""

_PER_LINE = 6
_DEGREE = 7
"""Of the polynomial for the logarithm: two millionths of a pixel off."""

_TABLE = "static const __attribute__((unused))"


def frontend_tables(config: LogMelConfig = DEPLOYED) -> str:
    """The text of ``frontend_tables.h``: sizes as macros, tables as constants.

    Raises:
        InputError: the front end in C cannot compute such a feature.
    """
    _check(config)
    first, counts, rows = _mel_bins(config)
    sizes = {
        "WINDOW": config.window,
        "HOP": config.hop,
        "FFT": config.fft,
        "FRAMES": config.frames,
        "BANDS": config.bands,
        "FIRST_BIN": first,
        "LEVEL_DEGREE": _DEGREE,
        "LEVEL_OF_DOUBLE": _literal(config.gain * np.log(2.0)),
    }
    parts = [
        "#ifndef KWS_FRONTEND_TABLES_H\n#define KWS_FRONTEND_TABLES_H\n\n#include <stdint.h>",
        f"/* Computed by kwslib.deploy.frontend of\n   {config}. */",
        "\n".join(f"#define KWS_{name} {value}" for name, value in sizes.items()),
        "/* A periodic Hann window. */",
        _array("float", "kws_window", _hann(config.window)),
        "/* Where each pair of samples goes in a transform's input, in floats. */",
        _array("uint16_t", "kws_fft_order", 2 * digit_reversed(config.fft // 2)),
        "/* exp(-2 pi i k j / size), j = 1, 2, 3, k = 1, 2 ... of each stage but the first. */",
        _array("float", "kws_twiddles", twiddles(config.fft // 2)),
        "/* For each bin of the spectrum: the real and minus the imaginary part of\n"
        "   exp(-2 pi i bin / KWS_FFT); a quarter of the weights of the triangle that rises there\n"
        "   and of the one that falls, as the spectrum is twice as high. */",
        "struct kws_mel_bin {\n    float turn[2], rising, falling;\n};",
        f"{_TABLE} struct kws_mel_bin kws_mel_bins[{len(rows)}] = {{\n{_mel_rows(rows)}}};",
        "/* Bins on the rising side of each band's triangle. */",
        _array("uint8_t", "kws_mel_counts", counts),
        "/* offset + gain * ln(1 + f), from the constant up. */",
        _array("float", "kws_level_polynomial", level_polynomial(config)),
        "#endif\n",
    ]
    return "\n\n".join(parts)


def _check(config: LogMelConfig) -> None:
    if config.fft != _FFT:
        raise InputError(f"fft {config.fft}: the front end in C takes {_FFT} alone")
    fits = config.window % 2 == 0 and 0 < config.window <= config.fft
    check(f"window {config.window}", fits, f"even and at most the fft of {config.fft}")
    fits = 0 < config.hop <= config.window
    check(f"hop {config.hop}", fits, f"from 1 to the window of {config.window}")
    if not 0 <= config.low_hz < config.high_hz <= SAMPLE_RATE / 2:
        raise InputError(
            f"{config.low_hz} to {config.high_hz} Hz: must rise, from 0 to {SAMPLE_RATE // 2} Hz"
        )


def _hann(length: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)


def digit_reversed(points: int) -> NDArray[np.int64]:
    """Each index below ``points``, a power of four, with its digits in base 4 reversed."""
    indices, reversed_ = np.arange(points), np.zeros(points, np.int64)
    while points > 1:
        reversed_ = 4 * reversed_ + indices % 4
        indices, points = indices // 4, points // 4
    return reversed_


def _turns(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """``exp(-2 pi i fraction)`` as pairs ``[..., 2]``; multiples of a quarter turn are exact."""
    numbers = np.exp(-2j * np.pi * fractions)
    pairs = np.stack([numbers.real, numbers.imag], axis=-1)
    return np.where(np.abs(pairs) < 1e-12, 0.0, pairs)


def twiddles(points: int) -> NDArray[np.float64]:
    """Factors of a radix-4 transform, ``[number, 3, 2]``, stage by stage."""
    stages, size = [], 16
    while size <= points:
        k = np.arange(1, size // 4)
        stages.append(_turns(k[:, None] * np.array([1, 2, 3]) / size))
        size *= 4
    return np.concatenate(stages)


def _mel_bins(config: LogMelConfig) -> tuple[int, NDArray[np.int64], NDArray[np.float64]]:
    """The first bin, the number of bins on each rising side, and ``[bins, 4]`` numbers of each.

    A bin under one triangle alone counts as on its rising side, whichever it is on.
    """
    from kwslib.features.logmel import mel_filters

    filters = mel_filters(config).numpy() / 4.0
    filters[filters < 1e-12] = 0.0  # a corner that misses its bin by a rounding
    heard = np.flatnonzero(filters.any(axis=1))
    if not len(heard):
        raise InputError(
            f"{config.low_hz} to {config.high_hz} Hz: no bin of the spectrum is inside"
        )
    bins = np.arange(heard[0], heard[-1] + 1)
    rising = np.array([np.flatnonzero(filters[k])[-1] for k in bins])
    falling = np.pad(filters, ((0, 0), (1, 0)))
    rows = np.column_stack(
        [_turns(bins / config.fft) * [1.0, -1.0], filters[bins, rising], falling[bins, rising]]
    )
    return int(heard[0]), np.bincount(rising, minlength=config.bands), rows


def level_polynomial(config: LogMelConfig = DEPLOYED) -> NDArray[np.float64]:
    """Coefficients of ``offset + gain ln(1 + f)`` for 1 + f between the roots of 1/2 and 2."""
    domain = [np.sqrt(0.5) - 1.0, np.sqrt(2.0) - 1.0]
    level = Chebyshev.interpolate(lambda f: config.gain * np.log1p(f), _DEGREE, domain)
    coefficients = np.asarray(level.convert(kind=Polynomial).coef, np.float64)
    coefficients[0] += config.offset
    return coefficients


def _literal(value: float) -> str:
    """The nearest single-precision number, exactly."""
    return f"{np.float32(value):.8e}f"


def _mel_rows(rows: NDArray[np.float64]) -> str:
    return ",\n".join(
        f"    {{{{{_literal(a)}, {_literal(b)}}}, {_literal(up)}, {_literal(down)}}}"
        for a, b, up, down in rows
    )


def _array(kind: str, name: str, values: NDArray[Any]) -> str:
    flat = values.reshape(-1).tolist()
    words = [_literal(value) if kind == "float" else str(value) for value in flat]
    return f"{_TABLE} {kind} {name}[{len(flat)}] = {{\n    {_lines(words)}}};"


def _lines(words: list[str]) -> str:
    rows: Iterable[list[str]] = (words[i : i + _PER_LINE] for i in range(0, len(words), _PER_LINE))
    return ",\n    ".join(", ".join(row) for row in rows)
