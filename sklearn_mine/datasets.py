"""Distributions of (X, y) whose mutual information is known, and folders of images.

All distributions are mixtures of Gaussians and student-t's on the pair (x, y). The
density of a mixture and of its marginals is known, so its pointwise mutual information
``ln p(x, y) - ln p(x) p(y)`` is exact, and its mean over a million draws is the truth
to about a thousandth of a nat.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, logsumexp
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._images import load_image_folder
from ._params import documented
from ._table import naming
from ._typing import Floats, SeedLike, validate_params

__all__ = [
    "Component",
    "Mixture",
    "load_image_folder",
    "make_arms",
    "make_clusters",
    "make_gaussian",
    "make_labels",
    "make_outliers",
    "make_ring",
    "make_shells",
    "make_waves",
]

# Rows at once, which bounds memory; draws behind a Monte Carlo truth, and their seed.
_BLOCK = 65536
_N_DRAWS = 1_000_000
_SEED = 0
# Degrees of freedom above which a student-t is a Gaussian to double precision.
_GAUSSIAN_DF = 1e8

# X and y, and the information if asked for.
Drawn = tuple[Any, ...]
_Maker = TypeVar("_Maker", bound=Callable[..., Drawn])


@dataclass(frozen=True)
class Component:
    """A Gaussian or student-t on the pair (x, y), or on x beside a label.

    Parameters
    ----------
    mean : array-like of shape (d,)
        Of the columns of x, then those of y.

    covariance : array-like of shape (d, d)
        Positive definite; of a student-t, its scale matrix.

    df : float, default=inf
        Degrees of freedom of a student-t; infinite for a Gaussian.

    label_shares : array-like of shape (n_labels,), default=None
        Where y is a label: the probability of each within this component. `mean` and
        `covariance` are then those of x alone.

    Raises
    ------
    ValueError
        If a parameter is unusable; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine.datasets import Component
    >>> component = Component([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]], df=3.0)
    >>> component.draw(4, np.random.default_rng(0)).shape
    (4, 2)
    """

    mean: Floats
    covariance: Floats
    df: float = np.inf
    label_shares: Floats | None = None

    if TYPE_CHECKING:
        # What is given may be any array-like; what is kept are arrays.
        def __init__(
            self,
            mean: ArrayLike,
            covariance: ArrayLike,
            df: float = np.inf,
            label_shares: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        with naming("mean"):
            mean = np.atleast_1d(np.asarray(self.mean, dtype=float))
        with naming("covariance"):
            covariance = np.atleast_2d(np.asarray(self.covariance, dtype=float))
        if not (mean.size and np.isfinite(mean).all()):
            raise ValueError(f"mean should hold finite numbers, got {self.mean!r}.")
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise ValueError(
                f"covariance should be of shape ({len(mean)}, {len(mean)}), as mean "
                f"has {len(mean)} entries; got {covariance.shape}."
            )
        if not np.allclose(covariance, covariance.T):
            raise ValueError("covariance should be symmetric.")
        if np.linalg.eigvalsh(covariance)[0] <= 0:
            raise ValueError("covariance should be positive definite.")
        if not (isinstance(self.df, Real) and self.df > 0):
            raise ValueError(f"df should be above 0, got {self.df!r}.")
        if self.df > _GAUSSIAN_DF:
            object.__setattr__(self, "df", np.inf)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)
        if self.label_shares is not None:
            with naming("label_shares"):
                shares = np.asarray(self.label_shares, dtype=float)
            if (
                shares.ndim != 1
                or (shares < 0).any()
                or not np.isclose(shares.sum(), 1)
            ):
                raise ValueError(
                    f"label_shares should be probabilities that sum to 1: {shares}."
                )
            object.__setattr__(self, "label_shares", shares)

    def log_density(self, values: Floats, columns: slice) -> Floats:
        """Log-density of some columns.

        Parameters
        ----------
        values : ndarray of shape (n, m)
            These columns alone.

        columns : slice
            Which columns of the component they are.

        Returns
        -------
        log_density : ndarray of shape (n,)
            In nats.
        """
        d = values.shape[1]
        root = np.linalg.cholesky(self.covariance[columns, columns])
        whitened = np.linalg.solve(root, (values - self.mean[columns]).T)
        square = (whitened**2).sum(axis=0)
        log_volume = np.log(np.diag(root)).sum()
        if np.isinf(self.df):
            return -0.5 * (square + d * np.log(2 * np.pi)) - log_volume
        df = self.df
        constant = gammaln(0.5 * (df + d)) - gammaln(0.5 * df)
        constant -= 0.5 * d * np.log(df * np.pi) + log_volume
        return constant - 0.5 * (df + d) * np.log1p(square / df)

    def draw(self, n: int, rng: np.random.RandomState | np.random.Generator) -> Floats:
        """Draw rows.

        Parameters
        ----------
        n : int
            How many.

        rng : numpy.random.RandomState or numpy.random.Generator
            Draws them.

        Returns
        -------
        rows : ndarray of shape (n, d)
            Columns of x, then those of y.
        """
        rows = rng.standard_normal((n, len(self.mean)))
        rows = rows @ np.linalg.cholesky(self.covariance).T
        if np.isfinite(self.df):
            rows *= np.sqrt(self.df / rng.chisquare(self.df, size=(n, 1)))
        return self.mean + rows


class Mixture:
    """A mixture of Gaussians and student-t's on (x, y).

    Parameters
    ----------
    components : list of Component
        Of one length, and with labels all or none.

    n_features : int, default=1
        Columns of x; the others are those of y.

    weights : array-like of shape (n_components,), default=None
        Probabilities of the components; equal by default.

    Attributes
    ----------
    components : list of Component
        Those with a weight above zero.

    weights : ndarray of shape (n_components,)
        Those above zero, which sum to 1.

    n_labels : int or None
        Labels of y; None where y is numbers.

    Raises
    ------
    ValueError
        If a parameter is unusable; the message names it.

    Examples
    --------
    >>> from sklearn_mine.datasets import Component, Mixture
    >>> arm = Component([0, 0], [[1, 0.8], [0.8, 1]])
    >>> other = Component([0, 0], [[1, -0.8], [-0.8, 1]])
    >>> mixture = Mixture([arm, other])
    >>> X, y = mixture.sample(100, random_state=0)
    >>> X.shape, y.shape
    ((100, 1), (100,))
    >>> mixture.pointwise_mutual_info(X, y).shape
    (100,)
    """

    def __init__(
        self,
        components: Iterable[Component],
        n_features: int = 1,
        weights: ArrayLike | None = None,
    ) -> None:
        self.components = list(components) if np.iterable(components) else []
        if not self.components or not all(
            isinstance(each, Component) for each in self.components
        ):
            raise ValueError(
                f"components should be a list of Component, at least one; got "
                f"{components!r:.60}."
            )
        self.n_features = n_features
        k = len(self.components)
        with naming("weights"):
            weights = (
                np.full(k, 1 / k) if weights is None else np.asarray(weights, float)
            )
        if weights.shape != (k,) or (weights < 0).any() or not weights.sum() > 0:
            raise ValueError(
                f"weights should be {k} probabilities, one for each component; got "
                f"{weights}."
            )
        self.components = [
            component
            for component, weight in zip(self.components, weights, strict=True)
            if weight > 0
        ]
        self.weights = weights[weights > 0] / weights.sum()
        shapes = {
            (len(c.mean), None if c.label_shares is None else len(c.label_shares))
            for c in self.components
        }
        if len(shapes) > 1:
            raise ValueError(
                "components should have means of one length, and labels all or none; "
                f"got (length, labels) {sorted(shapes, key=str)}."
            )
        (self._shape,) = shapes
        width, self.n_labels = self._shape
        most = width - (self.n_labels is None)
        if not (isinstance(n_features, Integral) and 0 < n_features <= most):
            raise ValueError(
                f"n_features={n_features}, but the components have {width} columns: "
                "some should be left for y."
            )

    @validate_params(
        {
            "n_samples": [Interval(Integral, 0, None, closed="left")],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self, n_samples: int, random_state: SeedLike = None
    ) -> tuple[Floats, NDArray[Any]]:
        """Draw rows.

        Parameters
        ----------
        n_samples : int
            Rows to draw.

        random_state : int, RandomState instance or None, default=None
            Seeds them.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows of x.

        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Integers where y is a label; one-dimensional where it has one column.

        Raises
        ------
        ValueError
            If a parameter is unusable; the message names it.
        """
        rng = _generator(random_state)
        which = rng.choice(len(self.weights), size=n_samples, p=self.weights)
        rows = np.empty((n_samples, self._shape[0]))
        labels = np.zeros(n_samples, dtype=int)
        for k, component in enumerate(self.components):
            here = np.flatnonzero(which == k)
            rows[here] = component.draw(len(here), rng)
            if component.label_shares is not None:
                labels[here] = rng.choice(
                    len(component.label_shares),
                    size=len(here),
                    p=component.label_shares,
                )
        if self.n_labels is not None:
            return rows, labels
        X, y = rows[:, : self.n_features], rows[:, self.n_features :]
        return X, y[:, 0] if y.shape[1] == 1 else y

    def pointwise_mutual_info(self, X: ArrayLike, y: ArrayLike) -> Floats:
        """ln p(x, y) / p(x)p(y) of rows, exact.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows of x.

        y : array-like of shape (n,) or (n, n_targets)
            Rows of y, or labels.

        Returns
        -------
        pointwise : ndarray of shape (n,)
            In nats.

        Raises
        ------
        ValueError
            If shapes do not match, or a label is none of those that there are.
        """
        with naming("X"):
            X = np.asarray(X, dtype=float)
        with naming("y"):
            y = np.asarray(y, dtype=float)
        if X.ndim != 2 or X.shape[1] != self.n_features or X.shape[:1] != y.shape[:1]:
            raise ValueError(
                f"X should be of shape (n, {self.n_features}) with as many rows as y; "
                f"got {X.shape} and {y.shape}."
            )
        n_targets = self._shape[0] - self.n_features
        if self.n_labels is None and y.size != len(y) * n_targets:
            raise ValueError(f"y should be of shape (n, {n_targets}), got {y.shape}.")
        if self.n_labels is not None:
            y = y.ravel()
            if not (np.isin(y, np.arange(self.n_labels)).all() and len(X) == len(y)):
                raise ValueError(
                    f"y should hold a label of each row, from 0 to {self.n_labels - 1}."
                )
            y = y.astype(int)
        blocks = range(0, len(X), _BLOCK)
        parts = [self._pointwise(X[i : i + _BLOCK], y[i : i + _BLOCK]) for i in blocks]
        return np.concatenate(parts) if parts else np.empty(0)

    def _pointwise(self, X: Floats, y: NDArray[Any]) -> Floats:
        log_weights = np.log(self.weights)[:, None]
        of_x = slice(0, self.n_features)
        log_x = np.stack([c.log_density(X, of_x) for c in self.components])
        if self.n_labels is not None:
            shares = np.stack([np.asarray(c.label_shares) for c in self.components])
            with np.errstate(divide="ignore"):
                log_y = np.log(shares[:, y])
            joint = log_x + log_y
        else:
            y = y.reshape(len(y), -1)
            both = np.concatenate([X, y], axis=1)
            of_y = slice(self.n_features, None)
            log_y = np.stack([c.log_density(y, of_y) for c in self.components])
            joint = np.stack(
                [c.log_density(both, slice(None)) for c in self.components]
            )
        joint, log_x, log_y = (
            logsumexp(log_weights + part, axis=0) for part in (joint, log_x, log_y)
        )
        return joint - log_x - log_y

    @validate_params(
        {
            "n_draws": [Interval(Integral, 1, None, closed="left")],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def mutual_info(
        self, n_draws: int = _N_DRAWS, random_state: SeedLike = _SEED
    ) -> tuple[float, float]:
        """The mean of the pointwise information over fresh draws.

        Parameters
        ----------
        n_draws : int, default=1_000_000
            Draws behind the mean; the standard error falls with their square root.

        random_state : int, RandomState instance or None, default=0
            Seeds them.

        Returns
        -------
        mutual_info, std_error : float
            In nats.

        Raises
        ------
        ValueError
            If a parameter is unusable; the message names it.
        """
        rng = _generator(random_state)
        total, square = 0.0, 0.0
        for begin in range(0, n_draws, _BLOCK):
            n = min(_BLOCK, n_draws - begin)
            pointwise = self.pointwise_mutual_info(*self.sample(n, rng))
            total += pointwise.sum()
            square += (pointwise**2).sum()
        mean = total / n_draws
        variance = max(square / n_draws - mean**2, 0.0)
        return float(mean), float(np.sqrt(variance / n_draws))


def _generator(random_state: SeedLike) -> np.random.RandomState:
    """Fresh entropy for None: the global generator is left alone."""
    if random_state is None:
        random_state = np.random.RandomState()
    return check_random_state(random_state)


@lru_cache(maxsize=64)
def _truth(build: Callable[..., Mixture], *arguments: Any) -> float:
    """The information of a distribution, computed once."""
    return build(*arguments).mutual_info()[0]


def _draw(
    build: Callable[..., Mixture],
    arguments: tuple[Any, ...],
    n_samples: int,
    random_state: SeedLike,
    return_mi: bool,
) -> Drawn:
    X, y = build(*arguments).sample(n_samples, random_state)
    return (X, y, _truth(build, *arguments)) if return_mi else (X, y)


_COMMON = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "return_mi": ["boolean"],
}
_CORRELATION = [Interval(Real, -1, 1, closed="neither")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_COUNT = [Interval(Integral, 1, None, closed="left")]
# A student-t of fewer degrees has draws beyond double precision.
_DF = [Interval(Real, 0.1, None, closed="both")]
_SHARE = [Interval(Real, 0, 1, closed="both")]

_DOC = {
    "samples": """n_samples : int, default=1000
        Rows.""",
    "common": """random_state : int, RandomState instance or None, default=None
        Seeds the rows.

    return_mi : bool, default=False
        Whether to return the mutual information of the distribution too. Where it
        has no closed form it is the mean over a million draws, which takes some
        seconds the first time.""",
    "single": """X : ndarray of shape (n_samples, 1)
        Rows of x.

    y : ndarray of shape (n_samples,)
        Rows of y.

    {mi}""",
    "mi": """mi : float
        In nats. Only with `return_mi`.""",
    "raises": """Raises
    ------
    ValueError
        If a parameter is unusable; the message names it.""",
}


def _makes_data(**rules: list[Any]) -> Callable[[_Maker], _Maker]:
    """Decorator of what draws rows: checks its parameters, and completes its text."""

    def decorate(make: _Maker) -> _Maker:
        check = validate_params(_COMMON | rules, prefer_skip_nested_validation=True)
        return documented(**_DOC)(check(make))

    return decorate


def _elongated(
    centre: ArrayLike, angle: float, along: float, across: float
) -> Component:
    """A Gaussian of the plane with its long axis at an angle."""
    axis = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Component(centre, axis @ np.diag([along**2, across**2]) @ axis.T)


def _paired(rho: ArrayLike, n_pairs: int, n_x: int, n_y: int) -> Floats:
    """Correlation of the first columns of x with the first of y, in pairs."""
    covariance = np.eye(n_x + n_y)
    for i, r in enumerate(np.broadcast_to(rho, n_pairs)):
        covariance[i, n_x + i] = covariance[n_x + i, i] = r
    return covariance


@_makes_data(rho=_CORRELATION, n_features=_COUNT, df=_DF)
def make_gaussian(
    n_samples: int = 1000,
    *,
    rho: float = 0.8,
    n_features: int = 1,
    df: float = np.inf,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Correlated pairs of columns: one Gaussian, or one student-t.

    Parameters
    ----------
    {samples}

    rho : float, default=0.8
        Correlation of each column of X with its partner in y.

    n_features : int, default=1
        Columns of X, and of y.

    df : float, default=inf
        Degrees of freedom of a student-t: small for heavy tails, which carry
        information even at rho=0.

    {common}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows of x.

    y : ndarray of shape (n_samples,) or (n_samples, n_features)
        One-dimensional where it has one column.

    mi : float
        In nats, in closed form for both. Only with `return_mi`.

    {raises}

    References
    ----------
    Arellano-Valle, Contreras-Reyes and Genton (2013), "Shannon entropy and mutual
    information for multivariate skew-elliptical distributions".

    Examples
    --------
    >>> from sklearn_mine.datasets import make_gaussian
    >>> X, y, mi = make_gaussian(100, rho=0.5, n_features=20, return_mi=True)
    >>> round(mi, 3)
    2.877
    """
    X, y = _gaussian(rho, n_features, df).sample(n_samples, random_state)
    if not return_mi:
        return X, y
    mi = -0.5 * n_features * np.log1p(-(rho**2))
    if df <= _GAUSSIAN_DF:
        mi += _student_excess(df, n_features, n_features)
    return X, y, float(mi)


