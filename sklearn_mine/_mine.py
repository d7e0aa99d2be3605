"""MINE: mutual information of two vectors."""

from dataclasses import replace
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ._callbacks import TellsCallbacks
from ._checks import (
    discrete_labels,
    discrete_overrides,
    draw_seed,
    fold_rows,
    goes_astray,
    require_pairs,
    warn_of_few_rows,
    warn_of_fit,
    warn_of_identifiers,
    warn_of_many_labels,
    warn_of_new_labels,
    warn_of_numbers_in_text,
    warn_of_rare_labels,
    warn_of_repeats,
)
from ._copies import copied_cells, infinite_pairs, warn_of_infinite
from ._crossfit import CrossFit, cross_fit, n_tested
from ._encoding import MAX_CATEGORIES, MAX_LABELS, LevelMap, TableEncoder
from ._given import ConditionalTest, GivenFit, GivenFitter
from ._html import ShowsFigures, with_interval
from ._labels import LabelBank, LabelGrid
from ._null import independence_p_value
from ._pair import Pair, TableBank, fine_levels, fit_pair
from ._params import (
    CRITIC_CONSTRAINTS,
    NATS_PER_UNIT,
    Settings,
    TakesAnyTable,
    critic_parameters,
    documented,
)
from ._pieces import Pieces, network_piece, table_piece
from ._progress import working
from ._saved import KnowsItsVersion
from ._table import Table, as_given, as_groups, as_table, as_target
from ._threads import one_thread
from ._typing import (
    CV,
    Callbacks,
    Floats,
    Folds,
    History,
    SeedLike,
    Sizes,
    TableLike,
    fit_context,
)
from ._warn import warn
from .nn.objectives import OBJECTIVES

# How warnings name the two fits that conditional information is the difference of.
_TERMS = "Of `given` and y: ", "Of X with `given`, and y: "


