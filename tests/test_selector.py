"""MINESelector: redundancy, interactions, groups; nothing where there is nothing."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mine import MINE, MINEScore, MINESelector

# Whether a step adds anything is tested without critics: small ones are enough.
QUICK = MINEScore(solver="newton", hidden_layer_sizes=(16,), cv=3)


def _checks_that_cannot_pass(estimator):
    """Its parameter `score` is taken for the method of that name."""
    return {"check_n_features_in_after_fitting": "score is a parameter"}


@parametrize_with_checks(
    [MINESelector(QUICK)], expected_failed_checks=_checks_that_cannot_pass
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def _copies(n=400):
    """Two useful columns, two near copies of one of them, and noise."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n))
    X = rng.normal(size=(n, 10))
    X[:, 0], X[:, 3] = a, b
    X[:, 1:3] = a[:, None] + 0.1 * rng.normal(size=(n, 2))
    return X, 1.5 * a + b + 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("redundancy", ["joint", "mrmr", "jmi", "cmim"])
def test_one_of_several_copies_is_taken(redundancy):
    X, y = _copies()
    selector = MINESelector(QUICK, redundancy=redundancy, random_state=0).fit(X, y)
    chosen = np.flatnonzero(selector.support_)
    assert len(chosen) == 2
    assert chosen[0] in (0, 1, 2)
    assert chosen[1] == 3
    # What the chosen ones tell is no longer told by the other copies.
    copies = [j for j in (0, 1, 2) if j != chosen[0]]
    assert (selector.redundancy_[copies] > 0.15).all()
    assert set(selector.ranking_) == set(range(1, 11))
    fixed = clone(selector).set_params(n_features_to_select=2).fit(X, y)
    np.testing.assert_array_equal(fixed.support_, selector.support_)


def test_without_redundancy_all_that_tell_are_kept():
    X, y = _copies()
    selector = MINESelector(QUICK, redundancy=None, random_state=0).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [0, 1, 2, 3]
    assert (selector.redundancy_ == 0.0).all()


@pytest.mark.parametrize("n_columns", [pytest.param(15, marks=pytest.mark.slow), 50])
def test_columns_that_work_only_together_are_found(n_columns, rng):
    X = rng.normal(size=(1000, n_columns))
    y = np.sign(X[:, 4] * X[:, 9])
    selector = MINESelector(QUICK, random_state=0).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [4, 9]
    assert selector.scores_[[4, 9]].max() < 0.02


def test_path_says_what_all_tell_with_its_interval():
    X, y = _copies(1500)
    selector = MINESelector(random_state=0).fit(X, y)
    first, last = selector.path_
    # Of y given nothing, given a, and given both.
    variances = 1.5**2 + 1.0 + 0.3**2, 1.0 + 0.3**2, 0.3**2
    truths = 0.5 * np.log(variances[0] / np.array(variances[1:]))
    for step, truth in zip((first, last), truths, strict=True):
        assert step["mutual_info"] == pytest.approx(truth, abs=0.12)
        assert step["low"] < step["mutual_info"] < step["high"]
        assert 0.0 < step["p_value"] < 1e-6
    assert first["features"][0] in (0, 1, 2)
    assert last["features"] == [3]


def test_superfluous_columns_are_removed(rng):
    # The sum tells most alone, and nothing beside its two parts.
    parts = rng.normal(size=(1500, 2))
    total = parts.sum(axis=1) + 0.5 * rng.normal(size=1500)
    X = np.column_stack([parts, total, rng.normal(size=(1500, 3))])
    y = parts.sum(axis=1) + 0.1 * rng.normal(size=1500)
    selector = MINESelector(QUICK, random_state=0).fit(X, y)
    assert selector.path_[0]["features"] == [2]
    assert [2] in [step["removed"] for step in selector.path_]
    assert np.flatnonzero(selector.support_).tolist() == [0, 1]


@pytest.mark.parametrize("redundancy", ["joint", "cmim", None])
def test_of_noise_hardly_anything_is_taken(redundancy):
    n_taken = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(150, 8)), rng.normal(size=150)
        selector = MINESelector(QUICK, redundancy=redundancy, random_state=0)
        n_taken += selector.fit(X, y).support_.any()
    # 1.5 expected; 6 or more come once in 300 runs.
    assert n_taken < 6
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(150, 3)), rng.normal(size=150)
    selector = MINESelector(QUICK, alpha=1e-6, random_state=0).fit(X, y)
    assert selector.path_ == []
    with pytest.warns(UserWarning, match="No features were selected"):
        assert selector.transform(X).shape == (150, 0)


