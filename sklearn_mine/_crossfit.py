"""Cross-fitting: folds, critics trained on some rows, other rows scored.

Every row is scored by a critic that never saw it, neither in training nor in the inner
validation that stopped it. What is reported is the tangent form of the
Donsker-Varadhan bound: with T a critic and a its log-normaliser fixed on training
pairs, ``mean(T - a) - mean(exp(T - a)) + 1`` over held-out joint and product pairs. It
is unbiased for a quantity below the mutual information, where the plug-in form is
biased upward.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.model_selection import KFold, StratifiedKFold

from ._logistic import logistic_start
from ._mixture import MAX_MIXED, PairBound, mixture_start, quiet_fits
from ._params import Settings
from ._progress import reached, share
from ._start import CanonicalStart, Twist, canonical_start
from ._typing import Floats, Folds, History, Ints, Splitter
from .nn.critics import Bank, CriticBank, shifts_of
from .nn.newton import solve_head
from .nn.objectives import OBJECTIVES
from .nn.scoring import (
    Block,
    Judge,
    Values,
    blocks_of,
    for_each,
    log_normalizer,
    score_rows,
    values_of,
)
from .nn.training import (
    N_CANDIDATES,
    N_TRAIN_SHIFTS,
    SeparablePart,
    copy_critics,
    train,
)

if TYPE_CHECKING:
    from ._pair import Pair


# Product pairs for each row: when held-out rows are scored, when the normaliser of a
# fold's critic and that of their mean is fixed.
_N_SCORE_SHIFTS = 48
_N_NORMALIZER_SHIFTS = 12
_N_MEAN_SHIFTS = 4
# Few rows get more, up to about so many pairs; and so do those of a head.
_N_SCORE_PAIRS, _N_HEAD_PAIRS = 50_000, 8192
# Rows that a head is solved on at most.
_MAX_HEAD_ROWS = 4096
# Fewer inner validation rows than this judge nothing; as many are left to fit.
_MIN_VALIDATION = _MIN_FITTING = 20
# Prior precision of a standardised head weight, in rows: the ridge is this over n.
# Where no validation rows can reject a solved head, it keeps closer to the start.
_HEAD_PRECISION, _UNJUDGED_PRECISION = 30.0, 200.0
# A solved head that beats the Gaussian start by this factor shows that the start's
# form is wrong; the networks then begin from nothing.
_WRONG_START = 1.05
# So many labels are always stratified; more, where fewer rows than this share have
# labels that come less than twice to a fold.
_FEW_LABELS, _SPARSE = 4, 0.05
# Where so few coordinates at most, and no more than this share of them, are known to
# tell something, a mixture is also sought among those alone.
_FEW_KNOWN, _SHARE_KNOWN = 4, 0.25
# Nats that towers have to find before the whole critic is trained as well.
_WORTH = 0.005
_BATCH, _ALL_PAIRS_BATCH = 512, 256


class _Care(NamedTuple):
    """How much is made of single rows.

    Attributes
    ----------
    head_shifts : int
        Product pairs for each row when a head is solved.
    spread_floor : float
        Standardised features have at most this much less spread than the median one.
    max_ratio : float
        Density ratios that a critic may claim, in training rows.
    """

    head_shifts: int
    spread_floor: float
    max_ratio: float


_FINE = _Care(head_shifts=8, spread_floor=0.1, max_ratio=4.0)
# Where values repeat, a head would learn rows with rare ones by heart, and no ratio
# can show that is above the number of rows.
_COARSE = _Care(head_shifts=8, spread_floor=1.0, max_ratio=1.0)


@dataclass
class CrossFit:
    """Critics of all folds and how held-out rows scored.

    Attributes
    ----------
    bank : CriticBank or TableBank
        A critic for each fold, on the CPU whatever trained them.
    log_normalizer : float
        Of the mean over critics, from training pairs.
    limits : tuple of float
        Values beside the normaliser are clamped at these.
    estimate, std_error : float
        The held-out bound, in nats, and its standard error from the rows' influence.
    fitted : float
        The same bound on the rows that the critics were trained on.
    history : list of dict
        One for each pass of the gradient.
    n_iter : ndarray of shape (K,)
        Passes behind each critic's weights; 0 where none paid.
    leans_on_start : bool
        The parametric start claims more than held-out rows can certify, and is
        reported as it is.
    held_out_bound : float
        The estimate, or, where it leans on the start, the bound nonetheless.
    influence : ndarray of shape (n,) or None
        Of each row on the estimate; NaN where no fold tests it.
    twists : tuple of two (Twist or None)
        What the bank wants done to each encoded side.
    """

    bank: Bank
    log_normalizer: float
    limits: tuple[float, float]
    estimate: float
    std_error: float
    fitted: float
    history: History
    n_iter: Ints
    leans_on_start: bool
    held_out_bound: float
    influence: Floats | None = None
    twists: tuple[Twist | None, Twist | None] = (None, None)

    @property
    def corrected(self) -> float:
        """The estimate with the bias that comes of learning from finite rows taken off.

        What a critic's freedom adds on the rows that it learnt from, it loses as much
        on others (Akaike, 1974): the information lies halfway. That holds as far as
        held-out rows bear out what was learnt, and counts no further.
        """
        if not 0.0 < self.estimate < self.fitted:
            return self.estimate
        gap = self.fitted - self.estimate
        return self.estimate + 0.5 * gap * self.estimate / self.fitted

    def still_rises(self, max_iter: int, tol: float) -> bool:
        """Whether the last stage's inner validation bounds rose to the last pass."""
        stage = self.history[-1]["stage"] if self.history else None
        bounds = [
            each.get("validation_bound")
            for each in self.history
            if each["stage"] == stage
        ]
        if not bounds or bounds[-1] is None or self.history[-1]["pass"] < max_iter:
            return False
        before = bounds[-min(4, max_iter + 1) :][0] if max_iter > 1 else 0.0
        rise = np.mean(bounds[-1] - before)
        return bool(rise > max(5.0 * tol, 0.01 * np.mean(bounds[-1])))

    @property
    def solver(self) -> str:
        """Whose critics these are: "newton" where all were solved, else "adam"."""
        return "adam" if self.n_iter.any() else "newton"

    def as_seen(
        self, x: NDArray[Any], y: NDArray[Any], device: str | torch.device = "cpu"
    ) -> list[torch.Tensor]:
        """Encoded rows as the bank takes them."""
        return [
            torch.as_tensor(
                side if twist is None else twist(side),
                dtype=torch.float32,
                device=device,
            )
            for side, twist in zip((x, y), self.twists, strict=True)
        ]

    def pointwise(self, x: NDArray[Any], y: NDArray[Any]) -> Floats:
        """ln p(x, y) / p(x)p(y) of rows by the mean critic, (n,).

        Rows are encoded as the bank takes them: (n, d), or levels (n, 1) for tables.
        """
        if len(x) == 0:
            return np.empty(0)
        x, y = self.as_seen(x, y)
        critics = range(len(self.bank.head))
        blocks = blocks_of(np.arange(len(x)), np.random.default_rng(0), 0)
        values = values_of(self.bank, critics, x, y, blocks)
        return score_rows(values, self.log_normalizer, self.limits)[0]


