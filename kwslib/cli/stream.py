"""``kws stream``: how a network does that listens all the time."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kwslib.board.client import Streaming, default_streaming
from kwslib.cli.output import (
    Output,
    data_option,
    homophone_lines,
    json_option,
    note,
    show,
    target_option,
)
from kwslib.errors import InputError
from kwslib.evaluation.smoothing import Detection
from kwslib.files import lock_file
from kwslib.records import write_records

if TYPE_CHECKING:
    from kwslib.streaming.listen import Listening
    from kwslib.streaming.scores import Spotter
    from kwslib.streaming.sound import Sound

# for JSON, for people, and for the comparison with a board
_Heard = tuple[dict[str, Any], str, list[Detection], Streaming]


@click.command("stream")
@click.argument("model", metavar="MODEL")
@click.option("--hours", type=click.FloatRange(min=1 / 60), default=1.0, show_default=True)
@click.option(
    "--snr",
    default="10,15,20,clean",
    show_default=True,
    help="Signal-to-noise ratios in dB, comma-separated, in which minutes take turns.",
)
@click.option(
    "--noise",
    default="mixed",
    show_default=True,
    help="The data's own recordings (mixed), computed ones (synthetic), all, or names.",
)
@click.option("--keywords-an-hour", type=int, default=120, show_default=True)
@click.option("--others-an-hour", type=int, default=120, show_default=True, help="Other words.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of another draw.")
@click.option(
    "--audio",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Hear this recording instead of a stream that is built.",
)
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What is said in it, as Audacity exports labels; without it, detections are listed.",
)
@click.option("--hops", type=click.IntRange(1, 255), help="Of 20 ms from inference to inference.")
@click.option("--inferences", type=int, help="That are averaged.")
@click.option("--refractory", type=int, metavar="MS", help="From a detection to the next.")
@click.option("--threshold", type=click.IntRange(0, 255), help="In 1/256 of probability.")
@click.option(
    "--misses",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of the keywords that may be missed at the operating point.",
)
@click.option(
    "--tune",
    type=click.FloatRange(min=1 / 60),
    metavar="HOURS",
    help="Choose the settings first, on a stream of so many hours of the other speakers.",
)
@target_option("Play the stream to this device too, and compare: ")
@click.option(
    "--save",
    metavar="FILE",
    type=Output(),
    help="Write the stream as .wav or .flac, and its labels beside it as .txt.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=Output(),
    help="Where to write the records, .json.",
)
@data_option
@json_option
def command(model: str, as_json: bool, **options: Any) -> None:
    """Let MODEL listen to hours of sound, and count what it misses and what it makes up.

    MODEL is a .tflite file or a published network, run as the board's C, or a checkpoint, run in
    floats. The stream is built of test clips whose places are known: keywords, other words and
    background noise; half of the test speakers are heard in it, and --tune listens to the others.
    A threshold that is not given is the highest at which no more than --misses are missed.
    """
    from kwslib.deploy.predictors import tflite_of
    from kwslib.streaming.scores import spotter_of

    _check(options)
    target = options["target"]
    spotter = spotter_of(str(tflite_of(model)) if target else model)
    sound, source = _sound(spotter, options)
    if options["save"]:
        _save(options["save"], sound)
    hear = _overhear if sound.said is None else _listen
    result, text, detections, streaming = hear(spotter, sound, source, options)
    if target:
        played = _played(model, target, spotter, sound, streaming)
        same = played == detections
        result |= {"target": target, "target_equal": same}
        text += f"\n{target}: {len(played)} detections, {'the' if same else 'NOT the'} same"
    show({"model": model, **result}, as_json, text)


def _overhear(
    spotter: "Spotter", sound: "Sound", source: dict[str, str], options: dict[str, Any]
) -> _Heard:
    """Detections in a recording of which it is not known what is said."""
    from kwslib.streaming.listen import hours_of, overhear

    streaming = _streaming(len(spotter.labels), options)
    detections = overhear(sound, spotter, streaming)
    told, hours = _told(detections, spotter.labels), hours_of(sound)
    lines = [f"{len(told)} detections in {sound.name}, {hours:.2f} h"]
    lines += [
        f"{each['time_ms'] / 1000:10.2f} s  {each['label']}  {each['probability']:.2f}"
        for each in told
    ]
    result = {"sound": sound.name, "hours": hours, "data": source, "detections": told}
    return result, "\n".join(lines), detections, streaming


def _listen(
    spotter: "Spotter", sound: "Sound", source: dict[str, str], options: dict[str, Any]
) -> _Heard:
    """What is missed and made up in a stream of which it is known what is said."""
    from kwslib.streaming.listen import listen, tuned

    streaming = _streaming(len(spotter.labels), options)
    threshold, choice = options["threshold"], None
    if options["tune"]:
        note(f"choosing how to listen on {options['tune']:g} h of the other speakers")
        choice = tuned(sound, options["tune"], spotter, options["misses"])
        streaming, threshold = choice.streaming, choice.point.threshold
    heard = listen(sound, spotter, streaming, threshold, options["misses"], choice)
    if options["out"]:
        write_records(options["out"], heard.records(source))
    detections = list(heard.detections)
    result = {"data": source, **heard.summary(), "detections": _told(detections, spotter.labels)}
    return result, _text(heard), detections, heard.streaming


def _check(options: dict[str, Any]) -> None:
    """Refuse what cannot be, before anything long begins."""
    from kwslib.board.target import check_target

    if options["target"]:
        check_target(options["target"])
    chosen = ("hops", "inferences", "refractory", "threshold")
    audio, labels, out = options["audio"], options["labels"], options["out"]
    for wrong, message in (
        (labels and not audio, "--labels: say of which recording with --audio FILE"),
        (
            audio and (options["tune"] or options["save"]),
            "--tune and --save are for a stream that is built; leave --audio out",
        ),
        (
            options["tune"] and any(options[name] is not None for name in chosen),
            "--tune chooses --hops, --inferences, --refractory and --threshold; leave those out",
        ),
        (out and out.suffix != ".json", f"--out {out}: records go to a .json file"),
        (
            out and audio and not labels,
            "--out: without --labels there is nothing to count in a recording",
        ),
    ):
        if wrong:
            raise InputError(message)


def _sound(spotter: "Spotter", options: dict[str, Any]) -> "tuple[Sound, dict[str, str]]":
    """The stream, and the name and hash of the data that it is made of."""
    from kwslib.data.dataset import open_source
    from kwslib.data.synthetic_noise import chosen_noises
    from kwslib.streaming.plan import Plan
    from kwslib.streaming.sound import BuiltSound, RecordedSound

    if options["audio"]:
        recorded = RecordedSound(options["audio"], options["labels"])
        for line in recorded.notes:
            note(line)
        return recorded, {"name": recorded.name, "hash": recorded.identity()[:16]}
    source = open_source(options["data"])
    plan = Plan(
        minutes=max(1, round(60 * options["hours"])),
        keywords=spotter.labels[2:],
        snr_db=_ratios(options["snr"]),
        noises=tuple(chosen_noises(source, options["noise"])),
        keywords_an_hour=options["keywords_an_hour"],
        others_an_hour=options["others_an_hour"],
        seed=options["seed"],
        keep_homophones=spotter.keeps_homophones,
    )
    return BuiltSound(source, plan), {"name": source.name, "hash": source.identity()[:16]}


def _ratios(text: str) -> tuple[float | None, ...]:
    try:
        found = [None if each.strip() == "clean" else float(each) for each in text.split(",")]
    except ValueError:
        found = [float("nan")]
    if not all(each is None or abs(each) <= 100 for each in found):
        raise InputError(f"--snr {text}: must be decibels and clean, such as 10,15,20,clean")
    return tuple(found)


def _streaming(labels: int, options: dict[str, Any]) -> Streaming:
    """How to listen: as a board does by itself, but for what is given."""
    usual = default_streaming(labels)
    threshold = options["threshold"]
    asked = {
        "inferences": options["inferences"],
        "refractory_ms": options["refractory"],
        "thresholds": None if threshold is None else (threshold,) * len(usual.smoothing.thresholds),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return Streaming(replace(usual.smoothing, **given), options["hops"] or usual.hops)


def _save(path: Path, sound: "Sound") -> None:
    from kwslib.streaming.ground_truth import write_labels
    from kwslib.streaming.sound import write_sound

    with lock_file(path):  # or the labels of one process could stand beside the sound of another
        write_sound(path, sound)
        write_labels(path.with_suffix(".txt"), sound.said or [])


def _played(
    model: str, target: str, spotter: "Spotter", sound: "Sound", streaming: Streaming
) -> list[Detection]:
    """What a device detects that hears the stream."""
    from kwslib.board.target import open_board
    from kwslib.streaming.listen import play

    with open_board(target, spotter.graph, model) as board:  # type: ignore[arg-type]
        return play(board, sound, streaming)


def _told(detections: list[Detection], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "label": labels[each.label],
            "time_ms": each.time,
            "probability": round(each.probability, 4),
        }
        for each in detections
    ]


def _text(heard: "Listening") -> str:
    told, outcome = heard.summary(), heard.worked.outcome
    settings = told["settings"]
    misses, false_accepts = outcome.misses_interval, outcome.false_accepts_interval
    kinds = ", ".join(f"{count} {kind}" for kind, count in told["kinds"].items())
    lines = [
        f"{told['network']} ({told['form']}), {told['hours']:.2f} h, {told['sound']}",
        f"an inference every {20 * settings['hops']} ms, {settings['inferences']} averaged, "
        f"threshold {settings['threshold']}/256, {settings['refractory_ms']} ms of rest",
        f"missed {outcome.missed} of {told['keywords']} keywords: {outcome.misses:.1%} "
        f"(95 % interval {misses[0]:.1%} to {misses[1]:.1%})",
        f"false accepts {outcome.false_accepts_an_hour:.2f} an hour "
        f"(95 % interval {false_accepts[0]:.2f} to {false_accepts[1]:.2f}): {kinds}",
    ]
    if outcome.latencies_ms:
        median, most = told["latency"]["median_ms"], told["latency"]["p95_ms"]
        lines.append(f"detected {median:.0f} ms after a word's end, 95 % within {most:.0f} ms")
    lines += ["", f"{'threshold':>9}{'missed':>9}{'false accepts/h':>17}"]
    lines += [
        f"{point['threshold']:>9}{point['misses']:>9.1%}{point['false_accepts_an_hour']:>17.2f}"
        for point in told["curve"][::16]
    ]
    lines += homophone_lines(heard.homophones, "not counted")
    if heard.operating is None:
        lines.append(f"no threshold misses {heard.misses:.0%} or less")
    return "\n".join(lines)
