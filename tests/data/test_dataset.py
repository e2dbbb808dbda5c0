import shutil
from typing import ClassVar

import numpy as np
import pytest

from kwslib.data.dataset import Dataset, Examples, open_source
from kwslib.data.source import Source
from kwslib.data.speech_commands import LAYOUT
from kwslib.data.task import SPLITS, Task, in_hash_order, split_of
from kwslib.errors import InputError
from kwslib.folders import cache_folder


class Named(Source):
    """A source whose clips are names alone; an image repeats a number drawn from its name."""

    name = "names"
    regions: ClassVar = {"training": (0.0, 0.5), "validation": (0.5, 0.75), "testing": (0.75, 1.0)}

    def __init__(self, backwards=False, fingerprint="a", words=("yes", "no", "bed", "cat")):
        self.asked = []
        self._fingerprint, self._words = fingerprint, words
        self._names = [
            f"{word}/{number:06x}_nohash_{take}"
            for word in words
            for number in range(200)
            for take in range(2)
        ]
        if backwards:
            self._names.reverse()

    def _of(self, split):
        return [n for n in self._names if split_of(n.split("/")[1].split("_")[0]) == split]

    def identity(self, verify=False):
        return self._fingerprint

    def check_word(self, word):
        if word not in self._words:
            raise InputError(f"keyword {word!r}: unknown")

    def keyword_clips(self, word, split):
        return in_hash_order(n for n in self._of(split) if n.startswith(f"{word}/"))

    def unknown_clips(self, keywords, split):
        return [n for n in self._of(split) if n.split("/")[0] not in keywords]

    def silence_clips(self, split, count):
        return [f"_silence_/{split}-{number}" for number in range(count)]

    def images(self, names):
        self.asked.append(tuple(names))
        values = [sum(name.encode()) % 256 for name in names]
        rows = np.arange(98)[:, None] % 2
        return np.stack([np.full((98, 40), v, np.uint8) ^ rows.astype(np.uint8) for v in values])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))


def test_a_split_is_silence_then_unknown_then_each_keyword():
    dataset = Dataset(Named(), Task(("yes", "no")))
    for split in SPLITS:
        labels = dataset.labels(split)
        assert labels.dtype == np.int64
        assert (np.diff(labels) >= 0).all()
        words = [name.split("/")[0] for name in dataset.names[split]]
        for word, label in zip(words, labels, strict=True):
            expected = {"_silence_": 0, "yes": 2, "no": 3}.get(word, 1)
            assert label == expected


