"""MINE: mutual information of two vectors."""

from dataclasses import replace
from numbers import Real

import numpy as np
import torch
from scipy.stats import norm
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from . import _null
from ._crossfit import cross_fit, make_folds, n_tested
from ._encoding import MAX_DISCRETE, LevelMap, TableEncoder
from ._pair import Pair, TableBank, fine_levels, fit_pair
from ._params import (
    CRITIC_CONSTRAINTS,
    NATS_PER_UNIT,
    Settings,
    with_critic_parameters,
)
from ._pieces import Pieces, network_piece, table_piece
from ._table import as_groups, as_table, as_target
from ._threads import one_thread
from ._warn import warn
from .nn.objectives import OBJECTIVES

# Nats by which training rows may lie above held-out ones without a warning, and rows
# from which the log of their number is a limit worth a word.
_FAR, _FEW_ROWS = 0.1, 50


@with_critic_parameters(hidden="(64, 64)", activation="relu")
class MINE(BaseEstimator):
    """Mutual information of two vectors by a neural critic, with its uncertainty.

    A critic T learns to tell joint pairs (x, y) from pairs of the product of
    marginals; the Donsker-Varadhan bound ``E_joint[T] - ln E_product[exp T]`` on rows
    that it never saw estimates I(X; Y) from below. Folds are trained side by side, so
    every row is scored by a critic that neither trained on it nor was stopped by it.

    Parameters
    ----------
    {critic_parameters}

    discrete_features : "auto" or bool or array-like of bool, default="auto"
        Which columns of X hold unordered labels. "auto" decides from values and
        ties; text and categories always are.

    discrete_target : "auto" or bool, default="auto"
        The same for y.

    units : {"nats", "bits"}, default="nats"
        Of every output.

    device : str, default="cpu"
        "cpu", "cuda" or "auto".

    callbacks : list of skorch callbacks, default=None
        Hooked into the training by gradient, where there is one.

    n_jobs : int, default=None
        Folds solved and scored in parallel, in threads; the gradient trains all
        folds at once in one. None means as many as torch is set to use. Numbers do
        not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seeds folds, weights and minibatches.

    verbose : int, default=0
        1 shows the passes of the gradient as a bar.

    Attributes
    ----------
    mutual_info_ : float
        The cross-fitted estimate, in `units`: `held_out_bound_` with the bias that
        comes of learning from finite rows taken off, see Notes. Not clipped: for
        independent variables it scatters about or below zero.

    held_out_bound_ : float
        The strict lower bound, in `units`: every row is scored by a critic that
        neither trained on it nor was stopped by it. Where `leans_on_start_`, it is
        what held-out rows do certify of the start's claim.

    std_error_ : float
        Standard error of `mutual_info_`: the sampling error of the estimate, from the
        rows' influence on the held-out bound.

    p_value_ : float
        Of the hypothesis that X and Y are independent.

    solver_ : {"newton", "adam", "none"}
        Whose critics are in use: solved ones, or ones trained by gradient; "none"
        where a side is constant.

    n_iter_ : int
        Passes of the gradient that the critics in use have behind them, the most
        over folds; 0 where solved heads were kept.

    history_ : list of dict
        One for each pass: `stage` ("towers": each side's network on all pairs of a
        batch; "critic": the whole critic), `pass`, and for each fold's critic
        `surrogate` (the loss that is descended, no estimate), `train_bound` and
        `validation_bound` (in `units`).

    is_lower_bound_ : bool
        Whether the objective is a lower bound of the mutual information.

    leans_on_start_ : bool
        True where the parametric start claims more information than held-out rows
        can certify; the estimate is then the start's, and a warning says so.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they are all strings.

    See Also
    --------
    mine_score : Every column of a table against a target.

    Notes
    -----
    Where X and y are single columns, critics are solved on a grid of their levels with
    every pair of rows, and networks are trained only where a plain table of counts
    shows that they could add something.

    The held-out bound lies below the information by what a critic cannot learn from
    finite rows; the bound on training rows lies above it by about as much. The
    estimate is halfway between both, or less far where held-out rows bear out little
    of what was learnt. It is the held-out bound itself where that is not above zero.

    The standard error and the interval cover the sampling error of the estimate. They
    do not cover what the critic failed to find.

    References
    ----------
    Belghazi et al. (2018), "Mutual Information Neural Estimation", ICML.

    Akaike (1974), "A new look at the statistical model identification", IEEE
    Transactions on Automatic Control: the halfway correction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine import MINE
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 2))
    >>> y = x[:, 0] * 0.8 + 0.6 * rng.normal(size=1000)
    >>> mine = MINE(random_state=0).fit(x, y)
    >>> low, high = mine.confidence_interval()
    >>> bool(low < -0.5 * np.log(1 - 0.8**2) < high)
    True
    """

    _parameter_constraints: dict = {
        **CRITIC_CONSTRAINTS,
        "discrete_features": ["array-like", "boolean", str],
        "discrete_target": ["boolean", str],
        "callbacks": [list, tuple, None],
    }

    def __init__(
        self,
        objective="mine",
        *,
        solver="auto",
        start="canonical",
        encoding="rank",
        hidden_layer_sizes=(64, 64),
        activation="relu",
        alpha=1e-3,
        batch_size="auto",
        learning_rate_init=5e-3,
        max_iter=30,
        tol=1e-3,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=8,
        cv=5,
        discrete_features="auto",
        discrete_target="auto",
        units="nats",
        device="cpu",
        callbacks=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
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
        self.discrete_target = discrete_target
        self.units = units
        self.device = device
        self.callbacks = callbacks
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None):
        """Estimate I(X; Y).

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            Numbers, text, categories, booleans, dates; missing cells are allowed and
            count as values of their own.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            No missing values.

        groups : array-like of shape (n,), default=None
            Groups of rows that belong to one fold. With an int `cv` the folds are
            those of GroupKFold; a splitter is passed the groups.

        Returns
        -------
        self : MINE

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        settings = self._settings()
        X = as_table(X, "X", estimator=self)
        n = X.shape[0]
        target = as_target(y, n_rows=n)
        require_pairs(n)
        groups = as_groups(groups, n)
        seed = draw_seed(self.random_state)
        rng = np.random.default_rng(seed)
        self._x_encoder = TableEncoder(
            self.encoding, discrete_overrides(self.discrete_features, X)
        )
        self._y_encoder = TableEncoder(
            self.encoding,
            discrete_overrides(self.discrete_target, target, "discrete_target"),
        )
        x = self._x_encoder.fit_transform(X)
        y = self._y_encoder.fit_transform(target)
        warn_of_identifiers(self._x_encoder, X)
        warn_of_identifiers(self._y_encoder, target)
        warn_of_repeats(groups, (x, self._x_encoder), (y, self._y_encoder))
        labels = discrete_labels(target, self._y_encoder)
        folds = fold_rows(self.cv, n, labels, groups, seed)
        self.is_lower_bound_ = OBJECTIVES[settings.objective].is_lower_bound
        self.history_, self.n_iter_, self.solver_ = [], 0, "none"
        self._pieces, self._level_maps = None, None
        self.mutual_info_, self.std_error_, self.p_value_ = 0.0, 0.0, 1.0
        self.held_out_bound_ = 0.0
        self.leans_on_start_ = False
        if not (self._x_encoder.informative and self._y_encoder.informative):
            return self
        with one_thread():
            pair = None
            if settings.solved and settings.start is not None:
                pair = self._pair(X, target, folds)
            options = {"rng": rng, "groups": groups, "labels": labels}
            if pair is None:
                fit = cross_fit(x, y, folds, settings, **options)
            else:
                fit = fit_pair(pair, x, y, settings, **options)
        p_value = independence_p_value(x, y, seed)
        self._pieces = Pieces(fit, n_tested(folds), [p_value])
        if isinstance(fit.bank, TableBank):
            self._pieces.grid = pair.grid
            self._pieces.counts = pair.table(slice(None))
            self._level_maps = [
                LevelMap(table.column(0), levels.codes)
                for table, levels in ((X, pair.x), (target, pair.y))
            ]
        self._report(fit.history)
        warn_of_fit(fit, n, settings)
        if fit.leans_on_start:
            unit = NATS_PER_UNIT[self.units]
            warn(
                f"The estimate of {self.mutual_info_:.2f} {self.units} is that of the "
                f"Gaussian start: {n} rows cannot certify a bound above about "
                f"{np.log(n) / unit:.1f}. It holds as far as the dependence is "
                "Gaussian after ranking; more rows, or fewer columns, would tell.",
            )
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y):
        """Estimate I(X; Y) from data in pieces, of which none is kept.

        The first piece is fitted as by :meth:`fit`, and decides how columns are
        encoded and which critics there are. Each further piece is first scored by the
        critics of all earlier ones, for which its rows are held-out rows, and then
        teaches them (a parametric start stays that of the first piece). Estimates are
        means over all rows of all pieces; p-values of pieces are combined by Fisher's
        method. Pieces should be independent draws of the same distribution, of a few
        thousand rows or more.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
        y : array-like or DataFrame of shape (n,) or (n, dy)

        Returns
        -------
        self : MINE

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mine import MINE
        >>> rng = np.random.default_rng(0)
        >>> mine = MINE(random_state=0)
        >>> for _ in range(3):
        ...     x = rng.normal(size=(1000, 1))
        ...     mine = mine.partial_fit(x, 0.8 * x[:, 0] + 0.6 * rng.normal(size=1000))
        >>> low, high = mine.confidence_interval()
        >>> bool(low < -0.5 * np.log(1 - 0.8**2) < high)
        True
        """
        if not self.__sklearn_is_fitted__() or self._pieces is None:
            return self.fit(X, y)
        settings = self._settings()
        X = as_table(X, "X", estimator=self, reset=False)
        n = X.shape[0]
        target = self._as_target(y, n)
        require_pairs(n)
        pieces = self._pieces
        seed = draw_seed(self.random_state)
        rng = np.random.default_rng([seed, len(pieces.p_values)])
        x, y = self._x_encoder.transform(X), self._y_encoder.transform(target)
        p_value, counts = independence_p_value(x, y, seed), None
        with one_thread():
            if self._level_maps is None:
                fit = network_piece(pieces, x, y, settings, rng)
            else:
                fit, counts = table_piece(pieces, *self._codes(X, target))
        pieces.add(fit, n, p_value, counts)
        self._report(fit.history)
        if fit.estimate < -max(_FAR, 4.0 * fit.std_error):
            warn(
                "On this piece the critics of the earlier ones do worse than none "
                f"would ({fit.estimate:.2f} nats): it is distributed otherwise. Pass "
                "pieces that are draws of one distribution.",
            )
        return self

    def _settings(self):
        settings = Settings.of(self)
        if self.n_jobs is None:
            settings = replace(settings, n_jobs=torch.get_num_threads())
        return settings

    def _report(self, history):
        """Set what users read, from what is known of all pieces."""
        fit, unit = self._pieces.fit, NATS_PER_UNIT[self.units]
        self.mutual_info_ = fit.corrected / unit
        self.held_out_bound_ = fit.held_out_bound / unit
        self.std_error_ = fit.std_error / unit
        self.p_value_ = self._pieces.p_value
        self.n_iter_ = int(fit.n_iter.max())
        self.solver_ = fit.solver
        self.leans_on_start_ = fit.leans_on_start
        for record in history:
            for name in ("train_bound", "validation_bound"):
                if name in record:
                    record[name] = record[name] / unit
        self.history_ = self.history_ + history

    def _pair(self, X, target, folds):
        """Two single columns as a pair, for critics on a grid; else None."""
        if X.shape[1] > 1 or target.shape[1] > 1:
            return None
        x, y = (
            fine_levels(
                table.column(0),
                encoding=self.encoding,
                discrete=encoder.columns_[0].discrete,
            )
            for table, encoder in ((X, self._x_encoder), (target, self._y_encoder))
        )
        return Pair(x, y, folds)

    def confidence_interval(self, level=0.95):
        """Interval of the estimate's sampling error.

        Parameters
        ----------
        level : float, default=0.95
            Between 0 and 1.

        Returns
        -------
        low, high : float
            In `units`. Not clipped at zero.
        """
        check_is_fitted(self)
        if not (isinstance(level, Real) and 0 < level < 1):
            raise ValueError(f"level should lie between 0 and 1, got {level!r}.")
        half = norm.ppf(0.5 + 0.5 * level) * self.std_error_
        return self.mutual_info_ - half, self.mutual_info_ + half

    def pointwise_mutual_info(self, X, y):
        """Pointwise mutual information ln p(x, y) / p(x)p(y) of rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, dx)
        y : array-like or DataFrame of shape (n,) or (n, dy)

        Returns
        -------
        pointwise : ndarray of shape (n,)
            In `units`, by the mean of the fold critics. On training rows it is
            in-sample.
        """
        check_is_fitted(self)
        X = as_table(X, "X", estimator=self, reset=False)
        target = self._as_target(y, X.shape[0])
        if self._pieces is None:
            return np.zeros(X.shape[0])
        if self._level_maps is None:
            x, y = self._x_encoder.transform(X), self._y_encoder.transform(target)
        else:
            x, y = (codes[:, None] for codes in self._codes(X, target))
        with one_thread():
            pointwise = self._pieces.fit.pointwise(x, y)
        return pointwise / NATS_PER_UNIT[self.units]

    def _codes(self, X, target):
        """Levels of both single columns."""
        x_map, y_map = self._level_maps
        return x_map(X.column(0)), y_map(target.column(0))

    def _as_target(self, y, n_rows):
        """y as a table of as many columns as `fit` saw."""
        target = as_target(y, n_rows=n_rows)
        n_targets = len(self._y_encoder.columns_)
        if target.shape[1] != n_targets:
            raise ValueError(
                f"y has {target.shape[1]} columns, but MINE was fitted with "
                f"{n_targets}."
            )
        return target

    def score(self, X, y):
        """The bound on these rows; higher is better.

        The mean pointwise mutual information, with the normaliser that was fixed on
        training pairs, so that one row can be scored. On rows that `fit` saw it is
        in-sample; `mutual_info_` is the held-out figure for those.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, dx)
        y : array-like or DataFrame of shape (n,) or (n, dy)

        Returns
        -------
        bound : float
            In `units`.
        """
        return float(self.pointwise_mutual_info(X, y).mean())

    def __sklearn_is_fitted__(self):
        return hasattr(self, "mutual_info_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.two_d_labels = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def warn_of_fit(fit, n, settings):
    """Say where a fit did not converge, overfits, or nears what rows can show."""
    if fit.still_rises(settings.max_iter, settings.tol):
        warn(
            f"The critics still improved after max_iter={settings.max_iter} passes. "
            "Raise max_iter, or learning_rate_init.",
            ConvergenceWarning,
        )
    if fit.leans_on_start:
        return
    if fit.estimate < -max(_FAR, 4.0 * fit.std_error):
        warn(
            f"On held-out rows the critics do worse than none would "
            f"({fit.estimate:.2f} nats): training went astray. Lower "
            "learning_rate_init.",
            ConvergenceWarning,
        )
    gap = fit.fitted - fit.estimate
    if gap > max(_FAR, 0.5 * abs(fit.estimate), 4.0 * fit.std_error):
        warn(
            f"The bound on training rows is {fit.fitted:.2f} nats, on held-out rows "
            f"{fit.estimate:.2f}: the critics learnt rows by heart. More rows, fewer "
            "columns, smaller hidden_layer_sizes or a larger alpha would help.",
        )
    if fit.estimate > np.log(n) - 2.0 and n > _FEW_ROWS:
        warn(
            f"The estimate of {fit.estimate:.1f} nats is near ln(n_samples) = "
            f"{np.log(n):.1f}, above which {n} rows can show nothing: the information "
            "may be larger. Use more rows.",
        )


def require_pairs(n):
    """Refuse a single row."""
    if n < 2:
        raise ValueError(
            f"n_samples={n}: one row has no product of marginals. Pass 4 or more, "
            "and as many as cv has folds."
        )


def draw_seed(random_state):
    """A seed from `random_state`; None draws fresh entropy, no global state."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def discrete_overrides(choice, table, name="discrete_features"):
    """One override for each column: a bool or "auto"."""
    n_columns = table.shape[1]
    if isinstance(choice, str):
        if choice != "auto":
            raise ValueError(f"{name} should be 'auto', a bool or a mask: {choice!r}.")
        return ["auto"] * n_columns
    if isinstance(choice, (bool, np.bool_)):
        return [bool(choice)] * n_columns
    choice = np.asarray(choice)
    if choice.dtype == bool:
        if choice.shape != (n_columns,):
            raise ValueError(
                f"{name} is a mask of shape {choice.shape}; the table has "
                f"{n_columns} columns."
            )
        return choice.tolist()
    return np.isin(np.arange(n_columns), column_indices(choice, table, name)).tolist()


