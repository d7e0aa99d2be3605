"""Values of critics at joint and product pairs of given rows.

Rows come in blocks; within a block, circular shifts of y give product pairs, so that
no row is ever paired with itself. The tangent form of the Donsker-Varadhan bound is
made of what :func:`score_rows` returns.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from scipy.optimize import brentq
from scipy.special import logsumexp

from .._progress import is_told, reached
from .._typing import Floats, Ints
from .critics import Bank, CriticBank, shifts_of
from .objectives import log_mean_of_other_pairs

# Rows in one block of product pairs, and pairs evaluated at once.
_BLOCK = 16384
_CHUNK = 16384
# Validation rows whose pairs are all taken where that is cheap, and product pairs for
# each validation row where it is not.
_MAX_ALL_PAIRS = 1000
_VALIDATION_SHIFTS, _FINE_SHIFTS, _FIT_SHIFTS = 16, 24, 4
# Joint pairs that may lie above where values end.
_TOP = 10.0

R = TypeVar("R")
# Rows, and shifts that pair them; values at joint and product pairs, and those shifts.
Block = tuple[Ints, list[int]]
Values = tuple[Floats, Floats, list[int]]


def for_each(
    function: Callable[..., R],
    items: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
    *,
    tells: bool = False,
) -> list[R]:
    """Results of a function over items, in threads that share the critics.

    Each item is computed as it would be alone, so results do not depend on `n_jobs`.
    With `tells`, the items are the work at hand, and their number shows how far it is.
    """
    tells = tells and is_told()
    if effective_n_jobs(n_jobs) == 1:
        results = (function(*item) for item in items)
    else:
        how = "generator" if tells else "list"
        run = Parallel(n_jobs=n_jobs, require="sharedmem", return_as=how)
        results = run(delayed(function)(*item) for item in items)
    found = []
    for result in results:
        found.append(result)
        if tells:
            reached(len(found) / len(items))
    return found


def blocks_of(
    rows: Ints, rng: np.random.Generator, n_shifts: int, n_pairs: int = 0
) -> list[Block]:
    """Rows in blocks, each with circular shifts.

    Parameters
    ----------
    rows : ndarray of shape (n,)
    rng : numpy.random.Generator
    n_shifts : int
        Product pairs for each row, as far as there are other rows.
    n_pairs : int
        Few rows get more shifts, until there are about this many product pairs.

    Returns
    -------
    blocks : list of (rows, shifts)
    """
    blocks = []
    n_shifts = max(n_shifts, n_pairs // max(len(rows), 1))
    for block in np.array_split(rows, max(1, -(-len(rows) // _BLOCK))):
        n = len(block)
        n_here = min(n_shifts, n - 1)
        shifts: Iterable[int] = (
            1 + rng.choice(n - 1, size=n_here, replace=False) if n > 1 else []
        )
        blocks.append((block, [int(shift) for shift in shifts]))
    return blocks


@torch.no_grad()
def pair_values(
    bank: Bank,
    critics: Sequence[int],
    x: torch.Tensor,
    y: torch.Tensor,
    block: Ints,
    shifts: list[int],
) -> tuple[Floats, Floats]:
    """Mean values of some critics at joint pairs (n,) and product pairs (S, n)."""
    rows = torch.as_tensor(block, device=x.device)
    xs, ys = x[rows][None], y[rows][None]
    offsets = [0, *shifts]
    n_at_once = max(1, _CHUNK // len(block))
    values = np.empty((len(offsets), len(block)))
    for begin in range(0, len(offsets), n_at_once):
        part = slice(begin, begin + n_at_once)
        partners = shifts_of(len(block), offsets[part], x.device)
        total = sum(bank(xs, ys, partners, slice(k, k + 1))[0] for k in critics)
        values[part] = (total.double() / len(critics)).cpu().numpy()
    # A critic that overflowed there claims nothing.
    values[~np.isfinite(values)] = 0.0
    return values[0], values[1:]


def values_of(
    bank: Bank,
    critics: Sequence[int],
    x: torch.Tensor,
    y: torch.Tensor,
    blocks: list[Block],
) -> list[Values]:
    """Values of the pairs of all blocks: a list of (joint, product, shifts)."""
    return [
        (*pair_values(bank, critics, x, y, block, shifts), shifts)
        for block, shifts in blocks
    ]


def log_normalizer(
    values: list[Values], max_ratio: float, balanced: bool = False
) -> tuple[float, tuple[float, float]]:
    """Log of the mean of exp T over product pairs, and the limits of T beside it.

    From n rows nobody learns a density ratio far above n: `max_ratio` times n is
    where values end, here and in scoring. A rare pair on which the critic claims more
    would hold the partition alone, and draw every other value down. (A clamped critic
    is a critic.) Nor do product pairs lie where only a few joint pairs do. For
    `balanced` see :func:`score_rows`.
    """
    product = np.concatenate([product.ravel() for _, product, _ in values])
    if len(product) == 0:
        return 0.0, (0.0, 0.0)
    own = np.concatenate([joint for joint, _, _ in values])
    n = len(own)
    weights = np.full(len(product), 1.0 / len(product))
    highest = float(np.quantile(own, max(0.5, 1.0 - _TOP / n)))
    if balanced:
        product = np.concatenate([product, own])
        weights = np.append((1.0 - 1.0 / n) * weights, np.full(n, 1.0 / n**2))

    product = np.minimum(product, highest)
    ceiling = float(np.log(max_ratio * n))

    def excess(log_z: float) -> float:
        clamped = np.minimum(product, log_z + ceiling)
        return float(logsumexp(clamped, b=weights)) - log_z

    log_z = float(logsumexp(product, b=weights))
    if excess(log_z) < -1e-9:
        # About half of the pairs lie above the median.
        lowest = float(np.median(product)) - np.log(4.0)
        log_z = brentq(excess, lowest, log_z, xtol=1e-9)
    return log_z, (-ceiling, min(ceiling, max(highest - log_z, 0.0)))


def score_rows(
    values: list[Values],
    log_z: float,
    limits: tuple[float, float],
    balanced: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Scores of the rows of blocks under a fixed normaliser.

    T - log_z is clamped at its `limits`. Where rows were chosen to hold
    each label of y in its share (`balanced`), a row also meets its own label, for
    which any row of that label would do: pairs of distinct rows alone have too few of
    one label.

    Returns
    -------
    pointwise : ndarray of shape (n,)
        T - log_z at the joint pairs.
    from_x, from_y : ndarray of shape (n,)
        Mean of exp(T - log_z) over the product pairs that hold the row's x, its y.
    """
    parts = []
    for joint, product, shifts in values:
        tilted = np.exp(np.clip(product - log_z, *limits))
        pointwise = np.clip(joint - log_z, *limits)
        from_x = from_y = np.ones(len(joint))
        if len(shifts):
            from_x = tilted.mean(axis=0)
            by_y = [np.roll(row, s) for row, s in zip(tilted, shifts, strict=True)]
            from_y = np.mean(by_y, axis=0)
            if balanced:
                own = np.exp(pointwise)
                from_x = from_x + (own - from_x) / len(joint)
                from_y = from_y + (own - from_y) / len(joint)
        parts.append((pointwise, from_x, from_y))
    pointwise, from_x, from_y = map(np.concatenate, zip(*parts, strict=True))
    return pointwise, from_x, from_y


