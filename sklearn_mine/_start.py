"""A parametric start: canonical analysis of the two encoded vectors.

For a Gaussian pair the critic that attains the bound is known: a sum over canonical
pairs. Starting there, a network has only the rest to learn. Linear algebra alone,
fitted on the rows it is given; which correlations are real is judged on inner rows
that the directions did not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf, shrunk_covariance

from ._logistic import LogisticStart
from ._mixture import Mixture, Ratio
from ._null import column_p_values
from ._student import StudentStart, student_scores, student_start
from ._typing import Bools, Floats, Ints
from .nn.critics import MAX_RAW

# Directions of each side that are kept as coordinates, and pairs of twisted ones.
MAX_COORDINATES, _MAX_TWISTS = 128, 16
# A canonical correlation counts if, on rows that did not choose its direction, it is
# this many standard errors above zero. Among 50 noise pairs, three standard errors
# let one through in 15 analyses.
_SIGNIFICANCE = 3.0
_MAX_CORRELATION = 0.99999
# Half waves of the radius at most, and columns that a twisted side has at most.
_MAX_WAVES, _MAX_COLUMNS = 12, 80
# Twisted pairs are taken where they tell this much more (nats, and relative).
_GAIN, _RELATIVE_GAIN = 0.01, 0.02
# Shrinkage of covariances beyond Ledoit's and Wolf's, which fits them and not what is
# told, is tried where there are fewer rows for each column than these.
_SHRINKAGES, _MANY_ROWS = (0.1, 0.3, 0.6), 50
# Sides of more columns, up to what networks see as they are, have those found that tell
# something by themselves, by a test at this level on so many rows.
_WIDE, _ALPHA, _MAX_TESTED = 8, 0.01, 4096
# Radii that are kept to rank others by, and what share of the largest is no difference.
_N_RADII, _SAME_RADIUS = 1024, 1e-9


class Twist:
    """A side with its coordinates also multiplied by half waves of their radius.

    What depends on direction and radius together (elliptical tails, spirals, shells)
    is linear in these columns. They are appended to those of the side.

    Parameters
    ----------
    side : ndarray of shape (n, d)
        Encoded; the waves run along the ranks of its rows' radii.
    """

    def __init__(self, side: Floats) -> None:
        self.n_waves = min(_MAX_WAVES, _MAX_COLUMNS // side.shape[1] - 1)
        if self.n_waves < 1:
            return
        self.mean, self.directions = side.mean(axis=0), _whitener(_covariance(side))
        levels = (np.arange(_N_RADII) + 0.5) / _N_RADII
        radii = np.quantile(self._coordinates(side)[1], levels)
        # Equal radii share a rank: what rounding does to them must not matter.
        new = np.diff(radii, prepend=-np.inf) > _SAME_RADIUS * radii[-1]
        group = np.cumsum(new) - 1
        self.radii = radii[new]
        ranks = np.linspace(0.0, 1.0, _N_RADII)
        self.ranks = np.bincount(group, weights=ranks) / np.bincount(group)

    def _coordinates(self, side: Floats) -> tuple[Floats, Floats]:
        coordinates = (side - self.mean) @ self.directions
        return coordinates, (coordinates**2).sum(axis=1)

    def __call__(self, side: Floats) -> Floats:
        """The side and its further columns, (n, d + further)."""
        if self.n_waves < 1:
            return side
        coordinates, radius = self._coordinates(side)
        rank = np.interp(radius, self.radii, self.ranks)
        waves = np.cos(np.pi * rank[:, None] * np.arange(1, 1 + self.n_waves))
        products = coordinates[:, :, None] * waves[:, None]
        return np.column_stack([side, waves, products.reshape(len(side), -1)])


@dataclass(frozen=True)
class CanonicalStart:
    """Whitened coordinates of both sides, canonical pairs first.

    Attributes
    ----------
    x_mean, y_mean : ndarray of shape (dx,), (dy,)
        Of plain and twisted columns.
    x_directions, y_directions : ndarray of shape (dx, p), (dy, q)
        Coordinates are ``(x - x_mean) @ x_directions``: of plain columns,
        uncorrelated, of unit variance.
    correlations : ndarray of shape (min(p, q),)
        Of the coordinates, as held-out rows confirm them; zero where they do not.
    x_twists, y_twists : ndarray of shape (dx, t), (dy, t)
        Directions of canonical pairs of twisted columns; none where those tell
        nothing more.
    twist_correlations : ndarray of shape (t,)
        Zero for pairs that are no more than an echo of stronger ones.
    n_plain : tuple of two int
        Plain columns of each side; they come first.
    student : StudentStart or None
        Of the plain columns.
    mixture : Mixture or None
        Of the first coordinates.
    logistic : LogisticStart or None
        Of labels, on the plain columns.
    tells : tuple of two (bool ndarray of shape (px,), (py,), or None)
        Plain columns that tell something by themselves, where others do not.
    """

    x_mean: Floats
    y_mean: Floats
    x_directions: Floats
    y_directions: Floats
    correlations: Floats
    x_twists: Floats
    y_twists: Floats
    twist_correlations: Floats
    n_plain: tuple[int, int]
    student: StudentStart | None = None
    mixture: Mixture | None = None
    logistic: LogisticStart | None = None
    tells: tuple[Bools | None, Bools | None] = (None, None)

    @property
    def claim(self) -> float:
        """Information of a Gaussian with these correlations, in nats."""
        return _information(self.correlations)

    @property
    def n_known(self) -> int:
        """Coordinates of each side up to the last with a confirmed correlation."""
        return int(1 + np.flatnonzero(self.correlations).max(initial=-1))

    def coordinates(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Plain coordinates of rows of both sides."""
        x = (x - self.x_mean) @ self.x_directions
        return x, (y - self.y_mean) @ self.y_directions

    def ratios(self, x: Floats, y: Floats) -> list[Ratio]:
        """Log-density ratios of the starts in closed form, but for the mixture.

        Each takes the numbers of rows, of x's and of y's.
        """

        def gaussian(u: Floats, v: Floats, rho: Floats) -> Ratio:
            def ratio(i: Ints, j: Ints) -> Floats:
                a, b = u[i, : len(rho)], v[j, : len(rho)]
                away = (rho**2 * (a**2 + b**2) - 2.0 * rho * a * b) / (1.0 - rho**2)
                return -0.5 * (away + np.log1p(-(rho**2))).sum(axis=1)

            return ratio

        twisted = (x - self.x_mean) @ self.x_twists, (y - self.y_mean) @ self.y_twists
        ratios = [
            gaussian(*self.coordinates(x, y), self.correlations),
            gaussian(*twisted, self.twist_correlations),
        ]
        if self.logistic is not None:
            of_x = self.logistic.of_x(x[:, : self.n_plain[0]])
            of_y = self.logistic.of_y(y[:, : self.n_plain[1]])
            ratios.append(lambda i, j: (of_x[i] * of_y[j]).sum(axis=1))
        student = self.student
        if student is not None:
            scores = [
                student_scores(side[:, :n], student.df)
                for side, n in zip((x, y), self.n_plain, strict=True)
            ]
            ratios.append(lambda i, j: student.ratio(scores[0][i], scores[1][j]))
        return ratios


