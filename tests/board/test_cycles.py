"""Modelled cycles equal those added up by hand, and those of an instruction at a time."""

import numpy as np
import pytest
import unicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.board.cycles import instructions_of
from kwslib.board.emulator import Emulator
from kwslib.deploy.toolchain import cortex_m4

HAND_COUNTED = {
    # name: (instructions, each with its cycles)
    "straight": """
        movs r0, #3         @ 1
        mul r1, r0, r0      @ 1
        smlad r1, r0, r1, r0 @ 1
        clz r2, r1          @ 1
        smlal r0, r1, r2, r3 @ 1
        nop                 @ 1
        bx lr               @ 3
    """,
    "loads": """
        ldr r1, [r0]        @ 2
        ldrh r2, [r0, #4]   @ 1
        str r2, [r0, #8]    @ 1
        ldrsb r1, [r0, #1]  @ 1
        adds r1, #1         @ 1
        ldrb r2, [r0]       @ 2
        strb r2, [r0]       @ 1
        str r2, [r0]        @ 1
        bx lr               @ 3
    """,
    "several_words": """
        push {r4, r5, r6, lr}   @ 5
        ldmia r0, {r1, r2, r3}  @ 4
        ldr r4, [r0]            @ 2
        stmia r0!, {r1, r2}     @ 3
        ldrd r4, r5, [r0]       @ 3
        ldr r6, [r0]            @ 2
        strd r4, r5, [r0]       @ 3
        pop {r4, r5, r6, pc}    @ 7
    """,
    "returns_by_a_load": """
        push {lr}           @ 2
        ldr pc, [sp], #4    @ 4
    """,
    "divides": """
        movs r1, #7         @ 1
        udiv r0, r0, r1     @ 7
        sdiv r0, r0, r1     @ 7
        bx lr               @ 3
    """,
    "floats": """
        vpush {d8, d9}          @ 5
        vldr s0, [r0]           @ 2
        vldr s1, [r0, #4]       @ 1
        vadd.f32 s2, s0, s1     @ 1
        vmul.f32 s2, s0, s1     @ 1
        vfma.f32 s2, s0, s1     @ 3
        vmla.f32 s2, s0, s1     @ 3
        vnmls.f32 s2, s0, s1    @ 3
        vdiv.f32 s3, s0, s1     @ 14
        vsqrt.f32 s3, s3        @ 14
        vcmp.f32 s3, #0         @ 1
        vmrs apsr_nzcv, fpscr   @ 1
        vmov r1, s3             @ 1
        vcvt.s32.f32 s3, s3     @ 1
        vstr s3, [r0]           @ 1
        vldr d0, [r0]           @ 3
        vldmia r0, {s0-s4}      @ 6
        vstmia r0, {d0, d1}     @ 5
        vpop {d8, d9}           @ 5
        bx lr                   @ 3
    """,
    "table_branch": """
        movs r1, #1         @ 1
        tbb [pc, r1]        @ 4
     9: .byte (1f - 9b) / 2, (2f - 9b) / 2
     1: movs r0, #10
     2: bx lr               @ 3
    """,
    "calls": """
        push {r4, lr}       @ 3
        bl leaf             @ 3 and 3 there
        ldr r3, =leaf       @ 2
        blx r3              @ 3 and 3 there
        b 1f                @ 3
        nop
     1: pop {r4, pc}        @ 5
        .ltorg
    """,
    "leaf": """
        bx lr               @ 3
    """,
    "jumps_if_zero": """
        movs r1, #0         @ 1
        cbz r1, 1f          @ 3
        nop
     1: cbnz r1, 2f         @ 1
        ldr r1, [r0]        @ 2
     2: bx lr               @ 3
    """,
    "skips": """
        movs r1, #1         @ 1
        cmp r1, #1          @ 1
        ite ne              @ 1
        ldrne r2, [r0]      @ 2, though it is skipped
        ldreq r2, [r0, #4]  @ 1
        it ne               @ 1
        bxne lr             @ 1, skipped
        push {r4, lr}       @ 3
        it ne               @ 1
        popne {r4, pc}      @ 1, skipped
        it eq               @ 1
        popeq {r4, pc}      @ 5
    """,
    "thousands_of_loads": "push {r4, lr} @ 3\n"
    + "ldr r1, [r0] @ 2\n"
    + "ldr r1, [r0] @ 1\n" * 3000
    + "pop {r4, pc} @ 5\n",
}


