"""The queue between the microphone's interrupt and the loop."""

import ctypes
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.deploy.toolchain import NANO33BLE_PORT, shared_library

CAPACITY = 8192


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("queue") / "queue.so"
    library = ctypes.CDLL(
        str(shared_library([NANO33BLE_PORT / "sound_queue.c"], path, include=[NANO33BLE_PORT]))
    )
    library.kws_sound_take.restype = library.kws_sound_lost.restype = ctypes.c_size_t
    return library


def put(library, samples):
    samples = np.ascontiguousarray(samples, np.int16)
    library.kws_sound_put(samples.tobytes(), ctypes.c_size_t(len(samples)))


def take(library, most):
    room = np.empty(max(most, 1), np.int16)
    found = library.kws_sound_take(ctypes.c_void_p(room.ctypes.data), ctypes.c_size_t(most))
    return room[:found].tolist()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 3 * CAPACITY)),
        st.tuples(st.just("put"), st.integers(0, 600)),
        st.tuples(st.just("take"), st.integers(0, 2 * CAPACITY)),
        st.tuples(st.just("take"), st.integers(0, 600)),
        st.tuples(st.sampled_from(["clear", "lost"]), st.just(0)),
    ),
    max_size=40,
)


@given(operations=OPERATIONS)
def test_it_is_a_queue_that_loses_what_finds_no_room(library, operations):
    library.kws_sound_clear()
    model, lost, said = [], 0, 0
    for operation, n in operations:
        if operation == "put":
            samples = (np.arange(said, said + n) % 30000).tolist()
            said += n
            put(library, samples)
            room = CAPACITY - len(model)
            model += samples[:room]
            lost += max(0, n - room)
        elif operation == "take":
            assert take(library, n) == model[:n]
            del model[:n]
        elif operation == "clear":
            library.kws_sound_clear()
            model, lost = [], 0
        else:
            assert library.kws_sound_lost() == lost
            lost = 0
    assert take(library, 2 * CAPACITY) == model
    assert library.kws_sound_lost() == lost


def test_both_ends_at_once(library):
    """Samples count up; what comes out of a queue that overflows now and then still does, and all
    that is missing is known to be.
    """
    library.kws_sound_clear()
    blocks = np.arange(400 * 256, dtype=np.int64).reshape(400, 256) % 65536 - 32768
    done = threading.Event()

    def microphone():
        for block in blocks:
            put(library, block)
        done.set()

    thread = threading.Thread(target=microphone)
    thread.start()
    heard = []
    while True:
        over = done.is_set()
        piece = take(library, 320)
        heard += piece
        if over and not piece:
            break
    thread.join()
    steps = np.diff(np.array(heard)) % 65536
    lost = library.kws_sound_lost()
    assert len(heard) + lost == blocks.size
    assert (steps - 1).sum() <= lost
    assert (steps > 0).all()