class _Analysis(NamedTuple):
    """Directions of two sides, canonical pairs first, and confirmed correlations."""

    x: Floats
    y: Floats
    correlations: Floats


def canonical_start(
    x: Floats,
    y: Floats,
    *,
    rng: np.random.Generator,
    n_plain: tuple[int, int] | None = None,
    analyse: bool = True,
) -> CanonicalStart:
    """Canonical analysis of encoded vectors.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)
        Plain columns first, then twisted ones.

    rng : numpy.random.Generator
        Splits the rows in halves.

    n_plain : tuple of two int, optional
        Plain columns of each side; all by default.

    analyse : bool
        If False, the coordinates are the inputs, with no correlation.

    Returns
    -------
    start : CanonicalStart
    """
    dx, dy = x.shape[1], y.shape[1]
    px, py = n_plain = n_plain or (dx, dy)
    no_twists = np.zeros((dx, 0)), np.zeros((dy, 0)), np.zeros(0)
    if not analyse:
        means = np.zeros(dx), np.zeros(dy)
        return CanonicalStart(
            *means, np.eye(dx), np.eye(dy), np.zeros(min(dx, dy)), *no_twists, n_plain
        )
    halves = np.array_split(rng.permutation(len(x)), 2)
    plain = _analyse(x[:, :px], y[:, :py], halves)
    x_directions, y_directions = (
        np.pad(side[:, :MAX_COORDINATES], ((0, d - len(side)), (0, 0)))
        for side, d in ((plain.x, dx), (plain.y, dy))
    )
    correlations = plain.correlations[:MAX_COORDINATES]
    twists: tuple[Floats, Floats, Floats] = no_twists
    if (dx, dy) != (px, py):
        twisted = _analyse(x, y, halves)
        known = np.flatnonzero(twisted.correlations)[:_MAX_TWISTS]
        strength = twisted.correlations[known]
        # Squares and products of strong pairs are correlated as well, and say nothing.
        strongest = strength.max(initial=0.0)
        echo = min(1.1 * strongest**2, strongest)
        strength = np.where(strength >= echo, strength, 0.0)
        gain = _information(strength) - _information(correlations)
        if gain > _GAIN + _RELATIVE_GAIN * _information(correlations):
            twists = twisted.x[:, known], twisted.y[:, known], strength
    directions = x_directions, y_directions
    student = student_start(x[:, :px], y[:, :py])
    sides = x[:_MAX_TESTED, :px], y[:_MAX_TESTED, :py]
    tells = telling_columns(*sides), telling_columns(*sides[::-1])
    return CanonicalStart(
        x.mean(axis=0),
        y.mean(axis=0),
        *directions,
        correlations,
        *twists,
        n_plain,
        student,
        tells=tells,
    )


