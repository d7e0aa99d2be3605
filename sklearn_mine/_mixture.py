"""A mixture of Gaussians as a start.

The density of a mixture on (x, y) and those of its marginals give a critic in closed
form. Where a dependence comes in pieces (clusters, arms, waves, outliers) it is found
by expectation-maximisation in a second, and by gradient in a hundred passes or not at
all.
"""

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import ThreadpoolController

from ._typing import Floats, Ints
from .datasets import Component

# Coordinates of each side that a mixture is of.
MAX_MIXED = 32
# Numbers of components that are tried, on so many rows and steps; the best is then
# fitted to all rows.
_LADDER = (2, 4, 8, 16, 32)
_TRIAL_ROWS, _TRIAL_STEPS, _STEPS, _N_INIT = 2500, 30, 100, 3
# Nats by which a mixture has to beat other starts.
_GAIN = 0.01
# The ladder ends after two steps in a row that lead down by more than the first, in
# nats, or one by more than the second.
_LOSS, _GREAT_LOSS = 0.005, 0.1
# Least variance of a component, where that of all rows is 1.
_LEAST_VARIANCE = 1e-4
# Rows that judge, and product pairs of each.
_JUDGED_ROWS, _SHIFTS = 1000, 16

_lock, _filters = threading.Lock(), contextlib.ExitStack()
_quiet = {"inside": 0}

# A log-density ratio of rows, of x's and of y's numbers.
Ratio = Callable[[Ints, Ints], Floats]


@dataclass(frozen=True)
class Mixture:
    """Components of a mixture on (u, v), the first `n_x` columns being u's."""

    weights: Floats
    means: Floats
    covariances: Floats
    n_x: int

    @property
    def n_y(self) -> int:
        return self.means.shape[1] - self.n_x

    @cached_property
    def _components(self) -> list[Component]:
        return list(map(Component, self.means, self.covariances))

    def log_density(self, values: Floats, columns: slice) -> Floats:
        """Weighted log-densities of each component of some columns, (C, n)."""
        densities = [c.log_density(values, columns) for c in self._components]
        return np.log(self.weights + 1e-300)[:, None] + densities

    def ratio(self, u: Floats, v: Floats) -> Floats:
        """The log-density ratio of pairs, (n,)."""
        of_x, of_y = slice(0, self.n_x), slice(self.n_x, None)
        both = np.concatenate([u, v], axis=1)
        joint, left, right = (
            logsumexp(self.log_density(values, columns), axis=0)
            for values, columns in ((both, slice(None)), (u, of_x), (v, of_y))
        )
        return joint - left - right

    def among(self, n_x: int, n_y: int) -> "Mixture":
        """The same with further coordinates after its own, which tell nothing."""
        if (n_x, n_y) == (self.n_x, self.n_y):
            return self
        size = n_x + n_y
        own = np.append(np.arange(self.n_x), n_x + np.arange(self.n_y))
        means = np.zeros((len(self.weights), size))
        means[:, own] = self.means
        covariances = np.tile(np.eye(size), (len(self.weights), 1, 1))
        covariances[:, own[:, None], own] = self.covariances
        return Mixture(self.weights, means, covariances, n_x)


@contextlib.contextmanager
def quiet_fits() -> Iterator[None]:
    """What fits of mixtures take place in, those in threads of this one as well.

    Steps that end early are no fault here. Filters of warnings belong to the process:
    the first thread sets them, the last restores them. Of OpenMP each thread has its
    own count, and that of BLAS is one already.
    """
    with ThreadpoolController().select(user_api="openmp").limit(limits=1):
        with _lock:
            if _quiet["inside"] == 0:
                _filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", ConvergenceWarning)
            _quiet["inside"] += 1
        try:
            yield
        finally:
            with _lock:
                _quiet["inside"] -= 1
                if _quiet["inside"] == 0:
                    _filters.close()


def mixture_start(
    u: Floats, v: Floats, rows: Ints, bound: "PairBound", least: float, *, seed: int
) -> Mixture | None:
    """The mixture that shows most on validation rows, if more than other starts.

    Parameters
    ----------
    u, v : ndarray of shape (n, p), (n, q)
        Coordinates, at most `MAX_MIXED` of each side.
    rows : ndarray of shape (m,)
        Those to fit.
    bound : PairBound
        Of validation rows.
    least : float
        What other starts reach.
    seed : int

    Returns
    -------
    mixture : Mixture or None
    """
    both = np.concatenate([u[rows], v[rows]], axis=1)

    def reached(mixture: Mixture) -> float:
        return bound(lambda i, j: mixture.ratio(u[i], v[j]))

    def fit(n_components: int, rows: Floats, n_steps: int, n_init: int = 1) -> Mixture:
        return _fit(rows, n_components, n_steps, n_init, u.shape[1], seed)

    # A single Gaussian is no mixture, and not what is sought.
    least = max(least, reached(fit(1, both, 1)))
    best, chosen, worse = -np.inf, None, 0
    for n_components in _LADDER:
        if n_components * (both.shape[1] + 1) > min(len(both), _TRIAL_ROWS):
            break
        value = reached(fit(n_components, both[:_TRIAL_ROWS], _TRIAL_STEPS))
        worse = worse + 1 if value < best - _LOSS else 0
        if worse == 2 or value < best - _GREAT_LOSS:
            break
        if value > best:
            best, chosen = value, n_components
    if chosen is None or best < least:
        return None
    mixtures = [
        fit(n, both, _STEPS, _N_INIT) for n in (chosen, 2 * chosen) if n <= max(_LADDER)
    ]
    values = list(map(reached, mixtures))
    if max(values) < least + _GAIN:
        return None
    return mixtures[int(np.argmax(values))]


def _fit(
    rows: Floats, n_components: int, n_steps: int, n_init: int, n_x: int, seed: int
) -> Mixture:
    model = GaussianMixture(
        n_components,
        reg_covar=_LEAST_VARIANCE,
        max_iter=n_steps,
        n_init=n_init,
        random_state=seed,
    )
    model.fit(rows)
    return Mixture(model.weights_, model.means_, model.covariances_, n_x)


class PairBound:
    """The bound of normalised critics on fixed pairs of rows.

    Parameters
    ----------
    rows : ndarray of shape (m,)
    """

    def __init__(self, rows: Ints) -> None:
        rows = rows[:_JUDGED_ROWS]
        n = len(rows)
        shifts = np.arange(1, 1 + min(_SHIFTS, n - 1)) * max(1, (n - 1) // _SHIFTS)
        others = (np.arange(n) + shifts[:, None]) % n
        self.joint = rows, rows
        self.product = np.tile(rows, len(shifts)), rows[others.ravel()]

    def __call__(self, ratio: Ratio) -> float:
        """The bound of a critic that takes the numbers of rows, of x's and of y's."""
        product = ratio(*self.product)
        log_z = logsumexp(product) - np.log(len(product))
        return ratio(*self.joint).mean() - log_z
