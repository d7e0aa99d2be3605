"""One bar for whatever takes long."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread
from typing import Any

from tqdm.auto import tqdm

# What takes less shows no progress; a bar that is shown is drawn anew so often.
QUIET_SECONDS, _TICK = 2.0, 1.0
_PERCENT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"

# The bar of the work at hand, and which part of it is being done, from and to.
_share: ContextVar["tuple[_Bar, float, float] | None"] = ContextVar(
    "share", default=None
)


class _Bar(tqdm):
    """A bar that also moves on while nothing is finished."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._closed = Event()
        super().__init__(*args, **kwargs)
        if not self.disable:
            # The thread does not keep a bar alive that nobody closes.
            arguments = weakref.ref(self), self._closed, self.delay
            Thread(target=_tick, args=arguments, daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        super().close()


def _tick(reference: Callable[[], _Bar | None], closed: Event, wait: float) -> None:
    while not closed.wait(wait):
        bar = reference()
        if bar is None:
            return
        with bar.get_lock():
            if closed.is_set():
                return
            # What was drawn has to be ended, or wiped, when the bar is closed.
            bar.last_print_t = bar._time()
            bar.refresh(nolock=True)
        del bar
        wait = _TICK


def progress(
    total: float, what: str, unit: str, *, shown: bool | int = True, **kwargs: Any
) -> _Bar:
    """A bar with the time left, once there has been something to wait for.

    Parameters
    ----------
    total : float
    what, unit : str
        What is done, and what is counted.
    shown : bool or int
        Whether there is a bar at all.
    """
    return _Bar(
        total=total,
        desc=what,
        unit=unit,
        delay=QUIET_SECONDS,
        disable=not shown,
        **kwargs,
    )


@contextmanager
def working(what: str, *, shown: bool | int) -> Iterator[None]:
    """A bar for work in parts, of which :func:`share` and :func:`reached` tell."""
    if not shown:
        # Nor is it told to the bar of a work that this one is called by.
        before = _share.set(None)
        try:
            yield
        finally:
            _share.reset(before)
        return
    with progress(1.0, what, "", bar_format=_PERCENT) as bar:
        before = _share.set((bar, 0.0, 1.0))
        try:
            yield
            reached(1.0)
        finally:
            _share.reset(before)


@contextmanager
def share(start: float, end: float) -> Iterator[None]:
    """Let what is done inside be this part of the work at hand, about, from 0 to 1."""
    at_hand = _share.get()
    if at_hand is None:
        yield
        return
    bar, low, high = at_hand
    width = high - low
    before = _share.set((bar, low + start * width, low + end * width))
    try:
        yield
        reached(1.0)
    finally:
        _share.reset(before)


def is_told() -> bool:
    """Whether somebody sees how far the work at hand is; in its own thread only."""
    return _share.get() is not None


def reached(part: float, status: str | None = None) -> None:
    """Say that so much of the share at hand is done."""
    at_hand = _share.get()
    if at_hand is None:
        return
    bar, low, high = at_hand
    if status is not None:
        bar.set_postfix_str(status, refresh=False)
    bar.update(max(0.0, low + part * (high - low) - bar.n))