def _gaussian(rho: float, d: int, df: float) -> Mixture:
    return Mixture([Component(np.zeros(2 * d), _paired(rho, d, d, d), df)], d)


def _student_excess(df: float, dx: int, dy: int) -> float:
    """What a student-t's common scale tells, from the entropies' closed form."""

    def log_scale(d: int) -> float:
        return gammaln(0.5 * (df + d)) - 0.5 * (df + d) * digamma(0.5 * (df + d))

    return log_scale(dx + dy) + log_scale(0) - log_scale(dx) - log_scale(dy)


@_makes_data(rho=_CORRELATION)
def make_arms(
    n_samples: int = 1000,
    *,
    rho: float = 0.95,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Two crossing arms: correlation `rho` in half of the rows, `-rho` in the others.

    Parameters
    ----------
    {samples}

    rho : float, default=0.95
        Correlation within an arm.

    {common}

    Returns
    -------
    {single}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_arms
    >>> X, y = make_arms(100, random_state=0)
    >>> X.shape, y.shape
    ((100, 1), (100,))
    """
    return _draw(_arms, (float(rho),), n_samples, random_state, return_mi)


def _arms(rho: float) -> Mixture:
    return Mixture([Component([0, 0], [[1, r], [r, 1]]) for r in (rho, -rho)])


@_makes_data(n_components=_COUNT, noise=_POSITIVE)
def make_ring(
    n_samples: int = 1000,
    *,
    n_components: int = 12,
    noise: float = 0.1,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """A ring in the plane of x and y, made of Gaussians around the unit circle.

    Parameters
    ----------
    {samples}

    n_components : int, default=12
        Gaussians around the circle, each elongated along it.

    noise : float, default=0.1
        Standard deviation across the circle.

    {common}

    Returns
    -------
    {single}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_ring
    >>> X, y = make_ring(100, random_state=0)
    >>> X.shape
    (100, 1)
    """
    arguments = (int(n_components), float(noise))
    return _draw(_ring, arguments, n_samples, random_state, return_mi)


def _ring(n_components: int, noise: float) -> Mixture:
    angles = 2 * np.pi * np.arange(n_components) / n_components
    length = max(noise, np.pi / n_components * 0.8)
    return Mixture(
        [
            _elongated([np.cos(a), np.sin(a)], a + np.pi / 2, length, noise)
            for a in angles
        ]
    )


@_makes_data(n_waves=_POSITIVE, noise=_POSITIVE)
def make_waves(
    n_samples: int = 1000,
    *,
    n_waves: float = 3,
    noise: float = 0.1,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """A sine wave of x, made of eight Gaussians to a wave that lie along it.

    Parameters
    ----------
    {samples}

    n_waves : float, default=3
        Full waves over the range of x.

    noise : float, default=0.1
        Standard deviation across the wave, whose amplitude is 1 and length 2.

    {common}

    Returns
    -------
    {single}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_waves
    >>> X, y = make_waves(100, random_state=0)
    >>> X.shape
    (100, 1)
    """
    arguments = (float(n_waves), float(noise))
    return _draw(_waves, arguments, n_samples, random_state, return_mi)


def _waves(n_waves: float, noise: float) -> Mixture:
    n = max(2, round(8 * n_waves))
    at = 2.0 * n_waves * (np.arange(n) + 0.5) / n
    slope = np.pi * np.cos(np.pi * at)
    step = 2.0 * n_waves / n
    length = 0.4 * step * np.sqrt(1 + slope**2)
    return Mixture(
        [
            _elongated([x, np.sin(np.pi * x)], np.arctan(s), along, noise)
            for x, s, along in zip(at, slope, length, strict=True)
        ]
    )


@_makes_data(n_features=_COUNT, n_shells=_COUNT, spread=_POSITIVE)
def make_shells(
    n_samples: int = 1000,
    *,
    n_features: int = 3,
    n_shells: int = 5,
    spread: float = 0.25,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Concentric clouds of x, each with y near its number.

    The clouds are Gaussians of standard deviation 1, 2, 3 and so on; in many
    dimensions those are shells. No column of X alone, and no linear combination,
    correlates with y.

    Parameters
    ----------
    {samples}

    n_features : int, default=3
        Columns of X.

    n_shells : int, default=5
        Clouds.

    spread : float, default=0.25
        Standard deviation of y within a cloud.

    {common}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows of x.

    y : ndarray of shape (n_samples,)
        Rows of y.

    {mi}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_shells
    >>> X, y = make_shells(100, n_features=25, random_state=0)
    >>> X.shape
    (100, 25)
    """
    arguments = (int(n_features), int(n_shells), float(spread))
    return _draw(_shells, arguments, n_samples, random_state, return_mi)


def _shells(n_features: int, n_shells: int, spread: float) -> Mixture:
    components = []
    for k in range(1, 1 + n_shells):
        mean = np.append(np.zeros(n_features), float(k))
        variances = np.append(np.full(n_features, float(k) ** 2), spread**2)
        components.append(Component(mean, np.diag(variances)))
    return Mixture(components, n_features)


@_makes_data(
    n_features=_COUNT,
    n_targets=_COUNT,
    n_clusters=_COUNT,
    rho=_CORRELATION,
    separation=_POSITIVE,
)
def make_clusters(
    n_samples: int = 1000,
    *,
    n_features: int = 2,
    n_targets: int = 2,
    n_clusters: int = 4,
    rho: float = 0.9,
    separation: float = 2.0,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Clusters of (x, y), with another dependence in each.

    Correlations of the first pairs of columns run from `-rho` to `rho` over clusters,
    whose centres are drawn once and for all.

    Parameters
    ----------
    {samples}

    n_features, n_targets : int, default=2
        Columns of X, and of y.

    n_clusters : int, default=4
        Clusters.

    rho : float, default=0.9
        The strongest correlation within a cluster.

    separation : float, default=2.0
        Standard deviation of the clusters' centres, where that within is 1.

    {common}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows of x.

    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        One-dimensional where it has one column.

    {mi}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_clusters
    >>> X, y = make_clusters(100, n_features=3, random_state=0)
    >>> X.shape, y.shape
    ((100, 3), (100, 2))
    """
    arguments = (n_features, n_targets, n_clusters, float(rho), float(separation))
    return _draw(_clusters, arguments, n_samples, random_state, return_mi)


def _clusters(
    dx: int, dy: int, n_clusters: int, rho: float, separation: float
) -> Mixture:
    centres = np.random.default_rng(_SEED).normal(size=(n_clusters, dx + dy))
    n_pairs = min(dx, dy)
    components = []
    for centre, r in zip(
        centres * separation, np.linspace(-rho, rho, n_clusters), strict=True
    ):
        signs = r * (-1.0) ** np.arange(n_pairs)
        components.append(Component(centre, _paired(signs, n_pairs, dx, dy)))
    return Mixture(components, dx)


@_makes_data(n_features=_COUNT, rho=_CORRELATION, share=_SHARE, scale=_POSITIVE, df=_DF)
def make_outliers(
    n_samples: int = 1000,
    *,
    n_features: int = 2,
    rho: float = 0.8,
    share: float = 0.2,
    scale: float = 3.0,
    df: float = 2.0,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Correlated Gaussian pairs among outliers that are independent student-t's.

    Parameters
    ----------
    {samples}

    n_features : int, default=2
        Columns of X, and of y.

    rho : float, default=0.8
        Correlation of each pair among the inliers.

    share : float, default=0.2
        Of outliers.

    scale : float, default=3.0
        Of the outliers, where that of the inliers is 1.

    df : float, default=2.0
        Degrees of freedom of the outliers.

    {common}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows of x.

    y : ndarray of shape (n_samples,) or (n_samples, n_features)
        One-dimensional where it has one column.

    {mi}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_outliers
    >>> X, y = make_outliers(100, random_state=0)
    >>> X.shape
    (100, 2)
    """
    arguments = (n_features, float(rho), float(share), float(scale), float(df))
    return _draw(_outliers, arguments, n_samples, random_state, return_mi)


def _outliers(d: int, rho: float, share: float, scale: float, df: float) -> Mixture:
    zero = np.zeros(2 * d)
    inliers = Component(zero, _paired(rho, d, d, d))
    outliers = Component(zero, scale**2 * np.eye(2 * d), df)
    return Mixture([inliers, outliers], d, [1.0 - share, share])


@_makes_data(
    n_features=_COUNT, n_labels=_COUNT, separation=_POSITIVE, noise=_SHARE, df=_DF
)
def make_labels(
    n_samples: int = 1000,
    *,
    n_features: int = 2,
    n_labels: int = 4,
    separation: float = 2.0,
    noise: float = 0.05,
    df: float = np.inf,
    random_state: SeedLike = None,
    return_mi: bool = False,
) -> Drawn:
    """Discrete labels with continuous x: two clouds of x for each label.

    Parameters
    ----------
    {samples}

    n_features : int, default=2
        Columns of X.

    n_labels : int, default=4
        Labels, equally frequent.

    separation : float, default=2.0
        Standard deviation of the clouds' centres, where that within is 1. The centres
        are drawn once and for all.

    noise : float, default=0.05
        Share of rows whose label is drawn at random.

    df : float, default=inf
        Degrees of freedom of the clouds; infinite for Gaussians.

    {common}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows of x.

    y : ndarray of shape (n_samples,), int
        From 0 on.

    {mi}

    {raises}

    Examples
    --------
    >>> from sklearn_mine.datasets import make_labels
    >>> X, y = make_labels(100, n_labels=3, random_state=0)
    >>> sorted(set(y.tolist()))
    [0, 1, 2]
    """
    arguments = (n_features, n_labels, float(separation), float(noise), float(df))
    return _draw(_labels, arguments, n_samples, random_state, return_mi)


def _labels(
    n_features: int, n_labels: int, separation: float, noise: float, df: float
) -> Mixture:
    centres = np.random.default_rng(_SEED).normal(size=(2 * n_labels, n_features))
    shares = np.full((n_labels, n_labels), noise / n_labels)
    shares += (1.0 - noise) * np.eye(n_labels)
    return Mixture(
        [
            Component(centre, np.eye(n_features), df, shares[i % n_labels])
            for i, centre in enumerate(separation * centres)
        ],
        n_features,
    )
