import copy
import time

import numpy as np
import pytest
from scipy.stats import combine_pvalues
from sklearn.model_selection import ShuffleSplit

from sklearn_mine import MINE
from sklearn_mine._pieces import Pieces
from sklearn_mine.datasets import make_gaussian

from ._data import CLOSED_FORMS, gaussian_information


def _in_pieces(x, y, n_pieces, **params):
    mine = MINE(random_state=0, **params)
    for part in np.array_split(np.arange(len(x)), n_pieces):
        mine.partial_fit(x[part], y[part])
    return mine


@pytest.mark.parametrize("n_features", [1, 2])
def test_pieces_give_what_all_rows_give(n_features):
    x, y = make_gaussian(4000, n_features=n_features, rho=0.6, random_state=0)
    pieces = _in_pieces(x, y, 4)
    whole = MINE(random_state=0).fit(x, y)
    assert pieces.mutual_info_ == pytest.approx(
        whole.mutual_info_, abs=2.0 * whole.std_error_
    )
    assert pieces.std_error_ == pytest.approx(whole.std_error_, rel=0.2)
    assert pieces.p_value_ < 1e-6


@pytest.mark.parametrize("solver", ["auto", "newton", "adam"])
@pytest.mark.parametrize("start", ["canonical", None])
def test_critics_learn_from_further_pieces(solver, start, rng):
    # Of a dependence that no start holds, 100 rows show little.
    x = rng.normal(size=(4100, 2))
    y = np.cos(2.0 * x) + 0.3 * rng.normal(size=(4100, 2))
    mine = MINE(random_state=0, solver=solver, start=start).partial_fit(
        x[:100], y[:100]
    )
    others = x[-1000:], y[-1000:]
    before = mine.score(*others)
    for begin in (100, 1600):
        mine.partial_fit(x[begin : begin + 1500], y[begin : begin + 1500])
    assert mine.score(*others) > before + 0.2


@pytest.mark.parametrize("n_features", [1, 2])
def test_piece_is_scored_before_it_is_learnt_from(n_features, rng):
    how = {"n_features": n_features, "rho": 0.6}
    x, y = make_gaussian(2000, **how, random_state=0)
    mine = MINE(random_state=0).partial_fit(x, y)
    before, n = mine.held_out_bound_, len(x)
    x, y = make_gaussian(500, **how, random_state=1)
    # A critic that had learnt the shuffled rows would find something in them.
    y = rng.permutation(y)
    expected = mine.score(x, y)
    with pytest.warns(UserWarning, match="distributed otherwise"):
        mine.partial_fit(x, y)
    of_piece = (mine.held_out_bound_ * (n + 500) - before * n) / 500
    assert expected < -0.1
    # Both means over product pairs have an error.
    assert of_piece == pytest.approx(expected, abs=0.05)
    assert mine.score(x, y) > expected + 0.05


def test_p_values_of_pieces_are_combined_by_fishers_method():
    assert Pieces(None, 300, [0.3]).p_value == 0.3
    p_values = [0.3, 0.02, 0.8]
    expected = combine_pvalues(p_values).pvalue
    assert Pieces(None, 300, p_values).p_value == pytest.approx(expected)
    assert Pieces(None, 300, [1e-300] * 3).p_value > 0.0


def test_first_piece_is_a_fit():
    x, y = make_gaussian(500, rho=0.6, random_state=0)
    first = MINE(random_state=0).partial_fit(x, y)
    fitted = MINE(random_state=0).fit(x, y)
    assert first.mutual_info_ == fitted.mutual_info_
    x, y = make_gaussian(500, rho=0.6, random_state=1)
    assert first.partial_fit(x, y).mutual_info_ == (
        fitted.partial_fit(x, y).mutual_info_
    )


@pytest.mark.parametrize("name", ["Gaussian with zeros", "symmetric channel"])
def test_discrete_columns_come_in_pieces_too(name, rng):
    draw, truth = CLOSED_FORMS[name]
    mine = _in_pieces(*draw(6000, rng), 3)
    assert mine.mutual_info_ == pytest.approx(truth, abs=max(0.05, 0.1 * truth))


