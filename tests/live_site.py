"""The page "Try it" without the site around it, the modules of its script, and sounds for it."""

import json

import numpy as np
import soundfile

from kwslib.config import SAMPLE_RATE
from kwslib.data.dataset import open_source
from kwslib.data.spoken import EmbeddedSpeech
from kwslib.live.clips import NAMES
from kwslib.live.scripts import bundle
from kwslib.live.try_page import FRAGMENTS
from kwslib.site.extension import STATIC

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

_KNOWN = ("yes/0a2b400e_nohash_0", "no/0a2b400e_nohash_0")
"""Official test clips that every published network detects."""


def write_page(live, folder, **rules):
    """A page with all parts in ``folder``; ``rules`` are those of the field test."""
    live.write(folder)
    told = json.dumps(live.config() | {"test": live.config()["test"] | rules})
    head, _, _ = live.html("listen").partition('<script type="application/json"')
    parts = sorted(path.stem for path in FRAGMENTS.glob("*.html"))
    text = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Try it</title>",
        "<link rel=icon href=data:,>",
        f"<style>{(STATIC / 'try.css').read_text(encoding='utf-8')}</style>",
        f'<script defer src="{live.script_name}"></script>',
        head,
        f'<script type="application/json" data-kws="config">{told}</script>',
        *(live.html(part) for part in parts if part != "listen"),
    ]
    path = folder / "try.html"
    path.write_text("".join(text), encoding="utf-8")
    return path


def with_module(page, name):
    """Gives a page the exports of one module as ``kws``."""
    page.add_script_tag(content=bundle(name, "kws"))
    return page


def words(real_speech=None):
    """A clip of yes and one of no that the networks know, int16: official where they are."""
    if real_speech is not None:
        return open_source(real_speech).audio(_KNOWN)
    return EmbeddedSpeech().audio(NAMES[:2])


def write_sound(path, clips, pause=1.0, rate=SAMPLE_RATE, channels=1):
    """Clips with quiet noise between them as a WAV file of 16 bits."""
    quiet = np.random.default_rng(0).normal(0, 8, int(pause * SAMPLE_RATE)).astype(np.int16)
    sound = np.concatenate([part for clip in clips for part in (quiet, clip)] + [quiet])
    if rate != SAMPLE_RATE:
        times = np.arange(len(sound) * rate // SAMPLE_RATE) * SAMPLE_RATE / rate
        sound = np.interp(times, np.arange(len(sound)), sound).astype(np.int16)
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate, subtype="PCM_16")
    return path