def test_choosing_anew_needs_no_fit():
    X, y = _copies()
    selector = MINESelector(QUICK, random_state=0).fit(X, y)
    ranking = selector.ranking_.copy()
    assert selector.select(3).get_support().sum() == 3
    assert selector.select(0.5).get_support().sum() == 5
    np.testing.assert_array_equal(selector.support_, ranking <= 5)
    assert selector.select("auto").get_support().sum() == 2
    assert selector.select("auto", alpha=1e-300).get_support().sum() == 0
    assert selector.select().get_support().sum() == 2
    for wrong in ("all", 0, 1.5):
        with pytest.raises(ValueError, match="n_features_to_select"):
            selector.select(wrong)


def test_groups_of_columns_are_chosen_as_one(rng):
    n = 600
    kind = rng.integers(3, size=n)
    X = np.column_stack([np.eye(3)[kind], rng.normal(size=(n, 3))])
    y = kind + 0.3 * rng.normal(size=n) + X[:, 4]
    labels = ["kind"] * 3 + ["c", "d", "e"]
    selector = MINESelector(QUICK, feature_groups=labels, random_state=0).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [0, 1, 2, 4]
    assert len(set(selector.scores_[:3])) == 1
    named = MINESelector(
        QUICK, feature_groups={"kind": [0, 1, 2]}, n_features_to_select=2
    )
    named.set_params(random_state=0).fit(X, y)
    np.testing.assert_array_equal(named.support_, selector.support_)


@pytest.fixture
def frame(rng):
    n = 500
    frame = pd.DataFrame(
        {
            "city": rng.choice(["Rome", "Oslo", "Lima"], size=n),
            "income": rng.normal(size=n),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "noise": rng.normal(size=n),
        }
    )
    gone = rng.random(n) < 0.3
    frame.loc[gone, "income"] = np.nan
    return frame, (frame["city"] == "Rome") + gone * 1.0 + 0.2 * rng.normal(size=n)


def test_raw_frames_are_taken_and_given_back(frame):
    frame, y = frame
    selector = MINESelector(QUICK, random_state=0).set_output(transform="pandas")
    kept = selector.fit_transform(frame, y)
    assert kept.columns.tolist() == ["city", "income"]
    assert selector.get_feature_names_out().tolist() == ["city", "income"]
    unseen = frame.assign(city="Cairo").iloc[:5]
    assert selector.transform(unseen)["city"].tolist() == ["Cairo"] * 5
    polars = pl.from_pandas(frame)
    selector = clone(selector).set_output(transform="polars").fit(polars, y.to_numpy())
    assert selector.transform(polars).columns == ["city", "income"]


def test_selection_depends_on_neither_jobs_nor_order():
    X, y = _copies(300)
    one, two = (
        MINESelector(QUICK, n_jobs=n_jobs, random_state=0).fit(X, y)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.ranking_, two.ranking_)
    assert [step["p_value"] for step in one.path_] == [
        step["p_value"] for step in two.path_
    ]
    turned = MINESelector(QUICK, random_state=0).fit(X[:, ::-1], y)
    np.testing.assert_array_equal(turned.support_[::-1], one.support_)


