"""Every figure of chapter 1 draws, describes itself, and shows the numbers it was given."""

import base64
import io
import json
import re

import numpy as np
import pytest
import vl_convert
from PIL import Image

from kwslib.features.views import view_of
from kwslib.results.charts import spectrograms as charts

CLIP = np.round(
    9000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000) * np.hanning(16_000)
).astype(np.int16)
SILENCE = np.zeros(16_000, np.int16)


def of_view(picture, kind):
    """A figure of a view of a clip as one of the clip."""
    return lambda clip: picture(view_of(clip, kind))


PICTURES = (
    of_view(charts.spectrogram, "spectrogram"),
    of_view(charts.PICTURES["mel"], "mel"),
    of_view(charts.PICTURES["logmel"], "mel"),
    of_view(charts.mfcc, "mfcc"),
    of_view(charts.PICTURES["logmel-u8"], "logmel-u8"),
)


def drawn(chart):
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    assert len(json.dumps(spec)) < 100_000
    svg = vl_convert.vegalite_to_svg(spec)
    assert svg.startswith("<svg")
    return spec, svg


def picture(spec):
    """The pixels of the one image in a chart, ``[rows, columns, rgb]``."""
    (url,) = {
        value["url"]
        for layer in spec["layer"]
        for value in layer.get("data", {}).get("values", [])
        if "url" in value
    }
    stream = io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))
    return np.asarray(Image.open(stream).convert("RGB"))


@pytest.mark.parametrize(
    "chart", (charts.waveform, of_view(charts.spectrum, "spectrum"), *PICTURES)
)
@pytest.mark.parametrize("clip", [CLIP, SILENCE, np.full(16_000, -32768, np.int16)])
def test_a_clip_is_drawn(chart, clip):
    drawn(chart(clip))


@pytest.mark.parametrize("chart", PICTURES)
def test_a_picture_is_one_image_in_the_drawing_too(chart):
    _, svg = drawn(chart(CLIP))
    assert svg.count("<image") == 1
    assert "data:image/png;base64" in svg


def test_the_image_has_time_to_the_right_and_low_bands_at_the_bottom():
    pixels = picture(charts.mel_picture("logmel-u8", view_of(CLIP)).to_dict()).astype(int)
    image = view_of(CLIP).astype(int)
    frame, band = np.unravel_index(image.argmax(), image.shape)
    across, down = pixels.shape[1] // 49, pixels.shape[0] // 40
    at_peak = pixels[(39 - band) * down, frame * across]
    at_edge = pixels[-1, 0]
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in charts.VIRIDIS])
    steps = np.linspace(0, 255, len(table))
    for found, level in ((at_peak, image[frame, band]), (at_edge, image[0, 0])):
        expected = [np.interp(level, steps, channel) for channel in table.T]
        np.testing.assert_allclose(found, expected, atol=1.5)


def test_the_waveform_reaches_the_highest_sample():
    spec, _ = drawn(charts.waveform(CLIP))
    rows = spec["data"]["values"]
    assert max(row["high"] for row in rows) == pytest.approx(CLIP.max() / 32768, abs=1e-4)
    assert min(row["low"] for row in rows) == pytest.approx(CLIP.min() / 32768, abs=1e-4)
    assert rows[-1]["t"] < 1


def test_the_spectrum_peaks_at_the_tone():
    spec, _ = drawn(charts.spectrum(view_of(CLIP, "spectrum") ** 2))
    rows = spec["layer"][0]["data"]["values"]
    assert abs(max(rows, key=lambda row: row["level"])["f"] - 1000) <= 10


def test_words_stand_side_by_side():
    spec, svg = drawn(charts.words_side_by_side({"yes": CLIP, "no": SILENCE, "left": CLIP}))
    assert len(spec["hconcat"]) == 3
    assert all(f">{word}<" in svg for word in ("yes", "no", "left"))
    assert int(re.search(r'width="(\d+)', svg)[1]) > 500, "columns overlap"
    images = re.findall(r"<image [^>]*>", svg)
    widths = [float(re.search(r'(?<![-\w])width="([\d.]+)', image)[1]) for image in images]
    assert len(widths) == 3 and min(widths) > 100
    drawn(charts.words_side_by_side({"yes": CLIP}))


def test_mel_bands_are_forty_triangles():
    spec, _ = drawn(charts.plot_mel_bands())
    rows = spec["vconcat"][1]["data"]["values"]
    assert {row["band"] for row in rows} == set(range(40))
    assert rows[0]["f"] == 0 and rows[-1]["f"] == 4000
