"""Altered copies of files, the same in each run, and a process that reads them within bounds.

A reader stands at the top level of a test's file and takes the path of an altered copy. It may
refuse it by one true line, an InputError that names the path. It may not raise anything else, need
:data:`LONGEST_S` of processor time or a gigabyte more memory than the idle process, or hang.
"""

import faulthandler
import importlib.util
import random
import resource
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

from kwslib.errors import InputError

LONGEST_S = 10
MOST_BYTES = 2**30
_HANGS_AFTER_S = 60  # by the clock: the machine may be busy with other things
_ENDS = 400
_BLOCK = 64
_EXTREMES = [
    *(bytes([value]) * count for value in (0, 0xFF) for count in (1, 2, 4, 8)),
    *(number.to_bytes(4, order) for number in (2**31 - 1, 2**31, 1) for order in ("little", "big")),
]


def altered(data, rng, other):
    """``data`` with one to four alterations, some of which take a part of ``other``."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_ALTERATIONS)(content, rng, other)
    return bytes(content)


def _place(content, rng):
    """A place in the file; headers stand at its beginning, and tables at its end."""
    near = rng.randrange(_ENDS)
    return rng.choice((near, len(content) - near, rng.randrange(len(content) + 1))) % (
        len(content) or 1
    )


def _truncate(content, rng, other):
    del content[_place(content, rng) :]


def _empty(content, rng, other):
    """Of each file a few copies have no bytes at all, or none but a few."""
    if rng.random() < 0.2:
        del content[rng.randrange(8) :]


def _flip(content, rng, other):
    for _ in range(rng.choice((1, 1, 2, 8)) if content else 0):
        content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _overwrite(content, rng, other):
    extreme, at = rng.choice(_EXTREMES), _place(content, rng)
    content[at : at + len(extreme)] = extreme


def _step(content, rng, other):
    """A number one higher or lower."""
    if content:
        at = _place(content, rng)
        content[at] = (content[at] + rng.choice((-1, 1))) % 256


def _swap(content, rng, other):
    """Two words, such as lengths or offsets, each in the place of the other."""
    first, second = (_place(content, rng) // 4 * 4 for _ in range(2))
    if max(first, second) + 4 <= len(content):
        held = content[first : first + 4]
        content[first : first + 4] = content[second : second + 4]
        content[second : second + 4] = held


def _insert(content, rng, other):
    at = _place(content, rng)
    content[at:at] = rng.randbytes(rng.randint(1, _BLOCK))


def _remove(content, rng, other):
    at = _place(content, rng)
    del content[at : at + rng.randint(1, _BLOCK)]


def _duplicate(content, rng, other):
    at, length = _place(content, rng), rng.choice((1, 4, _BLOCK, len(content)))
    content[at:at] = content[at : at + length]


def _splice(content, rng, other):
    """The end of another file behind the beginning of this one, or a block of it within."""
    at, taken = _place(content, rng), _place(other, rng)
    if rng.random() < 0.3:
        content[at:] = other[taken:]
    else:
        content[at : at + _BLOCK] = other[taken : taken + _BLOCK]


_ALTERATIONS = (
    _truncate, _empty, _flip, _overwrite, _step, _swap, _insert, _remove, _duplicate, _splice,
    _flip, _overwrite, _step,
)  # fmt: skip


def check_altered(reader, folder, count, seed=0):
    """Have ``reader`` read altered copies of the files of a folder, in a process of its own.

    Args:
        reader: a function at the top level of a test's file.
        folder: of intact files, each of which the reader takes.
        count: of copies of all files together.
        seed: of the alterations.
    """
    command = [
        sys.executable, __file__, reader.__code__.co_filename, reader.__name__,
        str(folder), str(count), str(seed),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, ""), f"{run.stdout[-8000:]}\n{run.stderr[-4000:]}"


def _function(file, name):
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def _complaint(reader, path):
    """What is wrong with how a file was read; empty if nothing is."""
    start = time.process_time()
    try:
        reader(path)
    except InputError as error:
        cause = error
        while cause:
            if isinstance(cause, MemoryError):
                return f"more than {MOST_BYTES:,} bytes\n{traceback.format_exc()}"
            cause = cause.__cause__ or cause.__context__
        if str(path) not in str(error):
            return f"does not name the file: {error}"
    except BaseException:
        return traceback.format_exc()
    seconds = time.process_time() - start
    return f"took {seconds:.1f} s" if seconds > LONGEST_S else ""


def main(file, name, folder, count, seed):
    """Read intact files, then altered ones, and print what is wrong."""
    sys.path.insert(0, str(Path(__file__).parent))
    reader = _function(file, name)
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    contents = [path.read_bytes() for path in paths]
    for path in paths:
        reader(path)
    idle = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (idle + MOST_BYTES,) * 2)
    warnings.simplefilter("error")  # or a refusal would have more than one line
    copies = Path(folder) / "altered"
    copies.mkdir(exist_ok=True)
    for number in range(int(count)):
        rng = random.Random(f"{seed} {number}")
        path = copies / f"{number}-{paths[number % len(paths)].name}"
        content = altered(contents[number % len(paths)], rng, rng.choice(contents))
        path.write_bytes(content)
        faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True)
        print(path, file=sys.stderr)  # whose end is shown if this process dies
        if complaint := _complaint(reader, path):
            print(f"{path}: {complaint}")
            continue  # the copy stays, to be looked at
        path.unlink(missing_ok=True)
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
