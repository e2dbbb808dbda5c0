"""What chapter 3 shows of listening all day: a short stream heard now, and the committed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kwslib.board.client import default_streaming
from kwslib.data.dataset import open_source
from kwslib.data.noises import chosen_noises
from kwslib.data.task import Task
from kwslib.measurements import FOLDER, Record, read_records
from kwslib.streaming.listen import Listening, listen
from kwslib.streaming.plan import Plan
from kwslib.streaming.scores import spotter_from
from kwslib.streaming.sound import BuiltSound
from kwslib.studies.robustness import KINDS, Kind
from kwslib.training.findings import Findings

STREAMS = FOLDER / "streaming"
"""Where ``kws stream --out`` left what is committed, as ``<network>.json``."""

ROBUSTNESS = FOLDER / "robustness"
"""Where ``kws evaluate --sweep --out`` did, as ``<kind>-<network>.json``."""

LIVE_MINUTES = 4
_LIVE_WORDS_AN_HOUR = 600
"""Keywords, and as many other words: dense, since there is little time."""


@dataclass(frozen=True)
class ListeningFindings:
    """What there is to show.

    Attributes:
        live: a few minutes that the network of this run heard; None where it is not at hand.
        committed: records of streams by network, those of this task.
        robustness: records of the sweeps, by kind and network.
    """

    live: Listening | None
    committed: Mapping[str, Sequence[Record]]
    robustness: Mapping[Kind, Mapping[str, Sequence[Record]]]


def listening(
    findings: Findings, streams: Path = STREAMS, robustness: Path = ROBUSTNESS
) -> ListeningFindings:
    """Let the network of this run listen for a few minutes, and read what is committed.

    Args:
        findings: on the trained network.
        streams: folder of committed streams.
        robustness: folder of committed sweeps.
    """
    task = Task.of(findings.study.labels[2:]).name
    sweeps = {kind: _by_network(robustness, f"{kind}-", task) for kind in KINDS}
    return ListeningFindings(
        _heard_now(findings),
        _by_network(streams, "", task),
        {kind: found for kind, found in sweeps.items() if found},
    )


def _by_network(folder: Path, prefix: str, task: str) -> dict[str, Sequence[Record]]:
    """Records of the files ``<prefix><network>-<task>.json``, by network and task."""
    paths = sorted(folder.glob(f"{prefix}*-{task}.json"))
    return {path.stem.removeprefix(prefix): read_records(path) for path in paths}


def _heard_now(findings: Findings) -> Listening | None:
    """A few minutes of the test clips at hand, of embedded speech where they are no sound."""
    if findings.live is None:
        return None
    network, dataset = findings.live
    source = dataset.source if dataset.source.has_audio("testing") else open_source(None)
    plan = Plan(
        LIVE_MINUTES, dataset.task.keywords, noises=tuple(chosen_noises(source, "mixed")),
        keywords_an_hour=_LIVE_WORDS_AN_HOUR, others_an_hour=_LIVE_WORDS_AN_HOUR,
    )  # fmt: skip
    spotter = spotter_from(network, findings.run, dataset.task.labels)
    return listen(BuiltSound(source, plan), spotter, default_streaming(len(spotter.labels)))