def make_folds(
    cv: int | Splitter | Iterable[Any],
    n_rows: int,
    *,
    stratify: Ints | None,
    groups: NDArray[Any] | None,
    random_state: int,
) -> Folds:
    """Train and test rows of each fold.

    Parameters
    ----------
    cv : int, splitter or iterable
    stratify : ndarray of shape (n,) or None
        Labels of a discrete target.
    groups : ndarray of shape (n,) or None
    random_state : int

    Returns
    -------
    folds : list of (train, test) index arrays
    """
    if isinstance(cv, int):
        if cv > n_rows:
            raise ValueError(
                f"cv={cv} folds need as many rows, got n_samples={n_rows}. Use cv="
                f"{n_rows} or less."
            )
        if stratify is not None:
            counts = np.bincount(stratify)
            of_row = counts[stratify]
            # A row of each label in every fold would be no random draw of labels.
            sparse = (of_row < 2 * cv).mean() > _SPARSE and len(counts) > _FEW_LABELS
            labels = np.where(of_row < cv, -1, stratify)
            if not sparse and np.unique(labels, return_counts=True)[1].min() >= cv:
                splitter = StratifiedKFold(cv, shuffle=True, random_state=random_state)
                return list(splitter.split(np.empty(n_rows), labels))
        cv = KFold(cv, shuffle=True, random_state=random_state)
    labels = np.zeros(n_rows, dtype=int) if stratify is None else stratify
    if hasattr(cv, "split"):
        cv = _splits(cv, n_rows, labels, groups)
    folds = [_as_fold(fold, n_rows) for fold in cv]
    if not folds:
        raise ValueError(
            "cv holds no folds. An iterator is empty after its first use: pass a list."
        )
    return folds


