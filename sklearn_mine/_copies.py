"""Columns that are increasing or decreasing functions of each other.

Each tells the other exactly. No critic has to learn how: in order, a few neighbouring
rows make a cell, which is the same on both sides, and what such cells tell is counted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._encoding import LevelMap, Override, fit_column
from ._table import Table, is_missing
from ._typing import Floats, Folds, Ints
from ._warn import some_of, warn

# Rows that tell at once that most pairs of columns are no functions of each other, and
# rows of which fewer may fall in order by chance.
_FEW, _MIN_IN_ORDER = 16, 10
# Rows of a cell, that others of it train on where some are held out: of 2 to 8, with
# 100 to 100,000 rows, those of 3 or 4 show most.
_CELL = 3
# A cell of rows whose other side is missing has so many times as many.
_LONELY = 4
# Where groups or sorted folds hold out whole cells, these tell nothing; two folds meet
# three of four.
_MET = 0.6

# The cell of each row, of either column.
Cells = tuple[Ints, Ints]


def infinite_pairs(
    table: Table,
    discrete: Sequence[Override],
    other: Table,
    of_other: Sequence[Override],
) -> list[tuple[int, int]]:
    """Pairs of continuous columns that are increasing or decreasing functions.

    Parameters
    ----------
    table, other : Table
    discrete, of_other : list of bool or "auto"
        See `discrete_overrides`.

    Returns
    -------
    pairs : list of (int, int)
        A column of `table` and one of `other` of which each tells the other without
        end. Rows in which either is missing are left out.
    """
    # Whole columns are read only where a few rows let them be functions.
    some = _few(table.shape[0])
    few, of_others = (_numbers_of(part.rows(some)) for part in (table, other))
    if not few:
        return []
    numeric, stacked = list(few), np.column_stack(list(few.values()))
    pairs = []
    for j, values in of_others.items():
        order = np.argsort(values, kind="stable")
        rises = np.diff(values[order]) > 0  # not where either is missing
        steps = np.diff(stacked[order], axis=0)[rises]
        one_way = ~(steps <= 0).any(axis=0) | ~(steps >= 0).any(axis=0)
        for i in np.asarray(numeric)[one_way].tolist():
            x, y = table.column(i), other.column(j)
            known = (x, discrete[i]), (y, of_other[j])
            if all(_is_continuous(*each) for each in known) and _are_functions(x, y):
                pairs.append((i, j))
    return pairs


def warn_of_infinite(pairs: list[tuple[int, int]], table: Table, other: Table) -> None:
    """Say which pairs of columns, of :func:`infinite_pairs`, share without end."""
    if pairs:
        names = [
            f"{table.name}[{table.label(i)!r}] and {other.name}[{other.label(j)!r}]"
            for i, j in pairs
        ]
        warn(
            f"{some_of(names, 'pairs')}: continuous, and each an increasing or "
            "decreasing function of the other, so their mutual information is "
            "infinite. The estimate only says what so many rows can show; drop one of "
            "the two."
        )


def copied_cells(x: NDArray[Any], y: NDArray[Any]) -> Cells | None:
    """Cells of two columns of numbers that are functions of each other.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Columns that a Table gave.

    Returns
    -------
    x_cells, y_cells : ndarray of shape (n,)
        The cell of each row: equal values, and neighbours of those that come seldom.
        The same for both but where either is missing, which has a cell of its own.
        None where the columns are no such functions.
    """
    if not (_is_numbers(x) and _is_numbers(y)):
        return None
    some = _few(len(y))
    if not (_one_way(x[some], y[some]) and _are_functions(x, y)):
        return None
    if is_missing(y).sum() > is_missing(x).sum():
        y_cells, x_cells = _along(y, x)
    else:
        x_cells, y_cells = _along(x, y)
    return None if len(np.unique(y_cells)) < 2 else (x_cells, y_cells)


def _along(x: Floats, y: Floats) -> Cells:
    """Cells along y, of which fewer are missing."""
    x_known, y_known = ~is_missing(x), ~is_missing(y)
    _, value, counts = np.unique(y[y_known], return_inverse=True, return_counts=True)
    paired = np.bincount(value[x_known[y_known]], minlength=len(counts))
    y_cells = np.empty(len(y), dtype=np.int64)
    y_cells[y_known] = of_values = _filled(paired, counts)[value]
    y_cells[~y_known] = missing = of_values.max() + 1
    both = x_known & y_known
    x_cells = np.where(x_known, LevelMap(x[both], y_cells[both])(x), missing)
    return x_cells, y_cells


def _filled(paired: Ints, counts: Ints) -> Ints:
    """The cell of each value, of which so many rows have it, paired ones or all."""
    cells, cell, n_paired, n_rows = np.empty_like(counts), 0, 0, 0
    of_values = zip(paired.tolist(), counts.tolist(), strict=True)
    for place, (n_paired_more, n_more) in enumerate(of_values):
        cells[place] = cell
        n_paired, n_rows = n_paired + n_paired_more, n_rows + n_more
        if n_paired >= _CELL or n_rows >= _LONELY * _CELL:
            cell, n_paired, n_rows = cell + 1, 0, 0
    return cells


def are_met(cells: Cells, folds: Folds) -> bool:
    """Whether training rows meet the cells of most rows that are held out."""
    met = [np.isin(each[test], each[train]) for train, test in folds for each in cells]
    return bool(np.concatenate(met).mean() > _MET)


def _few(n: int) -> slice:
    """A few rows from all over a table, which may be sorted."""
    return slice(None, None, max(1, n // _FEW))


def _is_numbers(column: NDArray[Any]) -> bool:
    return column.dtype != object


def _numbers_of(table: Table) -> dict[int, Floats]:
    """The columns of numbers, by their place."""
    columns = {j: table.column(j) for j in range(table.shape[1])}
    return {j: column for j, column in columns.items() if _is_numbers(column)}


def _are_functions(x: Floats, y: Floats) -> bool:
    """Whether x and y, where both are there, are strictly monotone in each other."""
    present = ~(np.isnan(x) | np.isnan(y))
    x, y = x[present], y[present]
    return len(y) >= _MIN_IN_ORDER and bool((y != y[0]).any()) and _one_way(x, y)


def _one_way(x: Floats, y: Floats) -> bool:
    """The same of rows of which none is missing, or none where both rise."""
    order = np.argsort(y, kind="stable")
    x_steps, y_steps = np.diff(x[order]), np.diff(y[order])
    rises = ~(np.isnan(x_steps) | np.isnan(y_steps))
    x_steps, y_steps = x_steps[rises], y_steps[rises]
    one_way = (x_steps >= 0).all() or (x_steps <= 0).all()
    return bool(one_way and ((x_steps != 0) == (y_steps != 0)).all())


def _is_continuous(column: NDArray[Any], discrete: Override) -> bool:
    """Whether most values, of a column that is not labels, come once."""
    fitted, summary = fit_column(column, discrete=discrete)
    if fitted.discrete or summary is None:
        return False
    return bool((summary[2] == 1).mean() > 0.5)
