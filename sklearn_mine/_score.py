"""mine_score and MINEScore: every column of a table against a target."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ._checks import (
    column_indices,
    discrete_overrides,
    draw_seed,
    has_numbers,
    may_repeat,
    near_what_rows_show,
    require_pairs,
    warn_of_few_rows,
    warn_of_identifiers,
    warn_of_many_labels,
    warn_of_numbers_in_text,
    warn_of_rare_labels,
    warn_of_repeats,
)
from ._copies import infinite_pairs, warn_of_infinite
from ._encoding import MAX_CATEGORIES, MAX_LABELS, Override, TableEncoder
from ._params import (
    CRITIC_CONSTRAINTS,
    NATS_PER_UNIT,
    critic_parameters,
    documented,
)
from ._progress import progress
from ._table import Table, as_groups, as_table, as_target
from ._tasks import Task, score_blocks
from ._typing import CV, Floats, Groups, SeedLike, Sizes, TableLike, validate_params
from ._warn import warn

# Columns in which repeated rows are looked for.
_LOOKED_AT = 8

_CONSTRAINTS = {
    **CRITIC_CONSTRAINTS,
    "hidden_layer_sizes": [
        *CRITIC_CONSTRAINTS["hidden_layer_sizes"],
        StrOptions({"auto"}),
    ],
    "activation": [*CRITIC_CONSTRAINTS["activation"], StrOptions({"auto"})],
    "discrete_features": ["array-like", "boolean", str],
    "discrete_target": ["boolean", str],
    "feature_groups": ["array-like", dict, None],
    "given_features": ["array-like", None],
    "groups": ["array-like", None],
    "max_samples": [Interval(Integral, 2, None, closed="left"), None],
    "return_std": ["boolean"],
}

# What mine_score and MINEScore have beside the critic's parameters.
_SCORE_DOC = """discrete_features : "auto", bool, mask, indices or names, default="auto"
        Which columns of X hold unordered labels. "auto" decides from values and
        ties; text and categories always are.

    discrete_target : "auto" or bool, default="auto"
        The same for y.

    feature_groups : array-like of shape (n_features,) or dict, default=None
        Columns that belong together: a label for each column, or names with lists
        of columns. They score as one vector, and each gets its group's score.

    given_features : mask, indices or names, default=None
        Columns that every other is conditioned on: scores are then conditional
        information, the difference of what a column and they tell and of what they
        tell alone, and p-values those of conditional independence. They themselves
        score 0. Takes about as long for each column as a fit of MINE.

    groups : array-like of shape (n,), default=None
        Groups of the rows of X that belong to one fold.

    max_samples : int or None, default=10000
        Cap on the training rows of a fold, for critics of vectors and those trained by
        gradient. All rows are scored.

    units : {"nats", "bits"}, default="nats"
        Of scores and standard errors.

    device : str, default="cpu"
        For critics of vectors and those trained by gradient: "cpu", "cuda" (or "cuda:1"
        and so on), or "auto": CUDA where torch finds it.

    n_jobs : int, default=None
        Columns scored in parallel, through joblib. None means 1, unless a
        ``joblib.parallel_config`` says otherwise.

    random_state : int, RandomState instance or None, default=None
        The same seed gives a column the same score whatever else is in the table,
        whatever `n_jobs`.

    verbose : int, default=0
        1 shows a bar of the columns done, where it takes more than two seconds."""
_TEXTS = {
    "critic_parameters": critic_parameters('"auto"', "auto"),
    "score_parameters": _SCORE_DOC,
}


@documented(**_TEXTS)
@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def mine_score(
    X: TableLike,
    y: TableLike,
    *,
    objective: str = "mine",
    solver: str = "auto",
    start: str | None = "canonical",
    encoding: str = "rank",
    hidden_layer_sizes: Sizes | Literal["auto"] = "auto",
    activation: str = "auto",
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
    feature_groups: Groups = None,
    given_features: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    max_samples: int | None = 10000,
    units: str = "nats",
    device: str = "cpu",
    n_jobs: int | None = None,
    random_state: SeedLike = None,
    verbose: int = 0,
    return_std: bool = False,
) -> tuple[Floats, ...]:
    """Mutual information of each column of X with y, and its p-value.

    A score function for SelectKBest, SelectPercentile, SelectFdr, SelectFpr, SelectFwe
    and GenericUnivariateSelect.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n, n_features)
        Numbers, text, categories, booleans, dates; missing cells are allowed and
        count as values of their own.

    y : array-like or DataFrame of shape (n,) or (n, k)
        The target; several columns are one vector.

    {critic_parameters}

    {score_parameters}

    return_std : bool, default=False
        Whether to return standard errors too.

    Returns
    -------
    scores : ndarray of shape (n_features,)
        Held-out bounds in `units`: of columns that tell little each row is scored by
        what all others show, of others by folds. Not clipped, so that columns without
        information do not tie; a constant column scores 0. With `given_features`
        estimates of conditional information, which are no bounds.

    p_values : ndarray of shape (n_features,)
        Of the hypothesis that column and target are independent, given
        `given_features` where there are any.

    std_errors : ndarray of shape (n_features,)
        In `units`. Only with `return_std`.

    Raises
    ------
    ValueError
        If a parameter or input is unusable; the message names it.

    See Also
    --------
    MINEScore : The same with its parameters within reach of a grid search.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation".

    MacKay (1992), "Bayesian interpolation": how far critics are trusted.

    Gretton et al. (2008), "A kernel statistical test of independence": p-values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine import mine_score
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3))
    >>> y = X[:, 1] ** 2 + 0.1 * rng.normal(size=500)
    >>> scores, p_values = mine_score(X, y, random_state=0)
    >>> int(scores.argmax())
    1
    """
    params = dict(locals())
    for name in ("X", "y", "return_std"):
        del params[name]
    scores, p_values, std_errors, _ = score_table(X, y, MINEScore(**params))
    return (scores, p_values, std_errors) if return_std else (scores, p_values)


@documented(**_TEXTS)
class MINEScore(BaseEstimator):
    """:func:`mine_score` as a callable estimator.

    Its parameters are those of :func:`mine_score`, so that clone works and a grid
    search reaches ``select__score_func__hidden_layer_sizes``.

    Parameters
    ----------
    {critic_parameters}

    {score_parameters}

    Attributes
    ----------
    solvers_ : ndarray of shape (n_features,) of str
        What ran for each column in the last call: "newton" (solved), "adam" (trained
        by gradient), or "none" (a constant column, text that only tells rows apart, or
        one of `given_features`).

    See Also
    --------
    mine_score : The same as a function.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation".

    MacKay (1992), "Bayesian interpolation": how far critics are trusted.

    Gretton et al. (2008), "A kernel statistical test of independence": p-values.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.feature_selection import SelectKBest
    >>> from sklearn_mine import MINEScore
    >>> X, y = load_iris(return_X_y=True)
    >>> select = SelectKBest(MINEScore(random_state=0), k=2).fit(X, y)
    >>> select.get_support()
    array([False, False,  True,  True])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        name: rule for name, rule in _CONSTRAINTS.items() if name != "return_std"
    }

    def __init__(
        self,
        *,
        objective: str = "mine",
        solver: str = "auto",
        start: str | None = "canonical",
        encoding: str = "rank",
        hidden_layer_sizes: Sizes | Literal["auto"] = "auto",
        activation: str = "auto",
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
        feature_groups: Groups = None,
        given_features: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        max_samples: int | None = 10000,
        units: str = "nats",
        device: str = "cpu",
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
        self.feature_groups = feature_groups
        self.given_features = given_features
        self.groups = groups
        self.max_samples = max_samples
        self.units = units
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __call__(self, X: TableLike, y: TableLike) -> tuple[Floats, Floats]:
        """Score the columns of X.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features)
            As for :func:`mine_score`.

        y : array-like or DataFrame of shape (n,) or (n, k)
            As for :func:`mine_score`.

        Returns
        -------
        scores, p_values : ndarray of shape (n_features,)
            In `units`, and of independence; see :func:`mine_score`.

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        self._validate_params()
        scores, p_values, _, self.solvers_ = score_table(X, y, self)
        return scores, p_values


def as_score(score: Any) -> MINEScore:
    """The MINEScore that others score with, again and again; None for its defaults."""
    if score is None:
        return MINEScore()
    if not isinstance(score, MINEScore):
        raise ValueError(
            f"score should be a MINEScore, or None, got {type(score).__name__}. "
            "MINEScore() takes the parameters of mine_score."
        )
    score._validate_params()
    if isinstance(score.cv, Iterator):
        raise ValueError(
            "cv is an iterator, which is empty after its first use. Pass a list of "
            "its folds."
        )
    return score


def score_table(
    X: TableLike, y: TableLike, params: "MINEScore"
) -> tuple[Floats, Floats, Floats, NDArray[Any]]:
    """The driver behind both: validate, split into tasks, gather.

    Returns
    -------
    scores, p_values, std_errors, solvers : ndarray of shape (n_features,)
    """
    table = as_table(X, "X")
    n, n_features = table.shape
    target = as_target(y, n_rows=n)
    require_pairs(n)
    warn_of_few_rows(n)
    groups = as_groups(params.groups, n)
    overrides = discrete_overrides(params.discrete_features, table)
    of_target = discrete_overrides(params.discrete_target, target, "discrete_target")
    task = Task(
        target,
        params,
        discrete=of_target,
        groups=groups,
        seed=draw_seed(params.random_state),
    )
    _warn_of_repeats(table, overrides, target, of_target, groups)
    infinite = infinite_pairs(table, overrides, target, of_target)
    warn_of_infinite(infinite, table, target)
    warn_of_numbers_in_text(table, overrides)
    warn_of_numbers_in_text(target, task.encoder.discrete)
    warn_of_identifiers(task.encoder, target)
    if task.encoder.informative:
        warn_of_rare_labels(target, task.labels)
    if target.shape[1] > 1 or params.feature_groups is not None:
        for part, discrete in ((table, overrides), (target, of_target)):
            warn_of_many_labels(part, discrete, MAX_CATEGORIES, "In a vector")
    elif task.labels is None:
        warn_of_many_labels(table, overrides, MAX_LABELS, "Against numbers")
    elif task.labels.max() >= MAX_LABELS and has_numbers(table, overrides):
        warn_of_many_labels(target, [True], MAX_LABELS, "Against numbers")
    given = _given_columns(params.given_features, table)
    if given:
        task.condition_on(table.block(given), [overrides[j] for j in given])
    blocks = column_blocks(params.feature_groups, table)
    blocks = [[j for j in block if j not in given] for block in blocks]
    blocks = [block for block in blocks if block]
    shown = progress(len(blocks), "mine_score", "column", shown=params.verbose)
    with shown as bar:
        outcomes = score_blocks(task, table, overrides, blocks, params.n_jobs, bar)
    scores, errors = np.zeros(n_features), np.zeros(n_features)
    p_values = np.ones(n_features)
    solvers = np.full(n_features, "none", dtype=object)
    identifiers: list[Any] = []
    for block, outcome in zip(blocks, outcomes, strict=True):
        scores[block], errors[block], p_values[block] = outcome[:3]
        solvers[block] = outcome[3]
        if outcome[3] == "identifier":
            identifiers.extend(table.label(j) for j in block)
            solvers[block] = "none"
    if identifiers:
        warn(
            "Text that is unique in nearly every row of X carries no information that "
            f"other rows could show, and scores 0: {identifiers}.",
        )
    near = near_what_rows_show(scores, n)
    near[[i for i, _ in infinite]] = False
    if near.any():
        names = [table.label(j) for j in np.flatnonzero(near).tolist()]
        warn(
            f"Scores of {names} are near "
            f"ln(n_samples) = {np.log(n):.1f} nats, above which {n} rows can show "
            "nothing: the information may be larger. Use more rows."
        )
    unit = NATS_PER_UNIT[params.units]
    return scores / unit, p_values, errors / unit, solvers


def _given_columns(given_features: ArrayLike | None, table: Table) -> list[int]:
    """Numbers of the columns that all others are conditioned on."""
    if given_features is None:
        return []
    given = sorted(set(column_indices(given_features, table, "given_features")))
    if len(given) == table.shape[1]:
        raise ValueError(
            "given_features names every column of X, which leaves none to score."
        )
    return given


def column_blocks(feature_groups: Groups, table: Table) -> list[list[int]]:
    """Column numbers that score together."""
    n_features = table.shape[1]
    if feature_groups is None:
        return [[j] for j in range(n_features)]
    if isinstance(feature_groups, dict):
        blocks = [
            column_indices(columns, table, "feature_groups")
            for columns in feature_groups.values()
        ]
        empty = [name for name, columns in feature_groups.items() if not len(columns)]
        if empty:
            raise ValueError(f"feature_groups names no column for {empty}.")
        named = [j for block in blocks for j in block]
        if len(named) != len(set(named)):
            raise ValueError("feature_groups holds a column twice.")
        return blocks + [[j] for j in range(n_features) if j not in set(named)]
    labels = np.asarray(feature_groups)
    if labels.shape != (n_features,):
        raise ValueError(
            f"feature_groups should hold one label for each of {n_features} columns, "
            f"got shape {labels.shape}."
        )
    codes = np.unique(labels.astype(str), return_inverse=True)[1]
    return [np.flatnonzero(codes == code).tolist() for code in range(codes.max() + 1)]


def _warn_of_repeats(
    table: Table,
    overrides: list[Override],
    target: Table,
    of_target: list[Override],
    groups: NDArray[Any] | None,
) -> None:
    """Look for repeated rows in the first columns, and in the target."""
    first = table.block(range(min(_LOOKED_AT, table.shape[1]))).compact()
    columns = [part.column(j) for part in (first, target) for j in range(part.shape[1])]
    if may_repeat([column for column in columns if column.dtype != object]):
        some = overrides[: first.shape[1]], of_target
        encoders = [TableEncoder(discrete=discrete) for discrete in some]
        sides = [
            (encoder.fit_transform(part), encoder)
            for encoder, part in zip(encoders, (first, target), strict=True)
        ]
        warn_of_repeats(groups, *sides)
