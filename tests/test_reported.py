"""What people report of libraries for mutual information does not happen here.

Where a report is of one function, its test stands with that function's: constant and
rare values, copies, sparse and odd frames, grid search, units, p-values.
"""

import inspect
import warnings

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest

from sklearn_mine import MINE, MINEScore, mine_score
from sklearn_mine.datasets import make_gaussian

# Parameters that change numbers, each with another value than the default.
OTHERS = {
    "objective": "jensen-shannon",
    "solver": "newton",
    "start": "canonical",
    "encoding": "standard",
    "hidden_layer_sizes": (9,),
    "activation": "tanh",
    "alpha": 10.0,
    "batch_size": 32,
    "learning_rate_init": 5e-3,
    "max_iter": 3,
    "tol": 10.0,
    "early_stopping": False,
    "validation_fraction": 0.4,
    "n_iter_no_change": 1,
    "cv": 4,
    "discrete_features": False,
    "discrete_target": False,
    "units": "bits",
    "random_state": 1,
}
# What says where, how fast or how loud a fit is made, or what it is made of.
OTHERWISE = {"device", "callbacks", "n_jobs", "verbose"}
OF_TABLES = {"feature_groups", "given_features", "groups", "max_samples", "return_std"}


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    x = rng.poisson(4.0, size=(500, 2)).astype(float)
    return x, x[:, 0] + rng.poisson(0.5, size=500)


def _figures(estimator, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(estimator, MINE):
            return [estimator.fit(x, y).mutual_info_]
        return estimator(x, y)[0]


@pytest.mark.parametrize("kind", [MINE, MINEScore])
def test_every_parameter_has_an_effect(kind, counts):
    x, y = counts
    base = kind(
        solver="adam",
        start=None,
        hidden_layer_sizes=(8,),
        learning_rate_init=0.02,
        max_iter=8,
        n_iter_no_change=3,
        cv=2,
        random_state=0,
    )
    names = set(base.get_params()) - OTHERWISE - OF_TABLES
    assert names == set(OTHERS)
    plain = _figures(base, x, y)
    assert _figures(clone(base), x, y) == pytest.approx(plain, rel=1e-9)
    for name, value in OTHERS.items():
        other = clone(base).set_params(**{name: value})
        assert np.abs(np.subtract(_figures(other, x, y), plain)).max() > 1e-9, name


def test_what_a_solver_does_not_read_its_documentation_says(counts):
    x, y = (side[:160] for side in counts)
    base = MINE(solver="newton", cv=2, random_state=0)
    plain = _figures(base, x, y)
    _, *paragraphs = inspect.getdoc(MINE).partition("Attributes\n---")[0].split("\n\n")
    texts = {text.strip().split(" :")[0]: " ".join(text.split()) for text in paragraphs}
    for name, value in OTHERS.items():
        if name in ("solver", "start", "objective"):
            continue
        other = clone(base).set_params(**{name: value})
        is_read = np.abs(np.subtract(_figures(other, x, y), plain)).max() > 1e-9
        assert is_read == ('Not read by solver="newton"' not in texts[name]), name


def test_more_columns_than_there_are_is_no_silent_wish(rng):
    x = rng.normal(size=(50, 3))
    select = SelectKBest(MINEScore(random_state=0), k=5)
    with pytest.warns(UserWarning, match="k=5 is greater"):
        assert select.fit(x, x[:, 0] > 0).transform(x).shape == (50, 3)


def test_labels_that_are_all_unique_are_named(rng):
    y = np.array([f"row {i}" for i in range(80)], dtype=object)
    with pytest.warns(UserWarning, match="unique in nearly every row of y"):
        scores, p_values = mine_score(rng.normal(size=(80, 2)), y, random_state=0)
    np.testing.assert_array_equal(scores, 0.0)
    np.testing.assert_array_equal(p_values, 1.0)


@pytest.mark.parametrize(
    ("kind", "n_columns"),
    [
        ("numbers", 60),
        *(
            pytest.param(kind, 400, marks=pytest.mark.slow)
            for kind in ("numbers", "counts", "classes")
        ),
    ],
)
def test_p_values_of_ten_rows_are_honest(kind, n_columns):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, n_columns)), rng.normal(size=10)
    if kind == "counts":
        X = rng.integers(0, 4, size=(10, n_columns)).astype(float)
    if kind != "numbers":
        y = rng.integers(0, 3, size=10)
    with pytest.warns(UserWarning, match="10 rows show little: .* about 0.5 nats"):
        _, p_values = mine_score(X, y, random_state=0)
    # More comes about once in a thousand tables.
    for alpha in (0.05, 0.01):
        assert (p_values < alpha).sum() <= binom.isf(1e-3, n_columns, alpha)


def test_few_rows_are_warned_of_once_and_more_not_at_all(rng):
    x = rng.normal(size=(40, 1))
    with pytest.warns(UserWarning, match="12 rows show little") as caught:
        MINE(solver="newton", random_state=0).fit(x[:12], x[:12, 0] ** 2)
    assert sum("show little" in str(each.message) for each in caught) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*show little")
        MINE(solver="newton", random_state=0).fit(x, rng.normal(size=40))


