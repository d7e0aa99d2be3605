"""MINERegressor and MINEClassifier: the critic as a model.

A critic is a log-density ratio, so p(y | x) is proportional to p(y) exp T(x, y). Over a
few atoms of y (classes, or groups of training values) that is normalised exactly. Each
fold's critic gives a distribution, and the mean of them is what is predicted; how
sharp they should be is learnt from rows that the critics have not seen.

References
----------
Krogh and Vedelsby (1995), "Neural network ensembles, cross validation, and active
learning": the mean of several predictions errs by as much less as they disagree.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    is_classifier,
)
from sklearn.utils.validation import check_is_fitted

from ._callbacks import TellsCallbacks
from ._checks import discrete_overrides
from ._crossfit import CrossFit
from ._encoding import TableEncoder, mid_ranks
from ._html import ShowsFigures
from ._logistic import LogisticStart, fit_logistic, loosened
from ._mine import MINE
from ._params import (
    CRITIC_CONSTRAINTS,
    NATS_PER_UNIT,
    PredictsByProbability,
    TakesAnyTable,
    critic_parameters,
    documented,
)
from ._progress import share, working
from ._saved import KnowsItsVersion
from ._table import Table, as_given, as_labels, as_table, as_target
from ._threads import one_thread
from ._typing import (
    CV,
    Callbacks,
    Floats,
    Folds,
    Ints,
    SeedLike,
    Sizes,
    TableLike,
    fit_context,
)
from .nn.scoring import for_each

# Atoms of a continuous target, and of several targets together.
_N_ATOMS, _N_JOINT_ATOMS = 64, 512
# Cells of rows, atoms and critics that are evaluated at a time.
_CELLS = 2**16
# Rows that powers are learnt from, and that importances are measured on, at most.
_MAX_HELD_OUT_ROWS, _MAX_IMPORTANCE_ROWS = 10_000, 1000
# Powers at most, and rows' worth of belief that they are as usual.
_MAX_POWER, _POWER_ROWS = 4.0, 2.0
# Regressions of labels: inverse penalties, from strict to loose, and where standardised
# columns end.
_INVERSE_PENALTIES, _FAR_OUT = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0), 5.0
# Weights of a regression of labels at most.
_MAX_REGRESSION = 200_000
# Levels that quantiles are calibrated at.
_LEVELS = np.linspace(0.0, 1.0, 101)
# Share of the variance that critics' disagreement may not take away.
_LEAST_LEFT = 0.2

_ATTRIBUTES = """mutual_info_, std_error_, p_value_ : float
        Of X and y: the cross-fitted estimate in `units`, its standard error, and the
        p-value of independence; see :class:`MINE`.

    feature_importances_ : ndarray of shape (`n_features_in_`,)
        What the held-out log-density of y loses, in `units`, when a column's values
        are permuted. A column that works only with others counts. Of columns that say
        the same each shows little, since the others still say it; columns that tell
        nothing scatter about zero.

    powers_ : ndarray of shape (1,) or (2,)
        Powers of the density ratios of the critics, and of a logistic regression where
        one was fitted for labels, under which rows that neither has seen are likeliest.

    history_ : list of dict
        One for each pass of the gradient; see :class:`MINE`.

    n_iter_ : int
        Passes of the gradient that the critics have behind them, 1 where none were
        made.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where they are all strings."""
# What both models have beside the critic's parameters.
_MODEL_DOC = """discrete_features : "auto", bool, mask, indices or names, default="auto"
        Which columns of X hold unordered labels. "auto" decides from values and
        ties; text and categories always are.

    units : {"nats", "bits"}, default="nats"
        Of information and importances.

    device : str, default="cpu"
        "cpu", "cuda" (or "cuda:1" and so on), or "auto": CUDA where torch finds it.

    callbacks : list of skorch callbacks, default=None
        Hooked into the training by gradient, where there is one.

    n_jobs : int, default=None
        Folds, and chunks of rows, in threads. None means as many as torch is set to
        use. Numbers do not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seeds folds, weights and minibatches.

    verbose : int, default=0
        1 shows how far a fit is, with the time left, if it takes over two seconds."""
_TEXTS = {
    "critic_parameters": critic_parameters("(64, 64)", "relu"),
    "model_parameters": _MODEL_DOC,
    "attributes": _ATTRIBUTES,
}


class _CriticModel(
    KnowsItsVersion, TellsCallbacks, ShowsFigures, TakesAnyTable, BaseEstimator
):
    """What both models share."""

    _parameter_constraints: dict[str, list[Any]] = {
        **CRITIC_CONSTRAINTS,
        "discrete_features": ["array-like", "boolean", str],
        "callbacks": [list, tuple, None],
    }

    def __init__(
        self,
        objective: str = "mine",
        *,
        solver: str = "auto",
        start: str | None = "canonical",
        encoding: str = "rank",
        hidden_layer_sizes: Sizes = (64, 64),
        activation: str = "relu",
        alpha: float = 1e-3,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 5e-3,
        max_iter: int = 30,
        tol: float = 1e-3,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 8,
        cv: CV = 5,
        discrete_features: ArrayLike = "auto",
        units: str = "nats",
        device: str = "cpu",
        callbacks: Callbacks | None = None,
        n_jobs: int | None = None,
        random_state: SeedLike = None,
        verbose: int = 0,
    ) -> None:
        self.objective = objective
        self.solver = solver
        self.start = start
        self.encoding = encoding
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.cv = cv
        self.discrete_features = discrete_features
        self.units = units
        self.device = device
        self.callbacks = callbacks
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _figures(self) -> list[tuple[str, str]]:
        return self._mine._figures() if hasattr(self, "_mine") else []

    def _fit(
        self,
        X: TableLike,
        target: TableLike,
        atoms: "_Atoms",
        discrete_target: bool | Literal["auto"],
        groups: ArrayLike | None,
        callbacks: Callbacks,
    ) -> "list[_HeldOut] | None":
        """Fit critics, learn their powers, and measure importances.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d)
        target : array-like of shape (n,) or (n, k)
            As critics take it.
        atoms : _Atoms
        discrete_target : bool or "auto"
        groups : array-like of shape (n,) or None
        callbacks : tuple of skorch callbacks
            Besides the user's.

        Returns
        -------
        held_out : list of _HeldOut or None
            None where a side is constant.
        """
        table = as_table(X, "X", estimator=self)
        self._mine = MINE(**self.get_params(), discrete_target=discrete_target)
        with share(0.0, 0.6):
            # Predictions weigh values between those of the rows.
            folds = self._mine._fit(X, target, None, groups, callbacks, in_cells=False)
        self.mutual_info_ = self._mine.mutual_info_
        self.std_error_, self.p_value_ = self._mine.std_error_, self._mine.p_value_
        self.history_ = self._mine.history_
        # Solved critics are found in one go.
        self.n_iter_ = max(1, self._mine.n_iter_)
        self._log_shares = np.log(atoms.counts / atoms.counts.sum())
        self._atoms, self._regression, self.powers_ = None, None, np.ones(1)
        self.feature_importances_: Floats = np.zeros(table.shape[1])
        if folds is None:
            return None
        self._atoms = self._mine._y_as_seen(as_given(atoms.values))
        self._standard = TableEncoder(
            "standard",
            discrete_overrides(self.discrete_features, table),
            max_indicators=0,
        ).fit(table)
        x = self._encoded(table)
        with one_thread():
            if is_classifier(self):
                self._regression = _Regression.fit(x, atoms.of_rows, folds)
            held_out = self._held_out(x, folds, atoms)
            if not held_out:
                return None
            self._learn_powers(held_out)
            n_each = _MAX_IMPORTANCE_ROWS // len(folds) + 1
            with share(0.6, 1.0):
                self._measure_importances([part.first(n_each) for part in held_out])
        return held_out

    def _encoded(self, table: Table) -> Floats:
        """Rows as critics take them, and beside that standardised, (n, width)."""
        x, standard = self._mine._x_as_seen(table), self._standard.transform(table)
        return np.column_stack([x, np.clip(standard, -_FAR_OUT, _FAR_OUT)])

    def _held_out(self, x: Floats, folds: Folds, atoms: "_Atoms") -> "list[_HeldOut]":
        """Rows of each fold with what the fold knows of them."""
        rng, parts = np.random.default_rng(0), []
        for k, (_, test) in enumerate(folds):
            rows = rng.permutation(test[atoms.of_rows[test] >= 0])
            rows = rows[: _MAX_HELD_OUT_ROWS // len(folds) + 1]
            if len(rows) == 0:
                continue
            ratios = self._held_out_ratios(x[rows], k)
            parts.append(_HeldOut(k, rows, x[rows], atoms.of_rows[rows], ratios))
        return parts

    def _learn_powers(self, held_out: "list[_HeldOut]") -> None:
        """Let held-out rows say how far each expert is to be believed."""

        def loss(powers: Floats) -> float:
            losses = [-self._of_own(part, part.ratios, powers) for part in held_out]
            away = ((powers - usual) ** 2).sum()
            return (np.concatenate(losses).sum() + _POWER_ROWS * away) / n_rows

        n_rows = sum(len(part.rows) for part in held_out)
        n_experts = len(held_out[0].ratios)
        self.powers_ = usual = np.ones(n_experts) / n_experts
        found = minimize(loss, self.powers_, bounds=[(0.0, _MAX_POWER)] * n_experts)
        if np.isfinite(found.fun):
            self.powers_ = found.x

    def _measure_importances(self, held_out: "list[_HeldOut]") -> None:
        """What the log-density of held-out rows loses without each column."""

        def importance(columns: list[int]) -> float:
            lost = []
            for part in held_out:
                permuted = part.x.copy()
                order = np.random.default_rng(part.fold).permutation(len(permuted))
                permuted[:, columns] = part.x[order][:, columns]
                without = self._held_out_ratios(permuted, part.fold)
                before, after = (
                    self._of_own(part, ratios, self.powers_)
                    for ratios in (part.ratios, without)
                )
                lost.append(before - after)
            return np.concatenate(lost).mean()

        columns = self._columns_of_features()
        n_jobs = self._mine._n_threads
        items = [(each,) for each in columns]
        found = for_each(importance, items, n_jobs, tells=True)
        self.feature_importances_ = np.array(found) / NATS_PER_UNIT[self.units]

    def _columns_of_features(self) -> list[list[int]]:
        """The encoded columns that each column of X became."""
        widths = [each.width for each in self._mine._x_encoder.columns_]
        if self._mine._level_maps is not None:
            widths = [1]
        beside = [each.width for each in self._standard.columns_]
        ends = np.cumsum([*widths, *beside])
        blocks = [
            list(range(end - width, end))
            for end, width in zip(ends, [*widths, *beside], strict=True)
        ]
        halves = blocks[: len(widths)], blocks[len(widths) :]
        return [one + other for one, other in zip(*halves, strict=True)]

    def _of_own(self, part: "_HeldOut", ratios: Floats, powers: Floats) -> Floats:
        """ln p(own atom | x) of held-out rows, (n,)."""
        return self._log_density(ratios, powers)[np.arange(len(part.own)), part.own]

    def _held_out_ratios(self, x: Floats, k: int) -> Floats:
        """ln p(x, y) / p(x)p(y) of rows with all atoms by what fold k knows, (E, n, m).

        Of its critic, and of its regression where there is one.
        """
        ratios = [self._critic_ratios(x, [k])[0]]
        if self._regression is not None:
            ratios.append(self._regression.of_fold(x, k))
        return np.stack(ratios)

    @property
    def _fit_of_mine(self) -> CrossFit:
        """The critics of all folds, where no side is constant."""
        pieces = self._mine._pieces
        assert pieces is not None and isinstance(pieces.fit, CrossFit)
        return pieces.fit

    def _critic_ratios(self, x: Floats, critics: Sequence[int]) -> Floats:
        """ln p(x, y) / p(x)p(y) of rows with all atoms, of some critics, (K, n, m)."""
        fit = self._fit_of_mine
        assert self._atoms is not None
        x = x[:, : x.shape[1] - sum(each.width for each in self._standard.columns_)]
        # In double precision predictions do not depend on the other rows.
        x, y = (side.double() for side in fit.as_seen(x, self._atoms))
        bank = copy.deepcopy(fit.bank).double()
        n, m = len(x), len(y)
        values = np.empty((len(critics), n, m))
        at_once = max(1, _CELLS // m)
        with torch.no_grad():
            for begin in range(0, n, at_once):
                rows = x[begin : begin + at_once]
                partners = torch.arange(m)[:, None].expand(m, len(rows))
                for place, k in enumerate(critics):
                    part = bank(rows[None], y[None], partners, slice(k, k + 1))
                    values[place, begin : begin + at_once] = part[0].T.numpy()
        values = np.nan_to_num(values) - fit.log_normalizer
        return np.clip(values, *fit.limits)

    def _log_density(self, ratios: Floats | list[Floats], powers: Floats) -> Floats:
        """ln p(atom | x), (..., m), from the density ratios of each expert."""
        tilt = sum(power * each for power, each in zip(powers, ratios, strict=True))
        return log_softmax(self._log_shares + tilt, axis=-1)

    def _predict(self, X: TableLike, summary: Callable[[Floats], Floats]) -> Floats:
        """What is made of p(atom | x) of each critic, row by row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d)
        summary : callable
            Takes an array (K, rows, m), gives one (rows, ...).
        """
        check_is_fitted(self)
        table = as_table(X, "X", estimator=self, reset=False)
        n, m = table.shape[0], len(self._log_shares)
        if self._atoms is None:
            return np.repeat(summary(np.exp(self._log_shares)[None, None]), n, axis=0)
        mine = self._mine
        x = self._encoded(table)
        critics = range(len(self._fit_of_mine.bank.head))
        size = max(1, _CELLS // m)

        def of_chunk(begin: int) -> Floats:
            part = x[begin : begin + size]
            ratios = [self._critic_ratios(part, critics)]
            if self._regression is not None:
                ratios.append(self._regression.of_all(part))
            return summary(np.exp(self._log_density(ratios, self.powers_)))

        begins = [(begin,) for begin in range(0, n, size)]
        with one_thread():
            return np.concatenate(for_each(of_chunk, begins, mine._n_threads))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "powers_")


@dataclass(frozen=True)
class _Atoms:
    """Values that a target may take.

    Attributes
    ----------
    values : ndarray of shape (m,) or (m, k)
    counts : ndarray of shape (m,)
        Training rows of each.
    of_rows : ndarray of shape (n,)
        The atom of each training row; -1 for none.
    """

    values: Floats
    counts: Floats
    of_rows: Ints


class _HeldOut(NamedTuple):
    """Rows of a fold, encoded, their atoms, and density ratios by what it knows."""

    fold: int
    rows: Ints
    x: Floats
    own: Ints
    ratios: Floats

    def first(self, n: int) -> "_HeldOut":
        """Some of them."""
        rows = self.rows[:n], self.x[:n], self.own[:n]
        return _HeldOut(self.fold, *rows, self.ratios[:, :n])


@dataclass(frozen=True)
class _Regression:
    """Logistic regressions: of the training rows of each fold, and of all rows."""

    folds: list[LogisticStart]
    all: LogisticStart | None
    n_classes: int
    floor: float

    @classmethod
    def fit(cls, x: Floats, labels: Ints, folds: Folds) -> "_Regression | None":
        """With the likeliest penalty on held-out rows; None where there is too much."""
        n_classes = labels.max() + 1
        if x.shape[1] * n_classes > _MAX_REGRESSION:
            return None
        if any(len(np.unique(labels[train])) < 2 for train, _ in folds):
            return None

        def fit_rows(rows: Ints | slice, inverse_penalty: float) -> LogisticStart:
            return fit_logistic(x, labels[:, None], labels, rows, inverse_penalty)

        def fit(inverse_penalty: float) -> "tuple[_Regression, float]":
            starts = [fit_rows(train, inverse_penalty) for train, _ in folds]
            found = cls(starts, None, n_classes, -np.log(len(labels)))
            # The classes' shares, which are the same for all penalties, do not matter.
            of_own = [
                found.of_fold(x[test], k)[np.arange(len(test)), labels[test]]
                for k, (_, test) in enumerate(folds)
            ]
            return found, -np.concatenate(of_own).mean()

        best, inverse_penalty = loosened(fit, _INVERSE_PENALTIES)
        assert best is not None and inverse_penalty is not None
        return replace(best, all=fit_rows(slice(None), inverse_penalty))

    def of_fold(self, x: Floats, k: int) -> Floats:
        """Density ratios of rows with all classes by a fold's regression, (n, C)."""
        return self._ratios(self.folds[k], x)

    def of_all(self, x: Floats) -> Floats:
        """The same by that of all rows."""
        assert self.all is not None
        return self._ratios(self.all, x)

    def _ratios(self, start: LogisticStart, x: Floats) -> Floats:
        # A class that was not there is as improbable as rows can show.
        ratios = np.full((len(x), self.n_classes), self.floor)
        ratios[:, start.codes[:, 0]] = start.of_x(x)
        return ratios


