"""What pages tell about themselves, with the site's address and without."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest
from docutils import nodes

from kwslib.site import metadata
from kwslib.site.extension import tell_addresses

ADDRESS = "https://example.org/report/"
PAGES = {"book/index", "book/1_sound"}


@pytest.fixture
def app(tmp_path):
    (tmp_path / "book" / "_static").mkdir(parents=True)
    (tmp_path / "book" / "_static" / metadata.PICTURE).write_bytes(b"")
    config = SimpleNamespace(root_doc="book/index", html_title="The report", html_baseurl="")
    return SimpleNamespace(config=config, srcdir=tmp_path, outdir=tmp_path / "out")


def tree(*paragraphs):
    document = nodes.document(None, None)
    section = nodes.section()
    section += nodes.title(text="Sound")
    for text in paragraphs:
        section += nodes.paragraph(text=text)
    document += section
    return document


def described(app, page="book/1_sound", *paragraphs):
    context = {"title": "What does <em>sound</em> look like?", "metatags": "<meta old>"}
    metadata.describe(app, page, "", context, tree(*(paragraphs or ("Short & good.",))))
    return context


def test_a_page_tells_title_and_description(app):
    tags = described(app)["metatags"]
    assert '<meta name="description" content="Short &amp; good.">' in tags
    assert '<meta property="og:title" content="What does sound look like?">' in tags
    assert tags.endswith("<meta old>")


def test_a_long_beginning_is_cut_between_words(app):
    text = metadata.description_of(tree("word " * 30, "other " * 30))
    assert len(text) <= 160 and text.endswith(" …") and "other" in text


def test_the_front_page_has_the_title_of_the_site_once(app):
    context = described(app, "book/index")
    assert (context["title"], context["docstitle"]) == ("The report", "")


def test_whole_addresses_only_where_they_are_known(app, monkeypatch):
    monkeypatch.delenv(metadata.ADDRESS_VARIABLE, raising=False)
    assert "og:image" not in described(app)["metatags"]
    metadata.write_sitemap(app.outdir, PAGES)
    assert not (app.outdir / metadata.SITEMAP).exists()
    monkeypatch.setenv(metadata.ADDRESS_VARIABLE, ADDRESS.rstrip("/"))
    tags = described(app)["metatags"]
    assert f'content="{ADDRESS}_static/{metadata.PICTURE}"' in tags
    assert f'content="{ADDRESS}book/1_sound.html"' in tags


def test_the_sitemap_lists_every_page(app, monkeypatch):
    monkeypatch.setenv(metadata.ADDRESS_VARIABLE, ADDRESS)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    tell_addresses(app, app.config)
    assert app.config.html_baseurl == ADDRESS
    metadata.write_sitemap(app.outdir, PAGES)
    root = ElementTree.parse(app.outdir / metadata.SITEMAP).getroot()
    assert [place.text for place in root.iter() if place.tag.endswith("loc")] == [
        f"{ADDRESS}book/1_sound.html",
        f"{ADDRESS}book/index.html",
    ]
