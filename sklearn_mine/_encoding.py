"""Columns to numbers: normal scores of ranks, indicators, levels.

Mutual information does not change under a strictly increasing map of a column, so a
numeric column becomes the normal scores of its ranks (average ranks for ties), which
frees every later step from units, logs and outliers. Values that repeat a lot also
get an indicator each, and so do categories and missing cells. Nothing here looks at
more than one column, and nothing looks at the other variable.
"""

import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri

from ._table import Table, is_missing
from ._typing import Floats, Ints

# Levels that a continuous column is binned into by the solved critics: equal widths
# in normal scores, so that tails are as finely resolved as the middle.
N_LEVELS = 32
# A numeric column is discrete if it has at most this many distinct values, each
# three times on average.
MAX_DISCRETE = 32
MAX_CATEGORIES = 64
# Categories that have a level of their own; those with no indicator are alike to what
# reads encodings, not to what counts rows.
MAX_LABELS = 256
# A value that makes up this share of a column gets an indicator.
ATOM_SHARE = 0.02
MAX_KNOTS = 2000
# Cells that are sorted at a time: a thread that calls for each column waits for others
# more than it sorts.
_SORTED_CELLS = 2**17
# An indicator of fewer rows may be missing from a fold, and would extrapolate.
_RARE = 20
# Text with more distinct values than this share of the rows tells rows apart and
# nothing else.
IDENTIFIER_SHARE = 0.9

# Whether a column holds labels; "auto" is decided from its values.
Override = bool | Literal["auto"]
# See fit_column.
Summary = tuple[Any, ...]


@dataclass(frozen=True)
class ColumnEncoding:
    """How one column becomes numbers.

    Attributes
    ----------
    kind : {"numeric", "category", "constant", "identifier"}
    knots, scores : ndarray of shape (k,)
        Numeric: the quantile map, interpolated between knots and clamped.
    atoms : ndarray
        Values (numbers or categories) with an indicator of their own.
    missing : bool
        Whether missing cells have an indicator.
    discrete : bool
    """

    kind: str
    knots: Floats
    scores: Floats
    atoms: NDArray[Any]
    missing: bool
    discrete: bool

    @property
    def informative(self) -> bool:
        return self.kind in ("numeric", "category")

    @property
    def width(self) -> int:
        n_scores = 0 if self.kind == "category" else 1
        return max(n_scores + len(self.atoms) + self.missing, 1)

    def thinned(self) -> "ColumnEncoding":
        """The same with at most `MAX_KNOTS` knots, to be kept."""
        if len(self.knots) <= MAX_KNOTS:
            return self
        kept = np.unique(np.linspace(0, len(self.knots) - 1, MAX_KNOTS).astype(int))
        return replace(self, knots=self.knots[kept], scores=self.scores[kept])

    def transform(self, values: NDArray[Any], scores: Floats | None = None) -> Floats:
        """Encode a column of new values.

        Parameters
        ----------
        values : ndarray of shape (n,)
        scores : ndarray, optional
            Those of the values that are not missing, if they are known.

        Returns
        -------
        encoded : ndarray of shape (n, width), float64
        """
        encoded = np.zeros((len(values), self.width))
        if not self.informative:
            return encoded
        gone = is_missing(values)
        start = 0
        if self.kind == "numeric":
            _require_numbers(values)
            if scores is None:
                scores = np.interp(values[~gone], self.knots, self.scores)
            encoded[~gone, 0] = scores
            start = 1
        elif self.atoms.dtype != object:
            _require_numbers(values)
        elif values.dtype != object:
            values = values.astype(str).astype(object)
        for i, atom in enumerate(self.atoms):
            encoded[:, start + i] = (values == atom) & ~gone
        if self.missing:
            encoded[gone, -1] = 1.0
        return encoded


