"""C under gcc's address and undefined-behaviour sanitizers."""

import subprocess

from kwslib.deploy.toolchain import CORE, STRICT


def sanitized_program(sources, output, include=(), define=()):
    """Compile sources with a ``main`` into ``output``, which ends where a sanitizer finds fault."""
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
    flags += [f"-D{name}" for name in define] + [f"-I{folder}" for folder in (*include, CORE)]
    subprocess.run(["gcc", *STRICT, *flags, *sources, "-o", output], check=True, timeout=300)
    return output
