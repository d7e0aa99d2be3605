"""MINESelector: columns that tell together what no fewer would.

Relevance is what :func:`mine_score` finds. What a further column adds to those that
are chosen is conditional information, worked out on features of what the chosen ones
leave unexplained (:mod:`sklearn_mine._given`), and whether it adds anything is tested,
against the best of as many useless columns. Computing is kept apart from choosing.
"""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from . import _null
from ._callbacks import TellsCallbacks, Told
from ._checks import discrete_overrides, draw_seed
from ._encoding import Override, TableEncoder
from ._given import ConditionalTest, information
from ._html import ShowsFigures, with_interval
from ._params import N_JOBS, TakesAnyTable
from ._progress import progress
from ._saved import KnowsItsVersion
from ._score import MINEScore, as_score, column_blocks, score_table
from ._table import Table, as_frame, as_groups, as_table, as_target
from ._tasks import Task, score_blocks
from ._threads import one_thread
from ._typing import Bools, Floats, Groups, Ints, SeedLike, TableLike, fit_context
from .nn.scoring import for_each

# Rows that tests and gains are worked out on at most, candidates whose gain is worked
# out anew at each step, and candidates in a row that may add nothing.
_MAX_ROWS, _MAX_CANDIDATES, _MAX_FAILURES = 20_000, 200, 5
# Pairs are looked for among so many groups of columns, by so many features of each and
# of what is left of y, and so many of the most striking are tested.
_MAX_PAIRED, _N_PAIR_FEATURES, _N_Y_FEATURES, _N_PAIRS_TESTED = 400, 3, 6, 3
# Steps whose joint information is measured at most, and bytes of encoded columns that
# are kept between steps.
_MAX_MEASURED, _MAX_KEPT = 20, 2**28

# Groups that are added, their gain, and its p-value.
Step = tuple[list[int], float, float]


