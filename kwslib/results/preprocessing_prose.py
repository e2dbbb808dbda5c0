"""Chapter 1 in words and rows: the numbers of its prose, the rows of its table."""

import math
from typing import Any

import numpy as np

from kwslib.config import CLIP_SAMPLES, DEPLOYED, NANO33BLE, SAMPLE_RATE
from kwslib.evaluation import wilson_interval
from kwslib.studies.separability import Separation
from kwslib.features.views import DEPLOYED_KIND, VIEWS, view_of
from kwslib.results.preprocessing import Comparison, Findings

_SAMPLE_BYTES = 2


def numbers(findings: Findings) -> dict[str, str]:
    """Every number and every sentence of chapter 1 that depends on the run, formatted."""
    return {
        **_feature_numbers(),
        **_clip_numbers(findings),
        **_distance_numbers(findings),
        "origin": _origin(findings),
        "notes": _notes(findings),
        "told_apart": _told_apart(findings),
        "steps": _steps(findings.comparison),
        "steps_published": _steps_published(findings),
        "differences": _differences(findings.published),
        "verdict": _verdict(findings.published),
        **{
            f"fisher_{kind}": f"{findings.published.view(kind).fisher:.3f}"
            for kind in ("spectrum", "mfcc", "logmel")
        },
        "distance_origin": _distance_origin(findings),
    }


