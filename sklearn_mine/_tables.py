"""Both terms of the bound as sums over a table of counts.

Two columns reduced to levels meet in a table; the product pairs of rows, none with
itself, are a table too, made of its margins.
"""

import numpy as np
from scipy.special import xlogy

from ._encoding import mid_ranks

# Levels of the plain table, and rows in one of its cells on average.
_MAX_LEVELS = 24
_ROWS_IN_CELL = 10.0


def count_pairs(tables):
    """Ordered pairs of distinct rows in each cell, from joint counts (..., L, M)."""
    by_x, by_y = tables.sum(axis=-1), tables.sum(axis=-2)
    return by_x[..., None] * by_y[..., None, :] - tables


def tangent_score(values, test):
    """Held-out bounds and their standard errors.

    Parameters
    ----------
    values : ndarray of shape (..., F, L, M)
        T less its log-normaliser, for the critic of each fold.
    test : ndarray of shape (..., F, L, M)
        Counts of the rows that it is scored on.

    Returns
    -------
    scores, std_errors : ndarray of shape (...,)
        The errors are from each row's influence, in both of its roles in product
        pairs; no row is paired with itself.
    """
    tilted = np.exp(values)
    n_test = test.sum(axis=(-2, -1))
    n = n_test.sum(axis=-1)
    n_pairs = np.maximum(n_test * (n_test - 1.0), 1.0)
    partition = (count_pairs(test) * tilted).sum(axis=(-2, -1)) / n_pairs
    partition = np.where(n_test > 1, partition, 1.0)
    joint = (test * values).sum(axis=(-2, -1))
    scores = (joint + n_test * (1.0 - partition)).sum(axis=-1) / n
    with_x = np.einsum("...lm,...m->...l", tilted, test.sum(axis=-2))
    with_y = np.einsum("...lm,...l->...m", tilted, test.sum(axis=-1))
    in_pairs = with_x[..., None] + with_y[..., None, :] - 2.0 * tilted
    n_others = np.maximum(n_test - 1.0, 1.0)[..., None, None]
    influence = values - in_pairs / n_others
    axes = (-3, -2, -1)
    mean = (test * influence).sum(axis=axes) / n
    square = (test * influence**2).sum(axis=axes) / n
    variance = np.maximum(square - mean**2, 0.0) / np.maximum(n - 1.0, 1.0)
    return scores, np.sqrt(variance)


def table_information(tables, ordered):
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