def _splits(
    splitter: Any, n_rows: int, labels: Any, groups: NDArray[Any] | None
) -> list[Any]:
    """What a splitter makes of rows, whose refusals name it."""
    try:
        return list(splitter.split(np.empty((n_rows, 1)), labels, groups))
    except (TypeError, ValueError) as error:
        lacks_groups = groups is None and "groups" in str(error)
        remedy = " Pass the group of each row as `groups`." if lacks_groups else ""
        raise ValueError(
            f"cv={splitter!r:.80} makes no folds of these rows: {error}{remedy}"
        ) from error


def _as_fold(fold: Any, n_rows: int) -> tuple[Ints, Ints]:
    """Row numbers of a fold of somebody else's, (train, test)."""
    try:
        train_rows, test_rows = (np.asarray(rows) for rows in fold)
    except (TypeError, ValueError):
        raise ValueError(
            f"cv holds {fold!r:.60}, which is no pair (train, test) of row numbers."
        ) from None
    fold = []
    for rows in (train_rows, test_rows):
        if rows.dtype == bool and rows.shape == (n_rows,):
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            raise ValueError(
                f"cv holds rows of shape {rows.shape} and type {rows.dtype}. Pass row "
                "numbers, or masks of all rows."
            )
        if rows.size and not (-n_rows <= rows.min() and rows.max() < n_rows):
            raise ValueError(
                f"cv asks for rows {rows.min()} to {rows.max()}; there are {n_rows}."
            )
        rows = rows.astype(np.intp) % n_rows
        values, counts = np.unique(rows, return_counts=True)
        if len(values) < len(rows):
            raise ValueError(
                f"cv gives a fold with row {values[counts.argmax()]} more than once. "
                "Pass each row number once; a row is never paired with its own copy."
            )
        fold.append(rows)
    train_rows, test_rows = fold
    if len(train_rows) < 2 or len(test_rows) < 1:
        raise ValueError(
            f"cv gives a fold of {len(train_rows)} training and {len(test_rows)} "
            "test rows; each needs at least 2 and 1."
        )
    both = np.intersect1d(train_rows, test_rows)
    if len(both):
        raise ValueError(
            f"cv gives a fold that trains and tests row {both[0]}. What is held out "
            "may not be learnt from."
        )
    return train_rows, test_rows


def n_tested(folds: Folds) -> int:
    """Rows that some fold tests."""
    tested = np.bincount(np.concatenate([test for _, test in folds]))
    return int(np.count_nonzero(tested))


def n_repeats(folds: Folds) -> float:
    """Times that a row is tested, on average over those that are."""
    return sum(len(test) for _, test in folds) / n_tested(folds)


def hold_shares(folds: Folds, labels: Ints | None) -> bool:
    """Whether the folds' test rows hold each label in its share of all rows.

    Labels rarer than the folds are left aside.
    """
    if labels is None:
        return False
    counts = np.bincount(labels)
    common = counts >= len(folds)
    return bool(common.any()) and all(
        np.abs(
            np.bincount(labels[test], minlength=len(counts))
            - counts * (len(test) / len(labels))
        )[common].max()
        < 1.0
        for _, test in folds
    )


