"""Fixtures that all tests share."""

import numpy as np
import pytest
import torch

from ._data import surroundings

# Two threads for tiny matrices are slower than one, and on busy cores far slower.
torch.set_num_threads(1)


# scikit-learn's checks draw from numpy's global state themselves.
_DRAWN_BY_SCIKIT_LEARN = (
    "test_scikit_learn_check",
    "test_every_check_of_the_defaults_passes",
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def untouched_surroundings(request):
    """No test may leave a trace in global random states or torch's thread count."""
    if getattr(request.node, "originalname", None) in _DRAWN_BY_SCIKIT_LEARN:
        yield
        return
    before = surroundings()
    yield
    assert surroundings() == before
