import datetime
import math
import os
import pathlib
import pickle
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.signal import lfilter
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from skorch.callbacks import Callback

from sklearn_mine import MINE, MINEScore, MINESelector, mine_score
from sklearn_mine.datasets import (
    make_clusters,
    make_gaussian,
    make_labels,
    make_outliers,
)
from sklearn_mine.nn import OBJECTIVES

from ._data import CLOSED_FORMS, gaussian_information, gaussian_pair, surroundings


def quick(**parameters):
    """A MINE that takes a moment, for tests of everything but accuracy."""
    defaults = {
        "max_iter": 2,
        "hidden_layer_sizes": (8,),
        "cv": 2,
        "random_state": 0,
    }
    return MINE(**(defaults | parameters))


def _pair(n=200, rho=0.8, seed=0):
    return gaussian_pair(n, rho, np.random.default_rng(seed))


def _is_fine(mine):
    numbers = [mine.mutual_info_, mine.std_error_, mine.p_value_]
    return np.isfinite(numbers).all() and 0 <= mine.p_value_ <= 1


# scikit-learn's contract


@parametrize_with_checks([MINE(max_iter=3, hidden_layer_sizes=(8,), cv=2)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_every_check_of_the_defaults_passes():
    results = check_estimator(MINE(), on_skip=None)
    failed = [result for result in results if result["status"] not in _FINE]
    assert not failed


_FINE = ("passed", "skipped")


def test_clone_and_parameters_round_trip():
    mine = MINE(objective="dv", hidden_layer_sizes=(3,))
    assert clone(mine).get_params() == mine.get_params()
    assert mine.set_params(units="bits").units == "bits"
    assert "objective='dv'" in repr(mine)


def test_unfitted_estimator_says_so():
    x, y = _pair(10)
    with pytest.raises(NotFittedError):
        MINE().score(x, y)
    with pytest.raises(NotFittedError):
        MINE().confidence_interval()


# Truth


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.75, 0.9])
def test_gaussian_pair_is_estimated_within_its_error(rho):
    mine = MINE(random_state=0).fit(*_pair(2000, rho))
    # Three standard errors for the draw; 0.02 for what 2,000 rows leave unlearned.
    assert mine.mutual_info_ == pytest.approx(
        gaussian_information(rho), abs=3.0 * mine.std_error_ + 0.02
    )


# On two cores these take more than 20 seconds each.
_LONG = {
    "uniform plus noise",
    "Gaussian with zeros",
    "quantised in eight",
    "parity of two",
    "digits of one class",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case in _LONG else ())
        for case in CLOSED_FORMS
    ],
)
def test_closed_form_is_met(case):
    generate, truth = CLOSED_FORMS[case]
    mine = MINE(random_state=0).fit(*generate(5000, np.random.default_rng(0)))
    # What counts as held in every comparison of estimators: 0.05 nats or 10 %.
    assert mine.mutual_info_ == pytest.approx(truth, abs=max(0.05, 0.1 * truth))


@pytest.mark.slow
def test_twenty_dimensions_are_held_within_three_percent(rng):
    x, e = rng.normal(size=(2, 10_000, 20))
    y = 0.5 * x + math.sqrt(0.75) * e
    truth = gaussian_information(0.5, d=20)  # 2.877
    mine = MINE(random_state=0).fit(x, y)
    assert mine.mutual_info_ == pytest.approx(truth, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        "1v1-normal-0.75_s0",
        "multinormal-dense-5-5-0.5_s0",
        "student-identity-2-2-2_s0",
    ],
)
def test_public_task_is_held(task):
    folder = os.environ.get("SKLEARN_MINE_KNOWN_MI")
    if not folder:
        pytest.skip("SKLEARN_MINE_KNOWN_MI does not name the folder of public tasks")
    with np.load(pathlib.Path(folder) / f"{task}.npz") as data:
        x, y, truth = data["x"], data["y"], float(data["mi"])
    mine = MINE(random_state=0).fit(x, y)
    # What counts as held in every comparison of estimators: 0.05 nats or 10 %.
    assert mine.mutual_info_ == pytest.approx(truth, abs=max(0.05, 0.1 * truth))


