"""The scores of a network along a stream: one image every few hops of 20 ms, each computed once.

Sound, images and inferences are those of the device (``firmware/device/pipeline.c``): the first
inference is made of the first 49 frames, and the next ones follow every ``hops`` frames. Images of
neighbouring inferences share their frames, so each frame is computed once.

Long streams are scored ten minutes at a time, and each part is kept in the cache: an interrupted
call goes on where it was stopped.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.data.homophones import keeps_homophones
from kwslib.deploy.compile import spots_keywords
from kwslib.deploy.host import HostFrontEnd, host_predictor
from kwslib.deploy.predictors import predictor_of
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Predict
from kwslib.evaluation.smoothing import MAX_LABELS
from kwslib.files import read_array, sha256_of_file, sha256_of_sources, sha256_of_text, write_array
from kwslib.folders import cache_folder, keep_newest
from kwslib.models.checkpoint import PUBLISHED, located
from kwslib.network.graph import Graph
from kwslib.network.reader import read_graph
from kwslib.streaming.plan import MINUTE
from kwslib.streaming.sound import Sound

_PART_MINUTES = 10
_IMAGES_AT_ONCE = 256
_KEPT_PARTS = 2000
"""Ten-minute parts of scores that the cache keeps: 50 to 250 MB for four labels."""

_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True)
class Spotter:
    """A network that can be asked for its scores.

    Attributes:
        name: what it is called.
        labels: names of its outputs.
        sha256: of its file.
        predict: int8 scores, or probabilities, of images.
        graph: of its file, where the board's C computes the scores.
        keeps_homophones: whether it was trained with words that sound like a keyword as unknown.
    """

    name: str
    labels: tuple[str, ...]
    sha256: str
    predict: Predict
    graph: Graph | None = None
    keeps_homophones: bool = False

    @property
    def form(self) -> str:
        """``"int8"`` where the board's C computes the scores, else ``"float32"``."""
        return "float32" if self.graph is None else "int8"

    def scores(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """The int8 output, 256 times the probability minus 128; floats are rounded to it."""
        found = self.predict(images)
        if found.dtype == np.int8:
            return found
        return (np.rint(256 * found) - 128).clip(-128, 127).astype(np.int8)


def spotter_of(model: str) -> Spotter:
    """The network that a stream is played to.

    A ``.tflite`` file is compiled to the C of the board and runs here; so does a published network
    that has one. A checkpoint runs in PyTorch, in floats.

    Args:
        model: a ``.tflite`` file, a checkpoint or the name of a published network.

    Raises:
        InputError: there is no such network, or it spots no keywords.
    """
    given, published = Path(model), PUBLISHED / f"{model}.tflite"
    if given.suffix == ".tflite" or (published.is_file() and not given.exists()):
        path = given if given.suffix == ".tflite" else published
        graph = read_graph(path)
        if not spots_keywords(graph):
            raise InputError(
                f"{model}: takes no image of 49 x 40 or does not name its labels; "
                "'kws convert' makes networks for the board"
            )
        labels = tuple(map(str, graph.facts["labels"]))
        kept = keeps_homophones(graph.facts.get("training"))
        return Spotter(path.stem, labels, graph.sha256, host_predictor(graph), graph, kept)
    predict, info = predictor_of(model)
    if not 2 < len(info.labels) <= MAX_LABELS:
        raise InputError(f"{model}: has {len(info.labels)} labels; 3 to {MAX_LABELS} can be heard")
    sha256 = sha256_of_file(located(model))
    kept = keeps_homophones(info.training)
    return Spotter(Path(model).stem, info.labels, sha256, predict, None, kept)


def spotter_from(network: nn.Module, name: str, labels: Sequence[str]) -> Spotter:
    """A network at hand, in floats.

    Args:
        network: trained.
        name: what it is called.
        labels: names of its outputs.
    """
    from kwslib.training.predict import predictor

    weights = hashlib.sha256()
    for key, tensor in network.state_dict().items():
        weights.update(key.encode() + tensor.detach().cpu().numpy().tobytes())
    return Spotter(name, tuple(labels), weights.hexdigest(), predictor(network))


def time_of(inference: int, hops: int) -> int:
    """When an inference is made, in milliseconds: at the end of the last frame that it sees."""
    last = DEPLOYED.frames - 1 + inference * hops
    return (last * DEPLOYED.hop + DEPLOYED.window) // _MS


def score_stream(
    sound: Sound, spotter: Spotter, hops: int, folder: Path | None = None
) -> NDArray[np.int8]:
    """The scores of every inference, int8 ``[inferences, labels]``.

    Args:
        sound: the stream, a second long at least.
        spotter: the network.
        hops: of 20 ms from one inference to the next.
        folder: where finished parts are kept; by default in the cache.

    Raises:
        InputError: the stream is too short, or cannot be read.
    """
    folder = folder or cache_folder("streams")
    code = sha256_of_sources("config.py", "data", "network", "deploy", "field", "streaming")
    key = sha256_of_text(code, _core_hash(), sound.identity(), spotter.sha256, spotter.form)[:32]
    parts = -(-sound.samples // (MINUTE * _PART_MINUTES))
    paths = [folder / f"{key}-{hops}-{number:04d}.npy" for number in range(parts)]
    scores: list[NDArray[np.int8]] = []
    while len(scores) < parts and (kept := read_array(paths[len(scores)])) is not None:
        scores.append(kept)
    if len(scores) < parts:
        scores += _score_parts(sound, spotter, hops, paths[len(scores) :], len(scores))
        keep_newest(folder, _KEPT_PARTS)
    found: NDArray[np.int8] = np.concatenate(scores)
    if not len(found):
        raise InputError(f"{sound.name}: is shorter than the second that a network hears")
    return found


@cache
def _core_hash() -> str:
    """Of the C that computes scores."""
    from kwslib.deploy.toolchain import CORE

    return sha256_of_text(*(sha256_of_file(path) for path in sorted(CORE.glob("*.[ch]"))))


def _score_parts(
    sound: Sound, spotter: Spotter, hops: int, paths: list[Path], first: int
) -> Iterator[NDArray[np.int8]]:
    """Score the parts from ``first`` on, and keep each as soon as it is done."""
    start, total = first * _PART_MINUTES, -(-sound.samples // MINUTE)
    bar = tqdm(
        total=total, initial=start, desc=sound.name, unit="min", file=sys.stderr,
        disable=total < _PART_MINUTES,
    )  # fmt: skip
    minutes = _score_minutes(sound, spotter, hops, start)
    with bar:
        for path in paths:
            # A file that is shorter than its header says ends early, and its last parts are empty.
            scored = [np.empty((0, len(spotter.labels)), np.int8)]
            for scores in islice(minutes, _PART_MINUTES):
                scored.append(scores)
                bar.update()
            part = np.concatenate(scored)
            write_array(path, part)
            yield part


def _score_minutes(
    sound: Sound, spotter: Spotter, hops: int, first: int
) -> Iterator[NDArray[np.int8]]:
    """The scores of the inferences that are made in each minute from ``first`` on.

    A minute before them is heard too, since their first images reach back into it.
    """
    front_end, before = _front_end(), DEPLOYED.frames - 1
    rows, tail = np.empty((0, DEPLOYED.bands), np.uint8), np.empty(0, np.int16)
    heard_from = max(first - 1, 0)
    frame = heard_from * MINUTE // DEPLOYED.hop  # the number of rows[0] in the stream
    for number, minute in enumerate(sound.minutes(heard_from), heard_from):
        samples = np.concatenate([tail, minute])
        new = front_end.rows(samples)
        tail = samples[len(new) * DEPLOYED.hop :]
        rows = np.concatenate([rows, new])
        # An inference is made where the number of frames before its last one is 48 and a multiple.
        ends = np.arange(frame + before, frame + len(rows))
        ends = ends[(ends - before) % hops == 0] - frame - before
        if number >= first:
            yield _scores_at(spotter, rows, ends)
        passed = max(len(rows) - before, 0)
        rows, frame = rows[passed:], frame + passed


def _scores_at(
    spotter: Spotter, rows: NDArray[np.uint8], starts: NDArray[np.int64]
) -> NDArray[np.int8]:
    """The scores of the images that begin at some rows."""
    if not len(starts):
        return np.empty((0, len(spotter.labels)), np.int8)
    images = sliding_window_view(rows, DEPLOYED.frames, axis=0).transpose(0, 2, 1)
    parts = [
        spotter.scores(np.ascontiguousarray(images[starts[i : i + _IMAGES_AT_ONCE]]))
        for i in range(0, len(starts), _IMAGES_AT_ONCE)
    ]
    return np.concatenate(parts)


@cache
def _front_end() -> HostFrontEnd:
    return HostFrontEnd()
