import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_speech import WORDS, speakers, which_set

from kwslib.data import speech_commands
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.speech_commands import SpeechCommandsFolder
from kwslib.data.task import SPLITS, Task, speaker_of
from kwslib.errors import InputError
from kwslib.features.logmel import logmel_images
from kwslib.features.torchaudio_cpu import torchaudio


@pytest.fixture
def copy(tones, tmp_path):
    """A copy of the data set that a test may change."""
    return shutil.copytree(tones, tmp_path / "copy")


def release(root):
    return root / "SpeechCommands" / "speech_commands_v0.02"


def test_open_source_knows_the_layout(tones):
    assert isinstance(open_source(tones), SpeechCommandsFolder)


def test_splits_are_those_of_the_lists(tones):
    source = SpeechCommandsFolder(tones)
    dataset = Dataset(source, Task())
    # 24, 8 and 8 speakers of each word: 2 keywords and ceil(33 %) of their clips twice
    assert dataset.counts() == {"training": 48 + 16 + 16, "validation": 28, "testing": 28}
    for split in SPLITS:
        for name in dataset.names[split]:
            if not name.startswith("_silence_/"):
                assert which_set(name + ".wav") == split
    assert dataset.speakers() == {"training": 24, "validation": 8, "testing": 8}


def test_the_lists_count_and_not_the_hash(copy):
    listed = release(copy) / "validation_list.txt"
    lines = listed.read_text().splitlines()
    listed.write_text("\n".join(lines[1:]) + "\n")
    moved = lines[0].removesuffix(".wav")
    source = SpeechCommandsFolder(copy)
    word = moved.split("/")[0]
    assert moved in source.keyword_clips(word, "training")
    assert moved not in source.keyword_clips(word, "validation")


def test_sound_is_that_of_the_files_and_images_are_their_features(tones):
    source = SpeechCommandsFolder(tones)
    names = source.keyword_clips("yes", "testing")[:3]
    for name, clip in zip(names, source.audio(names), strict=True):
        expected, _ = soundfile.read(release(tones) / f"{name}.wav", dtype="int16")
        np.testing.assert_array_equal(clip, expected)
    deployed = logmel_images(source.audio(names))
    np.testing.assert_array_equal(source.images(names)[:, ::2], deployed)


@pytest.mark.parametrize("split", SPLITS)
def test_clips_and_splits_are_those_of_torchaudio(tones, split):
    listed = torchaudio.datasets.SPEECHCOMMANDS(tones, subset=split)
    theirs = [Path(listed.get_metadata(i)[0]).with_suffix("") for i in range(len(listed))]
    source = SpeechCommandsFolder(tones)
    ours = [name for word in source.words for name in source.keyword_clips(word, split)]
    assert sorted(ours) == sorted("/".join(path.parts[-2:]) for path in theirs)


def rewritten(root, scale=1.0, suffix=".wav", **options):
    """All sound of a copy, written in another way."""
    for path in [*root.rglob("*.wav")]:
        samples, rate = soundfile.read(path, dtype="int16")
        path.unlink()
        values = samples if scale == 1.0 else samples * scale
        soundfile.write(path.with_suffix(suffix), values, rate, **options)
    return SpeechCommandsFolder(root)


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 1 / 32768, "subtype": "FLOAT"},
        {"scale": 1 / 32768, "subtype": "DOUBLE"},
        {"scale": 1 / 32768, "subtype": "FLOAT", "format": "WAVEX"},
        {"scale": 1 / 32768, "subtype": "PCM_24"},
        {"scale": 1 / 32768, "subtype": "PCM_32"},
        {"scale": 1.0 + 1e-16, "subtype": "FLOAT"},
        {"scale": 256.0, "subtype": "DOUBLE"},
        {"suffix": ".flac"},
        {"suffix": ".WAV", "format": "WAV"},
    ],
)
def test_sound_is_the_same_in_whatever_way_its_samples_are_written(tones, copy, options):
    expected, source = SpeechCommandsFolder(tones), rewritten(copy, **options)
    for split in SPLITS:
        names = expected.keyword_clips("yes", split)
        assert source.keyword_clips("yes", split) == names
        np.testing.assert_array_equal(source.audio(names), expected.audio(names))
        silence = expected.silence_clips(split, 3)
        np.testing.assert_array_equal(source.audio(silence), expected.audio(silence))