def test_estimator_of_the_paper_nears_the_truth():
    mine = MINE(solver="adam", start=None, encoding="standard", random_state=0)
    mine.fit(*_pair(2000, 0.8))
    # 0.511. Without start or ranks, the paper's estimator is held to 10 % more than
    # three standard errors.
    assert mine.mutual_info_ == pytest.approx(
        gaussian_information(0.8), abs=3.0 * mine.std_error_ + 0.05
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_nears_the_truth(objective):
    mine = MINE(
        objective,
        solver="adam",
        max_iter=40,
        hidden_layer_sizes=(16,),
        cv=2,
        random_state=0,
    ).fit(*_pair(1000, 0.8))
    # 0.511, from below; three standard errors and 0.05 for what 1,000 rows leave.
    assert mine.mutual_info_ == pytest.approx(
        gaussian_information(0.8), abs=3.0 * mine.std_error_ + 0.05
    )
    assert mine.is_lower_bound_ == (objective != "smile")
    assert mine.history_[0]["train_bound"].shape == (2,)


@pytest.mark.parametrize("solver", ["newton", "adam", "auto"])
def test_every_solver_finds_dependence(solver):
    mine = quick(solver=solver, max_iter=5).fit(*_pair(500))
    # 0.511; a few passes need not reach it, but half of it is there at the start.
    assert mine.mutual_info_ > 0.25
    assert mine.p_value_ < 1e-6


@pytest.mark.parametrize("solver", ["newton", "auto", "adam"])
def test_rare_values_of_a_count_do_not_ruin_the_estimate(solver):
    # Poisson counts of a few rows each: what nothing can be learned about may cost
    # no more than it holds.
    x, y = CLOSED_FORMS["zero-inflated Poisson"][0](1000, np.random.default_rng(1))
    mine = MINE(
        solver=solver, hidden_layer_sizes=(16,), max_iter=10, random_state=0
    ).fit(x, y)
    # The truth is 0.230; below -0.05 no critic at all would be the better one.
    assert -0.05 < mine.mutual_info_ < 0.230 + 3.0 * mine.std_error_ + 0.02


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "auto", "adam"])
def test_copy_of_a_discrete_target_does_not_pass_its_entropy(solver, n_classes, rng):
    y = rng.integers(n_classes, size=400)
    mine = quick(solver=solver, max_iter=20).fit(y[:, None], y)
    # I(Y; Y) = H(Y), at most ln k; 0.02 for what 400 rows leave unlearned.
    assert mine.mutual_info_ <= math.log(n_classes) + 3.0 * mine.std_error_ + 0.02


def test_independent_vectors_are_not_significant(rng):
    mine = quick().fit(rng.normal(size=(300, 3)), rng.normal(size=(300, 2)))
    assert mine.p_value_ > 0.01
    assert abs(mine.mutual_info_) < 0.05


def test_vector_against_vector_of_another_width(rng):
    x = rng.normal(size=(500, 5))
    y = x[:, :2] + 0.5 * rng.normal(size=(500, 2))
    mine = quick().fit(x, y)
    # Two pairs of rho^2 = 0.8: ln 5 = 1.609. The start alone finds most of it.
    assert 1.2 < mine.mutual_info_ < 1.609 + 3.0 * mine.std_error_


# Outputs


def test_units_are_nats_or_bits():
    x, y = _pair()
    nats, bits = quick().fit(x, y), quick(units="bits").fit(x, y)
    for name in ("mutual_info_", "std_error_"):
        assert getattr(nats, name) == pytest.approx(
            math.log(2.0) * getattr(bits, name), rel=1e-12
        )
    assert nats.score(x, y) == pytest.approx(math.log(2.0) * bits.score(x, y))
    np.testing.assert_allclose(
        nats.confidence_interval(), np.multiply(bits.confidence_interval(), math.log(2))
    )
    assert nats.p_value_ == bits.p_value_


