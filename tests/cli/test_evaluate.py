import csv
import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
from command_line import refused, runner

from kwslib import models
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, save
from kwslib.network.facts import with_facts
from kwslib.records import read_records
from kwslib.training.fit import score

LABELS = ("_silence_", "_unknown_", "yes", "no")
TASK = {"keywords": ["yes", "no"], "silence_percent": 33, "unknown_percent": 33}


@pytest.fixture
def kws(capsys):
    return runner("evaluate", capsys)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A network that nobody trained."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("run") / "best.safetensors"
    save(
        path,
        models.create("tiny_conv", 4).state_dict(),
        NetworkInfo("tiny_conv", LABELS, {"task": TASK}),
    )
    return path


def test_json_is_one_object_with_what_the_contract_names(kws, checkpoint, tones):
    code, out, err = kws(checkpoint, "--data", tones, "--json")
    result = json.loads(out)
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    assert result["n"] == 28
    assert result["split"] == "testing"
    assert result["labels"] == list(LABELS)
    low, high = result["interval"]
    assert low <= result["accuracy"] <= high
    assert [sum(row) for row in result["confusion"]] == [6, 6, 8, 8]
    diagonal = sum(result["confusion"][i][i] for i in range(4))
    assert result["accuracy"] == pytest.approx(diagonal / 28)
    assert result["per_label"]["yes"]["n"] == 8


def test_the_answer_is_that_of_the_library(kws, checkpoint, tones):
    from kwslib.models.checkpoint import load

    network, _ = load(checkpoint)
    expected = score(network, Dataset(open_source(tones), Task()), "validation").summary()
    _, out, _ = kws(checkpoint, "--data", tones, "--split", "validation", "--json")
    result = json.loads(out)
    assert {key: result[key] for key in expected} == json.loads(json.dumps(expected))


def test_a_folder_that_train_wrote_stands_for_its_best_checkpoint(kws, checkpoint, tones):
    by_folder = kws(checkpoint.parent, "--data", tones, "--json")
    assert by_folder == kws(checkpoint, "--data", tones, "--json")


def test_text_names_accuracy_interval_and_every_label(kws, checkpoint, tones):
    code, out, err = kws(checkpoint, "--data", tones)
    assert (code, err) == (0, "")
    assert "28 testing clips" in out
    assert "95 % interval" in out
    for label in LABELS:
        assert any(line.startswith(label) for line in out.splitlines())
    assert "few for a test: yes: 8 clips; the 95 % interval" in out


def test_predictions_are_written_beside_the_answer(kws, checkpoint, tones, tmp_path):
    path = tmp_path / "p.csv"
    _, out, _ = kws(checkpoint, "--data", tones, "--predictions", path, "--json")
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["clip", "label", "predicted", *LABELS]
    assert len(rows) == 28
    hits = sum(row["label"] == row["predicted"] for row in rows)
    assert json.loads(out)["accuracy"] == pytest.approx(hits / 28)
    for row in rows:
        scores = {label: float(row[label]) for label in LABELS}
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert row["predicted"] == max(scores, key=scores.get)
        word = row["clip"].split("/")[0]
        assert row["label"] == (word if word in LABELS else "_unknown_")


def test_matching_keywords_are_accepted(kws, checkpoint, tones):
    code, _, _ = kws(checkpoint, "--data", tones, "--keywords", "yes,no", "--json")
    assert code == 0


def test_a_checkpoint_for_other_labels(kws, checkpoint, tones):
    result = kws(checkpoint, "--data", tones, "--keywords", "up,down")
    assert refused(result, "_silence_ _unknown_ yes no, not _silence_ _unknown_ up down")


def test_no_such_checkpoint(kws, tones, tmp_path):
    assert refused(kws(tmp_path / "none.safetensors", "--data", tones), "kws train")
    assert refused(kws(tmp_path, "--data", tones), "kws train")


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x80\x04N."])
def test_a_file_that_is_no_checkpoint(kws, tones, tmp_path, content):
    (tmp_path / "net.safetensors").write_bytes(content)
    assert refused(kws(tmp_path / "net.safetensors", "--data", tones), "no readable checkpoint")


