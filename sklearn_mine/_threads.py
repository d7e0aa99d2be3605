"""How many threads the libraries below may use while critics are at work.

On small matrices a second thread of torch or of the linear algebra brings little on an
idle core and costs ten times as much on a busy one, and sums would depend on the number
of threads. Parallel work is spread over columns and folds instead.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_here = threading.local()
_process: dict[str, Any] = {"inside": 0, "torch": 1, "blas": None}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and BLAS use one thread, and restore the counts after.

    May be nested, and entered by several threads at a time.
    """
    if getattr(_here, "inside", False):
        yield
        return
    with _lock:
        first = _process["inside"] == 0
        if first:
            # Threads that come later would read the counts that are set here.
            _process["torch"] = torch.get_num_threads()
            _process["blas"] = _blas().limit(limits=1)
        _process["inside"] += 1
    blas = _process["blas"]
    try:
        _here.inside = True
        torch.set_num_threads(1)
        # BLAS counts for the process, so that one thread alone may set and restore it.
        with blas if first else contextlib.nullcontext():
            yield
    finally:
        torch.set_num_threads(_process["torch"])
        _here.inside = False
        with _lock:
            _process["inside"] -= 1
            if _process["inside"] == 0 and not first:
                # What limits it by itself, as k-means does, and was at work when the
                # first thread left, has put back the one that it found.
                with blas:
                    pass


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _in_forked_child() -> None:
    # It has none of its parent's threads, which torch would wait for without end.
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
