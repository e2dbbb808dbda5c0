"""The numbers of a small float, by the definition of its codes."""

import math

import numpy as np


def values_of(format):
    """All finite numbers, ascending, by the definition of a code, 0 once."""
    numbers = []
    for code in range(2 ** (format.bits - 1)):
        exponent, mantissa = divmod(code, 2**format.mantissa_bits)
        part = mantissa / 2**format.mantissa_bits + (exponent > 0)
        numbers.append(math.ldexp(part, max(exponent, 1) - format.bias))
    reserved = {"ieee": 2**format.mantissa_bits, "nan": 1, "none": 0}[format.specials]
    numbers = np.array(numbers[: len(numbers) - reserved])
    return np.concatenate([-numbers[:0:-1], numbers])