def test_it_works_in_a_pipeline():
    X, y = load_breast_cancer(return_X_y=True)
    pipe = make_pipeline(
        StandardScaler(),
        MINESelector(QUICK, n_features_to_select=3, random_state=0),
        LogisticRegression(),
    )
    assert pipe.fit(X, y).score(X, y) > 0.92
    assert pipe[1].get_support().sum() == 3


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_features_to_select": 9}, "n_features_to_select=9"),
        ({"n_features_to_select": "most"}, "n_features_to_select"),
        ({"redundancy": "mRMR"}, "redundancy"),
        ({"alpha": 2}, "alpha"),
        ({"score": "mine"}, "score should be a MINEScore"),
        ({"score": MINEScore}, "score should be a MINEScore, or None, got type"),
        ({"score": MINE(solver="newton")}, "score should be .*, got MINE\\. "),
        ({"score": np.zeros((9, 9))}, "score should be .*, got ndarray\\. "),
        ({"score": MINEScore(max_iter=0)}, "max_iter"),
        ({"score": MINEScore(cv=KFold(3).split(np.ones(30)))}, "cv is an iterator"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"feature_groups": [1]}, "feature_groups"),
    ],
)
def test_errors_name_the_argument(params, match, rng):
    X = rng.normal(size=(30, 3))
    with pytest.raises(ValueError, match=match):
        MINESelector(**params).fit(X, X[:, 0])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dates_and_numbers_are_selected_side_by_side(library, rng):
    y = rng.normal(size=100)
    order = np.argsort(np.argsort(y))
    day = pd.date_range("2020", periods=100)[order]
    frame = pd.DataFrame({"number": y + rng.normal(size=100), "day": day, "one": 1})
    X = frame if library == "pandas" else pl.from_pandas(frame)
    selector = MINESelector(QUICK, n_features_to_select=2, random_state=0).fit(X, y)
    selected = selector.transform(X)
    assert selected.dtype == object
    np.testing.assert_array_equal(selected[:, 0], frame["number"])
    assert pd.to_datetime(selected[:, 1]).equals(day)
    with pytest.raises(ValueError, match="feature names should match"):
        selector.transform(
            X.rename(columns={"day": "night"})
            if library == "pandas"
            else X.rename({"day": "night"})
        )


def test_what_the_score_says_of_columns_is_kept_to(rng):
    X = rng.integers(6, size=(400, 4)).astype(float)
    y = X[:, 0] % 2 + 0.1 * rng.normal(size=400)
    labels = MINEScore(solver="newton", discrete_features=[True] * 4)
    selector = MINESelector(labels, random_state=0).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [0]
    assert selector.path_[0]["p_value"] < 1e-9
    with pytest.raises(ValueError, match="groups"):
        MINESelector(MINEScore(groups=[1, 2])).fit(X, y)


def test_many_copies_do_not_hide_what_is_left(rng, monkeypatch):
    monkeypatch.setattr("sklearn_mine._selector._MAX_CANDIDATES", 4)
    a, b = rng.normal(size=(2, 300))
    X = np.column_stack([a[:, None] + 0.02 * rng.normal(size=(300, 9)), b])
    y = a + 0.5 * b + 0.2 * rng.normal(size=300)
    for redundancy in ("joint", "cmim"):
        params = {"redundancy": redundancy, "random_state": 0}
        selector = MINESelector(QUICK, n_features_to_select=2, **params).fit(X, y)
        assert selector.get_support()[9]
        # Copies of what is chosen come last.
        assert selector.redundancy_[:9].max() > 0.3


def test_what_was_removed_is_known_to_be_superfluous(rng):
    a, b = rng.normal(size=(2, 500))
    noise = rng.normal(size=(500, 2))
    X = np.column_stack([a + b + 0.3 * rng.normal(size=500), a, b, noise])
    y = a + b + 0.05 * rng.normal(size=500)
    selector = MINESelector(QUICK, random_state=0).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [1, 2]
    assert selector.redundancy_[0] > 1.0
    with pytest.raises(ValueError, match="alpha"):
        selector.select("auto", alpha=0.5)
    with pytest.raises(ValueError, match="n_features_to_select"):
        selector.select(6)


def test_path_is_measured_by_critics_of_one_kind(rng):
    n = 600
    x = rng.normal(size=n)
    # Mixture noise, which few levels cannot show.
    y = x + 2.0 * (rng.random(n) < 1 / 3) + 0.3 * rng.normal(size=n)
    X = np.column_stack([x, x])
    selector = MINESelector(
        MINEScore(cv=3), redundancy=None, n_features_to_select=2, random_state=0
    )
    first, second = selector.fit(X, y).path_
    assert first["features"] == [0]  # of copies the first
    # The copy adds nothing; two standard errors of the difference are about 0.05.
    assert second["mutual_info"] < first["mutual_info"] + 0.05


def test_where_no_further_column_adds_anything_the_most_relevant_follow(rng):
    a, b = rng.normal(size=(2, 800))
    X = np.column_stack([rng.normal(size=(800, 5)), a, a + 0.1 * rng.normal(size=800)])
    selector = MINESelector(QUICK, n_features_to_select=2, random_state=0)
    selector.fit(X, a + 0.5 * b)
    assert selector.support_[5:].all()


def test_a_truth_value_is_no_number_of_columns(rng):
    X = rng.normal(size=(40, 2))
    with pytest.raises(ValueError, match="n_features_to_select should be"):
        MINESelector(n_features_to_select=True).fit(X, X[:, 0])