@dataclass(frozen=True)
class Levels:
    """A column reduced to few levels.

    Attributes
    ----------
    codes : ndarray of shape (n,), int64
        The level of each row.
    values : ndarray of shape (L, width)
        The mean encoding of each level's rows.
    encoding : ColumnEncoding
    canonical : bool
        Whether the levels are those of any column without ties of this length.
    units : ndarray of shape (L,) or None
        Where the levels lie in the column's own units, if known.
    whole : bool
        Whether each distinct value has a level of its own.
    own : ndarray of shape (n,), int64, or None
        A number for each label, where there are too many for a level each.
    """

    codes: Ints
    values: Floats
    encoding: ColumnEncoding
    canonical: bool = False
    units: Floats | None = None
    whole: bool = False
    own: Ints | None = None

    @property
    def labels(self) -> Ints | None:
        """A number for each row's label, where the column is discrete."""
        if self.own is not None:
            return self.own
        return self.codes if self.encoding.discrete else None

    @property
    def ordered(self) -> bool:
        """Whether neighbouring levels are alike."""
        return self.encoding.kind == "numeric"


def has_many_labels(x: Levels, y: Levels) -> bool:
    """Whether of two columns of labels one has too many for a level each."""
    # Of labels against numbers single cells tell too little.
    discrete = x.encoding.discrete and y.encoding.discrete
    return discrete and not (x.own is None and y.own is None)


def fit_column(
    values: NDArray[Any],
    *,
    encoding: str = "rank",
    discrete: Override = "auto",
    max_atoms: int = MAX_DISCRETE,
) -> tuple[ColumnEncoding, Summary | None]:
    """Learn the encoding of a column.

    Parameters
    ----------
    values : ndarray of shape (n,)
        A column that a Table gave.

    encoding : {"rank", "standard"}
        Normal scores of ranks, or zero mean and unit variance.

    discrete : bool or "auto"
        Whether the values are unordered labels ("auto": decided from ties).

    max_atoms : int
        Indicators of repeated numbers at most.

    Returns
    -------
    encoding : ColumnEncoding

    summary : tuple or None
        Distinct values, the number of each cell's and how often each occurs, missing
        cells apart; of numbers also the score of each.
    """
    gone = is_missing(values)
    present = values[~gone]
    n_missing = int(gone.sum())
    none = np.empty(0)
    if len(present) == 0:
        return ColumnEncoding("constant", none, none, none, False, True), None
    uniques, inverse, counts = _unique(present)
    has_missing = n_missing > 0
    summary = (uniques, inverse, counts)
    if len(uniques) == 1 and not has_missing:
        return ColumnEncoding("constant", none, none, none, False, True), summary
    is_text = values.dtype == object
    if is_text or discrete is True:
        if len(uniques) > IDENTIFIER_SHARE * len(present) and len(uniques) > 2:
            return ColumnEncoding("identifier", none, none, none, False, True), summary
    # Numbers that the user calls labels are codes, unless they are as few as counts.
    if is_text or (discrete is True and len(uniques) > MAX_DISCRETE):
        kept = _heaviest(uniques, counts, MAX_CATEGORIES)
        atoms = kept[1:] if len(kept) == len(uniques) == 2 else kept
        return ColumnEncoding("category", none, none, atoms, has_missing, True), summary
    if discrete == "auto":
        discrete = len(uniques) <= MAX_DISCRETE and 3 * len(uniques) <= len(present)
    scores = _scores(uniques, counts, encoding)
    if discrete:
        heavy = counts >= min(_RARE, 0.05 * len(values))
    else:
        heavy = counts >= max(5, ATOM_SHARE * len(values))
    atoms = _heaviest(uniques[heavy], counts[heavy], max_atoms)
    if len(uniques) == 2:
        atoms = none
    fitted = ColumnEncoding(
        "numeric", uniques, scores, atoms, has_missing, bool(discrete)
    )
    return fitted, (uniques, inverse, counts, scores)


def level_column(
    values: NDArray[Any],
    *,
    encoding: str = "rank",
    discrete: Override = "auto",
    n_levels: int = N_LEVELS,
) -> Levels:
    """Learn a column's encoding and reduce the column to levels.

    A column of few distinct values keeps them all. Others are binned by equal widths
    of their normal scores; repeated values and missing cells keep levels of their own.

    Returns
    -------
    levels : Levels
    """
    if _may_be_untied(values, encoding, discrete):
        (levels,) = _untied(values[None], n_levels)
        if levels is not None:
            return levels
    return _tied(values, encoding, discrete, n_levels)


