"""Displays, in scikit-learn's manner: they hold what is drawn, and draw it."""

import itertools
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._matrix import mine_matrix
from ._table import Table, as_frame, as_given
from ._typing import Floats, Ints, TableLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = [
    "InformationPlaneDisplay",
    "MatrixDisplay",
    "PointwiseInformationDisplay",
    "RankingDisplay",
    "SelectionPathDisplay",
    "TrainingCurvesDisplay",
]

_KEPT, _LEFT, _OTHER = "#2a6f97", "#b8c4cc", "#d98032"
# Characters of a name that are written.
_LONGEST = 32


def pyplot(caller: str) -> Any:
    """matplotlib.pyplot, or an ImportError that says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib. Install it: pip install "sklearn-mine[plots]".'
        ) from error
    return plt


def _axes(
    ax: "Axes | None", caller: str, figsize: tuple[float, float] | None = None
) -> "Axes":
    """The axes to draw on, new ones for None."""
    plt = pyplot(caller)
    if ax is None:
        ax = plt.subplots(figsize=figsize, layout="constrained")[1]
    return ax


def _numbers(values: Any, name: str, shape: tuple[int, ...] | None = None) -> Floats:
    """An array of floats, of one shape."""
    values = np.asarray(values, dtype=float)
    if shape is not None and values.shape != shape:
        raise ValueError(
            f"{name} has shape {values.shape}, and should have {shape}, one for each "
            "score."
        )
    return values


def _texts(
    names: Iterable[Any] | None, n: int, name: str = "feature_names"
) -> list[str]:
    """Names of columns, "x0" and so on for None."""
    if names is None:
        return [f"x{i}" for i in range(n)]
    names = [str(each) for each in names]
    if len(names) != n:
        raise ValueError(f"{name} has {len(names)} texts for {n} columns.")
    return names


def _short(text: str) -> str:
    """A text, without its middle where it is long: ends tell names apart as well."""
    if len(text) > _LONGEST:
        half = (_LONGEST - 1) // 2
        text = f"{text[:half].rstrip()}…{text[-half:].lstrip()}"
    # No dollar begins a formula.
    return text.replace("$", r"\$")


def _frame_names(table: Any, name: str) -> list[str] | None:
    """Names of a frame's columns; None for anything else."""
    frame = as_frame(table, name)
    return frame.columns if isinstance(frame, nw.DataFrame) else None


def _last_step(estimator: Any, *attributes: str) -> tuple[Any, Any]:
    """The fitted part of an estimator with these attributes, and its columns' names.

    Of a search the best estimator, of a pipeline the last step that has them.
    """

    def has_all(step: Any) -> bool:
        return all(hasattr(step, attribute) for attribute in attributes)

    estimator = getattr(estimator, "best_estimator_", estimator)
    before = None
    if isinstance(estimator, Pipeline):
        steps = [i for i, step in enumerate(estimator) if has_all(step)]
        if steps:
            before, estimator = estimator[: steps[-1]], estimator[steps[-1]]
    if not has_all(estimator):
        check_is_fitted(estimator)
        raise ValueError(
            f"estimator has no {attributes[0]}: {type(estimator).__name__} is nothing "
            "that this display can show."
        )
    names = getattr(estimator, "feature_names_in_", None)
    if names is None and before is not None and len(before):
        try:
            names = before.get_feature_names_out()
        except (AttributeError, ValueError):
            # A step that cannot tell its columns.
            names = None
    return estimator, names


