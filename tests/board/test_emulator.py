"""The emulated board counts what it executes, exactly."""

import time

import numpy as np
import pytest
import unicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.board.emulator import Emulator, static_memory
from kwslib.deploy.toolchain import cortex_m4
from kwslib.errors import InputError

SOURCE = r"""
#include <stdint.h>
#include <string.h>
int32_t state[4] = {1, 2, 3, 4};
int32_t zeroed[100];
__attribute__((naked)) int32_t seven(void);
int32_t seven(void)
{
    __asm__("movs r0, #3\n\tadds r0, #4\n\tbx lr");
}
__attribute__((naked)) int32_t countdown(int32_t n);
int32_t countdown(__attribute__((unused)) int32_t n)
{
    __asm__("1: subs r0, #1\n\tbne 1b\n\tbx lr");
}
__attribute__((naked)) int32_t conditional(int32_t n);
int32_t conditional(__attribute__((unused)) int32_t n)
{
    __asm__("cmp r0, #0\n\tite eq\n\tmoveq r0, #10\n\tmovne r0, #20\n\tbx lr");
}
int32_t first_of_state(void);
int32_t first_of_state(void) { return state[0] + zeroed[50]; }
float half(float x);
float half(float x) { return x * 0.5f; }
int32_t deep(volatile int32_t *out);
int32_t deep(volatile int32_t *out)
{
    volatile int32_t room[64];
    for (int i = 0; i < 64; ++i)
        room[i] = i;
    *out = room[63];
    return room[5];
}
void hang(void);
void hang(void) { for (;;) __asm__ volatile(""); }
int32_t fault(void);
int32_t fault(void) { return *(volatile int32_t *)0x70000000; }
int32_t recurse(int32_t n);
int32_t recurse(int32_t n)
{
    volatile int32_t kept = n;
    const int32_t below = n ? recurse(n - 1) : 0;
    return kept + below;
}
int32_t called(int32_t n);
__attribute__((noinline)) int32_t called(int32_t n) { return n * n + 1; }
int32_t caller(int32_t n);
int32_t caller(int32_t n) { return called(n) + called(n + 1); }
int32_t __attribute__((alias("called"))) _called(int32_t n);
int32_t __attribute__((alias("called"))) by_another_name(int32_t n);
__attribute__((naked)) int32_t fault_in_it_block(int32_t n, int32_t where);
int32_t fault_in_it_block(__attribute__((unused)) int32_t n, __attribute__((unused)) int32_t where)
{
    __asm__("cmp r0, r0\n\titete ne\n\tmovne r0, #1\n\tldreq r0, [r1]\n\tmovne r0, #2\n\t"
            "moveq r0, #3\n\tbx lr");
}
int32_t change_and_fault(void);
int32_t change_and_fault(void)
{
    state[0] = 50;
    return fault();
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.c").write_text(SOURCE)
    return cortex_m4([folder / "program.c"], folder / "program.elf")


@pytest.fixture
def board(program):
    return Emulator(program)


def test_hand_counted_functions(board):
    assert (board.call("seven").value, board.call("seven").instructions) == (7, 3)
    assert board.call("countdown", 1).instructions == 3
    assert board.call("countdown", 1000).instructions == 2 * 1000 + 1


@pytest.mark.parametrize(("argument", "value"), [(0, 10), (5, 20)])
def test_an_instruction_that_is_not_taken_counts(board, argument, value):
    call = board.call("conditional", argument)
    assert (call.value, call.instructions) == (value, 5)


def test_counts_equal_those_of_single_steps(program):
    counting, stepping = Emulator(program), Emulator(program)
    steps = []
    stepping._engine.hook_add(unicorn.UC_HOOK_CODE, lambda *_: steps.append(1))
    stepping.call("deep", stepping.symbol("zeroed"))
    found = counting.call("deep", counting.symbol("zeroed"))
    assert found.instructions == len(steps) > 64


def test_counts_repeat(board):
    first, second = board.call("caller", 9), board.call("caller", 9)
    assert first == second
    assert first.value == 82 + 101


def test_memory_is_set_up_and_can_be_written(board):
    assert board.call("first_of_state").value == 1
    board.write("state", np.array([40], "<i4").tobytes())
    assert board.call("first_of_state").value == 40
    assert np.frombuffer(board.read("state", 16), "<i4").tolist() == [40, 2, 3, 4]


def test_stack_is_measured(board):
    call = board.call("deep", board.symbol("zeroed"))
    assert 256 <= call.stack <= 320
    assert board.call("seven").stack == 0


def test_memory_of_a_program(program):
    flash, ram = static_memory(program)
    assert 200 < flash < 10_000
    assert ram == 16 + 400


def test_a_stack_that_overflows_is_told(board):
    deep, deeper = board.call("recurse", 100), board.call("recurse", 101)
    assert deep.value == 5050
    room = board.symbol("kws_stack_top") - board.symbol("kws_stack_limit")
    fits = (room - deep.stack) // (deeper.stack - deep.stack) + 95
    assert room - 128 < board.call("recurse", fits).stack < room
    with pytest.raises(
        InputError, match=r"recurse needs more than the 2\d\d,\d\d\d bytes of stack"
    ):
        board.call("recurse", fits + 6)  # runs into .bss, but returns
    with pytest.raises(InputError, match=r"recurse failed at 0x\w+ in recurse"):
        board.call("recurse", 10_000_000)


@settings(max_examples=200)
@given(data=st.data())
def test_an_altered_program_runs_or_is_refused(program, data):
    content = bytearray(program.read_bytes())
    end = len(content)
    places = st.integers(0, 200) | st.integers(end - 1500, end - 1) | st.integers(0, end - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    changed = program.with_suffix(".changed")
    changed.write_bytes(content)
    try:
        Emulator(changed, limit=100_000).call("first_of_state")
    except InputError as error:
        assert len(str(error).splitlines()) == 1


def test_a_fault_names_the_function(board):
    with pytest.raises(InputError, match=r"fault failed at 0x\w+ in fault"):
        board.call("fault")


def test_a_failed_call_resets_the_board(board):
    before = [board.call("conditional", 0), board.call("deep", board.symbol("zeroed"))]
    board.write("state", np.array([40], "<i4").tobytes())
    for arguments in (("change_and_fault",), ("fault_in_it_block", 0, 0x70000000)):
        with pytest.raises(InputError, match=rf"{arguments[0]} failed at"):
            board.call(*arguments)
        assert board.call("first_of_state").value == 1
        assert before == [board.call("conditional", 0), board.call("deep", board.symbol("zeroed"))]


def test_a_call_after_a_hang_and_after_an_overflow_counts_as_before(program):
    board = Emulator(program, limit=10_000_000)
    before = board.call("recurse", 10)
    for arguments in (("hang",), ("recurse", 100_000)):
        with pytest.raises(InputError):
            board.call(*arguments)
        assert board.call("recurse", 10) == before


def test_the_stack_is_measured_anew_in_each_call(board):
    deep = board.call("recurse", 1000).stack
    assert deep > 16_000
    assert board.call("seven").stack == 0
    room = board.symbol("kws_stack_top") - deep
    board.write(room, b"on the stack")
    assert board.call("seven").stack == 0
    assert board.call("recurse", 1000).stack == deep


@pytest.mark.parametrize("address", [0x100, 0x1FFFFFFF, 0x2003FFFF, 0x20040000, 0x40000000])
def test_writes_go_to_ram(board, address):
    with pytest.raises(InputError, match="do not lie in RAM"):
        board.write(address, b"ab")


def test_many_calls_are_cheap(board):
    """An hour of sound is 180,000 frames."""
    board.call("seven")
    start = time.perf_counter()
    for _ in range(1000):
        board.call("seven")
    assert time.perf_counter() - start < 1


def test_a_foreign_program_is_refused(tmp_path, program):
    content = program.read_bytes()
    for name in (b"kws_bss_end", b"kws_data_start"):
        (tmp_path / "foreign.elf").write_bytes(content.replace(name, name.upper()))
        with pytest.raises(InputError, match=rf"has no symbol '{name.decode()}'; compile it anew"):
            static_memory(tmp_path / "foreign.elf")


def test_a_hang_ends(program):
    with pytest.raises(InputError, match="hang did not return"):
        Emulator(program, limit=100_000).call("hang")


def test_an_unknown_symbol_is_named(board):
    with pytest.raises(InputError, match="has no symbol 'nothing'"):
        board.call("nothing")


def test_more_than_four_arguments_are_a_mistake(board):
    with pytest.raises(ValueError, match="more than four"):
        board.call("seven", 1, 2, 3, 4, 5)
