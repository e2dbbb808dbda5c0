import hashlib
import io
import zipfile

import numpy as np
import pytest
import soundfile
from fake_speech import which_set
from PIL import Image

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.speech_commands import (
    IMAGE_ARCHIVE,
    NOISE_ARCHIVE,
    TEST_ARCHIVE,
    SpeechCommandsArchives,
)
from kwslib.data.task import SPLITS, Task, speaker_of
from kwslib.errors import InputError

# ---------------------------------------------------------------- archives made for the test


def flac(samples):
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def jpeg(shape=(98, 40), mode="L"):
    picture = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def write_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.fixture
def small(tmp_path):
    """Three archives with a clip or two of each kind; returns a function that rewrites one."""
    random = np.random.default_rng(0)
    clip = flac(random.integers(-5_000, 5_000, 16_000).astype(np.int16))
    image = jpeg()
    # Speakers of which the published rule says: training, validation, testing.
    images = {
        f"{word}/{speaker}_nohash_0.jpg": image
        for word in ("yes", "no", "bed")
        for speaker in ("004ae714", "026290a7", "0c40e715")
    }
    tests = {f"{word}/0c40e715_nohash_0.flac": clip for word in ("yes", "no", "bed")}
    tests["_silence_/1.flac"] = tests["_silence_/2.flac"] = clip
    noise = {"hiss.flac": flac(random.integers(-900, 900, 160_000).astype(np.int16))}

    def write(name, **changes):
        members = {TEST_ARCHIVE: tests, IMAGE_ARCHIVE: images, NOISE_ARCHIVE: noise}[name]
        members = {k: v for k, v in (members | changes.pop("members", {})).items() if v}
        write_zip(tmp_path / name, members)
        return tmp_path

    for name in (TEST_ARCHIVE, IMAGE_ARCHIVE, NOISE_ARCHIVE):
        write(name)
    return write


def test_training_and_validation_come_from_images_and_testing_from_sound(small, tmp_path):
    source = open_source(tmp_path)
    assert isinstance(source, SpeechCommandsArchives)
    dataset = Dataset(source, Task())
    assert dataset.counts() == {"training": 4, "validation": 4, "testing": 4}
    assert dataset.names["training"][1:] == [
        "bed/004ae714_nohash_0",
        "yes/004ae714_nohash_0",
        "no/004ae714_nohash_0",
    ]
    assert dataset.names["testing"][0] in ("_silence_/1", "_silence_/2")
    assert [source.has_audio(split) for split in SPLITS] == [False, False, True]
    for split in SPLITS:
        assert dataset.examples(split).images.shape == (4, 98, 40)


def test_an_archived_image_keeps_its_pixels_and_its_rows_are_time(small, tmp_path):
    source = open_source(tmp_path)
    with Image.open(io.BytesIO(jpeg())) as image:
        expected = np.asarray(image)
    np.testing.assert_array_equal(source.archived_image("yes/004ae714_nohash_0"), expected)


def test_a_training_clip_has_no_sound(small, tmp_path):
    with pytest.raises(InputError, match="image alone"):
        open_source(tmp_path).audio(["yes/004ae714_nohash_0"])


@pytest.mark.parametrize("missing", [TEST_ARCHIVE, IMAGE_ARCHIVE, NOISE_ARCHIVE])
def test_a_missing_archive_is_an_input_error_that_names_it(small, tmp_path, missing):
    (tmp_path / missing).unlink()
    with pytest.raises(InputError, match=missing):
        open_source(tmp_path)


@pytest.mark.parametrize("cut", [TEST_ARCHIVE, IMAGE_ARCHIVE, NOISE_ARCHIVE])
def test_a_truncated_archive_is_an_input_error_that_names_it(small, tmp_path, cut):
    whole = (tmp_path / cut).read_bytes()
    for share in (0, 0.3, 0.9, 0.999):
        (tmp_path / cut).write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=cut):
            open_source(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"no image", jpeg()[:300], jpeg((40, 98)), jpeg((8, 8)), flac(np.zeros(9, np.int16))],
)
def test_a_bad_image_is_an_input_error_that_names_it(small, tmp_path, content):
    small(IMAGE_ARCHIVE, members={"yes/004ae714_nohash_0.jpg": content})
    with pytest.raises(InputError, match="yes/004ae714_nohash_0"):
        open_source(tmp_path).images(["yes/004ae714_nohash_0"])


def test_a_bad_sound_is_an_input_error_that_names_it(small, tmp_path):
    small(TEST_ARCHIVE, members={"yes/0c40e715_nohash_0.flac": b"fLaC nothing"})
    with pytest.raises(InputError, match="yes/0c40e715_nohash_0"):
        open_source(tmp_path).audio(["yes/0c40e715_nohash_0"])


def test_an_archive_without_noise_is_an_input_error(small, tmp_path):
    small(NOISE_ARCHIVE, members={"hiss.flac": None, "README.md": b"nothing here"})
    with pytest.raises(InputError, match="noise"):
        Dataset(open_source(tmp_path), Task())


