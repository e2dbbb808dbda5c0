"""``kws features``: the image that a network sees, or another view, of a user's clip."""

from pathlib import Path

import click

from kwslib.cli.output import Output, json_option, note, show
from kwslib.data.recording import read_clip
from kwslib.features.views import DEPLOYED_KIND, VIEWS, view_of
from kwslib.files import write_array


@click.command()
@click.argument("clip", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="F.npy", type=Output(), help="File to write.")
@click.option(
    "--kind",
    type=click.Choice(list(VIEWS)),
    default=DEPLOYED_KIND,
    show_default=True,
    help="Which view of the clip.",
)
@json_option
def command(clip: Path, out: Path, kind: str, as_json: bool) -> None:
    """Turn CLIP, a sound file, into the image that a network sees.

    Writes a NumPy array: uint8 49 x 40 (frames x mel bands), or the view that --kind names.
    A clip that is not one second at 16 kHz is made so, and what was done is said.
    """
    audio, changes = read_clip(clip)
    for change in changes:
        note(change)
    view = view_of(audio, kind)
    write_array(out, view)
    result = {
        "out": str(out),
        "kind": kind,
        "shape": list(view.shape),
        "dtype": str(view.dtype),
        "notes": changes,
    }
    size = " x ".join(str(length) for length in view.shape)
    show(result, as_json, f"{VIEWS[kind].title}: {view.dtype} {size} in {out}")