def function(name, body):
    lines = [line.split("@")[0].strip() for line in body.strip().splitlines()]
    text = "".join(rf"{line}\n\t" for line in lines if line)
    return (
        f"__attribute__((naked, noinline)) void {name}(void);\n"
        f'void {name}(void) {{ __asm__("{text}"); }}\n'
    )


def program_of(functions, folder):
    data = "int data[16], *kept(void);\nint *kept(void) { return data; }\n"
    source = data + "".join(function(*item) for item in functions.items())
    (folder / "program.c").write_text(source)
    return cortex_m4([folder / "program.c"], folder / "program.elf")


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    loop = {
        "loop": "1: ldr r2, [r1]\n subs r0, #1\n bne 1b\n bx lr",
        "it_blocks_over_pages": "cmp r0, r0\n ite ne\n addne.w r1, r1, #1\n addeq r1, #2\n" * 1500
        + "bx lr",
        "reads": "ldmia r0, {r1, r2, r3}\n ldrd r2, r3, [r0]\n ldrb r1, [r0]\n bx lr",
        "splits_over_pages": "1:\n" + "adds r2, #1\n" * 2000 + "subs r0, #1\n bne.w 1b\n bx lr",
    }
    folder = tmp_path_factory.mktemp("cycles")
    return Emulator(program_of({**HAND_COUNTED, **loop}, folder))


@pytest.mark.parametrize("name", HAND_COUNTED)
def test_cycles_are_those_added_up_by_hand(board, name):
    comments = [line.split("@")[1] for line in HAND_COUNTED[name].splitlines() if "@" in line]
    expected = sum(
        int(word.strip(",")) for c in comments for word in c.split() if word[0].isdigit()
    )
    assert board.call(name, board.symbol("data")).cycles == expected


@pytest.mark.parametrize("n", [1, 2, 1000, 100_000])
def test_loops(board, n):
    call = board.call("loop", n, board.symbol("data"))
    assert call.instructions == 3 * n + 1
    assert call.cycles == n * (2 + 1) + (n - 1) * 3 + 1 + 3


def test_a_block_that_is_split_costs_what_a_whole_one_costs(board):
    call = board.call("splits_over_pages", 10)
    assert call.instructions == 2002 * 10 + 1
    assert call.cycles == 2001 * 10 + 9 * 3 + 1 + 3


def test_it_blocks_that_are_split_count_in_full(board):
    call = board.call("it_blocks_over_pages")
    assert call.instructions == call.cycles - 2 == 4 * 1500 + 1


def test_constants_read_from_flash_are_counted(board):
    watching = Emulator(board.program, watch_flash=True)
    for name, argument, expected in (
        ("reads", 0, 6),
        ("reads", board.symbol("data"), 0),
        ("calls", board.symbol("data"), 1),
    ):
        assert watching.call(name, argument).cycles == board.call(name, argument).cycles
        assert watching.flash_reads == expected
        assert board.flash_reads is None


def test_a_call_costs_what_both_functions_cost(board):
    call = board.call("calls", board.symbol("data"))
    assert (call.instructions, call.cycles) == (2 + 6, 6 + 19)
    assert board.call("thousands_of_loads", board.symbol("data")).cycles == 3 + 3002 + 5


def test_what_is_no_instruction_costs_a_cycle():
    (found,) = instructions_of(bytes.fromhex("00de"))  # udf
    assert (found.cycles, found.taken) == (1, 0)


