"""``kws report``: run the chapters and build the site."""

import time
from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, json_option, note, show, verify_data, verify_option
from kwslib.records import code_version
from kwslib.site.build import BuildError, Built, build_chapter, build_site, find_root
from kwslib.site.claims import record_claims
from kwslib.site.execute import ChapterError
from kwslib.site.parameters import parse_pairs
from kwslib.site.settings import PROFILES, Settings


@click.command("report")
@click.option("--profile", help=f"{' or '.join(PROFILES)}; full when --data is given, else demo.")
@click.option(
    "--data",
    metavar="DIR",
    help="Folder of Speech Commands, for profile full. [env: KWS_DATA, with --profile full]",
)
@verify_option
@click.option(
    "-p",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="CHAPTER.NAME=VALUE",
    help="A chapter's parameter, e.g. training.epochs=40; can be given again.",
)
@click.option("--chapter", metavar="NAME", help="This chapter alone: 3, training or 3_training.")
@click.option(
    "--out",
    type=Output(folder=True),
    metavar="DIR",
    help="Where the site goes; _build/html by default.",
)
@click.option(
    "--pdf", is_flag=True, help="Print the whole report to a PDF file, linked on its pages."
)
@click.option("--record", is_flag=True, help="Write what each claim found into book/claims.json.")
@json_option
def command(
    profile: str | None,
    data: str | None,
    verify: bool,
    pairs: tuple[str, ...],
    chapter: str | None,
    out: Path | None,
    pdf: bool,
    record: bool,
    as_json: bool,
) -> int:
    """Run the chapters and build the site.

    A chapter runs again only when something that it depends on has changed. When a cell fails
    the exit code is 1 and the last good site stays.
    """
    start = time.monotonic()
    settings = Settings.choose(profile, data, parse_pairs(pairs))
    if verify:
        verify_data(settings.data)
    root = find_root()
    if chapter and (out or pdf or record):
        raise click.UsageError(
            "--out, --pdf and --record are for the whole report; a chapter goes to _build/chapter"
        )
    if record and (settings.profile != "full" or settings.parameters):
        raise click.UsageError("--record is for --profile full without other parameters")
    try:
        if chapter:
            built = build_chapter(root, settings, note, chapter)
        else:
            built = build_site(root, settings, note, out, pdf)
    except (ChapterError, BuildError) as error:
        note(f"kws: {error}")
        return 1
    if record:
        run = f"{settings.data_name}, {settings.started[:10]}, kwslib {code_version()}"
        note(f"wrote {record_claims(root, built.claims, run)}")
    seconds = time.monotonic() - start
    show(_result(built, settings, seconds), as_json, _text(built, seconds))
    return 0


def _result(built: Built, settings: Settings, seconds: float) -> dict[str, Any]:
    return {
        "site": str(built.site),
        "page": str(built.page),
        "profile": settings.profile,
        "data": settings.data_name,
        "seconds": round(seconds, 1),
        "chapters": [
            {
                "chapter": each.chapter.stem,
                "notebook": str(built.notebook(each)),
                "seconds": round(each.run.seconds, 1),
                "fresh": each.fresh,
                "parameters": each.values,
                "claims": {claim.label: claim.holds for claim in built.claims[each.chapter.stem]},
            }
            for each in built.chapters
        ],
    }


def _text(built: Built, seconds: float) -> str:
    lines = [
        f"{each.chapter.stem}: {each.run.seconds:.1f} s "
        f"{'now' if each.fresh else 'in an earlier run'}, {built.notebook(each)}"
        for each in built.chapters
    ]
    return "\n".join([*lines, f"page: {built.page}", f"done in {seconds:.1f} s"])
