"""Fixtures that all tests share."""

import numpy as np
import pytest
import torch

from ._data import surroundings

# Two threads for tiny matrices are slower than one, and on busy cores far slower.
torch.set_num_threads(1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def untouched_surroundings():
    """No test may leave a trace in global random states or torch's thread count."""
    before = surroundings()
    yield
    assert surroundings() == before
