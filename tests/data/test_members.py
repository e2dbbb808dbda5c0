import hashlib
import random
import struct
import zipfile

import pytest

from kwslib.data.members import FolderMembers, ZipMembers, digests, open_members
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
    assert read_all(path)[name.removesuffix(".flac")] == b"content"
    assert sorted(tmp_path.rglob("*")) == before


def unpack(archive, folder):
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


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
    archive = write(tmp_path / "a.zip", {"Yes/A1.FLAC": b"x", "NO/b.Flac": b"y"})
    if not packed:
        unpack(archive, tmp_path / "a")
        archive.unlink()
    members = open_members(archive, [".flac"], 100)
    assert members.paths == {"yes/A1": "Yes/A1.FLAC", "no/b": "NO/b.Flac"}
    assert members.read("yes/A1") == b"x"


@pytest.mark.parametrize("packed", [True, False])
def test_a_clip_that_stands_twice_is_an_input_error_that_names_both(tmp_path, packed):
    archive = write(tmp_path / "a.zip", {"yes/a.flac": b"x", "yes/a.wav": b"y"})
    if not packed:
        unpack(archive, tmp_path / "a")
        archive.unlink()
    with pytest.raises(InputError, match=r"holds yes/a\.flac and yes/a\.wav"):
        open_members(archive, [".flac", ".wav"], 100)


def test_what_is_skipped_within_a_word_is_known_and_hidden_files_are_none(tmp_path):
    folder = tmp_path / "a"
    for name in ("yes/a.flac", "yes/notes.txt", "yes/.DS_Store", ".git/config", "LICENSE"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    members = FolderMembers(folder, [".flac"], 100)
    assert (members.paths, members.skipped) == ({"yes/a": "yes/a.flac"}, ["yes/notes.txt"])


def test_a_large_or_absent_file_of_a_folder_is_an_input_error(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.flac").write_bytes(b"x" * 101)
    (tmp_path / "yes" / "b.flac").symlink_to(tmp_path / "nowhere")
    members = FolderMembers(tmp_path, [".flac"], 100)
    with pytest.raises(InputError, match="larger than 100 bytes"):
        members.read("yes/a")
    with pytest.raises(InputError, match=r"b\.flac: no such file"):
        members.read("yes/b")
    assert [digest for _, digest in digests(members)] == ["damaged", "damaged"]
    assert FolderMembers(tmp_path / "absent", [".flac"], 100).paths == {}
