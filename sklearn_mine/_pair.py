"""Two single columns: critics solved on the grid of their levels.

Where a few hundred levels hold what either column tells, a bilinear critic on their
grid is solved with every pair of training rows and scored with every pair of held-out
ones, in about a second. Networks are trained by gradient only where a plain table of
counts shows that it misses something.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ._basis import Side
from ._copies import Cells, are_met
from ._crossfit import CrossFit, cross_fit, hold_shares, n_repeats
from ._encoding import (
    MAX_LABELS,
    Levels,
    Override,
    has_many_labels,
    level_column,
)
from ._labels import LabelGrid
from ._params import Settings
from ._progress import share
from ._pursuit import level_units, striking_direction, waves_along
from ._student import MAX_ROWS, student_start
from ._tables import (
    clamp,
    pair_shares,
    table_information,
    tangent_score,
    with_cells,
)
from ._typing import Floats, Folds, Ints
from .nn.bilinear import Solution, solve_bilinear
from .nn.critics import Bank
from .nn.scoring import Judge, for_each
from .nn.student import student_table

# Levels of a continuous column, its half waves, and indicators (all there are, with
# one for missing cells).
N_LEVELS = 256
_MAX_FREQUENCY, _MAX_INDICATORS = 32, MAX_LABELS + 1
# Products of functions of both sides up to this order, and so many at most.
_MAX_ORDER, _MAX_PRODUCTS = 32.0, 1024
# Directions across both columns that a critic also looks along at most.
_MAX_DIRECTIONS = 2
# None is looked for where a critic nears the log of the number of rows by this much:
# one column is then all but a copy of the other.
_BEYOND = 2.0
# Networks are tried if a plain table shows this much more than the solved critic
# (nats, and relative), or where the levels themselves limit what can be told.
_GAP, _RELATIVE_GAP, _STRONG = 0.03, 0.1, 3.0


def fine_levels(values: NDArray[Any], *, encoding: str, discrete: Override) -> Levels:
    """A column in as many levels as a pair takes."""
    levels = level_column(
        values, encoding=encoding, discrete=discrete, n_levels=N_LEVELS
    )
    if not levels.ordered or levels.encoding.discrete:
        return levels
    return replace(levels, units=level_units(values, levels.codes))


def _most(n: float) -> float:
    """Nats above which n rows show so much that no direction could add to it."""
    return np.log(n) - _BEYOND


def falls_short(score: float, gap: float) -> bool:
    """Whether a solved critic of this score seems to miss something."""
    return gap > max(_GAP, _RELATIVE_GAP * score)


def fit_pair(
    pair: "Pair",
    x: Floats,
    y: Floats,
    settings: Settings,
    *,
    may_lean: bool = True,
    **options: Any,
) -> CrossFit:
    """The solved critics of two columns, or networks where those judge better.

    Parameters
    ----------
    pair : Pair
    x, y : ndarray of shape (n, dx), (n, dy)
        The two columns, encoded.
    may_lean : bool
        Whether networks' fit is taken where it leans on its start.
    settings, options
        See :func:`cross_fit`.

    Returns
    -------
    fit : CrossFit
    """
    with share(0.0, 0.5):
        fit = pair.cross_fit(settings.n_jobs)
    if isinstance(pair.grid, LabelGrid):
        return fit
    limited = fit.estimate > _STRONG and not pair.exact
    short = limited or falls_short(fit.estimate, pair.gap(fit))
    if settings.solver == "auto" and short:
        with share(0.5, 1.0):
            trained = cross_fit(x, y, pair.folds, settings, rival=pair, **options)
        if trained is not None and (may_lean or not trained.leans_on_start):
            return trained
    return fit


class TableBank(Bank):
    """K critics as tables over levels; a level of -1 knows nothing.

    Parameters
    ----------
    tables : ndarray of shape (K, L, M)
    """

    def __init__(self, tables: Floats) -> None:
        super().__init__()
        after = ((0, 0), (0, 1), (0, 1))
        tables = np.pad(tables, after).astype(np.float32)
        self.register_buffer("head", torch.from_numpy(tables))

    def forward(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor, critics: slice
    ) -> torch.Tensor:
        """Values of pairs, (1, R, B); see :meth:`CriticBank.forward`."""
        x, y = x[0, :, 0].long(), y[0, :, 0].long()
        return self.head[critics][:, x[None], y[partners]]


# What a critic is solved from, but for tables.
Problem = tuple[Floats, Floats, Floats, Floats, Floats, float]


class Grid:
    """The grid of two columns' levels, and what critics on it are made of.

    Parameters
    ----------
    x, y : Levels
    balanced : bool
        Whether training rows hold each label of y in its share.
    """

    def __init__(self, x: Levels, y: Levels, balanced: bool) -> None:
        counts = tuple(np.bincount(side.codes).astype(float) for side in (x, y))
        self.shape = tuple(map(len, counts))
        self.balanced = balanced
        self.units = x.units, y.units
        self.ordered = x.ordered and y.ordered
        self.x, self.y = (
            Side.of(
                side,
                counts,
                max_frequency=_MAX_FREQUENCY,
                max_indicators=_MAX_INDICATORS,
            ).standardised(counts)
            for side, counts in zip((x, y), counts, strict=True)
        )
        self.order = np.outer(self.x.order, self.y.order)
        allowed = self.order <= _MAX_ORDER
        allowed[0], allowed[:, 0] = True, True
        allowed[0, 0] = False
        self.order[~allowed] = np.inf
        spare = np.argsort(self.order, axis=None, kind="stable")[_MAX_PRODUCTS:]
        self.order.flat[spare] = np.inf
        # Normal scores of the levels, where both sides are ordered numbers.
        graded = all(s.encoding.kind == "numeric" and s.ordered for s in (x, y))
        self.scores = (x.values[:, 0], y.values[:, 0]) if graded else None

    def table(self, x_codes: Ints, y_codes: Ints) -> Floats:
        """Counts of rows in each pair of levels, (L, M)."""
        cells = np.ravel_multi_index((x_codes, y_codes), self.shape)
        counts = np.bincount(cells, minlength=np.prod(self.shape))
        return counts.reshape(self.shape).astype(float)

    def solve(self, table: Floats) -> Floats:
        """The critic of training rows, T less its log-normaliser, (L, M)."""
        n = table.sum()
        product = pair_shares(table, self.balanced)
        problem = self.x.values, self.y.values, self.order, table / n, product, n
        values = self._solve_along(problem, self._starts(table)).values
        if not self.ordered:
            values = with_cells(clamp(values, n), table)
            values = values - np.log((product * np.exp(values)).sum())
        return clamp(values, n)

    def score(
        self, critics: Sequence[Floats], tables: Sequence[Floats]
    ) -> tuple[float, float]:
        """Held-out bound of critics on the rows of tables, and its standard error."""
        found = tangent_score(np.stack(critics), np.stack(tables), self.balanced)
        return float(found[0]), float(found[1])

    def fitted(self, critics: Sequence[Floats], tables: Sequence[Floats]) -> float:
        """The bound on the training rows of each critic."""
        return self.score(critics, tables)[0]

    def bank(self, critics: Sequence[Floats], table: Floats) -> TableBank:
        """Critics whose mean is normalised over these rows."""
        values = np.stack(critics)
        product = pair_shares(table, self.balanced)
        return TableBank(values - np.log((product * np.exp(values.mean(axis=0))).sum()))

    def judge(
        self, bank: TableBank, x_codes: Ints, y_codes: Ints, learnt: Any = None
    ) -> tuple[float, float]:
        """Bound of the mean critic on rows, new levels among them, and its error.

        Rows that it has learnt count like others.
        """
        critic = bank.head.double().mean(dim=0).numpy()
        table = np.zeros_like(critic)
        # The last level, of zeros, is that of -1.
        np.add.at(table, (x_codes, y_codes), 1.0)
        estimate, error = tangent_score(critic[None], table[None])
        return float(estimate), float(error)

    def _solve_along(self, problem: Problem, tables: Floats) -> Solution:
        """Solve with tables, and along directions for which the evidence is."""
        *_, joint, product, n = problem
        table_order = np.ones(len(tables))
        solution = solve_bilinear(*problem, tables)
        x_units, y_units = self.units
        if x_units is None or y_units is None:
            return solution
        for _ in range(_MAX_DIRECTIONS):
            if (joint * np.where(joint > 0.0, solution.values, 0.0)).sum() > _most(n):
                break
            met = np.where(product > 0.0, solution.values, 0.0)
            expected = product * np.exp(met)
            places = striking_direction(x_units, y_units, joint, expected, n)
            if places is None:
                break
            waves, wave_order = waves_along(places, product)
            tables = np.concatenate([tables, waves])
            table_order = np.concatenate([table_order, wave_order])
            further = solve_bilinear(*problem, tables, table_order)
            if further.evidence <= solution.evidence:
                break
            solution = further
        return solution

    def _starts(self, table: Floats) -> Floats:
        """Parametric critics of some rows to begin with, (E, L, M).

        The terms of a Gaussian, and a Student-t's copula where its tails explain more.
        """
        if self.scores is None:
            return np.empty((0, *self.shape))
        x, y = self.scores
        one = np.ones(self.shape)
        gaussian = [np.outer(x, y), x[:, None] ** 2 * one, y**2 * one]
        # No more rows than count, evenly from all of the table.
        ends = np.cumsum(table.ravel())
        n_rows = min(int(ends[-1]), MAX_ROWS)
        rows = (np.arange(n_rows) + 0.5) * (ends[-1] / n_rows)
        cells = np.searchsorted(ends, rows, side="right")
        x_codes, y_codes = np.unravel_index(cells, self.shape)
        student = student_start(x[x_codes, None], y[y_codes, None])
        if student is not None:
            gaussian.append(student_table(student, x, y))
        return np.stack(gaussian)


def _labels_of(side: Levels) -> tuple[Ints, Ints]:
    """A number for each row's label, and the level of each label."""
    codes = side.codes if side.own is None else side.own
    levels = np.zeros(codes.max() + 1, dtype=np.int64)
    levels[codes] = side.codes
    return codes, levels


