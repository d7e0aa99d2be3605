"""Fixtures that all tests share."""

import numpy as np
import pytest
import torch

# Two threads for tiny matrices are slower than one, and on busy cores far slower.
torch.set_num_threads(1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def untouched_surroundings():
    """No test may leave a trace in global random states or torch's thread count."""
    threads = torch.get_num_threads()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    yield
    assert torch.get_num_threads() == threads
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)
