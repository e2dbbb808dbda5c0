"""Reads of flash, counted where it is safe to."""

import pytest

from kwslib.board.emulator import Emulator, FlashWatch
from kwslib.deploy.toolchain import cortex_m4

PROGRAM = """
#include <stdint.h>
static const volatile int32_t table[4] = {1, -2, 3, -4};
static volatile int32_t variable;
int32_t add(int32_t n);
int32_t add(int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; ++i) {
        sum += table[i & 3];
        variable = sum;
    }
    return sum;
}

/* A load in an IT block, then an IT block that is not taken if the state of the first stays. */
__attribute__((naked)) int32_t it_block(const volatile int32_t *from);
__attribute__((naked)) int32_t it_block(__attribute__((unused)) const volatile int32_t *from)
{
    __asm__("movs r1, #0\\n\\t cmp r0, #0\\n\\t itt ne\\n\\t ldrne r1, [r0]\\n\\t"
            "addne r1, #1\\n\\t mov r0, r1\\n\\t bx lr");
}
const volatile int32_t *table_address(void);
const volatile int32_t *table_address(void) { return table; }
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flash")
    (folder / "main.c").write_text(PROGRAM)
    return Emulator(cortex_m4([folder / "main.c"], folder / "kws.elf"))


@pytest.mark.parametrize("n", [0, 1, 3, 100])
def test_constants_count_and_variables_do_not(board, n):
    plain = board.call("add", n)
    call, reads = FlashWatch(board).call("add", n)
    assert call == plain
    assert reads in (n, n + 1)  # one for the address of the table, if it is not in the code


def test_the_twin_sees_the_same_memory(board):
    board.call("add", 3)
    watch = FlashWatch(board)
    assert watch.call("add", 4)[0].value == -2 & 0xFFFFFFFF


def test_what_it_cannot_count_is_not_told(board):
    address = board.call("table_address").value
    call, reads = FlashWatch(board).call("it_block", address)
    assert call.value == 2
    assert reads in (1, None)
