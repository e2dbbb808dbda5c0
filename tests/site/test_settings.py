import shutil

import pytest

from kwslib.data.dataset import open_source
from kwslib.errors import InputError
from kwslib.site.settings import Settings


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


def test_data_identity_is_that_of_the_data_however_deep_a_change_lies(tones, tmp_path):
    assert Settings.choose("full", str(tones), {}).data_identity() == open_source(tones).identity()
    other = shutil.copytree(tones, tmp_path / "other")
    clip = next(other.rglob("yes/*.wav"))
    clip.write_bytes(clip.read_bytes()[:-2] + b"12")
    settings = Settings.choose("full", str(other), {})
    assert settings.data_identity() == open_source(other).identity()
    assert settings.data_identity() != open_source(tones).identity()
    with pytest.raises(InputError, match="holds neither"):
        Settings.choose("full", str(tmp_path), {}).data_identity()
    assert Settings.choose("demo", None, {}).data_identity() == ""
