import pytest
import torch

from kwslib.features.threads import one_thread


def test_the_number_of_threads_is_one_inside_and_as_before_afterwards():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