def test_units_of_the_history_do_not_decide_on_warnings(rng):
    x = rng.normal(size=(400, 2))
    y, messages = np.cos(2.0 * x[:, 0]) + 0.3 * rng.normal(size=400), []
    histories = []
    for units in ("nats", "bits"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            mine = quick(solver="adam", start=None, max_iter=3, units=units).fit(x, y)
        messages.append([str(each.message) for each in caught])
        histories.append(np.array([r["validation_bound"] for r in mine.history_]))
        fits = np.array([r["validation_bound"] for r in mine._pieces.fit.history])
        np.testing.assert_array_equal(fits, histories[0])
    np.testing.assert_allclose(histories[0], math.log(2.0) * histories[1])
    assert messages[0] == messages[1]


def test_interval_surrounds_the_estimate_and_widens_with_its_level():
    mine = quick().fit(*_pair())
    low, high = mine.confidence_interval()
    lower, higher = mine.confidence_interval(0.99)
    assert lower < low < mine.mutual_info_ < high < higher
    # 1.96 standard errors on each side
    assert high - low == pytest.approx(2 * 1.959964 * mine.std_error_, rel=1e-5)
    with pytest.raises(ValueError, match="level"):
        mine.confidence_interval(1.0)


def test_pointwise_information_of_a_gaussian_pair():
    rho = 0.8
    mine = MINE(solver="newton", random_state=0).fit(*_pair(2000, rho))
    x, y = _pair(1000, rho, seed=1)
    square = rho**2 * (x[:, 0] ** 2 + y**2) - 2 * rho * x[:, 0] * y
    truth = gaussian_information(rho) - square / (2 * (1 - rho**2))
    pointwise = mine.pointwise_mutual_info(x, y)
    assert pointwise.shape == (1000,)
    # The critic is not exact; where rows are many it is off by little.
    assert np.median(np.abs(pointwise - truth)) < 0.1
    assert mine.score(x, y) == pytest.approx(pointwise.mean())


def test_score_of_one_row_and_of_no_stored_value():
    x, y = _pair()
    mine = quick().fit(x, y)
    scores = [mine.score(x[i : i + 1], y[i : i + 1]) for i in range(5)]
    # float32, summed in another order
    np.testing.assert_allclose(
        scores, mine.pointwise_mutual_info(x[:5], y[:5]), atol=1e-5
    )
    assert len(set(scores)) == 5
    assert mine.score(x, y) > mine.score(x, y[::-1])


def test_history_names_surrogate_and_bounds():
    mine = quick(solver="adam", max_iter=3).fit(*_pair(500))
    assert len(mine.history_) == 3
    for i, record in enumerate(mine.history_, start=1):
        assert record["pass"] == i
        assert record["stage"] == "critic"
        for name in ("surrogate", "train_bound", "validation_bound"):
            assert record[name].shape == (2,)
            assert np.isfinite(record[name]).all()
    assert 0 <= mine.n_iter_ <= 3


def test_callbacks_hook_into_the_training():
    class Count(Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            self.n += 1

    counter = Count()
    quick(solver="adam", max_iter=3, callbacks=[counter]).fit(*_pair(500))
    assert counter.n == 3


def test_estimate_beyond_certification_leans_on_the_start_and_says_so(rng):
    x = rng.normal(size=(200, 20))
    y = x + 0.01 * rng.normal(size=(200, 20))
    with pytest.warns(UserWarning, match=r"Gaussian start.*200 rows"):
        mine = quick().fit(x, y)
    assert mine.leans_on_start_
    assert mine.mutual_info_ > math.log(200)


# Folds and groups


@pytest.mark.parametrize(
    "cv", [2, 3, KFold(3), ShuffleSplit(2, test_size=0.3, random_state=0)]
)
def test_folds_are_a_number_or_a_splitter(cv):
    mine = quick(cv=cv).fit(*_pair(300))
    assert mine.mutual_info_ > 0.2  # of 0.511


@pytest.mark.parametrize(
    "cv", [ShuffleSplit(5, test_size=0.2, random_state=0), [(range(200), [200, 201])]]
)
def test_folds_need_not_cover_each_row_once(cv, rng):
    x = rng.normal(size=(300, 2))
    y = x[:, 0] + 0.5 * rng.normal(size=300)
    scores, _ = mine_score(x, y, cv=cv, random_state=0)
    mine = quick(cv=cv).fit(x[:, :1], y)
    assert np.isfinite([*scores, mine.mutual_info_, mine.std_error_]).all()


def test_groups_on_both_sides_of_a_fold_are_warned_of(rng):
    x, groups = rng.normal(size=(60, 1)), np.repeat(np.arange(20), 3)
    with pytest.warns(UserWarning, match="cv puts rows of one group"):
        quick(cv=KFold(3, shuffle=True, random_state=0)).fit(x, x[:, 0], groups=groups)


def test_text_for_folds_is_refused():
    with pytest.raises(ValueError, match="cv='5' is text"):
        quick(cv="5").fit(*_pair(50))


def test_a_class_of_splitters_is_refused():
    with pytest.raises(ValueError, match="cv is the class KFold"):
        quick(cv=KFold).fit(*_pair(50))


def test_folds_in_blocks_do_not_take_time_for_dependence(rng):
    """Two independent series, each close to its own past."""
    x, y = lfilter([1.0], [1.0, -0.98], rng.normal(size=(2, 1000)))
    x, rows = x[:, None], np.arange(1000)
    blocks = [
        (rows[(rows < test[0] - 50) | (rows > test[-1] + 50)], test)
        for test in np.array_split(rows, 5)
    ]
    found = {}
    for name, cv in (
        ("shuffled", 5),
        ("blocks", blocks),
        ("past", TimeSeriesSplit(5, gap=50)),
    ):
        how = {"solver": "newton", "cv": cv, "random_state": 0}
        score = MINEScore(**how)
        chosen = MINESelector(score, redundancy=None, n_features_to_select=1)
        mine = MINE(**how).fit(x, y)
        scores = score(x, y)[0][0], chosen.fit(x, y).scores_[0]
        found[name] = [mine.mutual_info_, *scores]
    assert min(found["shuffled"]) > 0.03
    assert max(found["blocks"] + found["past"]) < 0.01  # truth: 0


@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_groups_keep_copies_of_a_row_together(cv, rng):
    # Fifty independent pairs, twenty copies each: only leaking folds find anything.
    x = np.repeat(rng.normal(size=(50, 2)), 20, axis=0)
    y = np.repeat(rng.normal(size=50), 20)
    x += 1e-6 * rng.normal(size=x.shape)
    groups = np.repeat(np.arange(50), 20)
    mine = quick(cv=cv, max_iter=10).fit(x, y, groups=groups)
    leaking = quick(cv=3, max_iter=10).fit(x, y)
    assert mine.mutual_info_ < leaking.mutual_info_
    # Truth over groups: 0. Fifty of them estimate it to about 0.2.
    assert mine.mutual_info_ < 0.2


# Same numbers again


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_gives_the_same_numbers(seed):
    x, y = _pair()
    first = quick(random_state=seed).fit(x, y)
    again = quick(random_state=seed).fit(x, y)
    assert first.mutual_info_ == again.mutual_info_
    assert first.p_value_ == again.p_value_
    other = quick(random_state=seed + 1).fit(x, y)
    assert first.mutual_info_ != other.mutual_info_


def test_random_state_object_is_drawn_from():
    x, y = _pair()
    state = np.random.RandomState(0)
    first = quick(random_state=state).fit(x, y)
    second = quick(random_state=state).fit(x, y)
    assert first.mutual_info_ != second.mutual_info_


def test_number_of_threads_changes_nothing():
    x, y = _pair(400)
    one, two = quick(n_jobs=1).fit(x, y), quick(n_jobs=2).fit(x, y)
    assert one.mutual_info_ == pytest.approx(two.mutual_info_, abs=1e-6)  # float32


def test_pickled_saved_and_cloned_estimators_give_the_same_numbers(tmp_path):
    x, y = _pair()
    mine = quick().fit(x, y)
    joblib.dump(mine, tmp_path / "mine.joblib")
    for copy in (
        pickle.loads(pickle.dumps(mine)),
        joblib.load(tmp_path / "mine.joblib"),
        clone(mine).fit(x, y),
    ):
        assert copy.mutual_info_ == mine.mutual_info_
        np.testing.assert_array_equal(
            copy.pointwise_mutual_info(x, y), mine.pointwise_mutual_info(x, y)
        )


def test_grid_search_over_hidden_layers():
    x, y = _pair(300)
    search = GridSearchCV(quick(), {"hidden_layer_sizes": [(2,), (8,)]}, cv=2)
    search.fit(x, y)
    assert search.best_params_["hidden_layer_sizes"] in [(2,), (8,)]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("solver", ["newton", "auto", "adam"])
def test_surroundings_are_as_before(solver):
    x, y = _pair()
    before = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    outside = surroundings()
    mine = quick(solver=solver, n_jobs=2).fit(x, y)
    mine.score(x, y)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert surroundings() == outside


def test_unseeded_fit_leaves_the_global_state_alone():
    outside = surroundings()
    quick(random_state=None, solver="newton").fit(*_pair(50))
    assert surroundings() == outside


def test_thread_count_is_restored_after_an_error():
    class Boom(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("boom")

    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="boom"):
        quick(solver="adam", n_jobs=2, callbacks=[Boom()]).fit(*_pair())
    assert torch.get_num_threads() == threads


# Bad input: each error names the argument


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"objective": "nonsense"}, "objective"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (8, -1)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes"),
        ({"learning_rate_init": -1e-3}, "learning_rate_init"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"alpha": -1.0}, "alpha"),
        ({"cv": 1}, "cv"),
        ({"cv": 51}, "cv"),
        ({"solver": "sgd"}, "solver"),
        ({"start": "random"}, "start"),
        ({"encoding": "minmax"}, "encoding"),
        ({"activation": "sine"}, "activation"),
        ({"max_iter": 0}, "max_iter"),
        ({"batch_size": 1}, "batch_size"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"units": "hartleys"}, "units"),
        ({"device": "abacus"}, "device"),
        ({"device": "meta"}, "device='meta' cannot be used"),
        ({"device": "vulkan"}, "device='vulkan' cannot be used"),
        ({"callbacks": [3]}, "callbacks holds 3, which is no callback of skorch"),
        ({"callbacks": [("name", 3)]}, "callbacks holds .*name"),
        ({"n_jobs": 0}, "n_jobs"),
        (
            {"cv": GroupKFold(3)},
            "cv=GroupKFold.*Pass the group of each row",
        ),
        ({"discrete_features": "some"}, "discrete_features"),
        ({"discrete_features": [True, False, True]}, "discrete_features"),
        ({"discrete_target": "perhaps"}, "discrete_target"),
        ({"objective": "infonce", "solver": "newton"}, "objective"),
    ],
)
def test_bad_parameter_is_named(parameters, name):
    with pytest.raises(ValueError, match=name):
        quick(**parameters).fit(*_pair(50))


