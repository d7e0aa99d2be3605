"""mine_matrix: every pair of columns."""

import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    discrete_overrides,
    draw_seed,
    has_numbers,
    require_pairs,
    warn_of_few_rows,
    warn_of_many_labels,
    warn_of_numbers_in_text,
)
from ._copies import infinite_pairs, warn_of_infinite
from ._encoding import MAX_LABELS, Override, level_columns
from ._params import NATS_PER_UNIT
from ._progress import progress
from ._score import MINEScore, as_score
from ._table import Table, as_given, as_groups, as_table
from ._tasks import Chunk, Task, chunks_of, run_tasks
from ._typing import SeedLike, TableLike, validate_params
from ._warn import warn

# Pairs above this are looked at more closely, in nats: a few dozen levels lose a
# twentieth there, and a closer look takes a second.
_STRONG = 1.5

# What decides which column of a pair is the target.
Mark = tuple[bool, int]

_CONSTRAINTS = {
    "score": "no_validation",  # in as_score
    "discrete_features": ["array-like", "boolean", str],
    "groups": ["array-like", None],
    "normalize": ["boolean"],
    "return_p_values": ["boolean"],
    "return_std": ["boolean"],
    **{
        name: MINEScore._parameter_constraints[name]
        for name in ("units", "n_jobs", "random_state", "verbose")
    },
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def mine_matrix(
    X: TableLike,
    Y: TableLike | None = None,
    *,
    given: TableLike | None = None,
    normalize: bool = False,
    score: MINEScore | None = None,
    discrete_features: ArrayLike = "auto",
    groups: ArrayLike | None = None,
    units: str = "nats",
    n_jobs: int | None = None,
    random_state: SeedLike = None,
    verbose: int = 0,
    return_p_values: bool = False,
    return_std: bool = False,
) -> Any:
    """Mutual information of all pairs of columns.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n, dx)
        Numbers, text, categories, booleans, dates; missing cells are allowed and
        count as values of their own.

    Y : array-like, sparse matrix or DataFrame of shape (n, dy), default=None
        If given, pairs are one column of X and one of Y; else both are of X.

    given : array-like or DataFrame of shape (n,) or (n, dz), default=None
        What all pairs are conditioned on. Takes about as long for each dependent pair
        as a fit of MINE.

    normalize : bool, default=False
        Whether to return ``sqrt(1 - exp(-2 I))`` instead of I, with I below zero taken
        for zero: of a Gaussian pair the absolute correlation, of others what a Gaussian
        pair of the same information has. Standard errors stay those of I.

    score : MINEScore, default=None
        How pairs are scored: its critic, objective, folds, encoding and max_samples
        are used. The defaults of :class:`MINEScore` by default.

    discrete_features : "auto", bool, mask, indices or names, default="auto"
        Which columns of X hold unordered labels. "auto" decides from values and
        ties; text and categories always are, and columns of Y are always decided on.

    groups : array-like of shape (n,), default=None
        Groups of the rows that belong to one fold.

    units : {"nats", "bits"}, default="nats"
        Of information and standard errors.

    n_jobs : int, default=None
        Columns done in parallel, through joblib. None means 1, unless a
        ``joblib.parallel_config`` says otherwise.

    random_state : int, RandomState instance or None, default=None
        The same seed gives a pair the same value, whatever other columns there are, in
        whatever order, and whatever `n_jobs`.

    verbose : int, default=0
        1 shows a bar of the pairs done, where it takes more than two seconds.

    return_p_values, return_std : bool, default=False
        Whether to return the p-values of (conditional) independence, and the standard
        errors.

    Returns
    -------
    information : ndarray or DataFrame of shape (dx, dx) or (dx, dy)
        Held-out bounds in `units`, or with `given` estimates that are no bounds; see
        `normalize`. Symmetric, with NaN on the diagonal, if Y is None: a continuous
        column tells infinitely much about itself. Of DataFrames a DataFrame, whose
        columns have the names of those of Y; a pandas one has those of X as its index.

    p_values : ndarray or DataFrame of the same shape
        Only with `return_p_values`.

    std_errors : ndarray or DataFrame of the same shape
        In `units`. Only with `return_std`.

    Raises
    ------
    ValueError
        If a parameter or input is unusable; the message names it.

    See Also
    --------
    mine_score : Columns against one target.

    References
    ----------
    Linfoot (1957), "An informational measure of correlation": `normalize`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine import mine_matrix
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> X[:, 2] = X[:, 0] ** 2 + 0.5 * rng.normal(size=1000)
    >>> mine_matrix(X, normalize=True, random_state=0).round(1) + 0.0
    array([[nan, 0. , 0.9],
           [0. , nan, 0. ],
           [0.9, 0. , nan]])
    """
    params = as_score(score)
    table = as_table(X, "X")
    n = table.shape[0]
    require_pairs(n)
    warn_of_few_rows(n)
    groups = as_groups(groups, n)
    overrides = discrete_overrides(discrete_features, table)
    if given is not None:
        given = as_given(given, n_rows=n)
        warn_of_numbers_in_text(given)
    of_other: list[Override]
    if Y is None:
        other, of_other = table, overrides
    else:
        other = as_table(Y, "Y")
        of_other = ["auto"] * other.shape[1]
        if other.shape[0] != n:
            raise ValueError(
                f"X has {n} rows and Y has {other.shape[0]}. Pass one row of Y for "
                "each of X."
            )
        warn_of_numbers_in_text(other)
    warn_of_numbers_in_text(table, overrides)
    if has_numbers(other, of_other):
        warn_of_many_labels(table, overrides, MAX_LABELS, "Against numbers")
    if Y is not None and has_numbers(table, overrides):
        warn_of_many_labels(other, of_other, MAX_LABELS, "Against numbers")
    tables, discrete = (table, other), (overrides, of_other)
    marks = _marks(table, overrides, params.encoding)
    of_others = marks if Y is None else _marks(other, of_other, params.encoding)
    pairs = _pairs(marks, of_others, same=Y is None)
    infinite = infinite_pairs(table, overrides, other, of_other)
    if Y is None:
        infinite = [(i, j) for i, j in infinite if i < j]
    warn_of_infinite(infinite, table, other)
    seed = draw_seed(random_state)

    def work() -> Iterator[tuple[Task, Chunk]]:
        for (side, j), columns in pairs.items():
            target = tables[side].block([j])
            task = Task(
                target,
                params,
                discrete=[discrete[side][j]],
                groups=groups,
                seed=seed,
                strong=_STRONG,
            )
            if given is not None:
                task.condition_on(given, "auto")
            for some in chunks_of([[i] for i in columns], n, 1):
                yield task, Chunk(tables[1 - side], discrete[1 - side], some)

    n_pairs = sum(map(len, pairs.values()))
    shape = table.shape[1], other.shape[1]
    # Columns that tell nothing at all share nothing.
    values, p_values, errors = np.zeros(shape), np.ones(shape), np.zeros(shape)
    with (
        progress(n_pairs, "mine_matrix", "pair", shown=verbose) as bar,
        closing(run_tasks(work(), n_jobs, bar)) as parts,
    ):
        outcomes = (each for part in parts for each in part)
        for (side, j), columns in pairs.items():
            for i in columns:
                place = (i, j) if side else (j, i)
                values[place], errors[place], p_values[place], _ = next(outcomes)
    if normalize:
        values = np.sqrt(-np.expm1(-2.0 * np.maximum(values, 0.0)))
    else:
        values /= NATS_PER_UNIT[units]
    results = [values]
    if return_p_values:
        results.append(p_values)
    if return_std:
        results.append(errors / NATS_PER_UNIT[units])
    if Y is None:
        for result in results:
            lower = np.tril_indices(len(result), -1)
            result[lower] = result.T[lower]
            np.fill_diagonal(result, np.nan)
    results = [table.framed(result, other) for result in results]
    return results[0] if len(results) == 1 else tuple(results)


def _marks(table: Table, discrete: list[Override], encoding: str) -> list[Mark]:
    """What decides which column of a pair is the target: discrete ones, then any.

    Its ranks alone mark a column, wherever it stands in the table.
    """
    columns = (table.column(j) for j in range(table.shape[1]))
    marks, identifiers = [], []
    every = level_columns(columns, encoding=encoding, discrete=discrete)
    for j, levels in enumerate(every):
        code = zlib.crc32(np.ascontiguousarray(levels.codes).data)
        marks.append((levels.encoding.discrete, code))
        if levels.encoding.kind == "identifier":
            identifiers.append(table.label(j))
    if identifiers:
        warn(
            f"Text that is unique in nearly every row of {table.name} carries no "
            f"information that other rows could show, and shares 0: {identifiers}.",
        )
    return marks


def _pairs(
    marks: list[Mark], other_marks: list[Mark], same: bool
) -> dict[tuple[int, int], list[int]]:
    """For each target, (side, column), the columns of the other side to score.

    Of one table with itself, only pairs (i, j) with i < j.
    """
    pairs: dict[tuple[int, int], list[int]] = {}
    for i, mark in enumerate(marks):
        for j, other in enumerate(other_marks):
            if same and j <= i:
                continue
            target, column = ((0, i), j) if mark > other else ((1, j), i)
            pairs.setdefault(target, []).append(column)
    return pairs