@settings(max_examples=300)
@given(code=st.binary(min_size=2, max_size=200).filter(lambda code: len(code) % 2 == 0))
def test_any_bytes_have_a_cost(code):
    found = instructions_of(code)
    assert [found[0].offset, *np.diff([line.offset for line in found])].count(0) == 1
    assert all(1 <= line.cycles <= 33 and 0 <= line.taken <= 34 for line in found)


CHOICES = [
    # text, cycles when nothing jumps, kind
    ("adds r{a}, r{b}, #1", 1, ""),
    ("mul r{a}, r{b}, r{a}", 1, ""),
    ("cmp r{a}, r{b}", 1, ""),
    ("udiv r{a}, r{b}, r{a}", 7, ""),
    ("ldr r{a}, [r7, #{o}]", 2, "load"),
    ("ldrsh.w r{a}, [r7, #{o}]", 2, "load"),
    ("ldrb r{a}, [r7, #{o}]", 2, "load"),
    ("vldr s{a}, [r7, #{o}]", 2, "load"),
    ("str r{a}, [r7, #{o}]", 1, "store"),
    ("strh.w r{a}, [r7, #{o}]", 1, "store"),
    ("vstr s{a}, [r7, #{o}]", 1, "store"),
    ("ldmia r7, {{r{a}, r4}}", 3, ""),
    ("strd r{a}, r{b}, [r7]", 3, ""),
    ("vfma.f32 s{a}, s{b}, s{a}", 3, ""),
    ("vdiv.f32 s{a}, s{b}, s{a}", 14, ""),
    ("bne.n 7f", 1, "jump"),
    ("bcs.w 7f", 1, "jump"),
    ("cbz r{a}, 7f", 1, "jump"),
]


def random_function(rng):
    """Lines and, of the same places, their costs and kinds: jumps skip a few lines at most."""
    lines = [("push {r4, r7, lr}", 4, ""), ("mov r7, r0", 1, "")]
    for _ in range(int(rng.integers(20, 200))):
        for text, cycles, kind in (CHOICES[i] for i in rng.integers(0, len(CHOICES), 5)):
            a, b = rng.choice(4, 2, replace=False)
            lines.append((text.format(a=a, b=b, o=4 * rng.integers(0, 8)), cycles, kind))
        lines.append(("nop", 1, ""))
        lines.append(("7: nop", 1, ""))
    return [*lines, ("pop {r4, r7, pc}", 4, "jump")]


def starts_of_instructions(board, name, count):
    """Addresses of a function's first instructions, by the sizes of ARMv7-M's encoding."""
    address, found = board.symbol(name), []
    for _ in range(count):
        found.append(address)
        (first,) = np.frombuffer(board.read(address, 2), "<u2")
        address += 4 if first >> 11 >= 0b11101 else 2
    return [*found, address]


def cycles_of_steps(steps, lines, starts):
    total, before = 0, None
    places = {start: i for i, start in enumerate(starts)}
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        i = places[step]
        _, cycles, kind = lines[i]
        if kind == "load" and before is not None and before == i - 1:
            cycles -= lines[i - 1][2] in ("load", "store")
        if kind == "jump" and after != starts[i + 1]:
            cycles += 2
        total, before = total + cycles, i
    return total


def test_cycles_of_random_programs_are_those_of_single_steps(tmp_path):
    rng = np.random.default_rng(0)
    functions = {f"random_{i}": random_function(rng) for i in range(30)}
    texts = {name: "\n".join(line[0] for line in lines) for name, lines in functions.items()}
    program = program_of(texts, tmp_path)
    counting, stepping = Emulator(program), Emulator(program)
    steps = []
    stepping._engine.hook_add(unicorn.UC_HOOK_CODE, lambda _, address, *__: steps.append(address))
    jumped = 0
    for name, lines in functions.items():
        steps.clear()
        stepping.call(name, stepping.symbol("data"))
        found = counting.call(name, counting.symbol("data"))
        starts = starts_of_instructions(counting, name, len(lines))
        assert found.instructions == len(steps)
        assert found.cycles == cycles_of_steps(steps, lines, starts)
        jumped += len(lines) - len(steps)
    assert jumped > 100
