"""Where the taps of sparse convolutions meet the image."""

import numpy as np
from devices import tiny_conv
from sparse_layers import convolution

from kwslib.deploy.sparse_packing import Tap, planes_of, taps_of


def test_planes_of_tiny_conv():
    """20 outputs and four taps of a phase in a plane, two planes a row, three steps to spare."""
    planes = planes_of(tiny_conv().operators[0])
    assert (planes.values, planes.row_values) == (24, 48)
    assert (planes.window, planes.rows) == (2 * 48 * 10, 10 + 3 * 2)
    assert planes.size == 2 * 48 * 16


def test_room_is_no_larger_than_the_image_asks_for():
    assert planes_of(convolution((5, 9), (2, 3), (3, 1))).rows == 2  # no row is kept
    assert planes_of(convolution((5, 9), (4, 3), (3, 1))).rows == 4 + 3  # two rows of outputs


def test_a_tap_is_found_by_row_phase_channel_and_step():
    layer = convolution((6, 9), (3, 6), (1, 2), channels=3, outputs=2)
    layer.weights[:] = 0
    layer.weights[1, 2, 5, 1] = -7  # the third row; phase 1, step 2; the second channel
    layer.weights[1, 0, 2, 0] = 9  # phase 0, step 1: the second value of the first word
    planes = planes_of(layer)
    first = Tap(0, True, 9)
    second = Tap(2 * (2 * planes.row_values + (3 + 1) * planes.values + 2), False, -7)
    assert taps_of(layer, planes) == [[], [first, second]]
    assert first.words == (0, 4, 8)
    assert second.words == (second.at, second.at + 4)


def test_no_group_of_outputs_reads_beyond_a_plane():
    layer = convolution((9, 21), (3, 7), (2, 3), channels=2, outputs=1)
    planes = planes_of(layer)
    taps = taps_of(layer, planes)[0]
    assert len(taps) == np.count_nonzero(layer.weights)
    groups = -(-layer.output.shape[2] // 4)
    for tap in taps:
        plane = tap.at // (2 * planes.values)
        farthest = tap.words[-1] + 8 * (groups - 1)
        assert farthest + 2 < 2 * planes.values * (plane + 1)
