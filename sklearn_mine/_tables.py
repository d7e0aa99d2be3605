"""Both terms of the bound as sums over a table of counts.

Two columns reduced to levels meet in a table; the product pairs of rows are a table
too, made of its margins.
"""

from typing import Any

import numpy as np
from scipy.special import xlogy

from ._encoding import mid_ranks
from ._typing import Floats

# Levels of the plain table, and rows in one of its cells on average.
_MAX_LEVELS = 24
_ROWS_IN_CELL = 10.0
# Rows that a critic's word on a cell counts for beside the cell's own.
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# Density ratios that a critic may claim, in training rows.
_MAX_RATIO = 0.25


def ceiling(n: float | Floats) -> Any:
    """The highest value of a critic that n training rows can support.

    Nobody learns a density ratio near n from n rows; where a critic claims one it
    extrapolates.
    """
    return np.log(np.maximum(np.asarray(n) * _MAX_RATIO, 2.0))


def clamp(values: Floats, n: float | Floats) -> Floats:
    """Values of critics (..., L, M) that n training rows can support."""
    highest = ceiling(n)[..., None, None]
    return np.clip(values, -highest, highest)


def pair_shares(tables: Floats, balanced: bool) -> Floats:
    """Shares of product pairs in each cell, from joint counts.

    Parameters
    ----------
    tables : ndarray of shape (..., L, M)
        Joint counts.
    balanced : bool
        Whether the rows were chosen to hold each level of y in its share. Then pairs
        within a level count in full; otherwise no row is paired with itself.

    Returns
    -------
    shares : ndarray of shape (..., L, M)
        Zero where there are no pairs.
    """
    by_x, by_y = tables.sum(axis=-1), tables.sum(axis=-2)
    pairs = by_x[..., None] * by_y[..., None, :]
    n = tables.sum(axis=(-2, -1))[..., None, None]
    if balanced:
        return pairs / n**2
    return (pairs - tables) / np.maximum(n * (n - 1.0), 1.0)


def with_cells(values: Floats, table: Floats) -> Floats:
    """Values of a critic, drawn towards the counts of single cells.

    The critic is the prior mean of the distribution of one side given the other, a
    Dirichlet; its strength is that under which rows left out are likeliest. Where the
    critic alone does as well, it stays as it is.

    Parameters
    ----------
    values : ndarray of shape (L, M)
        T less its log-normaliser.
    table : ndarray of shape (L, M)
        Counts of training rows; no level is empty on both sides.

    Returns
    -------
    values : ndarray of shape (L, M)
    """
    found, likeliest = values, (table * values).sum()
    for turned in (False, True):
        counts, prior = (part.T if turned else part for part in (table, np.exp(values)))
        of_row = counts.sum(axis=1, keepdims=True)
        share = np.maximum(counts.sum(axis=0), 1.0) / counts.sum()
        prior = prior / (prior @ share)[:, None]
        for strength in STRENGTHS:
            left_out = np.maximum(counts - 1.0, 0.0) / share + strength * prior
            left_out /= np.maximum(of_row - 1.0, 0.0) + strength
            likelihood = xlogy(counts, left_out).sum()
            if likelihood > likeliest:
                likeliest = likelihood
                posterior = counts / share + strength * prior
                ratio = np.log(posterior / (of_row + strength))
                found = ratio.T if turned else ratio
    return found


def tangent_score(
    values: Floats, test: Floats, balanced: bool = False
) -> tuple[Floats, Floats]:
    """Held-out bounds and their standard errors.

    Parameters
    ----------
    values : ndarray of shape (..., F, L, M)
        T less its log-normaliser, for the critic of each fold.
    test : ndarray of shape (..., F, L, M)
        Counts of the rows that it is scored on.
    balanced : bool
        See :func:`pair_shares`.

    Returns
    -------
    scores, std_errors : ndarray of shape (...,)
        The errors are from each row's influence, in both of its roles in product
        pairs.
    """
    tilted = np.exp(values)
    n_test = test.sum(axis=(-2, -1))
    n = n_test.sum(axis=-1)
    shares = pair_shares(test, balanced)
    partition = (shares * tilted).sum(axis=(-2, -1))
    partition = np.where(shares.any(axis=(-2, -1)), partition, 1.0)
    joint = (test * values).sum(axis=(-2, -1))
    scores = (joint + n_test * (1.0 - partition)).sum(axis=-1) / n
    with_x = np.einsum("...lm,...m->...l", tilted, test.sum(axis=-2))
    with_y = np.einsum("...lm,...l->...m", tilted, test.sum(axis=-1))
    in_pairs = with_x[..., None] + with_y[..., None, :]
    n_partners = n_test[..., None, None]
    if not balanced:
        in_pairs -= 2.0 * tilted
        n_partners = np.maximum(n_partners - 1.0, 1.0)
    influence = values - in_pairs / n_partners
    axes = (-3, -2, -1)
    mean = (test * influence).sum(axis=axes) / n
    square = (test * influence**2).sum(axis=axes) / n
    variance = np.maximum(square - mean**2, 0.0) / np.maximum(n - 1.0, 1.0)
    return scores, np.sqrt(variance)


def table_information(
    tables: Floats, ordered: tuple[bool, bool]
) -> tuple[Floats, Floats]:
    """Mutual information of tables of counts merged to few levels, bias removed.

    Neighbouring levels are merged until each holds its share of the rows, or, where
    levels have no order, the rarest into one; Miller and Madow's correction takes off
    the bias of the occupied cells.

    Parameters
    ----------
    tables : ndarray of shape (c, L, M)
        Their margins are the same.
    ordered : tuple of two bools
        Whether the levels of each side have an order.

    Returns
    -------
    information : ndarray of shape (c,)
    bias : ndarray of shape (c,)
        What was taken off. A critic with a weight for each cell would lose as much
        again on rows that it did not see.
    """
    n = tables[0].sum()
    n_levels = min(_MAX_LEVELS, max(2.0, np.sqrt(n / _ROWS_IN_CELL)))
    for axis in (0, 1):
        counts = tables[0].sum(axis=1 - axis)
        if not ordered[axis]:
            heaviest = np.argsort(-counts, kind="stable")
            tables = np.take(tables, heaviest, axis=1 + axis)
            n_kept = int((counts >= _ROWS_IN_CELL).sum())
            edges = np.arange(min(len(counts), n_kept + 1))
            tables = np.add.reduceat(tables, edges, axis=1 + axis)
        elif len(counts) > n_levels:
            codes = (mid_ranks(counts) * n_levels).astype(int)
            edges = np.flatnonzero(np.diff(codes, prepend=-1))
            tables = np.add.reduceat(tables, edges, axis=1 + axis)
    x_counts, y_counts = tables[0].sum(axis=1), tables[0].sum(axis=0)
    expected = np.outer(x_counts, y_counts) / n
    plain = xlogy(tables, tables).sum(axis=(1, 2)) - xlogy(expected, expected).sum()
    plain = plain / n
    occupied = (tables > 0).sum(axis=(1, 2))
    n_free = occupied - (x_counts > 0).sum() - (y_counts > 0).sum()
    bias = (n_free + 1) / (2 * n)
    return plain - bias, bias