def test_a_table_whose_columns_share_a_name_is_refused_by_name():
    x, y = _pair(50)
    frame = pd.DataFrame(np.column_stack([x, x]), columns=["a", "a"])
    with pytest.raises(ValueError, match=r"X has several columns .*Rename them"):
        quick().fit(frame, y)
    # Columns of y, which nobody calls by name, may share one.
    assert np.isfinite(quick().fit(x, frame).mutual_info_)


def test_pieces_cannot_be_conditioned_on():
    x, y = _pair(50)
    with pytest.raises(ValueError, match="given has to be None in partial_fit"):
        quick().partial_fit(x, y, given=y)


def test_more_folds_than_groups_is_named():
    x, y = _pair(50)
    with pytest.raises(ValueError, match=r"cv|groups|n_splits"):
        quick(cv=3).fit(x, y, groups=np.repeat([0, 1], 25))


_X, _Y = _pair(20)


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (_X, _Y[:-1], "y"),
        (_X[:0], _Y[:0], "X"),
        (_X[:1], _Y[:1], "n_samples|one row"),
        (_X, np.where(np.arange(20) == 3, np.nan, _Y), "y"),
        (_X, np.where(np.arange(20) == 3, np.inf, _Y), "y"),
        (np.where(np.arange(20) == 3, np.inf, _X[:, 0])[:, None], _Y, "X"),
        (_X[:, :, None], _Y, "X"),
        (_X, np.zeros((20, 2, 2)), "y"),
        (_X[:, 0], _Y, "X|2D"),
        (_X, None, "y"),
    ],
    ids=[
        "lengths that differ",
        "no rows",
        "one row",
        "NaN in y",
        "inf in y",
        "inf in X",
        "3-d X",
        "3-d y",
        "1-d X",
        "no y",
    ],
)
def test_bad_data_is_named(x, y, name):
    with pytest.raises(ValueError, match=rf"\b({name})\b"):
        quick().fit(x, y)


