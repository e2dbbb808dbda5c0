"""The parameters of the chapters at their ends: the page follows, or a line says what can be."""

from pathlib import Path

import pytest

from kwslib.errors import InputError
from kwslib.results.parameter_checks import CHECKS
from kwslib.site.book import TOC_NAME, Book
from kwslib.site.execute import run_book
from kwslib.site.pages import Page, shown_values
from kwslib.site.parameters import ENGINE_NAMES, declared, resolve
from kwslib.site.settings import Settings

BOOK = Book.open(Path(__file__).resolve().parents[2])
CHAPTERS = [chapter for chapter in BOOK.chapters if chapter.number]

DEPENDS_ON_SPEECH = {"clip", "take", "word", "words"}
"""Parameters that chapter 1 alone has, and checks before it computes anything."""

NETWORK = [
    ("epochs", "-1"), ("epochs", "100000"), ("keywords", ""), ("keywords", "yes,yes"),
    ("keywords", "no,know"), ("model", "other"), ("seed", "-1"), ("seed", "4294967296"),
]  # fmt: skip
REFUSED = {
    "model_size": [
        ("keywords", " ,"), ("model", "other"), ("repetitions", "9"), ("repetitions", "10000000"),
    ],
    "training": NETWORK,
    "deployment": NETWORK,
    "quantization": [*NETWORK, ("bits", ""), ("bits", "1"), ("bits", "9"), ("bits", "four")],
    "pruning": [
        *NETWORK, ("amounts", ""), ("amounts", "1"), ("channels", "-0.1"), ("channels", "all"),
        ("tuning_epochs", "-1"),
    ],
}  # fmt: skip


def test_every_parameter_is_checked():
    names = {name for chapter in CHAPTERS for name in declared(chapter)} - {*ENGINE_NAMES}
    assert names - CHECKS.keys() == DEPENDS_ON_SPEECH
    assert {*declared(BOOK.chapter("preprocessing"))} >= DEPENDS_ON_SPEECH


def test_what_chapters_declare_passes():
    resolve(
        BOOK,
        {
            f"{chapter.name}.{name}": value
            for chapter in CHAPTERS
            for name, value in declared(chapter).items()
            if name not in ENGINE_NAMES
        },
    )


@pytest.mark.parametrize(
    ("chapter", "name", "value"), [(page, *pair) for page in REFUSED for pair in REFUSED[page]]
)
def test_what_cannot_be_is_refused_before_a_chapter_runs(chapter, name, value):
    with pytest.raises(InputError) as caught:
        resolve(BOOK, {f"{chapter}.{name}": value})
    message = str(caught.value)
    assert message.startswith(f"parameter '{chapter}.{name}': ") and "\n" not in message


def run(name, asked, folder):
    """The page of a chapter and its values, with parameters, as ``kws report`` runs it."""
    chapter = BOOK.chapter(name)
    toc = folder / TOC_NAME
    toc.write_text(f"format: jb-book\nroot: {chapter.page}\n")
    parameters = {f"{name}.{each}": value for each, value in asked.items()}
    (executed,) = run_book(Book.open(BOOK.root, toc), Settings(parameters=parameters))
    return Page.of(executed), shown_values(executed)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "asked", "shown"),
    [
        ("model_size", {"repetitions": "10"}, ["tiny conv"]),
        ("model_size", {"model": "funnel_small"}, ["funnel small"]),
        ("model_size", {"keywords": "ten"}, ["12"]),
        ("model_size", {"model": "tiny_conv-ten_words"}, ["12"]),
        ("training", {"epochs": "5"}, ["5"]),
        ("training", {"epochs": "1"}, ["1"]),
        ("training", {"keywords": "write,yes"}, ["right"]),
        ("training", {"model": "funnel_small"}, ["funnel small"]),
        ("deployment", {"model": "funnel_small"}, ["funnel small of this run"]),
        ("deployment", {"keywords": "left,right"}, ["left,right"]),
        ("quantization", {"bits": "4,8"}, ["8, 4"]),
        ("quantization", {"bits": "2,2"}, ["2"]),
        ("quantization", {"keywords": "left,right"}, ["tiny_conv-left_right"]),
        ("pruning", {"amounts": "0.9"}, ["0.9"]),
        ("pruning", {"amounts": "0", "channels": "0.8,0.80"}, ["0", "0.8"]),
        ("pruning", {"keywords": "left,right"}, ["tiny_conv-left_right"]),
        ("pruning", {"model": "funnel_small"}, ["funnel_small-yes_no"]),
    ],
)
def test_a_page_follows_its_parameters(name, asked, shown, tmp_path):
    page, values = run(name, asked, tmp_path)
    assert {*shown} <= {*values.values()}
    assert all(claim.holds for claim in page.claims.values() if claim.over == "records")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("take", "144", "take 144: embedded speech has 144 test clips of 'yes'; choose 0 to 143"),
        ("take", "-1", "take -1: embedded speech"),
        ("word", "", "keyword '': eSpeak cannot say it"),
        ("words", "yes", "words 'yes': name at least two different words"),
        ("words", "", "words '': name at least two"),
        ("clip", "no-such.wav", "no-such.wav: no such file"),
    ],
)
def test_chapter_1_refuses_what_its_speech_lacks(name, value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run("preprocessing", {name: value}, tmp_path)
