import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kwslib import files, models
from kwslib.data.augment import Augmentation
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.errors import InputError
from kwslib.models.checkpoint import load, load_tensors
from kwslib.training import fit as fitting
from kwslib.training.fit import fit, score
from kwslib.training.passes import learning_rate_at
from kwslib.training.recipe import Recipe

RECIPE = Recipe(epochs=4, batch=32, learning_rate=5e-3, augmentation=Augmentation(shift_ms=60))


@pytest.fixture(scope="module")
def dataset(tones):
    return Dataset(open_source(tones), Task())


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A run that nothing interrupted."""
    return fit("tiny_conv", dataset, RECIPE, 3, tmp_path_factory.mktemp("whole"), progress=False)


def timeless(history):
    return [replace(epoch, seconds=0.0) for epoch in history]


def assert_same_run(folder, fitted, whole):
    """Weights, optimizer and history agree bit for bit; only the seconds may differ."""
    assert timeless(fitted.history) == timeless(whole.history)
    for name in ("best.safetensors", "last.safetensors"):
        ours, _ = load_tensors(Path(folder) / name)
        theirs, _ = load_tensors(whole.checkpoint.parent / name)
        assert list(ours) == list(theirs)
        for key, tensor in theirs.items():
            assert torch.equal(ours[key], tensor), (name, key)
    assert fitted.best.number == whole.best.number


# ---------------------------------------------------------------- one run


def test_the_history_has_one_entry_an_epoch(whole):
    assert [epoch.number for epoch in whole.history] == [1, 2, 3, 4]
    for epoch in whole.history:
        assert epoch.training_loss > 0
        assert epoch.validation_loss > 0
        assert 0 <= epoch.training_accuracy <= 1
        assert 0 <= epoch.validation_accuracy <= 1
        assert epoch.seconds > 0
    assert whole.seconds == pytest.approx(sum(epoch.seconds for epoch in whole.history))
    written = json.loads((whole.checkpoint.parent / "history.json").read_text(encoding="utf-8"))
    assert written == [asdict(epoch) for epoch in whole.history]


def test_the_rate_follows_the_recipe_to_its_end(whole, dataset):
    batches = -(-len(dataset.examples("training")) // RECIPE.batch)
    steps = RECIPE.epochs * batches
    for epoch in whole.history:
        expected = learning_rate_at(RECIPE, epoch.number * batches - 1, steps)
        assert epoch.learning_rate == pytest.approx(expected)
    assert whole.history[-1].learning_rate == pytest.approx(RECIPE.learning_rate / 250_000)


def test_the_kept_weights_are_those_of_the_best_validation_epoch(whole, dataset):
    ranks = [(-epoch.validation_accuracy, epoch.validation_loss) for epoch in whole.history]
    best = whole.history[ranks.index(min(ranks))]
    assert whole.best == best
    network, info = load(whole.checkpoint)
    evaluation = score(network, dataset, "validation")
    assert evaluation.accuracy == pytest.approx(best.validation_accuracy, abs=1e-6)
    true_scores = evaluation.scores[np.arange(len(evaluation.truth)), evaluation.truth]
    assert -np.log(true_scores).mean() == pytest.approx(best.validation_loss, rel=1e-4)
    assert info.training["best"]["number"] == best.number


def test_the_best_epoch_may_be_an_earlier_one(dataset, tmp_path, monkeypatch):
    """Validation is dictated: the third epoch is kept, for among equals the lower loss counts."""
    dictated = iter([(0.9, 0.5), (0.5, 0.75), (0.4, 0.75), (0.1, 0.5)])
    measure, measured = fitting._validate, []

    def validate(network, examples):
        measured.append(measure(network, examples))
        return next(dictated)

    monkeypatch.setattr(fitting, "_validate", validate)
    fitted = fit("tiny_conv", dataset, RECIPE, 0, tmp_path, progress=False)
    assert fitted.best.number == 3
    evaluation = score(fitted.network, dataset, "validation")
    true_scores = evaluation.scores[np.arange(len(evaluation.truth)), evaluation.truth]
    assert -np.log(true_scores).mean() == pytest.approx(measured[2][0], rel=1e-4)
    assert measured[2][0] != pytest.approx(measured[3][0], rel=1e-3)


def test_the_test_split_is_never_looked_at(dataset, tmp_path, monkeypatch):
    asked = []
    original = Dataset.examples
    monkeypatch.setattr(
        Dataset, "examples", lambda self, split: asked.append(split) or original(self, split)
    )
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path, progress=False)
    assert set(asked) == {"training", "validation"}


def test_the_checkpoint_says_how_it_was_trained(whole, dataset):
    _, info = load(whole.checkpoint)
    assert info.model == "tiny_conv"
    assert info.labels == ("_silence_", "_unknown_", "yes", "no")
    assert info.training["seed"] == 3
    assert info.training["data"] == dataset.identity()
    assert Recipe.from_json(info.training["recipe"]) == RECIPE
    assert info.training["task"]["keywords"] == ["yes", "no"]


def test_a_separable_task_is_learned(dataset, tmp_path):
    recipe = replace(RECIPE, epochs=12, augmentation=None)
    fitted = fit("tiny_conv", dataset, recipe, 0, tmp_path, progress=False)
    testing = score(fitted.network, dataset, "testing")
    # Chance on four labels is at most 8 of 28; two tones among others are far apart.
    assert testing.interval[0] > 0.6
    assert fitted.history[-1].training_loss < fitted.history[0].training_loss / 2


def test_training_without_augmentation_sees_the_deployed_rows(dataset):
    images = torch.from_numpy(dataset.examples("training").images)
    prepare = fitting.preparation(dataset, replace(RECIPE, augmentation=None))
    assert torch.equal(
        prepare(images, torch.Generator()),
        torch.from_numpy(dataset.examples("training").deployed),
    )


def test_decay_and_rate_follow_from_the_shape_of_a_parameter(dataset, tmp_path, monkeypatch):
    """Biases do not decay; a layer of more inputs than the recipe's limit learns slower."""
    runs, original = [], fitting.Run
    monkeypatch.setattr(
        fitting, "Run", lambda *arguments: runs.append(original(*arguments)) or runs[-1]
    )
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path, progress=False)
    groups = {
        tuple(parameter.shape): group
        for group in runs[0].optimizer.param_groups
        for parameter in group["params"]
    }
    rate = RECIPE.learning_rate / 250_000  # of the last step
    assert {shape: group["weight_decay"] for shape, group in groups.items()} == {
        (8, 1, 10, 8): 0.01, (8,): 0.0, (4, 4_000): 0.01, (4,): 0.0
    }  # fmt: skip
    assert groups[8, 1, 10, 8]["lr"] == pytest.approx(rate)
    assert groups[4, 4_000]["lr"] == pytest.approx(rate * RECIPE.full_rate_inputs / 4_000)