def test_another_rate_is_resampled_and_said_once(tones, copy, capfd):
    names = SpeechCommandsFolder(tones).keyword_clips("yes", "training")[:4]
    for name in names:
        path = release(copy) / f"{name}.wav"
        time = np.arange(44_100) / 44_100
        stereo = np.stack([0.3 * np.sin(2 * np.pi * 700 * time)] * 2, axis=1)
        soundfile.write(path, stereo, 44_100)
    for clip in SpeechCommandsFolder(copy).audio(names):
        assert np.abs(np.fft.rfft(clip)).argmax() == 700
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 2
    assert "resampled from 44,100 Hz" in told[0] and "2 channels averaged" in told[1]


def test_words_of_ones_own_are_split_by_the_rule_whatever_their_names(copy):
    folder = release(copy)
    others = speakers({"training": 5, "testing": 2, "validation": 2})
    names = [*(f"me {n}.wav" for n in range(40)), *(f"{name}_nohash_1.wav" for name in others)]
    (folder / "marvellous").mkdir()
    for name in names:
        shutil.copy(next((folder / "yes").iterdir()), folder / "marvellous" / name)
    source = SpeechCommandsFolder(copy)
    found = {
        f"{Path(name).name}.wav": split
        for split, words in source.by_split.items()
        for name in words.get("marvellous", [])
    }
    rule = {name: which_set(name.removesuffix(".wav") + "_nohash_0.wav") for name in names[:40]}
    assert found == rule | {name: which_set(name) for name in names[40:]}
    assert set(found.values()) == {"training", "validation", "testing"}


def test_a_clip_that_is_in_no_list_is_for_training_where_others_of_its_word_are(copy):
    folder = release(copy) / "yes"
    shutil.copy(next(folder.iterdir()), folder / "me.wav")
    assert "yes/me" in SpeechCommandsFolder(copy).by_split["training"]["yes"]


def test_case_of_words_does_not_matter(copy):
    before = SpeechCommandsFolder(copy).keyword_clips("yes", "testing")
    (release(copy) / "yes").rename(release(copy) / "Yes")
    source = SpeechCommandsFolder(copy)
    assert source.keyword_clips("yes", "testing") == before
    assert source.audio(before).shape == (8, 16_000)


def test_what_is_not_read_is_said(copy, capfd):
    (release(copy) / "yes" / "notes.txt").write_text("x")
    clip = next((release(copy) / "no").glob("*.wav"))
    for listed in ("validation_list.txt", "testing_list.txt"):
        with (release(copy) / listed).open("a") as stream:
            stream.write("no/absent_nohash_0.wav\n")
    SpeechCommandsFolder(copy)
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 3
    assert told[0].endswith("lie where none are looked for: yes/notes.txt")
    assert "1 of the 33 validation clips that are listed are not there" in told[1]
    assert clip.exists()


def test_what_is_no_clip_of_a_word_is_skipped_and_said(tones, copy, capfd):
    clip = next((release(copy) / "yes").glob("*.wav"))
    (release(copy) / "yes" / "sub").mkdir()
    for nested in ("intro.wav", "yes/sub/a.wav", "yes/._a.wav"):
        shutil.copy(clip, release(copy) / nested)
    os.mkfifo(release(copy) / "yes" / "pipe.wav")
    (release(copy) / "yes" / "gone.wav").symlink_to("nowhere.wav")
    os.mkfifo(release(copy) / "_background_noise_" / "pipe.wav")
    source = SpeechCommandsFolder(copy)
    assert "looked for: intro.wav and 4 more" in capfd.readouterr().err
    assert source.identity() == SpeechCommandsFolder(tones).identity()


