"""Columns that are increasing or decreasing functions of each other."""

import warnings

import numpy as np
import pytest
import scipy.stats

from sklearn_mine import MINE, MINERegressor, mine_matrix, mine_score
from sklearn_mine._copies import copied_cells


def test_equal_values_share_a_cell_and_each_has_three_rows_or_more(rng):
    x = rng.choice(rng.normal(size=400), size=1000)
    cells, same = copied_cells(-np.exp(x), x)
    np.testing.assert_array_equal(same, cells)
    order = np.argsort(x)
    steps = np.diff(cells[order])
    assert np.isin(steps, (0, 1)).all() and (steps[np.diff(x[order]) == 0] == 0).all()
    assert np.bincount(cells)[:-1].min() >= 3
    # A value of three rows takes in no other.
    assert len(np.unique(cells)) > (np.unique(x, return_counts=True)[1] >= 3).sum()


def test_rows_with_a_missing_side_are_in_no_way_of_the_others(rng):
    x, y = rng.normal(size=(2, 30))
    y = 2.0 * x
    x[:5], y[-4:] = np.nan, np.nan
    cells, of_y = copied_cells(x, y)
    np.testing.assert_array_equal(cells[5:-4], of_y[5:-4])
    assert (cells[:5] == cells.max()).all() and (of_y[-4:] == of_y.max()).all()
    assert (np.delete(cells, np.arange(5)) < cells.max()).all()


@pytest.mark.parametrize(
    "of",
    [
        np.abs,
        np.round,  # tells less than x does
        lambda x: np.where(x > 2.0, -x, x),
        lambda x: np.array([f"{each}" for each in x], dtype=object),
    ],
)
def test_other_functions_are_no_copies(of, rng):
    x = rng.normal(size=1000)
    assert copied_cells(x, of(x)) is None and copied_cells(of(x), x) is None


def test_nine_rows_may_fall_in_order_by_chance():
    x = np.arange(10.0)
    assert copied_cells(x[:9], x[:9]) is None
    assert copied_cells(x, x) is not None


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_copies_tell_what_rows_can_show_and_no_critic_is_trained(n, rng):
    x = rng.normal(size=(n, 1))
    with pytest.warns(UserWarning, match="infinite"):
        mine = MINE(random_state=0).fit(x, x[:, 0])
    assert np.log(n) - 1.5 < mine.held_out_bound_ < np.log(n)
    assert (mine.solver_, mine.n_iter_) == ("newton", 0)
    with pytest.warns(UserWarning, match="infinite"):
        (score,), _ = mine_score(x, x[:, 0], random_state=0)
    assert score == pytest.approx(mine.held_out_bound_)


def test_increasing_and_decreasing_functions_are_one(rng):
    x = rng.normal(size=1000)
    X = np.column_stack([x, np.exp(x), -(x**3)])
    with pytest.warns(UserWarning, match="infinite"):
        scores, _ = mine_score(X, x, random_state=0)
    assert scores[0] == scores[1] == scores[2]


@pytest.mark.parametrize("discrete", ["auto", True])
def test_whole_numbers_that_repeat_have_their_entropy(discrete, rng):
    x = rng.integers(4096, size=20_000)
    entropy = scipy.stats.entropy(np.bincount(x))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*infinite")
        warnings.filterwarnings("ignore", message=".*near ln")
        mine = MINE(discrete_target=discrete, random_state=0).fit(x[:, None], x)
        scores, _ = mine_score(x[:, None], x, discrete_target=discrete, random_state=0)
        matrix = mine_matrix(x[:, None], -x[:, None] / 7, random_state=0)
    assert mine.mutual_info_ == pytest.approx(entropy, rel=0.02)
    assert scores[0] == pytest.approx(entropy, rel=0.02)
    assert matrix[0, 0] == pytest.approx(entropy, rel=0.02)


@pytest.mark.filterwarnings("ignore")
def test_cells_that_groups_hold_out_whole_are_not_used(rng):
    value, group = (np.repeat(each, 5) for each in (rng.normal(size=100), range(100)))
    options = {"groups": group, "solver": "newton", "random_state": 0}
    (score,), _ = mine_score(value[:, None], 2.0 * value, **options)
    assert score > 1.0


@pytest.mark.filterwarnings("ignore")
def test_what_is_missing_tells_of_the_other_side(rng):
    n = 1000
    y = np.where(rng.random(n) < 0.5, rng.integers(2, size=n), rng.uniform(-1, 2, n))
    x = np.where(np.isin(y, (0, 1)), y, np.nan)
    truth = 1.5 * np.log(2.0)
    for one, other in ((x, y), (y, x)):
        found = mine_matrix(one[:, None], other[:, None], random_state=0)
        assert found[0, 0] == pytest.approx(truth, abs=0.1)
    only = np.where(y == 0, 1.0, np.nan)
    (score,), _ = mine_score(only[:, None], y, random_state=0)
    share = (y == 0).mean()
    assert score == pytest.approx(scipy.stats.entropy([share, 1 - share]), abs=0.05)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", [20, 200])
def test_numbers_that_are_said_to_be_labels_and_come_once_tell_nothing(n, rng):
    y = rng.normal(size=n)
    labels = {"discrete_features": True, "random_state": 0}
    scores, p_values = mine_score(y[:, None], y, **labels)
    assert (scores[0], p_values[0]) == (0.0, 1.0)


def test_critic_of_copies_keeps_no_value(rng):
    x = rng.normal(size=300)
    with pytest.warns(UserWarning, match="infinite"):
        mine = MINE(random_state=0).fit(x[:, None], 2.0 * x)
    for kept in mine._level_maps:
        assert not np.isin(np.append(x, 2.0 * x), [kept.lowest, kept.highest]).any()
    assert mine.score(x[:, None], 2.0 * x) > np.log(300) - 2.0


@pytest.mark.filterwarnings("ignore:.*rows repeat")
def test_missing_cells_of_a_copy_tell_no_more_than_that_they_are(rng):
    y = rng.integers(50, size=5000).astype(float)
    gone = rng.random(5000) < 0.4
    x = np.where(gone, np.nan, y)
    (score,), _ = mine_score(x[:, None], y, random_state=0)
    assert score == pytest.approx(0.6 * np.log(50.0), rel=0.03)


def test_critics_of_copies_go_on_with_new_rows(rng):
    x = rng.normal(size=(4000, 1))
    y = 3.0 * x[:, 0] - 1.0
    with pytest.warns(UserWarning, match="infinite"):
        mine = MINE(random_state=0).fit(x[:2000], y[:2000])
    before = mine.score(x[2000:], y[2000:])
    assert np.log(2000) - 2.0 < before < np.log(2000)
    other = mine.pointwise_mutual_info(x[2000:], np.roll(y[2000:], 1))
    assert np.median(other) < -2.0
    mine.partial_fit(x[2000:], y[2000:])
    assert np.log(2000) - 2.0 < mine.held_out_bound_ < np.log(2000)


@pytest.mark.filterwarnings("ignore:.*infinite", "ignore:.*Gaussian start")
def test_regression_on_a_copy_knows_of_values_between(rng):
    x = rng.uniform(size=(300, 1))
    y = 2.0 * x[:, 0] + 1.0
    model = MINERegressor(random_state=0).fit(x[:200], y[:200])
    error = model.predict(x[200:]) - y[200:]
    assert np.abs(error).max() < 0.1