def test_groups_of_another_length_are_named():
    with pytest.raises(ValueError, match="groups"):
        quick().fit(_X, _Y, groups=[0, 1])


def test_score_refuses_other_widths():
    mine = quick().fit(*_pair(50))
    with pytest.raises(ValueError, match=r"features|X"):
        mine.score(np.zeros((5, 2)), np.zeros(5))
    with pytest.raises(ValueError, match="y has 2 columns"):
        mine.score(np.zeros((5, 1)), np.zeros((5, 2)))


# Odd input: fine and finite


def _odd_inputs():
    rng = np.random.default_rng(0)
    x, y = _pair(60)
    wide = np.column_stack([x, rng.normal(size=(60, 2))])
    missing = wide.copy()
    missing[rng.random(missing.shape) < 0.3] = np.nan
    return {
        "ten rows": (wide[:10], y[:10]),
        "four rows": (wide[:4], y[:4]),
        "constant y": (wide, np.ones(60)),
        "constant X": (np.ones((60, 2)), y),
        "bool y": (wide, y > 0),
        "string y": (wide, np.where(y > 0, "yes", "no")),
        "object y": (wide, np.where(y > 0, "yes", "no").astype(object)),
        "several targets": (wide, np.column_stack([y, y**2, rng.normal(size=60)])),
        "mixed targets": (wide, np.column_stack([y, y > 0])),
        "sparse X": (sp.random(60, 3, 0.5, format="csr", random_state=0), y),
        "lists": (wide.tolist(), y.tolist()),
        "huge X": (1e300 * wide, y),
        "tiny X": (1e-300 * wide, y),
        "huge y": (wide, 1e300 * y),
        "tiny y": (wide, 1e-300 * y),
        "missing cells": (missing, y),
        "a column of missing cells": (
            np.column_stack([wide, np.full(60, np.nan)]),
            y,
        ),
        "rare class": (wide, (np.arange(60) == 0).astype(int)),
        "a class to each row": (wide, [f"row {i}" for i in range(60)]),
        "whole y of a million values": (wide, rng.integers(10**6, size=60)),
        "whole numbers beyond float64": (wide, rng.integers(2**60, 2**62, size=60)),
        "more columns than rows": (rng.normal(size=(60, 150)), y),
        "heavy tails": (rng.standard_cauchy(size=(60, 2)) ** 3, y),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("encoding", ["rank", "standard"])
@pytest.mark.parametrize("case", _odd_inputs())
def test_odd_input_is_fine_and_finite(case, encoding):
    x, y = _odd_inputs()[case]
    mine = quick(encoding=encoding).fit(x, y)
    assert _is_fine(mine)
    if hasattr(x, "shape"):
        assert np.isfinite(mine.pointwise_mutual_info(x, y)).all()


@pytest.mark.parametrize("case", ["constant y", "constant X"])
def test_constant_side_has_no_information(case):
    mine = quick().fit(*_odd_inputs()[case])
    assert (mine.mutual_info_, mine.std_error_, mine.p_value_) == (0.0, 0.0, 1.0)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_small_table_is_fine_and_finite(data):
    n = data.draw(st.integers(4, 12))
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    x = data.draw(
        hnp.arrays(np.float64, (n, 2), elements=st.one_of(numbers, st.just(np.nan)))
    )
    y = data.draw(hnp.arrays(np.float64, n, elements=numbers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        mine = quick(solver="newton").fit(x, y)
    assert _is_fine(mine)


def _mixed_frame(library, n=90):
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=n)
    text = [None if i % 10 == 0 else "abc"[k] for i, k in enumerate(kind)]
    day = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(k)) for k in kind]
    number = rng.normal(size=n)
    number[::7] = np.nan
    data = {
        "text": text,
        "flag": (kind > 1).tolist(),
        "day": day,
        "number": number,
    }
    if library == "pandas":
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(data)
        frame["day"] = pandas.to_datetime(frame["day"])
        frame["kind"] = pandas.Categorical(text)
    else:
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame(data).with_columns(
            kind=polars.Series(text, dtype=polars.Categorical)
        )
    return frame, kind


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_text_category_flag_and_date(library):
    frame, kind = _mixed_frame(library)
    mine = quick().fit(frame, np.array(list("xyz"))[kind])
    # The frame holds the class outright: ln 3 = 1.099 less what 90 rows lose.
    assert 0.5 < mine.mutual_info_ < math.log(3.0) + 3.0 * mine.std_error_ + 0.02
    assert mine.p_value_ < 1e-3
    assert mine.feature_names_in_.tolist() == ["text", "flag", "day", "number", "kind"]
    assert mine.n_features_in_ == 5
    assert np.isfinite(mine.pointwise_mutual_info(frame, np.array(["x"] * 90))).all()