def telling_columns(x: Floats, y: Floats) -> Bools | None:
    """Which columns of a wide side tell something by themselves; None if all are alike.

    The p-value of each is held against the number of columns.
    """
    width = x.shape[1]
    if not _WIDE < width <= MAX_RAW:
        return None
    tells: Bools = column_p_values(x, y, seed=0) < _ALPHA / width
    return None if tells.all() or not tells.any() else tells


def _analyse(x: Floats, y: Floats, halves: Sequence[Ints]) -> _Analysis:
    """Canonical pairs, with as much shrinkage as shows most on held-out halves."""
    covariances = _covariance(x), _covariance(y)
    best = _analyse_with(covariances, x, y, halves)
    if len(x) < _MANY_ROWS * max(x.shape[1], y.shape[1]):
        for shrinkage in _SHRINKAGES:
            shrunk = [shrunk_covariance(each, shrinkage) for each in covariances]
            more = _analyse_with(shrunk, x, y, halves, rescale=True)
            gain = _information(more.correlations) - _information(best.correlations)
            if gain <= 0.0:
                break
            best = more
    return best


def _analyse_with(
    covariances: Sequence[Floats],
    x: Floats,
    y: Floats,
    halves: Sequence[Ints],
    *,
    rescale: bool = False,
) -> _Analysis:
    """Canonical pairs of sides whitened as if these were their covariances."""
    n = len(x)
    x_whiten, y_whiten = map(_whitener, covariances)
    whitened = (x - x.mean(axis=0)) @ x_whiten, (y - y.mean(axis=0)) @ y_whiten
    left, _, right = _pairs(*whitened)
    n_pairs = min(left.shape[1], right.shape[1])
    confirmed = np.zeros(n_pairs)
    if n >= 8:
        for fitted, judged in (halves, halves[::-1]):
            u_left, _, u_right = _pairs(whitened[0][fitted], whitened[1][fitted])
            u = whitened[0][judged] @ u_left[:, :n_pairs]
            v = whitened[1][judged] @ u_right[:, :n_pairs]
            confirmed += 0.5 * _correlations(u, v)
        confirmed[confirmed < _SIGNIFICANCE / np.sqrt(n)] = 0.0
    confirmed = np.clip(confirmed, 0.0, _MAX_CORRELATION)
    if rescale:
        left, right = (
            pairs / (side @ pairs).std(axis=0).clip(min=1e-6)
            for side, pairs in zip(whitened, (left, right), strict=True)
        )
    return _Analysis(x_whiten @ left, y_whiten @ right, confirmed)


def _information(correlations: Floats) -> float:
    return float(-0.5 * np.log1p(-(correlations**2)).sum())


def _covariance(x: Floats) -> Floats:
    """The covariance, shrunk as far as it is uncertain."""
    return ledoit_wolf(x)[0] if x.shape[1] > 1 else np.atleast_2d(np.var(x))


def _whitener(covariance: Floats) -> Floats:
    """Matrix that gives this covariance unit variance in every direction."""
    values, vectors = np.linalg.eigh(covariance)
    usable = values > 1e-10 * max(values[-1], 1e-300)
    return vectors[:, usable] / np.sqrt(values[usable])


def _pairs(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Singular vectors of the cross-covariance of whitened sides, all of them."""
    cross = x.T @ y / len(x)
    full = max(cross.shape) <= 4 * MAX_COORDINATES
    left, values, right = np.linalg.svd(cross, full_matrices=full)
    return left, values, right.T


def _correlations(u: Floats, v: Floats) -> Floats:
    u = u - u.mean(axis=0)
    v = v - v.mean(axis=0)
    scale = np.sqrt((u**2).sum(axis=0) * (v**2).sum(axis=0))
    return (u * v).sum(axis=0) / np.where(scale > 0, scale, 1.0)