def test_few_rows_in_order_are_no_copies():
    x = np.arange(6.0)[:, None]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*infinite")
        mine_score(x, x[:, 0] ** 3, random_state=0)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    y = x + 0.5 * rng.normal(size=1000)
    return x, y, _fit(x, y)


def _fit(x, y):
    return MINE(solver="newton", cv=3, random_state=0).fit(x[:, None], y)


@pytest.mark.parametrize(
    "coarser",
    [
        np.abs,
        np.round,
        lambda y: np.clip(y, -0.5, 0.5),
        lambda y: y + np.random.default_rng(1).normal(size=len(y)),
    ],
)
def test_nothing_done_to_y_alone_adds_information(coarser, numbers):
    x, y, whole = numbers
    part = _fit(x, coarser(y))
    error = np.hypot(whole.std_error_, part.std_error_)
    assert part.mutual_info_ < whole.mutual_info_ + 2.0 * error


def test_what_can_be_undone_changes_nothing(numbers):
    x, y, whole = numbers
    assert _fit(x, y**3).mutual_info_ == pytest.approx(whole.mutual_info_)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sum", "product", "class"])
def test_information_adds_up_by_the_chain_rule(kind, rng):
    x = rng.normal(size=(3000, 2))
    noise = 0.5 * rng.normal(size=3000)
    y = {
        "sum": x @ [0.6, 0.5] + noise,
        "product": x[:, 0] * x[:, 1] + noise,
        "class": x @ [1.0, 0.5] + noise > 0.0,
    }[kind]
    both, first, second = (MINE(random_state=0) for _ in range(3))
    both.fit(x, y)
    first.fit(x[:, :1], y)
    second.fit(x[:, 1:], y, given=x[:, :1])
    parts = first.mutual_info_ + second.mutual_info_
    error = np.sqrt(sum(each.std_error_**2 for each in (both, first, second)))
    assert abs(both.mutual_info_ - parts) < 2.0 * error


@pytest.mark.parametrize("apart", [0.5, 10.0])
def test_a_flag_tells_no_more_than_a_bit(apart, rng):
    flag = rng.integers(0, 2, size=1000)
    x = apart * flag + rng.normal(size=1000)
    for mine in (_fit(x, flag), _fit(flag, x)):
        low, high = mine.confidence_interval(0.999)
        assert high > 0.0 and low < np.log(2.0)
        assert mine.held_out_bound_ < np.log(2.0) + 3.0 * mine.std_error_
    assert _fit(x, flag).mutual_info_ == pytest.approx(
        _fit(flag, x).mutual_info_, abs=2.0 * mine.std_error_
    )


@pytest.mark.slow
def test_sixteen_dimensions_of_half_correlations():
    x, y = make_gaussian(5000, n_features=16, rho=0.5, random_state=0)
    truth = -8.0 * np.log(0.75)
    assert MINE(random_state=0).fit(x, y).mutual_info_ == pytest.approx(truth, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("relation", [lambda x: 0.8 * x, lambda x: np.sin(3.0 * x)])
@pytest.mark.parametrize("n_noise", [5, 20, 50])
def test_noise_beside_a_column_changes_nothing(relation, n_noise, rng):
    x, noise = rng.normal(size=(5000, 1)), rng.normal(size=(5000, n_noise))
    y = relation(x[:, 0]) + 0.5 * rng.normal(size=5000)
    alone = MINE(random_state=0).fit(x, y).mutual_info_
    among = MINE(random_state=0).fit(np.c_[x, noise], y).mutual_info_
    assert among == pytest.approx(alone, abs=0.05)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": (1,)},
        {"hidden_layer_sizes": (512,)},
        {"hidden_layer_sizes": (16,) * 8},
        {"batch_size": 2, "max_iter": 1},
        {"learning_rate_init": 0.1},
        {"learning_rate_init": 0.1, "activation": "identity", "start": None},
        {"learning_rate_init": 0.1, "batch_size": 2, "max_iter": 2, "start": None},
    ],
)
@pytest.mark.parametrize("objective", ["mine", "mine-f", "smile"])
def test_no_network_drives_numbers_out_of_the_finite(params, objective, rng):
    x = rng.normal(size=(120, 2))
    base = {"solver": "adam", "max_iter": 3, "cv": 2, "hidden_layer_sizes": (16,)}
    mine = MINE(**base | params, objective=objective, random_state=0)
    mine.fit(x, x[:, 0] + 0.5 * rng.normal(size=120))
    figures = [mine.mutual_info_, mine.held_out_bound_, mine.std_error_, mine.p_value_]
    assert np.isfinite(figures).all()
    assert np.isfinite(mine.pointwise_mutual_info(x, x[:, 0])).all()
    assert mine.mutual_info_ < np.log(120.0)
