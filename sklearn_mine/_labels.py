"""Two columns of which one has very many labels: cells of counts, kept sparsely.

A grid has a level for some hundred labels, and no more. Here each label stays itself:
a critic on levels is the prior mean of a Dirichlet distribution, as in
:func:`with_cells`, and a pair of labels departs from it only where rows were counted.
So the values of all pairs are a term of each label, a table of levels and a sparse
matrix, and so is every sum over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from ._tables import STRENGTHS, ceiling
from ._typing import Floats, Ints
from .nn.critics import Bank

if TYPE_CHECKING:
    from ._pair import Grid

# Where labels of one side name those of the other, little is left of the prior.
_STRENGTHS = (0.01, 0.03, 0.1, *STRENGTHS)


@dataclass(frozen=True)
class LabelCritic:
    """A critic of pairs of labels, T less its log-normaliser.

    Attributes
    ----------
    x_levels, y_levels : ndarray of shape (X,), (Y,)
        The level of each label.
    of_levels : ndarray of shape (L, M)
    of_x, of_y : ndarray of shape (X,), (Y,)
        What each label adds.
    of_cells : sparse array of shape (X, Y)
        What pairs that were counted add.
    """

    x_levels: Ints
    y_levels: Ints
    of_levels: Floats
    of_x: Floats
    of_y: Floats
    of_cells: sp.csr_array

    @classmethod
    def on_levels(cls, x_levels: Ints, y_levels: Ints, values: Floats) -> "LabelCritic":
        """A critic that sees levels alone."""
        shape = len(x_levels), len(y_levels)
        of_x, of_y = (np.zeros(n) for n in shape)
        return cls(x_levels, y_levels, values, of_x, of_y, sp.csr_array(shape))

    def without_cells(self, x: Ints, y: Ints) -> Floats:
        """Values that pairs would have if none had been counted."""
        of_levels = self.of_levels[self.x_levels[x], self.y_levels[y]]
        return self.of_x[x] + self.of_y[y] + of_levels

    def __call__(self, x: Ints, y: Ints) -> Floats:
        """Values of pairs of labels, (m,)."""
        values, (cell_x, cell_y) = self.without_cells(x, y), _places(self.of_cells)
        if len(cell_x):
            width = self.of_cells.shape[1]
            keys, wanted = cell_x * width + cell_y, x * width + y
            place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
            met = keys[place] == wanted
            values[met] += self.of_cells.data[place[met]]
        return values

    def less(self, log_z: float) -> "LabelCritic":
        return replace(self, of_levels=self.of_levels - log_z)

    @property
    def turned(self) -> "LabelCritic":
        """The same with x and y exchanged."""
        return LabelCritic(
            self.y_levels,
            self.x_levels,
            self.of_levels.T,
            self.of_y,
            self.of_x,
            self.of_cells.T.tocsr(),
        )

    def mean_over_y(self, weights: Floats) -> Floats:
        """Sums of exp T over y of these weights (Y,), for each x."""
        shape = self.of_levels.shape
        by_level = np.bincount(
            self.y_levels, weights * np.exp(self.of_y), minlength=shape[1]
        )
        sums: Floats = (
            np.exp(self.of_x) * (np.exp(self.of_levels) @ by_level)[self.x_levels]
        )
        x, y = _places(self.of_cells)
        plain = np.exp(self.without_cells(x, y))
        more = weights[y] * plain * np.expm1(self.of_cells.data)
        np.add.at(sums, x, more)
        return sums


def mean_critic(critics: Sequence[LabelCritic]) -> LabelCritic:
    """The mean of critics of the same labels."""
    n = len(critics)
    return replace(
        critics[0],
        of_levels=np.mean([each.of_levels for each in critics], axis=0),
        of_x=np.mean([each.of_x for each in critics], axis=0),
        of_y=np.mean([each.of_y for each in critics], axis=0),
        of_cells=sum((each.of_cells for each in critics[1:]), critics[0].of_cells) / n,
    )


def _places(cells: sp.csr_array) -> tuple[Ints, Ints]:
    """The labels of a sparse array's entries, in its order."""
    x = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    return x, cells.indices.astype(np.int64)


