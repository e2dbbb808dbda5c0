"""C compilers: zig's clang for the host, the Cortex-M4 and WebAssembly, Debian's gcc as a second
opinion.

zig comes from PyPI (``ziglang``), so that nothing but pip is needed to build for the board.
A build is kept under the hash of everything that went into it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from kwslib import interrupt
from kwslib.config import NANO33BLE
from kwslib.errors import InputError
from kwslib.files import full_disk_told, sha256_of_file, sha256_of_text, write_beside
from kwslib.folders import cache_folder, keep_newest

Compiler = Literal["zig", "gcc"]

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"
CORE = FIRMWARE / "core"
DEVICE = FIRMWARE / "device"
MAILBOX = FIRMWARE / "mailbox"
EMULATOR = FIRMWARE / "emulator"
QEMU_PORT = FIRMWARE / "qemu"
NANO33BLE_PORT = FIRMWARE / "nano33ble"
WASM_PORT = FIRMWARE / "wasm"

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off")
"""What every source of the firmware is compiled under."""

_ZIG_CORTEX_M4 = (
    "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", "-fno-math-errno",
    "-fno-sanitize=all", "-fomit-frame-pointer", "-nostdlib",
)  # fmt: skip
_ZIG_WASM = (
    "-target", "wasm32-freestanding", "-mcpu=generic+simd128", "-fno-sanitize=all",
    "-Wl,--no-entry", "-s",
)  # fmt: skip
"""For any browser of the last years; what is not exported, and the debug symbols, are left out."""

_GCC_CORTEX_M4 = (
    "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-nostdlib", "-lgcc",
)  # fmt: skip
_FREESTANDING = ("-ffreestanding", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
_SKETCH = (
    "-std=gnu++14", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti",
    "-funsigned-char",
)  # fmt: skip
"""As Arduino compiles sketches for the Nano 33 BLE, and as strict as we are with C."""
_TIMEOUT_S = 300
_KEPT_BUILDS = 1000
"""Builds that the cache keeps: some 50 MB."""
_BUILT = "built"
_ENVIRONMENT = {"ZIG_GLOBAL_CACHE_DIR": "zig", "ZIG_LOCAL_CACHE_DIR": "zig", "TMPDIR": "."}
"""Zig keeps what it compiled of its own runtime; in our cache, not in the home folder."""


class CompileError(Exception):
    """A compiler refused our own C: a mistake of the project, not of its user."""


def shared_library(
    sources: Sequence[Path],
    output: Path,
    *,
    include: Sequence[Path] = (),
    define: Sequence[str] = (),
    flags: Sequence[str] = ("-O2",),
) -> Path:
    """Compile sources for this machine into a shared library.

    Args:
        sources: C files.
        output: where to write it.
        include: folders of headers beside ``firmware/core``.
        define: ``NAME`` or ``NAME=value``.
        flags: further ones.

    Raises:
        CompileError: the compiler refused.
        InputError: zig is not installed.
    """
    command = [*_zig(), *STRICT, "-shared", "-fPIC", "-fno-sanitize=all", *_for_zig(flags)]
    return _build(command, sources, output, include, define)


def cortex_m4(
    sources: Sequence[Path],
    output: Path,
    *,
    include: Sequence[Path] = (),
    define: Sequence[str] = (),
    flags: Sequence[str] = ("-O2",),
    compiler: Compiler = "zig",
) -> Path:
    """Compile sources for a bare Cortex-M4F into an ELF file, with start-up code.

    Every function that the sources export is in it, whether something calls it or not.

    Args:
        sources: C files.
        output: where to write it.
        include: folders of headers beside ``firmware/core``.
        define: ``NAME`` or ``NAME=value``.
        flags: further ones.
        compiler: ``"zig"``, or ``"gcc"`` for Debian's ``arm-none-eabi-gcc``.

    Raises:
        CompileError: the compiler refused.
        InputError: the compiler is not installed, or the program does not fit the board.
    """
    target = _ZIG_CORTEX_M4 if compiler == "zig" else _GCC_CORTEX_M4
    driver = _zig() if compiler == "zig" else [_program("arm-none-eabi-gcc")]
    command = [
        *driver, *target, *STRICT, *_FREESTANDING, "-Wl,--gc-sections",
        "-T", "emulator/board.ld", *(_for_zig(flags) if compiler == "zig" else flags),
    ]  # fmt: skip
    ours = sorted(EMULATOR.glob("*.c"))
    return _build(command, [*ours, *sources], output, [*include, EMULATOR / "include"], define)


def cortex_m4_object(
    source: Path,
    output: Path,
    *,
    include: Sequence[Path] = (),
    flags: Sequence[str] = ("-O2",),
) -> Path:
    """Compile C++ that needs no library, such as an Arduino sketch, to an object file.

    Args:
        source: its name may end as it likes.
        output: where to write it; :func:`cortex_m4` takes it among its sources.
        include: folders of headers beside ``firmware/core``.
        flags: further ones.

    Raises:
        CompileError: the compiler refused.
        InputError: zig is not installed.
    """
    command = [
        *_zig(), *_ZIG_CORTEX_M4, *_SKETCH, *_FREESTANDING, *_for_zig(flags), "-c", "-x", "c++",
    ]  # fmt: skip
    return _build(command, [source], output, include, ())


def web_assembly(sources: Sequence[Path], output: Path, *, include: Sequence[Path] = ()) -> Path:
    """Compile sources into a WebAssembly module that imports nothing.

    Args:
        sources: C files; the functions that they export by name are the module's.
        output: where to write it.
        include: folders of headers beside ``firmware/core``.

    Raises:
        CompileError: the compiler refused.
        InputError: zig is not installed.
    """
    command = [*_zig(), *_ZIG_WASM, *STRICT, *_for_zig(("-O2",))]
    return _build(command, sources, output, [*include, EMULATOR / "include"], ())


@cache
def _zig() -> tuple[str, ...]:
    if importlib.util.find_spec("ziglang") is None:
        raise InputError("the compiler zig is missing; 'pip install ziglang' brings it")
    return (sys.executable, "-m", "ziglang", "cc")


def _for_zig(flags: Sequence[str]) -> list[str]:
    """Zig's driver takes -O1 and -O3 for -O2, and strips under -Os; its clang is told itself."""
    told = [
        ("-O2", "-Xclang", flag) if re.fullmatch("-O[13s]", flag) else (flag,) for flag in flags
    ]
    return [word for words in told for word in words]


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        package = "gcc-arm-none-eabi" if name.startswith("arm") else name
        raise InputError(f"the compiler {name} is missing; 'apt-get install {package}' brings it")
    return path


