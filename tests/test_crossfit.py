import math

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
)

from sklearn_mine._crossfit import (
    CrossFit,
    _bound,
    _inner_splits,
    _with_mixtures,
    care_for,
    cross_fit,
    hold_shares,
    make_folds,
    n_repeats,
    n_tested,
)
from sklearn_mine._params import Settings
from sklearn_mine._start import canonical_start

from ._data import gaussian_information


def _folds(n, cv=3, **parameters):
    defaults = {"stratify": None, "groups": None, "random_state": 0}
    return make_folds(cv, n, **(defaults | parameters))


def _data(n=300, rho=0.8, seed=0):
    rng = np.random.default_rng(seed)
    x, e = rng.normal(size=(2, n, 1))
    return x, rho * x + math.sqrt(1.0 - rho**2) * e


def _fit(x, y, *, cv=3, seed=0, **settings):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 2, "solver": "newton"}
    parameters = {
        k: settings.pop(k) for k in ("groups", "max_samples") if k in settings
    }
    return cross_fit(
        x,
        y,
        _folds(len(x), cv),
        Settings(**(defaults | settings)),
        rng=np.random.default_rng(seed),
        **parameters,
    )


def _figures(**figures):
    """A fit of which only figures are asked."""
    nothing = {
        "bank": None,
        "log_normalizer": 0.0,
        "limits": (-1.0, 1.0),
        "estimate": 0.0,
        "std_error": 0.0,
        "fitted": 0.0,
        "history": [],
        "n_iter": np.zeros(3, dtype=int),
        "leans_on_start": False,
        "held_out_bound": 0.0,
    }
    return CrossFit(**(nothing | figures))


def test_folds_hold_out_every_row_once():
    folds = _folds(100, 5)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in folds])), np.arange(100)
    )
    for train, test in folds:
        assert not np.intersect1d(train, test).size


def test_folds_of_a_discrete_target_are_stratified():
    labels = np.repeat([0, 1], [90, 10])
    for _, test in _folds(100, 5, stratify=labels):
        assert labels[test].sum() == 2


def test_class_rarer_than_the_folds_is_no_obstacle():
    labels = np.repeat([0, 1], [98, 2])
    assert len(_folds(100, 5, stratify=labels)) == 5


def test_common_classes_are_stratified_beside_rare_ones():
    # Three and four rows are too few for five folds each, not together.
    labels = np.repeat([0, 1, 2, 3], [50, 43, 3, 4])
    folds = _folds(100, 5, stratify=labels)
    assert hold_shares(folds, np.repeat([0, 1], [50, 50]))
    for _, test in folds:
        assert (labels[test] > 1).sum() in (1, 2)


@pytest.mark.parametrize(
    ("labels", "stratified"),
    [
        # Two classes always are, and many where few rows have rare labels.
        (np.arange(20) % 2, True),
        (np.append(np.arange(200) % 10, np.arange(10, 15)), True),
        # A row or two of each label in a fold would be no random draw.
        (np.arange(100) % 20, False),
        (np.append(np.arange(200) % 10, np.arange(10, 25)), False),
    ],
)
def test_labels_that_are_rare_are_not_stratified(labels, stratified):
    folds = make_folds(5, len(labels), stratify=labels, groups=None, random_state=0)
    assert hold_shares(folds, labels) == stratified