def table_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row a view: its shape, size and what each comparison found."""
    rows = []
    for kind, view in VIEWS.items():
        row: dict[str, Any] = {
            "view": view.title,
            "shape": " × ".join(f"{size:,}" for size in view.shape),
            "bytes": view.bytes,
        }
        for run, comparison in findings.comparisons().items():
            row[f"accuracy, {run}"] = _accuracy(comparison.view(kind))
            row[f"Fisher ratio, {run}"] = f"{comparison.view(kind).fisher:.3f}"
        rows.append(row)
    return rows


def distance_groups(findings: Findings) -> dict[str, Any]:
    """Counts of the histogram by a title that names the group and its size."""
    distance = findings.distance
    titles = {
        "whole": "a whole second was recorded",
        "padded": "shorter, filled up with zeros at another place",
    }
    return {
        f"{title} ({distance.clips[group]:,} clips)": distance.counts[group]
        for group, title in titles.items()
    }


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _accuracy(separation: Separation) -> str:
    low, high = wilson_interval(separation.correct, separation.clips)
    return f"{_percent(separation.accuracy)} ({100 * low:.1f} to {100 * high:.1f})"


def _feature_numbers() -> dict[str, str]:
    """What follows from the contract of the deployed feature alone."""
    values = DEPLOYED.frames * DEPLOYED.bands
    waveform_bytes = CLIP_SAMPLES * _SAMPLE_BYTES
    decibels = 10 / math.log(10) / DEPLOYED.gain
    floor = math.exp(-DEPLOYED.offset / DEPLOYED.gain)
    return {
        "samples": f"{CLIP_SAMPLES:,}",
        "waveform_bytes": f"{waveform_bytes:,}",
        "window": str(DEPLOYED.window),
        "window_ms": f"{1000 * DEPLOYED.window / SAMPLE_RATE:.0f}",
        "hop": str(DEPLOYED.hop),
        "hop_ms": f"{1000 * DEPLOYED.hop / SAMPLE_RATE:.0f}",
        "fft": str(DEPLOYED.fft),
        "board_ram": f"{NANO33BLE.ram // 1024}",
        "bin_hz": f"{SAMPLE_RATE / DEPLOYED.fft:.2f}",
        "bins": str(DEPLOYED.fft // 2 + 1),
        "frames": str(DEPLOYED.frames),
        "bands": str(DEPLOYED.bands),
        "coefficients": str(VIEWS["mfcc"].shape[1]),
        "top_hz": f"{DEPLOYED.high_hz:,.0f}",
        "image_bytes": f"{values:,}",
        "times_smaller": f"{waveform_bytes / values:.0f}",
        "spectrogram_values": f"{VIEWS['spectrogram'].values:,}",
        "level_db": f"{decibels:.2f}",
        "range_db": f"{255 * decibels:.0f}",
        "floor_power": f"{floor:,.0f}",
    }


def _clip_numbers(findings: Findings) -> dict[str, str]:
    clip = findings.clip
    magnitude = view_of(clip, "spectrum").astype(np.float64)
    energy = np.square(magnitude)
    mel = view_of(clip, "mel").astype(np.float64)
    peak = max(float(mel.max()), 1e-9)
    pixels = findings.image.astype(np.int64)
    return {
        "clip": findings.clip_name,
        "peak_hz": f"{int(np.argmax(magnitude)):,}",
        "energy_in_image": _percent(
            float(energy[: int(DEPLOYED.high_hz) + 1].sum() / max(energy.sum(), 1e-9))
        ),
        "faint_share": _percent(float((mel < 0.01 * peak).mean()), 0),
        "pixel_low": str(int(pixels.min())),
        "pixel_high": str(int(pixels.max())),
        "pixel_levels": str(len(np.unique(pixels))),
        "words": ", ".join(findings.words),
    }


def _distance_numbers(findings: Findings) -> dict[str, str]:
    distance = findings.distance
    total = sum(distance.clips.values())
    return {
        "distance_clips": f"{total:,}",
        "distance_median": f"{distance.median['whole']:.1f}",
        "distance_jpeg": f"{distance.median_jpeg['whole']:.1f}",
        "distance_padded": f"{distance.median['padded']:.0f}",
        "distance_padded_share": _percent(distance.clips["padded"] / total),
        "distance_bias": f"{distance.bias:+.2f}".replace("-", "−"),
    }


def _origin(findings: Findings) -> str:
    if findings.real:
        return f"The words on this page are recordings of people, from {findings.source.name}."
    text = (
        "The words on this page are embedded speech, spoken by the synthesiser eSpeak NG: no "
        "recording of a person is part of the repository."
    )
    if findings.live:
        return text
    return (
        f"{text} They stand where real clips would be, because this run had no data folder; the "
        f"findings on real speech ({findings.published.data['name']}) come from committed "
        "measurements."
    )


def _notes(findings: Findings) -> str:
    return f"Before it was drawn: {'; '.join(findings.notes)}." if findings.notes else ""


def _told_apart(findings: Findings) -> str:
    main, published = findings.comparison, findings.published
    text = (
        f"Fitted on {main.fitted:,} clips of {main.data['name']}, it names the words "
        f"{', '.join(main.words)} in {main.separations[0].clips:,} clips of other speakers."
    )
    if len(findings.comparisons()) > 1:
        text += (
            f" The published run did the same with {published.data['name']}, on "
            f"{published.fitted:,} and {published.separations[0].clips:,} clips of "
            f"{', '.join(published.words)}."
        )
    return (
        f"{text} Real clips are those of the official test set, of which half the speakers serve "
        "for fitting and half for counting."
    )


def _steps(comparison: Comparison) -> str:
    def share(kind: str) -> str:
        return _percent(comparison.view(kind).accuracy)

    chance = _percent(1 / len(comparison.words), 0)
    return (
        f"From the waveform it recognises {share('waveform')} of the clips of "
        f"{comparison.data['name']}, where guessing gives {chance}; from the spectrum "
        f"{share('spectrum')}, from the spectrogram {share('spectrogram')}, from the mel "
        f"spectrogram {share('mel')}, from its logarithm {share('logmel')}, from the MFCC "
        f"{share('mfcc')}, and from the deployed image {share(DEPLOYED_KIND)}."
    )


def _steps_published(findings: Findings) -> str:
    return _steps(findings.published) if len(findings.comparisons()) > 1 else ""


def _differences(comparison: Comparison) -> str:
    """What each step from the spectrogram to the deployed image changes."""

    def points(before: str, after: str) -> str:
        change = comparison.view(after).accuracy - comparison.view(before).accuracy
        return f"{100 * change:+.1f}".replace("-", "−")

    smaller = VIEWS["spectrogram"].values / VIEWS["mel"].values
    return (
        f"Step by step on real speech ({comparison.data['name']}): the mel bands make the "
        f"spectrogram {smaller:.1f} times smaller and change the accuracy by "
        f"{points('spectrogram', 'mel')} points; the logarithm changes it by "
        f"{points('mel', 'logmel')} points; the cosine transform to MFCC by "
        f"{points('logmel', 'mfcc')}, and rounding the logarithm to a byte instead by "
        f"{points('logmel', DEPLOYED_KIND)}."
    )


def _verdict(comparison: Comparison) -> str:
    """What the comparison allows to say about the deployed image, by its intervals."""
    deployed = comparison.view(DEPLOYED_KIND)
    low, high = wilson_interval(deployed.correct, deployed.clips)
    others = [each for each in comparison.separations if each.kind != DEPLOYED_KIND]
    behind = [VIEWS[each.kind].title for each in others if _high(each) < low]
    ahead = [VIEWS[each.kind].title for each in others if _low(each) > high]
    text = "There the deployed image"
    text += f" is beaten by {_listed(ahead)}" if ahead else " is beaten by no view"
    if behind:
        text += f" and is clearly ahead, its interval above theirs, of {_listed(behind)}"
    return f"{text}. Of the views compared, it takes the fewest bytes."


def _low(separation: Separation) -> float:
    return wilson_interval(separation.correct, separation.clips)[0]


def _high(separation: Separation) -> float:
    return wilson_interval(separation.correct, separation.clips)[1]


def _listed(names: list[str]) -> str:
    names = [f"the {name if name.isupper() else name.lower()}" for name in names]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _distance_origin(findings: Findings) -> str:
    if findings.distance_is_live:
        return "Computed in this run."
    return (
        "From the committed measurements: the audio and the images are no part of the repository."
    )