class Judge:
    """Held-out bound of each critic on its inner validation rows.

    The normaliser holds a little of the joint pairs' mass beside the product pairs,
    so the bound cannot pass the log of the number of pairs: a critic that merely
    separates joint from product pairs gains nothing by growing.

    Parameters
    ----------
    x, y : tensor of shape (n, dx), (n, dy)
    rows : list of K index arrays
    rng : numpy.random.Generator
    n_jobs : int or None
    fit_rows : list of K index arrays, optional
        Rows that the critics are trained on, in random order.
    """

    def __init__(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        rows: Sequence[Ints],
        rng: np.random.Generator,
        n_jobs: int | None = None,
        fit_rows: Sequence[Ints] = (),
    ) -> None:
        self.x, self.y, self.n_jobs = x, y, n_jobs
        self.blocks, self.fine_blocks, self.fit_blocks = (
            [blocks_of(part[:_BLOCK], rng, n_shifts)[0] for part in each]
            for each, n_shifts in (
                (rows, _VALIDATION_SHIFTS),
                (rows, _FINE_SHIFTS),
                (fit_rows, _FIT_SHIFTS),
            )
        )

    def like(self, x: torch.Tensor, y: torch.Tensor) -> Self:
        """A judge of the same pairs of rows, for critics of other encodings."""
        other = copy.copy(self)
        other.x, other.y = x, y
        return other

    def __call__(self, bank: Bank) -> Floats:
        """Bounds of whole critics, (K,)."""
        items = [(k, block) for k, block in enumerate(self.blocks)]
        return self._bounds(bank, items)

    def fine(self, bank: Bank) -> Floats:
        """The same from more product pairs, for a choice that stays.

        Those of training rows are among them: critics that claim much on a few rare
        pairs are found out by many.
        """
        items = [(k, block) for k, block in enumerate(self.fine_blocks)]
        if self.fit_blocks:
            items = [(*each, self.fit_blocks[k]) for k, each in enumerate(items)]
        return self._bounds(bank, items)

    def _bounds(self, bank: Bank, items: Sequence[tuple[Any, ...]]) -> Floats:
        def bound(k: int, block: Block, *others: Block) -> float:
            joint, product = pair_values(bank, [k], self.x, self.y, *block)
            product = product.ravel()
            for other in others:
                more = pair_values(bank, [k], self.x, self.y, *other)[1]
                product = np.append(product, more)
            return _skewed_bound(joint, logsumexp(product) - np.log(product.size))

        return np.array(for_each(bound, items, self.n_jobs))

    @torch.no_grad()
    def separable(self, bank: CriticBank) -> Floats:
        """Bounds without the pair network, from all pairs of rows, (K,)."""
        n = min(_MAX_ALL_PAIRS, *(len(block) for block, _ in self.blocks))
        rows = np.stack([block[:n] for block, _ in self.blocks])
        rows = torch.as_tensor(rows, device=self.x.device)
        values = bank.separable(self.x[rows], self.y[rows]).double()
        joint = values.diagonal(dim1=1, dim2=2).cpu().numpy()
        product = log_mean_of_other_pairs(values).cpu().numpy()
        return np.array(
            [_skewed_bound(*each) for each in zip(joint, product, strict=True)]
        )


def _skewed_bound(joint: Floats, log_product: float) -> float:
    share = 1.0 / joint.size**2
    log_joint = logsumexp(joint) - np.log(joint.size) + np.log(share)
    return joint.mean() - np.logaddexp(log_joint, log_product + np.log1p(-share))
