"""One bar for whatever takes long."""

from tqdm.auto import tqdm

# What takes less shows no progress.
QUIET_SECONDS = 2.0


def progress(total, what, unit, *, shown=True, leave=True):
    """A bar with the time left, once there has been something to wait for.

    Parameters
    ----------
    total : int
    what, unit : str
        What is done, and what is counted.
    shown : bool or int
        Whether there is a bar at all.
    leave : bool
        Whether it stays when all is done.
    """
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        delay=QUIET_SECONDS,
        disable=not shown,
        leave=leave,
    )
