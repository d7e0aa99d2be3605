import builtins

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mine import MINE, MINERegressor, MINEScore, MINESelector
from sklearn_mine.information_bottleneck import (
    InformationBottleneckClassifier,
    InformationPlane,
)
from sklearn_mine.plotting import (
    InformationPlaneDisplay,
    MatrixDisplay,
    PointwiseInformationDisplay,
    RankingDisplay,
    SelectionPathDisplay,
    TrainingCurvesDisplay,
)


@pytest.fixture(autouse=True)
def no_windows():
    matplotlib.use("Agg")
    yield
    plt.close("all")


class _Fitted:
    def __init__(self, beta, *plane):
        self.beta, self.mutual_info_ = beta, InformationPlane(*plane)


def test_plane_shows_each_estimator_where_it_stands():
    _, ax = plt.subplots()
    estimators = [_Fitted(1e-3, 5.0, 2.2), _Fitted(1.0, 1.0, 0.9)]
    display = InformationPlaneDisplay.from_estimators(estimators, ax=ax, entropy=2.3)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert display.line_.get_xydata().tolist() == [[5.0, 2.2], [1.0, 0.9]]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["H(y)", "beta=0.001", "beta=1"]


def test_plane_takes_generators_arrays_of_labels_and_pipelines():
    fitted = [_Fitted(1e-3, 5.0, 2.2), _Fitted(1.0, 1.0, 0.9)]
    labels = np.array(["a", "b"])
    display = InformationPlaneDisplay.from_estimators(
        (each for each in fitted), labels=labels
    )
    assert len(display.line_.get_xdata()) == 2
    assert [text.get_text() for text in display.ax_.texts] == ["a", "b"]
    model = InformationBottleneckClassifier()
    model.mutual_info_ = InformationPlane(5.0, 2.2)
    alone = InformationPlaneDisplay.from_estimators(
        make_pipeline(StandardScaler(), model)
    )
    assert alone.line_.get_xydata().tolist() == [[5.0, 2.2]]


def test_plane_makes_axes_of_its_own():
    first = InformationPlaneDisplay([1.0], [0.5]).plot()
    second = InformationPlaneDisplay([1.0], [0.5]).plot(color="red")
    assert first.ax_ is not second.ax_
    assert second.line_.get_color() == "red"


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="lists of one length"):
        InformationPlaneDisplay([1.0, 2.0], [0.5])
    with pytest.raises(ValueError, match="labels has 2 texts for 1 points"):
        InformationPlaneDisplay([1.0], [0.5], labels=["a", "b"])
    with pytest.raises(ValueError, match=r"estimators \[0\] have no mutual_info_"):
        InformationPlaneDisplay.from_estimators([object()])


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(ImportError, match="InformationPlaneDisplay needs matplotlib"):
        InformationPlaneDisplay([1.0], [0.5]).plot()


class _Scored(DummyClassifier):
    def fit(self, X, y):
        self.scores_ = {}
        return super().fit(X, y)


def _ends(bars):
    return [round(float(bar.get_width()), 6) for bar in bars]


def test_ranking_is_drawn_best_first_with_the_cut():
    display = RankingDisplay.from_scores(
        [0.1, 0.5, 0.3],
        [0.01, 0.02, 0.03],
        feature_names=["a", "b", "c"],
        support=[False, True, True],
    )
    assert _ends(display.bars_) == [0.5, 0.3, 0.1]
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["b", "c", "a"]
    assert list(display.cut_.get_ydata()) == [1.5, 1.5]
    segments = display.bars_.errorbar.lines[2][0].get_segments()
    halves = [0.5 * (end[0] - start[0]) for start, end in segments]
    np.testing.assert_allclose(halves, 1.959964 * np.array([0.02, 0.03, 0.01]))
    assert "95%" in display.ax_.get_xlabel()


def test_ranking_of_many_columns_says_how_many_are_not_shown(rng):
    names = [
        f"a very long name in $ that nobody writes, number {i} $" for i in range(200)
    ]
    display = RankingDisplay.from_scores(rng.normal(size=200), feature_names=names)
    assert len(display.bars_) == 30
    assert "170 columns" in display.ax_.get_xlabel()
    texts = [t.get_text() for t in display.ax_.get_yticklabels()]
    display.figure_.canvas.draw()
    assert max(map(len, texts)) <= 34
    assert len(set(texts)) == 30


