import pytest

from kwslib.errors import InputError
from kwslib.report.settings import Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("KWS_PROFILE", "KWS_DATA", "KWS_PARAMETERS", "KWS_STARTED"):
        monkeypatch.delenv(name, raising=False)


def test_demo_is_the_default_and_a_data_folder_means_full(tmp_path):
    assert Settings.choose(None, None, {}).profile == "demo"
    chosen = Settings.choose(None, str(tmp_path), {})
    assert (chosen.profile, chosen.data) == ("full", str(tmp_path))


def test_settings_travel_through_the_environment(tmp_path, monkeypatch):
    settings = Settings.choose("full", str(tmp_path), {"training.epochs": "4"})
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == settings


def test_demo_does_not_look_at_the_data_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_DATA", str(tmp_path))
    assert Settings.choose("demo", None, {}).data == ""
    assert Settings.choose("full", None, {}).data == str(tmp_path)


@pytest.mark.parametrize(
    ("profile", "data", "message"),
    [
        ("half", None, "choose demo or full"),
        ("full", "/nowhere/at/all", "no such data folder"),
        ("demo", ".", "take --profile full"),
    ],
)
def test_bad_settings_are_refused(profile, data, message):
    with pytest.raises(InputError, match=message):
        Settings.choose(profile, data, {})


@pytest.mark.parametrize("text", ["[1]", "{", "3"])
def test_a_broken_variable_is_refused(monkeypatch, text):
    monkeypatch.setenv("KWS_PARAMETERS", text)
    with pytest.raises(InputError, match="KWS_PARAMETERS"):
        Settings.from_environment()


def test_data_identity_follows_the_listing(tmp_path):
    settings = Settings.choose("full", str(tmp_path), {})
    empty = settings.data_identity()
    (tmp_path / "archive.tar").write_bytes(b"12")
    two_bytes = settings.data_identity()
    (tmp_path / "archive.tar").write_bytes(b"123")
    assert len({empty, two_bytes, settings.data_identity()}) == 3
    assert Settings.choose("demo", None, {}).data_identity() == ""
