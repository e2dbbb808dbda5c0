"""What a file says of itself."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.facts import facts_in, with_facts
from kwslib.network.reader import graph_of

TINY_CONV = (PUBLISHED / "tiny_conv-yes_no.tflite").read_bytes()


def test_facts_are_replaced_and_the_network_stays():
    changed = with_facts(TINY_CONV, {"labels": ["ä"], "n": 1})
    assert facts_in(changed) == {"labels": ["ä"], "n": 1}
    old, new = graph_of(TINY_CONV), graph_of(changed)
    assert [o.kind for o in new.operators] == [o.kind for o in old.operators]
    assert (new.operators[0].weights == old.operators[0].weights).all()


def test_constants_lie_where_an_interpreter_can_read_them_in_place():
    changed = with_facts(TINY_CONV, {"n": 1})
    model = schema.Model.GetRootAs(changed)
    starts = [
        buffer._tab.Vector(buffer._tab.Offset(4))
        for buffer in map(model.Buffers, range(model.BuffersLength()))
        if buffer.DataLength()
    ]
    assert len(starts) >= 6
    assert {start % 16 for start in starts} == {0}


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_what_is_no_file_has_no_facts(data):
    assert facts_in(data) == {}


@settings(max_examples=500)
@given(st.integers(0, len(TINY_CONV) - 1), st.integers(0, 255))
def test_a_damaged_file_has_some_facts_or_none(position, value):
    data = bytearray(TINY_CONV)
    data[position] = value
    assert isinstance(facts_in(bytes(data)), dict)
