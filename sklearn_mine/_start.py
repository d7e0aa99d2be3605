"""A parametric start: canonical analysis of the two encoded vectors.

For a Gaussian pair the critic that attains the bound is known: a sum over canonical
pairs. Starting there, a network has only the rest to learn. Linear algebra alone,
fitted on the rows it is given; which correlations are real is judged on inner rows
that the directions did not see.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

# Directions of each side that are kept as coordinates.
MAX_COORDINATES = 128
# A canonical correlation counts if, on rows that did not choose its direction, it is
# this many standard errors above zero. Among 50 noise pairs, three standard errors
# let one through in 15 analyses.
_SIGNIFICANCE = 3.0
_MAX_CORRELATION = 0.99999


@dataclass(frozen=True)
class CanonicalStart:
    """Whitened coordinates of both sides and their correlations.

    Attributes
    ----------
    x_mean, y_mean : ndarray of shape (dx,), (dy,)
    x_directions, y_directions : ndarray of shape (dx, p), (dy, q)
        Coordinates are ``(x - x_mean) @ x_directions``: uncorrelated, of unit
        variance, canonical pairs first.
    correlations : ndarray of shape (min(p, q),)
        As held-out rows confirm them; zero where they do not.
    """

    x_mean: np.ndarray
    y_mean: np.ndarray
    x_directions: np.ndarray
    y_directions: np.ndarray
    correlations: np.ndarray


def canonical_start(x, y, *, rng, analyse=True):
    """Canonical analysis of encoded vectors.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)

    rng : numpy.random.Generator
        Splits the rows in halves.

    analyse : bool
        If False, the coordinates are the inputs, with no correlation.

    Returns
    -------
    start : CanonicalStart
    """
    n = len(x)
    if not analyse:
        return CanonicalStart(
            np.zeros(x.shape[1]),
            np.zeros(y.shape[1]),
            np.eye(x.shape[1]),
            np.eye(y.shape[1]),
            np.zeros(min(x.shape[1], y.shape[1])),
        )
    x_whiten, y_whiten = _whitener(x), _whitener(y)
    whitened = (x - x.mean(axis=0)) @ x_whiten, (y - y.mean(axis=0)) @ y_whiten
    left, _, right = _pairs(*whitened)
    n_pairs = min(left.shape[1], right.shape[1])
    confirmed = np.zeros(n_pairs)
    if n >= 8:
        halves = np.array_split(rng.permutation(n), 2)
        for fitted, judged in (halves, halves[::-1]):
            u_left, _, u_right = _pairs(whitened[0][fitted], whitened[1][fitted])
            u = whitened[0][judged] @ u_left[:, :n_pairs]
            v = whitened[1][judged] @ u_right[:, :n_pairs]
            confirmed += 0.5 * _correlations(u, v)
        confirmed[confirmed < _SIGNIFICANCE / np.sqrt(n)] = 0.0
    return CanonicalStart(
        x.mean(axis=0),
        y.mean(axis=0),
        x_whiten @ left[:, :MAX_COORDINATES],
        y_whiten @ right[:, :MAX_COORDINATES],
        np.clip(confirmed[:MAX_COORDINATES], 0.0, _MAX_CORRELATION),
    )


def _whitener(x):
    """Matrix that gives shrunk-covariance unit variance in every direction."""
    covariance = ledoit_wolf(x)[0] if x.shape[1] > 1 else np.atleast_2d(np.var(x))
    values, vectors = np.linalg.eigh(covariance)
    usable = values > 1e-10 * max(values[-1], 1e-300)
    return vectors[:, usable] / np.sqrt(values[usable])


def _pairs(x, y):
    """Singular vectors of the cross-covariance of whitened sides, all of them."""
    cross = x.T @ y / len(x)
    full = max(cross.shape) <= 4 * MAX_COORDINATES
    left, values, right = np.linalg.svd(cross, full_matrices=full)
    return left, values, right.T


def _correlations(u, v):
    u = u - u.mean(axis=0)
    v = v - v.mean(axis=0)
    scale = np.sqrt((u**2).sum(axis=0) * (v**2).sum(axis=0))
    return (u * v).sum(axis=0) / np.where(scale > 0, scale, 1.0)