# ---------------------------------------------------------------- seeds


def test_the_same_seed_gives_the_same_bits(whole, dataset, tmp_path):
    torch.manual_seed(12345)
    torch.rand(7)  # what ran before has no influence
    again = fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)
    assert_same_run(tmp_path, again, whole)


def test_another_seed_gives_other_weights(whole, dataset, tmp_path):
    other = fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 4, tmp_path, progress=False)
    weights = other.network.state_dict()
    assert not torch.equal(weights["conv.weight"], whole.network.state_dict()["conv.weight"])


# ---------------------------------------------------------------- interruption


class Cut(BaseException):
    """The interruption."""


@pytest.mark.parametrize(
    ("function", "call", "before"),
    [
        ("_epoch", 1, True),  # at the very start
        ("_epoch", 3, True),  # between two epochs
        ("_epoch", 3, False),  # trained, nothing of it kept
        ("save", 1, True),
        ("save", 1, False),  # best is written, last is not
        ("save_tensors", 1, True),
        ("save_tensors", 2, False),
        ("save_tensors", 4, False),  # after the last of all
    ],
)
def test_a_run_interrupted_anywhere_ends_as_if_it_never_was(
    whole, dataset, tmp_path, monkeypatch, function, call, before
):
    original, calls = getattr(fitting, function), []

    def cut(*arguments):
        calls.append(1)
        if before and len(calls) == call:
            raise Cut
        result = original(*arguments)
        if not before and len(calls) == call:
            raise Cut
        return result

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(fitting, function, cut)
        fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)
    fitted = fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)
    assert_same_run(tmp_path, fitted, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.json",
        "best.safetensors",
        "history.json",
        "last.safetensors",
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(int(sys.argv[3]))
sys.path.insert(0, sys.argv[4])
from test_fit import RECIPE
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.training import fit as fitting
whole, calls = fitting.save_tensors, []
def save_tensors(path, *rest):
    calls.append(path)
    if len(calls) == 3:
        # Half of a file written beside, as a kill in the midst of writing leaves it.
        Path(path).with_name(".kws-part-half.safetensors").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    whole(path, *rest)
fitting.save_tensors = save_tensors
fitting.fit("tiny_conv", Dataset(open_source(sys.argv[1]), Task()), RECIPE, 3, sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_is_resumed_exactly(whole, dataset, tones, tmp_path):
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, tones, tmp_path, str(torch.get_num_threads()), here]
    environment = os.environ | {"PYTHONPATH": str(here.parent.parent)}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    _, facts = load_tensors(tmp_path / "last.safetensors")
    assert len(facts["history"]) == 2
    fitted = fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)
    assert_same_run(tmp_path, fitted, whole)
    assert not (tmp_path / ".kws-part-half.safetensors").exists()