@overload
def cross_fit(
    x: Floats,
    y: Floats,
    folds: Folds,
    settings: Settings,
    *,
    rng: np.random.Generator,
    groups: NDArray[Any] | None = None,
    labels: Ints | None = None,
    max_samples: int | None = None,
    rival: None = None,
) -> CrossFit: ...
@overload
def cross_fit(
    x: Floats,
    y: Floats,
    folds: Folds,
    settings: Settings,
    *,
    rng: np.random.Generator,
    groups: NDArray[Any] | None = None,
    labels: Ints | None = None,
    max_samples: int | None = None,
    rival: "Pair",
) -> CrossFit | None: ...
def cross_fit(
    x: Floats,
    y: Floats,
    folds: Folds,
    settings: Settings,
    *,
    rng: np.random.Generator,
    groups: NDArray[Any] | None = None,
    labels: Ints | None = None,
    max_samples: int | None = None,
    rival: "Pair | None" = None,
) -> CrossFit | None:
    """Train a critic for each fold and score every row by the one that missed it.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)
        Encoded.
    folds : list of (train, test) index arrays
    settings : Settings
    rng : numpy.random.Generator
    groups : ndarray of shape (n,), optional
        Rows of one group stay together in the inner validation split.
    labels : ndarray of shape (n,), optional
        Of a discrete target.
    max_samples : int, optional
        Cap on the training rows of a fold.
    rival : Pair, optional
        Solved critics that these have to beat on the inner validation rows.

    Returns
    -------
    fit : CrossFit or None
        None where the rival is at least as good.
    """
    capped = [rng.permutation(rows)[:max_samples] for rows, _ in folds]
    fit_rows, valid_rows = _inner_splits(capped, settings, rng, groups)
    care = care_for(x, y)
    use_start = settings.start is not None
    n_plain, twists = (x.shape[1], y.shape[1]), (None, None)
    if use_start:
        twists = Twist(x), Twist(y)
        x, y = (twist(side) for twist, side in zip(twists, (x, y), strict=True))
    starts = [
        canonical_start(x[rows], y[rows], rng=rng, n_plain=n_plain, analyse=use_start)
        for rows in fit_rows
    ]
    reached(0.1)
    # From n rows no bound certifies more than about ln n; a Gaussian start that
    # claims more is reported as the parametric estimate that it is. (Labels in common
    # are certified by their entropy: only continuous sides lean.)
    certain = np.log(min(len(rows) for rows in fit_rows))
    leans = care is _FINE and min(start.claim for start in starts) > certain
    judged = valid_rows is not None and not leans and settings.solver == "auto"
    if use_start and valid_rows is not None and judged:
        rows = fit_rows, valid_rows
        if labels is not None:
            plain = x[:, : n_plain[0]], y[:, : n_plain[1]]
            starts = _with_regressions(starts, *plain, labels, *rows, settings.n_jobs)
        with share(0.1, 0.5):
            starts = _with_mixtures(starts, x, y, *rows, rng, settings.n_jobs)
    settings = _for_device(settings)
    bank = CriticBank(
        starts,
        settings.hidden_layer_sizes,
        settings.activation,
        use_start=use_start,
        rng=rng,
    ).to(settings.device)
    x, y = (
        torch.as_tensor(side, dtype=torch.float32, device=settings.device)
        for side in (x, y)
    )
    history: History = []
    n_iter: Ints = np.zeros(len(folds), dtype=int)
    if not leans:
        judge = None
        if valid_rows is not None:
            judge = Judge(x, y, valid_rows, rng, settings.n_jobs, fit_rows)
        elif rival is not None:
            return None
        trainer = _Trainer(x, y, fit_rows, judge, settings, rng, care)
        with share(0.5 if settings.solver == "auto" else 0.1, 0.95):
            history, n_iter = trainer.run(bank)
        if rival is not None and judge is not None:
            if not judge(bank).mean() > rival.judged_by(judge, fit_rows).mean():
                return None
    score_folds = _ScoreFolds(bank, x, y, hold_shares(folds, labels))
    scored = score_folds(folds, capped, care.max_ratio, rng, settings.n_jobs)
    held_out_bound = scored.estimate
    if leans:
        # The Gaussian start is normalised by itself.
        scored = score_folds(folds, capped, None, rng, settings.n_jobs)
    return CrossFit(
        bank.cpu(),
        **scored._asdict(),
        history=history,
        n_iter=n_iter,
        leans_on_start=leans,
        held_out_bound=held_out_bound,
        twists=twists,
    )


def care_for(x: NDArray[Any], y: NDArray[Any]) -> _Care:
    """More where many rows of an encoded side repeat others."""
    coarse = any(len(np.unique(side, axis=0)) < 0.9 * len(side) for side in (x, y))
    return _COARSE if coarse else _FINE