@pytest.mark.parametrize("listed", ["validation_list.txt", "testing_list.txt"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf\r\n"])
def test_an_empty_list_is_told_where_its_clips_are_needed(copy, listed, content):
    (release(copy) / listed).write_bytes(content)
    dataset, split = Dataset(open_source(copy), Task()), listed.split("_")[0]
    assert dataset.counts()[split] == 0
    for needed in (lambda: dataset.examples(split), dataset.check_complete):
        with pytest.raises(InputError, match=f"'yes'.* has no {split} clips"):
            needed()
    other = {"validation": "testing", "testing": "validation"}[split]
    assert len(dataset.examples(other)) == 28


def no_samples(path):
    soundfile.write(path, np.zeros(0, np.int16), 16_000)


def not_finite(path):
    samples = np.zeros(16_000, np.float32)
    samples[5_000] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_samples, "holds no sound"),
        (not_finite, r"sample 5,000 \(at 0.312 s\) is no finite number"),
        (lambda path: path.write_bytes(path.read_bytes()[:30]), "is no readable sound"),
        (lambda path: path.write_bytes(b""), "is empty"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(copy, make, message):
    name = open_source(copy).keyword_clips("yes", "testing")[0]
    make(release(copy) / f"{name}.wav")
    with pytest.raises(InputError, match=f"{name}.wav: .*{message}"):
        open_source(copy).audio([name])


def test_no_names_give_empty_batches(tones):
    source = SpeechCommandsFolder(tones)
    assert source.audio([]).shape == (0, 16_000)
    assert source.images([]).shape == (0, 98, 40)


def test_noise_and_files_beside_the_clips_are_no_words(tones):
    source = SpeechCommandsFolder(tones)
    assert source.words == sorted(WORDS)
    assert sorted(source.noise()) == ["hiss", "hum"]
    with pytest.raises(InputError, match="choose from down no up yes"):
        source.check_word("_background_noise_")


def test_silence_of_the_three_splits_is_cut_from_parts_that_do_not_overlap(tones):
    source = SpeechCommandsFolder(tones)
    ranges = {}
    for split in SPLITS:
        names = source.silence_clips(split, 40)
        assert len(names) == 40
        positions = [int(name.rsplit("-", 2)[1]) for name in names]
        ranges[split] = (min(positions), max(positions) + 16_000)
    assert ranges["training"][1] <= ranges["validation"][0]
    assert ranges["validation"][1] <= ranges["testing"][0]


def test_official_silence_clips_are_used_where_they_are_present(copy):
    before = SpeechCommandsFolder(copy)
    fingerprint = before.identity()
    folder = copy / "SpeechCommands" / "speech_commands_test_set_v0.02" / "_silence_"
    folder.mkdir(parents=True)
    random = np.random.default_rng(3)
    for number in range(5):
        samples = random.integers(-50, 50, 16_000).astype(np.int16) | 1
        soundfile.write(folder / f"{number}.wav", samples, 16_000, subtype="PCM_16")
    source = SpeechCommandsFolder(copy)
    names = source.silence_clips("testing", 3)
    every = [f"_silence_/{number}" for number in range(5)]
    assert names == sorted(every, key=lambda n: hashlib.sha1(n.encode()).hexdigest())[:3]
    expected, _ = soundfile.read(folder.parent / f"{names[0]}.wav", dtype="int16")
    np.testing.assert_array_equal(source.audio(names[:1])[0], expected)
    for split in ("training", "validation"):
        assert source.silence_clips(split, 5) == before.silence_clips(split, 5)
    assert source.identity() != fingerprint, "its clips are others"


def test_the_fingerprint_is_the_same_at_a_second_opening_and_in_another_place(tones, copy):
    fingerprint = SpeechCommandsFolder(tones).identity()
    assert SpeechCommandsFolder(tones).identity() == fingerprint
    assert SpeechCommandsFolder(copy).identity() == fingerprint
    clip = next((release(copy) / "yes").glob("*.wav"))
    clip.unlink()
    for listed in release(copy).glob("*_list.txt"):
        lines = [line for line in listed.read_text().splitlines() if clip.name not in line]
        listed.write_text("\n".join(lines) + "\n")
    assert SpeechCommandsFolder(copy).identity() != fingerprint


def test_a_folder_with_neither_kind_of_data_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="holds neither"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="no such data folder"):
        open_source(tmp_path / "none")
    with pytest.raises(InputError, match="--download"):
        SpeechCommandsFolder(tmp_path)


@pytest.mark.parametrize("listed", ["validation_list.txt", "testing_list.txt"])
def test_a_missing_list_is_an_input_error(copy, listed):
    (release(copy) / listed).unlink()
    with pytest.raises(InputError, match=listed):
        open_source(copy)


@pytest.mark.parametrize("content", ["no slash here\n", "a/b/c.wav\n", "\xff\xfe"])
def test_a_damaged_list_is_an_input_error(copy, content):
    (release(copy) / "testing_list.txt").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError):
        open_source(copy)


