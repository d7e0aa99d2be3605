import time

import numpy as np
import pytest

from sklearn_mine import mine_score
from sklearn_mine._crossfit import make_folds
from sklearn_mine._pair import Pair, fine_levels, fit_pair
from sklearn_mine._params import Settings

from ._data import CLOSED_FORMS, gaussian_information, gaussian_pair

SINGLE = sorted(set(CLOSED_FORMS) - {"parity of two", "digits of one class"})


def _levels(values):
    return fine_levels(np.asarray(values), encoding="rank", discrete="auto")


def _folds(n, cv=5):
    return make_folds(cv, n, stratify=None, groups=None, random_state=0)


def _cross_fit(x, y, cv=5):
    x = np.asarray(x, dtype=float).ravel()
    return Pair(_levels(x), _levels(y), _folds(len(x), cv)).cross_fit(1)


@pytest.mark.parametrize("name", SINGLE)
def test_closed_form_is_met(name, rng):
    draw, truth = CLOSED_FORMS[name]
    fit = _cross_fit(*draw(5000, rng))
    # What counts as held in every comparison of estimators: 0.05 nats or 10 %.
    assert fit.estimate == pytest.approx(truth, abs=max(0.05, 0.1 * truth))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, 0.99])
def test_gaussian_is_met(rho, rng):
    fit = _cross_fit(*gaussian_pair(5000, rho, rng))
    assert fit.estimate == pytest.approx(
        gaussian_information(rho), abs=3.0 * fit.std_error + 0.02
    )


def test_standard_error_covers_the_spread_over_draws():
    rng = np.random.default_rng(0)
    fits = [_cross_fit(*gaussian_pair(400, 0.6, rng), cv=3) for _ in range(40)]
    spread = np.std([fit.estimate for fit in fits])
    claimed = np.mean([fit.std_error for fit in fits])
    # The spread of 40 draws is known to 11 %; three of them.
    assert claimed == pytest.approx(spread, rel=0.35)


def test_categories_are_told_apart(rng):
    labels = np.array(["a", "b", "c", "d", "e"], dtype=object)
    y = rng.integers(5, size=3000)
    fit = _cross_fit_objects(labels[y], y.astype(float))
    assert fit.estimate == pytest.approx(np.log(5), abs=0.02)


def _cross_fit_objects(x, y, cv=5):
    return Pair(_levels(x), _levels(y), _folds(len(y), cv)).cross_fit(1)


def test_many_categories_on_both_sides_stay_within_the_budget(rng):
    labels = np.array([f"label {i}" for i in range(60)], dtype=object)
    code = rng.integers(60, size=4000)
    fit = _cross_fit_objects(labels[code], labels[(code + 1) % 60])
    assert np.isfinite(fit.estimate)
    assert fit.estimate < np.log(60) + 0.05


def test_renamed_labels_are_solved_in_their_cells(rng):
    # 48 labels on both sides are more products than are solved for.
    labels = np.array([f"label {i}" for i in range(48)], dtype=object)
    code = rng.integers(48, size=3000)
    pair = Pair(_levels(labels[code]), _levels(labels[(code * 7) % 48]), _folds(3000))
    solved = pair.cross_fit(1)
    entropy = -np.sum(np.bincount(code) / 3000 * np.log(np.bincount(code) / 3000))
    assert solved.estimate == pytest.approx(entropy, rel=0.02)
    encoded = np.eye(48)[code]
    settings = Settings(hidden_layer_sizes=(16,), max_iter=10)
    fit = fit_pair(pair, encoded, encoded, settings, rng=rng)
    assert not fit.n_iter.any()  # nothing is left to networks


def test_solved_critics_stay_where_networks_judge_no_better(rng, monkeypatch):
    monkeypatch.setattr("sklearn_mine._pair._STRONG", 0.0)
    x = rng.uniform(-1.0, 1.0, size=2000)
    y = np.sin(40.0 * x) + 0.002 * rng.normal(size=2000)
    pair = Pair(_levels(x), _levels(y), _folds(2000)[:2])
    solved = pair.cross_fit(1)
    # Networks are tried; one unit is not enough.
    settings = Settings(hidden_layer_sizes=(1,), max_iter=1)
    fit = fit_pair(pair, x[:, None], y[:, None], settings, rng=rng)
    assert fit.estimate == solved.estimate
    assert not fit.n_iter.any()


def test_pointwise_values_of_unknown_levels_are_zero(rng):
    x, y = gaussian_pair(500, 0.8, rng)
    fit = _cross_fit(x, y)
    assert fit.pointwise(np.array([[-1]]), np.array([[3]])) == 0.0
    assert fit.pointwise(np.array([[3]]), np.array([[3]])) != 0.0


def test_names_of_categories_do_not_matter(rng):
    code = rng.integers(60, size=2000)
    y = rng.normal(size=2000) + np.where(code < 32, 0.0, np.where(code % 2, 1.0, -1.0))
    renamed = rng.permutation(60)
    labels = np.array([f"c{i:02d}" for i in range(60)], dtype=object)
    first = _cross_fit_objects(labels[code], y, cv=3)
    second = _cross_fit_objects(labels[renamed[code]], y, cv=3)
    assert first.estimate > 0.1
    assert second.estimate == pytest.approx(first.estimate, abs=1e-3)


def test_missing_cells_of_a_column_of_categories_count(rng):
    labels = np.array([f"c{i:02d}" for i in range(40)] + [None], dtype=object)
    code = np.where(rng.random(2000) < 0.1, 40, rng.integers(40, size=2000))
    y = rng.normal(size=2000) + 2.0 * (code == 40)
    assert _cross_fit_objects(labels[code], y, cv=3).estimate > 0.08


@pytest.mark.parametrize(("width", "truth"), [(0.1, 1.709438), (0.75, 1.0 / 3.0)])
def test_edges_across_both_columns_are_met(width, truth, rng, monkeypatch):
    x = rng.uniform(size=10_000)
    y = x + rng.uniform(-width, width, size=10_000)
    pair = Pair(_levels(x), _levels(y), _folds(10_000)[:2])
    fit = pair.cross_fit(2)
    assert fit.corrected == pytest.approx(truth, rel=0.05)
    monkeypatch.setattr("sklearn_mine._pair._MAX_DIRECTIONS", 0)
    assert fit.estimate > pair.cross_fit(2).estimate + 0.02


def test_copy_of_a_column_takes_seconds(rng):
    # Where one column is all but the other no direction across both is looked for,
    # which took minutes here.
    x = rng.normal(size=200)
    start = time.process_time()
    scores, _ = mine_score(x[:, None], x, random_state=0)
    assert time.process_time() - start < 60.0
    assert scores[0] > np.log(200) - 2.0