def test_pandas_and_polars_frames_give_the_same_numbers():
    results = [
        quick().fit(*_mixed_frame(library)).mutual_info_
        for library in ("pandas", "polars")
    ]
    assert results[0] == results[1]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_is_a_target(library):
    module = pytest.importorskip(library)
    x, y = _pair(60)
    plain = quick().fit(x, y)
    assert quick().fit(x, module.Series(y)).mutual_info_ == plain.mutual_info_


def test_names_of_another_frame_are_refused():
    pandas = pytest.importorskip("pandas")
    x, y = _pair(60)
    mine = quick().fit(pandas.DataFrame(x, columns=["a"]), y)
    with pytest.raises(ValueError, match="feature names"):
        mine.score(pandas.DataFrame(x, columns=["b"]), y)


def test_same_numbers_as_whole_or_real_give_the_same_result(rng):
    x = rng.integers(100, size=(100, 2))
    y = x[:, 0] + rng.integers(10, size=100)
    results = {
        quick().fit(x.astype(dtype), y.astype(dtype)).mutual_info_
        for dtype in (np.int64, np.float64, np.float32)
    }
    assert len(results) == 1


@pytest.mark.parametrize("scale", [1e6, 1e-6, 1e300, 1e-300])
def test_units_of_the_input_change_nothing(scale):
    x, y = _pair(100)
    plain = quick().fit(x, y).mutual_info_
    assert quick().fit(scale * x, y).mutual_info_ == plain
    assert quick().fit(x, scale * y).mutual_info_ == plain


def test_repeated_continuous_rows_warn_with_their_number():
    x, y = _pair(100)
    x, y = np.concatenate([x, x[:30]]), np.concatenate([y, y[:30]])
    with pytest.warns(UserWarning, match="30 of 130 rows") as caught:
        quick().fit(x, y)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error::UserWarning")
def test_repeated_discrete_rows_do_not_warn(rng):
    quick().fit(rng.integers(3, size=(100, 2)), rng.integers(2, size=100))


def test_unique_text_scores_nothing_and_warns():
    names = np.array([[f"row {i}"] for i in range(50)], dtype=object)
    with pytest.warns(UserWarning, match="unique in nearly every row"):
        mine = quick().fit(names, np.arange(50.0))
    assert (mine.mutual_info_, mine.p_value_) == (0.0, 1.0)


def test_missingness_is_information(rng):
    y = rng.integers(2, size=400)
    x = np.where(y == 1, np.nan, 1.0)[:, None]
    mine = quick().fit(x, y)
    # The gap tells the class: ln 2 = 0.693, less what 200 training rows lose.
    assert mine.mutual_info_ == pytest.approx(math.log(2.0), abs=0.1)