def test_a_clip_that_is_gone_damaged_or_too_large_is_an_input_error_that_names_it(copy):
    source = open_source(copy)
    gone, damaged, large = source.keyword_clips("yes", "testing")[:3]
    (release(copy) / f"{gone}.wav").unlink()
    (release(copy) / f"{damaged}.wav").write_bytes(b"RIFF and no more")
    with (release(copy) / f"{large}.wav").open("r+b") as stream:
        stream.truncate(2**20 + 1)
    for name in (gone, damaged, large):
        with pytest.raises(InputError, match=name):
            source.audio([name])


def test_a_folder_without_noise_recordings_is_an_input_error(copy):
    for path in (release(copy) / "_background_noise_").glob("*.wav"):
        path.unlink()
    with pytest.raises(InputError, match="_background_noise_"):
        Dataset(open_source(copy), Task())


# ---------------------------------------------------------------- the download

CHECKSUM = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
"""SHA-256 of speech_commands_v0.02.tar.gz."""


@pytest.fixture
def server(tones, monkeypatch):
    """In place of the network: an archive of the tones; returns the list of calls."""
    calls = []

    def fetch(url, destination, hash_prefix=None, progress=True):
        calls.append((url, hash_prefix, progress))
        with tarfile.open(destination, "w:gz", compresslevel=1) as archive:
            archive.add(release(tones), arcname=".")

    monkeypatch.setattr(torchaudio.datasets.speechcommands, "download_url_to_file", fetch)
    return calls


def test_a_download_asks_for_the_release_with_its_checksum_and_shows_progress(
    server, tones, tmp_path
):
    source = open_source(tmp_path / "new", download=True)
    assert [(url.rsplit("/", 1)[1], checksum) for url, checksum, _ in server] == [
        ("speech_commands_v0.02.tar.gz", CHECKSUM)
    ]
    assert server[0][2], "progress is shown"
    assert source.identity() == SpeechCommandsFolder(tones).identity()


def test_data_that_is_there_is_not_fetched_again(server, tones):
    open_source(tones, download=True)
    assert server == []


def test_a_wrong_checksum_is_an_input_error_and_leaves_nothing(tmp_path, monkeypatch):
    content = io.BytesIO(b"not the data set")
    content.info = lambda: type("Info", (), {"get_all": lambda self, name: None})()
    function = torchaudio.datasets.speechcommands.download_url_to_file
    monkeypatch.setitem(function.__globals__, "urlopen", lambda request: content)
    with pytest.raises(InputError, match="hash") as error:
        open_source(tmp_path / "new", download=True)
    assert "\n" not in str(error.value)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_server_that_cannot_be_reached_is_an_input_error(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torchaudio.datasets.speechcommands, "download_url_to_file", refuse)
    with pytest.raises(InputError, match="no route to host"):
        open_source(tmp_path, download=True)


def test_a_truncated_download_is_an_input_error_and_a_second_try_mends_it(server, tones, tmp_path):
    root = tmp_path / "new"
    root.mkdir()
    archive = root / "speech_commands_v0.02.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as stream:
        stream.add(release(tones), arcname=".")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(InputError, match=r"v0\.02\.tar\.gz"):
        open_source(root, download=True)
    archive.unlink()
    source = open_source(root, download=True)
    assert source.identity() == SpeechCommandsFolder(tones).identity()
    assert len(server) == 1


def test_a_file_where_the_folder_should_be_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        open_source(tmp_path / "file")
    with pytest.raises(InputError):
        open_source(tmp_path / "file", download=True)


def test_a_listed_speaker_is_the_name_before_nohash(tones):
    source = SpeechCommandsFolder(tones)
    speakers = {speaker_of(name) for name in source.keyword_clips("no", "validation")}
    assert len(speakers) == 8
    assert speech_commands.LAYOUT.as_posix() == "SpeechCommands/speech_commands_v0.02"
