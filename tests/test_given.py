"""Conditional information: the truth where it is known, and a test that respects z."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sklearn_mine import MINE, MINEScore, mine_score
from sklearn_mine._given import ConditionalTest
from sklearn_mine._threads import one_thread


def chain(n, rng):
    x = rng.normal(size=n)
    z = x + rng.normal(size=n)
    return x, z + rng.normal(size=n), z


def collider(n, rng):
    x, y = rng.normal(size=(2, n))
    return x, y, x + y + 0.5 * rng.normal(size=n)


def regime(n, rng, rho=0.9):
    z = rng.integers(2, size=n)
    x = rng.normal(size=n)
    y = rho * (2 * z - 1) * x + np.sqrt(1.0 - rho**2) * rng.normal(size=n)
    return x, y, z


def heteroscedastic(n, rng):
    z = rng.normal(size=n)
    x, y = z + np.exp(0.7 * z) * rng.normal(size=(2, n))
    return x, y, z


def many(n, rng):
    z = rng.normal(size=(n, 10))
    x = z.sum(axis=1) / 3.0 + rng.normal(size=n)
    return x, z @ np.arange(10) / 10.0 + rng.normal(size=n), z


COLLIDER = 0.5 * np.log(1.25**2 / (1.25**2 - 1.0))


@pytest.mark.parametrize(
    ("draw", "truth"),
    [(chain, 0.0), (collider, COLLIDER), (regime, -0.5 * np.log(1.0 - 0.9**2))],
)
def test_mine_and_mine_score_find_what_is_known(draw, truth, rng):
    x, y, z = draw(2500, rng)
    mine = MINE(max_iter=10, random_state=0).fit(x[:, None], y, given=z)
    near = max(0.05, 0.1 * truth)
    assert mine.mutual_info_ == pytest.approx(truth, abs=near)
    assert (mine.p_value_ < 1e-6) == (truth > 0.0)
    assert not mine.is_lower_bound_
    table = np.column_stack([x, z])
    score = MINEScore(given_features=[1], max_iter=10, random_state=0)
    scores, p_values = score(table, y)
    assert scores[0] == pytest.approx(truth, abs=near)
    assert p_values[0] == pytest.approx(mine.p_value_, rel=1e-3)
    assert (scores[1], p_values[1]) == (0.0, 1.0)


def _p_value(x, y, z, seed):
    """Of standardised columns, without encoding them."""
    x, y, z = (np.reshape(side, (len(side), -1)) for side in (x, y, z))
    return ConditionalTest(y, z, seed).p_value(x)


@pytest.mark.parametrize("draw", [chain, heteroscedastic, many])
def test_p_values_hold_under_conditional_independence(draw):
    with one_thread():
        p_values = [
            _p_value(*draw(300, np.random.default_rng(seed)), seed)
            for seed in range(150)
        ]
    # 7.5 expected of 150; 16 or more come once in 400 draws.
    assert sum(p < 0.05 for p in p_values) < 16
    assert 40 < sum(p < 0.5 for p in p_values) < 110


def test_p_values_have_power_where_only_z_shows_the_dependence(rng):
    x, y, z = regime(300, rng, rho=0.4)
    assert _p_value(x, y, z, 0) < 1e-3
    assert 1e-4 < _p_value(x, rng.permutation(y), z, 0) < 1.0


def test_rare_flags_get_p_values_from_drawn_pairings(rng):
    x, y = (rng.random(size=(2, 400)) < 0.02).astype(float)
    p_value = _p_value(x, y, rng.normal(size=400), 0)
    assert 0.01 < p_value <= 1.0


def test_look_is_near_the_truth_where_there_is_little(rng):
    rho, n = 0.15, 4000
    z = rng.normal(size=n)
    left = rng.normal(size=n)
    y = np.sin(z) + rho * left + np.sqrt(1.0 - rho**2) * rng.normal(size=n)
    test = ConditionalTest(y[:, None], z[:, None], 0)
    p_value, information, error = test.look((z + left)[:, None])
    assert p_value == test.p_value((z + left)[:, None])
    assert information == pytest.approx(-0.5 * np.log(1.0 - rho**2), abs=3.0 * error)
    assert 0.0 < error < 0.01
    _, information, error = test.look(rng.normal(size=(n, 1)))
    assert information == pytest.approx(0.0, abs=3.0 * error)


def test_given_may_hold_any_columns_and_missing_cells(rng):
    n = 400
    kind = rng.choice(["a", "b", "c"], size=n)
    number = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    given = pd.DataFrame({"kind": kind, "number": number})
    x = (kind == "a") + 0.5 * rng.normal(size=n)
    y = (kind == "a") + 0.5 * rng.normal(size=n)
    mine = MINE(solver="newton", random_state=0).fit(x[:, None], y, given=given)
    assert mine.p_value_ > 0.01
    assert mine.mutual_info_ == pytest.approx(0.0, abs=0.06)
    pointwise = mine.pointwise_mutual_info(x[:, None], y, given=given)
    assert mine.score(x[:, None], y, given=given) == pointwise.mean()


def test_given_may_be_sparse(rng):
    x, y, z = collider(300, rng)
    mine = MINE(solver="newton", random_state=0)
    plain = mine.fit(x[:, None], y, given=z[:, None]).mutual_info_
    sparse = mine.fit(x[:, None], y, given=csr_matrix(z[:, None])).mutual_info_
    assert sparse == plain


def test_given_that_is_constant_changes_nothing(rng):
    x = rng.normal(size=(300, 1))
    y = x[:, 0] + rng.normal(size=300)
    plain = MINE(random_state=0).fit(x, y)
    given = MINE(random_state=0).fit(x, y, given=np.ones(300))
    assert (plain.mutual_info_, plain.p_value_) == (given.mutual_info_, given.p_value_)
    table = np.column_stack([x, np.ones(300)])
    scores, _ = mine_score(table, y, given_features=[1], random_state=0)
    assert scores[0] == mine_score(x, y, random_state=0)[0][0]


def test_given_scores_depend_on_neither_jobs_nor_neighbours(rng):
    x, y, z = collider(400, rng)
    table = pd.DataFrame({"x": x, "z": z, "noise": rng.normal(size=400)})
    options = {"given_features": ["z"], "solver": "newton", "random_state": 0}
    scores = mine_score(table, y, **options, return_std=True)
    both = mine_score(table, y, **options, n_jobs=2, return_std=True)
    np.testing.assert_array_equal(both, scores)
    alone = mine_score(table[["x", "z"]], y, **options, return_std=True)
    np.testing.assert_array_equal(np.array(alone), np.array(scores)[:, :2])
    mask = mine_score(table, y, **{**options, "given_features": [False, True, False]})
    np.testing.assert_array_equal(mask, scores[:2])


@pytest.fixture
def routed():
    with sklearn.config_context(enable_metadata_routing=True):
        mine = MINE(solver="newton", random_state=0)
        mine.set_fit_request(given=True).set_score_request(given=True)
        yield make_pipeline(StandardScaler(), mine)


def test_given_is_routed_through_a_pipeline(routed, rng):
    x, y, z = collider(400, rng)
    assert routed.fit(x[:, None], y, given=z)[-1].mutual_info_ > 0.3


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8),
    reason="scikit-learn routes nothing to the score of a pipeline before 1.8",
)
def test_given_is_routed_through_cross_validation(routed, rng):
    x, y, z = collider(400, rng)
    scores = cross_val_score(routed, x[:, None], y, params={"given": z}, cv=2)
    assert (scores > 0.3).all()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda m: m.mine.score(m.x, m.y), "given"),
        (lambda m: m.plain.score(m.x, m.y, given=m.z), "given"),
        (lambda m: m.mine.score(m.x, m.y, given=np.c_[m.z, m.z]), "given has 2"),
        (lambda m: m.mine.partial_fit(m.x, m.y), "given"),
        (lambda m: m.plain.fit(m.x, m.y, given=m.z[:-1]), "given has 59"),
        (lambda m: mine_score(m.x, m.y, given_features=[0]), "given_features"),
        (lambda m: mine_score(m.x, m.y, given_features=["no"]), "given_features"),
        (lambda m: mine_score(m.x, m.y, given_features=[True, False]), "mask"),
    ],
)
def test_errors_name_the_argument(call, match, rng):
    x, y, z = collider(60, rng)
    x = x[:, None]
    mine = MINE(solver="newton", random_state=0)
    models = Bunch(
        x=x,
        y=y,
        z=z,
        mine=sklearn.clone(mine).fit(x, y, given=z),
        plain=sklearn.clone(mine).fit(x, y),
    )
    with pytest.raises(ValueError, match=match):
        call(models)


def test_warnings_say_which_of_the_two_fits_they_mean(rng):
    x, y = rng.normal(size=(2, 300))
    with pytest.warns(UserWarning) as caught:
        MINE(random_state=0).fit(x[:, None], y, given=y)
    near = [str(each.message) for each in caught if "near ln" in str(each.message)]
    assert near
    assert all(text.startswith(("Of `given` and y", "Of X with")) for text in near)