class Pair:
    """Two columns reduced to levels.

    Parameters
    ----------
    x, y : Levels
        As :func:`fine_levels` gives them.
    folds : list of (train, test) index arrays
    cells : pair of ndarrays of shape (n,), optional
        Where a column of numbers copies the other; see :func:`copied_cells`.
    """

    def __init__(
        self,
        x: Levels,
        y: Levels,
        folds: Folds,
        cells: Cells | None = None,
    ) -> None:
        self.x, self.y, self.folds = x, y, folds
        # Whether levels tell all that labels tell.
        self.exact = all(side.whole and side.encoding.discrete for side in (x, y))
        self.grid: Any
        self.in_cells = (
            cells is not None
            and not (x.encoding.discrete and y.encoding.discrete)
            and are_met(cells, folds)
        )
        if cells is not None and self.in_cells:
            self.codes, self.ordered = cells, (True, True)
            x_levels, y_levels = (np.zeros(side.max() + 1, dtype=int) for side in cells)
            self.grid = LabelGrid(x_levels, y_levels, balanced=False)
            return
        self.codes, self.ordered = (x.codes, y.codes), (x.ordered, y.ordered)
        balanced = hold_shares(folds, y.labels)
        # Of labels alone single cells tell all. (Two values have no order.)
        labels = not any(side.ordered and len(side.values) > 2 for side in (x, y))
        grid = None if labels else Grid(x, y, balanced)
        self.grid = grid
        if labels or has_many_labels(x, y):
            self.codes, levels = zip(*map(_labels_of, (x, y)), strict=True)
            self.grid = LabelGrid(levels[0], levels[1], balanced, grid)

    def table(self, rows: Ints | slice) -> Any:
        """Counts of some rows."""
        x, y = self.codes
        return self.grid.table(x[rows], y[rows])

    def solve(self, rows: Sequence[Ints], n_jobs: int | None) -> list[Any]:
        """Critics of several sets of training rows.

        Parameters
        ----------
        rows : list of K index arrays
        n_jobs : int

        Returns
        -------
        critics : list of K, each ndarray of shape (L, M) or LabelCritic
            T less its log-normaliser.
        """
        tables = [(self.table(each),) for each in rows]
        return for_each(self.grid.solve, tables, n_jobs, tells=True)

    def cross_fit(self, n_jobs: int | None) -> CrossFit:
        """Solve a critic for each fold and score all rows, as `cross_fit` does."""
        critics = self.solve([train for train, _ in self.folds], n_jobs)
        train, test = (
            [self.table(rows) for rows in part]
            for part in zip(*self.folds, strict=True)
        )
        estimate, error = self.grid.score(critics, test)
        fitted = self.grid.fitted(critics, train)
        seen = np.unique(np.concatenate([train for train, _ in self.folds]))
        return CrossFit(
            self.grid.bank(critics, self.table(seen)),
            log_normalizer=0.0,
            limits=(-np.inf, np.inf),
            estimate=estimate,
            std_error=float(error * np.sqrt(n_repeats(self.folds))),
            fitted=fitted,
            history=[],
            n_iter=np.zeros(len(self.folds), dtype=int),
            leans_on_start=False,
            held_out_bound=estimate,
        )

    def judged_by(self, judge: Judge, rows: Sequence[Ints]) -> Floats:
        """What a judge of other critics, of the same rows, finds of these, (K,)."""
        codes = (torch.from_numpy(side.codes[:, None]) for side in (self.x, self.y))
        return judge.like(*codes)(TableBank(np.stack(self.solve(rows, judge.n_jobs))))

    def gap(self, fit: CrossFit) -> float:
        """What a plain table of counts would show on held-out rows beyond a fit."""
        every = self.table(slice(None))[None]
        ordered = (self.x.ordered, self.y.ordered)
        information, bias = table_information(every, ordered)
        return float(information[0] - bias[0]) - fit.estimate