@pytest.mark.parametrize(
    ("labels", "held"),
    [
        (None, False),
        (np.arange(20) % 2, True),
        (np.arange(20) // 10, False),
        # Labels rarer than the two folds are left aside.
        (np.where(np.arange(20) == 0, 2, np.arange(20) % 2), True),
        (np.arange(20), False),
        # Half a row off is as near as can be, a row is not.
        (np.repeat([0, 1, 0], [7, 5, 8]), True),
        (np.append([1, 1], [0, 2] * 9), False),
    ],
)
def test_shares_of_labels_are_looked_at(labels, held):
    folds = [(np.arange(10, 20), np.arange(10)), (np.arange(10), np.arange(10, 20))]
    assert hold_shares(folds, labels) is held


def test_shares_are_those_of_the_size_of_a_fold():
    folds = [(np.arange(5, 20), np.arange(5)), (np.arange(5), np.arange(5, 20))]
    assert hold_shares(folds, np.arange(20) % 2)


def test_rows_are_counted_once_however_often_tested():
    folds = [(np.arange(5, 9), np.array([1, 2, 3])), (np.arange(5, 9), np.array([3]))]
    assert n_tested(folds) == 3
    assert n_repeats(folds) == pytest.approx(4.0 / 3.0)


@pytest.mark.filterwarnings("error")
def test_rare_classes_raise_no_warning():
    labels = np.repeat([0, 1, 2, 3], [90, 7, 2, 1])
    assert len(_folds(100, 5, stratify=labels)) == 5


def test_classes_as_rare_as_the_folds_are_stratified():
    labels = np.repeat([0, 1, 2], [90, 5, 5])
    for _, test in _folds(100, 5, stratify=labels):
        np.testing.assert_array_equal(np.bincount(labels[test]), [18, 1, 1])


def test_splitters_of_classes_split_rows_without():
    assert len(_folds(20, StratifiedKFold(4))) == 4


def test_splitters_are_used_as_they_are():
    splitter = StratifiedKFold(4)
    labels = np.repeat([0, 1], 50)
    folds = _folds(100, splitter, stratify=labels)
    expected = list(splitter.split(np.empty(100), labels))
    for (train, test), (train_too, test_too) in zip(folds, expected, strict=True):
        np.testing.assert_array_equal(train, train_too)
        np.testing.assert_array_equal(test, test_too)


@pytest.mark.parametrize("make", [list, iter, np.array])
def test_folds_may_be_given_as_rows(make):
    pairs = [(np.arange(5), np.arange(5, 10)), (np.arange(5, 10), np.arange(5))]
    for given, used in zip(pairs, _folds(10, make(pairs)), strict=True):
        np.testing.assert_array_equal(given, used)


def test_folds_may_be_given_as_masks():
    test = np.arange(10) >= 6
    ((train_rows, test_rows),) = _folds(10, [(~test, test)])
    np.testing.assert_array_equal(train_rows, np.arange(6))
    np.testing.assert_array_equal(test_rows, np.arange(6, 10))


def test_rows_of_any_whole_number_make_folds():
    ((train_rows, test_rows),) = _folds(300, [(np.arange(9, dtype="uint8"), [-1])])
    np.testing.assert_array_equal(train_rows, np.arange(9))
    np.testing.assert_array_equal(test_rows, [299])


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        (KFold(11), "makes no folds of these rows: [^`]*$"),
        (GroupKFold(2), "makes no folds of these rows.*Pass the group of each row"),
        ([([[0, 1]], [2])], r"rows of shape \(1, 2\)"),
        ([], "cv holds no folds"),
        ([1, 2], "cv holds 1, which is no pair"),
        ([([0, 1], [2], [3])], "no pair"),
        ([([0, 1, 2], [2, 3])], "trains and tests row 2"),
        ([([0, 1, 2], [-8, 3])], "trains and tests row 2"),
        ([([0, 1, 2], [10])], "cv asks for rows 10 to 10; there are 10"),
        ([([0.0, 1.0], [2.0])], "type float64"),
        ([([True, False], [False, True])], "masks of all rows"),
        ([([0, 1], [])], "2 training and 0"),
        ([([0, 1, 2, 1], [3])], "row 1 more than once"),
        ([([0, 1, 2], [3, 3])], "row 3 more than once"),
        (PredefinedSplit([0] * 6 + [1] * 6), "there are 10"),
    ],
)
def test_unusable_folds_are_named(cv, said):
    with pytest.raises(ValueError, match=said):
        _folds(10, cv)


def test_groups_reach_the_splitter():
    groups = np.repeat(np.arange(10), 10)
    for train, test in _folds(100, GroupKFold(5), groups=groups):
        assert not np.intersect1d(groups[train], groups[test]).size


def test_more_folds_than_rows_is_named():
    with pytest.raises(ValueError, match=r"cv=5.*n_samples=4"):
        _folds(4, 5)


def test_too_small_a_fold_of_a_splitter_is_named():
    class OneRow:
        def split(self, X, y=None, groups=None):
            yield np.array([0]), np.array([1])

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    with pytest.raises(ValueError, match="cv gives a fold of 1 training"):
        _folds(10, OneRow())