def level_columns(
    columns: Iterable[NDArray[Any]], *, encoding: str, discrete: Sequence[Override]
) -> Iterator[Levels]:
    """Levels of columns one after another, many of which are sorted at a time.

    Parameters
    ----------
    columns : iterable of c ndarrays of shape (n,)
    encoding : {"rank", "standard"}
    discrete : list of c bools or "auto"

    Yields
    ------
    levels : Levels
    """
    pairs = iter(zip(columns, discrete, strict=True))
    for values, override in pairs:
        size = max(1, _SORTED_CELLS // len(values))
        group = [(values, override), *itertools.islice(pairs, size - 1)]
        which = [_may_be_untied(v, encoding, o) for v, o in group]
        found = iter(())
        if any(which):
            block = [v for (v, _), untied in zip(group, which, strict=True) if untied]
            found = iter(_untied(np.stack(block), N_LEVELS))
        for (values, override), untied in zip(group, which, strict=True):
            levels = next(found) if untied else None
            if levels is None:
                levels = _tied(values, encoding, override, N_LEVELS)
            yield levels


def _may_be_untied(values: NDArray[Any], encoding: str, discrete: Override) -> bool:
    if values.dtype == object or encoding != "rank" or discrete is True:
        return False
    # A glance saves the sorting of columns of few values.
    return len(values) > 3 and len(np.unique(values[:32])) > 0.5 * len(values[:32])


def _untied(block: Floats, n_levels: int) -> list[Levels | None]:
    """Levels of columns (c, n) of distinct numbers; None for others."""
    n = block.shape[1]
    # NaN sorts last; torch moves what is sorted, without Python's lock.
    order = torch.from_numpy(block.argsort(axis=1))
    ordered = torch.from_numpy(block).gather(1, order).numpy()
    distinct = (ordered[:, 1:] != ordered[:, :-1]).all(axis=1)
    distinct &= ~np.isnan(ordered[:, -1])
    codes_in_order, level_values = _untied_levels(n, n_levels)
    codes_in_order = torch.tensor(codes_in_order).expand(order.shape)
    codes = torch.empty_like(order).scatter_(1, order, codes_in_order).numpy()
    fitted = ColumnEncoding(
        "numeric", np.empty(0), np.empty(0), np.empty(0), False, False
    )
    return [
        Levels(own, level_values, fitted, canonical=True) if fine else None
        for own, fine in zip(codes, distinct, strict=True)
    ]


def _tied(
    values: NDArray[Any], encoding: str, discrete: Override, n_levels: int
) -> Levels:
    n = len(values)
    fitted, summary = fit_column(values, encoding=encoding, discrete=discrete)
    if summary is None or not fitted.informative:
        return Levels(np.zeros(n, dtype=np.int64), np.zeros((1, 1)), fitted)
    uniques, inverse, counts = summary[:3]
    encoded = np.zeros((len(uniques), fitted.width))
    start = 0
    if fitted.kind == "numeric":
        encoded[:, 0] = summary[3]
        start = 1
    for i, atom in enumerate(fitted.atoms):
        encoded[:, start + i] = uniques == atom
    if fitted.kind == "category":
        # Categories beyond the heaviest share the level "other".
        codes = np.arange(len(uniques))
        if len(uniques) > MAX_LABELS:
            kept = _heaviest(uniques, counts, MAX_LABELS)
            codes = np.where(np.isin(uniques, kept), codes, -1)
    elif len(uniques) <= n_levels:
        codes = np.arange(len(uniques))
    else:
        positions = _scores(uniques, counts, "rank")
        largest = ndtri((len(inverse) - 0.5) / len(inverse))
        codes = _bins(positions, largest, n_levels)
        alone = encoded[:, 1:].any(axis=1)
        codes[alone] = n_levels + np.flatnonzero(alone)
    codes = np.unique(codes, return_inverse=True)[1]
    weight = np.bincount(codes, weights=counts)
    level_values = np.stack(
        [np.bincount(codes, weights=counts * column) / weight for column in encoded.T],
        axis=1,
    )
    gone = is_missing(values)
    row_codes = np.full(n, len(weight), dtype=np.int64)
    row_codes[~gone] = codes[inverse]
    if gone.any():
        row = np.zeros((1, fitted.width))
        row[0, -1] = 1.0
        level_values = np.concatenate([level_values, row])
    own = None
    if fitted.discrete and len(uniques) > MAX_LABELS:
        own = np.full(n, len(uniques), dtype=np.int64)
        own[~gone] = inverse
    whole = len(weight) == len(uniques)
    return Levels(row_codes, level_values, fitted, whole=whole, own=own)


class LevelMap:
    """Levels of new values, learnt from values and their levels.

    A number between levels belongs to the nearest one, but not to a level of a single
    value beside a level of many. Values that nothing is known of get -1: of text, and
    of numbers that have no order, all that are new.
    """

    def __init__(self, values: NDArray[Any], codes: Ints, ordered: bool = True) -> None:
        gone = is_missing(values)
        self.of_missing = int(codes[gone][0]) if gone.any() else -1
        values, codes = values[~gone], codes[~gone]
        self.numeric = values.dtype != object
        if not self.numeric:
            values = values.astype(str)
        order = np.argsort(values, kind="stable")
        values, codes = values[order], codes[order]
        self.ordered = ordered and self.numeric
        if self.ordered:
            # Runs of values of one level.
            changes = np.diff(codes, prepend=-1, append=-1) != 0
        else:
            changes = np.append(values[1:] != values[:-1], True)
            changes = np.insert(changes, 0, True)
        first, last = np.flatnonzero(changes[:-1]), np.flatnonzero(changes[1:])
        self.lowest, self.highest = values[first], values[last]
        self.codes = codes[first]

    def bounded(self) -> Self:
        """The same of numbers, by bounds halfway between levels: no value is kept."""
        bounds = 0.5 * self.highest[:-1] + 0.5 * self.lowest[1:]
        found = copy.copy(self)
        found.lowest = np.append(-np.inf, bounds)
        found.highest = np.append(bounds, np.inf)
        return found

    def __call__(self, values: NDArray[Any]) -> Ints:
        """Level of each value, (n,), int64."""
        if self.numeric:
            _require_numbers(values)
        found = np.full(len(values), self.of_missing, dtype=np.int64)
        gone = is_missing(values)
        values = values[~gone]
        if len(self.codes) and len(values):
            found[~gone] = self._nearest(values) if self.ordered else self._same(values)
        return found

    def _same(self, values: NDArray[Any]) -> Ints:
        values = values if self.numeric else values.astype(str)
        place = np.searchsorted(self.lowest, values).clip(max=len(self.codes) - 1)
        return np.where(self.lowest[place] == values, self.codes[place], -1)

    def _nearest(self, values: NDArray[Any]) -> Ints:
        last = len(self.codes) - 1
        below = (np.searchsorted(self.lowest, values, side="right") - 1).clip(min=0)
        above = (below + (values > self.highest[below])).clip(max=last)
        middle = 0.5 * self.highest[below] + 0.5 * self.lowest[above]
        single = self.lowest == self.highest
        mixed = single[below] != single[above]
        up = np.where(
            mixed, single[below] & (values > self.highest[below]), values > middle
        )
        # On a level of one value, or within a level of many, there is no choice.
        return self.codes[np.where(up, above, below)]


class TableEncoder:
    """The encodings of all columns of a table, side by side as one vector.

    Parameters
    ----------
    encoding : {"rank", "standard"}

    discrete : "auto" or sequence of bool
        See :func:`fit_column`; a sequence holds one for each column.

    max_indicators : int
        Indicators of repeated numbers in the whole table at most; the heaviest stay.
        Normal scores already tell the values apart, so a wide table needs few.
    """

    def __init__(
        self,
        encoding: str = "rank",
        discrete: Literal["auto"] | Sequence[Override] = "auto",
        max_indicators: int = 64,
    ) -> None:
        self.encoding = encoding
        self.discrete = discrete
        self.max_indicators = max_indicators

    def fit(self, table: Table) -> Self:
        """Learn the encodings."""
        for _ in self._fit(table):
            pass
        return self

    def fit_transform(self, table: Table) -> Floats:
        """Fit, and encode the same table from exact ranks."""
        encoded = []
        for values, column, summary in self._fit(table):
            scores = None
            if summary is not None and column.kind == "numeric":
                _, inverse, _, of_uniques = summary
                scores = of_uniques[inverse]
            encoded.append(column.transform(values, scores))
        return np.concatenate(encoded, axis=1)

    def _fit(
        self, table: Table
    ) -> Iterator[tuple[NDArray[Any], ColumnEncoding, Summary | None]]:
        """Fit column by column; each with its encoding and summary."""
        n_columns = table.shape[1]
        overrides: Sequence[Override] = (
            ["auto"] * n_columns if isinstance(self.discrete, str) else self.discrete
        )
        budget = min(self.max_indicators // n_columns, MAX_DISCRETE)
        max_atoms = budget if budget >= 2 else 0
        self.columns_ = []
        for j, override in enumerate(overrides):
            values = table.column(j)
            column, summary = fit_column(
                values,
                encoding=self.encoding,
                discrete=override,
                max_atoms=max_atoms,
            )
            self.columns_.append(column.thinned())
            yield values, column, summary

    def transform(self, table: Table) -> Floats:
        """Encode a table, (n, width), float64."""
        return np.concatenate(
            [
                encoding.transform(table.column(j))
                for j, encoding in enumerate(self.columns_)
            ],
            axis=1,
        )

    @property
    def informative(self) -> bool:
        return any(encoding.informative for encoding in self.columns_)


def _require_numbers(values: NDArray[Any]) -> None:
    if values.dtype == object:
        raise ValueError(
            "A column that was numeric when fitted now holds text. Pass columns of "
            "the kinds that fit saw."
        )


def _unique(present: NDArray[Any]) -> tuple[NDArray[Any], Ints, Ints]:
    if present.dtype == object:
        present = present.astype(str)
        uniques, inverse, counts = np.unique(
            present, return_inverse=True, return_counts=True
        )
        return uniques.astype(object), inverse, counts
    return np.unique(present, return_inverse=True, return_counts=True)


def _scores(uniques: Floats, counts: Ints, encoding: str) -> Floats:
    """The score of each distinct value: of its average rank, or standardised."""
    n = counts.sum()
    if encoding == "standard":
        scale = np.abs(uniques).max()
        scaled = uniques / (scale if scale > 0 else 1.0)
        mean = (scaled * counts).sum() / n
        spread = np.sqrt((counts * (scaled - mean) ** 2).sum() / n)
        return (scaled - mean) / (spread if spread > 0 else 1.0)
    return ndtri(mid_ranks(counts))


def mid_ranks(counts: Ints | Floats) -> Floats:
    """Average ranks of ordered levels, as shares of all rows."""
    return (np.cumsum(counts) - 0.5 * counts) / counts.sum()


def _bins(scores: Floats, largest: float, n_levels: int) -> Ints:
    """Bin numbers of scores, by equal widths between -largest and largest."""
    position = (scores + largest) / (2 * largest) * n_levels
    return np.clip(position.astype(np.int64), 0, n_levels - 1)


@lru_cache(maxsize=8)
def _untied_levels(n: int, n_levels: int) -> tuple[Ints, Floats]:
    """Level codes in sorted order, and level values, of n distinct numbers."""
    scores = ndtri((np.arange(n) + 0.5) / n)
    if n <= n_levels:
        codes = np.arange(n)
    else:
        bins = _bins(scores, scores[-1], n_levels)
        codes = np.unique(bins, return_inverse=True)[1]
    values = (np.bincount(codes, weights=scores) / np.bincount(codes))[:, None]
    codes.flags.writeable = values.flags.writeable = False
    return codes, values


def _heaviest(values: NDArray[Any], counts: Ints, limit: int) -> NDArray[Any]:
    """The most frequent values, at most `limit`, in a fixed order."""
    order = np.argsort(-counts, kind="stable")[:limit]
    return values[np.sort(order)]
