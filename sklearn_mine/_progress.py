"""One bar for whatever takes long."""

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread

from tqdm.auto import tqdm

# What takes less shows no progress; a bar that is shown is drawn anew so often.
QUIET_SECONDS, _TICK = 2.0, 1.0
_PERCENT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"

# The bar of the work at hand, and which part of it is being done, from and to.
_share = ContextVar("share", default=None)


class _Bar(tqdm):
    """A bar that also moves on while nothing is finished."""

    def __init__(self, *args, **kwargs):
        self._closed = Event()
        super().__init__(*args, **kwargs)
        if not self.disable:
            Thread(target=self._tick, daemon=True).start()

    def _tick(self):
        wait = self.delay
        while not self._closed.wait(wait):
            self.refresh()
            wait = _TICK

    def close(self):
        self._closed.set()
        super().close()


def progress(total, what, unit, *, shown=True, leave=True, **kwargs):
    """A bar with the time left, once there has been something to wait for.

    Parameters
    ----------
    total : float
    what, unit : str
        What is done, and what is counted.
    shown : bool or int
        Whether there is a bar at all.
    leave : bool
        Whether it stays when all is done.
    """
    return _Bar(
        total=total,
        desc=what,
        unit=unit,
        delay=QUIET_SECONDS,
        disable=not shown,
        leave=leave,
        **kwargs,
    )


@contextmanager
def working(what, *, shown):
    """A bar for work in parts, of which :func:`share` and :func:`reached` tell."""
    if not shown:
        yield
        return
    with progress(1.0, what, "", bar_format=_PERCENT) as bar:
        before = _share.set((bar, 0.0, 1.0))
        try:
            yield
            reached(1.0)
        finally:
            _share.reset(before)


@contextmanager
def share(start, end):
    """Let what is done inside be this part of the work at hand, about, from 0 to 1."""
    if _share.get() is None:
        yield
        return
    bar, low, high = _share.get()
    width = high - low
    before = _share.set((bar, low + start * width, low + end * width))
    try:
        yield
        reached(1.0)
    finally:
        _share.reset(before)


def is_told():
    """Whether somebody sees how far the work at hand is; in its own thread only."""
    return _share.get() is not None


def reached(part, status=None):
    """Say that so much of the share at hand is done."""
    if _share.get() is None:
        return
    bar, low, high = _share.get()
    if status is not None:
        bar.set_postfix_str(status, refresh=False)
    bar.update(max(0.0, low + part * (high - low) - bar.n))