def test_bound_and_its_error_are_those_of_influences():
    scores, from_x, from_y = np.array([[1.0, 3.0], [0.5, 1.5], [1.0, 0.0]])
    # Means 2 and 1, and 1: the tangent form. Influences -0.5 and 1.5: a standard
    # deviation of the square root of 2, over that of 2 rows, or of 1 row seen twice.
    assert _bound(scores, from_x, from_y) == pytest.approx((2.0, 1.0))
    assert _bound(scores, from_x, from_y, 2.0)[1] == pytest.approx(math.sqrt(2.0))
    assert _bound(scores[:1], from_x[:1], from_y[:1]) == (1.5, 0.0)


@pytest.mark.parametrize(
    ("estimate", "fitted", "corrected"),
    [
        # Half of the gap, of which as much is borne out as 0.3 of 0.5 is.
        (0.3, 0.5, 0.36),
        (0.5, 0.5, 0.5),
        (0.6, 0.5, 0.6),
        (0.0, 0.5, 0.0),
        (-0.1, 0.5, -0.1),
    ],
)
def test_bias_of_finite_rows_is_taken_off(estimate, fitted, corrected):
    fit = _figures(estimate=estimate, fitted=fitted)
    assert fit.corrected == pytest.approx(corrected)


@pytest.mark.parametrize(
    ("bounds", "max_iter", "rises"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], 5, True),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 6, False),  # stopped by itself
        ([0.1, 0.5, 0.5, 0.5, 0.5], 5, False),  # not over the last three passes
        ([0.1, 0.2, 0.5, 0.5, 0.5], 5, True),
        ([0.5, 0.5, 0.5, 0.5, 0.504], 5, False),  # by less than five times tol
        ([0.5, 0.5, 0.5, 0.5, 0.506], 5, True),
        ([2.0, 2.0, 2.0, 2.0, 2.019], 5, False),  # or by less than 1 %
        ([2.0, 2.0, 2.0, 2.0, 2.021], 5, True),
        ([0.5, 0.4, 0.3, 0.2, 0.1], 5, False),
        ([0.2, 0.3], 2, True),
        ([0.3], 1, True),  # from nothing
        ([-0.1], 1, False),
        ([None, None], 2, False),  # nothing judged
        ([], 1, False),
    ],
)
def test_bounds_that_rise_to_the_last_pass_are_told(bounds, max_iter, rises):
    before = [{"stage": "towers", "pass": 9, "validation_bound": np.zeros(3)}] * 2
    history = before if bounds else []
    for i, bound in enumerate(bounds, 1):
        bound = None if bound is None else np.full(3, bound)
        history.append({"stage": "critic", "pass": i, "validation_bound": bound})
    assert _figures(history=history).still_rises(max_iter, tol=1e-3) is rises


@pytest.mark.parametrize(("passes", "solver"), [(0, "newton"), (2, "adam")])
def test_solver_is_adam_where_a_pass_paid(passes, solver):
    assert _figures(n_iter=np.array([0, passes, 0])).solver == solver


@pytest.mark.parametrize(
    ("n", "settings", "n_judging"),
    [
        (300, {}, 30),
        (300, {"validation_fraction": 0.25}, 75),
        (300, {"validation_fraction": 0.95}, 280),  # 20 are left to fit
        (191, {}, 20),
        (190, {}, None),  # fewer than 20 judge nothing
        (300, {"early_stopping": False}, None),
        (300, {"solver": "newton"}, None),
    ],
)
def test_some_training_rows_judge(n, settings, n_judging, rng):
    rows = [np.arange(1000, 1000 + n)] * 2
    fitting, judging = _inner_splits(rows, Settings(**settings), rng, None)
    if n_judging is None:
        assert judging is None
        judging = [[], []]
    assert [len(each) for each in judging] == [n_judging or 0] * 2
    for each in zip(fitting, judging, strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate(each)), rows[0])


def test_no_fold_is_judged_where_one_has_too_few_rows(rng):
    rows = [np.arange(300), np.arange(100)]
    fitting, judging = _inner_splits(rows, Settings(), rng, None)
    assert judging is None
    assert fitting is rows