def column_indices(which, table, name):
    """Column numbers from numbers or names."""
    indices = []
    for item in np.ravel(np.asarray(which, dtype=object)):
        if isinstance(item, (int, np.integer)) and -table.shape[1] <= item:
            if item < table.shape[1]:
                indices.append(int(item) % table.shape[1])
                continue
        elif table.names is not None and item in table.names:
            indices.append(table.names.index(item))
            continue
        raise ValueError(
            f"{name} holds {item!r}, which is no column of {table.name}: there are "
            f"{table.shape[1]} columns."
        )
    return indices


def fold_rows(cv, n_rows, labels, groups, seed):
    """Folds for an int or a splitter, with or without groups."""
    if groups is not None and not hasattr(cv, "split"):
        n_groups = len(np.unique(groups))
        if n_groups < cv:
            raise ValueError(
                f"groups has {n_groups} groups, too few for cv={cv} folds. Use "
                f"cv={n_groups} or less, and 2 groups or more."
            )
        cv = GroupKFold(cv)
    return make_folds(cv, n_rows, stratify=labels, groups=groups, random_state=seed)


def discrete_labels(target, encoder):
    """Labels of the rows of a target of one discrete column, else None."""
    if len(encoder.columns_) == 1 and encoder.columns_[0].discrete:
        return np.unique(target.column(0), return_inverse=True)[1]
    return None


