"""The copula of a student-t as a start.

Mapped from normal scores to scores of a student-t, the columns of an elliptical
distribution with heavy tails are jointly student-t, whatever was done to each. Its
log-density ratio is known: beside correlations it holds what a common scale tells,
which no correlation shows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, ndtr
from scipy.stats import t as student_t

from ._typing import Floats, Ints

# Degrees of freedom that are tried, from light to heavy tails.
_DEGREES = (20.0, 12.0, 8.0, 5.5, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.7)
# Log-likelihood that tails have to gain over a Gaussian, in nats of all rows.
_GAIN = 10.0
# Rows that scatter is estimated from, and steps of the iteration.
MAX_ROWS, _STEPS = 10_000, 12
# Columns of both sides together beyond which none is fitted.
_MAX_COLUMNS = 64
# Normal scores beyond this are taken for it.
MAX_SCORE = 5.0


@dataclass(frozen=True)
class StudentStart:
    """A student-t of scores of both sides.

    Attributes
    ----------
    df : float
    scatter : ndarray of shape (dx + dy, dx + dy)
        Correlations of the scores.
    x_columns, y_columns : ndarray of shape (dx,), (dy,)
        The columns of each side that it is of.
    """

    df: float
    scatter: Floats
    x_columns: Ints
    y_columns: Ints

    @property
    def constant(self) -> float:
        """What does not depend on the pair."""
        d, dx = len(self.scatter), len(self.x_columns)
        df, dy = self.df, d - dx
        both = gammaln(0.5 * (df + d)) + gammaln(0.5 * df)
        alone = gammaln(0.5 * (df + dx)) + gammaln(0.5 * (df + dy))
        joint, of_x, of_y = (
            np.linalg.slogdet(part)[1]
            for part in (self.scatter, self.scatter[:dx, :dx], self.scatter[dx:, dx:])
        )
        return both - alone - 0.5 * (joint - of_x - of_y)

    def ratio(self, x: Floats, y: Floats) -> Floats:
        """The log-density ratio of pairs of rows of scores, (n,)."""
        both = np.concatenate([x[:, self.x_columns], y[:, self.y_columns]], axis=1)
        dx = len(self.x_columns)
        total = np.full(len(both), self.constant)
        for sign, part in ((-1, slice(None)), (1, slice(0, dx)), (1, slice(dx, None))):
            rows, scatter = both[:, part], self.scatter[part, part]
            square = (rows @ np.linalg.inv(scatter) * rows).sum(axis=1)
            weight = 0.5 * (self.df + rows.shape[1])
            total = total + sign * weight * np.log1p(square / self.df)
        return total


def student_scores(scores: Floats, df: float) -> Floats:
    """Normal scores as scores of a student-t."""
    return student_t.ppf(ndtr(np.clip(scores, -MAX_SCORE, MAX_SCORE)), df)


def student_start(x: Floats, y: Floats) -> StudentStart | None:
    """A student-t copula of encoded vectors, where its tails explain more.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)
        Plain encoded columns: normal scores, and indicators, which are left out.

    Returns
    -------
    start : StudentStart or None
        None where a Gaussian does as well.
    """
    columns = _graded(x), _graded(y)
    scores = np.concatenate([x[:, columns[0]], y[:, columns[1]]], axis=1)
    scores = np.random.default_rng(0).permutation(scores)[:MAX_ROWS]
    n, d = scores.shape
    if d > min(_MAX_COLUMNS, n // 4) or not all(map(len, columns)):
        return None
    best, chosen = _gaussian_likelihood(scores) + _GAIN, None
    for df in _DEGREES:
        mapped = student_scores(scores, df)
        scatter = _scatter(mapped, df)
        likelihood = _likelihood(mapped, scatter, df)
        if not likelihood > best:
            break
        best, chosen = likelihood, StudentStart(df, scatter, *columns)
    return chosen


def _graded(side: Floats) -> Ints:
    """Columns of more than two values."""
    low, high = side.min(axis=0), side.max(axis=0)
    between = (side > low) & (side < high)
    return np.flatnonzero(between.any(axis=0))


def _scatter(rows: Floats, df: float) -> Floats:
    """Correlations of a student-t of known degrees of freedom."""
    n, d = rows.shape
    scatter = np.eye(d)
    for _ in range(_STEPS):
        square = (rows @ np.linalg.inv(scatter) * rows).sum(axis=1)
        weighted = rows * ((df + d) / (df + square))[:, None]
        scatter = weighted.T @ rows / n
        scale = np.sqrt(np.diag(scatter))
        scatter /= np.outer(scale, scale)
        scatter += 1e-6 * np.eye(d)
    return scatter


def _likelihood(rows: Floats, scatter: Floats, df: float) -> float:
    """Log-likelihood of the copula, in nats of all rows."""
    d = rows.shape[1]
    square = (rows @ np.linalg.inv(scatter) * rows).sum(axis=1)
    constant = gammaln(0.5 * (df + d)) + (d - 1) * gammaln(0.5 * df)
    constant -= d * gammaln(0.5 * (df + 1)) + 0.5 * np.linalg.slogdet(scatter)[1]
    joint = -0.5 * (df + d) * np.log1p(square / df)
    alone = -0.5 * (df + 1) * np.log1p(rows**2 / df).sum(axis=1)
    return float((constant + joint - alone).sum())


def _gaussian_likelihood(rows: Floats) -> float:
    n, d = rows.shape
    scatter = np.atleast_2d(np.corrcoef(rows.T)) + 1e-6 * np.eye(d)
    square = (rows @ (np.linalg.inv(scatter) - np.eye(d)) * rows).sum()
    return float(-0.5 * (square + n * np.linalg.slogdet(scatter)[1]))