def test_error_messages_hold_no_address_of_memory():
    with pytest.raises(ValueError, match="objective") as caught:
        quick(objective="nonsense").fit(*_pair(20))
    assert not re.search(r"0x[0-9a-f]{6,}", str(caught.value))


def test_two_columns_are_solved_and_scored_on_new_rows():
    mine = MINE(random_state=0).fit(*_pair(2000, 0.8))
    assert mine.solver_ == "newton"
    assert mine.history_ == []
    new = MINE(random_state=0).fit(*_pair(2000, 0.8, seed=1))
    # Two estimates from rows that the critic did not see.
    assert mine.score(*_pair(2000, 0.8, seed=1)) == pytest.approx(
        new.mutual_info_, abs=3.0 * new.std_error_
    )


def test_sharp_edges_of_two_columns_are_met(rng):
    x = rng.uniform(size=5000)
    mine = MINE(random_state=0).fit(x[:, None], x + rng.uniform(-0.1, 0.1, size=5000))
    # ln 5 + 1/10: noise of width 0.2 on a side of length 1. Held: within 10 %.
    assert mine.mutual_info_ == pytest.approx(np.log(5.0) + 0.1, rel=0.1)


def test_two_columns_of_text_know_unseen_labels(rng):
    labels = np.array(["red", "green", "blue"], dtype=object)
    code = rng.integers(3, size=300)
    mine = MINE(random_state=0).fit(labels[code][:, None], labels[code])
    # What was never seen tells nothing; what was tells -ln p(label).
    unseen = np.array([["mauve"]], dtype=object)
    of_unseen = mine.pointwise_mutual_info(unseen, np.array(["red"], dtype=object))
    assert abs(of_unseen[0]) < 1e-12
    seen = mine.pointwise_mutual_info(labels[:, None], labels)
    np.testing.assert_allclose(seen, -np.log(np.bincount(code) / 300), atol=0.02)


def test_start_none_trains_networks_on_two_columns():
    mine = MINE(start=None, max_iter=3, random_state=0).fit(*_pair(400, 0.8))
    assert mine.history_


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_classes_that_tell_all_tell_no_more_than_their_entropy(n):
    # Stratified folds hold one third of each class; pairs of distinct rows would then
    # meet their own class too rarely.
    y = np.arange(n) % 3
    entropy = -np.sum(np.bincount(y) / n * np.log(np.bincount(y) / n))
    one = MINE(random_state=0).fit(y[:, None], y)
    assert one.mutual_info_ <= entropy + 0.005
    noise = np.random.default_rng(0).normal(size=(n, 1))
    two = MINE(max_iter=3, random_state=0).fit(np.c_[y[:, None], noise], y)
    assert two.mutual_info_ <= entropy + 0.02
    scores, _ = mine_score(y[:, None], y, random_state=0)
    assert scores[0] <= entropy + 0.005


def test_copies_of_every_row_warn(rng):
    x, y = np.repeat(rng.normal(size=(2, 100)), 5, axis=1)
    with pytest.warns(UserWarning, match="400 of 500 rows repeat"):
        MINE(solver="newton", random_state=0).fit(x[:, None], y)


@pytest.mark.filterwarnings("error")
def test_missing_cells_are_no_copies(rng):
    x = rng.normal(size=(300, 1))
    labels = x[:, 0] > 0
    x[rng.random(300) < 0.1] = np.nan
    MINE(solver="newton", random_state=0).fit(x, labels)
    mine_score(x, labels, random_state=0)


def test_estimate_lies_between_the_held_out_bound_and_the_training_bound(rng):
    x, y = gaussian_pair(600, 0.7, rng)
    mine = MINE(random_state=0).fit(x.reshape(-1, 1), y)
    assert mine.held_out_bound_ < mine.mutual_info_ < mine._pieces.fit.fitted


def test_independent_estimate_is_the_held_out_bound(rng):
    mine = MINE(random_state=0).fit(rng.normal(size=(300, 3)), rng.normal(size=300))
    if mine.held_out_bound_ <= 0.0:
        assert mine.mutual_info_ == mine.held_out_bound_
    assert mine.mutual_info_ < 0.05


def test_strict_bound_remains_where_the_estimate_leans_on_its_start():
    X, y, truth = make_gaussian(
        1000, rho=0.9, n_features=20, random_state=0, return_mi=True
    )
    with pytest.warns(UserWarning, match="Gaussian start"):
        mine = MINE(random_state=0).fit(X, y)
    assert mine.leans_on_start_
    assert mine.mutual_info_ == pytest.approx(truth, rel=0.1)
    # What 1,000 rows can certify is about the log of their number.
    assert 3.0 < mine.held_out_bound_ < 1.5 * np.log(1000)