# ---------------------------------------------------------------- two runs, and no clips


HOLDER = """
import sys
from kwslib.folders import lock_folder
with lock_folder(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_training_in_a_folder_is_refused_with_the_first_ones_number(dataset, tmp_path):
    """Or one seed's network would stand under the other's message."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as first:  # fmt: skip
        assert first.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {first.pid} is writing there"):
            fit("tiny_conv", dataset, RECIPE, 0, tmp_path, progress=False)
        assert [path.name for path in tmp_path.iterdir()] == [".kws-lock"]
        first.stdin.close()
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path, progress=False)
    names = {"best.json", "best.safetensors", "history.json", "last.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_what_a_killed_training_left_is_cleared(dataset, tmp_path):
    for name in (f"{files.PART}0.safetensors", f"{files.PART}1.json", ".kws-lock"):
        (tmp_path / name).write_text("half")
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path, progress=False)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kws-")]


@pytest.mark.parametrize("split", ["training", "validation", "testing"])
@pytest.mark.parametrize("missing", ["all clips", "one keyword"])
def test_without_clips_in_a_split_nothing_is_trained(tones, tmp_path, split, missing):
    """The best of epochs with an accuracy of nan would be the first."""
    data = shutil.copytree(tones, tmp_path / "data")
    release = data / "SpeechCommands" / "speech_commands_v0.02"
    listed = {
        name: (release / f"{name}_list.txt").read_text() for name in ("validation", "testing")
    }
    for path in release.glob("no/*.wav" if missing == "one keyword" else "[!_]*/*.wav"):
        name = f"{path.parent.name}/{path.name}"
        its = next((each for each, text in listed.items() if name in text), "training")
        if its == split:
            path.unlink()
    folder = tmp_path / "run"
    with pytest.raises(InputError, match=rf"{split} clips of it|has no such word"):
        task = Dataset(open_source(data), Task())
        fit("tiny_conv", task, replace(RECIPE, epochs=1), 0, folder, progress=False)
    assert not folder.exists()


