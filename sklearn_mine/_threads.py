"""How many threads the libraries below may use while critics are at work.

On small matrices a second thread of torch or of the linear algebra brings little on an
idle core and costs ten times as much on a busy one, and sums would depend on the number
of threads. Parallel work is spread over columns and folds instead.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

_here = threading.local()


class Shared:
    """A context of the whole process: the first thread enters it, the last leaves it.

    What belongs to the process (warnings' filters, thread counts of libraries) cannot
    be set and restored by each thread: one that leaves would restore it under another,
    and the other then restores what the first had set.

    Parameters
    ----------
    context : callable
        Makes the context.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self.context, self._lock = context, threading.Lock()
        self._n_inside, self._entered = 0, contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._entered.enter_context(self.context())
            self._n_inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._entered.close()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and BLAS use one thread, and restore the counts after.

    May be nested, and entered by several threads at a time.
    """
    if getattr(_here, "inside", False):
        yield
        return
    with _one_thread_of_the_process:
        try:
            _here.inside = True
            # Of torch each thread has its own count.
            torch.set_num_threads(1)
            yield
        finally:
            torch.set_num_threads(_before["torch"])
            _here.inside = False


@contextlib.contextmanager
def _one_blas_thread() -> Iterator[None]:
    # Threads that come later would read the count that the first has set.
    _before["torch"] = torch.get_num_threads()
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


_before = {"torch": 1}
_one_thread_of_the_process = Shared(_one_blas_thread)
