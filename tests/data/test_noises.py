"""Noises by name: a source's own and the computed ones."""

import numpy as np
import pytest

from kwslib.data.dataset import open_source
from kwslib.data.synthetic_noise import chosen_noises, noises_of, synthetic_noise
from kwslib.errors import InputError


def test_a_source_brings_its_own_and_the_computed_ones_stand_beside(tones):
    source = open_source(tones)
    every = noises_of(source)
    assert list(every) == ["hiss", "hum", *(f"synthetic_{name}" for name in synthetic_noise())]
    np.testing.assert_array_equal(every["hum"], source.noise()["hum"])
    np.testing.assert_array_equal(every["synthetic_babble"], synthetic_noise()["babble"])
    assert list(chosen_noises(source, "mixed")) == ["hiss", "hum"]
    assert list(chosen_noises(source, "synthetic")) == list(every)[2:]
    assert list(chosen_noises(source, "all")) == list(every)
    assert list(chosen_noises(source, "hum, synthetic_babble")) == ["hum", "synthetic_babble"]


def test_embedded_speech_has_the_computed_ones_alone():
    source = open_source(None)
    for choice in ("mixed", "synthetic", "all"):
        assert list(chosen_noises(source, choice)) == list(synthetic_noise())


@pytest.mark.parametrize("choice", ["rain", "hum,rain", ""])
def test_other_names_are_refused(tones, choice):
    with pytest.raises(InputError, match="must be mixed, synthetic, all or names of hiss, hum"):
        chosen_noises(open_source(tones), choice)