@pytest.mark.parametrize(
    ("n_groups", "n_judging"), [(40, 40), (10, 40), (2, 200), (1, None)]
)
def test_some_groups_judge(n_groups, n_judging, rng):
    # As many whole groups as 10 % of 400 rows need; one stays to fit.
    groups = np.append(np.full(7, -1), np.arange(400) % n_groups)
    rows = np.arange(7, 407)
    fitting, judging = _inner_splits([rows], Settings(), rng, groups)
    if n_judging is None:
        assert judging is None
        judging = [rows[:0]]
    assert len(judging[0]) == (n_judging or 0)
    assert not np.intersect1d(groups[fitting[0]], groups[judging[0]]).size
    both = np.concatenate([fitting[0], judging[0]])
    np.testing.assert_array_equal(np.sort(both), rows)


@pytest.mark.parametrize(("n_copies", "coarse"), [(0, False), (10, False), (11, True)])
def test_tenth_of_rows_that_repeat_others_is_cared_for(n_copies, coarse, rng):
    x, y = rng.normal(size=(2, 100, 2))
    fine = care_for(x, y)
    x[:n_copies] = x[n_copies]
    for care in (care_for(x, y), care_for(y, x)):
        assert (care != fine) == coarse
        # No ratio is above the number of rows where a head would learn them by heart.
        assert not coarse or care.max_ratio == 1.0


def test_held_out_estimate_nears_the_truth():
    fit = _fit(*_data(2000))
    # Three standard errors for the draw, 0.02 for what 2,000 rows leave unlearned.
    near = pytest.approx(gaussian_information(0.8), abs=3.0 * fit.std_error + 0.02)
    assert fit.estimate == near
    assert fit.fitted == near
    assert fit.fitted > fit.estimate


def test_start_that_claims_more_than_rows_can_show_is_reported(rng):
    x, e = rng.normal(size=(2, 300, 5))
    assert not _fit(x, 0.9 * x + math.sqrt(1.0 - 0.81) * e).leans_on_start
    fit = _fit(x, 0.99 * x + math.sqrt(1.0 - 0.99**2) * e)
    assert fit.leans_on_start
    # 9.8 nats, where 200 rows certify 5.3.
    truth = gaussian_information(0.99, d=5)
    assert fit.estimate == pytest.approx(truth, abs=3.0 * fit.std_error + 0.1)
    assert fit.held_out_bound < truth - 2.0
    # It is normalised by itself.
    assert fit.log_normalizer == 0.0
    assert fit.limits == (-math.inf, math.inf)


@pytest.mark.filterwarnings("error")
def test_influences_are_those_of_the_rows_that_are_tested():
    rows = np.arange(300)
    folds = [(rows[100:], rows[:100]), (rows[150:], rows[100:150])]
    settings = Settings(hidden_layer_sizes=(8,), solver="newton")
    fit = cross_fit(*_data(), folds, settings, rng=np.random.default_rng(0))
    assert fit.influence.shape == (300,)
    np.testing.assert_array_equal(np.isnan(fit.influence), rows >= 150)
    error = fit.influence[:150].std(ddof=1) / math.sqrt(150)
    assert fit.std_error == pytest.approx(error)
    # A row that two folds test has the mean of both.
    again = cross_fit(*_data(), folds * 2, settings, rng=np.random.default_rng(0))
    assert again.influence[:150].mean() == pytest.approx(
        fit.influence[:150].mean(), abs=fit.std_error
    )
    assert again.std_error == pytest.approx(fit.std_error, rel=0.2)


def test_standard_error_covers_the_spread_over_draws():
    fits = [_fit(*_data(400, seed=seed)) for seed in range(40)]
    spread = np.std([fit.estimate for fit in fits])
    claimed = np.mean([fit.std_error for fit in fits])
    # The spread of 40 draws is known to 11 %; three of them.
    assert claimed == pytest.approx(spread, rel=0.35)


def test_independent_rows_do_not_score_above_zero():
    rng = np.random.default_rng(1)
    estimates = [
        _fit(rng.normal(size=(200, 2)), rng.normal(size=(200, 2)), seed=seed).estimate
        for seed in range(10)
    ]
    # A held-out bound is below zero in expectation; 0.01 is its scatter.
    assert np.mean(estimates) < 0.01