def further_fit(
    fit: CrossFit,
    x: torch.Tensor,
    y: torch.Tensor,
    settings: Settings,
    *,
    n_before: int,
    care: _Care,
    rng: np.random.Generator,
) -> CrossFit:
    """Score further rows by critics that never saw them, then train the critics on.

    Parameters
    ----------
    fit : CrossFit
    x, y : tensor of shape (n, dx), (n, dy)
        As :meth:`CrossFit.as_seen` gives them.
    settings : Settings
    n_before : int
        Rows that the critics have learnt from.
    care : _Care
    rng : numpy.random.Generator

    Returns
    -------
    fit : CrossFit
        The new critics, with the figures of these rows.
    """
    settings = _for_device(settings)
    rows, bank = np.arange(len(x)), copy.deepcopy(fit.bank).to(settings.device)
    critics, n = range(len(bank.head)), n_before + len(x)
    blocks = blocks_of(rng.permutation(rows), rng, _N_SCORE_SHIFTS, _N_SCORE_PAIRS)
    before = values_of(bank, critics, x, y, blocks)
    if fit.leans_on_start:
        # Normalised by itself; clamped, it is a critic like others.
        alone: list[Values] = [(joint, product[:0], []) for joint, product, _ in before]
        of_piece = _with_scores(fit, alone, fit.log_normalizer, fit.limits)
        ceiling = float(np.log(care.max_ratio * n))
        bound = _with_scores(fit, before, 0.0, (-ceiling, ceiling)).estimate
        return replace(of_piece, held_out_bound=bound)
    of_piece = _with_scores(fit, before, fit.log_normalizer, fit.limits)
    splits = _inner_splits([rows] * len(critics), settings, rng, None)
    judge = None
    if splits[1] is not None:
        judge = Judge(x, y, splits[1], rng, settings.n_jobs, splits[0])
    elif settings.solver == "auto" and settings.early_stopping:
        # Too few rows to judge what they teach.
        return of_piece
    # Critics in tables go on otherwise.
    assert isinstance(bank, CriticBank)
    trainer = _Trainer(x, y, splits[0], judge, settings, rng, care)
    history, n_iter = trainer.resume(bank, n_before)
    values = values_of(bank, critics, x, y, blocks)
    # What fixed the normaliser so far counts as the rows that it came from; these rows
    # say by how much it changed with the critics.
    max_ratio = care.max_ratio * n / len(rows)
    (log_z, limits), (old_log_z, _) = (
        log_normalizer(each, max_ratio) for each in (values, before)
    )
    moved = fit.log_normalizer + log_z - old_log_z
    log_z = float(logsumexp([moved, log_z], b=[n_before / n, len(rows) / n]))
    limits = limits[0], max(limits[1], fit.limits[1])
    return replace(
        of_piece,
        bank=bank.cpu(),
        log_normalizer=log_z,
        limits=limits,
        fitted=_bound(*score_rows(values, log_z, limits))[0],
        history=history,
        n_iter=fit.n_iter + n_iter,
    )


def _with_scores(
    fit: CrossFit, values: list[Values], log_z: float, limits: tuple[float, float]
) -> CrossFit:
    """A fit with the figures of rows that its critics did not see."""
    estimate, error = _bound(*score_rows(values, log_z, limits))
    return replace(
        fit,
        estimate=estimate,
        std_error=error,
        held_out_bound=estimate,
        fitted=estimate,
        history=[],
    )


def _for_device(settings: Settings) -> Settings:
    """A GPU computes for one thread at a time."""
    if torch.device(settings.device).type == "cpu":
        return settings
    return replace(settings, n_jobs=1)


def _with_regressions(
    starts: list[CanonicalStart],
    x: Floats,
    y: Floats,
    labels: Ints,
    fit_rows: Sequence[Ints],
    valid_rows: Sequence[Ints],
    n_jobs: int | None,
) -> list[CanonicalStart]:
    """Starts with a regression of labels each."""

    def fit(start: CanonicalStart, *rows: Ints) -> CanonicalStart:
        return replace(start, logistic=logistic_start(x, y, labels, *rows))

    with quiet_fits():
        return for_each(
            fit, list(zip(starts, fit_rows, valid_rows, strict=True)), n_jobs
        )


def _with_mixtures(
    starts: list[CanonicalStart],
    x: Floats,
    y: Floats,
    fit_rows: Sequence[Ints],
    valid_rows: Sequence[Ints],
    rng: np.random.Generator,
    n_jobs: int | None,
) -> list[CanonicalStart]:
    """Starts with a mixture where one beats the others."""

    def fit(
        start: CanonicalStart, fit_rows: Ints, valid_rows: Ints, seed: int
    ) -> CanonicalStart:
        judged = start.ratios(x[valid_rows], y[valid_rows])
        least = max(map(PairBound(np.arange(len(valid_rows))), judged))
        bound = PairBound(valid_rows)
        u, v = (side[:, :MAX_MIXED] for side in start.coordinates(x, y))
        mixture = mixture_start(u, v, fit_rows, bound, least, seed=seed)
        n_known, n_each = start.n_known, min(u.shape[1], v.shape[1])
        few = min(_FEW_KNOWN, _SHARE_KNOWN * n_each)
        if mixture is None and 0 < n_known <= few:
            known = u[:, :n_known], v[:, :n_known]
            mixture = mixture_start(*known, fit_rows, bound, least, seed=seed)
        return replace(start, mixture=mixture)

    seeds = rng.integers(2**31 - 1, size=len(starts))
    items = [
        (start, *split, int(seed))
        for start, *split, seed in zip(starts, fit_rows, valid_rows, seeds, strict=True)
    ]
    with quiet_fits():
        return for_each(fit, items, n_jobs, tells=True)


