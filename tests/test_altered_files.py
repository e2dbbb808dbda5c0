"""Altered copies of every kind of file that people give: used, or refused in one line."""

import hashlib
import io
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile
from alterations import check_altered
from batches import KERNELS, often
from PIL import Image

from kwslib.cost import cost_of
from kwslib.data import speech_commands
from kwslib.data.dataset import open_source
from kwslib.data.recording import read_clip
from kwslib.data.sound_file import open_sound
from kwslib.data.speech_commands import IMAGE_ARCHIVE, NOISE_ARCHIVE, TEST_ARCHIVE
from kwslib.data.task import SPLITS
from kwslib.deploy.codegen import generate
from kwslib.deploy.convert import convert_float
from kwslib.deploy.predictors import info_of
from kwslib.deploy.predictors import predictor as scores_of
from kwslib.errors import InputError, naming
from kwslib.models.checkpoint import PUBLISHED, load, task_of
from kwslib.network.reader import read_graph
from kwslib.network.reference import activations
from kwslib.network.writer import tflite_bytes
from kwslib.records import FOLDER, Record, read_records, write_records
from kwslib.training.predict import predictor

IMAGE = np.zeros((1, 49, 40), np.uint8)


def copied(folder, *paths):
    for path in paths:
        shutil.copy(path, folder)
    return folder


# ---------------------------------------------------------------- networks


def use_network(path):
    """All that follows on reading a full-int8 file, short of a compiler."""
    graph = read_graph(path)
    with naming(path):
        for kernels in KERNELS:
            source = generate(graph, kernels)
            assert source.arena.peak <= source.arena.size
    activations(graph, np.zeros((1, graph.input.size), np.int8))
    tflite_bytes(graph)
    info_of(path)
    assert len(scores_of(path)(IMAGE)) == 1


@often(80, 3_500)
def test_altered_networks(tmp_path, count):
    names = ("tiny_conv-yes_no", "tiny_conv-yes_no-w2", "ds_cnn-yes_no", "tc_resnet8-yes_no")
    copied(tmp_path, *(PUBLISHED / f"{name}.tflite" for name in names))
    check_altered(use_network, tmp_path, count)


def use_float_network(path):
    assert len(scores_of(path)(IMAGE)) == 1


@pytest.mark.long
def test_altered_networks_in_floats(tmp_path):
    for name in ("tiny_conv-yes_no", "ds_cnn-yes_no"):
        (tmp_path / f"{name}.tflite").write_bytes(convert_float(load(name)[0], {}))
    check_altered(use_float_network, tmp_path, 500)


# ---------------------------------------------------------------- sound


def use_sound(path):
    clip, _ = read_clip(path)
    assert clip.shape == (16_000,)
    with open_sound(path) as sound:
        assert sum(map(len, sound.blocks())) == sound.samples


@often(60, 2_000)
def test_altered_sound(tmp_path, count):
    rng = np.random.default_rng(0)
    sound = 0.3 * np.sin(np.arange(24_000) / 5) + 0.05 * rng.standard_normal(24_000)
    for name, subtype, channels, rate in (
        ("pcm16.wav", "PCM_16", 1, 16_000), ("vorbis.ogg", "VORBIS", 1, 16_000),
        ("mono.flac", "PCM_16", 1, 16_000), ("mono.mp3", "MPEG_LAYER_III", 1, 16_000),
        ("float.wav", "FLOAT", 2, 44_100), ("opus.ogg", "OPUS", 2, 48_000),
        ("stereo.flac", "PCM_24", 2, 44_100), ("stereo.mp3", "MPEG_LAYER_III", 2, 44_100),
    ):  # fmt: skip
        soundfile.write(tmp_path / name, np.stack([sound] * channels, 1), rate, subtype)
    check_altered(use_sound, tmp_path, count)


# ---------------------------------------------------------------- archives

PACKED = {
    "Z_STORED": zipfile.ZIP_STORED,
    "Z_DEFLATED": zipfile.ZIP_DEFLATED,
    "Z_BZIP2": zipfile.ZIP_BZIP2,
}


def encoded(samples):
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def members(kind):
    """The members of one of the three archives."""
    rng = np.random.default_rng(0)
    if kind == NOISE_ARCHIVE:
        return {"hiss.flac": encoded(rng.integers(-900, 900, 160_000).astype(np.int16))}
    words = ("yes", "no", "bed")
    if kind == TEST_ARCHIVE:
        clip = encoded(rng.integers(-900, 900, 16_000).astype(np.int16))
        return {f"{word}/0c40e715_nohash_0.flac": clip for word in words}
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (98, 40)).astype(np.uint8)).save(stream, "JPEG")
    return {f"{word}/004ae714_nohash_0.jpg": stream.getvalue() for word in words}


def pack(path, kind, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members(kind).items():
            archive.writestr(name, content)


def use_archive(path):
    """A data set of which one archive is the file; all of it is read."""
    root = path.parent / f"{path.name}-data"
    root.mkdir()
    try:
        if path.name.endswith(".tar"):
            unpack(path, root)
        else:
            use_zip(path, root)
    except InputError as error:
        assert str(root) in str(error)
    finally:
        shutil.rmtree(root)


def use_zip(path, root):
    kind = path.name.partition("--")[2]
    for other in {TEST_ARCHIVE, IMAGE_ARCHIVE, NOISE_ARCHIVE} - {kind}:
        pack(root / other, other)
    shutil.copy(path, root / kind)
    source = open_source(root)
    source.identity()
    source.noise()
    for word in source.words:
        for split in SPLITS:
            for name in source.keyword_clips(word, split):
                assert source.images([name]).shape == (1, 98, 40)


def unpack(path, root):
    """An archive of the official data set that was fetched before, and is to be unpacked."""
    archive = root / f"{speech_commands.RELEASE}.tar.gz"
    shutil.copy(path, archive)
    if path.parent.name != "altered":
        speech_commands._SHA256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    speech_commands._fetch(root)
    assert (root / speech_commands.LAYOUT / "yes").is_dir()


@often(30, 500)
def test_altered_archives(tmp_path, count):
    for word, compression in PACKED.items():
        for kind in (TEST_ARCHIVE, IMAGE_ARCHIVE, NOISE_ARCHIVE):
            pack(tmp_path / f"{word}--{kind}", kind, compression)
    for name, mode in (("T_plain.tar", "w"), ("T_gzip.tar", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            for member, content in members(TEST_ARCHIVE).items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    check_altered(use_archive, tmp_path, count)


# ---------------------------------------------------------------- records and checkpoints


def use_records(path):
    for record in read_records(path):
        record.provenance()
        record.subject.get("network")


@often(15, 250)
def test_altered_records(tmp_path, count):
    copied(tmp_path, *sorted(FOLDER.glob("*.json"), key=lambda path: path.stat().st_size)[:4])
    write_records(tmp_path / "one.json", [Record("accuracy", 0.5, "fraction", "measured")])
    check_altered(use_records, tmp_path, count)


def use_checkpoint(path):
    network, info = load(path)
    task_of(path, info)
    cost_of(network)
    predictor(network)(IMAGE)


@often(15, 250)
def test_altered_checkpoints(tmp_path, count):
    names = ("tiny_conv-yes_no", "funnel_small-yes_no")
    copied(tmp_path, *(PUBLISHED / f"{name}.safetensors" for name in names))
    check_altered(use_checkpoint, tmp_path, count)
