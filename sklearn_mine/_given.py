"""Conditional information I(X; Y | Z), and whether there is any.

By the chain rule it is I(X, Z; Y) - I(Z; Y): two critics of one kind, on the same
folds, whose held-out bounds are subtracted row by row. What both fail to find cancels,
and so does most of the sampling error. The difference of two lower bounds is no bound.

The test regresses features of x and of y on features of z. Under conditional
independence the products of what is left over have mean zero given z, also times any
function of z, so their mean squared is a weighted sum of chi-squares. Errors of the two
regressions enter only multiplied with each other.

References
----------
Shah and Peters (2020), "The hardness of conditional independence testing and the
generalised covariance measure".
Strobl, Zhang and Visweswaran (2019), "Approximate kernel-based conditional independence
tests for fast non-parametric causal discovery".
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import _null
from ._crossfit import CrossFit, cross_fit, n_repeats
from ._params import Settings
from ._progress import share
from ._typing import Floats, Folds, History, Ints

# Random units of z to regress on, rows for each of them, and their range of scales.
_MAX_UNITS, _ROWS_PER_UNIT, _SCALES = 400, 2, (0.7, 4.0)
# Columns of z themselves are held back this much less than units of them.
_PLAIN = 5.0
_RIDGES = np.geomspace(0.1, 1000.0, 9)
# Functions of z that what is left of x is multiplied with: coordinates, and units.
_MAX_COORDINATES, _N_FACTORS = 12, 12
# Products of features whose covariance is worked out in full at most, and rows that
# the test reads at most.
_MAX_PRODUCTS, _MAX_ROWS = 1500, 100_000
_ROWS_AT_ONCE = 8192
# Prior variance of what the strongest product tells, in sampling variances.
_PRIORS = np.array([1.0, 10.0, 100.0])


@dataclass
class GivenFit:
    """Critics of ((x, z), y) and of (z, y), as one fit of x and y given z.

    Attributes
    ----------
    both, given : CrossFit
    n_given : int
        Encoded columns of z; they come last.
    std_error : float
        Of the difference, from the rows' influence on both.
    """

    both: CrossFit
    given: CrossFit
    n_given: int
    std_error: float

    @property
    def corrected(self) -> float:
        return self.both.corrected - self.given.corrected

    @property
    def held_out_bound(self) -> float:
        return self.both.held_out_bound - self.given.held_out_bound

    @property
    def history(self) -> History:
        """Of both, one after the other; `critics` says whose a pass is."""
        return [
            {"critics": name, **record}
            for name in ("given", "both")
            for record in getattr(self, name).history
        ]

    @property
    def n_iter(self) -> Ints:
        return self.both.n_iter

    @property
    def solver(self) -> str:
        return self.both.solver

    @property
    def leans_on_start(self) -> bool:
        return self.both.leans_on_start or self.given.leans_on_start

    def pointwise(self, x: Floats, y: Floats) -> Floats:
        """ln p(x, y | z) / p(x | z)p(y | z) of rows whose x ends with z, (n,)."""
        z = x[:, -self.n_given :]
        return self.both.pointwise(x, y) - self.given.pointwise(z, y)


class GivenFitter:
    """Fits any x against one y, given one z, on the same folds.

    Parameters
    ----------
    y, z : ndarray of shape (n, dy), (n, dz)
        Encoded.
    folds, settings, options
        See :func:`cross_fit`.
    seed : int
    """

    def __init__(
        self,
        y: Floats,
        z: Floats,
        folds: Folds,
        settings: Settings,
        *,
        seed: int,
        **options: Any,
    ) -> None:
        self.y, self.z, self.folds = y, z, folds
        self.settings, self.seed, self.options = settings, seed, options
        self._alone: CrossFit | None = None

    def fit(self, x: Floats) -> GivenFit:
        """Fit x, (n, dx).

        Returns
        -------
        fit : GivenFit
        """
        with share(0.0, 0.6):
            both = self._cross_fit(np.column_stack([x, self.z]))
        with share(0.6, 1.0):
            given = self.alone()
        assert both.influence is not None and given.influence is not None
        difference = both.influence - given.influence
        difference = difference[~np.isnan(difference)]
        n_apart = len(difference) / n_repeats(self.folds)
        error = float(difference.std(ddof=1) / np.sqrt(n_apart))
        both, given = (replace(fit, influence=None) for fit in (both, given))
        return GivenFit(both, given, self.z.shape[1], error)

    def alone(self) -> CrossFit:
        """The fit of z alone, which is made once."""
        if self._alone is None:
            self._alone = self._cross_fit(self.z)
        return self._alone

    def _cross_fit(self, side: Floats) -> CrossFit:
        rng = np.random.default_rng([self.seed, 3])
        return cross_fit(
            side, self.y, self.folds, self.settings, rng=rng, **self.options
        )


def information(x: Floats, y: Floats, seed: int) -> float:
    """About how much x tells about y where that is little, in nats.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)
        Encoded.
    seed : int
    """
    rng = np.random.default_rng([seed, 1])
    ones = np.ones(len(x))
    sides = [_null.test_features(side, ones, rng)[0] for side in (x, y)]
    return _second_order(*sides)[0]


class ConditionalTest:
    """Tests whether x tells about y what z does not, for one y and z and any x.

    Parameters
    ----------
    y, z : ndarray of shape (n, dy), (n, dz)
        Encoded.
    seed : int
    """

    def __init__(self, y: Floats, z: Floats, seed: int) -> None:
        self.seed = seed
        rng = self._rng("rows")
        self.rows: slice | Ints = slice(None)
        if len(y) > _MAX_ROWS:
            self.rows = np.sort(rng.choice(len(y), _MAX_ROWS, replace=False))
        self.y, self.z = y[self.rows], _standardised(z[self.rows])
        n = len(self.y)
        n_units = min(_MAX_UNITS, max(5, n // _ROWS_PER_UNIT))
        self.n_projected_units = max(1, n_units // 3)
        self.units = _units(self.z, n_units, self._rng("units"))
        plain, n_plain = self._features(self.z, "z")
        self.coordinates = self._projected(plain[:, :n_plain], _MAX_COORDINATES)
        self.factors = _units(self.z, _N_FACTORS, self._rng("factors"))
        self.y_left = self._left(self.y, "y")[0]

    def p_value(self, x: Floats) -> float:
        """Of the hypothesis that x and y are independent given z.

        Parameters
        ----------
        x : ndarray of shape (n, dx)
            Encoded.
        """
        return self._p_value(x[self.rows], self._x_left(x[self.rows]))

    def information(self, x: Floats) -> tuple[float, float]:
        """About how much x tells given z where that is little, as :meth:`look` does.

        Returns
        -------
        information, std_error : float
            In nats.
        """
        return _second_order(self._x_left(x[self.rows]), self.y_left)

    def look(self, x: Floats) -> tuple[float, float, float]:
        """The same, and about how much x tells given z where that is little.

        To second order the bound of a critic of the features' products is their
        covariance, squared; each row is left out of what it is scored by.

        Returns
        -------
        p_value, information, std_error : float
            The latter two in nats.
        """
        x = x[self.rows]
        left = self._x_left(x)
        information, error = _second_order(left, self.y_left)
        return self._p_value(x, left), information, error

    def _x_left(self, x: Floats) -> Floats:
        """What is left of x, also times functions of z, (n, A)."""
        left, n_plain = self._left(x, "x")
        products = left[:, :n_plain, None] * self.coordinates[:, None]
        products = self._projected(products.reshape(len(x), -1), 2 * _MAX_COORDINATES)
        of_units = left[:, n_plain : n_plain + _N_FACTORS]
        of_units = of_units * self.factors[:, : of_units.shape[1]]
        return _centred(np.column_stack([left, products, of_units]))

    def _p_value(self, x: Floats, left: Floats) -> float:
        margins = [np.bincount(_null.distinct(side)[1]) for side in (x, self.y)]
        if _null.needs_permutations(*margins):
            every = np.arange(len(x))
            return _null.permutation_p_value(
                left, every, self.y_left, every, self._rng("permutations")
            )
        observed = _null.row_statistic(left, self.y_left)
        weights = _product_scales(left, self.y_left)
        return float(_null.chi_square_sum_sf(np.array([observed]), weights)[0])

    def _features(self, side: Floats, name: str) -> tuple[Floats, int]:
        """Features of encoded rows, and how many of them, the first, are linear.

        Squares are left out: they cost power here, where products with z are many.
        """
        rng = self._rng(f"features of {name}")
        features, width = _null.test_features(side, np.ones(len(side)), rng)
        return features[:, : width + _null.N_UNITS], width

    def _projected(self, columns: Floats, n_most: int) -> Floats:
        """Random sums of columns, where there are too many."""
        if columns.shape[1] <= n_most:
            return columns
        drawn = self._rng("sums").normal(size=(columns.shape[1], n_most))
        return columns @ (drawn / np.sqrt(len(drawn)))

    def _left(self, side: Floats, name: str) -> tuple[Floats, int]:
        """Features of one side less what z tells of them, and how many are linear."""
        features, n_plain = self._features(side, name)
        basis = [_PLAIN * self.z, self.units]
        # What z tells of the side itself, and units of that: many columns of z often
        # matter through a few sums alone.
        told = features[:, :n_plain]
        told = told - _residuals(self.z, told)
        told = _standardised(told[:, told.std(axis=0) > 1e-3])
        if told.shape[1]:
            units = _units(told, self.n_projected_units, self._rng("units of sums"))
            basis += [told, units]
        left = _residuals(_centred(np.column_stack(basis)), features)
        return _centred(left), n_plain

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose.encode()])


def _units(z: Floats, n_units: int, rng: np.random.Generator) -> Floats:
    """Random bounded functions of standardised columns, of several scales, (n, m)."""
    weights = rng.normal(size=(z.shape[1], n_units)) / np.sqrt(z.shape[1])
    offsets = rng.normal(size=n_units)
    return np.tanh(np.geomspace(*_SCALES, n_units) * (z @ weights + offsets))


def _centred(features: Floats) -> Floats:
    return features - features.mean(axis=0)


def _standardised(columns: Floats) -> Floats:
    """Columns of zero mean and unit variance; those of none are left out."""
    columns = _centred(columns)
    spread = columns.std(axis=0)
    return columns[:, spread > 1e-9] / spread[spread > 1e-9]


def _residuals(basis: Floats, features: Floats) -> Floats:
    """What a ridge regression on the basis leaves of each feature, (n, A).

    Each has the ridge that predicts it best where every row is left out in turn.
    """
    n = len(basis)
    scales, axes = np.linalg.eigh(basis.T @ basis / n)
    real = scales > 1e-10 * scales[-1]
    scales = scales[real]
    orthonormal = basis @ (axes[:, real] / np.sqrt(scales * n))
    squared, loads = orthonormal**2, orthonormal.T @ features
    best = np.full(features.shape[1], np.inf)
    left = features
    for ridge in _RIDGES:
        kept = scales / (scales + ridge / n)
        residuals = features - orthonormal @ (kept[:, None] * loads)
        own = np.minimum(squared @ kept, 0.999)
        errors = ((residuals / (1.0 - own)[:, None]) ** 2).mean(axis=0)
        left = np.where(errors < best, residuals, left)
        best = np.minimum(best, errors)
    return left


def _second_order(u: Floats, v: Floats) -> tuple[float, float]:
    """Held-out bound of products of features, and its standard error, in nats.

    A product weighs less the less both features vary, as far as the evidence of all
    of them says.
    """
    n = len(u)
    (u, u_scales), (v, v_scales) = _principal(u), _principal(v)
    covariance, squares = u.T @ v / n, (u**2).T @ v**2 / n
    prior = np.outer(u_scales, v_scales) / (u_scales[0] * v_scales[0])
    found = n * covariance**2 / np.maximum(squares, 1e-12)
    spreads = 1.0 + np.multiply.outer(_PRIORS, prior)
    evidence = -0.5 * (np.log(spreads) + found / spreads).sum(axis=(1, 2))
    kept = 1.0 - 1.0 / spreads[evidence.argmax()]
    linear = kept * (n * covariance**2 - squares) / (n - 1.0)
    others = (n * (n - 2.0) * covariance**2 + squares) / (n - 1.0) ** 2
    bound = float((linear - 0.5 * kept**2 * others).sum())
    influence = ((u @ ((2.0 * kept - kept**2) * covariance)) * v).sum(axis=1)
    variance = influence.var() / n + 2.0 * ((kept * squares) ** 2).sum() / n**2
    return bound, float(np.sqrt(variance))


def _principal(features: Floats) -> tuple[Floats, Floats]:
    """Uncorrelated features of unit variance, and how much of all each was."""
    scales, axes = np.linalg.eigh(features.T @ features / len(features))
    real = scales > 1e-6 * max(scales[-1], 1e-300)
    if not real.any():
        return np.zeros((len(features), 1)), np.ones(1)
    scales, axes = scales[real][::-1], axes[:, real][:, ::-1]
    return features @ (axes / np.sqrt(scales)), scales


def _product_scales(u: Floats, v: Floats) -> Floats:
    """Eigenvalues of the covariance of all products of two sides' features."""
    n, n_products = len(u), u.shape[1] * v.shape[1]
    if n_products > _MAX_PRODUCTS:
        scales = np.outer(*(np.linalg.eigvalsh(side.T @ side / n) for side in (u, v)))
    elif n < n_products:
        mean = u @ (u.T @ v / n) * v
        inner = mean.sum(axis=1)
        gram = (u @ u.T) * (v @ v.T) - inner[:, None] - inner + inner.mean()
        scales = np.linalg.eigvalsh(gram / n)
    else:
        covariance = np.zeros((n_products, n_products))
        for begin in range(0, n, _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            products = (u[part, :, None] * v[part, None]).reshape(-1, n_products)
            covariance += products.T @ products
        mean = (u.T @ v).ravel() / n
        scales = np.linalg.eigvalsh(covariance / n - np.outer(mean, mean))
    return np.sort(np.maximum(scales.ravel(), 0.0))[::-1]
