"""Formulas as MathML: those of the book, and what is done about one that cannot be shown."""

import html
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from docutils.utils.math import MathError

from kwslib.site.mathematics import to_mathml

BOOK = Path(__file__).resolve().parents[2] / "book"
_BLOCK = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$([^$\n]+?)\$")


def formulas():
    for path in sorted(BOOK.glob("*.md")):
        text = _CODE.sub("", path.read_text(encoding="utf-8"))
        yield from ((tex, True) for tex in _BLOCK.findall(text))
        yield from ((tex, False) for tex in _INLINE.findall(_BLOCK.sub("", text)))


def tree(mathml):
    """XML knows the entities of HTML by their signs alone."""
    known = re.sub(r"&(?!amp;|lt;|gt;)\w+;", lambda name: html.unescape(name[0]), mathml)
    return ElementTree.fromstring(known)


def test_every_formula_of_the_book_can_be_shown():
    found = list(formulas())
    assert len(found) > 20
    for tex, block in found:
        root = tree(to_mathml(tex, block))
        assert root.tag.endswith("math") and len(root) > 0
        assert (root.get("display") == "block") == block


def test_a_formula_keeps_its_symbols():
    root = tree(to_mathml(r"q = \operatorname{round}\big(r / S\big) + x_i"))
    text = "".join(root.itertext())
    assert re.sub(r"[\s\u2061]", "", text) == "q=round(r/S)+xi"
    assert [each.tag.rpartition("}")[2] for each in root.iter()].count("msub") == 1


def test_brackets_of_a_size_know_their_side():
    assert to_mathml(r"\Big(x\Big)") == to_mathml(r"\Bigl(x\Bigr)")


def test_a_fraction_of_digits_is_a_fraction():
    assert to_mathml(r"\tfrac12 x") == to_mathml(r"\tfrac{1}{2} x")
    assert to_mathml(r"\frac1{40}") == to_mathml(r"\frac{1}{40}")


def test_bars_are_as_high_as_letters():
    found = [
        each.attrib for each in tree(to_mathml(r"\|w\|_1 + |x|")).iter() if each.text in ("‖", "|")
    ]
    assert found == [{"stretchy": "false", "lspace": "0", "rspace": "0"}] * 4


def test_functions_keep_their_distance():
    assert to_mathml(r"2 \ln P") == to_mathml(r"2\,\ln\, P")
    assert to_mathml(r"2 \log_{10} x") == to_mathml(r"2\,\log_{10} x")


def test_an_unknown_command_is_named():
    with pytest.raises(MathError, match="nonsense"):
        to_mathml(r"\nonsense{x}")