@cache
def _version(driver: tuple[str, ...]) -> str:
    run = subprocess.run([*driver, "--version"], capture_output=True, text=True, check=False)
    return run.stdout


def _build(
    command: Sequence[str],
    sources: Sequence[Path],
    output: Path,
    include: Sequence[Path],
    define: Sequence[str],
) -> Path:
    folders = [*include, CORE]
    kept = cache_folder("builds") / _key(command, sources, folders, define)
    with write_beside(output) as temporary:
        if not _copied(kept, temporary):
            linked = dict.fromkeys([*folders, *(path.parent for path in sources)])
            names = {place: f"place{number}" for number, place in enumerate(linked)}
            arguments = [
                *(f"-D{name}" for name in define),
                *(f"-I{names[place]}" for place in folders),
                *(f"{names[path.parent]}/{path.name}" for path in sources),
            ]
            with write_beside(kept) as copy, _workshop(names) as workshop:
                with full_disk_told(workshop, workshop):
                    _run([*command, *arguments, "-o", _BUILT], workshop)
                shutil.copyfile(workshop / _BUILT, copy)
                shutil.copyfile(copy, temporary)
            keep_newest(kept.parent, _KEPT_BUILDS)
    Path(output).chmod(0o755)
    return Path(output)


def _copied(kept: Path, output: Path) -> bool:
    """Copy a build and mark it as used, if it is there; another process may remove it any time."""
    try:
        shutil.copyfile(kept, output)
        os.utime(kept)
    except FileNotFoundError:
        return False
    return True


def _key(
    command: Sequence[str], sources: Sequence[Path], folders: Sequence[Path], define: Sequence[str]
) -> str:
    """Hash of compiler, flags, sources and all headers and linker scripts in reach."""
    driver = tuple(command[: command.index("cc") + 1] if "cc" in command else command[:1])
    headers = [path for folder in [*folders, EMULATOR] for path in sorted(folder.glob("*.[hl]*"))]
    flags = [word for word in command if not word.startswith("/")]
    files = [f"{path.name} {sha256_of_file(path)}" for path in [*sources, *headers]]
    return sha256_of_text(_version(driver), *flags, *define, *files)[:32]


def _run(command: Sequence[str], workshop: Path) -> None:
    try:
        done = interrupt.run(
            command, _TIMEOUT_S, cwd=workshop, env=os.environ | _ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"the compiler did not finish within {_TIMEOUT_S} s; "
            "take a smaller network, or try again on a machine that is less busy"
        ) from error
    if done.returncode:
        raise _failure(done.stderr)


@contextmanager
def _workshop(names: Mapping[Path, str]) -> Iterator[Path]:
    """A folder to compile in, in which all that the compiler is told of has a name of our own.

    Zig writes names into files of arguments and dependencies that it cannot read again where
    there is a % or a quote in them.

    Args:
        names: of the folders that are needed, in this one.
    """
    with tempfile.TemporaryDirectory(prefix="kws-") as created:
        workshop = Path(created)
        ours = [(EMULATOR, "emulator"), (cache_folder("zig"), "zig")]
        for place, name in [*names.items(), *ours]:
            (workshop / name).symlink_to(place.absolute())
        yield workshop


_OVERFLOW = re.compile(r"region [`']?(FLASH|RAM)'?:? overflowed by (\d+)")
"""As ld.lld and GNU ld put it."""


def _failure(message: str) -> Exception:
    """What went wrong, in one line."""
    found = sorted((region, int(size)) for region, size in _OVERFLOW.findall(message))
    excess = dict(found)  # the most of each region, which is told several times
    if excess:
        have = {"FLASH": NANO33BLE.flash, "RAM": NANO33BLE.ram}
        parts = [
            f"{excess[region]:,} bytes of {region.lower()} more than the {have[region]:,}"
            for region in excess
        ]
        return InputError(
            f"the program needs {' and '.join(parts)} of the {NANO33BLE.name}; "
            "take a smaller network"
        )
    lines = [line for line in message.splitlines() if "error" in line.lower()]
    return CompileError((lines or message.splitlines() or ["no message"])[0])