def independence_p_value(x, y, seed):
    """p-value of independence of two encoded vectors."""
    n = len(x)
    rng = np.random.default_rng([seed, 1])
    ones = np.ones(n)
    x_features = _null.test_features(x, ones, rng)
    y_features = _null.test_features(y, ones, rng)
    x_first, x_codes = _distinct(x)
    y_first, y_codes = _distinct(y)
    if _null.needs_permutations(np.bincount(x_codes), np.bincount(y_codes)):
        return _null.permutation_p_value(
            x_features[x_first], x_codes, y_features[y_first], y_codes, rng
        )
    weights = _null.null_weights(x_features, ones, y_features, ones)
    observed = _null.row_statistic(x_features, y_features)
    return float(_null.chi_square_sum_sf(np.array([observed]), weights)[0])


def _distinct(encoded):
    """Where each distinct row stands first, and the number of each row's like."""
    _, first, codes = np.unique(encoded, axis=0, return_index=True, return_inverse=True)
    return first, codes.ravel()


def warn_of_identifiers(encoder, table):
    """Say which text columns only tell rows apart."""
    names = [
        table.label(j)
        for j, column in enumerate(encoder.columns_)
        if column.kind == "identifier"
    ]
    if names:
        warn(
            f"Text that is unique in nearly every row of {table.name} carries no "
            f"information that other rows could show, and scores 0: {names}.",
        )


