"""The commands that make committed sweeps again, against the records that lie there."""

import importlib
import shlex

import pytest

from kwslib.measurements import read_records
from kwslib.results.pruning import COMMITTED
from kwslib.results.sweeps import SWEEPS, committed, sweep_command
from kwslib.studies.quantization import KINDS

NETWORK = "tiny_conv-yes_no"
ALL = [*(("quantization", kind) for kind in KINDS), *(("pruning", kind) for kind in COMMITTED)]


def options(command):
    words = shlex.split(command)
    return dict(zip(words[3::2], words[4::2], strict=True))


@pytest.mark.parametrize("study, kind", ALL)
def test_a_command_names_the_file_and_the_seeds_of_its_records(study, kind):
    found = options(sweep_command(study, kind, NETWORK))
    records = read_records(SWEEPS.parent.parent / found["--out"])
    seeds = {record.subject["seed"] for record in records if "seed" in record.subject}
    assert {int(seed) for seed in found.get("--seeds", "").split(",") if seed} == seeds
    assert records == committed(study, [kind], NETWORK)[kind]


@pytest.mark.parametrize("study, kind", ALL)
def test_the_command_line_knows_its_commands(study, kind):
    program, verb, *rest = shlex.split(sweep_command(study, kind, NETWORK))
    assert program == "kws"
    importlib.import_module(f"kwslib.cli.{verb}").command.make_context(verb, rest)


def test_a_network_without_sweeps():
    assert committed("pruning", COMMITTED, "nothing") == {}