class _Trainer:
    """The stages of training; after each, a critic keeps its better self."""

    def __init__(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        fit_rows: Sequence[Ints],
        judge: Judge | None,
        settings: Settings,
        rng: np.random.Generator,
        care: _Care,
    ) -> None:
        self.x, self.y, self.fit_rows = x, y, fit_rows
        self.judge, self.settings, self.rng, self.care = judge, settings, rng, care
        self.history: History = []
        self.n_iter: Ints = np.zeros(len(fit_rows), dtype=int)

    def run(self, bank: CriticBank) -> tuple[History, Ints]:
        solver = self.settings.solver
        if solver == "adam":
            self._descend(bank)
        elif solver == "newton" or self.judge is None:
            copy_critics(bank, self._solved(bank), np.arange(len(bank.head)))
        elif not bank.use_start:
            with share(0.0, 0.3):
                self._keep_better(bank, self.judge.fine(bank), self._solved(bank))
            with share(0.3, 1.0):
                self._descend(bank)
        else:
            with share(0.0, 0.5):
                worth_more = self._train_towers(bank)
            if worth_more:
                trained, n_before = copy.deepcopy(bank), self.n_iter.copy()
                bounds = self.judge.fine(bank)
                with share(0.5, 1.0):
                    self._descend(trained)
                lost = self._keep_better(bank, bounds, trained) <= bounds
                self.n_iter[lost] = n_before[lost]
        return self.history, self.n_iter

    def resume(self, bank: CriticBank, n_before: int) -> tuple[History, Ints]:
        """Train on, from where critics are that learnt from so many rows."""
        solver = self.settings.solver
        if solver != "adam":
            solved = self._solved(bank, n_before)
            if solver == "newton" or self.judge is None:
                copy_critics(bank, solved, np.arange(len(bank.head)))
                return self.history, self.n_iter
            self._keep_better(bank, self.judge.fine(bank), solved)
        self._descend(bank)
        return self.history, self.n_iter

    def _train_towers(self, bank: CriticBank) -> bool:
        """Both sides' networks on all pairs, from the best start or from nothing.

        Returns whether they found much that the starts have not.
        """
        started = np.stack([self._begin_at(bank, i) for i in range(bank.n_starts)])
        bank.begin_at(np.argmax(started, axis=0))
        untrained = copy.deepcopy(bank)
        best = started.max(axis=0)
        with share(0.0, 0.3):
            bounds = self._keep_better(untrained, best, self._solved(bank))
        # Of all pairs of a batch the mixture would take too long.
        started = started[: bank.n_separable]
        wrong = bounds > _WRONG_START * started.max(axis=0) + self.settings.tol
        bank.begin_at(np.where(wrong, -1, np.argmax(started, axis=0)))
        with share(0.3, 0.9):
            self._descend(bank, towers=True)
        trained = self._fine(bank)
        if (trained > bounds + self.settings.tol).any():
            trained = self._keep_better(bank, trained, self._solved(bank))
        gain = trained - bounds
        copy_critics(bank, untrained, np.flatnonzero(gain <= 0.0))
        self.n_iter[gain <= 0.0] = 0
        return np.maximum(gain, 0.0).mean() > _WORTH

    def _fine(self, bank: CriticBank) -> Floats:
        assert self.judge is not None
        return self.judge.fine(bank)

    def _begin_at(self, bank: CriticBank, which: int) -> Floats:
        """Bounds of all critics at one of their starts, (K,)."""
        bank.begin_at([which] * len(bank.head))
        return self._fine(bank)

    def _keep_better(
        self, bank: CriticBank, bounds: Floats, other: CriticBank
    ) -> Floats:
        """Let each critic become its like in another bank, if better than its bound.

        Returns the bounds of what is kept.
        """
        others = self._fine(other)
        copy_critics(bank, other, np.flatnonzero(others > bounds))
        return np.maximum(others, bounds)

    def _descend(self, bank: CriticBank, *, towers: bool = False) -> None:
        """Train whole critics by gradient, or both sides' networks on all pairs."""
        settings = self.settings
        if towers:
            module, batch_size, n_shifts = SeparablePart(bank), _ALL_PAIRS_BATCH, None
        else:
            module, batch_size, n_shifts = bank, _BATCH, N_TRAIN_SHIFTS
            if settings.objective == "infonce":
                n_shifts = N_CANDIDATES
        judge: Callable[..., Floats] | None = self.judge
        if towers and judge is not None:
            judge = self._judge_towers
        if settings.batch_size != "auto":
            batch_size = settings.batch_size
        keeper = train(
            module,
            self.x,
            self.y,
            self.fit_rows,
            OBJECTIVES[settings.objective](all_pairs=n_shifts is None),
            batch_size=batch_size,
            learning_rate=settings.learning_rate_init,
            alpha=settings.alpha,
            max_iter=settings.max_iter,
            judge=judge,
            patience=settings.n_iter_no_change,
            tol=settings.tol,
            rng=self.rng,
            n_shifts=n_shifts,
            callbacks=settings.callbacks,
        )
        for record in keeper.history_:
            stage = "towers" if towers else "critic"
            self.history.append({"stage": stage, **record})
        self.n_iter += keeper.best_pass_

    def _judge_towers(self, part: SeparablePart) -> Floats:
        assert self.judge is not None
        return self.judge.separable(part.bank)

    def _solved(self, bank: CriticBank, n_before: int = 0) -> CriticBank:
        """A bank with each head solved, from where it is.

        What it learnt from `n_before` rows counts as they do.
        """
        solved = copy.deepcopy(bank)
        least = _UNJUDGED_PRECISION if self.judge is None else _HEAD_PRECISION
        items = []
        for k, rows in enumerate(self.fit_rows):
            share = min(1.0, _MAX_HEAD_ROWS / max(len(rows), 1))
            precision = least + share * n_before
            rows = self.rng.permutation(rows)[:_MAX_HEAD_ROWS]
            if len(rows) > 2:
                n_shifts, floor = self.care.head_shifts, self.care.spread_floor
                (block,) = blocks_of(rows, self.rng, n_shifts, _N_HEAD_PAIRS)
                items.append((solved, k, self.x, self.y, *block, precision, floor))
        for_each(_solve_one, items, self.settings.n_jobs, tells=True)
        failed = ~torch.isfinite(solved.head).all(dim=1)[:, 0].cpu().numpy()
        copy_critics(solved, bank, np.flatnonzero(failed))
        return solved