class RankingDisplay:
    """Columns by what they tell about the target, best first.

    Parameters
    ----------
    scores : array-like of shape (n_features,)
        Information of each column and the target.

    std_errors : array-like of shape (n_features,), default=None
        Of the scores; without them no intervals are drawn.

    feature_names : list of str, default=None
        "x0" and so on for None.

    support : array-like of shape (n_features,), bool, default=None
        Columns that are kept; the others are drawn pale.

    units : str, default="nats"
        Written at the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    bars_ : matplotlib BarContainer
        Best first.

    cut_ : matplotlib Line2D or None
        Between columns that are kept and those that are not, where all that are kept
        score higher.

    Raises
    ------
    ValueError
        If shapes do not match, or there is nothing to draw.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_mine import mine_score
    >>> from sklearn_mine.plotting import RankingDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> nats, p_values, errors = mine_score(X, y, random_state=0, return_std=True)
    >>> display = RankingDisplay.from_scores(nats, errors, feature_names=X.columns)
    >>> len(display.bars_)
    4
    """

    def __init__(
        self,
        scores: ArrayLike,
        std_errors: ArrayLike | None = None,
        *,
        feature_names: Iterable[Any] | None = None,
        support: ArrayLike | None = None,
        units: str = "nats",
    ) -> None:
        self.scores = _numbers(scores, "scores")
        if self.scores.ndim != 1 or not len(self.scores):
            raise ValueError(
                f"scores should be a list of numbers, got shape {self.scores.shape}."
            )
        shape = self.scores.shape
        self.std_errors = (
            None if std_errors is None else _numbers(std_errors, "std_errors", shape)
        )
        self.support = (
            None if support is None else _numbers(support, "support", shape) > 0
        )
        self.feature_names = _texts(feature_names, len(self.scores))
        self.units = units

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        std_errors: ArrayLike | None = None,
        *,
        feature_names: Iterable[Any] | None = None,
        support: ArrayLike | None = None,
        units: str = "nats",
        ax: "Axes | None" = None,
        max_features: int = 30,
        level: float = 0.95,
        **kwargs: Any,
    ) -> Self:
        """Draw what :func:`sklearn_mine.mine_score` gave.

        Parameters
        ----------
        scores : array-like of shape (n_features,)
            Information of each column and the target.

        std_errors : array-like of shape (n_features,), default=None
            Of the scores; without them no intervals are drawn.

        feature_names : list of str, default=None
            "x0" and so on for None.

        support : array-like of shape (n_features,), bool, default=None
            Columns that are kept; the others are drawn pale.

        units : str, default="nats"
            Written at the axis.

        ax : matplotlib Axes, default=None
            New ones for None.

        max_features : int, default=30
            The best so many are drawn.

        level : float, default=0.95
            Of the intervals.

        **kwargs : dict
            Passed to matplotlib's ``barh``.

        Returns
        -------
        display : RankingDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If shapes do not match, or there is nothing to draw.
        """
        display = cls(
            scores,
            std_errors,
            feature_names=feature_names,
            support=support,
            units=units,
        )
        return display.plot(ax, max_features=max_features, level=level, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: "Axes | None" = None,
        max_features: int = 30,
        level: float = 0.95,
        **kwargs: Any,
    ) -> Self:
        """Draw what a fitted selector scored, and which columns it keeps.

        Parameters
        ----------
        estimator : MINESelector, or SelectKBest and its like with a MINEScore
            Fitted; or a pipeline or a search with one in it.

        ax : matplotlib Axes, default=None
            New ones for None.

        max_features : int, default=30
            The best so many are drawn.

        level : float, default=0.95
            Of the intervals.

        **kwargs : dict
            Passed to matplotlib's ``barh``.

        Returns
        -------
        display : RankingDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the estimator has nothing that this display can show.
        """
        selector, names = _last_step(estimator, "scores_", "get_support")
        score = getattr(selector, "score_func", None)
        display = cls(
            selector.scores_,
            getattr(selector, "std_errors_", None),
            feature_names=names,
            support=selector.get_support(),
            units=getattr(score, "units", "nats"),
        )
        return display.plot(ax, max_features=max_features, level=level, **kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        max_features: int = 30,
        level: float = 0.95,
        **kwargs: Any,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        max_features : int, default=30
            The best so many are drawn, and a line says how many are not.

        level : float, default=0.95
            Of the intervals.

        **kwargs : dict
            Passed to matplotlib's ``barh``.

        Returns
        -------
        display : RankingDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        order = np.argsort(-self.scores, kind="stable")
        n_left, order = max(0, len(order) - max_features), order[:max_features]
        n = len(order)
        ax = _axes(ax, type(self).__name__, (7.0, 1.4 + 0.24 * n))
        errors = None
        if self.std_errors is not None:
            errors = stats.norm.ppf(0.5 + 0.5 * level) * self.std_errors[order]
        kept = np.ones(n, bool) if self.support is None else self.support[order]
        style: dict[str, Any] = {
            "color": np.where(kept, _KEPT, _LEFT),
            "error_kw": {"elinewidth": 1.0, "ecolor": "#333333"},
        }
        places = np.arange(n)
        self.bars_ = ax.barh(places, self.scores[order], xerr=errors, **style | kwargs)
        ax.set_yticks(
            places, [_short(self.feature_names[j]) for j in order], fontsize=8
        )
        self.cut_ = None
        if self.support is not None:
            n_kept = int(self.support.sum())
            if 0 < n_kept < n and kept[:n_kept].all():
                self.cut_ = ax.axhline(n_kept - 0.5, color=_OTHER, linestyle="--")
                ax.annotate(
                    f"{n_kept} kept",
                    (1.0, n_kept - 0.5),
                    (-3, 3),
                    xycoords=ax.get_yaxis_transform(),
                    textcoords="offset points",
                    ha="right",
                    fontsize=8,
                    color=_OTHER,
                )
        ax.set_ylim(n - 0.4, -0.6)
        ax.axvline(0.0, color="#333333", linewidth=0.8)
        label = f"information with the target, {self.units}"
        if errors is not None:
            label += f" ({level:.0%} intervals)"
        if n_left:
            label += f"\n{n_left} columns with lower scores are not shown"
        ax.set_xlabel(label)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class MatrixDisplay:
    """What each column tells about each other, like columns side by side.

    Parameters
    ----------
    information : array-like or DataFrame of shape (dx, dx) or (dx, dy)
        What :func:`sklearn_mine.mine_matrix` gave. Missing on the diagonal where
        columns are compared with themselves.

    row_names, column_names : list of str, default=None
        Of a frame its own, else "x0" and so on.

    units : str, default="nats"
        Written at the colour bar.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    im_ : matplotlib AxesImage
        The matrix.

    order_ : tuple of ndarray
        Rows and columns in the order drawn.

    Raises
    ------
    ValueError
        If shapes do not match, or there is nothing to draw.

    References
    ----------
    Bar-Joseph, Gifford and Jaakkola (2001), "Fast optimal leaf ordering for
    hierarchical clustering".

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_mine.plotting import MatrixDisplay
    >>> X, _ = load_iris(return_X_y=True, as_frame=True)
    >>> display = MatrixDisplay.from_data(X, random_state=0)
    >>> display.im_.get_array().shape
    (4, 4)
    """

    def __init__(
        self,
        information: Any,
        *,
        row_names: Iterable[Any] | None = None,
        column_names: Iterable[Any] | None = None,
        units: str = "nats",
    ) -> None:
        self.information = _numbers(information, "information")
        if self.information.ndim != 2 or not self.information.size:
            raise ValueError(
                "information should be a matrix of numbers, got shape "
                f"{self.information.shape}."
            )
        n_rows, n_columns = self.information.shape
        if column_names is None:
            column_names = _frame_names(information, "information")
        if row_names is None and self._is_of_one_table():
            row_names = column_names
        elif row_names is None and nw.dependencies.is_pandas_like_dataframe(
            information
        ):
            row_names = information.index
        self.row_names = _texts(row_names, n_rows, "row_names")
        self.column_names = _texts(column_names, n_columns, "column_names")
        self.units = units

    @classmethod
    def from_data(
        cls,
        X: TableLike,
        Y: TableLike | None = None,
        *,
        ax: "Axes | None" = None,
        order: str | None = "clustered",
        **params: Any,
    ) -> Self:
        """Compare all columns, and draw it.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            As for :func:`sklearn_mine.mine_matrix`.

        Y : array-like, sparse matrix or DataFrame of shape (n, dy), default=None
            If given, columns of X are compared with those of Y.

        ax : matplotlib Axes, default=None
            New ones for None.

        order : {"clustered", None}, default="clustered"
            Whether columns that tell about each other are put side by side.

        **params : dict
            Of :func:`sklearn_mine.mine_matrix`, but for `return_p_values` and
            `return_std`.

        Returns
        -------
        display : MatrixDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter or input is unusable; the message names it.
        """
        names = [
            None if part is None else _frame_names(part, name)
            for part, name in ((X, "X"), (Y, "Y"))
        ]
        units = "nats" if not params.get("normalize") else "as a correlation"
        display = cls(
            mine_matrix(X, Y, **params),
            row_names=names[0],
            column_names=names[0] if Y is None else names[1],
            units=params.get("units", "nats") if units == "nats" else units,
        )
        return display.plot(ax, order=order)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        order: str | None = "clustered",
        **kwargs: Any,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        order : {"clustered", None}, default="clustered"
            Whether columns that tell about each other are put side by side.

        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : MatrixDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If `order` is neither.
        """
        if order not in ("clustered", None):
            raise ValueError(f'order should be "clustered" or None, got {order!r}.')
        rows, columns = self.order_ = self._order(order)
        shown = self.information[np.ix_(rows, columns)]
        side = min(12.0, max(4.0, 1.8 + 0.24 * max(shown.shape)))
        ax = _axes(ax, type(self).__name__, (side + 0.8, side))
        style: dict[str, Any] = {"cmap": "viridis", "vmin": 0.0}
        self.im_ = ax.imshow(shown, **style | kwargs)
        ax.figure.colorbar(self.im_, ax=ax, shrink=0.8, label=self.units)
        for axis, places, names in (
            (ax.yaxis, rows, self.row_names),
            (ax.xaxis, columns, self.column_names),
        ):
            # As many names as can be read.
            step = -(-len(places) // 50)
            axis.set_ticks(
                range(0, len(places), step),
                [_short(names[j]) for j in places[::step]],
                fontsize=8 if step == 1 else 6,
            )
        ax.tick_params(axis="x", rotation=90)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _order(self, order: str | None) -> tuple[Ints, Ints]:
        n_rows, n_columns = self.information.shape
        if order is None:
            return np.arange(n_rows), np.arange(n_columns)
        known = np.nan_to_num(self.information)
        if self._is_of_one_table():
            same = _leaves(squareform(_apart(known), checks=False))
            return same, same
        return _leaves(pdist(known)), _leaves(pdist(known.T))

    def _is_of_one_table(self) -> bool:
        n_rows, n_columns = self.information.shape
        alone = np.isnan(np.diag(self.information)).all()
        return n_rows == n_columns and bool(alone)


def _apart(information: Floats) -> Floats:
    """Distances of columns: small where they tell much about each other."""
    like = np.sqrt(-np.expm1(-2.0 * np.clip(information, 0.0, None)))
    distance = 1.0 - 0.5 * (like + like.T)
    np.fill_diagonal(distance, 0.0)
    return distance


def _leaves(distances: Floats) -> Ints:
    """An order in which neighbours are near, of the distances of all pairs."""
    if len(distances) < 2:
        return np.arange(1 + len(distances))
    tree = hierarchy.linkage(distances, "average", optimal_ordering=True)
    return hierarchy.leaves_list(tree)


class SelectionPathDisplay:
    """What chosen columns tell together, step by step.

    Parameters
    ----------
    path : list of dict
        `path_` of :class:`sklearn_mine.MINESelector`.

    feature_names : list of str, default=None
        One for each column of the table; "x0" and so on for None.

    alpha : float, default=0.05
        A step whose p-value is above it adds nothing that could be told from chance.

    complete : bool, default=False
        Whether the path ended because nothing more was to be gained.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    line_ : matplotlib Line2D
        Joint information over the number of columns.

    no_gain_ : matplotlib Line2D or None
        Where the first step stands that adds nothing, or the end of a path whose
        length the selector found by itself.

    Raises
    ------
    ValueError
        If the path is empty, or has columns that `feature_names` lacks.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_mine import MINESelector
    >>> from sklearn_mine.plotting import SelectionPathDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> selector = MINESelector(random_state=0).fit(X, y)
    >>> display = SelectionPathDisplay.from_estimator(selector)
    >>> display.ax_.get_xlabel()
    'columns chosen'
    """

    def __init__(
        self,
        path: Iterable[dict[str, Any]],
        *,
        feature_names: Iterable[Any] | None = None,
        alpha: float = 0.05,
        complete: bool = False,
    ) -> None:
        self.path = list(path)
        if not self.path:
            raise ValueError("path is empty: no column was chosen.")
        n = 1 + max(max(step["features"], default=0) for step in self.path)
        self.feature_names = (
            _texts(None, n) if feature_names is None else list(feature_names)
        )
        if len(self.feature_names) < n:
            raise ValueError(
                f"feature_names has {len(self.feature_names)} texts, and path column "
                f"{n - 1}, counted from 0. Pass one for each column of the table."
            )
        self.alpha, self.complete = alpha, complete

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> Self:
        """Draw the path of a fitted selector.

        Parameters
        ----------
        estimator : MINESelector
            Fitted; or a pipeline or a search with one in it.

        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : SelectionPathDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the estimator has nothing that this display can show.
        """
        selector, names = _last_step(estimator, "path_")
        display = cls(
            selector.path_,
            feature_names=names,
            alpha=selector.alpha,
            complete=selector.n_features_to_select == "auto",
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : SelectionPathDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        joint = np.array([step["mutual_info"] for step in self.path])
        bounds = np.array([[step["low"], step["high"]] for step in self.path]).T
        known = np.isfinite(joint)
        n = len(self.path)
        places = 1 + np.arange(n)
        ax = _axes(ax, type(self).__name__, (min(14.0, 5.0 + 0.25 * n), 5.8))
        style: dict[str, Any] = {"marker": "o", "markersize": 5, "color": _KEPT}
        (self.line_,) = ax.plot(places[known], joint[known], **style | kwargs)
        ax.fill_between(
            places[known],
            *bounds[:, known],
            color=self.line_.get_color(),
            alpha=0.15,
            linewidth=0.0,
        )
        useless = [step["p_value"] > self.alpha for step in self.path]
        self.no_gain_ = None
        if any(useless) or self.complete:
            last = useless.index(True) if any(useless) else n
            self.no_gain_ = ax.axvline(last + 0.5, color=_OTHER, linestyle="--")
            ax.annotate(
                "no gain from here",
                (last + 0.5, 0.0),
                (-4, 4),
                xycoords=ax.get_xaxis_transform(),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                fontsize=8,
                color=_OTHER,
            )
        ax.set_xticks(places, self._labels(), rotation=90, fontsize=8)
        ax.set_xlim(0.5, n + 1.0)
        ax.set(xlabel="columns chosen", ylabel="information with the target, nats")
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _labels(self) -> list[str]:
        """How many columns there are after each step, and which came and went."""
        labels, count = [], 0
        for step in self.path:
            added, removed = (
                [_short(str(self.feature_names[j])) for j in step.get(which, [])]
                for which in ("features", "removed")
            )
            count += len(added) - len(removed)
            changes = [f"+ {name}" for name in added]
            changes += [f"− {name}" for name in removed]
            labels.append(f"{' '.join(changes)}  {count}")
        return labels


class TrainingCurvesDisplay:
    """The bound on training and on validation rows over passes, fold by fold.

    Parameters
    ----------
    history : list of dict
        `history_` of :class:`sklearn_mine.MINE` and its like.

    units : str, default="nats"
        Written at the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    lines_ : dict of str to list of matplotlib Line2D
        "train_bound" and, with early stopping, "validation_bound": one for each fold
        of each training.

    Raises
    ------
    ValueError
        If the history is empty, or not that of MINE.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn_mine import MINE
    >>> from sklearn_mine.plotting import TrainingCurvesDisplay
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 2))
    >>> y = x**2 + 0.1 * rng.normal(size=(400, 2))
    >>> mine = MINE(solver="adam", cv=3, max_iter=5, random_state=0).fit(x, y)
    >>> display = TrainingCurvesDisplay.from_estimator(mine)
    >>> len(display.lines_["validation_bound"])
    3
    """

    def __init__(
        self, history: Iterable[dict[str, Any]], *, units: str = "nats"
    ) -> None:
        self.history, self.units = list(history), units
        if not self.history:
            raise ValueError(
                "history is empty: the critics were solved, not trained. "
                'MINE(solver="adam") trains them.'
            )
        if not all({"stage", "train_bound"} <= set(each) for each in self.history):
            raise ValueError(
                "history should have stage and train_bound in each pass, as that of "
                "MINE has."
            )

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> Self:
        """Draw how the critics of a fitted estimator were trained.

        Parameters
        ----------
        estimator : MINE, MINERegressor or MINEClassifier
            Fitted; or a pipeline or a search with one in it.

        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : TrainingCurvesDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the estimator has nothing that this display can show.
        """
        estimator, _ = _last_step(estimator, "history_")
        display = cls(estimator.history_, units=getattr(estimator, "units", "nats"))
        return display.plot(ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : TrainingCurvesDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = _axes(ax, type(self).__name__, (7.0, 4.5))
        self.lines_: dict[str, list[Any]] = {}
        starts, n_passes = [], 0
        for run, records in itertools.groupby(self.history, _run):
            records = list(records)
            starts.append((n_passes, run))
            passes = n_passes + 1 + np.arange(len(records))
            n_passes += len(records)
            for name, colour, text in (
                ("train_bound", _OTHER, "training rows"),
                ("validation_bound", _KEPT, "validation rows"),
            ):
                if name not in records[0]:
                    # Without early stopping nothing is validated.
                    continue
                folds = np.array([record[name] for record in records]).T
                style: dict[str, Any] = {
                    "color": colour,
                    "linewidth": 1.2,
                    "alpha": 0.8,
                }
                lines = ax.plot(passes, folds.T, **style | kwargs)
                if name not in self.lines_:
                    lines[0].set_label(f"{text}, one line for each fold")
                self.lines_.setdefault(name, []).extend(lines)
        for start, run in starts:
            if start:
                ax.axvline(start + 0.5, color="0.7", linewidth=0.8)
            ax.annotate(
                run,
                (start + 0.5, 1.0),
                (3, -3),
                xycoords=ax.get_xaxis_transform(),
                textcoords="offset points",
                va="top",
                fontsize=8,
                color="0.4",
            )
        locator: Any = ax.xaxis.get_major_locator()
        locator.set_params(integer=True)
        ax.set(xlabel="pass", ylabel=f"bound, {self.units}")
        ax.legend(loc="lower right", frameon=False, fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class PointwiseInformationDisplay:
    """Rows in the plane of a column and the target: which carry the dependence.

    A row whose pointwise information is above zero is likelier jointly than its two
    sides are apart; the mean over rows is the mutual information.

    Parameters
    ----------
    x, y : array-like of shape (n,)
        Where rows are drawn.

    information : array-like of shape (n,)
        Pointwise mutual information of each row.

    x_name : str, default="x"
        Written at the horizontal axis.

    y_name : str, default="y"
        Written at the vertical axis.

    units : str, default="nats"
        Written at the colour bar.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    points_ : matplotlib PathCollection
        One for each row.

    Raises
    ------
    ValueError
        If shapes do not match.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn_mine import MINE
    >>> from sklearn_mine.plotting import PointwiseInformationDisplay
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 1))
    >>> y = np.where(rng.random((500, 1)) < 0.5, x, rng.normal(size=(500, 1)))
    >>> mine = MINE(random_state=0).fit(x, y)
    >>> display = PointwiseInformationDisplay.from_estimator(mine, x, y)
    >>> len(display.points_.get_offsets())
    500
    """

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        information: ArrayLike,
        *,
        x_name: str = "x",
        y_name: str = "y",
        units: str = "nats",
    ) -> None:
        self.information = _numbers(information, "information")
        self.x, self.y = np.asarray(x), np.asarray(y)
        for name in ("x", "y"):
            if getattr(self, name).shape != self.information.shape:
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}, and information "
                    f"{self.information.shape}. Both should be (n,)."
                )
        self.x_name, self.y_name, self.units = x_name, y_name, units

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: TableLike,
        y: TableLike,
        *,
        feature: int | str = 0,
        target: int | str = 0,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the rows of a table by what a fitted estimator tells of each.

        Parameters
        ----------
        estimator : MINE
            Fitted.

        X : array-like, sparse matrix or DataFrame of shape (n, dx)
            As for :meth:`sklearn_mine.MINE.pointwise_mutual_info`.

        y : array-like or DataFrame of shape (n,) or (n, dy)
            As for that.

        feature, target : int or str, default=0
            The columns of X and of y that are drawn, by number or by name.

        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : PointwiseInformationDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        information = estimator.pointwise_mutual_info(X, y)
        (x, x_name), (y, y_name) = (
            _column(as_given(table, name), which, argument)
            for table, name, which, argument in (
                (X, "x", feature, "feature"),
                (y, "y", target, "target"),
            )
        )
        display = cls(
            x, y, information, x_name=x_name, y_name=y_name, units=estimator.units
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : PointwiseInformationDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = _axes(ax, type(self).__name__, (6.5, 4.8))
        # A few rows with extreme values would leave all others pale.
        limit = max(np.quantile(np.abs(self.information), 0.98), 1e-12)
        # The rows that tell most are drawn last.
        order = np.argsort(np.abs(self.information), kind="stable")
        style: dict[str, Any] = {
            "cmap": "coolwarm",
            "vmin": -limit,
            "vmax": limit,
            "s": 12,
        }
        places = []
        for axis, values in ((ax.xaxis, self.x), (ax.yaxis, self.y)):
            if values.dtype.kind not in "fiub":
                labels, values = np.unique(values.astype(str), return_inverse=True)
                axis.set_ticks(range(len(labels)), [_short(label) for label in labels])
            places.append(values[order])
        self.points_ = ax.scatter(
            places[0], places[1], c=self.information[order], **style | kwargs
        )
        ax.figure.colorbar(
            self.points_, ax=ax, extend="both", label=f"information, {self.units}"
        )
        ax.set(xlabel=_short(self.x_name), ylabel=_short(self.y_name))
        ax.set_title(f"mean {self.information.mean():.2f} {self.units}", fontsize=10)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class InformationPlaneDisplay:
    """What codes keep of the input, I(X; Z), against what they tell of y, I(Z; y).

    Parameters
    ----------
    input, target : array-like of shape (n_points,)
        I(X; Z) and I(Z; y), in nats, in the order in which points are joined.

    labels : list of str, default=None
        Written beside the points.

    entropy : float, default=None
        H(y), which I(Z; y) cannot pass; drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.

    figure_ : matplotlib Figure
        Of `ax_`.

    line_ : matplotlib Line2D
        Joins the points.

    Raises
    ------
    ValueError
        If shapes do not match.

    References
    ----------
    Tishby and Zaslavsky (2015), "Deep learning and the information bottleneck
    principle".

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn_mine.plotting import InformationPlaneDisplay
    >>> display = InformationPlaneDisplay([1.0, 3.0], [0.5, 0.6], labels=["a", "b"])
    >>> display.plot().ax_.get_xlabel()
    'I(X; Z) in nats'
    """

    def __init__(
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        labels: Sequence[Any] | None = None,
        entropy: float | None = None,
    ) -> None:
        self.input, self.target = np.asarray(input), np.asarray(target)
        if self.input.shape != self.target.shape or self.input.ndim != 1:
            raise ValueError(
                "input and target should be lists of one length, got shapes "
                f"{self.input.shape} and {self.target.shape}."
            )
        if labels is not None and len(labels) != len(self.input):
            raise ValueError(
                f"labels has {len(labels)} texts for {len(self.input)} points."
            )
        self.labels = None if labels is None else list(labels)
        self.entropy = entropy

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        *,
        labels: Sequence[Any] | None = None,
        entropy: float | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw where fitted bottlenecks stand.

        Parameters
        ----------
        estimators : InformationBottleneckClassifier, or list of them
            Fitted with `max_samples` above 0; or pipelines that end in one.

        labels : list of str, default=None
            "beta=..." by default.

        entropy : float, default=None
            See :class:`InformationPlaneDisplay`.

        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : InformationPlaneDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If the estimator has nothing that this display can show.
        """
        if hasattr(estimators, "fit"):
            estimators = [estimators]
        estimators = [
            each[-1] if isinstance(each, Pipeline) else each for each in estimators
        ]
        missing = [
            i for i, e in enumerate(estimators) if not hasattr(e, "mutual_info_")
        ]
        if missing:
            raise ValueError(
                f"estimators {missing} have no mutual_info_. Fit them with max_samples "
                "above 0."
            )
        if labels is None:
            labels = [f"beta={each.beta:g}" for each in estimators]
        planes = [each.mutual_info_ for each in estimators]
        display = cls(
            [plane.input for plane in planes],
            [plane.target for plane in planes],
            labels=labels,
            entropy=entropy,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : InformationPlaneDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = _axes(ax, type(self).__name__)
        (self.line_,) = ax.plot(self.input, self.target, **{"marker": "o", **kwargs})
        if self.entropy is not None:
            ax.axhline(self.entropy, color="0.6", linestyle=":")
            ax.text(
                0.01, self.entropy, "H(y)", transform=ax.get_yaxis_transform(), va="top"
            )
        for label, x, y in zip(
            self.labels or [], self.input, self.target, strict=False
        ):
            ax.annotate(label, (x, y), (5, -10), textcoords="offset points", fontsize=8)
        ax.margins(x=0.15)
        ax.set(xlabel="I(X; Z) in nats", ylabel="I(Z; y) in nats")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _run(record: dict[str, Any]) -> str:
    """What a pass belongs to: a stage, and with `given` one of two trainings."""
    whose = {"given": " of given", "both": " of X and given"}
    return record["stage"] + whose.get(record.get("critics", ""), "")


def _column(table: Table, which: int | str, name: str) -> tuple[NDArray[Any], str]:
    """A column by number or by name, and its name."""
    names = [table.label(j) for j in range(table.shape[1])]
    if which in names and not isinstance(which, bool):
        j = names.index(which)
    elif isinstance(which, Integral) and -len(names) <= which < len(names):
        j = int(which) % len(names)
    else:
        raise ValueError(f"{name} should be one of {names}, got {which!r}.")
    label = names[j] if table.names is not None else f"{table.name}{j}"
    values = table.column(j)
    if values.dtype == object:
        values = np.where([v is None for v in values], "missing", values)
    return values, str(label)