def test_training_that_ends_too_early_warns(rng):
    x = rng.normal(size=(1000, 2))
    y = np.sin(3.0 * x[:, 0]) * x[:, 1] + 0.1 * rng.normal(size=1000)
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        MINE(solver="adam", max_iter=2, random_state=0).fit(x, y)
    assert caught[0].filename == __file__


def test_rows_learnt_by_heart_warn(rng):
    x, y = rng.normal(size=(60, 30)), rng.normal(size=60)
    mine = MINE(
        solver="adam", start=None, alpha=0.0, early_stopping=False, random_state=0
    )
    with pytest.warns(UserWarning, match="by heart"):
        mine.set_params(max_iter=60).fit(x, y)


def test_information_near_the_log_of_the_rows_warns(rng):
    x = rng.uniform(size=200)
    with pytest.warns(UserWarning, match=r"near ln\(n_samples\)"):
        MINE(random_state=0).fit(x[:, None], x + 0.004 * rng.normal(size=200))


@pytest.mark.parametrize(
    ("make", "params"),
    [
        (make_clusters, {"n_clusters": 3}),
        pytest.param(make_outliers, {}, marks=pytest.mark.slow),
        (make_gaussian, {"df": 2.0, "n_features": 2, "rho": 0.5}),
        pytest.param(make_labels, {"n_features": 3}, marks=pytest.mark.slow),
    ],
)
def test_mixtures_are_met(make, params):
    X, y, truth = make(3000, random_state=1, return_mi=True, **params)
    mine = MINE(random_state=0).fit(X, y)
    assert mine.mutual_info_ == pytest.approx(truth, abs=max(0.05, 0.12 * truth))


def test_filters_of_warnings_are_left_alone(rng):
    x = rng.normal(size=(600, 2))
    y = x + rng.normal(size=(600, 2))
    # What torch imports at its first step has filters of its own.
    MINE(max_iter=1, random_state=0).fit(x, y)
    before = list(warnings.filters)
    MINE(max_iter=1, n_jobs=4, random_state=0).fit(x, y)
    assert warnings.filters == before


@pytest.mark.parametrize("n_columns", [1, 2])
def test_rows_that_are_tested_again_count_once(n_columns, rng):
    x = rng.normal(size=(400, n_columns))
    y = x[:, 0] + rng.normal(size=400)
    once, again = (
        MINE(solver="newton", cv=cv, random_state=0).fit(x, y)
        for cv in (
            KFold(4, shuffle=True, random_state=0),
            RepeatedKFold(n_splits=4, n_repeats=3, random_state=0),
        )
    )
    assert again.std_error_ == pytest.approx(once.std_error_, rel=0.15)


@pytest.mark.parametrize("fraction", [0.97, 0.99])
def test_rows_are_left_to_fit_whatever_the_share_that_judges(fraction, rng):
    x = rng.normal(size=(60, 2))
    mine = MINE(validation_fraction=fraction, max_iter=2, random_state=0)
    assert np.isfinite(mine.fit(x, x[:, 0]).mutual_info_)


def test_a_constant_column_takes_no_tails_away(rng):
    X, y = make_gaussian(1500, rho=0.5, n_features=2, df=1.0, random_state=0)
    plain, wider = (
        MINE(solver="newton", random_state=0).fit(table, y).mutual_info_
        for table in (X, np.c_[X, np.zeros(1500)])
    )
    assert wider > plain - 0.03


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rate", [1e2, 1e6])
def test_training_that_goes_astray_warns_and_gives_a_number(rate, rng):
    x = rng.normal(size=(200, 2))
    mine = MINE(solver="adam", learning_rate_init=rate, max_iter=3, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mine.fit(x, x[:, 0] + rng.normal(size=200))
    assert np.isfinite(mine.mutual_info_)
    warned = any("learning_rate_init" in str(each.message) for each in caught)
    assert warned == (mine.mutual_info_ < -0.5)


def test_masked_cells_are_missing(rng):
    x = rng.normal(size=(200, 1))
    y = x[:, 0] > 0
    gone = rng.random(x.shape) < 0.3
    masked, missing = (
        quick(solver="newton").fit(table, y).mutual_info_
        for table in (np.ma.masked_where(gone, x), np.where(gone, np.nan, x))
    )
    assert masked == missing
    with pytest.raises(ValueError, match="y contains NaN"):
        quick().fit(x, np.ma.masked_where(gone[:, 0], x[:, 0]))


@pytest.mark.parametrize(
    ("groups", "match"),
    [([0, 1, 2] * 20, "groups has 3 groups"), ([None, 1, "a"] * 20, "groups has miss")],
)
def test_groups_that_cannot_be_used_are_refused(groups, match, rng):
    x = rng.normal(size=(60, 2))
    with pytest.raises(ValueError, match=match):
        MINE(random_state=0).fit(x, x[:, 0], groups=np.array(groups, dtype=object))