@torch.no_grad()
def _solve_one(
    bank: CriticBank,
    k: int,
    x: torch.Tensor,
    y: torch.Tensor,
    block: Ints,
    shifts: list[int],
    precision: float,
    spread_floor: float,
) -> None:
    """Newton on the head of critic k, with a ridge towards the head it has."""
    index = torch.as_tensor(block, device=x.device)
    partners = shifts_of(len(block), [0, *shifts], x.device)
    features = bank.features(x[index][None], y[index][None], partners, slice(k, k + 1))
    features = features[0].double()
    joint, product = features[0], features[1:].flatten(0, 1)
    mean, spread = product.mean(dim=0), product.std(dim=0)
    used = spread > 1e-6
    # A unit that is active in few pairs must not be blown up to unit variance.
    spread = spread.clamp(min=1e-6)
    if used.any():
        spread = torch.maximum(spread, spread_floor * spread[used].median())
    head = bank.head[k, :, 0].double()
    log_weights = product @ head
    log_weights = log_weights - torch.logsumexp(log_weights, dim=0)
    # A strong critic leaves few product pairs with weight: those set the noise.
    n_effective = float(torch.exp(-torch.logsumexp(2.0 * log_weights, dim=0)))
    product_scaled = torch.where(used, (product - mean) / spread, 0.0)
    joint_mean = torch.where(used, (joint.mean(dim=0) - mean) / spread, 0.0)
    ridge = precision / max(min(len(block), n_effective), 1.0)
    change, _ = solve_head(
        product_scaled,
        joint_mean[None],
        log_weights[None],
        torch.tensor([ridge], dtype=torch.float64, device=x.device),
    )
    head = head + change[0] / spread
    log_z = torch.logsumexp(product @ head, dim=0) - np.log(len(product))
    bank.head[k, :, 0] = head.float()
    bank.intercept[k] = -log_z.float()


def _inner_splits(
    rows: Sequence[Ints],
    settings: Settings,
    rng: np.random.Generator,
    groups: NDArray[Any] | None,
) -> tuple[Sequence[Ints], Sequence[Ints] | None]:
    """Rows of each fold that fit, and those that judge, or None where none do."""
    splits = [_inner_split(each, settings, rng, groups) for each in rows]
    enough = min(len(valid) for _, valid in splits) >= _MIN_VALIDATION
    if settings.solver != "newton" and settings.early_stopping and enough:
        fitting, judging = zip(*splits, strict=True)
        return fitting, judging
    return rows, None


