"""A data set is its members' names and bytes, whatever sizes and times say."""

import os
import shutil
import zipfile

import numpy as np
import pytest
import soundfile

from kwslib.data import recorded
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.members import ChangedError, open_members
from kwslib.data.recorded import identity_of
from kwslib.data.speech_commands import LAYOUT
from kwslib.data.spoken import EmbeddedSpeech
from kwslib.data.task import Task


@pytest.fixture
def official(tones, tmp_path):
    return shutil.copytree(tones, tmp_path / "official")


def clips(root, word="yes"):
    return sorted((root / LAYOUT / word).glob("*.wav"))


def change_last_byte(path):
    """Another byte, of a file with the same size and times."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_size == before.st_size


def replace_all_by_noise(root):
    draw = np.random.default_rng(0)
    for path in root.glob(f"{LAYOUT}/[!_]*/*.wav"):
        soundfile.write(path, draw.integers(-9000, 9000, 16_000).astype(np.int16), 16_000)


CHANGES = {
    "one byte of a clip": lambda root: change_last_byte(clips(root)[3]),
    "one byte of a noise": lambda root: change_last_byte(clips(root, "_background_noise_")[0]),
    "all clips": replace_all_by_noise,
    "a name": lambda root: clips(root)[0].rename(clips(root)[0].with_name("x_nohash_0.wav")),
    "two names exchanged": lambda root: exchange(*clips(root)[:2]),
    "a clip less": lambda root: clips(root)[0].unlink(),
    "the split of a clip": lambda root: (root / LAYOUT / "testing_list.txt").write_text(
        "".join((root / LAYOUT / "testing_list.txt").read_text().splitlines(True)[1:])
    ),
}


def exchange(one, other):
    one.rename(one.with_suffix(".tmp"))
    other.rename(one)
    one.with_suffix(".tmp").rename(other)


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_content_is_another_data_set(official, change):
    before = open_source(official).identity()
    CHANGES[change](official)
    assert open_source(official).identity(verify=True) != before
    assert open_source(official).identity() != before


def test_a_change_that_sizes_and_times_hide_is_found_when_they_are_not_trusted(
    official, monkeypatch
):
    monkeypatch.setattr(recorded, "_states", lambda parts: [str(parts[0].place)])
    before = open_source(official).identity()
    change_last_byte(clips(official)[0])
    assert open_source(official).identity() == before, "as the shortcut says"
    source = open_source(official)
    after = source.identity(verify=True)
    assert after != before
    assert source.identity() == open_source(official).identity() == after, "and it is kept"


def test_names_and_bytes_alone_count(official, tmp_path, monkeypatch):
    before = open_source(official).identity()
    for path in official.rglob("*"):
        os.utime(path, (1, 1))
    copy = shutil.copytree(official, tmp_path / "elsewhere")
    (copy / LAYOUT / "LICENSE").write_text("beside the clips")
    for name in ("validation_list.txt", "testing_list.txt"):
        text = (copy / LAYOUT / name).read_text()
        (copy / LAYOUT / name).write_bytes(
            b"\xef\xbb\xbf" + "\r\n".join(reversed(text.split())).encode()
        )
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "of another machine"))
    assert open_source(copy).identity() == before
    assert open_source(official).identity(verify=True) == before


def test_nothing_is_read_again_while_sizes_and_times_are_the_same(official, monkeypatch):
    before = open_source(official).identity()
    monkeypatch.setattr(recorded, "digests", lambda members: pytest.fail("read again"))
    assert open_source(official).identity() == before


def test_scores_of_other_clips_are_not_taken_for_those_of_before(official):
    images = Dataset(open_source(official), Task()).examples("testing").images
    replace_all_by_noise(official)
    assert not np.array_equal(
        Dataset(open_source(official), Task()).examples("testing").images, images
    )


def packed(path, content):
    """An archive of three clips in place of the one that is there, at once. Give it another size:
    its times may be the same.
    """
    with zipfile.ZipFile(path.with_name("new"), "w") as archive:
        for word in ("no", "up", "yes"):
            archive.writestr(f"{word}/a.flac", word.encode() + content)
    return path.with_name("new").replace(path)


@pytest.mark.parametrize("change", [packed, lambda path, content: path.unlink()])
@pytest.mark.parametrize("when", ["before hashing", "while hashing"])
def test_the_identity_of_an_archive_that_changes_is_not_kept(tmp_path, monkeypatch, when, change):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    members = open_members(packed(tmp_path / "a.zip", b"old"), [".flac"], 100)
    if when == "before hashing":
        change(tmp_path / "a.zip", b"another")
    else:
        read = members.read

        def meanwhile(name):
            if name == "up/a":
                change(tmp_path / "a.zip", b"another")
            return read(name)

        monkeypatch.setattr(members, "read", meanwhile)
    with pytest.raises(ChangedError, match=r"a\.zip: changed while"):
        identity_of("words", [members])
    assert list((tmp_path / "cache" / "identities").iterdir()) == []


def test_an_archive_that_replaces_another_has_its_own_identity(tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))

    def opened(content):
        return [open_members(packed(tmp_path / "a.zip", content), [".flac"], 100)]

    old = identity_of("words", opened(b"old"))
    new = identity_of("words", opened(b"another"))
    assert old != new == identity_of("words", opened(b"another"), verify=True)
    assert old == identity_of("words", opened(b"old"))


@pytest.mark.real_speech
def test_the_archives_are_one_data_set_packed_in_any_way(speech_commands, tmp_path):
    expected = open_source(speech_commands).identity()
    for path in speech_commands.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            if path.name.startswith("background"):  # unpacked
                archive.extractall(tmp_path / path.stem)
            elif path.name.startswith("test"):  # packed anew, otherwise and in another order
                with zipfile.ZipFile(tmp_path / path.name, "w", zipfile.ZIP_STORED) as other:
                    for info in reversed(archive.infolist()):
                        other.writestr(info.filename, archive.read(info))
            else:
                (tmp_path / path.name).symlink_to(path)
    assert open_source(tmp_path).identity() == expected


def test_embedded_speech_is_what_its_recipe_says(monkeypatch):
    before = EmbeddedSpeech().identity()
    assert EmbeddedSpeech().identity(verify=True) == before
    with monkeypatch.context() as patch:
        patch.setattr("kwslib.data.spoken.RECIPE", 99)
        assert EmbeddedSpeech().identity() != before
    monkeypatch.setattr("kwslib.data.spoken.synthesiser_version", lambda: "espeakng-loader 99")
    assert EmbeddedSpeech().identity() != before
