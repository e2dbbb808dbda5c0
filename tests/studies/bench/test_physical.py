"""Cycles of a physical board beside modelled ones: outputs agree, ratios are where they belong."""

import pytest
from installed import needs

from kwslib.board.cycles import FLASH_WAIT
from kwslib.errors import InputError
from kwslib.records import read_records, select
from kwslib.studies.bench import physical, timed_networks
from kwslib.studies.bench.physical import published_times


@pytest.fixture(scope="module")
def comparisons():
    needs("arm-none-eabi-gcc")
    return physical.compare()


def test_the_model_is_a_lower_bound_and_near(comparisons):
    assert len(comparisons) == 5
    for found in comparisons:
        assert 1.0 < found.timed.cycles / found.cycles < 1.25, found.timed.what


def test_waits_for_constants_in_flash_explain_the_rest(comparisons):
    """Nearly so with another compiler than that of the records."""
    made = select(read_records(physical.RECORDS), "cycles")
    compilers = {record.subject["build"].split(",")[0] for record in made}
    for found in comparisons:
        cycles = found.cycles + FLASH_WAIT * found.flash_reads
        within = 0.05 if found.build in compilers else 0.1
        assert abs(found.timed.cycles / cycles - 1) < within, found.timed.what
        weights = 576 if "32-16-4" in found.timed.what else 18
        read_alone = weights / (1 if "portable" in found.timed.what else 4)
        assert found.flash_reads > read_alone


def test_the_committed_records_are_those_of_this_run(comparisons):
    """To the last cycle with the compiler that made them, nearly so with another."""
    committed, now = read_records(physical.RECORDS), physical.records(comparisons)
    assert len(committed) == len(now)
    for kept, made in zip(committed, now, strict=True):
        same = ("metric", "unit", "method", "machine", "target", "source")
        assert [getattr(kept, name) for name in same] == [getattr(made, name) for name in same]
        if kept.subject == made.subject:
            assert kept.value == made.value
        else:
            assert _without_build(kept.subject) == _without_build(made.subject)
            assert kept.value == pytest.approx(made.value, rel=0.1)


def _without_build(subject):
    return {key: subject[key] for key in subject.keys() - {"build", "instructions", "flash_reads"}}


def test_published_times_are_as_quoted():
    times = select(published_times(), "run_time", stage="network")
    board = [record for record in times if record.method == "published"]
    assert [record.value for record in board] == [109, 94, 88.8, [86, 88], 83, 79, 71, 63, 59]
    assert all(record.source and record.unit == "ms" for record in board)
    for record in board[4:]:
        assert abs(55 + 4 * record.subject["channels"] - record.value) <= 0.5


def test_cmsis_nn_for_size_is_modelled_faster_than_the_boards_are(comparisons):
    (cycles,) = select(physical.records(comparisons), "cycles", runtime="CMSIS-NN")
    (waiting,) = select(
        physical.records(comparisons), "cycles_with_flash_waits", runtime="CMSIS-NN"
    )
    assert 60 < cycles.value / 64e3 < waiting.value / 64e3 < 86


def test_another_output_is_an_error(monkeypatch):
    needs("arm-none-eabi-gcc")
    wrong = timed_networks.Timed(
        "convolution", timed_networks.convolution, False, False, 24610, (2, 1, 1, 1), "nowhere"
    )
    monkeypatch.setattr(physical, "TIMED", (wrong,))
    with pytest.raises(ValueError, match="gives other bytes than the physical board"):
        physical.compare()


def test_a_missing_wheel_is_named(monkeypatch):
    monkeypatch.setattr(timed_networks.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install bakenn"):
        timed_networks.two_layers()