def with_label_cells(critic: LabelCritic, counts: sp.csr_array) -> LabelCritic:
    """A critic on levels, drawn towards the counts of single pairs of labels.

    See :func:`with_cells`, of which this is the same for labels of any number.

    Parameters
    ----------
    critic : LabelCritic
        On levels alone.
    counts : sparse array of shape (X, Y)
        Training rows.

    Returns
    -------
    critic : LabelCritic
    """
    n = counts.sum()
    highest = ceiling(n)
    found, likeliest = critic, (counts.data * critic(*_places(counts))).sum()
    for turned in (False, True):
        before = critic.turned if turned else critic
        table = counts.T.tocsr() if turned else counts
        x, y = _places(table)
        of_row = table.sum(axis=1)
        share = np.maximum(table.sum(axis=0), 1.0) / n
        prior = replace(before, of_x=-np.log(before.mean_over_y(share)))
        plain = np.exp(prior(x, y))
        for strength in _STRENGTHS:
            left_out = (table.data - 1.0) / share[y] + strength * plain
            left_out /= of_row[x] - 1.0 + strength
            likelihood = (table.data * np.log(left_out)).sum()
            if likelihood > likeliest:
                likeliest = likelihood
                shrunk = np.log(strength / (of_row + strength))
                posterior = replace(prior, of_x=prior.of_x + shrunk)
                ratio = (table.data / share[y] + strength * plain) / (
                    of_row[x] + strength
                )
                values = np.minimum(np.log(ratio), highest)
                cells = values - posterior.without_cells(x, y)
                of_cells = sp.csr_array(
                    (cells, table.indices, table.indptr), shape=table.shape
                )
                posterior = replace(posterior, of_cells=of_cells)
                found = posterior.turned if turned else posterior
    return found


def _partition(
    counts: sp.csr_array, values: Floats, over_y: Floats, balanced: bool
) -> float:
    """Mean of exp T over product pairs, from values in cells and sums over all y."""
    n, every = counts.sum(), counts.sum(axis=1) @ over_y
    if balanced:
        return every / n**2
    return (every - counts.data @ np.exp(values)) / max(n * (n - 1.0), 1.0)


def log_partition(critic: LabelCritic, counts: sp.csr_array, balanced: bool) -> float:
    """Log of the mean of exp T over the product pairs of rows."""
    values, over_y = critic(*_places(counts)), critic.mean_over_y(counts.sum(axis=0))
    return float(np.log(_partition(counts, values, over_y, balanced)))


def label_score(
    critics: Sequence[LabelCritic], tests: Sequence[sp.csr_array], balanced: bool
) -> tuple[float, float]:
    """Held-out bound and its standard error; see :func:`tangent_score`.

    Parameters
    ----------
    critics : list of K LabelCritic
    tests : list of K sparse arrays of shape (X, Y)
        Counts of the rows that each is scored on.
    balanced : bool
        See :func:`pair_shares`.
    """
    total, influences, weights = 0.0, [], []
    for critic, counts in zip(critics, tests, strict=True):
        n, (x, y) = counts.sum(), _places(counts)
        values = critic(x, y)
        over_y = critic.mean_over_y(counts.sum(axis=0))
        over_x = critic.turned.mean_over_y(counts.sum(axis=1))
        partition = _partition(counts, values, over_y, balanced)
        total += counts.data @ values + n * (1.0 - partition)
        in_pairs, n_partners = over_y[x] + over_x[y], n
        if not balanced:
            in_pairs = in_pairs - 2.0 * np.exp(values)
            n_partners = max(n - 1.0, 1.0)
        influences.append(values - in_pairs / n_partners)
        weights.append(counts.data)
    influence, weight = np.concatenate(influences), np.concatenate(weights)
    n = weight.sum()
    mean = weight @ influence / n
    variance = weight @ (influence - mean) ** 2 / n / max(n - 1.0, 1.0)
    return float(total / n), float(np.sqrt(variance))


