import json
import os
import shutil
import sys

import pytest
from command_line import refused, runner

from kwslib.data import synthesiser


@pytest.fixture
def kws(capsys):
    return runner("data", capsys)


def test_json_is_one_object_with_what_the_contract_names(kws, tones):
    code, out, err = kws("--data", tones, "--json")
    result = json.loads(out)
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    assert result["dataset"] == "Speech Commands v0.02 (official)"
    assert result["labels"] == ["_silence_", "_unknown_", "yes", "no"]
    assert result["counts"] == {"training": 80, "validation": 28, "testing": 28}
    assert result["per_label"]["testing"] == {"_silence_": 6, "_unknown_": 6, "yes": 8, "no": 8}
    assert result["speakers"] == {"training": 24, "validation": 8, "testing": 8}
    assert result["hours"]["training"] == pytest.approx(80 / 3600)


def test_text_is_a_table_of_the_same_numbers(kws, tones):
    code, out, err = kws("--data", tones, "--keywords", "up,down")
    assert (code, err) == (0, "")
    assert "few for a test: up: 8 clips; the 95 % interval" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}
    assert rows["down"] == ["24", "8", "8"]
    assert rows["clips"] == ["80", "28", "28"]
    assert rows["speakers"] == ["24", "8", "8"]


def test_the_folder_may_come_from_the_environment(kws, tones, monkeypatch):
    monkeypatch.setenv("KWS_DATA", str(tones))
    _, out, _ = kws("--json")
    assert json.loads(out)["dataset"] == "Speech Commands v0.02 (official)"


def test_no_such_data_folder(kws, tmp_path):
    assert refused(kws("--data", tmp_path / "none", "--json"), "none", "no such data folder")


def test_a_folder_without_data(kws, tmp_path):
    assert refused(kws("--data", tmp_path), "holds neither", "test_v0.02.zip")


def test_a_file_in_place_of_the_folder(kws, tmp_path):
    (tmp_path / "file").write_text("x")
    assert refused(kws("--data", tmp_path / "file"), "no such data folder")


def test_a_truncated_archive(kws, tmp_path):
    for name in ("test_v0.02.zip", "logmel_v0.02.zip", "background_noise.zip"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + b"\0" * 500)
    assert refused(kws("--data", tmp_path), "test_v0.02.zip", "truncated", "fetch it again")


@pytest.mark.real_speech
def test_a_real_archive_cut_short(kws, speech_commands, tmp_path):
    for name in ("test_v0.02.zip", "logmel_v0.02.zip"):
        (tmp_path / name).symlink_to(speech_commands / name)
    whole = (speech_commands / "background_noise.zip").read_bytes()
    (tmp_path / "background_noise.zip").write_bytes(whole[: len(whole) // 2])
    assert refused(kws("--data", tmp_path), "background_noise.zip", "truncated")


@pytest.mark.parametrize(
    ("keywords", "part"),
    [
        ("yes,hello", "'hello'"),
        ("_background_noise_", "lower-case"),
        ("yes!", "'yes!'"),
        ("yes,yes", "once"),
        ("", "none given"),
        (",", "none given"),
        ("ten", "'left'"),
    ],
)
def test_keywords_that_the_data_lacks_or_that_are_none(kws, tones, keywords, part):
    assert refused(kws("--data", tones, "--keywords", keywords), part)


def unknown_words(kws, *arguments):
    """Clips of unknown words in each split, and the homophones that are named."""
    code, out, err = kws(*arguments, "--json")
    assert code == 0, err
    result = json.loads(out)
    return [each["_unknown_"] for each in result["per_label"].values()], result["homophones"]


def test_homophones_of_ones_own_words_are_left_out_and_named(kws, spoken):
    words = ("--data", spoken, "--keywords", "write,bed")
    # of each word 6 clips in each split; a third of 12, and 18 of other words
    assert unknown_words(kws, *words) == ([4, 4, 4], {"right": "write"})
    assert unknown_words(kws, *words, "--keep-homophones") == ([4, 4, 4], {})
    code, out, _ = kws(*words)
    assert code == 0
    assert "left out of _unknown_: right, which sounds like write" in out.splitlines()
    assert "left out" not in kws(*words, "--keep-homophones")[1]


@pytest.mark.parametrize(
    ("keywords", "homophones"),
    [
        ("write", {"right": "write"}),
        ("Know,ATE", {"no": "know", "eight": "ate"}),
        ("for,to,won", {"four": "for", "one": "won", "two": "to"}),
        ("yes,no", {}),
        ("ten", {}),
    ],
)
def test_homophones_of_any_words_that_are_spoken(kws, keywords, homophones):
    assert unknown_words(kws, "--keywords", keywords)[1] == homophones


@pytest.mark.parametrize("keywords", ["no,know", "write,yes,Right", "two,to,four"])
@pytest.mark.parametrize("option", [[], ["--keep-homophones"]])
def test_two_keywords_that_sound_alike(kws, keywords, option):
    words = [word for word in keywords.lower().split(",") if word not in ("yes", "four")]
    line = f"keywords {words[0]!r} and {words[1]!r}: sound alike"
    assert refused(kws("--keywords", keywords, *option), line, "leave one out")


@pytest.mark.parametrize("keywords", ["write", "yes,no", "up"])
def test_without_espeak_it_is_said_that_it_is_missing(kws, tones, monkeypatch, keywords):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    synthesiser._library_path.cache_clear()
    assert refused(kws("--data", tones, "--keywords", keywords), "espeakng-loader: not installed",
                   "pip install")  # fmt: skip


def test_a_data_set_without_noise(kws, tones, tmp_path):
    root = shutil.copytree(tones, tmp_path / "copy")
    shutil.rmtree(root / "SpeechCommands" / "speech_commands_v0.02" / "_background_noise_")
    assert refused(kws("--data", root), "_background_noise_")


def test_download_needs_a_folder(kws):
    assert refused(kws("--download"), "--data DIR")


def test_download_says_on_standard_error_what_it_does(kws, tones):
    code, out, err = kws("--data", tones, "--download", "--json")
    assert code == 0
    assert json.loads(out)["counts"]["testing"] == 28
    assert "fetching" in err


def test_a_download_that_fails(kws, tmp_path, monkeypatch):
    from kwslib.features.torchaudio_cpu import torchaudio

    def refuse(*arguments, **options):
        raise OSError("no route\nto host")

    monkeypatch.setattr(torchaudio.datasets.speechcommands, "download_url_to_file", refuse)
    code, out, err = kws("--data", tmp_path / "new", "--download", "--json")
    assert (code, out) == (2, "")
    progress, line = err.splitlines()
    assert progress.startswith("fetching")
    assert "no route to host" in line


@pytest.mark.real_speech
def test_the_published_counts_of_real_speech(kws, speech_commands):
    code, out, _ = kws("--data", speech_commands, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["counts"] == {"training": 10_556, "validation": 1_333, "testing": 1_368}


def test_the_hash_follows_every_byte_and_verifying_reads_them_all(kws, tones, tmp_path):
    data = shutil.copytree(tones, tmp_path / "data")

    def identity(*options):
        return json.loads(kws("--data", data, "--json", *options)[1])["hash"]

    before = identity()
    assert identity("--verify") == before
    path = next(data.rglob("yes/*.wav"))
    times, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert identity("--verify") != before
    assert identity() == identity("--verify")


def test_there_is_nothing_to_verify_of_embedded_speech(kws):
    assert refused(kws("--verify"), "--verify: name the data with --data")
