"""What studies share, against a training and an evaluation that are called directly."""

import pytest
import torch

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models import create
from kwslib.models.checkpoint import NetworkInfo, save
from kwslib.studies.base import SPLITS, Base, Recorder, key_of, study_networks
from kwslib.studies.quantization import Setting
from kwslib.training.fit import fit, score
from kwslib.training.predict import predictor
from kwslib.training.recipe import recipe_for

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def base(tones):
    return Base(str(tones), epochs=1)


def test_the_float_network_is_that_of_its_seed(base, tones, tmp_path):
    dataset = Dataset(open_source(tones), Task.of("yes,no"))
    own = fit("tiny_conv", dataset, recipe_for("tiny_conv", epochs=1), 3, tmp_path, progress=False)
    found = base.float_network(3).network.state_dict()
    for name, tensor in own.network.state_dict().items():
        assert torch.equal(tensor, found[name]), name


def test_records_of_an_accuracy_are_those_of_an_evaluation(base):
    network, dataset = base.float_network(0).network, base.dataset
    setting = Setting("float", "float", "float", 0)
    records = Recorder.of(setting, base.model, dataset).accuracies("accuracy", predictor(network))
    for split, record in zip(SPLITS, records, strict=True):
        expected = score(network, dataset, split)
        assert (record.value, record.interval) == (expected.accuracy, expected.interval)
        assert (record.data["split"], record.data["clips"]) == (split, len(expected.truth))
        assert record.subject["task"] == "yes_no" and record.subject["method"] == "float"


def test_the_key_tells_data_recipes_keywords_and_versions_apart(tones):
    base = Base(str(tones))
    others = (Base(""), Base(str(tones), epochs=1), Base(str(tones), keywords="yes,no,left"),
              Base(str(tones), model="ds_cnn"), Base(str(tones), keep_homophones=True))  # fmt: skip
    keys = {key_of(base, 1), key_of(base, 2), *(key_of(other, 1) for other in others)}
    assert len(keys) == 7
    assert key_of(base, 1) == key_of(Base(str(tones)), 1)


@pytest.mark.parametrize("kept", [False, True])
def test_networks_like_a_checkpoint_keep_homophones_as_it_does(tmp_path, kept):
    task = Task.of("write", kept)
    info = NetworkInfo("tiny_conv", task.labels, {"task": task.as_json()})
    save(tmp_path / "best.safetensors", create("tiny_conv", 3).state_dict(), info)
    base = Base.like(str(tmp_path), "")
    assert base == Base("", keywords="write", keep_homophones=kept)
    assert base.dataset.task == task
    assert ("right" in base.dataset.homophones) is not kept


def test_no_seed(base):
    with pytest.raises(InputError, match="seeds: none given"):
        study_networks("nothing", [], list, [], base, 1)