def test_unknown_and_silence_are_the_share_of_the_keywords_rounded_up():
    dataset = Dataset(Named(), Task(("yes", "no")))
    for split, counts in dataset.per_label().items():
        expected = -(-33 * (counts["yes"] + counts["no"]) // 100)
        assert counts["_silence_"] == counts["_unknown_"] == expected
        assert sum(counts.values()) == dataset.counts()[split] == len(dataset.names[split])


def test_the_order_in_which_a_source_lists_its_clips_does_not_matter():
    one, other = Dataset(Named(), Task()), Dataset(Named(backwards=True), Task())
    for split in SPLITS:
        assert list(one.names[split]) == list(other.names[split])


def test_unknown_words_are_mixed_and_the_same_whichever_the_count():
    third, tenth = Dataset(Named(), Task()), Dataset(Named(), Task(("yes", "no"), 10, 10))

    def unknown(dataset):
        pairs = zip(dataset.names["training"], dataset.labels("training"), strict=True)
        return [name for name, label in pairs if label == 1]

    assert {name.split("/")[0] for name in unknown(third)} == {"bed", "cat"}
    assert unknown(third)[: len(unknown(tenth))] == unknown(tenth)


def test_fewer_other_words_than_wanted_are_all_taken():
    dataset = Dataset(Named(), Task(("yes", "no", "bed"), 33, 100))
    assert dataset.per_label()["testing"]["_unknown_"] == len(
        Named().keyword_clips("cat", "testing")
    )


def test_speakers_are_counted_once_and_silence_is_nobody():
    dataset = Dataset(Named(), Task())
    speakers = dataset.speakers()
    for split in SPLITS:
        expected = sum(split_of(f"{number:06x}") == split for number in range(200))
        assert speakers[split] == expected


@pytest.mark.parametrize(
    ("words", "keyword", "homophones"),
    [
        (("write", "right", "bed", "rite"), "write", ["right", "rite"]),
        (("no", "know", "bed", "cat"), "no", ["know"]),
        (("two", "2", "to", "too"), "two", ["2", "to", "too"]),
    ],
)
def test_words_that_sound_like_a_keyword_are_unknown_in_no_split(words, keyword, homophones):
    dataset = Dataset(Named(words=words), Task.of(keyword))
    kept = Dataset(Named(words=words), Task.of(keyword, keep_homophones=True))
    assert dataset.homophones == dict.fromkeys(homophones, keyword) and kept.homophones == {}
    others = set(words) - {keyword}
    for split in SPLITS:
        heard, all_heard = (
            {name.split("/")[0] for name in each.names[split]} - {"_silence_", keyword}
            for each in (dataset, kept)
        )
        assert (heard, all_heard) == (others.difference(homophones), others)
    assert dataset.identity() == {**kept.identity(), "homophones": homophones}


def test_a_homophone_in_one_split_alone_is_left_out():
    class Rare(Named):
        def unknown_clips(self, keywords, split):
            names = super().unknown_clips(keywords, split)
            return [name for name in names if split == "testing" or not name.startswith("know/")]

    dataset = Dataset(Rare(words=("no", "know", "bed")), Task.of("no"))
    assert dataset.homophones == {"know": "no"}
    assert not any(name.startswith("know/") for name in dataset.names["testing"])


def test_a_missing_word_is_refused_before_anything_is_read():
    source = Named()
    with pytest.raises(InputError, match="'dog'"):
        Dataset(source, Task.of("yes,dog"))
    assert source.asked == []


def test_the_deployed_image_is_every_second_row():
    images = np.arange(2 * 98 * 40).reshape(2, 98, 40).astype(np.uint8)
    examples = Examples(("a", "b"), np.array([0, 1]), images)
    assert examples.deployed.shape == (2, 49, 40)
    assert examples.deployed.flags.c_contiguous
    for frame in (0, 1, 48):
        np.testing.assert_array_equal(examples.deployed[:, frame], images[:, 2 * frame])


def test_images_are_made_once_and_come_from_the_cache_afterwards():
    source = Named()
    first = Dataset(source, Task()).examples("validation")
    assert len(source.asked) == 1
    again = Dataset(source, Task()).examples("validation")
    assert len(source.asked) == 1
    np.testing.assert_array_equal(first.images, again.images)
    assert first.names == again.names


def test_listing_a_task_reads_no_clip():
    source = Named()
    dataset = Dataset(source, Task())
    dataset.counts(), dataset.per_label(), dataset.speakers(), dataset.labels("training")
    assert source.asked == []


def test_another_content_or_another_task_has_images_of_its_own():
    source = Named()
    Dataset(source, Task()).examples("testing")
    changed = Named(fingerprint="b")
    Dataset(changed, Task()).examples("testing")
    assert len(changed.asked) == 1
    Dataset(source, Task.of("no,yes")).examples("testing")
    assert len(source.asked) == 2


def test_a_damaged_cache_is_made_again():
    source = Named()
    expected = Dataset(source, Task()).examples("testing").images
    (cached,) = cache_folder("images").glob("*.npy")
    whole = cached.read_bytes()
    for content in (b"", b"rubbish", whole[:-100]):
        cached.write_bytes(content)
        np.testing.assert_array_equal(Dataset(source, Task()).examples("testing").images, expected)
        assert cached.read_bytes() == whole


def test_images_of_clips_that_change_meanwhile_are_not_kept(tones, tmp_path, monkeypatch):
    root = shutil.copytree(tones, tmp_path / "copy")
    dataset = Dataset(open_source(root), Task())
    audio = dataset.source.audio

    def meanwhile(names):
        first, last = (root / LAYOUT / f"{names[i]}.wav" for i in (-2, -1))
        last.write_bytes(first.read_bytes())
        return audio(names)

    monkeypatch.setattr(dataset.source, "audio", meanwhile)
    with pytest.raises(InputError, match=r"\.wav: changed while it was in use; run this again"):
        dataset.examples("testing")
    assert list(cache_folder("images").iterdir()) == []
    images = Dataset(open_source(root), Task()).examples("testing").images
    np.testing.assert_array_equal(images[-1], images[-2])


def test_identity_names_the_data_and_its_hash():
    assert Dataset(Named(fingerprint="0123456789abcdefXYZ"), Task()).identity() == {
        "name": "names",
        "hash": "0123456789abcdef",
    }


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_folder_the_source_is_embedded_speech(nothing):
    assert "embedded" in open_source(nothing).name.lower()


def test_a_file_is_no_data_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="--data or KWS_DATA"):
        open_source(tmp_path / "file")