class LabelBank(Bank):
    """K critics of labels; the last label, also called -1, is any that is new.

    Parameters
    ----------
    critics : list of K LabelCritic
    """

    def __init__(self, critics: Sequence[LabelCritic]) -> None:
        super().__init__()
        self.critics = list(critics)
        # For those who ask how many there are.
        self.register_buffer("head", torch.ones(len(critics)))

    def forward(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor, critics: slice
    ) -> torch.Tensor:
        """Values of pairs, (1, R, B); see :meth:`CriticBank.forward`."""
        shape = self.critics[0].of_cells.shape
        x, y = (
            side[0, :, 0].long().numpy() % size
            for side, size in zip((x, y), shape, strict=True)
        )
        y = y[partners.numpy()]
        x = np.broadcast_to(x, y.shape)
        values = [each(x.ravel(), y.ravel()) for each in self.critics[critics]]
        return torch.from_numpy(np.stack(values).reshape(-1, *y.shape))


class LabelGrid:
    """A grid of levels, and the labels of which they are made.

    Parameters
    ----------
    grid : Grid
        Of levels.
    x_levels, y_levels : ndarray of shape (X,), (Y,)
        The level of each label.
    """

    def __init__(self, grid: "Grid", x_levels: Ints, y_levels: Ints) -> None:
        self.balanced = grid.balanced
        # Cells tell all that levels of labels could.
        self.grid = None if grid.of_labels else grid
        if grid.of_labels:
            x_levels, y_levels = np.zeros_like(x_levels), np.zeros_like(y_levels)
        # One more of each: what was never seen.
        self.levels = [
            np.append(levels, levels.max() + 1) for levels in (x_levels, y_levels)
        ]
        self.shape = len(self.levels[0]), len(self.levels[1])

    def table(self, x_codes: Ints, y_codes: Ints) -> sp.csr_array:
        """Counts of rows in each pair of labels."""
        codes = x_codes % self.shape[0], y_codes % self.shape[1]
        return sp.coo_array((np.ones(len(x_codes)), codes), shape=self.shape).tocsr()

    def solve(self, table: sp.csr_array) -> LabelCritic:
        """The critic of training rows."""
        values = np.zeros([levels.max() + 1 for levels in self.levels])
        if self.grid is not None:
            x, y = _places(table)
            counts = np.zeros_like(values)
            np.add.at(counts, (self.levels[0][x], self.levels[1][y]), table.data)
            values[:-1, :-1] = self.grid.solve(counts[:-1, :-1])
        x_levels, y_levels = self.levels
        critic = LabelCritic.on_levels(x_levels, y_levels, values)
        critic = with_label_cells(critic, table)
        return critic.less(log_partition(critic, table, self.balanced))

    def score(
        self, critics: Sequence[LabelCritic], tables: Sequence[sp.csr_array]
    ) -> tuple[float, float]:
        """Held-out bound of critics on the rows of tables, and its standard error."""
        return label_score(critics, tables, self.balanced)

    def bank(self, critics: Sequence[LabelCritic], table: sp.csr_array) -> LabelBank:
        """Critics whose mean is normalised over these rows."""
        log_z = log_partition(mean_critic(critics), table, self.balanced)
        return LabelBank([critic.less(log_z) for critic in critics])

    def judge(
        self, bank: LabelBank, x_codes: Ints, y_codes: Ints
    ) -> tuple[float, float]:
        """Bound of the mean critic on rows, new labels among them, and its error."""
        table = self.table(x_codes, y_codes)
        return label_score([mean_critic(bank.critics)], [table], False)
