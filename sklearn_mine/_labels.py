"""Two columns of labels, of any number: cells of counts, kept sparsely.

A grid has a level for some hundred labels, and no more. Here each label stays itself:
a critic on levels is the base of a Pitman-Yor process in each row, as in language
models (Teh, 2006), and a pair of labels departs from it only where rows were counted.
So the values of all pairs are a term of each label, a table of levels and a sparse
matrix, and so is every sum over them.

Labels without training rows share a level, of which rows speak whose labels were
counted once: left out, they are new (Good, 1953).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from ._tables import STRENGTHS, ceiling
from ._typing import Bools, Floats, Ints
from .nn.critics import Bank

if TYPE_CHECKING:
    from ._pair import Grid

# Where labels of one side name those of the other, little is left of the base.
_STRENGTHS = (0.01, 0.03, 0.1, *STRENGTHS)
# Off each count, where pairs that were met may be chance.
_DISCOUNTS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class LabelCritic:
    """A critic of pairs of labels, T less its log-normaliser.

    Attributes
    ----------
    x_levels, y_levels : ndarray of shape (X,), (Y,)
        The level of each label; the last label is any that is new.
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
        return self.without_cells(x, y) + _entries(self.of_cells, x, y)

    def of_learnt(self, x: Ints, y: Ints, counts: sp.csr_array) -> Floats:
        """Values of training rows; of a pair counted once, without what it added."""
        values = self(x, y)
        if self.of_cells.nnz:
            once = _entries(counts, x, y) == 1.0
            x, y = _left_out(counts, x[once], y[once])
            values[once] = self.without_cells(x, y)
        return values

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


def _places(cells: sp.csr_array) -> tuple[Ints, Ints]:
    """The labels of a sparse array's entries, in its order."""
    x = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    return x, cells.indices.astype(np.int64)


def _entries(cells: sp.csr_array, x: Ints, y: Ints) -> Floats:
    """What a sparse array holds at some places, (m,)."""
    (cell_x, cell_y), found = _places(cells), np.zeros(len(x))
    if len(cell_x):
        width = cells.shape[1]
        keys, wanted = cell_x * width + cell_y, x * width + y
        place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        met = keys[place] == wanted
        found[met] = cells.data[place[met]]
    return found


def _left_out(counts: sp.csr_array, x: Ints, y: Ints) -> tuple[Ints, Ints]:
    """The labels of training rows, where each one's own row is not counted."""
    of_x, of_y = counts.sum(axis=1), counts.sum(axis=0)
    return np.where(of_x[x] == 1.0, -1, x), np.where(of_y[y] == 1.0, -1, y)


def _shares(counts: Floats) -> Floats:
    """Shares of labels, (Y,), of which the last is any that is new."""
    n = counts.sum()
    new = (np.count_nonzero(counts == 1.0) + 0.5) / (n + 1.0)
    shares = counts * ((1.0 - new) / n)
    shares[-1] = new
    return shares


def _of_new(counts: sp.csr_array, x: Ints, y: Ints) -> tuple[float, float]:
    """Values of a label that is new with one that is, and with one that is not.

    Labels x and y are those of :func:`_left_out`.
    """
    if (x != -1).all():
        return 0.0, 0.0
    n_new_x = counts.sum() * _shares(counts.sum(axis=1))[-1]
    new_y = _shares(counts.sum(axis=0))[-1]

    def value(which: Bools, share: float) -> float:
        # New labels are not what others were: some rows say what few rows can.
        found, expected = counts.data[which].sum(), n_new_x * share
        most = float(ceiling(max(found, expected)))
        return float(np.clip(np.log((found + 1.0) / (expected + 1.0)), -most, most))

    both = value((x == -1) & (y == -1), new_y)
    return both, value((x == -1) & (y != -1), 1.0 - new_y)


