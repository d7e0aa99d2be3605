"""Many columns against one target: critics on levels, heads solved.

A column and a target, each reduced to a few dozen levels, meet in a small table of
counts. All pairs of held-out rows, none with itself, are then a table of counts too,
so both terms of the bound are exact sums over levels, whatever the number of rows.
Critics have random hidden units of (x, y) beside products of one side's functions with
the other's; for columns without ties the features are the same and all columns and
folds are solved in one batch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import _null
from ._basis import Side
from ._crossfit import hold_shares, n_repeats
from ._encoding import Levels, Override, has_many_labels, level_columns
from ._params import Settings
from ._quick import QuickLook, quick_side
from ._tables import clamp, pair_shares, table_information, tangent_score
from ._typing import Bools, Floats, Folds
from .nn.critics import ACTIVATIONS
from .nn.newton import solve_head

# Prior precisions of a standardised head weight, in rows; the evidence of the
# training rows picks one for each column and fold. Strong dependences need a free
# head, weak ones a tight one.
RIDGES = np.array([1.0, 3.0, 10.0, 30.0, 100.0])
# Indicators that enter a head one by one, and half waves along the ranks.
_MAX_INDICATORS, _MAX_FREQUENCY = 12, 4
_MAX_CRITICS = 512
# Cells of labels on both sides that are solved for a score.
_MAX_CELLS = 4096
# Where a first look shows less than the first, in nats or over the number of rows, it
# is the score; more than the second is solved, and between them both count.
_WEAK, _CLEAR = (0.02, 4.0), (0.05, 10.0)


@dataclass(frozen=True)
class ColumnScores:
    """Scores of columns, in nats, (c,) each.

    `gaps` is what a plain table of counts, its bias removed, shows beyond the score,
    `gap_errors` its standard deviation where there is nothing to show;
    `kinds` is "newton", "none" or "identifier"; `lumped` says where labels are better
    counted: too many for a level each, though the target is discrete, or those of the
    target are, or in too many cells to be solved fast.
    """

    scores: Floats
    std_errors: Floats
    p_values: Floats
    gaps: Floats
    gap_errors: Floats
    kinds: NDArray[Any]
    lumped: Bools


class ColumnScorer:
    """Scores columns one chunk at a time; what belongs to the target is kept.

    Parameters
    ----------
    target : Levels
    folds : list of (train, test) index arrays
    settings : Settings
    seed : int
        Seeds everything that is drawn, the same for each column.
    independent_rows : bool
        Whether any row may be scored by what all others show.
    counts_labels : bool
        Whether who calls counts the lumped columns himself: they get a p-value alone.
    """

    def __init__(
        self,
        target: Levels,
        folds: Folds,
        settings: Settings,
        seed: int,
        independent_rows: bool = True,
        counts_labels: bool = False,
    ) -> None:
        self.target, self.folds = target, folds
        self.counts_labels = counts_labels
        self.balanced = hold_shares(folds, target.labels)
        self.settings, self.seed = settings, seed
        self.n_rows = len(target.codes)
        self.counts = np.bincount(target.codes).astype(float)
        self.n_train = np.array([len(train) for train, _ in folds], dtype=float)
        self.n_test = np.array([len(test) for _, test in folds], dtype=float)
        self.widening = np.sqrt(n_repeats(folds))
        fold_of_row = np.full(self.n_rows, -1)
        for k, (_, test) in enumerate(folds):
            fold_of_row[test] = k
        # A partition, whose training rows are all others, has a shorter way.
        whole = (self.n_train + self.n_test == self.n_rows).all()
        tested = np.bincount(np.concatenate([test for _, test in folds]))
        once = len(tested) == self.n_rows and (tested == 1).all()
        self._fold_of_row = fold_of_row if whole and once else None
        self.test_features, _ = _null.test_features(
            target.values, self.counts, self._rng("target units")
        )
        self._shared: _Prepared | None = None
        self._target_side = None
        if independent_rows and settings.solver == "auto" and settings.start:
            self._target_side = quick_side(target, self.counts)

    def score(
        self,
        columns: Iterable[NDArray[Any]],
        *,
        encoding: str,
        discrete: Sequence[Override],
    ) -> ColumnScores:
        """Score columns.

        Parameters
        ----------
        columns : iterable of c ndarrays of shape (n,)
        encoding : {"rank", "standard"}
        discrete : list of c bools or "auto"

        Returns
        -------
        result : ColumnScores
        """
        size = len(discrete)
        result = ColumnScores(
            np.zeros(size),
            np.zeros(size),
            np.ones(size),
            np.zeros(size),
            np.zeros(size),
            np.full(size, "none", dtype=object),
            np.zeros(size, dtype=bool),
        )

        def keep(places: list[int], batch: list[Levels], solved: bool = True) -> None:
            parts = self._score_batch(batch, solved)
            result.kinds[places] = "newton"
            arrays = (
                result.scores,
                result.std_errors,
                result.p_values,
                result.gaps,
                result.gap_errors,
            )
            for into, part in zip(arrays, parts, strict=True):
                into[places] = part

        pending, where = [], []
        every = level_columns(columns, encoding=encoding, discrete=discrete)
        for j, levels in enumerate(every):
            if len(levels.values) < 2 or len(self.counts) < 2:
                if levels.encoding.kind == "identifier":
                    result.kinds[j] = "identifier"
            elif not levels.canonical:
                lumped = has_many_labels(levels, self.target)
                result.lumped[j] = lumped = lumped or self._has_many_cells(levels)
                keep([j], [levels], solved=not (lumped and self.counts_labels))
            else:
                pending.append(levels)
                where.append(j)
            if len(pending) * len(self.folds) >= _MAX_CRITICS:
                keep(where, pending)
                pending, where = [], []
        if pending:
            keep(where, pending)
        return result

    def _has_many_cells(self, levels: Levels) -> bool:
        """Whether cells of labels that have no order are so many that counting pays."""
        unordered = not (levels.ordered or self.target.ordered)
        return unordered and len(levels.values) * len(self.counts) > _MAX_CELLS

    def _score_batch(
        self, batch: Sequence[Levels], solved: bool
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Columns that share their levels, and so every feature."""
        first = batch[0]
        counts = np.bincount(first.codes).astype(float)
        prepared = self._shared if first.canonical else None
        if prepared is None:
            prepared = _Prepared(self, first, counts)
            if first.canonical:
                self._shared = prepared
        tables = self._tables(batch, len(counts))
        p_values = self._p_values(batch, prepared, tables)
        if not solved:
            nothing = np.zeros(len(batch))
            return nothing, nothing, p_values, nothing, nothing
        scores, errors, share = self._first_look(prepared, tables)
        deep = np.flatnonzero(share)
        if len(deep):
            joint = self._joint_counts([batch[i] for i in deep.tolist()], tables[deep])
            bounds, bound_errors = self._bounds(prepared.head, *joint)
            share = share[deep]
            scores[deep] += share * (bounds - scores[deep])
            errors[deep] += share * (bound_errors - errors[deep])
        ordered = (first.ordered, self.target.ordered)
        information, bias = table_information(tables, ordered)
        # 2 n times the plain information is a chi-square of 2 n times the bias degrees.
        gap_errors = np.sqrt(np.maximum(bias, 0.0) / self.n_rows)
        return scores, errors, p_values, information - scores, gap_errors

    def _first_look(
        self, prepared: "_Prepared", tables: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Scores and errors of a first look, and how much solved bounds count."""
        if self._target_side is None:
            nothing = np.zeros(len(tables))
            return nothing, nothing.copy(), nothing + 1.0
        scores, errors = prepared.quick_look(tables)
        weak, clear = (max(nats, rows / self.n_rows) for nats, rows in (_WEAK, _CLEAR))
        return scores, errors, np.clip((scores - weak) / (clear - weak), 0.0, 1.0)

    def _tables(self, batch: Sequence[Levels], n_levels: int) -> Floats:
        """Counts of all rows in pairs of levels, (c, L, M)."""
        n_cells = n_levels * len(self.counts)
        tables = np.empty((len(batch), n_cells))
        for table, levels in zip(tables, batch, strict=True):
            cells = levels.codes * len(self.counts) + self.target.codes
            table[:] = np.bincount(cells, minlength=n_cells)
        return tables.reshape(len(batch), n_levels, -1)

    def _head(self, levels: Levels, counts: Floats) -> "_Head":
        """Head features over the grid of levels, and what solving needs of them."""
        share = np.outer(counts, self.counts).ravel() / self.n_rows**2
        features, trust = self._features(levels, counts)
        features = features - share @ features
        spread = np.sqrt(share @ features**2)
        kept = spread > 1e-9
        features = features[:, kept] * (trust[kept] / spread[kept])
        grid = features.reshape(len(counts), len(self.counts), -1)
        x_share, y_share = counts / self.n_rows, self.counts / self.n_rows
        by_x = np.einsum("lmf,m->lf", grid, y_share)
        by_y = np.einsum("lmf,l->mf", grid, x_share)
        # Both marginals are known, so only what depends on the pair is evidence.
        centred = (grid - by_x[:, None] - by_y[None]).reshape(len(share), -1)
        scales, axes = np.linalg.eigh((centred * share[:, None]).T @ centred)
        real = scales > 1e-8 * max(scales[-1], 1e-12)
        covariance = torch.from_numpy((features * share[:, None]).T @ features)
        return _Head(
            features=torch.from_numpy(features),
            curvature=tuple(torch.linalg.eigh(covariance)),
            evidence=torch.from_numpy(centred @ axes[:, real]),
            scales=scales[real],
        )

    def _features(self, levels: Levels, counts: Floats) -> tuple[Floats, Floats]:
        """Head features over the grid, (L * M, n_features), and the trust in each."""
        x, y = (
            Side.of(*side, max_frequency=_MAX_FREQUENCY, max_indicators=_MAX_INDICATORS)
            for side in ((levels, counts), (self.target, self.counts))
        )
        shape = (len(levels.values), len(self.target.values))
        hidden = self._hidden(levels.values, self.target.values)
        parts = [(hidden, np.ones(hidden.shape[2]))]
        parts += [(f.values[:, None], 1.0 / f.order) for f in x.alone]
        parts += [(f.values[None], 1.0 / f.order) for f in y.alone]
        if self.settings.start is not None:
            for f, g in zip(x.multiplied, y.multiplied, strict=True):
                product = f.values[:, None, :, None] * g.values[None, :, None]
                trust = 1.0 / np.outer(f.order, g.order).ravel()
                parts.append((product.reshape(*shape, -1), trust))
        features = [np.broadcast_to(f, (*shape, f.shape[2])) for f, _ in parts]
        features = np.concatenate(features, axis=2).reshape(shape[0] * shape[1], -1)
        return features, np.concatenate([trust for _, trust in parts])

    def _hidden(self, x: Floats, y: Floats) -> Floats:
        """Random hidden units over the grid, (L, M, size of the last layer)."""
        rng = self._rng("hidden units")
        activation = ACTIVATIONS[self.settings.activation]()
        hidden: Any = None
        for i, size in enumerate(self.settings.hidden_layer_sizes):
            if i == 0:
                # Rows of weights are drawn for the widest encoding there is.
                x_weights, y_weights = rng.normal(size=(2, 256, size))
                hidden = (x @ x_weights[: x.shape[1]])[:, None] + (
                    y @ y_weights[: y.shape[1]]
                )
            else:
                weights = rng.normal(size=(hidden.shape[2], size))
                hidden = hidden @ (weights / np.sqrt(hidden.shape[2]))
            hidden = hidden + rng.normal(size=size)
            hidden = activation(torch.from_numpy(hidden)).numpy()
        return hidden

    def _joint_counts(
        self, batch: Sequence[Levels], tables: Floats
    ) -> tuple[Floats, Floats]:
        """Counts of training and of test rows in pairs of levels, (c, F, m)."""
        n_cells = tables[0].size
        n_folds = len(self.folds)
        train = np.empty((len(batch), n_folds, n_cells))
        test = np.empty_like(train)
        for c, levels in enumerate(batch):
            cells = levels.codes * len(self.counts) + self.target.codes
            if self._fold_of_row is not None:
                index = self._fold_of_row * n_cells + cells
                table = np.bincount(index, minlength=n_folds * n_cells)
                test[c] = table.reshape(n_folds, n_cells)
                train[c] = tables[c].ravel() - test[c]
            else:
                for k, (fit_rows, held_out) in enumerate(self.folds):
                    train[c, k] = np.bincount(cells[fit_rows], minlength=n_cells)
                    test[c, k] = np.bincount(cells[held_out], minlength=n_cells)
        return train, test

    def _bounds(
        self, head: "_Head", train: Floats, test: Floats
    ) -> tuple[Floats, Floats]:
        n_columns, n_folds, n_cells = train.shape
        n_train = self.n_train[:, None]
        features = head.features
        joint = torch.from_numpy((train / n_train).reshape(-1, n_cells))
        projected = (joint @ head.evidence).numpy().reshape(n_columns, n_folds, -1)
        ridge = _evidence_ridge(projected, head.scales, n_train)
        shape = (n_columns, n_folds, -1, len(self.counts))
        with np.errstate(divide="ignore"):
            log_weights = np.log(pair_shares(train.reshape(shape), self.balanced))
        weights, log_z = solve_head(
            features,
            joint @ features,
            torch.from_numpy(log_weights.reshape(-1, n_cells)),
            torch.from_numpy(ridge.ravel()),
            head.curvature,
        )
        values = (weights @ features.T - log_z[:, None]).numpy()
        values = clamp(values.reshape(shape), self.n_train)
        scores, errors = tangent_score(values, test.reshape(shape), self.balanced)
        return scores, errors * self.widening

    def _p_values(
        self,
        batch: Sequence[Levels],
        prepared: "_Prepared",
        tables: Floats,
    ) -> Floats:
        if prepared.by_drawing is not None:
            return np.array(
                [
                    prepared.by_drawing(
                        prepared.x_test,
                        levels.codes,
                        self.test_features,
                        self.target.codes,
                        self._rng("permutations"),
                    )
                    for levels in batch
                ]
            )
        observed = _null.statistic(prepared.x_test, self.test_features, tables)
        return _null.chi_square_sum_sf(observed, prepared.null_weights)

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose.encode()])


@dataclass(frozen=True)
class _Head:
    features: torch.Tensor
    curvature: tuple[torch.Tensor, torch.Tensor]
    evidence: torch.Tensor
    scales: Floats


class _Prepared:
    """What columns of the same levels share; what few need is made when first used."""

    def __init__(self, scorer: ColumnScorer, levels: Levels, counts: Floats) -> None:
        self._scorer, self._levels, self._counts = scorer, levels, counts
        rng = scorer._rng("column units")
        self.x_test, _ = _null.test_features(levels.values, counts, rng)
        sides = self.x_test, counts, scorer.test_features, scorer.counts
        self.null_weights = _null.null_weights(*sides)
        self.by_drawing = _null.by_drawing(*sides)

    @cached_property
    def quick_look(self) -> QuickLook:
        side = quick_side(self._levels, self._counts)
        assert self._scorer._target_side is not None
        return QuickLook(side, self._scorer._target_side)

    @cached_property
    def head(self) -> _Head:
        return self._scorer._head(self._levels, self._counts)


def _evidence_ridge(projected: Floats, scales: Floats, n_train: Floats) -> Floats:
    """The ridge that the training rows find most likely, (c, F).

    To second order, mean features along the principal axes are normal with variance
    ``scale / n + scale ** 2 / precision`` when head weights have that precision.
    """
    best = np.full(projected.shape[:2], -np.inf)
    chosen = np.full(best.shape, RIDGES[0])
    for precision in RIDGES:
        variance = scales / n_train + scales**2 / precision
        evidence = -0.5 * (np.log(variance) + projected**2 / variance).sum(axis=2)
        chosen = np.where(evidence > best, precision, chosen)
        best = np.maximum(best, evidence)
    return chosen / n_train[:, 0]
