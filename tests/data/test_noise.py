import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.data.noise import silence_audio, silence_names
from kwslib.errors import InputError

REGIONS = {"training": (0.0, 0.7), "validation": (0.7, 0.85), "testing": (0.85, 1.0)}


def parse(name):
    label, crop = name.split("/")
    recording, position, level = crop.rsplit("-", 2)
    assert label == "_silence_"
    return recording, int(position), int(level)


@given(
    lengths=st.dictionaries(
        st.from_regex(r"[a-z][a-z_-]{0,8}", fullmatch=True),
        st.integers(120_000, 2_000_000),
        min_size=1,
        max_size=6,
    ),
    split=st.sampled_from(sorted(REGIONS)),
    count=st.integers(0, 60),
)
def test_every_crop_lies_wholly_inside_its_region(lengths, split, count):
    names = silence_names(lengths, split, count, REGIONS)
    assert len(names) == count
    low, high = REGIONS[split]
    for recording, position, level in map(parse, names):
        assert int(low * lengths[recording]) <= position
        assert position + 16_000 <= int(high * lengths[recording])
        assert 0 <= level <= 1000


def test_crops_of_two_splits_share_no_sample():
    lengths = {"a": 160_000, "b": 1_000_000}
    taken = {}
    for split in REGIONS:
        mask = {name: np.zeros(length, bool) for name, length in lengths.items()}
        for recording, position, _ in map(parse, silence_names(lengths, split, 500, REGIONS)):
            mask[recording][position : position + 16_000] = True
        taken[split] = mask
    for one, other in (
        ("training", "validation"),
        ("training", "testing"),
        ("validation", "testing"),
    ):
        for name in lengths:
            assert not (taken[one][name] & taken[other][name]).any()


def test_names_do_not_depend_on_the_order_of_the_recordings_nor_on_the_count():
    lengths = {"a": 160_000, "b": 200_000, "c": 900_000}
    backwards = dict(reversed(lengths.items()))
    names = silence_names(lengths, "training", 50, REGIONS)
    assert silence_names(backwards, "training", 50, REGIONS) == names
    assert silence_names(lengths, "training", 20, REGIONS) == names[:20]


def test_crops_spread_over_recordings_positions_and_levels():
    lengths = {"a": 1_600_000, "b": 1_600_000}
    drawn = [parse(name) for name in silence_names(lengths, "training", 1000, REGIONS)]
    assert len(set(drawn)) == 1000
    assert 430 < sum(recording == "a" for recording, _, _ in drawn) < 570
    positions = np.array([position for _, position, _ in drawn]) / (0.7 * 1_600_000 - 16_000)
    levels = np.array([level for _, _, level in drawn]) / 1000
    for uniform in (positions, levels):
        assert uniform.mean() == pytest.approx(0.5, abs=0.04)
        assert uniform.std() == pytest.approx(12**-0.5, abs=0.02)


def test_a_crop_is_the_named_samples_at_the_named_level():
    noise = {"two-part": np.arange(-20_000, 20_000, dtype=np.int16)}
    crop = silence_audio(noise, "_silence_/two-part-0000100-0500")
    assert crop.dtype == np.int16
    assert crop.shape == (16_000,)
    expected = np.round(np.arange(-19_900, -3_900) * 0.5)
    np.testing.assert_array_equal(crop, expected)


def test_full_level_keeps_and_level_zero_silences_even_the_loudest_samples():
    noise = {"loud": np.full(16_000, -32_768, np.int16)}
    assert (silence_audio(noise, "_silence_/loud-0000000-1000") == -32_768).all()
    assert not silence_audio(noise, "_silence_/loud-0000000-0000").any()


@pytest.mark.parametrize(
    "name",
    [
        "_silence_/other-0000000-1000",
        "_silence_/short-0000001-1000",
        "_silence_/short-9999999-1000",
        "_silence_/short",
        "yes/0_nohash_0",
        "",
    ],
)
def test_a_name_that_is_no_crop_is_an_input_error(name):
    with pytest.raises(InputError):
        silence_audio({"short": np.zeros(16_000, np.int16)}, name)


def test_recordings_too_short_for_a_crop_are_an_input_error():
    with pytest.raises(InputError, match="tick"):
        silence_names({"tick": 20_000}, "validation", 3, REGIONS)


def test_no_recordings_at_all_are_an_input_error():
    with pytest.raises(InputError):
        silence_names({}, "training", 3, REGIONS)