def test_ranking_of_selectors_pipelines_and_searches():
    X, y = load_iris(return_X_y=True, as_frame=True)
    select = SelectKBest(MINEScore(random_state=0, units="bits"), k=2)
    pipeline = make_pipeline(
        StandardScaler(), select, LogisticRegression(max_iter=1000)
    )
    search = GridSearchCV(pipeline, {"logisticregression__C": [1.0]}, cv=2)
    alone = RankingDisplay.from_estimator(clone(select).fit(X, y))
    for estimator in (clone(pipeline).fit(X, y), search.fit(X, y)):
        display = RankingDisplay.from_estimator(estimator)
        assert _ends(display.bars_) == _ends(alone.bars_)
        assert display.feature_names == list(X.columns)
        assert "bits" in display.ax_.get_xlabel()
    # Others have scores as well.
    last = make_pipeline(clone(select), _Scored()).fit(X, y)
    display = RankingDisplay.from_estimator(last)
    assert _ends(display.bars_) == _ends(alone.bars_)
    chosen = RankingDisplay.from_estimator(MINESelector(random_state=0).fit(X, y))
    assert chosen.std_errors is not None
    with pytest.raises(NotFittedError):
        RankingDisplay.from_estimator(select)
    with pytest.raises(ValueError, match="no scores_: StandardScaler is nothing"):
        RankingDisplay.from_estimator(StandardScaler().fit(X))


def test_matrix_puts_like_columns_side_by_side():
    information = np.full((6, 6), 0.01)
    for group in ([0, 3, 5], [1, 2, 4]):
        information[np.ix_(group, group)] = 1.0
    np.fill_diagonal(information, np.nan)
    frame = pd.DataFrame(information, index=list("abcdef"), columns=list("abcdef"))
    display = MatrixDisplay(frame).plot()
    order = list(display.order_[0])
    assert {frozenset(order[:3]), frozenset(order[3:])} == {
        frozenset([0, 3, 5]),
        frozenset([1, 2, 4]),
    }
    texts = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert texts == ["abcdef"[j] for j in order]
    shown = display.im_.get_array()
    np.testing.assert_array_equal(
        shown.filled(np.nan), information[np.ix_(order, order)]
    )
    as_it_is = MatrixDisplay(frame).plot(order=None)
    assert list(as_it_is.order_[0]) == list(range(6))
    with pytest.raises(ValueError, match="order should be"):
        MatrixDisplay(frame).plot(order="random")


def test_matrix_of_two_tables(rng):
    X = pl.DataFrame(rng.normal(size=(100, 3)), schema=["a", "b", "c"])
    Y = pd.DataFrame({"u": X["b"].to_numpy() ** 2, "v": rng.normal(size=100)})
    display = MatrixDisplay.from_data(X, Y, random_state=0, units="bits")
    assert (display.row_names, display.column_names) == (["a", "b", "c"], ["u", "v"])
    row, column = (
        list(order).index(j) for order, j in zip(display.order_, (1, 0), strict=True)
    )
    assert display.im_.get_array()[row, column] == display.im_.get_array().max()
    single = MatrixDisplay.from_data(X, Y[["u"]], random_state=0)
    assert single.im_.get_array().shape == (3, 1)
    # Rows of an array are not called as the columns of a frame beside it.
    plain = MatrixDisplay.from_data(X.to_numpy(), X.rename({"a": "u"}), random_state=0)
    assert plain.row_names == ["x0", "x1", "x2"]
    assert plain.column_names == ["u", "b", "c"]
    assert MatrixDisplay(X.to_arrow()).column_names == ["a", "b", "c"]
    assert MatrixDisplay([[1.0, 2.0]]).plot().row_names == ["x0"]
    large = rng.random((200, 200))
    assert len(MatrixDisplay(large).plot().ax_.get_xticks()) <= 50


PATH = [
    {"features": [2], "removed": [], "mutual_info": 0.5, "p_value": 0.001},
    {"features": [0, 4], "removed": [], "mutual_info": 0.9, "p_value": 0.01},
    {"features": [1], "removed": [2], "mutual_info": np.nan, "p_value": 0.3},
]
PATH = [
    s | {"low": s["mutual_info"] - 0.1, "high": s["mutual_info"] + 0.1} for s in PATH
]


