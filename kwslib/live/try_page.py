"""What the page is made of: its HTML, what its script is told, and the files beside it."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kwslib.board.client import default_streaming
from kwslib.field.live import SPEAK_MS
from kwslib.field.outcomes import original
from kwslib.field.recordings import BEFORE_MS
from kwslib.files import sha256_of_text, write_text
from kwslib.live.clips import LiveClip, clips, picture_of
from kwslib.live.offer import LiveNetwork, networks
from kwslib.live.scripts import page_script
from kwslib.records import code_version
from kwslib.results.charts.theme import BLUE, BLUE_TO_RED, COLOURS, PALETTE, SHAPES, VIRIDIS

FRAGMENTS = Path(__file__).parent / "fragments"
"""The folder of the parts of the page, each a piece of HTML."""

FOLDER = "try"
"""Where below the site's static files those of the page lie."""

POLICY = "connect-src 'none'"
"""What the page may connect to; the browser holds it to that."""

TRIALS = 10
"""Of the field test."""

_SIGNS = {"circle": "●", "cross": "✚", "square": "■", "triangle-up": "▲", "diamond": "◆"}
_NAMED_BY = 10


@dataclass(frozen=True)
class LivePage:
    """The page's networks and clips, and what follows from them."""

    networks: tuple[LiveNetwork, ...]
    clips: tuple[LiveClip, ...]

    @classmethod
    def prepare(cls) -> "LivePage":
        """Compile and speak what is not kept from before.

        Raises:
            InputError: zig or eSpeak is missing.
        """
        return cls(tuple(networks()), tuple(clips()))

    @cached_property
    def script(self) -> str:
        """The script of the page."""
        return page_script()

    @cached_property
    def script_name(self) -> str:
        """The name of its file below the static files, changed by every change in it."""
        return f"{FOLDER}/page-{sha256_of_text(self.script)[:_NAMED_BY]}.js"

    def html(self, part: str) -> str:
        """The HTML of one of the parts; ``listen`` has what the script is told with it."""
        text = (FRAGMENTS / f"{part}.html").read_text(encoding="utf-8")
        if part == "preview":
            picture = base64.b64encode(picture_of(self.clips[0].name)).decode()
            return text.replace("PICTURE", f"data:image/png;base64,{picture}")
        if part != "listen":
            return text
        # "</" must not appear in a script element
        told = json.dumps(self.config(), ensure_ascii=False).replace("</", r"<\/")
        return f'{text}<script type="application/json" data-kws="config">{told}</script>\n'

    def config(self) -> dict[str, Any]:
        """What the page's script is told."""
        streaming = default_streaming(len(self.networks[0].labels))
        smoothing = streaming.smoothing
        return {
            "version": code_version(),
            "networks": [
                network.facts() | {"file": _asset_name(network.name, network.wasm)}
                for network in self.networks
            ],
            "clips": [
                {"file": _asset_name(clip.file, clip.flac), "title": clip.word, "voice": clip.voice}
                for clip in self.clips
            ],
            "settings": {
                "hops": streaming.hops,
                "inferences": smoothing.inferences,
                "refractoryMs": smoothing.refractory_ms,
                "threshold": smoothing.thresholds[0],
            },
            "test": {"trials": TRIALS, "beforeMs": BEFORE_MS, "speakMs": SPEAK_MS},
            "colours": {
                "labels": COLOURS,
                "palette": PALETTE,
                "sound": BLUE,
                "viridis": VIRIDIS,
                "diverging": BLUE_TO_RED,
                "runs": {run: COLOURS[run] for run in SHAPES},
            },
            "signs": {run: _SIGNS[shape] for run, shape in SHAPES.items()},
            "original": {word: _originally(word) for word in ("yes", "no")},
        }

    def files(self) -> Iterator[tuple[str, str]]:
        """Names below the static files, and texts, of all that the page loads."""
        yield self.script_name, self.script
        assets = {_asset_name(each.name, each.wasm): each.wasm for each in self.networks}
        assets |= {_asset_name(each.file, each.flac): each.flac for each in self.clips}
        for name, data in assets.items():
            text = base64.b64encode(data).decode()
            yield f"{FOLDER}/{name}.js", f'kwsAsset("{name}", "{text}");\n'

    def write(self, static: Path) -> None:
        """Put the files into the site's folder of static files; what is not of them goes."""
        wanted = dict(self.files())
        for path in (static / FOLDER).glob("*"):
            if f"{FOLDER}/{path.name}" not in wanted:
                path.unlink()
        for name, text in wanted.items():
            if not (static / name).exists():
                write_text(static / name, text)


def _asset_name(name: str, data: bytes) -> str:
    """The name of an asset, changed by every change in it."""
    return f"{name}-{sha256_of_text(data.hex())[:_NAMED_BY]}"


def _originally(word: str) -> Mapping[str, int]:
    share = original(word)
    return {"successes": share.count, "trials": share.trials}
