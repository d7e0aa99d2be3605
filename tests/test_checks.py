"""Which inputs are warned of, whatever the estimator."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINEScore,
    MINESelector,
    mine_matrix,
    mine_score,
)
from sklearn_mine._checks import warn_of_numbers_in_text
from sklearn_mine._table import as_table
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier

N = 200


def _told(table, discrete="auto"):
    """What is warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn_of_numbers_in_text(table, discrete)
    return [str(each.message) for each in told]


_NUMBERS = np.arange(N) * 37 + 1000
_TENTHS = np.arange(N) % 10 == 0

# Name: cells that are meant as numbers, and the share of cells that read as such.
_MEANT_AS_NUMBERS = {
    "question marks": (np.where(_TENTHS, "?", _NUMBERS.astype(str)), "90%"),
    "decimal commas": (
        [f"{number / 10:.1f}".replace(".", ",") for number in _NUMBERS],
        "100%",
    ),
    "thousands": ([f"{number:,}" for number in _NUMBERS], "100%"),
    "thousands by dots": (
        [f"{number:,},5".replace(",", ".", 1) for number in _NUMBERS],
        "100%",
    ),
    "exponents and signs": ([f"{-number:.5e}" for number in _NUMBERS], "100%"),
    "blanks": ([f" {number} " for number in _NUMBERS], "100%"),
}


@pytest.mark.parametrize("name", _MEANT_AS_NUMBERS)
@pytest.mark.parametrize("library", ["numpy", "pandas", "polars"])
def test_numbers_in_text_are_warned_of_with_their_share(name, library):
    cells, share = _MEANT_AS_NUMBERS[name]
    frame = pd.DataFrame({"a": np.arange(N), "price": cells, "c": "x"})
    if library == "numpy":
        table, column = frame.to_numpy(), "1"
    else:
        table, column = frame, "'price'"
        if library == "polars":
            table = pl.from_pandas(frame)
    (message,) = _told(as_table(table, "X"))
    assert "columns of X, " in message and f" {column} ({share}). " in message
    assert "to_numeric" in message and "decimal=','" in message


_LABELS = {
    "few values": np.resize(["1", "2", "3"], N),
    "as many as labels may be": (np.arange(N) % 32).astype(str),
    "codes that begin with a nought": [f"{number:05}" for number in _NUMBERS],
    "words": [f"word {number}" for number in _NUMBERS],
    "dates": pd.date_range("2020", periods=N).strftime("%Y-%m-%d"),
    "times": [f"{number // 60 % 24}:{number % 60:02}" for number in _NUMBERS],
    "addresses": [f"192.168.{i % 7}.{i}" for i in range(N)],
    "numbers among words": np.where(np.arange(N) % 5 > 1, "a", _NUMBERS.astype(str)),
    "categories": pd.Categorical(_NUMBERS.astype(str)),
    "missing": pd.Series([None] * N, dtype=object),
    "numbers": _NUMBERS.astype(object),
}


@pytest.mark.parametrize("name", _LABELS)
def test_labels_that_look_like_numbers_are_not_warned_of(name):
    table = as_table(pd.DataFrame({"code": _LABELS[name]}))
    assert _told(table) == []


def test_columns_that_are_called_discrete_are_not_warned_of():
    table = as_table(
        pd.DataFrame({"a": _NUMBERS.astype(str), "b": _NUMBERS.astype(str)})
    )
    (message,) = _told(table, [True, "auto"])
    assert "'b'" in message and "'a'" not in message


def _frames():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"price": _NUMBERS.astype(str), "noise": rng.normal(size=N)})
    return X, rng.integers(2, size=N)


@pytest.mark.parametrize(
    "call",
    [
        lambda X, y: mine_score(X, y, random_state=0),
        lambda X, y: mine_matrix(X, random_state=0),
        lambda X, y: MINE(solver="newton", random_state=0).fit(X, y),
        lambda X, y: MINESelector(MINEScore(solver="newton"), random_state=0).fit(X, y),
        lambda X, y: MINEClassifier(solver="newton", random_state=0).fit(X, y),
        lambda X, y: InformationBottleneckClassifier(
            hidden_layer_sizes=(4,), n_components=2, max_iter=1, max_samples=0
        ).fit(X, y),
    ],
    ids=["mine_score", "mine_matrix", "MINE", "selector", "classifier", "bottleneck"],
)
def test_numbers_in_text_are_warned_of_once_in_a_fit(call):
    with pytest.warns(UserWarning) as told:
        call(*_frames())
    about = [each for each in told if "read as numbers" in str(each.message)]
    assert len(about) == 1 and about[0].filename == __file__


def test_numbers_in_text_of_the_target_are_warned_of():
    X, y = _frames()
    with pytest.warns(UserWarning, match=r"columns of y, most .*'price' \(100%\)"):
        mine_score(y[:, None], X["price"], random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Text columns of y")
        mine_score(y[:, None], X["price"], discrete_target=True, random_state=0)


def _of_labels(rng, n_labels, n=1200):
    labels = rng.integers(n_labels, size=n)
    return pd.DataFrame({"text": [f"shop {i}" for i in labels], "code": labels})


@pytest.mark.parametrize("as_categories", [False, True])
def test_labels_that_are_not_told_apart_are_named(as_categories, rng):
    X = _of_labels(rng, 300).assign(few=rng.integers(5, size=1200))
    if as_categories:
        X["text"] = X["text"].astype("category")
    options = {"discrete_features": ["code"], "solver": "newton", "random_state": 0}
    with pytest.warns(
        UserWarning, match=r"256 labels in X\['text'\], X\['code'\]. Aga"
    ):
        mine_score(X, rng.normal(size=1200), **options)
    with pytest.warns(UserWarning, match=r"More than 256 labels in y\["):
        mine_score(rng.normal(size=(1200, 1)), X["text"], solver="newton")
    with pytest.warns(UserWarning, match=r"64 labels in X\['text'\]. By networks"):
        MINE(solver="newton").fit(X[["text", "few"]], rng.normal(size=1200))


@pytest.mark.filterwarnings("ignore")
def test_labels_that_are_many_are_named_wherever_they_are(rng):
    X, y = _of_labels(rng, 300), rng.normal(size=1200)
    score = MINEScore(solver="newton", cv=2, random_state=0)
    with pytest.warns(UserWarning, match=r"256 labels in X\['text'\]. Against numbers"):
        mine_matrix(X[["text"]].assign(y=y), score=score)
    with pytest.warns(UserWarning, match=r"64 labels in y\['text'\]. In a vector"):
        mine_score(X[["code"]], X.assign(y=y), solver="newton", cv=2, max_iter=1)


def test_few_values_that_meet_are_no_copies_of_rows(rng):
    ages = rng.integers(18, 90, size=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mine_score(ages[:, None], rng.integers(2, size=5000), random_state=0)


@pytest.mark.filterwarnings("ignore")
def test_labels_that_are_told_apart_are_not_named(rng):
    X, y = _of_labels(rng, 300), rng.normal(size=1200)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="More than")
        labels = {"discrete_features": ["code"], "solver": "newton"}
        mine_score(X, X["text"], **labels)
        few = _of_labels(rng, 5)
        few["code"] = few["code"].where(rng.random(1200) < 0.6)  # missing else
        mine_score(few, y, **labels)
        MINE(discrete_features=True, random_state=0).fit(X[["code"]], X["text"])
        mine_score(X[["code"]] % 2, X["text"], solver="newton")
        # What tells rows apart is named as such.
        names = np.array([f"row {i}" for i in range(1200)], dtype=object)
        mine_score(names[:, None], y, solver="newton")
