"""Directions across two columns, for what functions of each cannot tell.

Noise of bounded size added to a column leaves an edge that runs across both columns,
where a density ratio falls to zero at once. Products of smooth functions of either
column follow such an edge badly, and a function of the right combination of both
follows it well. The direction is the one in which joint pairs differ most from what
a critic expects of them (projection pursuit; Friedman and Stuetzle, 1981).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import chi2

from ._typing import Floats, Ints

# Half waves along a direction, and how elaborate the first of them is.
_N_WAVES, _WAVE_ORDER = 64, 5.0
# Angles that are tried, and times that the steps around the best are halved.
_N_ANGLES, _N_HALVINGS = 48, 5
# Bins of a direction, rows in one of them at least, and slots that bins are made of.
_N_BINS, _ROWS_IN_BIN, _N_SLOTS = 64, 20.0, 2048
# Chance of a direction being taken where none differs, and nats that it has to tell.
_ALPHA, _WORTH = 1e-3, 0.003
# Units are cut off this many times the width of the central nine tenths away.
_FARTHEST = 2.0


def level_units(values: NDArray[Any], codes: Ints) -> Floats | None:
    """Positions of a column's levels in units of its own, (L,), or None.

    Parameters
    ----------
    values : ndarray of shape (n,)
        A column of numbers.
    codes : ndarray of shape (n,)
        The level of each row.
    """
    if values.dtype == object or not np.isfinite(values).all():
        return None
    largest = np.abs(values).max()
    scaled = values / largest if largest > 0.0 else values
    low, middle, high = np.quantile(scaled, [0.05, 0.5, 0.95])
    if not high > low:
        return None
    with np.errstate(over="ignore"):
        scaled = np.clip((scaled - middle) / (high - low), -_FARTHEST, _FARTHEST)
    return np.bincount(codes, scaled) / np.bincount(codes)


def striking_direction(
    x: Floats, y: Floats, joint: Floats, expected: Floats, n: float
) -> Floats | None:
    """Places of the cells along the direction that differs most, or None.

    Parameters
    ----------
    x, y : ndarray of shape (L,), (M,)
        Positions of the levels.
    joint : ndarray of shape (L, M)
        Shares of the joint pairs.
    expected : ndarray of shape (L, M)
        Shares that a critic expects.
    n : int
        Joint pairs.

    Returns
    -------
    places : ndarray of shape (L, M) or None
        None where no direction differs by much more than chance.
    """
    joint, expected = joint.ravel(), expected.ravel()
    n_bins = int(min(_N_BINS, n / _ROWS_IN_BIN))
    if n_bins < 2:
        return None

    def along(angle: float) -> Floats:
        return (np.cos(angle) * x[:, None] + np.sin(angle) * y).ravel()

    def divergence(angle: float) -> float:
        places = along(angle)
        low, high = places.min(), places.max()
        slots = ((_N_SLOTS - 1e-6) / (high - low) * (places - low)).astype(int)
        seen = np.bincount(slots, joint, _N_SLOTS)
        told = np.bincount(slots, expected, _N_SLOTS)
        bins = (n_bins * (np.cumsum(told) - 0.5 * told)).astype(int)
        bins = np.minimum(bins, n_bins - 1)
        told = np.bincount(bins, told, n_bins)
        return rel_entr(np.bincount(bins, seen, n_bins), np.maximum(told, 1e-12)).sum()

    step = np.pi / _N_ANGLES
    best = max(step * (np.arange(_N_ANGLES) + 0.5), key=divergence)
    for _ in range(_N_HALVINGS):
        step *= 0.5
        best = max((best, best - step, best + step), key=divergence)
    told, by_chance = divergence(best), (n_bins - 1) / (2.0 * n)
    chance = chi2.sf(2.0 * n * told, n_bins - 1) * (_N_ANGLES + 2 * _N_HALVINGS)
    if chance > _ALPHA or told < by_chance + _WORTH:
        return None
    return along(best).reshape(len(x), len(y))


def waves_along(places: Floats, product: Floats) -> tuple[Floats, Floats]:
    """Half waves along the ranks of cells.

    Parameters
    ----------
    places : ndarray of shape (L, M)
    product : ndarray of shape (L, M)
        Shares of the product pairs, by which cells are ranked.

    Returns
    -------
    waves : ndarray of shape (w, L, M)
    order : ndarray of shape (w,)
        How elaborate each is.
    """
    by_place = np.argsort(places, axis=None, kind="stable")
    share = product.ravel()[by_place]
    ranks = np.empty(len(share))
    ranks[by_place] = np.cumsum(share) - 0.5 * share
    frequency = np.arange(1.0, 1 + _N_WAVES)
    waves = np.cos(np.pi * frequency[:, None] * ranks)
    return waves.reshape(-1, *places.shape), _WAVE_ORDER * frequency