def test_without_recorded_silence_the_test_gets_a_part_of_the_noise(small, tmp_path, capfd):
    small(TEST_ARCHIVE, members={"_silence_/1.flac": None, "_silence_/2.flac": None})
    dataset = Dataset(open_source(tmp_path), Task())
    assert "test_v0.02.zip has no _silence_; test silence is cut from" in capfd.readouterr().err
    assert dataset.counts() == {"training": 4, "validation": 4, "testing": 4}
    assert dataset.examples("testing").images.shape == (4, 98, 40)
    starts = {
        split: [int(n.split("-")[1]) for n in dataset.source.silence_clips(split, 40)]
        for split in SPLITS
    }
    assert max(starts["training"]) + 16_000 <= min(starts["validation"])
    assert max(starts["validation"]) + 16_000 <= min(starts["testing"])


def test_recorded_silence_leaves_the_other_splits_their_parts_of_the_noise(small, tmp_path, capfd):
    source = open_source(tmp_path)
    assert source.regions == {"training": (0.0, 0.8), "validation": (0.8, 1.0)}
    assert capfd.readouterr().err == ""


def test_silence_may_be_images_too(small, tmp_path):
    small(IMAGE_ARCHIVE, members={"_silence_/004ae714_nohash_0.jpg": jpeg()})
    dataset = Dataset(open_source(tmp_path), Task())
    assert dataset.names["training"][0] == "_silence_/004ae714_nohash_0"
    expected = dataset.source.archived_image("_silence_/004ae714_nohash_0")
    np.testing.assert_array_equal(dataset.examples("training").images[0], expected)


def test_archives_of_a_folder_with_the_rubbish_of_macos_are_the_same_data(small, tmp_path, capfd):
    expected = open_source(tmp_path)
    identity = expected.identity()
    names = {split: expected.keyword_clips("yes", split) for split in SPLITS}
    images = {split: expected.images(names[split]) for split in SPLITS}
    for path in tmp_path.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            members = {f"{path.stem}/{name}": archive.read(name) for name in archive.namelist()}
        rubbish = {f"__MACOSX/{name.replace('/', '/._')}": b"AppleDouble" for name in members}
        write_zip(path, members | rubbish)
    source = open_source(tmp_path)
    assert source.identity() == identity
    assert capfd.readouterr().err == ""
    assert source.words == ["bed", "no", "yes"]
    for split in SPLITS:
        assert source.keyword_clips("yes", split) == names[split]
        np.testing.assert_array_equal(source.images(names[split]), images[split])


def test_words_are_those_of_all_splits(small, tmp_path):
    write_zip(tmp_path / IMAGE_ARCHIVE, {"README.md": b"no images"})
    source = open_source(tmp_path)
    assert source.words == ["bed", "no", "yes"]
    dataset = Dataset(source, Task())
    assert len(dataset.examples("testing")) == 4
    with pytest.raises(InputError, match=r"'yes'.* has no training clips of it"):
        dataset.check_complete()


def test_data_without_any_clip_say_so(small, tmp_path):
    for name in (IMAGE_ARCHIVE, TEST_ARCHIVE):
        write_zip(tmp_path / name, {"README.md": b"nothing here", "yes.flac": b"x", "no.jpg": b"x"})
    with pytest.raises(InputError, match=r"'yes': .* has no clips of any word; .* folders"):
        Dataset(open_source(tmp_path), Task())


def test_a_word_that_the_archives_lack_is_an_input_error_that_lists_the_words(small, tmp_path):
    with pytest.raises(InputError, match=r"'hello'.*bed no yes"):
        Dataset(open_source(tmp_path), Task.of("yes,hello"))


def test_the_fingerprint_changes_with_any_of_the_archives(small, tmp_path):
    seen = {open_source(tmp_path).identity()}
    small(NOISE_ARCHIVE, members={"hiss.flac": flac(np.ones(160_000, np.int16))})
    seen.add(open_source(tmp_path).identity())
    small(TEST_ARCHIVE, members={"_silence_/3.flac": flac(np.ones(16_000, np.int16))})
    seen.add(open_source(tmp_path).identity())
    small(IMAGE_ARCHIVE, members={"yes/004ae714_nohash_1.jpg": jpeg()})
    seen.add(open_source(tmp_path).identity())
    assert len(seen) == 4


# ---------------------------------------------------------------- the real archives


@pytest.mark.real_speech
def test_the_default_task_has_the_published_counts(official_task):
    assert official_task.counts() == {"training": 10_556, "validation": 1_333, "testing": 1_368}
    assert official_task.per_label() == {
        "training": {"_silence_": 2_099, "_unknown_": 2_099, "yes": 3_228, "no": 3_130},
        "validation": {"_silence_": 265, "_unknown_": 265, "yes": 397, "no": 406},
        "testing": {"_silence_": 272, "_unknown_": 272, "yes": 419, "no": 405},
    }