def test_a_truncated_checkpoint(kws, checkpoint, tones, tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(checkpoint.read_bytes()[:-100])
    assert refused(kws(path, "--data", tones), "cut.safetensors")


def test_data_that_lacks_a_keyword_of_the_checkpoint(kws, tones, tmp_path):
    path = tmp_path / "left.safetensors"
    labels = ("_silence_", "_unknown_", "left", "right")
    training = {"task": {**TASK, "keywords": ["left", "right"]}}
    save(
        path, models.create("tiny_conv", 4).state_dict(), NetworkInfo("tiny_conv", labels, training)
    )
    assert refused(kws(path, "--data", tones), "'left'")


def test_a_checkpoint_whose_task_and_labels_contradict(kws, tones, tmp_path):
    path = tmp_path / "odd.safetensors"
    training = {"task": {**TASK, "keywords": ["up", "down"]}}
    save(
        path, models.create("tiny_conv", 4).state_dict(), NetworkInfo("tiny_conv", LABELS, training)
    )
    assert refused(kws(path, "--data", tones), "odd.safetensors")


def test_no_such_split_or_data_folder(kws, checkpoint, tones, tmp_path):
    result = kws(checkpoint, "--data", tones, "--split", "practice")
    assert refused(result, "practice", "training", "validation", "testing")
    assert refused(kws(checkpoint, "--data", tmp_path / "none"), "no such data folder")


def test_predictions_where_a_folder_is(kws, checkpoint, tones, tmp_path):
    result = kws(checkpoint, "--data", tones, "--predictions", tmp_path)
    assert refused(result, "--predictions", "is a directory")
    (tmp_path / "file").write_text("x")
    result = kws(checkpoint, "--data", tones, "--predictions", tmp_path / "file" / "p.csv")
    assert refused(result, "p.csv", "cannot be written")


PUBLISHED_INT8 = PUBLISHED / "tiny_conv-yes_no.tflite"


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_tflite_file_gives_the_same_integers_interpreted_and_compiled(kws, tones, tmp_path):
    common = ("--data", tones, "--split", "validation", "--json")
    code, interpreted, err = kws(
        PUBLISHED_INT8, *common, "--predictions", tmp_path / "interpreted.csv"
    )
    assert (code, err) == (0, "")
    for model in (PUBLISHED_INT8, "tiny_conv-yes_no"):
        path = tmp_path / "compiled.csv"
        code, compiled, err = kws(model, *common, "--target", "host", "--predictions", path)
        assert (code, err) == (0, "")
        assert path.read_text() == (tmp_path / "interpreted.csv").read_text()
        assert json.loads(compiled) == {**json.loads(interpreted), "target": "host"}
    for row in rows_of(tmp_path / "interpreted.csv"):
        scores = {label: int(row[label]) for label in LABELS}
        assert -128 <= min(scores.values()) <= max(scores.values()) <= 127
        assert row["predicted"] == max(scores, key=scores.get)


def test_a_tflite_file_for_other_labels(kws, tones):
    result = kws(PUBLISHED_INT8, "--data", tones, "--keywords", "up,down")
    assert refused(result, "_silence_ _unknown_ yes no, not _silence_ _unknown_ up down")


@pytest.mark.parametrize("labels", [None, "yes", LABELS[:3]])
def test_a_tflite_file_whose_facts_do_not_suit(kws, tones, tmp_path, labels):
    path = tmp_path / "net.tflite"
    facts = {"labels": labels, "training": {"task": TASK}}
    path.write_bytes(with_facts(PUBLISHED_INT8.read_bytes(), facts))
    assert refused(kws(path, "--data", tones), "net.tflite", "labels", "kws convert")


def test_a_tflite_file_that_is_missing_or_damaged(kws, tones, tmp_path):
    path = tmp_path / "net.tflite"
    assert refused(kws(path, "--data", tones), "net.tflite", "no such file")
    path.write_bytes(PUBLISHED_INT8.read_bytes()[:9000])
    assert refused(kws(path, "--data", tones), "net.tflite")


def test_only_a_tflite_file_has_c_code(kws, checkpoint, tones):
    for model in (checkpoint, checkpoint.parent, "no_such-network", "../published/x"):
        assert refused(kws(model, "--data", tones, "--target", "host"), "kws convert")
    assert refused(kws(checkpoint, "--data", tones, "--target", "moon"), "moon", "host")


def test_clips_can_be_made_harder(kws, tones):
    plain, noisy = (
        json.loads(kws("tiny_conv-yes_no", "--data", tones, "--json", *more)[1])
        for more in ((), ("--snr", -20, "--noise", "hiss", "--shift", 100, "--level", -6))
    )
    assert plain["disturbance"] is None
    assert noisy["disturbance"] == {
        "shift_ms": 100, "noise": "hiss", "snr_db": -20.0, "level_db": -6.0,
    }  # fmt: skip
    assert plain["confusion"] != noisy["confusion"]
    text = kws("tiny_conv-yes_no", "--data", tones, "--snr", 5, "--noise", "hum")[1]
    assert "disturbed: 5 dB above hum" in text.splitlines()[0]


def test_a_sweep_writes_its_records(kws, tones, tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "level.json"
    arguments = ("tiny_conv-yes_no", "--data", tones, "--sweep", "level", "--jobs", 1)
    code, out, _ = kws(*arguments, "--out", path, "--json")
    assert code == 0
    assert len(json.loads(out)["records"]) == len(read_records(path)) > 10


def test_an_address_in_the_environment_is_for_dask_alone(kws, tones, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://node1:8786")
    monkeypatch.setattr(
        "kwslib.studies.robustness.study", lambda kind, model, **more: asked.update(more) or []
    )
    out = ("--out", tmp_path / "r.json")
    assert kws("tiny_conv-yes_no", "--sweep", "shift", *out)[0] == 0
    assert (asked["backend"], asked["scheduler"]) == ("processes", None)
    assert kws("tiny_conv-yes_no", "--sweep", "shift", *out, "--backend", "dask")[0] == 0
    assert (asked["backend"], asked["scheduler"]) == ("dask", "tcp://node1:8786")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--snr", "5"), ("a ratio its noise",)),
        (("--snr", "5", "--noise", "rain"), ("'rain'", "hiss, hum")),
        (("--shift", "2000"), ("shift 2000 ms",)),
        (("--sweep", "weather"), ("weather", "snr")),
        (("--sweep", "snr"), ("--out none", ".json")),
        (("--sweep", "snr", "--out", "x.json", "--backend", "dask"), ("name its scheduler",)),
        (("--sweep", "snr", "--scheduler", "tcp://x:1"), ("add --backend dask",)),
        (("--sweep", "transfer", "--out", "x.json", "--seeds", "few"), ("--seeds few",)),
    ],
)
def test_what_cannot_be_disturbed_or_swept(kws, tones, arguments, parts):
    assert refused(kws("tiny_conv-yes_no", *arguments, "--data", tones), *parts)


def noise_in_every_clip(root):
    draw = np.random.default_rng(0)
    for path in root.rglob("*_nohash_*.wav"):
        soundfile.write(path, draw.integers(-9000, 9000, 16_000).astype(np.int16), 16_000)


@pytest.mark.parametrize("verify", [(), ("--verify",)])
def test_clips_that_were_replaced_are_scored_anew(kws, checkpoint, tones, tmp_path, verify):
    data = shutil.copytree(tones, tmp_path / "data")
    before = json.loads(kws(checkpoint, "--data", data, "--json")[1])
    noise_in_every_clip(data)
    code, out, _ = kws(checkpoint, "--data", data, "--json", *verify)
    assert code == 0
    assert json.loads(out)["confusion"] != before["confusion"]


@pytest.mark.parametrize("kind", [".tflite", ".safetensors"])
@pytest.mark.parametrize("split", ["validation", "testing"])
def test_a_split_without_clips_is_one_line(kws, tones, tmp_path, kind, split):
    data = shutil.copytree(tones, tmp_path / "data")
    release = data / "SpeechCommands" / "speech_commands_v0.02"
    (release / f"{split}_list.txt").write_text("")
    model = PUBLISHED / f"tiny_conv-yes_no{kind}"
    result = kws(model, "--data", data, "--split", split)
    assert refused(result, "'yes'", f"no {split} clips")