def test_a_finished_run_is_not_trained_again(whole, dataset, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr(fitting, "_epoch", refuse)
    folder = whole.checkpoint.parent
    again = fit("tiny_conv", dataset, RECIPE, 3, folder, progress=False)
    assert again.history == whole.history


@pytest.mark.parametrize(
    "change", [{"epochs": 5}, {"batch": 8}, {"augmentation": None}, {"learning_rate": 1e-3}]
)
def test_a_folder_with_another_recipe_is_an_input_error_and_stays_as_it_was(whole, dataset, change):
    folder = whole.checkpoint.parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError, match="other settings; name another folder with --out"):
        fit("tiny_conv", dataset, replace(RECIPE, **change), 3, folder, progress=False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_with_another_seed_or_task_is_an_input_error(whole, dataset):
    folder = whole.checkpoint.parent
    with pytest.raises(InputError, match="other settings"):
        fit("tiny_conv", dataset, RECIPE, 4, folder, progress=False)
    other = Dataset(dataset.source, Task.of("up,down"))
    with pytest.raises(InputError, match="other settings"):
        fit("tiny_conv", other, RECIPE, 3, folder, progress=False)


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_damaged_state_is_an_input_error(dataset, tmp_path, content):
    (tmp_path / "last.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"last\.safetensors"):
        fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)


def test_a_checkpoint_in_place_of_the_state_is_an_input_error(whole, dataset, tmp_path):
    (tmp_path / "last.safetensors").write_bytes(whole.checkpoint.read_bytes())
    with pytest.raises(InputError, match="other settings"):
        fit("tiny_conv", dataset, RECIPE, 3, tmp_path, progress=False)


def test_an_unknown_network_is_an_input_error(dataset, tmp_path):
    with pytest.raises(InputError, match="'huge_conv': not known"):
        fit("huge_conv", dataset, RECIPE, 0, tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- average, what is kept


def test_the_kept_weights_are_the_moving_average(dataset, tmp_path):
    """With one step an epoch, the average follows from the weights of each epoch's end."""
    recipe = replace(RECIPE, batch=10_000, averaging=0.5)
    plain = []
    for epochs in range(1, 4):
        longest = replace(recipe, epochs=3)
        folder = tmp_path / str(epochs)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(fitting, "_keep", _stop_after(epochs, fitting._keep))
            with contextlib.suppress(Cut):
                fit("tiny_conv", dataset, longest, 0, folder, progress=False)
        plain.append(load_tensors(folder / "last.safetensors")[0])
    torch.manual_seed(0)
    mean = models.create("tiny_conv", 4).state_dict()["conv.weight"]
    for step, tensors in enumerate(plain):
        decay = min(0.5, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * tensors["network.network.conv.weight"]
        torch.testing.assert_close(tensors["average.network.conv.weight"], mean)
    assert not torch.equal(plain[2]["network.network.conv.weight"], mean)


def _stop_after(epochs, keep):
    def kept(run, history, *rest):
        keep(run, history, *rest)
        if len(history) == epochs:
            raise Cut

    return kept


def test_batch_norms_statistics_are_averaged_too(dataset, tmp_path):
    fit("ds_cnn", dataset, replace(RECIPE, epochs=1, averaging=0.9), 0, tmp_path, progress=False)
    tensors, _ = load_tensors(tmp_path / "last.safetensors")
    names = [name for name in tensors if name.startswith("average.") and "running" in name]
    assert len(names) == 18
    for name in names:
        last = tensors[name.replace("average", "network", 1)]
        assert torch.isfinite(tensors[name]).all() and not torch.equal(tensors[name], last)


def test_a_run_with_all_that_a_recipe_has_is_resumed_exactly(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    base = replace(RECIPE, epochs=2)
    recipe = replace(
        base, averaging=0.9, label_smoothing=0.1, stock=2, unknown_share=2, words_weight=0.3
    )
    whole = fit("ds_cnn", dataset, recipe, 3, tmp_path / "whole", progress=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fitting, "_keep", _stop_after(1, fitting._keep))
        with pytest.raises(Cut):
            fit("ds_cnn", dataset, recipe, 3, tmp_path / "cut", progress=False)
    again = fit("ds_cnn", dataset, recipe, 3, tmp_path / "cut", progress=False)
    assert_same_run(tmp_path / "cut", again, whole)


def test_what_is_kept_is_known_by_the_code_that_trains(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path))
    recipe = replace(RECIPE, epochs=1)
    first = fitting.fitted("tiny_conv", dataset, recipe, 0)
    assert fitting.fitted("tiny_conv", dataset, recipe, 0).checkpoint == first.checkpoint
    monkeypatch.setattr(fitting, "code_of_training", lambda: "a pass that was changed")
    assert fitting.fitted("tiny_conv", dataset, recipe, 0).checkpoint != first.checkpoint


@pytest.mark.parametrize(
    ("file", "trains"),
    [
        ("training/passes.py", True),
        ("training/fit.py", True),
        ("models/funnel.py", True),
        ("features/logmel.py", True),
        ("data/augment.py", True),
        ("training/recipe.py", False),  # settings are known by themselves
        ("training/study.py", False),
        ("site/cache.py", False),
    ],
)
def test_the_code_that_trains_is_told_from_the_rest(tmp_path, monkeypatch, file, trains):
    library = shutil.copytree(files.LIBRARY, tmp_path / "kwslib")
    monkeypatch.setattr(files, "LIBRARY", library)
    before = fitting.code_of_training()
    with (library / file).open("a") as source:
        source.write("# changed\n")
    assert (fitting.code_of_training() != before) == trains


# ---------------------------------------------------------------- progress


def test_progress_goes_to_standard_error_and_can_be_left_out(dataset, tmp_path, capsys):
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path / "a")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "tiny_conv" in shown.err
    fit("tiny_conv", dataset, replace(RECIPE, epochs=1), 0, tmp_path / "b", progress=False)
    assert capsys.readouterr() == ("", "")


def test_an_evaluation_of_the_fitted_network_names_every_clip(whole, dataset):
    evaluation = score(whole.network, dataset, "testing")
    assert evaluation.names == tuple(dataset.names["testing"])
    assert evaluation.labels == dataset.task.labels
    assert (evaluation.truth == dataset.labels("testing")).all()
    assert asdict(whole.best)["number"] in range(1, 5)