@pytest.fixture(scope="module", params=[1, 3])
def fitted(request):
    how = {"n_features": request.param, "rho": 0.8}
    mine = MINE(random_state=0)
    return mine.partial_fit(*make_gaussian(2000, **how, random_state=0)), how


@pytest.mark.parametrize("n", [2, 5, 20])
def test_short_piece_changes_little(n, fitted):
    mine, how = copy.deepcopy(fitted)
    others = make_gaussian(2000, **how, random_state=1)
    before, reported = mine.score(*others), mine.mutual_info_
    n_passes = len(mine.history_)
    mine.partial_fit(*make_gaussian(n, **how, random_state=2))
    assert len(mine.history_) == n_passes
    assert mine.score(*others) == pytest.approx(before, abs=0.02)
    assert mine.mutual_info_ == pytest.approx(reported, abs=0.05)


def test_interrupted_piece_is_not_counted(monkeypatch):
    x, y = make_gaussian(400, rho=0.6, random_state=0)
    mine = MINE(random_state=0).partial_fit(x, y)
    before = mine.mutual_info_, mine.score(x, y), mine._pieces.counts.sum()

    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sklearn_mine._pair.Grid.solve", interrupt)
        with pytest.raises(KeyboardInterrupt):
            mine.partial_fit(x, y)
    after = mine.mutual_info_, mine.score(x, y), mine._pieces.counts.sum()
    assert after == before
    assert mine.partial_fit(x, y)._pieces.n_rows == 800


def test_rows_that_no_fold_tests_do_not_weigh():
    x, y = make_gaussian(400, rho=0.6, random_state=0)
    cv = ShuffleSplit(1, test_size=0.1, random_state=0)
    mine = MINE(random_state=0, cv=cv).partial_fit(x, y)
    assert mine._pieces.n_rows == 40


def test_many_rows_on_a_grid_cost_no_more():
    x, y = make_gaussian(1000, rho=0.6, random_state=0)
    mine = MINE(random_state=0).partial_fit(x, y)
    mine._pieces.counts *= 1e7
    # Time of the processor, whatever else runs.
    start = time.process_time()
    mine.partial_fit(x, y)
    assert time.process_time() - start < 20.0


def test_new_categories_say_nothing(rng):
    labels = np.array(["a", "b", "c"], dtype=object)
    code = rng.integers(2, size=600)
    mine = MINE(random_state=0).partial_fit(labels[code][:, None], code)
    before = mine.mutual_info_
    mine.partial_fit(np.full((600, 1), "c", dtype=object), code)
    assert before == pytest.approx(np.log(2), abs=0.02)
    assert mine.mutual_info_ == pytest.approx(0.5 * before, abs=0.02)


def test_constant_piece_is_forgotten():
    x, y = make_gaussian(500, rho=0.6, random_state=0)
    mine = MINE(random_state=0).partial_fit(x, np.zeros(500))
    assert mine.mutual_info_ == 0.0
    mine.partial_fit(x, y)
    assert mine.mutual_info_ == MINE(random_state=0).fit(x, y).mutual_info_


def test_claim_that_no_piece_can_certify_stays_one():
    x, y = make_gaussian(2000, n_features=20, rho=0.9, random_state=0)
    with pytest.warns(UserWarning, match="Gaussian start"):
        mine = _in_pieces(x, y, 2)
    assert mine.leans_on_start_
    assert mine.held_out_bound_ < np.log(4.0 * 2000) + 1.0
    truth = gaussian_information(0.9, 20)
    assert mine.mutual_info_ == pytest.approx(truth, rel=0.1)


def test_pieces_of_other_columns_are_refused():
    x, y = make_gaussian(300, n_features=2, rho=0.6, random_state=0)
    mine = MINE(random_state=0, solver="newton").partial_fit(x, y)
    with pytest.raises(ValueError, match="X has 1 features"):
        mine.partial_fit(x[:, :1], y)
    with pytest.raises(ValueError, match="y has 1 columns"):
        mine.partial_fit(x, y[:, 0])
    with pytest.raises(ValueError, match="n_samples=1"):
        mine.partial_fit(x[:1], y[:1])