class _Rows:
    """What each row's cells foretell of it, by a Pitman-Yor process.

    Parameters
    ----------
    critic : LabelCritic
        On levels.
    counts : sparse array of shape (X, Y)
    """

    def __init__(self, critic: LabelCritic, counts: sp.csr_array) -> None:
        self.counts, places = counts, _places(counts)
        self.share = _shares(counts.sum(axis=0))
        left_out = _left_out(counts, *places)
        values = critic.of_levels.copy()
        values[-1, -1], values[-1, :-1] = _of_new(counts, *left_out)
        critic = replace(critic, of_levels=values)
        self.base = replace(critic, of_x=-np.log(critic.mean_over_y(self.share)))
        self.of_row, self.n_cells = counts.sum(axis=1), np.diff(counts.indptr)
        # What is left for a row that is left out itself.
        self.others = counts.data - 1.0
        self.others_of_row = self.of_row[places[0]] - 1.0
        self.other_cells = self.n_cells[places[0]] - (counts.data == 1.0)
        self.plain = np.exp(self.base.without_cells(*left_out))
        self.places = places

    def likelihood(self, strength: float, discount: float) -> float:
        """Log-likelihood ratio of all rows, each left out of what foretells it."""
        kept = np.maximum(self.others - discount, 0.0) / self.share[self.places[1]]
        back = (strength + discount * self.other_cells) * self.plain
        ratios = (kept + back) / (self.others_of_row + strength)
        return float(self.counts.data @ np.log(ratios))

    def likeliest(self) -> tuple[float, float, float]:
        """The highest log-likelihood ratio, with its strength and discount."""
        return max(
            (self.likelihood(strength, discount), strength, discount)
            for strength in _STRENGTHS
            for discount in _DISCOUNTS
        )

    def critic(self, strength: float, discount: float) -> LabelCritic:
        """The critic that all rows teach."""
        (x, y), counts = self.places, self.counts
        back = (strength + discount * self.n_cells) / (self.of_row + strength)
        highest = float(ceiling(counts.sum()))
        of_x = np.maximum(self.base.of_x + np.log(back), -highest)
        posterior = replace(self.base, of_x=of_x)
        plain = posterior.without_cells(x, y)
        kept = (counts.data - discount) / self.share[y] / (self.of_row[x] + strength)
        values = np.log(kept + np.exp(plain))
        cells = np.minimum(values, highest) - plain
        of_cells = sp.csr_array((cells, counts.indices, counts.indptr), counts.shape)
        return replace(posterior, of_cells=of_cells)


def with_label_cells(critic: LabelCritic, counts: sp.csr_array) -> LabelCritic:
    """A critic on levels, drawn towards the counts of single pairs of labels.

    The critic is the base of a Pitman-Yor process in each row, or in each column; its
    strength and discount are those under which rows left out are likeliest. Where the
    critic alone does as well, it stays as it is.

    Parameters
    ----------
    critic : LabelCritic
        On levels alone, T less its log-normaliser.
    counts : sparse array of shape (X, Y)
        Training rows.

    Returns
    -------
    critic : LabelCritic
    """
    found, highest = critic, float((counts.data * critic(*_places(counts))).sum())
    for turned in (False, True):
        table = counts.T.tocsr() if turned else counts
        rows = _Rows(critic.turned if turned else critic, table)
        likelihood, strength, discount = rows.likeliest()
        if likelihood > highest:
            highest, found = likelihood, rows.critic(strength, discount)
            found = found.turned if turned else found
    return found


def label_score(
    critics: Sequence[LabelCritic],
    tables: Sequence[sp.csr_array],
    balanced: bool,
    learnt: Sequence[sp.csr_array] | None = None,
) -> tuple[float, float]:
    """The bound on some rows and its standard error; see :func:`tangent_score`.

    Parameters
    ----------
    critics : list of K LabelCritic
    tables : list of K sparse arrays of shape (X, Y)
        Counts of the rows that each is scored on.
    balanced : bool
        See :func:`pair_shares`.
    learnt : list of K sparse arrays of shape (X, Y), optional
        Counts of the rows that each critic was taught by, where those of `tables` are
        among them; see :meth:`LabelCritic.of_learnt`.
    """
    total, influences, weights = 0.0, [], []
    for i, (critic, counts) in enumerate(zip(critics, tables, strict=True)):
        n, (x, y) = counts.sum(), _places(counts)
        values = critic(x, y)
        over_y = critic.mean_over_y(counts.sum(axis=0))
        over_x = critic.turned.mean_over_y(counts.sum(axis=1))
        every, n_partners = counts.sum(axis=1) @ over_y, n
        in_pairs = over_y[x] + over_x[y]
        if not balanced:
            tilted, n_partners = np.exp(values), max(n - 1.0, 1.0)
            every -= counts.data @ tilted
            in_pairs -= 2.0 * tilted
        if learnt is not None:
            values = critic.of_learnt(x, y, learnt[i])
        # A row alone has no product pair, and says nothing of the normaliser.
        partition = every / n / n_partners if balanced or n > 1.0 else 1.0
        total += counts.data @ values + n * (1.0 - partition)
        influences.append(values - in_pairs / n_partners)
        weights.append(counts.data)
    influence, weight = np.concatenate(influences), np.concatenate(weights)
    n = weight.sum()
    mean = weight @ influence / n
    variance = weight @ (influence - mean) ** 2 / n / max(n - 1.0, 1.0)
    return float(total / n), float(np.sqrt(variance))