@documented(critic_parameters=critic_parameters("(64, 64)", "relu"))
class MINE(KnowsItsVersion, TellsCallbacks, ShowsFigures, TakesAnyTable, BaseEstimator):
    """Mutual information of two vectors by a neural critic, with its uncertainty.

    A critic T learns to tell joint pairs (x, y) from pairs of the product of
    marginals; the Donsker-Varadhan bound ``E_joint[T] - ln E_product[exp T]`` on rows
    that it never saw estimates I(X; Y) from below. Folds are trained side by side, so
    every row is scored by a critic that neither trained on it nor was stopped by it.

    Parameters
    ----------
    {critic_parameters}

    discrete_features : "auto", bool, mask, indices or names, default="auto"
        Which columns of X hold unordered labels. "auto" decides from values and
        ties; text and categories always are.

    discrete_target : "auto" or bool, default="auto"
        The same for y.

    units : {"nats", "bits"}, default="nats"
        Of every output.

    device : str, default="cpu"
        "cpu", "cuda" (or "cuda:1" and so on), or "auto": CUDA where torch finds it.

    callbacks : list of skorch callbacks, default=None
        Hooked into the training by gradient, where there is one.

    n_jobs : int, default=None
        Folds solved and scored in parallel, in threads; the gradient trains all
        folds at once in one. None means as many as torch is set to use. Numbers do
        not depend on it.

    random_state : int, RandomState instance or None, default=None
        Seeds folds, weights and minibatches.

    verbose : int, default=0
        1 shows how far a fit is, with the time left, if it takes over two seconds.

    Attributes
    ----------
    mutual_info_ : float
        The cross-fitted estimate, in `units`: `held_out_bound_` with the bias that
        comes of learning from finite rows taken off, see Notes. Not clipped: for
        independent variables it scatters about or below zero.

    held_out_bound_ : float
        The strict lower bound, in `units`: every row is scored by a critic that
        neither trained on it nor was stopped by it. Where `leans_on_start_`, it is
        what held-out rows do certify of the start's claim. With `given` it is a
        difference of two bounds, and no bound itself.

    std_error_ : float
        Standard error of `mutual_info_`: the sampling error of the estimate, from the
        rows' influence on the held-out bound.

    p_value_ : float
        Of the hypothesis that X and Y are independent, or with `given` that they are
        once those columns are known.

    solver_ : {"newton", "adam", "none"}
        Whose critics are in use: solved ones, or ones trained by gradient; "none"
        where a side is constant, or text that only tells rows apart. With `given`, of
        the critics of X and `given` together.

    n_iter_ : int
        Passes of the gradient that the critics in use have behind them, the most
        over folds; 0 where solved heads were kept. With `given`, of the critics of X
        and `given` together.

    history_ : list of dict
        One for each pass: `stage` ("towers": each side's network on all pairs of a
        batch; "critic": the whole critic), `pass`, and for each fold's critic
        `surrogate` (the loss that is descended, no estimate), `train_bound` and, where
        validation rows judge the training, `validation_bound` (in `units`). With
        `given` also `critics`: "given" (those of `given` alone, which come first) or
        "both" (those of X and `given` together).

    is_lower_bound_ : bool
        Whether the objective is a lower bound of the mutual information, and there
        was no `given`.

    leans_on_start_ : bool
        True where the parametric start claims more information than held-out rows
        can certify; the estimate is then the start's, and a warning says so.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
    Two columns of labels are counted: a Pitman-Yor process foretells which labels go
    with one, and a pair that was counted once says nothing for the training bound.

    The standard error and the interval cover the sampling error of the estimate. They
    do not cover what the critic failed to find.

    A ConvergenceWarning says where critics still improved at the end, or training went
    astray.

    References
    ----------
    Belghazi et al. (2018), "Mutual Information Neural Estimation", ICML.

    Teh (2006), "A Hierarchical Bayesian Language Model based on Pitman-Yor Processes",
    ACL: columns of labels.

    Akaike (1974), "A new look at the statistical model identification", IEEE
    Transactions on Automatic Control: the halfway correction.

    Donsker and Varadhan (1983), "Asymptotic evaluation of certain Markov process
    expectations for large time, IV": the bound.

    Gretton et al. (2008), "A kernel statistical test of independence": `p_value_`.

    Shah and Peters (2020), "The hardness of conditional independence testing and the
    generalised covariance measure": `p_value_` with `given`.

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

    # Pipeline.score hands on the sample weights that it may have been given, also to
    # steps whose score takes none: they may be named, and cannot be asked for.
    __metadata_request__score = {"sample_weight": None}

    _parameter_constraints: dict[str, list[Any]] = {
        **CRITIC_CONSTRAINTS,
        "discrete_features": ["array-like", "boolean", str],
        "discrete_target": ["boolean", str],
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
        discrete_target: bool | Literal["auto"] = "auto",
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
        self.discrete_target = discrete_target
        self.units = units
        self.device = device
        self.callbacks = callbacks
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: TableLike,
        y: TableLike,
        given: TableLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Estimate I(X; Y), or I(X; Y | given).

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            Numbers, text, categories, booleans, dates; missing cells are allowed and
            count as values of their own.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            No missing values.

        given : array-like or DataFrame of shape (n,) or (n, dz), default=None
            What the information is conditioned on, of any kinds of column. Routed
            through pipelines and cross-validation by scikit-learn's metadata routing
            (``set_fit_request(given=True)``).

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
        shown = working("MINE", shown=self.verbose)
        with self._telling(X, y) as told, shown:
            self._fit(X, y, given, groups, told.callbacks)
        return self

    def _fit(
        self,
        X: TableLike,
        y: TableLike,
        given: TableLike | None = None,
        groups: ArrayLike | None = None,
        callbacks: Callbacks = (),
        in_cells: bool = True,
    ) -> Folds | None:
        """Fit, and return the folds; None where a side is constant.

        Critics of copies may tell cells apart and nothing between, unless `in_cells`
        is False.
        """
        settings = self._settings(callbacks)
        X = as_table(X, "X", estimator=self)
        n = X.shape[0]
        target = as_target(y, n_rows=n)
        require_pairs(n)
        warn_of_few_rows(n)
        groups = as_groups(groups, n)
        seed = draw_seed(self.random_state)
        given = None if given is None else as_given(given, n_rows=n)
        x, y, z = self._encode(X, target, given, groups)
        labels = discrete_labels(target, self._y_encoder)
        folds = fold_rows(self.cv, n, labels, groups, seed)
        # The difference of two bounds is none.
        bound = OBJECTIVES[settings.objective].is_lower_bound
        self.is_lower_bound_ = bound and z is None
        self.history_: History = []
        self.n_iter_, self.solver_ = 0, "none"
        self._pieces: Pieces | None = None
        self._level_maps: tuple[LevelMap, LevelMap] | None = None
        self.mutual_info_, self.std_error_, self.p_value_ = 0.0, 0.0, 1.0
        self.held_out_bound_ = 0.0
        self.leans_on_start_ = False
        if not (self._x_encoder.informative and self._y_encoder.informative):
            return None
        decided = [
            [column.discrete for column in encoder.columns_]
            for encoder in (self._x_encoder, self._y_encoder)
        ]
        infinite = infinite_pairs(X, decided[0], target, decided[1])
        warn_of_infinite(infinite, X, target)
        warn_of_rare_labels(X, discrete_labels(X, self._x_encoder))
        warn_of_rare_labels(target, labels)
        options: dict[str, Any] = {"groups": groups, "labels": labels}
        fit: CrossFit | GivenFit
        pair = None
        if z is None and settings.solved and settings.start is not None:
            pair = self._pair(X, target, folds, in_cells)
        if pair is None or not isinstance(pair.grid, LabelGrid):
            limit = MAX_LABELS, "Against numbers"
            if pair is None:
                limit = MAX_CATEGORIES, "By networks"
            warn_of_many_labels(X, decided[0], *limit)
            warn_of_many_labels(target, decided[1], *limit)
        with one_thread():
            if z is not None:
                fitter = GivenFitter(y, z, folds, settings, seed=seed, **options)
                fit = given_fit = fitter.fit(x)
                p_value = ConditionalTest(y, z, seed).p_value(x)
                fits = [given_fit.given, given_fit.both]
            else:
                options["rng"] = np.random.default_rng(seed)
                if pair is None:
                    plain = cross_fit(x, y, folds, settings, **options)
                else:
                    plain = fit_pair(pair, x, y, settings, **options)
                p_value = independence_p_value(x, y, seed)
                fit = plain = replace(plain, influence=None)
                fits = [plain]
        self._pieces = pieces = Pieces(fit, n_tested(folds), [p_value])
        if pair is not None and isinstance(fits[0].bank, TableBank | LabelBank):
            pieces.grid = pair.grid
            pieces.counts = sp.csr_array(pair.table(slice(None)))
            x_map, y_map = (
                LevelMap(table.column(0), codes, ordered)
                for table, codes, ordered in zip(
                    (X, target), pair.codes, pair.ordered, strict=True
                )
            )
            if pair.in_cells:
                x_map, y_map = x_map.bounded(), y_map.bounded()
            self._level_maps = x_map, y_map
        self._report(pieces, fit.history)
        for each, of in zip(fits, _TERMS if len(fits) > 1 else ("",), strict=True):
            warn_of_fit(each, n, settings, of, bool(infinite))
        if fit.leans_on_start:
            unit = NATS_PER_UNIT[self.units]
            warn(
                f"The estimate of {self.mutual_info_:.2f} {self.units} is that of the "
                f"Gaussian start: {n} rows cannot certify a bound above about "
                f"{np.log(n) / unit:.1f}. It holds as far as the dependence is "
                "Gaussian after ranking; more rows, or fewer columns, would tell.",
            )
        return folds

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: TableLike, y: TableLike, given: TableLike | None = None
    ) -> Self:
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
            Columns as in the first piece.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            As in the first piece, none missing.

        given : None, default=None
            Has to be None: conditional information needs all rows at once.

        Returns
        -------
        self : MINE

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.

        References
        ----------
        Fisher (1925), "Statistical methods for research workers": the combined p-value.

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
        if given is not None:
            raise ValueError(
                "given has to be None in partial_fit: conditional information needs "
                "all rows at once. Call fit with them instead."
            )
        if not self.__sklearn_is_fitted__() or self._pieces is None:
            return self.fit(X, y)
        if self._z_encoder is not None:
            raise ValueError(
                "partial_fit goes on from a fit without `given`; this one had it. Call "
                "fit with all rows instead."
            )
        shown = working("MINE", shown=self.verbose)
        with self._telling(X, y) as told, shown:
            self._go_on(self._pieces, X, y, told.callbacks)
        return self

    def _go_on(
        self, pieces: Pieces, X: TableLike, y: TableLike, callbacks: Callbacks
    ) -> None:
        """Score a further piece, and learn from it."""
        settings = self._settings(callbacks)
        X = as_table(X, "X", estimator=self, reset=False)
        n = X.shape[0]
        target = self._as_target(y, n)
        require_pairs(n)
        seed = draw_seed(self.random_state)
        rng = np.random.default_rng([seed, len(pieces.p_values)])
        x, y = self._x_encoder.transform(X), self._y_encoder.transform(target)
        p_value, counts = independence_p_value(x, y, seed), None
        with one_thread():
            if self._level_maps is None:
                fit = network_piece(pieces, x, y, settings, rng)
            else:
                x_map, y_map = self._level_maps
                codes = x_map(X.column(0)), y_map(target.column(0))
                warn_of_new_labels(*codes)
                fit, counts = table_piece(pieces, *codes)
        # Should the rest be interrupted, the piece does not count.
        self._pieces = pieces = pieces.plus(fit, n, p_value, counts)
        self._report(pieces, fit.history)
        if goes_astray(fit):
            warn(
                "On this piece the critics of the earlier ones do worse than none "
                f"would ({fit.estimate:.2f} nats): it is distributed otherwise. Pass "
                "pieces that are draws of one distribution.",
            )

    def _encode(
        self, X: Table, target: Table, given: Table | None, groups: NDArray[Any] | None
    ) -> tuple[Floats, Floats, Floats | None]:
        """Learn the encodings of all sides, and encode them.

        Returns
        -------
        x, y, z : ndarray of shape (n, width)
            z is None without `given`, or where that is constant.
        """
        self._x_encoder = TableEncoder(
            self.encoding, discrete_overrides(self.discrete_features, X)
        )
        self._y_encoder = TableEncoder(
            self.encoding,
            discrete_overrides(self.discrete_target, target, "discrete_target"),
        )
        self._z_encoder = None if given is None else TableEncoder(self.encoding)
        sides = []
        for encoder, table in (
            (self._x_encoder, X),
            (self._y_encoder, target),
            (self._z_encoder, given),
        ):
            if encoder is not None and table is not None:
                sides.append((encoder.fit_transform(table), encoder))
                warn_of_identifiers(encoder, table)
                warn_of_numbers_in_text(table, encoder.discrete)
        warn_of_repeats(groups, *sides)
        x, y, *z = (encoded for encoded, _ in sides)
        if self._z_encoder is None or not self._z_encoder.informative:
            return x, y, None
        return x, y, z[0]

    def _settings(self, callbacks: Callbacks = ()) -> Settings:
        settings = Settings.of(self)
        callbacks = *settings.callbacks, *callbacks
        return replace(settings, callbacks=callbacks, n_jobs=self._n_threads)

    @property
    def _n_threads(self) -> int:
        return torch.get_num_threads() if self.n_jobs is None else self.n_jobs

    def _report(self, pieces: Pieces, history: History) -> None:
        """Set what users read, from what is known of all pieces."""
        fit, unit = pieces.fit, NATS_PER_UNIT[self.units]
        self.mutual_info_ = fit.corrected / unit
        self.held_out_bound_ = fit.held_out_bound / unit
        self.std_error_ = fit.std_error / unit
        self.p_value_ = pieces.p_value
        self.n_iter_ = int(fit.n_iter.max())
        self.solver_ = fit.solver
        self.leans_on_start_ = bool(fit.leans_on_start)
        # Copies: the fit's own records stay in nats.
        self.history_ = self.history_ + [
            {
                name: value / unit if name.endswith("_bound") else value
                for name, value in record.items()
            }
            for record in history
        ]

    def _pair(
        self, X: Table, target: Table, folds: Folds, in_cells: bool
    ) -> Pair | None:
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
        columns = X.column(0), target.column(0)
        return Pair(x, y, folds, copied_cells(*columns) if in_cells else None)

    def _figures(self) -> list[tuple[str, str]]:
        if not hasattr(self, "mutual_info_"):
            return []
        estimate = with_interval(
            self.mutual_info_, *self.confidence_interval(), self.units
        )
        return [
            ("mutual information", estimate),
            ("held-out lower bound", f"{self.held_out_bound_:.3f} {self.units}"),
            ("p-value of independence", f"{self.p_value_:.1e}"),
        ]

    def confidence_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the estimate's sampling error.

        Parameters
        ----------
        level : float, default=0.95
            Between 0 and 1.

        Returns
        -------
        low, high : float
            In `units`. Not clipped at zero.

        Raises
        ------
        ValueError
            If `level` is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self)
        if not (isinstance(level, Real) and 0 < level < 1):
            raise ValueError(f"level should lie between 0 and 1, got {level!r}.")
        half = norm.ppf(0.5 + 0.5 * level) * self.std_error_
        return self.mutual_info_ - half, self.mutual_info_ + half

    def pointwise_mutual_info(
        self, X: TableLike, y: TableLike, given: TableLike | None = None
    ) -> Floats:
        """Pointwise mutual information ln p(x, y) / p(x)p(y) of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            Columns as in `fit`.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            As in `fit`, none missing.

        given : array-like or DataFrame of shape (n,) or (n, dz), default=None
            If and only if `fit` had it: the logarithm is then that of
            p(x, y | given) / p(x | given)p(y | given).

        Returns
        -------
        pointwise : ndarray of shape (n,)
            In `units`, by the mean of the fold critics. On training rows it is
            in-sample.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self)
        X = as_table(X, "X", estimator=self, reset=False)
        target = self._as_target(y, X.shape[0])
        given = self._as_given(given, X.shape[0])
        if self._pieces is None:
            return np.zeros(X.shape[0])
        x, y = self._as_seen(X, target, given)
        with one_thread():
            pointwise = self._pieces.fit.pointwise(x, y)
        return pointwise / NATS_PER_UNIT[self.units]

    def _as_seen(
        self, X: Table, target: Table, given: Table | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rows of both sides as critics take them: encoded, or levels (n, 1)."""
        x = self._x_as_seen(X)
        encoder = self._z_encoder
        if encoder is not None and given is not None and encoder.informative:
            x = np.column_stack([x, encoder.transform(given)])
        return x, self._y_as_seen(target)

    def _x_as_seen(self, X: Table) -> NDArray[Any]:
        """Rows of X alone."""
        if self._level_maps is None:
            return self._x_encoder.transform(X)
        return self._level_maps[0](X.column(0))[:, None]

    def _y_as_seen(self, target: Table) -> NDArray[Any]:
        """Rows of y alone."""
        if self._level_maps is None:
            return self._y_encoder.transform(target)
        return self._level_maps[1](target.column(0))[:, None]

    def _as_target(self, y: TableLike, n_rows: int) -> Table:
        """y as a table of as many columns as `fit` saw."""
        target = as_target(y, n_rows=n_rows)
        n_targets = len(self._y_encoder.columns_)
        if target.shape[1] != n_targets:
            raise ValueError(
                f"y has {target.shape[1]} columns, but MINE was fitted with "
                f"{n_targets}."
            )
        return target

    def _as_given(self, given: TableLike | None, n_rows: int) -> Table | None:
        """given as a table of as many columns as `fit` saw; None where it saw none."""
        if (given is None) != (self._z_encoder is None):
            had, got = ("no", "some") if self._z_encoder is None else ("a", "no")
            raise ValueError(
                f"fit had {had} `given`, and there is {got} here. Pass the columns "
                "that fit was conditioned on, or none in either place."
            )
        if given is None or self._z_encoder is None:
            return None
        given = as_given(given, n_rows=n_rows)
        n_given = len(self._z_encoder.columns_)
        if given.shape[1] != n_given:
            raise ValueError(
                f"given has {given.shape[1]} columns, but MINE was fitted with "
                f"{n_given}."
            )
        return given

    def score(
        self, X: TableLike, y: TableLike, given: TableLike | None = None
    ) -> float:
        """The bound on these rows; higher is better.

        The mean pointwise mutual information, with the normaliser that was fixed on
        training pairs, so that one row can be scored. On rows that `fit` saw it is
        in-sample; `mutual_info_` is the held-out figure for those.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            Columns as in `fit`.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            As in `fit`, none missing.

        given : array-like or DataFrame of shape (n,) or (n, dz), default=None
            If and only if `fit` had it. Routed as in `fit`.

        Returns
        -------
        bound : float
            In `units`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        return float(self.pointwise_mutual_info(X, y, given).mean())

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "mutual_info_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.two_d_labels = True
        return tags