def test_path_shows_steps_and_where_nothing_is_gained():
    display = SelectionPathDisplay(PATH, feature_names=list("abcde")).plot()
    assert display.line_.get_xydata().tolist() == [[1.0, 0.5], [2.0, 0.9]]
    texts = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert texts == ["+ c  1", "+ a + e  3", "+ b \N{MINUS SIGN} c  3"]
    assert list(display.no_gain_.get_xdata()) == [2.5, 2.5]
    assert SelectionPathDisplay(PATH[:2]).plot().no_gain_ is None
    ended = SelectionPathDisplay(PATH[:2], complete=True).plot()
    assert list(ended.no_gain_.get_xdata()) == [2.5, 2.5]
    with pytest.raises(ValueError, match="no column was chosen"):
        SelectionPathDisplay([])


def test_training_curves_have_a_line_for_each_fold_and_bound():
    history = [
        {"stage": stage, "train_bound": [i, 2.0], "validation_bound": [0.5, i]}
        for i, stage in enumerate(["towers", "towers", "critic"])
    ]
    display = TrainingCurvesDisplay(history).plot()
    lines = display.lines_["train_bound"]
    assert [line.get_xydata().tolist() for line in lines] == [
        [[1.0, 0.0], [2.0, 1.0]],
        [[1.0, 2.0], [2.0, 2.0]],
        [[3.0, 2.0]],
        [[3.0, 2.0]],
    ]
    assert {"towers", "critic"} <= {text.get_text() for text in display.ax_.texts}
    alone = [{"stage": "critic", "train_bound": [0.1 * i, 0.2]} for i in range(3)]
    assert set(TrainingCurvesDisplay(alone).plot().lines_) == {"train_bound"}
    with pytest.raises(ValueError, match="should have stage and train_bound"):
        TrainingCurvesDisplay([{"pass": 1}])
    with pytest.raises(ValueError, match="were solved, not trained"):
        TrainingCurvesDisplay([])


def test_training_curves_of_a_model_of_numbers(rng):
    X = rng.normal(size=(100, 2))
    model = MINERegressor(solver="adam", cv=2, max_iter=2, random_state=0, units="bits")
    display = TrainingCurvesDisplay.from_estimator(model.fit(X, X[:, 0]))
    assert len(display.lines_["train_bound"]) == 2
    assert display.ax_.get_ylabel() == "bound, bits"


def test_training_curves_with_given_are_two_trainings(rng):
    x, z = rng.normal(size=(2, 100, 1))
    mine = MINE(solver="adam", cv=2, max_iter=2, early_stopping=False, random_state=0)
    mine.fit(x, x + z, given=z)
    whose = [record["critics"] for record in mine.history_]
    assert whose == ["given", "given", "both", "both"]
    display = TrainingCurvesDisplay.from_estimator(mine)
    lines = display.lines_["train_bound"]
    assert [line.get_xdata().tolist() for line in lines] == [[1, 2]] * 2 + [[3, 4]] * 2
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == ["critic of given", "critic of X and given"]


def test_pointwise_information_of_columns_by_name_and_number(rng):
    X = pd.DataFrame({"u": rng.normal(size=300), "kind": rng.choice(["p", "q"], 300)})
    y = np.where(X["kind"] == "p", X["u"], rng.normal(size=300))
    mine = MINE(random_state=0).fit(X, y)
    display = PointwiseInformationDisplay.from_estimator(mine, X, y, feature="kind")
    assert display.ax_.get_xlabel() == "kind"
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["p", "q"]
    expected = np.sort(mine.pointwise_mutual_info(X, y))
    np.testing.assert_allclose(np.sort(display.points_.get_array()), expected)
    by_number = PointwiseInformationDisplay.from_estimator(mine, X, y)
    assert by_number.ax_.get_xlabel() == "u"
    assert by_number.ax_.get_ylabel() == "y0"
    with pytest.raises(ValueError, match=r"feature should be one of \['u', 'kind'\]"):
        PointwiseInformationDisplay.from_estimator(mine, X, y, feature="v")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RankingDisplay([[1.0]]), "scores should be a list"),
        (lambda: RankingDisplay([1.0], [1.0, 2.0]), "std_errors has shape"),
        (
            lambda: RankingDisplay([1.0], feature_names=["a", "b"]),
            "feature_names has 2",
        ),
        (lambda: MatrixDisplay([1.0]), "information should be a matrix"),
        (lambda: MatrixDisplay([[1.0]], row_names=["a", "b"]), "row_names has 2"),
        (
            lambda: SelectionPathDisplay(PATH, feature_names=["a", "b"]),
            "feature_names has 2 texts, and path column 4",
        ),
        (lambda: PointwiseInformationDisplay([1.0], [1.0, 2.0], [1.0]), "y has shape"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
