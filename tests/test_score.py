import inspect
import math
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import scipy.stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.feature_selection import (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_mine import MINEScore, mine_score

from ._data import binary_entropy, gaussian_information, surroundings


def quick(**parameters):
    """Parameters that take a moment, for tests of everything but accuracy."""
    return {"random_state": 0, "hidden_layer_sizes": (8,), "max_iter": 2} | parameters


def _table(n=200, d=12, seed=0):
    """Columns of every kind; the first and the fifth tell about y."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, 1] = rng.standard_cauchy(size=n)
    X[:, 2] = rng.integers(4, size=n)
    X[:, 3] = np.where(rng.random(n) < 0.4, 0.0, X[:, 3])
    y = X[:, 0] + 0.5 * X[:, 4] ** 2 + 0.5 * rng.normal(size=n)
    return X, y


def _both(X, y, **parameters):
    scores, p_values, errors = mine_score(X, y, return_std=True, **quick(**parameters))
    return np.stack([scores, p_values, errors])


# What comes out


def test_scores_and_p_values_are_float64_of_each_feature():
    X, y = _table()
    scores, p_values = mine_score(X, y, **quick())
    for values in (scores, p_values):
        assert values.shape == (12,)
        assert values.dtype == np.float64
    assert ((p_values >= 0) & (p_values <= 1)).all()


def test_standard_errors_are_returned_on_request():
    X, y = _table()
    scores, p_values, errors = mine_score(X, y, return_std=True, **quick())
    assert errors.shape == (12,)
    assert (errors > 0).all()
    np.testing.assert_array_equal([scores, p_values], mine_score(X, y, **quick()))


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
def test_gaussian_column_is_scored_within_its_error(rho, rng):
    x, e = rng.normal(size=(2, 2000))
    y = rho * x + math.sqrt(1 - rho**2) * e
    scores, _, errors = mine_score(x[:, None], y, random_state=0, return_std=True)
    # Three standard errors for the draw, 0.02 for what 2,000 rows leave unlearned.
    assert scores[0] == pytest.approx(
        gaussian_information(rho), abs=3.0 * errors[0] + 0.02
    )


def test_independent_columns_do_not_tie(rng):
    scores, _ = mine_score(rng.normal(size=(200, 30)), rng.normal(size=200), **quick())
    assert len(np.unique(scores)) == 30


def test_bits_are_nats_over_ln_two():
    X, y = _table()
    nats, bits = _both(X, y), _both(X, y, units="bits")
    np.testing.assert_allclose(nats[[0, 2]], math.log(2.0) * bits[[0, 2]], rtol=1e-12)
    np.testing.assert_array_equal(nats[1], bits[1])


# A column's score is its own


@pytest.mark.parametrize("kind", ["continuous", "classes"])
@pytest.mark.parametrize(
    "change",
    [
        "two jobs",
        "permuted columns",
        "dropped columns",
        "other units",
        "exponential",
        "frame",
        "Fortran order",
    ],
)
def test_score_depends_on_the_column_alone(change, kind):
    X, y = _table()
    if kind == "classes":
        y = np.digitize(y, [-0.5, 1.0])
    expected = _both(X, y, n_jobs=1)
    order = np.arange(12)
    n_jobs = 1
    if change == "two jobs":
        n_jobs = 2
    elif change == "permuted columns":
        order = np.random.default_rng(1).permutation(12)
        X = X[:, order]
    elif change == "dropped columns":
        order = np.array([11, 0, 2, 3])
        X = X[:, order]
    elif change == "other units":
        X = X * 1e6
    elif change == "exponential":
        X[:, 1] = np.sign(X[:, 1]) * np.log1p(np.abs(X[:, 1]))  # e^(3 X) is finite
        X = np.exp(3.0 * X)
    elif change == "frame":
        pandas = pytest.importorskip("pandas")
        X = pandas.DataFrame(X, columns=[f"c{j}" for j in range(12)])
    elif change == "Fortran order":
        X = np.asfortranarray(X)
    got = _both(X, y, n_jobs=n_jobs)
    # The promise of the documentation.
    np.testing.assert_allclose(got, expected[:, order], atol=1e-6, rtol=0)


def test_type_of_the_numbers_changes_nothing(rng):
    X = np.column_stack(
        [rng.integers(4, size=200), rng.integers(1000, size=200), np.arange(200)]
    )
    y = X[:, 0] * 100 + X[:, 1]
    expected = _both(X, y, cv=2)
    for dtype in (np.int32, np.float32, np.float64):
        got = _both(X.astype(dtype), y.astype(dtype), cv=2)
        np.testing.assert_allclose(got, expected, atol=1e-6, rtol=0)


def test_sparse_equals_dense():
    X = sp.random(200, 8, 0.4, format="csr", random_state=0)
    y = np.asarray(X[:, [0]].todense()).ravel() + np.arange(200) % 2
    np.testing.assert_allclose(_both(X, y), _both(X.toarray(), y), atol=1e-6, rtol=0)


def test_pandas_and_polars_frames_of_every_kind_score_alike(rng):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    y = rng.integers(3, size=150)
    data = {
        "text": [None if i % 9 == 0 else "abc"[k] for i, k in enumerate(y)],
        "flag": (y > 0).tolist(),
        "number": rng.normal(size=150),
        "noise": rng.choice(["u", "v"], size=150).tolist(),
    }
    scores = _both(pandas.DataFrame(data), y)
    np.testing.assert_array_equal(scores, _both(polars.DataFrame(data), y))
    assert scores[0, 0] > scores[0, 1] > 0.3 > scores[0, 3]
    assert scores[1, 3] > 0.01


def test_seed_gives_the_same_scores_and_another_seed_others():
    X, y = _table()
    np.testing.assert_array_equal(_both(X, y), _both(X, y))
    first, second = (_both(X, y, random_state=seed) for seed in (0, 1))
    # A first look at a column that tells little draws nothing.
    strong = first[0] > 0.05
    assert strong.any()
    assert (first[0] != second[0])[strong].all()
    assert (first[1] != second[1]).all()


# p-values


def _null_table(rng, n=600):
    normal, cauchy = rng.normal(size=(n, 100)), rng.standard_cauchy(size=(n, 100))
    return np.concatenate([normal, cauchy, rng.integers(4, size=(n, 100))], axis=1)


@pytest.mark.parametrize("kind", ["continuous", "three classes"])
def test_p_values_of_independent_columns_are_level(kind):
    rng = np.random.default_rng(11)
    X = _null_table(rng)
    y = rng.normal(size=600)
    if kind == "three classes":
        y = np.digitize(y, [-0.5, 0.5])
    scores, p_values = mine_score(X, y, random_state=0)
    # 5 % of 300 with a standard deviation of 1.3 %.
    assert 0.02 <= (p_values < 0.05).mean() <= 0.08
    assert np.abs(scores).max() < 0.1


@pytest.mark.parametrize("kind", ["continuous", "three classes"])
def test_p_value_of_a_related_column_is_tiny(kind):
    rng = np.random.default_rng(11)
    x, e = rng.normal(size=(2, 600))
    y = 0.5 * x + math.sqrt(0.75) * e
    if kind == "three classes":
        y = np.digitize(y, [-0.5, 0.5])
    _, p_values = mine_score(x[:, None], y, random_state=0)
    # Small enough that a false discovery rate among 20,000 columns keeps it.
    assert p_values[0] < 1e-4


def test_constant_column_scores_zero_with_p_value_one():
    X, y = _table()
    X[:, 5] = 3.0
    scores, p_values, errors = mine_score(X, y, return_std=True, **quick())
    assert (scores[5], p_values[5], errors[5]) == (0.0, 1.0, 0.0)


def test_column_of_missing_cells_scores_zero():
    X, y = _table()
    X[:, 5] = np.nan
    scores, p_values = mine_score(X, y, **quick())
    assert (scores[5], p_values[5]) == (0.0, 1.0)


def test_constant_target_scores_zero():
    X, _ = _table()
    scores, p_values = mine_score(X, np.ones(200), **quick())
    assert not scores.any()
    assert (p_values == 1.0).all()


def test_rare_positives_stay_below_the_entropy_of_the_target(rng):
    n, n_positive = 20_000, 20
    y = (np.arange(n) < n_positive).astype(int)
    X = rng.normal(size=(n, 6))
    X[:, 1] += 3.0 * y
    X[:, 2] += 100.0 * y
    X[:, 3] = y
    X[:, 4] = rng.integers(3, size=n)
    scores, p_values, errors = mine_score(X, y, random_state=0, return_std=True)
    # I(X; y) <= H(y) = 0.0079 nats.
    assert (scores <= binary_entropy(n_positive / n) + 3.0 * errors).all()
    assert (p_values[1:4] < 1e-3).all()


def test_copies_of_a_continuous_target_are_named(rng):
    x = rng.normal(size=100)
    gone = np.where(np.arange(100) < 20, np.nan, x)
    X = np.column_stack([x, -np.exp(x), rng.normal(size=100), x**2, gone])
    with pytest.warns(
        UserWarning, match=r"^X\[0\].*X\[1\].*X\[4\].*infinite"
    ) as record:
        mine_score(X, x, **quick(solver="newton", start=None))
    assert not any("X[2]" in str(w.message) for w in record)
    assert not any("X[3]" in str(w.message) for w in record)


@pytest.mark.filterwarnings("error")
def test_copy_of_labels_has_their_entropy(rng):
    # 70 labels: more than a vector has indicators for.
    labels = rng.integers(70, size=3000)
    entropy = scipy.stats.entropy(np.bincount(labels))
    text = np.array([f"label {i}" for i in labels], dtype=object)
    (score,), _ = mine_score(text[:, None], text, random_state=0)
    assert score == pytest.approx(entropy, rel=0.02)


def test_text_of_many_labels_is_told_apart_label_by_label(rng):
    labels = rng.integers(100, size=3000)
    y = np.where(rng.random(3000) < 0.95, labels % 2, 1 - labels % 2)
    text = np.array([f"label {i}" for i in labels], dtype=object)
    scores, _, errors = mine_score(text[:, None], y, random_state=0, return_std=True)
    truth = np.log(2.0) - binary_entropy(0.05)
    # A hundred shares learnt from 2,400 rows cost 100 / 4,800 nats.
    assert truth - 0.021 - 3 * errors[0] < scores[0] < truth + 3 * errors[0]


def test_unique_text_scores_zero_with_a_warning():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"name": [f"row {i}" for i in range(100)], "x": rng.normal(size=100)}
    )
    with pytest.warns(UserWarning, match=r"unique in nearly every row.*'name'"):
        scores, p_values = mine_score(frame, frame["x"], **quick())
    assert (scores[0], p_values[0]) == (0.0, 1.0)
    assert scores[1] > 0.5


def test_repeated_rows_warn_with_their_number():
    X, y = _table(100)
    X, y = np.concatenate([X, X[:30]]), np.concatenate([y, y[:30]])
    with pytest.warns(UserWarning, match="30 of 130 rows"):
        mine_score(X, y, **quick())


def test_missingness_is_information(rng):
    y = rng.integers(2, size=400)
    X = np.where(y == 1, np.nan, rng.normal(size=400))[:, None]
    scores, p_values = mine_score(X, y, **quick())
    # ln 2 = 0.693: the gap tells the class.
    assert scores[0] == pytest.approx(math.log(2.0), abs=0.05)
    assert p_values[0] < 1e-10


# Arguments


def test_columns_of_a_group_share_the_score_of_their_vector(rng):
    z = rng.normal(size=(500, 3))
    y = np.sign(z[:, 0] * z[:, 1])
    how = {"cv": 3, "random_state": 0}
    alone, _ = mine_score(z, y, **how)
    by_label, _ = mine_score(z, y, feature_groups=["a", "a", "b"], **how)
    by_name, _ = mine_score(z, y, feature_groups={"a": [0, 1]}, **how)
    # ln 2 jointly, nothing alone.
    assert alone[0] < 0.05
    assert by_label[0] == by_label[1] > 0.2
    np.testing.assert_allclose(by_label, by_name, atol=1e-6)
    assert by_label[2] == pytest.approx(alone[2], abs=1e-6)


@pytest.mark.parametrize(
    "groups", [{"a": [0, 1], "b": [1]}, ["a", "b"], {"a": [99]}, {"a": ["nobody"]}]
)
def test_bad_feature_groups_are_named(groups):
    with pytest.raises(ValueError, match="feature_groups"):
        mine_score(*_table(), feature_groups=groups, **quick())


def test_forms_of_discrete_features_agree():
    pandas = pytest.importorskip("pandas")
    X, y = _table()
    X[:, 2] = np.random.default_rng(0).integers(40, size=200)
    mask = np.arange(12) == 2
    expected = _both(X, y, discrete_features=mask)
    np.testing.assert_array_equal(_both(X, y, discrete_features=[2]), expected)
    frame = pandas.DataFrame(X, columns=[f"c{j}" for j in range(12)])
    np.testing.assert_array_equal(_both(frame, y, discrete_features=["c2"]), expected)
    assert (_both(X, y, discrete_features=False)[0, 2] != expected[0, 2]).all()
    # Declaring what is found anyway changes nothing.
    X, y = _table()
    np.testing.assert_array_equal(
        _both(X, y, discrete_features=mask), _both(X, y, discrete_features="auto")
    )


def test_columns_that_share_a_name_are_scored_and_taken_by_number():
    X, y = _table(d=5)
    frame = pd.DataFrame(X, columns=list("abcda"))
    expected = _both(X, y, discrete_features=[4])
    np.testing.assert_array_equal(_both(frame, y, discrete_features=[4]), expected)
    with pytest.raises(ValueError, match=r"discrete_features holds 'a', which several"):
        _both(frame, y, discrete_features=["a"])


def test_columns_of_two_levels_are_named_by_tuples():
    X, y = _table(d=5)
    names = pd.MultiIndex.from_product([["a"], range(5)])
    frame = pd.DataFrame(X, columns=names)
    np.testing.assert_array_equal(
        _both(frame, y, discrete_features=[("a", 2)]),
        _both(X, y, discrete_features=[2]),
    )


@pytest.mark.parametrize("which", ["most", [99], ["nobody"], [True, False]])
def test_bad_discrete_features_are_named(which):
    with pytest.raises(ValueError, match="discrete_features"):
        mine_score(*_table(), discrete_features=which, **quick())


@pytest.mark.parametrize("discrete", [True, False, "auto"])
def test_target_may_be_declared_discrete(discrete):
    X, y = _table()
    scores, _ = mine_score(
        X, np.digitize(y, [0, 1]), discrete_target=discrete, **quick()
    )
    assert scores.argmax() == 0


def test_several_target_columns_are_one_vector(rng):
    X = rng.normal(size=(400, 3))
    y = np.column_stack([X[:, 0], X[:, 1]]) + 0.5 * rng.normal(size=(400, 2))
    scores, p_values = mine_score(X, y, cv=3, random_state=0)
    # rho^2 = 0.8 for the first two: ln(5) / 2 = 0.805; the start finds most of it.
    assert (scores[:2] > 0.5).all()
    assert scores[2] < 0.05
    assert (p_values[:2] < 1e-10).all()


def test_groups_of_rows_keep_copies_together(rng):
    x, y = np.repeat(rng.normal(size=(2, 40)), 10, axis=1)
    x = x + 1e-6 * rng.normal(size=400)
    groups = np.repeat(np.arange(40), 10)
    leaking, _ = mine_score(x[:, None], y, **quick(cv=2))
    scores, _ = mine_score(x[:, None], y, groups=groups, **quick(cv=2))
    assert scores[0] < leaking[0]


def test_all_rows_are_scored_under_a_cap():
    X, y = _table()
    capped = mine_score(X, y, solver="adam", max_samples=50, **quick())
    assert np.isfinite(capped).all()


@pytest.mark.parametrize("solver", ["adam", "newton", "auto"])
@pytest.mark.parametrize("start", ["canonical", None])
def test_every_solver_ranks_the_related_column_first(solver, start, rng):
    X = rng.normal(size=(400, 3))
    y = X[:, 1] + 0.3 * rng.normal(size=400)
    scores, p_values = mine_score(
        X, y, solver=solver, start=start, **quick(max_iter=30)
    )
    assert scores.argmax() == 1
    assert p_values.argmin() == 1


@pytest.mark.parametrize("objective", ["dv", "mine-f", "infonce"])
def test_every_objective_ranks_the_related_column_first(objective, rng):
    X = rng.normal(size=(300, 2))
    y = X[:, 1] + 0.3 * rng.normal(size=300)
    scores, _ = mine_score(X, y, objective=objective, **quick(max_iter=5))
    assert scores.argmax() == 1


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"objective": "nonsense"}, "objective"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"learning_rate_init": -1.0}, "learning_rate_init"),
        ({"cv": 201}, "cv"),
        ({"max_samples": 1}, "max_samples"),
        ({"groups": [1, 2]}, "groups"),
        ({"units": "hartleys"}, "units"),
    ],
)
def test_bad_parameter_is_named(parameters, name):
    X, y = _table()
    with pytest.raises(ValueError, match=name):
        mine_score(X, y, **quick(**parameters))
    with pytest.raises(ValueError, match=name):
        MINEScore(**quick(**parameters))(X, y)


_X, _Y = _table(20)


@pytest.mark.parametrize(
    ("X", "y", "name"),
    [
        (_X, _Y[:-1], "y"),
        (_X[:0], _Y[:0], "X"),
        (_X[:1], _Y[:1], "n_samples|one row"),
        (_X, np.where(np.arange(20) == 3, np.nan, _Y), "y"),
        (_X, np.where(np.arange(20) == 3, np.inf, _Y), "y"),
        (np.where(np.eye(20, 12) == 1, np.inf, _X), _Y, "X"),
        (_X[:, :, None], _Y, "X"),
    ],
    ids=["lengths", "no rows", "one row", "NaN in y", "inf in y", "inf in X", "3-d X"],
)
def test_bad_data_is_named(X, y, name):
    with pytest.raises(ValueError, match=rf"\b({name})\b"):
        mine_score(X, y, **quick())


@pytest.mark.parametrize("n", [10, 30, 59, 60, 61])
def test_few_rows_stay_finite(n):
    X, y = _table(n)
    assert np.isfinite(_both(X, y)).all()
    assert np.isfinite(_both(X, y > 0)).all()


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_extreme_scales_change_nothing(scale):
    X, y = _table()
    X[:, 1] = np.arctan(X[:, 1])
    expected = _both(X, y)
    np.testing.assert_allclose(_both(scale * X, y), expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(_both(X, scale * y), expected, atol=1e-6, rtol=0)


def test_odd_targets_are_fine(rng):
    X, y = _table(100)
    for target in (
        y > 0,
        np.where(y > 0, "yes", "no"),
        y.tolist(),
        rng.integers(10**6, size=100),
    ):
        assert np.isfinite(_both(X.tolist(), target)).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_surroundings_are_as_before(n_jobs):
    X, y = _table()
    before = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    outside = surroundings()
    mine_score(X, y, n_jobs=n_jobs, **quick())
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert surroundings() == outside


def test_unseeded_call_leaves_the_global_state_alone():
    outside = surroundings()
    mine_score(*_table(50), **quick(random_state=None))
    assert surroundings() == outside


# Within scikit-learn


def test_parameters_of_the_callable_are_those_of_the_function():
    names = set(inspect.signature(mine_score).parameters)
    assert set(MINEScore().get_params()) == names - {"X", "y", "return_std"}


def test_callable_is_an_estimator_of_scikit_learn():
    score = MINEScore(hidden_layer_sizes=(3,), random_state=0)
    assert clone(score).get_params() == score.get_params()
    assert score.set_params(cv=3).cv == 3
    assert repr(MINEScore()) == "MINEScore()"
    assert "hidden_layer_sizes=(3,)" in repr(score)
    with pytest.raises(ValueError, match="nonsense"):
        score.set_params(nonsense=1)


def test_callable_gives_what_the_function_gives(tmp_path):
    X, y = _table()
    score = MINEScore(**quick())
    expected = mine_score(X, y, **quick())
    joblib.dump(score, tmp_path / "score.joblib")
    for each in (
        score,
        clone(score),
        pickle.loads(pickle.dumps(score)),
        joblib.load(tmp_path / "score.joblib"),
    ):
        np.testing.assert_array_equal(each(X, y), expected)


def test_callable_says_what_ran():
    X, y = _table()
    X[:, 5] = 0.0
    score = MINEScore(**quick(solver="newton"))
    score(X, y)
    assert score.solvers_[5] == "none"
    assert (np.delete(score.solvers_, 5) == "newton").all()
    score = MINEScore(**quick(solver="adam", max_iter=20))
    score(X[:, :1], y)
    assert score.solvers_.tolist() == ["adam"]


@pytest.fixture(scope="module")
def iris_with_noise():
    X, y = load_iris(return_X_y=True)
    return np.column_stack([X, np.random.default_rng(0).normal(size=(150, 6))]), y


@pytest.mark.parametrize(
    "selector",
    [
        SelectKBest(MINEScore(**quick()), k=4),
        SelectPercentile(MINEScore(**quick()), percentile=40),
        SelectFdr(MINEScore(**quick()), alpha=0.01),
        SelectFpr(MINEScore(**quick()), alpha=0.001),
        SelectFwe(MINEScore(**quick()), alpha=0.01),
        GenericUnivariateSelect(MINEScore(**quick()), mode="k_best", param=4),
        GenericUnivariateSelect(MINEScore(**quick()), mode="fdr", param=0.01),
        SelectKBest(mine_score, k=4),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_selector_keeps_the_columns_that_tell(selector, iris_with_noise, tmp_path):
    X, y = iris_with_noise
    selector = clone(selector).fit(X, y)
    np.testing.assert_array_equal(selector.get_support(indices=True), [0, 1, 2, 3])
    joblib.dump(selector, tmp_path / "selector.joblib")
    for copy in (
        pickle.loads(pickle.dumps(selector)),
        joblib.load(tmp_path / "selector.joblib"),
    ):
        np.testing.assert_array_equal(copy.transform(X), selector.transform(X))


def test_selector_gives_frames_with_names(iris_with_noise):
    pandas = pytest.importorskip("pandas")
    X, y = iris_with_noise
    frame = pandas.DataFrame(X, columns=[f"c{j}" for j in range(10)])
    selector = SelectKBest(MINEScore(**quick()), k=4).set_output(transform="pandas")
    out = selector.fit_transform(frame, y)
    assert isinstance(out, pandas.DataFrame)
    assert out.columns.tolist() == ["c0", "c1", "c2", "c3"]
    assert selector.get_feature_names_out().tolist() == out.columns.tolist()


def test_grid_search_reaches_the_network_in_a_pipeline(iris_with_noise):
    X, y = iris_with_noise
    pipeline = make_pipeline(
        SelectKBest(MINEScore(**quick(cv=2)), k=2), LogisticRegression(max_iter=1000)
    )
    name = "selectkbest__score_func__hidden_layer_sizes"
    search = GridSearchCV(pipeline, {name: [(4,), (8,)]}, cv=2, n_jobs=2)
    search.fit(X, y)
    assert search.best_params_[name] in [(4,), (8,)]
    # The petals alone tell more than 95 % of the flowers apart.
    assert search.best_score_ > 0.9


def test_discovery_rate_works_on_many_columns(rng):
    X = rng.normal(size=(300, 2000))
    y = X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=300)
    selector = SelectFdr(MINEScore(**quick()), alpha=0.05).fit(X, y)
    support = selector.get_support(indices=True)
    assert {0, 1} <= set(support)
    assert len(support) <= 4  # 5 % of two, and the luck of one draw


def test_column_of_much_information_is_resolved_finely(rng):
    x = rng.integers(5, size=3000)
    scores, _ = mine_score(
        x[:, None], x + rng.uniform(0.0, 2.0, size=3000), random_state=0
    )
    # ln 5 - 4/5 ln 2: uniform noise twice as wide as the steps.
    assert scores[0] == pytest.approx(1.0549, rel=0.05)


def test_without_a_start_networks_are_trained_where_they_may_pay(rng):
    x = rng.normal(size=(600, 1))
    y = np.sin(3.0 * x[:, 0]) + 0.05 * rng.normal(size=600)
    score = MINEScore(start=None, max_iter=30, random_state=0)
    score(x, y)
    assert score.solvers_[0] == "adam"
    solved = MINEScore(start=None, solver="newton", random_state=0)
    solved(x, y)
    assert solved.solvers_[0] == "newton"


def test_oscillation_that_the_quick_look_misses_is_found(rng):
    x = rng.normal(size=(1000, 5))
    y = np.sin(8.0 * x[:, 2]) + 0.1 * rng.normal(size=1000)
    scores, _ = mine_score(x, y, random_state=0)
    # Above one nat in truth.
    assert scores[2] > 0.5
    assert np.delete(scores, 2).max() < 0.02