def _inner_split(
    rows: Ints,
    settings: Settings,
    rng: np.random.Generator,
    groups: NDArray[Any] | None,
) -> tuple[Ints, Ints]:
    """Training rows in two: those that fit, those that judge."""
    fraction = settings.validation_fraction
    order = rng.permutation(rows)
    if groups is None:
        n_valid = int(np.ceil(fraction * len(rows)))
        n_valid = min(n_valid, max(0, len(rows) - _MIN_FITTING))
        return order[n_valid:], order[:n_valid]
    labels = rng.permutation(np.unique(groups[rows]))
    sizes = np.cumsum([np.sum(groups[rows] == label) for label in labels])
    n_groups = 1 + int(np.searchsorted(sizes, fraction * len(rows)))
    if n_groups >= len(labels):
        return order, order[:0]
    judged = np.isin(groups[order], labels[:n_groups])
    return order[~judged], order[judged]


def _bound(
    scores: Floats, from_x: Floats, from_y: Floats, n_repeats: float = 1.0
) -> tuple[float, float]:
    """The bound in its tangent form, and its standard error from rows' influence.

    Parameters
    ----------
    scores, from_x, from_y : ndarray of shape (n,)
        As :func:`score_rows` gives them.
    n_repeats : float
        Times that a row is among them.
    """
    influence = scores - from_x - from_y
    error = 0.0
    if len(influence) > 1:
        error = float(influence.std(ddof=1) / np.sqrt(len(influence) / n_repeats))
    return float((scores - from_x).mean()) + 1.0, error


class _Scored(NamedTuple):
    """What :class:`CrossFit` holds of scores."""

    log_normalizer: float
    limits: tuple[float, float]
    estimate: float
    std_error: float
    fitted: float
    influence: Floats


class _ScoreFolds:
    """Scores rows fold by fold, and fixes the mean critic's normaliser.

    Parameters
    ----------
    bank, x, y
        Critics, and all rows.
    balanced : bool
        Whether folds hold each label in its share; see :func:`score_rows`.
    """

    def __init__(
        self, bank: CriticBank, x: torch.Tensor, y: torch.Tensor, balanced: bool
    ) -> None:
        self.bank, self.x, self.y, self.balanced = bank, x, y, balanced

    def __call__(
        self,
        folds: Folds,
        fit_rows: Sequence[Ints],
        max_ratio: float | None,
        rng: np.random.Generator,
        n_jobs: int | None,
    ) -> _Scored:
        """Score by critics that claim at most so much, or are normalised (None)."""
        n_train, n_test = (
            (0, 0) if max_ratio is None else (n_shifts, _N_SCORE_PAIRS)
            for n_shifts in (_N_NORMALIZER_SHIFTS, _N_SCORE_SHIFTS)
        )
        tested = [rng.permutation(rows) for _, rows in folds]
        items = [
            (
                k,
                blocks_of(fit_rows[k], rng, *n_train),
                blocks_of(test_rows, rng, *n_test),
                max_ratio,
            )
            for k, test_rows in enumerate(tested)
        ]
        held_out, fitted = zip(*for_each(self._score, items, n_jobs), strict=True)
        scores, from_x, from_y = (
            np.concatenate(part) for part in zip(*held_out, strict=True)
        )
        rows = rng.permutation(np.unique(np.concatenate(fit_rows)))
        mean_blocks = blocks_of(rows, rng, _N_MEAN_SHIFTS, _N_SCORE_PAIRS)
        mean_values = self._values(range(len(folds)), mean_blocks)
        log_z, limits = self._normalizer(mean_values, max_ratio)
        estimate, error = _bound(scores, from_x, from_y, n_repeats(folds))
        tested = np.concatenate(tested)
        times = np.bincount(tested, minlength=len(self.x))
        with np.errstate(invalid="ignore"):
            total = np.bincount(tested, scores - from_x - from_y, len(self.x))
            influence = total / times
        fitted = float(np.mean(fitted))
        return _Scored(log_z, limits, estimate, error, fitted, influence)

    def _values(self, critics: Sequence[int], blocks: list[Block]) -> list[Values]:
        return values_of(self.bank, critics, self.x, self.y, blocks)

    def _normalizer(
        self, values: list[Values], max_ratio: float | None
    ) -> tuple[float, tuple[float, float]]:
        if max_ratio is None:
            return 0.0, (-np.inf, np.inf)
        return log_normalizer(values, max_ratio, self.balanced)

    def _score(
        self,
        k: int,
        train_blocks: list[Block],
        test_blocks: list[Block],
        max_ratio: float | None,
    ) -> tuple[tuple[Floats, Floats, Floats], float]:
        """Scores of held-out rows, and the bound on training rows."""
        train, test = (
            self._values([k], blocks) for blocks in (train_blocks, test_blocks)
        )
        normalizer = self._normalizer(train, max_ratio)
        held_out, fitted = (
            score_rows(values, *normalizer, self.balanced) for values in (test, train)
        )
        return held_out, _bound(*fitted)[0]