class LabelBank(Bank):
    """A critic of labels; the last label, also called -1, is any that is new.

    Parameters
    ----------
    critic : LabelCritic
    """

    def __init__(self, critic: LabelCritic) -> None:
        super().__init__()
        self.critic = critic
        # For those who ask how many there are.
        self.register_buffer("head", torch.ones(1))

    def forward(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor, critics: slice
    ) -> torch.Tensor:
        """Values of pairs, (1, R, B); see :meth:`CriticBank.forward`."""
        shape = self.critic.of_cells.shape
        x, y = (
            side[0, :, 0].long().numpy() % size
            for side, size in zip((x, y), shape, strict=True)
        )
        y = y[partners.numpy()]
        x = np.broadcast_to(x, y.shape)
        return torch.from_numpy(self.critic(x.ravel(), y.ravel()).reshape(1, *y.shape))


class LabelGrid:
    """Labels, and a grid of the levels that they are of.

    Parameters
    ----------
    x_levels, y_levels : ndarray of shape (X,), (Y,)
        The level of each label.
    balanced : bool
        Whether training rows hold each label of y in its share.
    grid : Grid, optional
        Of levels, where they tell what cells do not.
    """

    def __init__(
        self,
        x_levels: Ints,
        y_levels: Ints,
        balanced: bool,
        grid: "Grid | None" = None,
    ) -> None:
        self.balanced, self.grid = balanced, grid
        if grid is None:
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
        x_levels, y_levels = (
            np.where(table.sum(axis=1 - axis) > 0.0, levels, levels[-1])
            for axis, levels in enumerate(self.levels)
        )
        values = np.zeros((self.levels[0][-1] + 1, self.levels[1][-1] + 1))
        if self.grid is not None:
            x, y = _places(table)
            counts = np.zeros_like(values)
            np.add.at(counts, (x_levels[x], y_levels[y]), table.data)
            values[:-1, :-1] = self.grid.solve(counts[:-1, :-1])
        critic = LabelCritic.on_levels(x_levels, y_levels, values)
        return with_label_cells(critic, table)

    def score(
        self, critics: Sequence[LabelCritic], tables: Sequence[sp.csr_array]
    ) -> tuple[float, float]:
        """Held-out bound of critics on the rows of tables, and its standard error."""
        return label_score(critics, tables, self.balanced)

    def fitted(
        self, critics: Sequence[LabelCritic], tables: Sequence[sp.csr_array]
    ) -> float:
        """The bound on the training rows, as far as more than one row bears it out."""
        return label_score(critics, tables, self.balanced, tables)[0]

    def bank(self, critics: Sequence[LabelCritic], table: sp.csr_array) -> LabelBank:
        """The critic of these rows.

        A mean of several would have to know of each label which of them met it.
        """
        return LabelBank(critics[0] if len(critics) == 1 else self.solve(table))

    def judge(
        self,
        bank: LabelBank,
        x_codes: Ints,
        y_codes: Ints,
        learnt: sp.csr_array | None = None,
    ) -> tuple[float, float]:
        """Bound of the critic on rows, new labels among them, and its error."""
        tables = None if learnt is None else [learnt]
        return label_score([bank.critic], [self.table(x_codes, y_codes)], False, tables)
