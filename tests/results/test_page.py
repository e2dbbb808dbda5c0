import base64
import io
import re

import numpy as np
import pytest
import soundfile

from kwslib.results import page


def test_a_player_holds_the_very_samples():
    audio = np.random.default_rng(0).integers(-32768, 32767, 16000).astype(np.int16)
    player = page.player(audio, 'the word "yes"')
    data = re.search(r"base64,([^\"]+)", player).group(1)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16")
    assert rate == 16000
    assert np.array_equal(samples, audio)
    assert "&quot;yes&quot;" in player and '"yes"' not in player


@pytest.mark.parametrize("audio", [np.zeros(10), np.zeros((2, 10), np.int16)])
def test_a_player_refuses_what_is_not_sound_of_the_library(audio):
    with pytest.raises(ValueError, match="must be int16"):
        page.player(audio)


def test_a_table_aligns_columns_of_numbers_and_escapes_text():
    rows = [
        {"network": "<b>", "bytes": 1200, "share": "3.1 %", "rule": "2 of 3, rounded"},
        {"network": "c", "bytes": -5, "share": "", "rule": "4"},
    ]
    table = page.table(rows, method="counted")
    assert "<td>&lt;b&gt;</td>" in table
    assert '<th scope="col" class="kws-number">bytes</th>' in table
    assert '<td class="kws-number">1,200</td>' in table
    assert '<td class="kws-number">3.1&nbsp;%</td>' in table
    assert "<td>4</td>" in table
    assert table.fields == {"method": "counted"}


def test_a_table_takes_players_and_leaves_out_missing_keys():
    rows = [{"clip": page.Html("<audio></audio>"), "n": 1}, {"n": 2}]
    table = page.table(rows)
    assert "<td><audio></audio></td>" in table
    assert "<td></td>" in table


def test_a_table_may_be_empty():
    assert "<tbody></tbody>" in page.table([])