def warn_of_repeats(groups, *sides):
    """Say how many rows repeat, where values are too fine to repeat by chance.

    Parameters
    ----------
    groups : ndarray of shape (n,) or None
        Where rows come in groups, copies are expected.
    sides : (encoded, TableEncoder) of each side
    """
    fine = [_fine_cells(*side) for side in sides]
    rows = np.any([cells.any(axis=1) for cells in fine], axis=0)
    if groups is not None or not rows.any():
        return
    both = np.concatenate([encoded[rows] for encoded, _ in sides], axis=1)
    if not may_repeat(both.T):
        return
    counts = np.unique(both, axis=0, return_counts=True)[1]
    n_repeated = len(both) - len(counts)
    finest = max(len(np.unique(column)) for column in both.T)
    copied = counts.min() > 1 and len(counts) > MAX_DISCRETE
    if n_repeated and (finest > 0.5 * len(both) or copied):
        warn(
            f"{n_repeated} of {len(rows)} rows repeat another row. Copies of one row "
            "in several folds raise the estimate and shrink its error; drop them, or "
            "pass `groups` so that copies stay together.",
        )


def may_repeat(columns):
    """Whether rows of numbers may repeat; if not, none does."""
    if not len(columns):
        return True
    sums, factor = np.uint64(0), np.uint64(0x9E3779B97F4A7C15)
    for column in columns:
        # Zero has two signs.
        bits = (np.ascontiguousarray(column) + 0.0).view(np.uint64)
        sums = (sums ^ bits) * factor
        sums ^= sums >> np.uint64(29)
    sums.sort()
    return bool((sums[1:] == sums[:-1]).any())


def _fine_cells(encoded, encoder):
    """Cells that hold a continuous number, (n, columns); missing cells do not."""
    cells = np.zeros((len(encoded), len(encoder.columns_)), dtype=bool)
    start = 0
    for j, column in enumerate(encoder.columns_):
        end = start + column.width
        if column.kind == "numeric" and not column.discrete:
            cells[:, j] = ~encoded[:, start + 1 : end].any(axis=1)
        start = end
    return cells
