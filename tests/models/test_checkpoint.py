import json
import os
import pickle
from collections import OrderedDict

import pytest
import safetensors.torch
import torch

from kwslib import models
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.channels import with_widths
from kwslib.models.checkpoint import (
    NetworkInfo,
    load,
    load_tensors,
    resolve,
    save,
    save_tensors,
    task_of,
)

LABELS = ("_silence_", "_unknown_", "yes", "no")
INFO = NetworkInfo(
    "tiny_conv",
    LABELS,
    {
        "task": {"keywords": ["yes", "no"], "silence_percent": 33, "unknown_percent": 33},
        "seed": 3,
        "note": "ü",
    },
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.create("tiny_conv", 4)


@pytest.fixture
def path(tmp_path, network):
    path = tmp_path / "net.safetensors"
    save(path, network.state_dict(), INFO)
    return path


def rewrite(path, facts, tensors=None):
    """The file at ``path`` with other facts in its header."""
    tensors = safetensors.torch.load_file(path) if tensors is None else tensors
    metadata = {"kwslib": facts if isinstance(facts, str) else json.dumps(facts)}
    safetensors.torch.save_file(tensors, path, metadata)


def test_a_network_comes_back_with_every_bit_and_all_facts(path, network):
    loaded, info = load(path)
    assert info == INFO
    assert not loaded.training
    assert list(loaded.state_dict()) == list(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    images = torch.rand(3, 1, 49, 40)
    assert torch.equal(loaded(images), network.eval()(images))


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_who_may_read_it_is_what_the_umask_says(tmp_path, network, umask):
    before = os.umask(umask)
    try:
        save(tmp_path / "net.safetensors", network.state_dict(), INFO)
    finally:
        os.umask(before)
    for suffix in (".safetensors", ".json"):
        assert (tmp_path / f"net{suffix}").stat().st_mode & 0o777 == 0o666 & ~umask


def test_the_facts_stand_beside_it_for_people_to_read(path):
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["model"] == "tiny_conv"
    assert facts["labels"] == list(LABELS)
    assert facts["training"]["note"] == "ü"


def test_tensors_keep_their_kind_and_need_not_be_contiguous(tmp_path):
    tensors = {
        "half": torch.arange(6, dtype=torch.float16),
        "step": torch.tensor(7.0),
        "turned": torch.arange(6).reshape(2, 3).T,
        "learned": torch.ones(2, requires_grad=True),
    }
    save_tensors(tmp_path / "t.safetensors", tensors, ["any", {"JSON": None}])
    loaded, facts = load_tensors(tmp_path / "t.safetensors")
    assert facts == ["any", {"JSON": None}]
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_a_folder_stands_for_its_best_checkpoint(tmp_path, network):
    save(tmp_path / "run" / "best.safetensors", network.state_dict(), INFO)
    _, info = load(tmp_path / "run")
    assert info == INFO


def test_a_folder_without_a_checkpoint_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"best\.safetensors: no such file"):
        load(tmp_path)


def test_no_such_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="kws train"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(InputError):
        load(tmp_path / "none" / "x" / "best.safetensors")


class Boom:
    """Sets a flag when unpickled."""

    fired = False

    def __reduce__(self):
        return (setattr, (Boom, "fired", True))


@pytest.mark.parametrize("form", ["pickle", "torch", "torch_old"])
def test_a_pickle_is_never_unpickled(tmp_path, form):
    path = tmp_path / "evil.safetensors"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Boom()))
    else:
        torch.save(Boom(), path, _use_new_zipfile_serialization=form == "torch")
    Boom.fired = False
    with pytest.raises(InputError):
        load(path)
    assert not Boom.fired


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"hello world, this is no checkpoint", b"\xff" * 64, b"\x08" + b"\0" * 7 + b"{}"],
)
def test_rubbish_is_an_input_error_of_one_line(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.safetensors") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_a_checkpoint_truncated_anywhere_is_an_input_error(path):
    whole = path.read_bytes()
    for length in (*range(0, 600, 13), *range(600, len(whole), 7_001), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            load(path)


def test_a_file_too_large_for_a_checkpoint_is_refused_unread(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as stream:
        stream.truncate(2**30 + 1)
    with pytest.raises(InputError, match="larger"):
        load(path)


def test_weights_that_someone_else_saved_are_an_input_error(tmp_path, network):
    path = tmp_path / "theirs.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    with pytest.raises(InputError, match="was not written by kwslib"):
        load(path)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(
    "facts",
    [
        "not JSON",
        "null",
        "3",
        "[]",
        '"text"',
        {},
        {"model": "tiny_conv"},
        {"labels": list(LABELS)},
        {"model": "tiny_conv", "labels": 4},
        {"model": "no_such_net", "labels": list(LABELS)},
        {"model": ["tiny_conv"], "labels": list(LABELS)},
        {"model": "tiny_conv", "labels": list(LABELS[:3])},
        {"model": "tiny_conv", "labels": []},
    ],
)
def test_facts_that_name_no_fitting_network_are_an_input_error(path, facts):
    rewrite(path, facts)
    with pytest.raises(InputError):
        load(path)


def test_weights_of_another_network_are_an_input_error(path, network):
    facts = {"model": "tiny_conv", "labels": list(LABELS)}
    tensors = network.state_dict()
    changes = [
        {name: tensor for name, tensor in tensors.items() if name != "conv.bias"},
        {**tensors, "extra": torch.zeros(1)},
        {**tensors, "conv.bias": torch.zeros(9)},
        OrderedDict(),
    ]
    for changed in changes:
        rewrite(path, facts, changed)
        with pytest.raises(InputError, match="another network than the tiny_conv with 4 labels"):
            load(path)


def test_a_network_that_lost_channels_is_rebuilt(tmp_path, network):
    smaller = with_widths(network, {"conv": 3})
    info = NetworkInfo("tiny_conv", LABELS, {}, {"conv": 3})
    save(tmp_path / "small.safetensors", smaller.state_dict(), info)
    loaded, found = load(tmp_path / "small.safetensors")
    assert found == info
    assert loaded.conv.weight.shape == (3, 1, 10, 8)
    images = torch.rand(3, 1, 49, 40)
    assert torch.equal(loaded(images), smaller.eval()(images))


def test_a_checkpoint_from_before_there_were_widths_is_whole(path):
    rewrite(path, {"model": "tiny_conv", "labels": list(LABELS)})
    assert load(path)[1].widths == {}


@pytest.mark.parametrize(
    "widths", [{"conv": 3}, {"conv": 0}, {"conv": 10**12}, {"other": 1}, {"conv": "3"}, "conv", [3]]
)
def test_widths_that_do_not_fit_are_an_input_error_that_names_the_file(path, widths):
    rewrite(path, {"model": "tiny_conv", "labels": list(LABELS), "widths": widths})
    with pytest.raises(InputError, match=r"net\.safetensors"):
        load(path)


def test_resolve_takes_a_name_or_a_path(path):
    network, info = resolve("tiny_conv", ("_silence_", "_unknown_", "up"))
    assert info.labels == ("_silence_", "_unknown_", "up")
    assert network(torch.zeros(1, 1, 49, 40)).shape == (1, 3)
    assert not network.training
    assert resolve(str(path), ())[1] == INFO
    with pytest.raises(InputError, match=r"neither a checkpoint nor one of .*tiny_conv"):
        resolve("tiny-conv", LABELS)


def test_the_task_of_a_checkpoint_comes_from_its_facts(path):
    assert task_of(path, INFO) == Task(("yes", "no"), 33, 33)
    assert task_of(path, INFO, Task.of("yes,no")) == Task(("yes", "no"), 33, 33)


@pytest.mark.parametrize(("said", "kept"), [({}, False), ({"keep_homophones": True}, True)])
def test_the_task_of_a_checkpoint_keeps_homophones_where_its_facts_say_so(path, said, kept):
    facts = {**INFO.training["task"], "keywords": ["no", "know"], **said}  # as ever, though alike
    info = NetworkInfo("tiny_conv", (*LABELS[:2], "no", "know"), {"task": facts})
    assert task_of(path, info) == Task(("no", "know"), 33, 33, kept)


@pytest.mark.parametrize("keywords", ["up,down", "no,yes", "yes", "yes,no,up"])
def test_a_checkpoint_for_other_labels_is_an_input_error_that_names_both(path, keywords):
    with pytest.raises(InputError, match=r"_silence_ _unknown_ yes no, not _silence_ _unknown_"):
        task_of(path, INFO, Task.of(keywords))


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"task": None},
        {"task": {"keywords": ["yes", "no"]}},
        {"task": {"keywords": ["up", "down"], "silence_percent": 33, "unknown_percent": 33}},
        {"task": {"keywords": ["yes", "no"], "silence_percent": "x", "unknown_percent": 33}},
        {"task": {"keywords": 3, "silence_percent": 33, "unknown_percent": 33}},
        {"task": {"keywords": [1], "silence_percent": 33, "unknown_percent": 33}},
    ],
)
def test_a_checkpoint_that_names_no_task_is_an_input_error(path, training):
    with pytest.raises(InputError):
        task_of(path, NetworkInfo("tiny_conv", LABELS, training))


def test_a_published_network_is_known_by_its_name():
    network, info = load("tiny_conv-yes_no")
    assert info.labels == ("_silence_", "_unknown_", "yes", "no")
    assert sum(p.numel() for p in network.parameters()) == 16_652
    again, _ = resolve("tiny_conv-yes_no", ["ignored"])
    assert torch.equal(again.classifier.weight, network.classifier.weight)
