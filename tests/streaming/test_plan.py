"""A plan gives the same stream everywhere, in which words lie apart and halves share nobody."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from kwslib.data.dataset import open_source
from kwslib.data.task import speaker_of
from kwslib.errors import InputError
from kwslib.streaming.plan import MINUTE, Cast, Plan, Script, cast_of, part_of

PLAN = Plan(minutes=90, keywords=("yes", "no"), noises=("hiss", "hum"))
CAST = Cast(
    {word: [f"{word}/{n:04d}_nohash_0" for n in range(50)] for word in PLAN.keywords},
    [f"other/{n:04d}_nohash_0" for n in range(70)],
)


@pytest.fixture(scope="module")
def minutes():
    script = Script(PLAN, CAST)
    return [script.minute(number) for number in range(PLAN.minutes)]


def test_a_minute_can_be_told_without_those_before(minutes):
    for number in (0, 17, 89):
        assert Script(PLAN, CAST).minute(number) == minutes[number]


def test_the_plan_of_these_settings_is_this_one(minutes):
    """Wherever it runs: a stream that changes makes every committed score another's."""
    told = [(each.clip, each.start) for each in minutes[0].clips]
    assert (minutes[0].noise, minutes[0].snr_db, minutes[0].speech_db) == ("hiss", 10.0, -19.0)
    assert told == GOLDEN


GOLDEN = [
    ("other/0000_nohash_0", 127593),
    ("yes/0028_nohash_0", 281065),
    ("no/0028_nohash_0", 646438),
    ("other/0046_nohash_0", 808740),
]


def test_words_lie_apart(minutes):
    for minute in minutes:
        starts = [each.start for each in minute.clips]
        assert starts == sorted(starts)
        assert all(later - earlier >= 40_000 for earlier, later in pairwise(starts))
        assert starts[0] >= 0 and starts[-1] + 40_000 <= MINUTE


def test_positions_have_no_rhythm(minutes):
    phases = Counter(each.start % 320 // 32 for minute in minutes for each in minute.clips)
    assert len(phases) == 10
    assert max(phases.values()) < 2 * min(phases.values())


def test_words_come_as_often_as_planned(minutes):
    words = Counter(each.word for minute in minutes for each in minute.clips)
    assert words == {"yes": 90, "no": 90, "other": 180}


def test_every_clip_comes_once_before_any_comes_twice(minutes):
    for word, clips in {**CAST.keywords, "other": CAST.others}.items():
        heard = [e.clip for minute in minutes for e in minute.clips if e.word == word]
        counts = Counter(heard)
        assert set(counts) == set(clips)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_scenes_take_turns(minutes):
    scenes = Counter((each.noise, each.snr_db) for each in minutes)
    assert {snr for _, snr in scenes} == {10.0, 15.0, 20.0, None}
    noisy = [count for (noise, _), count in scenes.items() if noise]
    assert len(noisy) == 6 and max(noisy) - min(noisy) <= 1
    assert scenes["", None] in range(22, 25)


def test_another_seed_is_another_draw():
    one, other = (Script(replace(PLAN, seed=seed), CAST).minute(3) for seed in (0, 1))
    assert one != other


def test_rates_that_do_not_divide_an_hour():
    script = Script(replace(PLAN, keywords_an_hour=7, others_an_hour=0), CAST)
    counts = [len(script.minute(number).clips) for number in range(60)]
    assert sum(counts) == 7 and max(counts) == 1


def test_halves_share_no_speaker(tones):
    source = open_source(tones)
    plans = [Plan(1, ("yes", "no"), (None,), part=part) for part in ("tuning", "reporting")]
    casts = [cast_of(source, plan) for plan in plans]
    names = [[*cast.others, *(n for c in cast.keywords.values() for n in c)] for cast in casts]
    speakers = [{speaker_of(name) for name in each} for each in names]
    assert not speakers[0] & speakers[1]
    assert sum(map(len, names)) == 4 * 8
    for plan, each in zip(plans, speakers, strict=True):
        assert {part_of(speaker) for speaker in each} == {plan.part}


@pytest.mark.parametrize(
    ("keyword", "homophone"), [("write", "right"), ("know", "no"), ("four", None)]
)
def test_words_that_sound_like_a_keyword_are_no_other_words(keyword, homophone):
    source, plan = open_source(None), Plan(1, (keyword,), (None,))
    cast, kept = (cast_of(source, replace(plan, keep_homophones=keep)) for keep in (False, True))
    words, all_words = ({name.split("/")[0] for name in each.others} for each in (cast, kept))
    assert cast.homophones == ({homophone: keyword} if homophone else {})
    assert all_words - words == set(cast.homophones) and kept.homophones == {}
    assert "keep_homophones" not in plan.as_json()
    assert replace(plan, keep_homophones=True).as_json() == {
        **plan.as_json(), "keep_homophones": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 0}, "give 1 or more"),
        ({"snr_db": ()}, "name a ratio"),
        ({"noises": ()}, "and a noise for it"),
        ({"keywords_an_hour": 0}, "at least one keyword"),
        ({"others_an_hour": -1}, "other words an hour"),
        ({"others_an_hour": 1400}, "no more than 1,440 words"),
    ],
)
def test_what_is_no_plan(changes, message):
    with pytest.raises(InputError, match=message):
        replace(PLAN, **changes)


def test_a_source_must_have_sound_and_the_keywords(tones, monkeypatch):
    source = open_source(tones)
    with pytest.raises(InputError, match="left"):
        cast_of(source, Plan(1, ("left",), (None,)))
    monkeypatch.setattr(type(source), "has_audio", lambda self, split: False)
    with pytest.raises(InputError, match="no test clips as sound"):
        cast_of(source, Plan(1, ("yes",), (None,)))
