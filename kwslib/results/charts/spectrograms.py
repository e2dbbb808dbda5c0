"""Figures of one second of sound: waveform, spectrum, and pictures by time and frequency.

A picture of thousands of pixels stands in the chart as one image, not as thousands of marks.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.features.views import view_of
from kwslib.results.charts.tables import picture_meta
from kwslib.results.charts.theme import BLUE, BLUE_TO_RED, ORANGE, VIRIDIS, WIDTH, chart
from kwslib.results.provenance import resting_on

_FULL_SCALE = 32768
_SHOWN_DB = 80
_PICTURE_HEIGHT = 220
_COLUMNS = 400
_NYQUIST = SAMPLE_RATE // 2
_TIME = "time, s"
_FEW = alt.Axis(tickCount=5)
_MEL_TICKS_HZ = (0, 250, 500, 1000, 1500, 2000, 3000, 4000)


def waveform(audio: NDArray[np.int16], width: int = WIDTH, height: int = 160) -> alt.Chart:
    """The samples of a clip over time, int16 ``[16000]``: lowest and highest of each few."""
    return _envelope(audio, width, height).properties(
        description="Waveform of the clip: samples over one second."
    )


def _envelope(
    audio: NDArray[np.int16], width: int, height: int, small: bool = False, labelled: bool = True
) -> alt.Chart:
    columns = min(_COLUMNS, width)
    samples = audio[: len(audio) // columns * columns].reshape(columns, -1) / _FULL_SCALE
    starts = np.arange(columns) * samples.shape[1] / SAMPLE_RATE
    rows = [
        {"t": round(float(t), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
        for t, low, high in zip(starts, samples.min(axis=1), samples.max(axis=1), strict=True)
    ]
    # in a small panel no label may stick out at the top, where titles stand in a row
    top = max(0.02, (1.3 if small else 1.05) * float(np.abs(samples).max()))
    axis = _FEW if labelled else None
    return (
        chart(rows)
        # the outline keeps quiet passages visible, where the band is thinner than a pixel
        .mark_area(color=BLUE, stroke=BLUE, strokeWidth=0.8)
        .encode(
            x=alt.X(
                "t:Q",
                title=None if small else _TIME,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(labels=not small, tickCount=5),
            ),
            y=alt.Y("low:Q", title="amplitude", scale=alt.Scale(domain=[-top, top]), axis=axis),
            y2="high:Q",
        )
        .properties(width=width, height=height)
    )


def spectrum(power: NDArray[np.float64]) -> alt.LayerChart:
    """Power of a whole clip by hertz, ``[8001]``, in decibels below its peak.

    Each point is the largest of the 20 bins of 1 Hz around it.
    """
    level = _decibels(power[: _NYQUIST // 20 * 20].reshape(-1, 20).max(axis=1))
    rows = [{"f": 20 * i + 10, "level": round(float(db), 1)} for i, db in enumerate(level)]
    curve = (
        chart(rows)
        .mark_line(color=BLUE, strokeWidth=1.2)
        .encode(
            x=alt.X("f:Q", title="frequency, Hz", scale=alt.Scale(domain=[0, _NYQUIST])),
            y=alt.Y(
                "level:Q", title="magnitude, dB below peak", scale=alt.Scale(domain=[-_SHOWN_DB, 0])
            ),
            tooltip=[
                alt.Tooltip("f:Q", title="Hz"),
                alt.Tooltip("level:Q", title="dB"),
            ],
        )
    )
    edge = alt.Chart(alt.Data(values=[{"f": DEPLOYED.high_hz, "text": "the image ends here"}]))
    rule = edge.mark_rule(strokeDash=[5, 4], opacity=0.7).encode(x="f:Q")
    label = edge.mark_text(align="left", dx=6).encode(x="f:Q", y=alt.value(10), text="text:N")
    return (curve + rule + label).properties(
        width=WIDTH,
        height=200,
        description="Magnitude spectrum of the whole clip, up to 8 kHz.",
    )


def spectrogram(power: NDArray[np.float64]) -> alt.LayerChart:
    """Power by frame and frequency, ``[frames, bins]``, in decibels below its peak."""
    level = _decibels(power)
    hertz = np.arange(level.shape[1]) * SAMPLE_RATE / DEPLOYED.fft
    y = alt.Y(
        "y:Q", title="frequency, Hz", scale=alt.Scale(domain=[0, _NYQUIST], nice=False), axis=_FEW
    )
    return _picture(level, y, (-_SHOWN_DB, 0), "dB below peak", VIRIDIS).properties(
        description="Spectrogram of the clip: power by time and frequency, up to 8 kHz.",
        usermeta=_values(level, [f"{f:.0f} Hz" for f in hertz]),
    )


def mfcc(coefficients: NDArray[np.float64]) -> alt.LayerChart:
    """Cepstral coefficients ``[frames, coefficients]`` but the first, which is far larger."""
    values = coefficients[:, 1:]
    last = values.shape[1]
    limit = float(np.ceil(np.abs(values).max())) or 1.0
    y = alt.Y(
        "y:Q",
        title="coefficient",
        scale=alt.Scale(domain=[0.5, last + 0.5], nice=False),
        axis=alt.Axis(values=list(range(1, last + 1, 2)), format="d"),
    )
    return _picture(values, y, (-limit, limit), "value", BLUE_TO_RED).properties(
        description=f"Mel-frequency cepstral coefficients 1 to {last} of the clip over time.",
        usermeta=_values(values, [f"c{q}" for q in range(1, last + 1)]),
    )


def mel_picture(kind: str, values: NDArray[np.generic]) -> alt.LayerChart:
    """A view by frame and mel band, ``[frames, bands]``.

    Args:
        kind: ``"mel"``, power as a share of its peak; ``"logmel"``, power in decibels below its
            peak; or ``"logmel-u8"``, the 8-bit image.
        values: power, or for the image its pixels.
    """
    numbers = values.astype(np.float64)
    shown, limits, unit, words = {
        "mel": (numbers / max(numbers.max(), 1e-9), (0, 1), "share of peak",
                "Mel spectrogram of the clip: power by time and mel band, linear scale."),
        "logmel": (_decibels(numbers), (-_SHOWN_DB, 0), "dB below peak",
                   "Log-mel spectrogram of the clip: decibels by time and mel band."),
        "logmel-u8": (numbers, (0, 255), "pixel",
                      "The deployed 8-bit log-mel image of the clip: 49 frames by 40 bands."),
    }[kind]  # fmt: skip
    return _picture(shown, _mel_axis(), limits, unit, VIRIDIS).properties(
        description=words, usermeta=_values(shown, _band_names())
    )


def _values(picture: NDArray[np.float64], rows: Sequence[str]) -> dict[str, Any]:
    """The numbers of a picture ``[time, rows]``, for the table behind it."""
    return picture_meta(rows, np.arange(len(picture)) * DEPLOYED.hop / SAMPLE_RATE, picture)


def _band_names() -> list[str]:
    """The mel bands by the frequencies of their middles."""
    corners = _hertz(np.linspace(0, _mel(DEPLOYED.high_hz), DEPLOYED.bands + 2))
    return [f"{middle:.0f} Hz" for middle in corners[1:-1]]


def words_side_by_side(words: Mapping[str, NDArray[np.int16]]) -> alt.HConcatChart:
    """Waveform and deployed image of several words, one column each.

    Args:
        words: int16 ``[16000]`` by word.
    """
    width = min(220, (WIDTH - 60) // max(len(words), 1) - 20)
    columns = []
    for number, (word, audio) in enumerate(words.items()):
        first = number == 0  # its axes serve all
        wave = _envelope(audio, width, 70, small=True, labelled=first).properties(
            title=alt.Title(word, frame="group")
        )
        pixels = view_of(audio).astype(np.float64)
        image = _picture(pixels, _mel_axis(first), (0, 255), None, VIRIDIS, width, 130)
        columns.append(alt.vconcat(wave, image, spacing=4))
    return alt.hconcat(*columns, spacing=12).properties(
        description=f"Waveform and deployed image of the words {', '.join(words)}, side by side."
    )


def plot_mel_bands() -> alt.VConcatChart:
    """The HTK mel scale, and the triangles of the forty bands."""
    hertz = np.arange(0, DEPLOYED.high_hz + 1, 50)
    curve = alt.Chart(
        alt.Data(values=[{"f": float(f), "mel": round(float(_mel(f)), 1)} for f in hertz])
    )
    x = alt.X(
        "f:Q",
        title="frequency, Hz",
        scale=alt.Scale(domain=[0, DEPLOYED.high_hz]),
        axis=alt.Axis(values=list(range(0, int(DEPLOYED.high_hz) + 1, 500))),
    )
    line = curve.mark_line(color=BLUE, strokeWidth=2).encode(
        x=x, y=alt.Y("mel:Q", title="pitch, mel"), tooltip=["f:Q", "mel:Q"]
    )
    rows = []
    corners = _hertz(np.linspace(0, _mel(DEPLOYED.high_hz), DEPLOYED.bands + 2))
    for band in range(DEPLOYED.bands):
        for corner, weight in zip(corners[band : band + 3], (0, 1, 0), strict=True):
            rows.append({"band": band, "f": round(float(corner), 1), "weight": weight})
    triangles = (
        chart(rows)
        .mark_line(strokeWidth=1.3)
        .encode(
            x=x,
            y=alt.Y("weight:Q", title="weight", axis=alt.Axis(values=[0, 0.5, 1])),
            detail="band:N",
            color=alt.condition("datum.band % 2 == 0", alt.value(BLUE), alt.value(ORANGE)),
            tooltip=["band:N", "f:Q"],
        )
    )
    drawn = alt.vconcat(
        line.properties(width=WIDTH, height=140), triangles.properties(width=WIDTH, height=110)
    ).properties(description="The mel scale up to 4 kHz and the forty triangular bands.")
    return resting_on(drawn, method="computed")


def _picture(
    values: NDArray[np.float64],
    y: alt.Y,
    limits: tuple[float, float],
    legend: str | None,
    colours: Sequence[str],
    width: int = WIDTH,
    height: int = _PICTURE_HEIGHT,
) -> alt.LayerChart:
    """``values [time, rows]`` as an image over a time axis and ``y``, with a colour legend.

    An axis needs marks to belong to: two that cannot be seen span it and carry the legend.
    """
    low, high = limits
    axis: Any = y.to_dict()
    bottom, top = axis["scale"]["domain"]
    corners = [{"x": 0, "y": bottom, "value": low}, {"x": 1, "y": top, "value": high}]
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(domain=np.linspace(low, high, len(colours)).tolist(), range=list(colours)),
        legend=alt.Legend(
            title=legend,
            titleOrient="left",
            orient="bottom",
            gradientLength=140,
            values=[low, (low + high) / 2, high],
        )
        if legend
        else None,
    )
    x = alt.X("x:Q", title=_TIME, scale=alt.Scale(domain=[0, 1], nice=False), axis=_FEW)
    axes = alt.Chart(alt.Data(values=corners)).mark_point(opacity=0).encode(x=x, y=y, color=colour)
    # a frame stands for the time until the next
    frames = len(values)
    extent = {"x": 0, "end": frames * DEPLOYED.hop / SAMPLE_RATE, "y": bottom, "top": top}
    data = png(values, limits, colours, max(1, round(width / frames)), height)
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    image = (
        alt.Chart(alt.Data(values=[{"url": url, **extent}]))
        .mark_image(aspect=False)
        .encode(x=x, x2="end:Q", y=y, y2="top:Q", url="url:N")
    )
    return (image + axes).properties(width=width, height=height)


def png(
    values: NDArray[np.generic],
    limits: tuple[float, float],
    colours: Sequence[str],
    across: int = 1,
    height: int = 0,
) -> bytes:
    """A PNG file of ``values [time, rows]``, time to the right, the first row at the bottom.

    Pixels are repeated up to about the size on the page, because a browser blurs what it enlarges.
    """
    low, high = limits
    share = np.clip((values.astype(np.float64).T[::-1] - low) / max(high - low, 1e-9), 0, 1)
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], np.float64)
    steps = np.linspace(0, 1, len(table))
    palette = np.stack([np.interp(np.arange(256) / 255, steps, c) for c in table.T], axis=1)
    indexed = np.rint(share * 255).astype(np.uint8)
    down = max(1, round(height / indexed.shape[0]))
    picture = Image.fromarray(indexed.repeat(down, axis=0).repeat(across, axis=1))
    picture.putpalette(np.rint(palette).astype(np.uint8).tobytes())
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    peak = max(float(power.max()), 1e-9)
    return np.maximum(10 * np.log10(np.maximum(power, 1e-9) / peak), -_SHOWN_DB)


def _mel(hertz: Any) -> Any:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)


def _mel_axis(shown: bool = True) -> alt.Y:
    """Hertz on an axis that is linear in mel, as the bands are, or none."""
    step = float(_mel(DEPLOYED.high_hz)) / (DEPLOYED.bands + 1)
    domain = [step / 2, step * (DEPLOYED.bands + 0.5)]
    ticks = [float(_mel(f)) for f in _MEL_TICKS_HZ if domain[0] <= _mel(f) <= domain[1]]
    hertz = alt.Axis(
        values=ticks, labelExpr="format(round(700 * (pow(10, datum.value / 2595) - 1)), ',')"
    )
    return alt.Y(
        "y:Q",
        title="frequency, Hz",
        scale=alt.Scale(domain=domain, nice=False),
        axis=hertz if shown else None,
    )


PICTURES: Mapping[str, Callable[[NDArray[Any]], alt.TopLevelMixin]] = {
    "waveform": waveform,
    "spectrum": spectrum,
    "spectrogram": spectrogram,
    "mel": partial(mel_picture, "mel"),
    "logmel": partial(mel_picture, "logmel"),
    "mfcc": mfcc,
    "logmel-u8": partial(mel_picture, "logmel-u8"),
}
"""The figure of a view by its kind, of :data:`kwslib.features.views.VIEWS`."""
