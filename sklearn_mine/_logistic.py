"""A parametric start for labels: multinomial logistic regression.

Its log-probability of a label less the log of the label's share is a critic, and the
best there is where classes differ by linear functions. The penalty is the one of a few
under which validation rows are likeliest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from ._typing import Floats, Ints

# Inverse penalties, from strict to loose, and classes and columns at most.
_INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0)
_MAX_CLASSES, _MAX_COLUMNS = 64, 2000
_MAX_STEPS = 200

_Fit = TypeVar("_Fit")


@dataclass(frozen=True)
class LogisticStart:
    """ln p(c | x) / p(c) of classes c, from encoded columns of x.

    Attributes
    ----------
    weights, intercepts : ndarray of shape (d, C), (C,)
        Of the scores whose softmax is p(c | x).
    log_shares : ndarray of shape (C,)
        ln p(c).
    codes : ndarray of shape (C, dy)
        Each class, encoded.
    """

    weights: Floats
    intercepts: Floats
    log_shares: Floats
    codes: Floats

    def of_x(self, x: Floats) -> Floats:
        """The ratio of each row with each class, (n, C)."""
        scores = x @ self.weights + self.intercepts
        return log_softmax(scores, axis=1) - self.log_shares

    def of_y(self, y: Floats) -> Floats:
        """Indicators of each row's class, (n, C)."""
        return (y[:, None] == self.codes).all(axis=2).astype(float)


def logistic_start(
    x: Floats, y: Floats, labels: Ints, fit_rows: Ints, valid_rows: Ints
) -> LogisticStart | None:
    """The regression of labels on columns, from some rows, judged by others.

    Parameters
    ----------
    x, y : ndarray of shape (n, d), (n, dy)
        Encoded; y holds the labels.
    labels : ndarray of shape (n,), int
    fit_rows, valid_rows : index arrays

    Returns
    -------
    start : LogisticStart or None
        None where there are too many classes or columns, or none to fit.
    """
    classes = np.unique(labels[fit_rows])
    if not 1 < len(classes) <= _MAX_CLASSES or x.shape[1] > _MAX_COLUMNS:
        return None
    known = valid_rows[np.isin(labels[valid_rows], classes)]
    if len(known) == 0:
        return None
    own = np.arange(len(known)), np.searchsorted(classes, labels[known])

    def fit(inverse_penalty: float) -> tuple[LogisticStart, float]:
        start = fit_logistic(x, y, labels, fit_rows, inverse_penalty)
        return start, -start.of_x(x[known])[own].mean()

    return loosened(fit, _INVERSE_PENALTIES)[0]


def loosened(
    fit: Callable[[float], tuple[_Fit, float]], inverse_penalties: Iterable[float]
) -> tuple[_Fit | None, float | None]:
    """The fit before the first, from strict to loose, that judges no better.

    Parameters
    ----------
    fit : callable
        Takes an inverse penalty, gives a fit and its loss on rows that judge.
    inverse_penalties : sequence of float, ascending

    Returns
    -------
    best, inverse_penalty
    """
    best, least = (None, None), np.inf
    for inverse_penalty in inverse_penalties:
        found, loss = fit(inverse_penalty)
        if loss >= least:
            break
        best, least = (found, inverse_penalty), loss
    return best


def fit_logistic(
    x: Floats, y: NDArray[Any], labels: Ints, rows: Ints | slice, inverse_penalty: float
) -> LogisticStart:
    """The regression of labels on columns, of some rows of two classes or more."""
    x, y, labels = x[rows], y[rows], labels[rows]
    classes, firsts, counts = np.unique(labels, return_index=True, return_counts=True)
    model = LogisticRegression(C=inverse_penalty, max_iter=_MAX_STEPS).fit(x, labels)
    weights, intercepts = model.coef_.T, model.intercept_
    if len(classes) == 2:
        weights = np.column_stack([0.0 * weights, weights])
        intercepts = np.append(0.0, intercepts)
    return LogisticStart(weights, intercepts, np.log(counts / len(labels)), y[firsts])
