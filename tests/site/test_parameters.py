import pytest

from kwslib.errors import InputError
from kwslib.site import parameters
from kwslib.site.book import Book


def test_values_take_the_type_of_the_declared_default(root):
    asked = {
        "sound.level": "-4",
        "sound.gain": "2",
        "sound.loud": "no",
        "sound.words": "1,2",
    }
    chosen = parameters.resolve(Book.open(root), asked)
    assert chosen == {
        "sound": {"level": -4, "gain": 2.0, "loud": False, "words": "1,2"},
        "size": {},
    }
    assert isinstance(chosen["sound"]["gain"], float)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sound.level", "2.5", r"'2.5' is not a whole number \(the default is 3\)"),
        ("sound.gain", "loud", "is not a number"),
        ("sound.gain", "nan", "is not a number"),
        ("sound.loud", "perhaps", "is not true or false"),
        ("sound.volume", "1", "has no 'volume'; it has level, gain, loud, words"),
        ("sound.data", "x", "has no 'data'"),
        ("sound", "1", "has no ''"),
        ("size.level", "1", "it has no parameters"),
        ("noise.level", "1", "no chapter is called 'noise'.*sound, size"),
    ],
)
def test_what_no_chapter_has_is_refused_naming_what_there_is(root, key, value, message):
    with pytest.raises(InputError, match=message):
        parameters.resolve(Book.open(root), {key: value})


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(InputError, match="has no '='"):
        parameters.parse_pairs(("sound.level",))


def test_a_value_may_hold_an_equals_sign():
    assert parameters.parse_pairs(("sound.words=a=b",)) == {"sound.words": "a=b"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("level = 3 ", "level = print()", "only hold lines like"),
        ("level = 3 ", "level = [3]", "only hold lines like"),
        ("level = 3 ", "import os", "only hold lines like"),
        ('profile = "demo"', "profile = 3", "declare profile as text"),
        ("[parameters]", "[]", "0 cells are tagged"),
    ],
)
def test_a_chapter_that_declares_badly_is_named(root, old, new, message):
    path = root / "book" / "1_sound.md"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"1_sound.*{message}"):
        parameters.resolve(Book.open(root), {})


def test_a_path_is_the_callers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pairs = ("a.clip=me.WAV", "a.other=rec/me", "a.third=/x/y.flac", "a.words=yes,no", "a.x=")
    assert parameters.parse_pairs(pairs) == {
        "a.clip": f"{tmp_path}/me.WAV",
        "a.other": f"{tmp_path}/rec/me",
        "a.third": "/x/y.flac",
        "a.words": "yes,no",
        "a.x": "",
    }
