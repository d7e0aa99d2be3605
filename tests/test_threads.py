"""Thread counts are one inside, and afterwards what they were."""

import contextlib
import functools
import threading

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_mine import mine_score
from sklearn_mine._threads import one_thread


def _counts():
    blas = [
        pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
    ]
    return [torch.get_num_threads(), *blas]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_counts_are_restored_by_the_outermost_and_after_errors():
    outside = _counts()
    with pytest.raises(RuntimeError, match="boom"), one_thread():
        with one_thread():
            assert set(_counts()) == {1}
        assert set(_counts()) == {1}
        raise RuntimeError("boom")
    assert _counts() == outside


@contextlib.contextmanager
def _another_thread_still_inside(also=contextlib.nullcontext):
    """This thread is done with `one_thread`; another one is not, until the end."""
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with one_thread(), also():
            entered.set()
            leave.wait(10.0)

    other = threading.Thread(target=stay)
    with one_thread():
        other.start()
        entered.wait(10.0)
    yield
    leave.set()
    other.join()


@pytest.mark.usefixtures("two_threads")
def test_counts_are_restored_whichever_thread_leaves_first():
    outside = _counts()
    with _another_thread_still_inside():
        assert torch.get_num_threads() == 2
    assert _counts() == outside
    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [2]


@pytest.mark.usefixtures("two_threads")
def test_counts_are_restored_though_others_restore_what_they_found_inside():
    limits = threadpool_limits(2, user_api="blas")
    try:
        outside = _counts()
        # As scikit-learn's k-means does.
        one_blas_thread = functools.partial(threadpool_limits, 1, user_api="blas")
        with _another_thread_still_inside(one_blas_thread):
            pass
        assert _counts() == outside
    finally:
        with limits:
            pass


@pytest.mark.usefixtures("two_threads")
def test_calls_in_two_threads_leave_the_counts_alone():
    outside = _counts()
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 20)), rng.normal(size=200)
    threads = [
        threading.Thread(target=mine_score, args=(X, y), kwargs={"random_state": i})
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _counts() == outside