@documented(**_TEXTS)
class MINERegressor(RegressorMixin, _CriticModel):
    """Regression by the critic of mutual information.

    The critic that measures I(X; y) is a log-density ratio, and so gives the whole
    distribution of y for each x: its mean is predicted, and any quantile.

    Parameters
    ----------
    {critic_parameters}

    {model_parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MINEClassifier : The same for labels.
    MINE : The estimate alone.

    Notes
    -----
    A single target is divided into at most 64 groups of neighbouring training values;
    the distribution is over their means. Several targets together are represented by
    at most 512 training rows. Predictions therefore never leave the range of the
    training targets.

    References
    ----------
    Krogh and Vedelsby (1995), "Neural network ensembles, cross validation, and active
    learning".

    Breiman (2001), "Random forests": importances by permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine import MINERegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> y = X[:, 0] ** 2 + 0.1 * rng.normal(size=1000)
    >>> model = MINERegressor(random_state=0).fit(X, y)
    >>> model.predict([[2.0, 0.0], [0.0, 0.0]]).round() + 0.0
    array([4., 0.])
    >>> low, high = model.predict([[1.0, 0.0]], quantiles=[0.1, 0.9])[0]
    >>> bool(0.5 < low < 1.0 < high < 1.5)
    True
    """

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: TableLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit the critics.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Numbers, text, categories, booleans, dates; missing cells are allowed and
            count as values of their own.

        y : array-like of shape (n,) or (n, k)
            Numbers, none missing.

        groups : array-like of shape (n,), default=None
            Groups of rows that belong to one fold.

        Returns
        -------
        self : MINERegressor

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        target = as_target(y)
        columns = [target.column(j) for j in range(target.shape[1])]
        if any(column.dtype == object for column in columns):
            raise ValueError(
                "y holds text, or categories. Pass numbers, as by "
                "pandas.to_numeric(y), or use MINEClassifier."
            )
        self._is_single = np.asarray(y).ndim == 1
        values = np.column_stack(columns)
        atoms = _grouped(values[:, 0]) if len(columns) == 1 else _drawn(values)
        self._values = atoms.values.reshape(len(atoms.values), -1)
        shown = working("MINERegressor", shown=self.verbose)
        with self._telling(X, y) as told, shown:
            held_out = self._fit(X, values, atoms, "auto", groups, told.callbacks)
            self._levels = np.tile(_LEVELS, (len(columns), 1))
            if held_out is not None:
                for j, each in enumerate(self._values.T):
                    column = values[:, j]
                    self._levels[j] = self._held_out_levels(held_out, each, column)
        return self

    def _held_out_levels(
        self, held_out: "list[_HeldOut]", atoms: Floats, values: Floats
    ) -> Floats:
        """Levels at which critics put what should be quantiles of held-out rows."""
        order, found = np.argsort(atoms, kind="stable"), []
        # Between the smallest or the largest numbers there are, slopes are infinite.
        unit = max(np.abs(atoms).max(), 1e-300)
        atoms, values = atoms / unit, values / unit
        for part in held_out:
            density = np.exp(self._log_density(part.ratios, self.powers_))[:, order]
            levels = _levels(density)
            found += [
                np.interp(value, atoms[order], row)
                for value, row in zip(values[part.rows], levels, strict=True)
            ]
        return np.quantile(found, _LEVELS)

    def predict(self, X: TableLike, quantiles: ArrayLike | None = None) -> Floats:
        """The mean of y given x, or quantiles.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        quantiles : array-like of shape (q,), default=None
            Between 0 and 1.

        Returns
        -------
        predicted : ndarray of shape (n,) or (n, k)
            Of quantiles (n, q), or (n, k, q) where y had several columns.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        if quantiles is not None:
            quantiles = np.asarray(quantiles, dtype=float)
            if quantiles.ndim != 1 or not ((quantiles >= 0) & (quantiles <= 1)).all():
                raise ValueError(
                    "quantiles should be a list of numbers between 0 and 1, such as "
                    f"[0.1, 0.9]; got {quantiles.tolist()}."
                )

        def summary(probabilities: Floats) -> Floats:
            if quantiles is None:
                return probabilities.mean(axis=0) @ self._values
            parts = [
                _quantiles(probabilities, atoms, np.interp(quantiles, _LEVELS, levels))
                for atoms, levels in zip(self._values.T, self._levels, strict=True)
            ]
            return np.stack(parts, axis=1)

        predicted = self._predict(X, summary)
        return predicted[:, 0] if self._is_single else predicted

    def score(self, X: TableLike, y: ArrayLike) -> float:
        """The bound of the mutual information on these rows.

        Use ``scoring="r2"`` in cross-validation, or `sklearn.metrics.r2_score`, for
        the coefficient of determination.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        y : array-like of shape (n,) or (n, k)
            As in `fit`.

        Returns
        -------
        bound : float
            In `units`; on training rows in-sample. See :meth:`MINE.score`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self)
        as_table(X, "X", estimator=self, reset=False)
        return self._mine.score(X, y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@documented(**_TEXTS)
class MINEClassifier(PredictsByProbability, ClassifierMixin, _CriticModel):
    """Classification by the critic of mutual information.

    The critic that measures I(X; y) is a log-density ratio, and so gives the
    probability of each class for each x.

    Parameters
    ----------
    {critic_parameters}

    {model_parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.

    {attributes}

    See Also
    --------
    MINERegressor : The same for numbers.
    MINE : The estimate alone.

    Notes
    -----
    Critics tell the 64 most frequent classes apart; between others a logistic
    regression alone decides.

    References
    ----------
    Krogh and Vedelsby (1995), "Neural network ensembles, cross validation, and active
    learning".

    Breiman (2001), "Random forests": importances by permutation.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_mine import MINEClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> model = MINEClassifier(random_state=0).fit(X, y)
    >>> bool((model.predict(X_test) == y_test).mean() > 0.9)
    True
    >>> model.predict_proba(X_test).shape
    (45, 3)
    """

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: TableLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit the critics.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Numbers, text, categories, booleans, dates; missing cells are allowed and
            count as values of their own.

        y : array-like of shape (n,)
            Labels, none missing.

        groups : array-like of shape (n,), default=None
            Groups of rows that belong to one fold.

        Returns
        -------
        self : MINEClassifier

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        y = as_labels(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        names = np.arange(len(self.classes_)).astype(str).astype(object)
        atoms = _Atoms(names, np.bincount(codes).astype(float), codes)
        shown = working("MINEClassifier", shown=self.verbose)
        with self._telling(X, y) as told, shown:
            self._fit(X, names[codes], atoms, True, groups, told.callbacks)
        return self

    def predict_proba(self, X: TableLike) -> Floats:
        """The probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            In the order of `classes_`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        return self._predict(X, lambda probabilities: probabilities.mean(axis=0))

    def score(self, X: TableLike, y: ArrayLike) -> float:
        """The bound of the mutual information on these rows.

        Use ``scoring="accuracy"`` in cross-validation, or
        `sklearn.metrics.accuracy_score`, for the share of labels predicted.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        y : array-like of shape (n,)
            Labels that `fit` saw.

        Returns
        -------
        bound : float
            In `units`; on training rows in-sample. See :meth:`MINE.score`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self)
        as_table(X, "X", estimator=self, reset=False)
        y = as_labels(y)
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(
                f"y holds labels that fit never saw: {np.unique(y[~known]).tolist()}."
            )
        codes = np.searchsorted(self.classes_, y).astype(str).astype(object)
        return self._mine.score(X, codes)


def _grouped(y: Floats, n_atoms: int = _N_ATOMS) -> _Atoms:
    """Groups of neighbouring values of about as many rows each."""
    uniques, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    codes = np.arange(len(uniques))
    if len(uniques) > n_atoms:
        bins = (mid_ranks(counts) * n_atoms).astype(int)
        codes = np.unique(bins, return_inverse=True)[1]
    of_rows = codes[inverse]
    sizes = np.bincount(of_rows).astype(float)
    # Numbers near the largest there are have no sum.
    unit = max(1.0, np.abs(y).max() / 1e300)
    means = unit * (np.bincount(of_rows, weights=y / unit) / sizes)
    return _Atoms(means, sizes, of_rows)


def _drawn(y: Floats, n_atoms: int = _N_JOINT_ATOMS) -> _Atoms:
    """Rows drawn to stand for all."""
    rows = np.random.default_rng(0).permutation(len(y))[:n_atoms]
    of_rows = np.full(len(y), -1)
    of_rows[rows] = np.arange(len(rows))
    return _Atoms(y[rows], np.ones(len(rows)), of_rows)


def _levels(probabilities: Floats) -> Floats:
    """The level of each atom, in order, in distributions over all, (n, m)."""
    return np.cumsum(probabilities, axis=1) - 0.5 * probabilities


def _quantiles(probabilities: Floats, values: Floats, quantiles: Floats) -> Floats:
    """Quantiles of the critics' mean prediction, linear between atoms, (n, q).

    Each critic is as sharp as its own errors are, (K, n, m). Their mean errs by less,
    by the variance of what they predict, and their mixture spreads by as much more: it
    is drawn together about its mean.
    """
    order = np.argsort(values, kind="stable")
    values, probabilities = values[order], probabilities[:, :, order]
    scale = max(np.abs(values).max(), 1e-300)
    values = values / scale
    lowest, highest, middle = values[0], values[-1], values.mean()
    values -= middle
    means = probabilities @ values
    disagreement = means.var(axis=0)
    squares = probabilities @ values**2
    variance = np.maximum(squares - means**2, 0.0).mean(axis=0)
    left = np.maximum(variance - disagreement, _LEAST_LEFT * variance)
    together = np.sqrt(left / np.maximum(variance + disagreement, 1e-300))
    mixture, mean = probabilities.mean(axis=0), means.mean(axis=0)[:, None]
    plain = [np.interp(quantiles, each, values) for each in _levels(mixture)]
    found = middle + mean + together[:, None] * (plain - mean)
    return scale * np.clip(found, lowest, highest)