@pytest.mark.parametrize("solver", ["newton", "adam", "auto"])
def test_row_is_scored_by_a_critic_that_never_saw_it(solver):
    # Changing the held-out rows of the first fold leaves its critic as it was.
    x, y = _data()
    folds = [_folds(300)[0]]
    settings = Settings(hidden_layer_sizes=(8,), max_iter=2, solver=solver)
    _, test = folds[0]
    x_too = x.copy()
    x_too[test] = x[test][::-1] + 1.0
    heads = [
        cross_fit(each, y, folds, settings, rng=np.random.default_rng(0)).bank.head
        for each in (x, x_too)
    ]
    np.testing.assert_array_equal(*[head.detach().numpy() for head in heads])


def test_pointwise_values_do_not_depend_on_the_batch():
    x, y = _data()
    fit = _fit(x, y)
    together = fit.pointwise(x, y)
    alone = np.concatenate(
        [fit.pointwise(x[i : i + 1], y[i : i + 1]) for i in range(9)]
    )
    # float32
    np.testing.assert_allclose(together[:9], alone, atol=1e-5)
    assert fit.pointwise(x[:0], y[:0]).shape == (0,)


def test_pointwise_values_are_clamped():
    x, y = _data()
    fit = _fit(x, y)
    far = fit.pointwise(np.array([[1e6]]), np.array([[-1e6]]))
    assert fit.limits[0] <= far[0] <= fit.limits[1]
    assert np.isfinite(fit.limits).all()


def test_mixture_of_the_few_columns_that_tell_something(rng):
    # Four bands in one pair of columns, which no mixture of 16 + 16 sees.
    n = 2000
    x, y = rng.normal(size=(2, n, 16))
    y[:, 0] = 2.0 * x[:, 0] + 1.5 * rng.choice([-3, -1, 1, 3], n) + 0.3 * y[:, 0]
    fitted, judged, others = np.split(np.arange(n), [1500, 1750])
    start = canonical_start(x[fitted], y[fitted], rng=rng)
    (start,) = _with_mixtures([start], x, y, [fitted], [judged], rng, None)
    gaussian, *_ = start.ratios(x[others], y[others])
    rows = np.arange(len(others))
    u, v = (side[:, :1] for side in start.coordinates(x[others], y[others]))
    of_mixture = start.mixture.ratio(u, v)
    assert of_mixture.mean() > gaussian(rows, rows).mean() + 0.02


def test_cap_on_training_rows_scores_all():
    fit = _fit(*_data(600), max_samples=100)
    # Of 100 rows it would be near 0.08.
    assert 0.0 < fit.std_error < 0.06


@pytest.mark.parametrize("n", [4, 5, 10])
@pytest.mark.parametrize("solver", ["newton", "adam", "auto"])
def test_few_rows_stay_finite(n, solver):
    fit = _fit(*_data(n), cv=KFold(2), solver=solver)
    assert np.isfinite(fit.estimate)
    assert np.isfinite(fit.std_error)


@pytest.mark.parametrize("n", [2, 3])
def test_rows_too_few_for_two_training_rows_are_refused(n):
    with pytest.raises(ValueError, match="cv gives a fold of 1 training"):
        _fit(*_data(n), cv=2)


def test_groups_stay_together_in_the_inner_split():
    x, y = _data(400)
    groups = np.arange(400) // 4
    fit = cross_fit(
        x,
        y,
        _folds(400, GroupKFold(3), groups=groups),
        Settings(hidden_layer_sizes=(8,), max_iter=2),
        rng=np.random.default_rng(0),
        groups=groups,
    )
    assert np.isfinite(fit.estimate)
    assert fit.history[0]["validation_bound"].shape == (3,)


def test_history_names_the_stage():
    fit = _fit(*_data(), solver="auto")
    # Where towers find nothing beyond a Gaussian, the whole critic is not trained.
    assert {record["stage"] for record in fit.history} == {"towers"}
    adam = _fit(*_data(), solver="adam", max_iter=2)
    assert {record["stage"] for record in adam.history} == {"critic"}
    assert _fit(*_data(), solver="newton").history == []


def test_without_early_stopping_adam_makes_every_pass():
    fit = _fit(*_data(), solver="adam", early_stopping=False, max_iter=4)
    assert len(fit.history) == 4
    np.testing.assert_array_equal(fit.n_iter, [4, 4, 4])