@pytest.mark.real_speech
def test_the_ten_words_are_tested_on_all_official_clips(official):
    dataset = Dataset(official, Task.of("ten"))
    testing = dataset.per_label()["testing"]
    assert dataset.counts()["testing"] == 4_890
    assert testing["_silence_"] == testing["_unknown_"] == 408
    assert (testing["yes"], testing["no"], testing["left"]) == (419, 405, 412)
    for split in ("training", "validation"):
        counts = dataset.per_label()[split]
        keywords = sum(counts[word] for word in dataset.task.keywords)
        assert counts["_silence_"] == counts["_unknown_"] == -(-keywords // 10)


@pytest.mark.real_speech
def test_no_clip_and_no_speaker_stands_in_two_splits(official_task):
    names = {split: set(official_task.names[split]) for split in SPLITS}
    speakers = {
        split: {speaker_of(name) for name in names[split] if not name.startswith("_silence_")}
        for split in SPLITS
    }
    for split in SPLITS:
        assert len(names[split]) == len(official_task.names[split]), "a clip stands twice"
    for one, other in (
        ("training", "validation"),
        ("training", "testing"),
        ("validation", "testing"),
    ):
        assert not names[one] & names[other]
        assert not speakers[one] & speakers[other]
    assert official_task.speakers() == {split: len(speakers[split]) for split in SPLITS}


@pytest.mark.real_speech
def test_every_clip_is_in_the_split_of_the_published_rule(official_task):
    for split in SPLITS:
        words = [n for n in official_task.names[split] if not n.startswith("_silence_")]
        assert {which_set(name + ".wav") for name in words} == {split}


@pytest.mark.real_speech
def test_unknown_clips_are_the_first_by_sha1_of_all_33_other_words(official, official_task):
    for split in SPLITS:
        pool = official.unknown_clips(("yes", "no"), split)
        assert len({name.split("/")[0] for name in pool}) == 33
        assert not {"yes", "no", "_silence_"} & {name.split("/")[0] for name in pool}
        labelled = zip(official_task.names[split], official_task.labels(split), strict=True)
        drawn = [name for name, label in labelled if label == 1]
        ordered = sorted(pool, key=lambda name: hashlib.sha1(name.encode()).digest())
        assert drawn == ordered[: len(drawn)]


@pytest.mark.real_speech
def test_silence_of_training_and_validation_shares_no_sample(official_task):
    masks = {}
    lengths = {name: len(samples) for name, samples in official_task.source.noise().items()}
    assert len(lengths) == 6
    for split in ("training", "validation"):
        masks[split] = {name: np.zeros(length, bool) for name, length in lengths.items()}
        silence = [n for n in official_task.names[split] if n.startswith("_silence_/")]
        for name in silence:
            recording, position, _ = name.removeprefix("_silence_/").rsplit("-", 2)
            part = masks[split][recording][int(position) : int(position) + 16_000]
            assert len(part) == 16_000
            part[:] = True
        assert all(mask.any() for mask in masks[split].values())
    for name in lengths:
        assert not (masks["training"][name] & masks["validation"][name]).any()


@pytest.mark.real_speech
def test_a_second_opening_gives_the_same_evaluation_sets(
    official_task, speech_commands, tmp_path, monkeypatch
):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "another"))
    again = Dataset(open_source(speech_commands), Task.of("yes,no"))
    assert again.identity() == official_task.identity()
    for split in SPLITS:
        assert list(again.names[split]) == list(official_task.names[split])
        np.testing.assert_array_equal(again.labels(split), official_task.labels(split))
    clips = [official_task.names["validation"][i] for i in (0, 300, 600, 1_000)]
    np.testing.assert_array_equal(again.source.images(clips), official_task.source.images(clips))
    clips = [official_task.names["testing"][i] for i in (0, 300, 600, 1_000)]
    np.testing.assert_array_equal(again.source.audio(clips), official_task.source.audio(clips))


@pytest.mark.real_speech
def test_a_test_clip_looks_like_its_archived_image(official, official_task):
    names = [n for n in official_task.names["testing"] if official.has_archived_image(n)][::40]
    ours = official.images(names).astype(float)
    theirs = np.stack([official.archived_image(name) for name in names]).astype(float)
    errors = np.sqrt(((ours - theirs) ** 2).mean(axis=(1, 2)))
    assert len(names) > 20
    assert np.median(errors) < 6, "4.6 of 255 is what the fit reached"


@pytest.mark.real_speech
def test_official_silence_is_sound_of_the_archive(official, official_task):
    names = [n for n in official_task.names["testing"] if n.startswith("_silence_/")]
    assert len(names) == 272
    assert all(name.removeprefix("_silence_/").isdigit() for name in names)
    assert official.audio(names[:3]).shape == (3, 16_000)
