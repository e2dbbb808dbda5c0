"""The C array is the file."""

import subprocess

import pytest
from installed import needs

from kwslib.deploy.export import write_c_array
from kwslib.models.checkpoint import PUBLISHED

MAIN = """
#include <cstdio>
#include "model.h"
int main() { return fwrite(g_model, 1, g_model_len, stdout) != (size_t)g_model_len; }
"""


@pytest.mark.parametrize("name", ["model", "3-é model"])
def test_the_array_compiles_to_the_bytes_of_the_file(tmp_path, name):
    needs("g++")
    data = (PUBLISHED / "tiny_conv-yes_no.tflite").read_bytes()
    source, header = write_c_array(data, tmp_path / f"{name}.cc")
    assert "resolver.AddFullyConnected();" in header.read_text()
    (tmp_path / "main.cc").write_text(MAIN.replace("model.h", header.name))
    command = [
        "g++",
        "-std=c++11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-o",
        tmp_path / "main",
        tmp_path / "main.cc",
        source,
    ]
    subprocess.run(command, check=True, timeout=60)
    run = subprocess.run([tmp_path / "main"], capture_output=True, check=True, timeout=60)
    assert run.stdout == data