class MINESelector(
    KnowsItsVersion,
    TellsCallbacks,
    ShowsFigures,
    SelectorMixin,
    TakesAnyTable,
    BaseEstimator,
):
    """Select columns by neural mutual information, with redundancy in mind.

    Parameters
    ----------
    score : MINEScore, default=None
        How relevance is scored, and which critics measure joint information; its
        `feature_groups`, `given_features`, `units`, `n_jobs`, `random_state` and
        `verbose` are not read. The defaults of :class:`MINEScore` by default.

    n_features_to_select : "auto", int or float, default="auto"
        How many columns, or groups of columns, are kept: a number, a share of all, or
        as many as add something at level `alpha`.

    redundancy : {"joint", "mrmr", "jmi", "cmim"} or None, default="joint"
        What is weighed at each step, with S the columns chosen so far:

        - "joint": I(x; y | S), what a column adds to all of S together. A pair of
          columns is added where neither adds anything alone, and columns that later
          ones make superfluous are removed. Where more are wanted than add anything,
          those that tell most by themselves follow.
        - "mrmr": I(x; y) less the mean of I(x; s) over S (minimal redundancy, maximal
          relevance).
        - "jmi": the mean of I(x; y | s) over S (joint mutual information).
        - "cmim": the least of I(x; y | s) over S (conditional mutual information
          maximisation).
        - None: I(x; y). "auto" then keeps all columns that tell something.

    alpha : float, default=0.05
        With "auto", the chance that a useless column is added where no further one is
        useful, however many there are. With a number and "joint", the level at which a
        step is tested; where none passes, the surest column is taken instead.

    feature_groups : array-like of shape (n_features,) or dict, default=None
        Columns that belong together, such as those of one category, an embedding or
        lags: a label for each column, or names with lists of columns. They are scored
        and chosen as one.

    n_jobs : int, default=None
        Columns worked on in parallel. None means 1; where columns are scored, a
        ``joblib.parallel_config`` may say otherwise.

    random_state : int, RandomState instance or None, default=None
        Seeds folds, weights and random features.

    verbose : int, default=0
        1 shows bars for what takes more than two seconds.

    Attributes
    ----------
    scores_, std_errors_, p_values_ : ndarray of shape (`n_features_in_`,)
        Of each column, or its group, and y: information in nats, its standard error,
        and the p-value of independence.

    redundancy_ : ndarray of shape (`n_features_in_`,)
        With "mrmr", the mean information with those chosen, in nats; else how much of
        its score a column loses given those chosen. Zero for None.

    path_ : list of dict
        One for each step: `features` (the columns that were added), `removed` (the
        columns that became superfluous), `mutual_info`, `std_error`, `low` and `high`
        (what all chosen so far tell about y, by critics of vectors, in nats, with its
        95 % interval; NaN after the 20th step, which would take long), `gain`
        (what the step adds as `redundancy` weighs it, in nats) and `p_value` (of the
        hypothesis that it adds nothing, for the best of all candidates).

    ranking_ : ndarray of shape (`n_features_in_`,), int
        1 for the columns of the first step, and so on; columns that were not chosen
        follow in the order of what they would add.

    support_ : ndarray of shape (`n_features_in_`,), bool
        The columns that are kept.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where they are all strings.

    See Also
    --------
    MINEScore : Every column by itself, for SelectKBest and its like.

    Notes
    -----
    Frames may hold text, categories, dates and missing cells, as for
    :func:`mine_score`; whether a cell is missing counts as information.

    Whether a step adds anything is a test of conditional independence on the rows that
    it was chosen on, corrected for the number of candidates; see :class:`MINE` with
    `given`. Pairs that work only together are found among at most 400 columns, the
    best by score.

    References
    ----------
    Peng, Long and Ding (2005), "Feature selection based on mutual information: criteria
    of max-dependency, max-relevance, and min-redundancy".

    Brown, Pocock, Zhao and Lujan (2012), "Conditional likelihood maximisation: a
    unifying framework for information theoretic feature selection".

    Fleuret (2004), "Fast binary feature selection with conditional mutual information".

    Shah and Peters (2020), "The hardness of conditional independence testing and the
    generalised covariance measure": the test of a step.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine import MINESelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(800, 6))
    >>> X[:, 1] = X[:, 0] + 0.05 * rng.normal(size=800)  # a copy
    >>> y = X[:, 0] + X[:, 3] + 0.3 * rng.normal(size=800)
    >>> selector = MINESelector(random_state=0).fit(X, y)
    >>> selector.transform(X).shape
    (800, 2)
    """

    _parameter_constraints: dict[str, list[Any] | str] = {
        "score": "no_validation",  # in as_score
        "n_features_to_select": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "redundancy": [StrOptions({"joint", "mrmr", "jmi", "cmim"}), None],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "feature_groups": ["array-like", dict, None],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        score: MINEScore | None = None,
        *,
        n_features_to_select: float | Literal["auto"] = "auto",
        redundancy: str | None = "joint",
        alpha: float = 0.05,
        feature_groups: Groups = None,
        n_jobs: int | None = None,
        random_state: SeedLike = None,
        verbose: int = 0,
    ) -> None:
        self.score = score
        self.n_features_to_select = n_features_to_select
        self.redundancy = redundancy
        self.alpha = alpha
        self.feature_groups = feature_groups
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: TableLike, y: TableLike) -> Self:
        """Score the columns and choose among them.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features)
            Numbers, text, categories, booleans, dates; missing cells are allowed and
            count as values of their own.

        y : array-like or DataFrame of shape (n,) or (n, k)
            The target; several columns are one vector.

        Returns
        -------
        self : MINESelector

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        table = as_table(X, "X", estimator=self)
        self._blocks = column_blocks(self.feature_groups, table)
        limit = self._limit()
        score = clone(as_score(self.score))
        seed = draw_seed(self.random_state)
        score.set_params(
            feature_groups=self.feature_groups,
            given_features=None,
            units="nats",
            n_jobs=self.n_jobs,
            random_state=seed,
            verbose=self.verbose,
        )
        with self._telling(X, y) as told:
            found = score_table(X, y, score)
            self.scores_, self.p_values_, self.std_errors_, _ = found
            target = as_target(y, n_rows=table.shape[0])
            search = _Search(self, table, target, score, seed)
            with one_thread():
                search.run(limit, told)
            self.path_ = search.path
            self._order_rest(search)
            return self.select()

    def transform(self, X: TableLike) -> Any:
        """The columns that were selected.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features)
            Columns as in `fit`.

        Returns
        -------
        selected : ndarray, sparse matrix or DataFrame of shape (n, n_selected)
            As they came: a DataFrame only with ``set_output``, else an array, which
            holds objects where columns are of several kinds.

        Raises
        ------
        ValueError
            If X is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self)
        frame = as_frame(X, "X")
        is_plain = _get_output_config("transform", self)["dense"] == "default"
        chosen = np.flatnonzero(self.support_).tolist()
        if not (isinstance(frame, nw.DataFrame) and is_plain and chosen):
            return super().transform(X)
        if len({kind.is_temporal() for kind in frame.schema.values()}) < 2:
            return super().transform(X)
        # Of dates and others together scikit-learn makes no array.
        as_table(X, "X", estimator=self, reset=False)
        cells = [np.array(frame[:, j].to_list(), dtype=object) for j in chosen]
        return np.stack(cells, axis=1)

    def select(
        self,
        n_features_to_select: float | Literal["auto"] | None = None,
        alpha: float | None = None,
    ) -> Self:
        """Choose anew from what `fit` worked out.

        Parameters
        ----------
        n_features_to_select : "auto", int or float, default=None
            As for the constructor, whose value is taken for None. Beyond the end of
            the path columns follow in the order of `ranking_`.

        alpha : float, default=None
            The level of "auto", at most that of the constructor, which is taken for
            None.

        Returns
        -------
        self : MINESelector
            With a new `support_`.

        Raises
        ------
        ValueError
            If a parameter is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self, "path_")
        n_wanted = n_features_to_select
        if n_wanted is None:
            n_wanted = self.n_features_to_select
        alpha = self.alpha if alpha is None else alpha
        if not 0.0 < alpha <= self.alpha:
            raise ValueError(
                f"alpha should lie above 0 and not above {self.alpha}, which the path "
                f"was worked out with; got {alpha!r}."
            )
        self.support_: Bools = np.zeros(self.n_features_in_, dtype=bool)
        if isinstance(n_wanted, str):
            if n_wanted != "auto":
                raise ValueError(
                    "n_features_to_select should be 'auto', a number or a share of "
                    f"all, got {n_wanted!r}."
                )
            for step in self.path_:
                if not step["p_value"] <= alpha:
                    break
                self.support_[step["features"]] = True
                self.support_[step["removed"]] = False
            return self
        n_wanted = _number(n_wanted, self._blocks)
        order = sorted(self._blocks, key=lambda block: self.ranking_[block[0]])
        for block in order[:n_wanted]:
            self.support_[block] = True
        return self

    def _limit(self) -> int | None:
        """Groups to choose at most, or None for as many as add something."""
        n_wanted = self.n_features_to_select
        return None if isinstance(n_wanted, str) else _number(n_wanted, self._blocks)

    def _order_rest(self, search: "_Search") -> None:
        """Rank columns, chosen ones first."""
        rest = [i for i in range(len(self._blocks)) if i not in search.chosen]
        order = search.chosen + sorted(rest, key=lambda i: -search.gains[i])
        self.ranking_: Ints = np.zeros(self.n_features_in_, dtype=int)
        self.redundancy_ = np.zeros(self.n_features_in_)
        for place, i in enumerate(order):
            self.ranking_[self._blocks[i]] = place + 1
            self.redundancy_[self._blocks[i]] = search.redundancy(i)

    def _figures(self) -> list[tuple[str, str]]:
        if not hasattr(self, "support_"):
            return []
        names = getattr(self, "feature_names_in_", None)
        kept = np.flatnonzero(self.support_)
        first = [str(j if names is None else names[j]) for j in kept[:10]]
        more = f" and {len(kept) - 10} more" if len(kept) > 10 else ""
        shown = [("columns kept", f"{len(kept)} of {len(self.support_)}")]
        if len(kept):
            shown.append(("which", ", ".join(first) + more))
        if self.path_ and np.isfinite(self.path_[-1]["mutual_info"]):
            last = self.path_[-1]
            interval = last["low"], last["high"]
            told = with_interval(last["mutual_info"], *interval, "nats")
            shown.append(("together with the target", told))
        return shown

    def _get_support_mask(self) -> Bools:
        check_is_fitted(self, "support_")
        return self.support_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _number(n_wanted: float, groups: list[list[int]]) -> int:
    """A number of groups, from a number or a share."""
    is_number = isinstance(n_wanted, Integral) and not isinstance(n_wanted, bool)
    if is_number and n_wanted >= 1:
        if n_wanted > len(groups):
            raise ValueError(
                f"n_features_to_select={n_wanted} is more than the {len(groups)} "
                "columns, or groups, of X."
            )
        return int(n_wanted)
    if isinstance(n_wanted, Real) and 0.0 < n_wanted < 1.0:
        return max(1, int(n_wanted * len(groups)))
    raise ValueError(
        "n_features_to_select should be 'auto', a number of 1 or more, or a share of "
        f"all between 0 and 1, got {n_wanted!r}."
    )


class _Search:
    """The greedy search; groups of columns are numbered.

    Attributes
    ----------
    chosen : list of int
        In the order in which they were added.
    gains : ndarray of shape (m,)
        What each would add to those chosen, as far as known.
    path : list of dict
        See :class:`MINESelector`.
    """

    def __init__(
        self,
        selector: MINESelector,
        table: Table,
        target: Table,
        score: MINEScore,
        seed: int,
    ) -> None:
        self.kind, self.alpha = selector.redundancy, selector.alpha
        self.blocks, self.n_jobs = selector._blocks, selector.n_jobs
        self.verbose, self.seed = selector.verbose, seed
        self.table, self.score = table, score
        self.overrides = discrete_overrides(score.discrete_features, table)
        self.groups = as_groups(score.groups, table.shape[0])
        of_target = discrete_overrides(score.discrete_target, target, "discrete_target")
        self.task = self._task(target, of_target)
        self._kept: dict[int, Floats] | None
        self._kept = {} if 8 * np.prod(table.shape) < _MAX_KEPT else None
        first = [block[0] for block in self.blocks]
        self.scores = selector.scores_[first]
        self.p_values = selector.p_values_[first]
        self.gains = self.scores.copy()
        # Columns that tell nothing at all never do.
        self.useless = {i for i in range(len(first)) if not self._encoded(i).shape[1]}
        self.candidates = set(range(len(first))) - self.useless
        self.chosen: list[int] = []
        self.path: list[dict[str, Any]] = []
        self.with_chosen = np.zeros((0, len(first)))
        rows = np.arange(table.shape[0])
        if len(rows) > _MAX_ROWS:
            rng = np.random.default_rng([seed, 5])
            rows = np.sort(rng.choice(rows, _MAX_ROWS, replace=False))
        self.rows = rows
        self.y = self.task.y[rows]
        self._tested: tuple[list[int], ConditionalTest] | None = None

    # The data

    def _task(self, target: Table, discrete: list[Override], **options: Any) -> Task:
        options |= {"groups": self.groups, "seed": self.seed}
        return Task(target, self.score, discrete=discrete, **options)

    def _encoded(self, i: int) -> Floats:
        """A group, encoded, all rows; no columns where it tells nothing."""
        if self._kept is not None and i in self._kept:
            return self._kept[i]
        overrides = [self.overrides[j] for j in self.blocks[i]]
        encoder = TableEncoder(self.task.encoding, overrides)
        encoded = encoder.fit_transform(self.table.block(self.blocks[i]))
        if not encoder.informative:
            encoded = encoded[:, :0]
        if self._kept is not None:
            self._kept[i] = encoded
        return encoded

    def _together(self, groups: Sequence[int]) -> Floats:
        """Some groups side by side, the rows that tests read."""
        return np.column_stack([self._encoded(i)[self.rows] for i in groups])

    # The steps

    def run(self, limit: int | None, told: Told) -> None:
        """Add groups until there are so many, none adds anything, or told to stop."""
        if not self.task.encoder.informative:
            return
        total = len(self.candidates) if limit is None else limit
        with progress(total, "MINESelector", "step", shown=self.verbose) as bar:
            while self.candidates and (limit is None or len(self.chosen) < limit):
                step = self._next(None if limit is None else limit - len(self.chosen))
                if step is None:
                    break
                groups, gain, p_value = step
                self._add(groups, gain, p_value, removing=limit is None)
                bar.update(len(groups))
                if told.step("step"):
                    break
            bar.total = bar.n
        # What all others would add in the end.
        self.candidates = set(range(len(self.blocks))) - set(self.chosen)
        self.candidates -= self.useless
        self._weigh()

    def _next(self, n_left: int | None) -> Step | None:
        """The groups of the next step, their gain, and its p-value; None to stop."""
        weighed, values = self._weigh(), self._criterion()
        # Of copies, which differ by rounding, the first.
        order = sorted(weighed, key=lambda i: (-np.round(values[i], 9), i))
        auto, best = n_left is None, None
        # Half of the level is for pairs, where they are looked for.
        paired = self.kind == "joint" and (n_left is None or n_left > 1)
        level = self.alpha / 2.0 if paired else self.alpha
        for i in order[:_MAX_FAILURES]:
            p_value = _best_of(self._p_value([i]), len(self.candidates))
            p_value = min(1.0, p_value * self.alpha / level)
            best = best or ([i], self.gains[i], p_value)
            if p_value <= self.alpha:
                return [i], self.gains[i], p_value
            if not auto and not paired:
                break
        if paired:
            pair = self._best_pair()
            if pair is not None and pair[2] <= self.alpha:
                return pair
        if auto:
            return None
        if self.kind == "joint" and self.chosen and best is not None:
            # None is seen to add anything: which adds most is chance, and what tells
            # most by itself the surer choice.
            i = max(weighed, key=lambda i: self.scores[i])
            best = [i], self.gains[i], best[2]
        return best

    def _add(
        self, groups: list[int], gain: float, p_value: float, removing: bool
    ) -> None:
        self.chosen += groups
        self.candidates -= set(groups)
        removed = self._superfluous() if removing and self.kind == "joint" else []
        for i in removed:
            self.chosen.remove(i)
        mutual_info, error = self._joint_information()

        def columns(some: Iterable[int]) -> list[int]:
            return [j for i in some for j in self.blocks[i]]

        self.path.append(
            {
                "features": columns(groups),
                "removed": columns(removed),
                "mutual_info": mutual_info,
                "std_error": error,
                "low": mutual_info - 1.96 * error,
                "high": mutual_info + 1.96 * error,
                "gain": float(gain),
                "p_value": float(p_value),
            }
        )

    def _superfluous(self) -> list[int]:
        """Chosen groups that add nothing to the others, the most plainly so first."""
        removed: list[int] = []
        while len(self.chosen) - len(removed) > 1:
            left = [i for i in self.chosen if i not in removed]
            p_values = [
                self._p_value([i], [j for j in left if j != i]) for i in left[:-1]
            ]
            if not p_values or max(p_values) <= self.alpha:
                break
            removed.append(left[int(np.argmax(p_values))])
        return removed

    def _joint_information(self) -> tuple[float, float]:
        """What all chosen groups tell about y, and its standard error."""
        if len(self.path) >= _MAX_MEASURED:
            return np.nan, np.nan
        x = np.column_stack([self._encoded(i) for i in self.chosen])
        fit = self.task.fit_vector(x, self.n_jobs or 1)
        return fit.corrected, fit.std_error

    # What candidates would add

    def _weigh(self) -> list[int]:
        """Work out anew what candidates would add to those chosen.

        Of many, the foremost first, until no other could be ahead of them unless it
        now adds more than it did.

        Returns
        -------
        weighed : list of int
        """
        if not self.chosen or self.kind is None:
            return list(self.candidates)
        test = None
        if self.kind == "joint":
            test = self._test(self.chosen)
        else:
            n_new = len(self.chosen) - len(self.with_chosen)
            unknown = np.full((n_new, len(self.blocks)), np.nan)
            self.with_chosen = np.vstack([self.with_chosen, unknown])
        left = set(self.candidates)
        weighed: list[int] = []
        while left:
            part = sorted(left, key=lambda i: -self.gains[i])[:_MAX_CANDIDATES]
            if weighed and self.gains[part[0]] <= self.gains[weighed].max():
                break
            if test is not None:
                self.gains[part] = self._looks(test, part)
            else:
                self._weigh_pairs(part)
            weighed += part
            left -= set(part)
        return weighed

    def _weigh_pairs(self, part: list[int]) -> None:
        """Criteria that are made of what is known with each of the chosen groups."""
        for row, s in zip(self.with_chosen, self.chosen, strict=True):
            unknown = [i for i in part if np.isnan(row[i])]
            if not unknown:
                continue
            if self.kind == "mrmr":
                row[unknown] = self._redundancies(s, unknown)
            else:
                row[unknown] = self._looks(self._test([s]), unknown)
        known = self.with_chosen[:, part]
        if self.kind == "mrmr":
            self.gains[part] = self.scores[part] - known.mean(axis=0)
        else:
            combine = np.mean if self.kind == "jmi" else np.min
            self.gains[part] = combine(known, axis=0)

    def _looks(self, test: ConditionalTest, groups: Sequence[int]) -> list[float]:
        def look(i: int) -> float:
            return test.information(self._encoded(i)[self.rows])[0]

        return for_each(look, [(i,) for i in groups], self.n_jobs or 1)

    def _redundancies(self, s: int, groups: Sequence[int]) -> list[float]:
        """Information of groups with a chosen one, without a closer look at any."""
        chosen = self.blocks[s]
        discrete = [self.overrides[j] for j in chosen]
        task = self._task(self.table.block(chosen), discrete, strong=None)
        blocks = [self.blocks[i] for i in groups]
        table = self.table, self.overrides
        with progress(len(blocks), "redundancy", "column", shown=False) as bar:
            outcomes = score_blocks(task, *table, blocks, self.n_jobs, bar)
        return [outcome[0] for outcome in outcomes]

    def _criterion(self) -> Floats:
        return self.scores if self.kind is None or not self.chosen else self.gains

    def redundancy(self, i: int) -> float:
        """How much of its score a group loses to those chosen."""
        if self.kind is None or not self.path or i in self.chosen or i in self.useless:
            return 0.0
        return float(self.scores[i] - self.gains[i])

    # Tests

    def _p_value(self, groups: Sequence[int], given: list[int] | None = None) -> float:
        """Of the hypothesis that groups add nothing to those chosen, or to others."""
        given = self.chosen if given is None else given
        if self.kind is None or not given:
            if len(groups) == 1:
                return self.p_values[groups[0]]
            return _null.independence_p_value(self._crossed(groups), self.y, self.seed)
        return self._test(given).p_value(self._crossed(groups))

    def _test(self, given: list[int]) -> ConditionalTest:
        """A test of what others add to some groups; the last one is kept."""
        if self._tested is None or self._tested[0] != given:
            test = ConditionalTest(self.y, self._together(given), self.seed)
            self._tested = list(given), test
        return self._tested[1]

    def _crossed(self, groups: Sequence[int]) -> Floats:
        """Groups with the products of their columns, the rows that tests read."""
        parts = [self._encoded(i)[self.rows] for i in groups]
        if len(parts) == 2:
            left, right = (part[:, :_N_PAIR_FEATURES] for part in parts)
            products = left[:, :, None] * right[:, None]
            parts.append(products.reshape(len(left), -1))
        return np.column_stack(parts)

    def _best_pair(self) -> Step | None:
        """Two groups that add something together, their gain and its p-value."""
        groups = sorted(self.candidates, key=lambda i: -self.scores[i])[:_MAX_PAIRED]
        if len(groups) < 2:
            return None
        test = None
        if self.chosen:
            test = self._test(self.chosen)
            left = test.y_left
        else:
            rng = np.random.default_rng([self.seed, 6])
            left, _ = _null.test_features(self.y, np.ones(len(self.y)), rng)
        left = left[:, np.argsort(-left.var(axis=0), kind="stable")[:_N_Y_FEATURES]]
        features = np.zeros((len(self.y), len(groups), 2))
        for place, i in enumerate(groups):
            features[:, place] = _pair_features(self._encoded(i)[self.rows])
        flat = features.reshape(len(features), -1)
        found = np.zeros((len(groups), len(groups)))
        for target in left.T:
            target = target / max(target.std(), 1e-12)
            products = flat.T @ (flat * target[:, None]) / len(flat)
            squares = (flat**2).T @ (flat * target[:, None]) ** 2 / len(flat)
            strength = products**2 / np.maximum(squares, 1e-12)
            strength = strength.reshape(len(groups), 2, len(groups), 2)
            found += strength.sum(axis=(1, 3))
        upper = np.triu_indices(len(groups), 1)
        best = np.argsort(-found[upper], kind="stable")[:_N_PAIRS_TESTED]
        tested = []
        for place in best:
            pair = [groups[upper[0][place]], groups[upper[1][place]]]
            p_value = _best_of(self._p_value(pair), len(upper[0]))
            tested.append((min(1.0, 2.0 * p_value), pair))
        p_value, pair = min(tested)
        x = self._crossed(pair)
        if test is None:
            return pair, information(x, self.y, self.seed), p_value
        return pair, test.information(x)[0], p_value


def _best_of(p_value: float, n_candidates: int) -> float:
    """The p-value of the best of as many candidates (Sidak, 1967)."""
    return float(-np.expm1(n_candidates * np.log1p(-min(p_value, 1.0 - 1e-16))))


def _pair_features(encoded: Floats) -> Floats:
    """Two features of a group that products of two groups are made of, (n, 2)."""
    first = encoded[:, 0] - encoded[:, 0].mean()
    spread = first.std()
    first = first / (spread if spread > 0 else 1.0)
    second = first**2 - 1.0
    if encoded.shape[1] > 1:
        second = encoded[:, 1:].sum(axis=1)
    second = second - second.mean() - (second * first).mean() * first
    spread = second.std()
    return np.column_stack([first, second / (spread if spread > 1e-9 else 1.0)])
