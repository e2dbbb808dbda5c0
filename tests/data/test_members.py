import hashlib
import os
import random
import struct
import tracemalloc
import zipfile

import pytest

from kwslib.data.members import (
    ChangedError,
    FolderMembers,
    ZipMembers,
    digests,
    open_members,
)
from kwslib.errors import InputError

MEMBERS = {
    "yes/a_nohash_0.flac": b"one " * 200,
    "no/b_nohash_1.flac": bytes(range(256)) * 3,
    "no/c_nohash_0.flac": random.Random(0).randbytes(500),
    "README.md": b"not a clip",
}


def write(path, members=MEMBERS, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def read_all(path, largest=2**20):
    archive = ZipMembers(path, [".flac"], largest)
    return {name: archive.read(name) for name in archive.paths}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_by_name_without_suffix(tmp_path, compression):
    path = write(tmp_path / "a.zip", compression=compression)
    expected = {
        name.removesuffix(".flac"): content
        for name, content in MEMBERS.items()
        if name.endswith(".flac")
    }
    assert read_all(path) == expected


def test_an_archive_truncated_anywhere_is_an_input_error(tmp_path):
    whole = write(tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "cut.zip"
    for length in {*range(0, len(whole), 37), *range(len(whole) - 60, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.zip"):
            read_all(path)


def test_an_archive_with_a_piece_missing_is_an_input_error(tmp_path):
    whole = write(tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "holed.zip"
    for start in range(0, len(whole) - 100, 61):
        path.write_bytes(whole[:start] + whole[start + 40 :])
        with pytest.raises(InputError):
            read_all(path)


def test_an_archive_with_any_byte_changed_gives_the_right_bytes_or_an_input_error(tmp_path):
    whole = write(tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "changed.zip"
    chance = random.Random(1)
    refused = 0
    for position in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[position] ^= chance.randrange(1, 256)
        path.write_bytes(changed)
        try:
            contents = read_all(path)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert set(contents.values()) <= set(MEMBERS.values())
    assert refused > len(whole) // 6


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06", b"\0" * 1000])
def test_what_is_no_zip_is_an_input_error(tmp_path, content):
    path = tmp_path / "no.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="fetch it again"):
        ZipMembers(path, [".flac"], 2**20)


def test_a_missing_archive_or_a_folder_in_its_place_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="missing"):
        ZipMembers(tmp_path / "none.zip", [".flac"], 2**20)
    with pytest.raises(InputError):
        ZipMembers(tmp_path, [".flac"], 2**20)


@pytest.mark.parametrize("name", ["yes/z_nohash_0", "README", "yes/a_nohash_0.flac", ""])
def test_a_missing_member_is_an_input_error(tmp_path, name):
    archive = ZipMembers(write(tmp_path / "a.zip"), [".flac"], 2**20)
    with pytest.raises(InputError, match="has no clip"):
        archive.read(name)


def test_a_member_larger_than_allowed_is_refused_whatever_its_compressed_size(tmp_path):
    path = write(tmp_path / "bomb.zip", {"yes/a.flac": b"\0" * 2**20})
    assert path.stat().st_size < 2**14
    with pytest.raises(InputError, match="1,048,576 bytes"):
        ZipMembers(path, [".flac"], 2**20 - 1).read("yes/a")
    assert len(ZipMembers(path, [".flac"], 2**20).read("yes/a")) == 2**20


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    path = write(tmp_path / "lie.zip", {"yes/a.flac": b"\0" * 2**20})
    changed = path.read_bytes().replace(struct.pack("<I", 2**20), struct.pack("<I", 100))
    path.write_bytes(changed)
    with pytest.raises(InputError):
        ZipMembers(path, [".flac"], 1000).read("yes/a")


def test_a_damaged_member_is_an_input_error_and_the_others_stay_readable(tmp_path):
    path = write(tmp_path / "a.zip", compression=zipfile.ZIP_STORED)
    changed = bytearray(path.read_bytes())
    changed[changed.index(b"one one")] ^= 1
    path.write_bytes(changed)
    archive = ZipMembers(path, [".flac"], 2**20)
    with pytest.raises(InputError, match="damaged"):
        archive.read("yes/a_nohash_0")
    assert archive.read("no/b_nohash_1") == MEMBERS["no/b_nohash_1.flac"]


@pytest.mark.parametrize("flag", [1, 64])
def test_an_encrypted_member_is_an_input_error(tmp_path, flag):
    path = write(tmp_path / "locked.zip", {"yes/a.flac": b"x" * 50})
    changed = bytearray(path.read_bytes())
    changed[6] |= flag
    changed[changed.index(b"PK\x01\x02") + 8] |= flag
    path.write_bytes(changed)
    with pytest.raises(InputError):
        ZipMembers(path, [".flac"], 2**20).read("yes/a")


def test_an_unknown_compression_is_an_input_error(tmp_path):
    path = write(tmp_path / "odd.zip", {"yes/a.flac": b"x" * 50})
    changed = bytearray(path.read_bytes())
    changed[8] = 97
    changed[changed.index(b"PK\x01\x02") + 10] = 97
    path.write_bytes(changed)
    with pytest.raises(InputError):
        ZipMembers(path, [".flac"], 2**20).read("yes/a")


@pytest.mark.parametrize("name", ["../../evil.flac", "/tmp/evil.flac", "a/../../evil.flac"])
def test_a_member_whose_name_leaves_the_folder_writes_nothing(tmp_path, name):
    inside = tmp_path / "one" / "two"
    inside.mkdir(parents=True)
    path = write(inside / "a.zip", {name: b"content", "yes/a.flac": b"x"})
    before = sorted(tmp_path.rglob("*"))
    assert set(read_all(path)) - {"yes/a"} <= {"tmp/evil"}
    assert sorted(tmp_path.rglob("*")) == before


def unpack(archive, folder):
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def packed_or_not(tmp_path, packed, members):
    """Where :func:`open_members` is to look for members that are packed, or lie in folders."""
    archive = write(tmp_path / "a.zip", members)
    if not packed:
        unpack(archive, tmp_path / "a")
        archive.unlink()
    return archive


def test_digests_are_those_of_the_bytes_packed_in_any_way_or_unpacked(tmp_path):
    stored = write(tmp_path / "s.zip", compression=zipfile.ZIP_STORED)
    other_order = write(tmp_path / "o.zip", dict(reversed(MEMBERS.items())))
    unpack(stored, tmp_path / "u")
    expected = sorted(
        (name, hashlib.sha256(content).hexdigest())
        for name, content in MEMBERS.items()
        if name.endswith(".flac")
    )
    for path in (stored, other_order, tmp_path / "u.zip"):
        assert list(digests(open_members(path, [".flac"], 2**20))) == expected


def test_a_folder_is_read_as_the_archive_is(tmp_path):
    packed = open_members(write(tmp_path / "a.zip"), [".flac"], 2**20)
    unpack(tmp_path / "a.zip", tmp_path / "b")
    unpacked = open_members(tmp_path / "b.zip", [".flac"], 2**20)
    assert isinstance(unpacked, FolderMembers) and isinstance(packed, ZipMembers)
    assert unpacked.paths == packed.paths
    for name in packed.paths:
        assert unpacked.read(name) == packed.read(name)
    with pytest.raises(InputError, match="has no clip"):
        unpacked.read("yes/z_nohash_0")


def test_the_archive_is_read_where_both_are_there(tmp_path):
    write(tmp_path / "a.zip", {"yes/a.flac": b"packed"})
    unpack(write(tmp_path / "b.zip", {"yes/a.flac": b"unpacked"}), tmp_path / "a")
    assert open_members(tmp_path / "a.zip", [".flac"], 100).read("yes/a") == b"packed"


@pytest.mark.parametrize("packed", [True, False])
def test_case_of_words_and_suffixes_does_not_matter(tmp_path, packed):
    archive = packed_or_not(tmp_path, packed, {"Yes/A1.FLAC": b"x", "NO/b.Flac": b"y"})
    members = open_members(archive, [".flac"], 100)
    assert members.paths == {"yes/A1": "Yes/A1.FLAC", "no/b": "NO/b.Flac"}
    assert members.read("yes/A1") == b"x"


@pytest.mark.parametrize("packed", [True, False])
def test_a_clip_that_stands_twice_is_an_input_error_that_names_both(tmp_path, packed):
    archive = packed_or_not(tmp_path, packed, {"yes/a.flac": b"x", "yes/a.wav": b"y"})
    with pytest.raises(InputError, match=r"holds yes/a\.flac and yes/a\.wav"):
        open_members(archive, [".flac", ".wav"], 100)


@pytest.mark.parametrize("packed", [True, False])
def test_what_is_skipped_is_known_and_hidden_files_are_none(tmp_path, packed):
    hidden = ("yes/._a.flac", ".x/b.flac", "__MACOSX/yes/._a.flac", "__MACOSX/no.flac", ".git/x")
    skipped = ("intro.flac", "yes/notes.txt", "yes/sub/deep.flac")
    files = dict.fromkeys(("yes/a.flac", "no/b.flac", "LICENSE", *hidden, *skipped), b"x")
    members = open_members(packed_or_not(tmp_path, packed, files), [".flac"], 100)
    assert members.paths == {"yes/a": "yes/a.flac", "no/b": "no/b.flac"}
    assert members.skipped == list(skipped)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("top", ["train/", "data/train/", "./", "__MACOSX.not/"])
@pytest.mark.parametrize(("depth", "plain"), [(1, ["no/b.flac", "yes/a.flac"]), (0, ["a.flac"])])
def test_folders_above_all_members_do_not_count(tmp_path, packed, top, depth, plain):
    files = {f"{top}{path}": path.encode() for path in plain}
    beside = {"README.md": b"x", "__MACOSX/a/b/c/d.flac": b"x", f"{top}LICENSE": b"x"}
    archive = packed_or_not(tmp_path, packed, {**files, **beside})
    expected = open_members(
        write(tmp_path / "plain.zip", {path: path.encode() for path in plain}),
        [".flac"], 100, depth,
    )  # fmt: skip
    members = open_members(archive, [".flac"], 100, depth)
    assert members.paths == expected.paths
    assert list(digests(members)) == list(digests(expected))
    with pytest.raises(InputError, match=f"{top.strip('./')}: has no clip none"):
        members.read("none")


@pytest.mark.parametrize("packed", [True, False])
def test_a_word_is_no_folder_above_the_members(tmp_path, packed):
    archive = packed_or_not(tmp_path, packed, {"yes/a.flac": b"x", "yes/b.flac": b"y"})
    assert list(open_members(archive, [".flac"], 100).paths) == ["yes/a", "yes/b"]


def test_a_file_that_stands_twice_in_an_archive_is_an_input_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
        for content in (b"x", b"y"):
            archive.writestr("yes/a.flac", content)
    with pytest.raises(InputError, match=r"holds yes/a\.flac and yes/a\.flac"):
        open_members(tmp_path / "a.zip", [".flac"], 100)


def test_only_regular_files_are_members_and_links_lead_to_them(tmp_path):
    word, elsewhere = tmp_path / "a" / "yes", tmp_path / "elsewhere"
    word.mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "c.flac").write_bytes(b"linked")
    os.mkfifo(word / "pipe.flac")
    (word / "device.flac").symlink_to("/dev/zero")
    (word / "dangling.flac").symlink_to(tmp_path / "nowhere")
    (word / "itself.flac").symlink_to("itself.flac")
    (word / "above").symlink_to(tmp_path / "a")
    (word / "link.flac").symlink_to(elsewhere / "c.flac")
    (tmp_path / "a" / "no").symlink_to(elsewhere)
    members = FolderMembers(tmp_path / "a", [".flac"], 100)
    assert {name: members.read(name) for name in members.paths} == {
        "yes/link": b"linked", "no/c": b"linked",
    }  # fmt: skip
    others = ("above", "dangling.flac", "device.flac", "itself.flac", "pipe.flac")
    assert members.skipped == [f"yes/{name}" for name in others]


def test_a_large_file_or_an_absent_folder(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.flac").write_bytes(b"x" * 101)
    members = FolderMembers(tmp_path, [".flac"], 100)
    with pytest.raises(InputError, match="larger than 100 bytes"):
        members.read("yes/a")
    assert list(digests(members)) == [("yes/a.flac", "damaged")]
    assert FolderMembers(tmp_path / "absent", [".flac"], 100).paths == {}


CHANGES = {
    "replaced": lambda path, new: new.replace(path),
    "overwritten": lambda path, new: path.write_bytes(new.read_bytes()),
    "cut short": lambda path, new: path.write_bytes(path.read_bytes()[:1]),
    "removed": lambda path, new: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("packed", [True, False])
def test_what_is_no_longer_what_was_listed_is_not_read(tmp_path, packed, change):
    archive = packed_or_not(tmp_path, packed, {"yes/a.flac": b"before", "yes/b.flac": b"x"})
    members = open_members(archive, [".flac"], 100)
    assert members.read("yes/a") == b"before"
    changed, new = (archive if packed else tmp_path / "a" / "yes" / "a.flac"), tmp_path / "new"
    write(new, {"yes/a.flac": bytes(range(99)), "yes/b.flac": b"y"})  # times may be the same
    CHANGES[change](changed, new)
    for read in (lambda: members.read("yes/a"), lambda: list(digests(members))):
        with pytest.raises(ChangedError, match=f"{changed.name}: changed while it was in use"):
            read()


def test_a_member_that_is_more_than_it_says_takes_no_memory(tmp_path):
    path = write(tmp_path / "a.zip", {"yes/a_nohash_0.flac": bytes(10**8)})
    content = path.read_bytes()
    size = (10**8).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.zip: yes/a_nohash_0.flac is damaged"):
            read_all(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_what_zipfile_stumbles_over_is_damage(tmp_path):
    packed = write(tmp_path / "a.zip", compression=zipfile.ZIP_LZMA).read_bytes()
    at = packed.index(b"a_nohash_0.flac") + 40  # within the compressed bytes
    (tmp_path / "a.zip").write_bytes(packed[:at] + b"\xff" * 8 + packed[at + 8 :])
    with pytest.raises(InputError, match=r"a\.zip: \w+/\w+.flac is damaged"):
        read_all(tmp_path / "a.zip")
    name = "y\u00e9s/a_nohash_0.flac"
    packed = write(tmp_path / "b.zip", {name: b"x"}).read_bytes()
    (tmp_path / "b.zip").write_bytes(packed.replace(name.encode(), b"\xff" * len(name.encode())))
    with pytest.raises(InputError, match=r"b\.zip: is truncated or no zip archive"):
        read_all(tmp_path / "b.zip")
