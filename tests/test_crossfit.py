import copy
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
)

from sklearn_mine import _crossfit
from sklearn_mine._crossfit import (
    CrossFit,
    _bound,
    _for_device,
    _inner_splits,
    _solve_one,
    _Trainer,
    _with_mixtures,
    _with_regressions,
    care_for,
    cross_fit,
    further_fit,
    hold_shares,
    make_folds,
    n_repeats,
    n_tested,
)
from sklearn_mine._params import Settings
from sklearn_mine._progress import _share, working
from sklearn_mine._start import canonical_start
from sklearn_mine.nn.critics import CriticBank
from sklearn_mine.nn.objectives import OBJECTIVES
from sklearn_mine.nn.training import N_CANDIDATES, N_TRAIN_SHIFTS, SeparablePart

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


@pytest.mark.filterwarnings("error")
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


class _ByHead:
    """A judge to whom a critic is worth its first head weight."""

    def fine(self, bank):
        return bank.head[:, 0, 0].double().numpy().copy()

    def separable(self, bank):
        return -self.fine(bank)


_ROWS = [np.arange(40), np.arange(20, 60)]


def _bank(use_start=True):
    x, y = _data(60)
    rng = np.random.default_rng(0)
    starts = [canonical_start(x[rows], y[rows], rng=rng) for rows in _ROWS]
    bank = CriticBank(starts, (4,), "relu", use_start=use_start, rng=rng)
    return bank.requires_grad_(False)


@pytest.fixture
def bank():
    bank = _bank()
    bank.begin_at([0, 0])
    return bank


def _trainer(judge=None, fit_rows=_ROWS, **settings):
    x, y = (torch.as_tensor(side, dtype=torch.float32) for side in _data(60))
    rng, care = np.random.default_rng(0), care_for(x.numpy(), y.numpy())
    return _Trainer(x, y, fit_rows, judge, Settings(**settings), rng, care)


def _with_head(bank, values):
    """The same with other first weights."""
    other = copy.deepcopy(bank)
    other.head[:, 0, 0] = torch.tensor(values)
    return other


def _heads(bank):
    return bank.head[:, 0, 0].tolist()


def test_each_critic_becomes_the_better_of_two(bank):
    mine, other = _with_head(bank, [1.0, 3.0]), _with_head(bank, [2.0, 2.0])
    kept = _trainer(_ByHead())._keep_better(mine, np.array([1.0, 3.0]), other)
    assert kept.tolist() == _heads(mine) == [2.0, 3.0]
    assert _heads(other) == [2.0, 2.0]


def test_heads_are_solved_in_a_bank_of_their_own(bank):
    before = copy.deepcopy(bank)
    solved = _trainer(_ByHead())._solved(bank)
    assert torch.equal(bank.head, before.head)
    changes = (solved.head - bank.head).flatten(1).norm(dim=1)
    assert (changes > 0.05).all()
    # Less, where what is learnt is not judged, or earlier rows have had their say.
    for trainer, n_before in ((_trainer(), 0), (_trainer(_ByHead()), 2000)):
        other = trainer._solved(bank, n_before)
        assert ((other.head - bank.head).flatten(1).norm(dim=1) < 0.8 * changes).all()


def test_heads_that_cannot_be_solved_stay_as_they_are(bank):
    trainer = _trainer(_ByHead())
    trainer.x[45] = math.nan
    solved = trainer._solved(bank)
    assert torch.isfinite(solved.head).all()
    assert torch.equal(solved.head[1], bank.head[1])
    assert not torch.equal(solved.head[0], bank.head[0])
    # Two rows have one product pair each.
    few = _trainer(_ByHead(), fit_rows=[np.arange(2), np.arange(3)])._solved(bank)
    assert torch.equal(few.head[0], bank.head[0])
    assert not torch.equal(few.head[1], bank.head[1])


def test_rows_beyond_the_cap_count_as_much_less(bank, monkeypatch):
    found = []

    def record(bank, k, x, y, block, shifts, precision, floor):
        found.append((k, len(set(block)), precision))

    monkeypatch.setattr("sklearn_mine._crossfit._solve_one", record)
    monkeypatch.setattr("sklearn_mine._crossfit._MAX_HEAD_ROWS", 10)
    _trainer(_ByHead())._solved(bank, n_before=80)
    # Of 40 rows 10 are taken, and of 80 before as many.
    assert found == [(0, 10, 50.0), (1, 10, 50.0)]
    monkeypatch.setattr("sklearn_mine._crossfit._MAX_HEAD_ROWS", 100)
    _trainer(_ByHead())._solved(bank, n_before=80)
    assert found[2:] == [(0, 40, 110.0), (1, 40, 110.0)]


class _OfFeatures:
    """A critic whose features of pairs are what they are."""

    def __init__(self, features, head):
        self.of_pairs, self.head = features, torch.tensor(head)[None, :, None]
        self.intercept = torch.zeros(1, 1)

    def features(self, x, y, partners, critics):
        return self.of_pairs[None]

    def values(self, pairs):
        return self.of_pairs[pairs] @ self.head[0, :, 0] + self.intercept[0]


@pytest.fixture
def of_features():
    # Of pairs (shift, row): one that tells, one that hardly varies, one that does not,
    # and one that says nothing; the joint pairs come first.
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4, 50, 4, generator=generator)
    features[0, :, 0] += 1.0
    features[..., 1] *= 0.01
    features[..., 2] = 3.0
    return _OfFeatures(features, [0.2, 0.0, 0.7, 0.0])


def _solve(bank, precision=30.0, floor=0.0):
    x = torch.zeros(50, 1)
    _solve_one(bank, 0, x, x, np.arange(50), [1, 2, 3], precision, floor)


def test_solved_heads_are_normalised_over_product_pairs(of_features):
    _solve(of_features)
    tilted = of_features.values(slice(1, None)).exp()
    assert tilted.mean().item() == pytest.approx(1.0, abs=1e-5)
    # What does not vary has no say; what tells has more than before.
    assert of_features.head[0, 2].item() == pytest.approx(0.7)
    assert of_features.head[0, 0] > 0.5


def test_heads_are_solved_on_features_of_one_scale(of_features, monkeypatch):
    found = []

    def record(product, joint, log_weights, ridge):
        found.append((product, joint[0], log_weights[0], ridge.item()))
        return torch.zeros(1, 4, dtype=torch.float64), None

    monkeypatch.setattr("sklearn_mine._crossfit.solve_head", record)
    _solve(of_features, floor=0.0)
    _solve(of_features, floor=0.5)
    (product, joint, weights, ridge), (floored, *_) = found
    assert product.mean(dim=0).abs().max() < 1e-6
    assert product.std(dim=0).tolist() == pytest.approx([1.0, 1.0, 0.0, 1.0])
    assert joint[0] > 0.5 and joint[2] == 0.0
    # What hardly varies is not blown up.
    _, low, _, high = floored.std(dim=0).tolist()
    assert high == pytest.approx(1.0)
    assert low == pytest.approx(0.02, rel=0.3)
    assert weights.exp().sum().item() == pytest.approx(1.0)
    # The ridge is over the rows, or over the pairs that have weight if those are fewer.
    n_effective = 1.0 / weights.exp().square().sum().item()
    assert n_effective > 50
    assert ridge == pytest.approx(30.0 / 50)
    of_features.head[0, 0] = 4.0
    _solve(of_features)
    _, _, weights, ridge = found[-1]
    n_effective = 1.0 / weights.exp().square().sum().item()
    assert 1.0 < n_effective < 50
    assert ridge == pytest.approx(30.0 / n_effective)
    of_features.head[0, 0] = 1e4
    _solve(of_features)
    assert found[-1][3] == pytest.approx(30.0)


@pytest.fixture
def stages(monkeypatch):
    """Trainers whose stages change the first weights alone, by what is set here."""

    class Stages(list):
        solved, descended, worth_more = [0.0, 0.0], [0.0, 0.0], True

    stages = Stages()

    def solved(self, bank, n_before=0):
        stages.append(f"solve after {n_before}")
        return _with_head(bank, stages.solved)

    def descend(self, bank, *, towers=False):
        stages.append(("towers" if towers else "descend", _heads(bank)))
        bank.head[:, 0, 0] = torch.tensor(stages.descended)
        self.n_iter += 5

    monkeypatch.setattr(_Trainer, "_solved", solved)
    monkeypatch.setattr(_Trainer, "_descend", descend)
    return stages


@pytest.mark.parametrize("judge", [_ByHead(), None])
def test_newton_keeps_what_is_solved(judge, bank, stages):
    for call in (lambda t: t.run(bank), lambda t: t.resume(bank, 7)):
        _, n_iter = call(_trainer(judge, solver="newton"))
        assert _heads(bank) == [0.0, 0.0]
        assert not n_iter.any()
        bank.begin_at([0, 0])
    assert stages == ["solve after 0", "solve after 7"]


def test_unjudged_critics_are_solved_alone(bank, stages):
    _trainer(solver="auto").run(bank)
    assert stages == ["solve after 0"]
    stages.clear()
    _trainer(solver="auto").resume(bank, 7)
    assert stages == ["solve after 7"]


def test_adam_descends_from_where_it_is(bank, stages):
    for call in (lambda t: t.run(bank), lambda t: t.resume(bank, 7)):
        bank.begin_at([0, 0])
        _, n_iter = call(_trainer(_ByHead(), solver="adam"))
        assert n_iter.tolist() == [5, 5]
    assert stages == [("descend", [1.0, 1.0])] * 2


def test_gradient_goes_on_from_the_better_of_start_and_solution(bank, stages):
    stages.solved = [2.0, 0.5]
    _trainer(_ByHead(), solver="auto").resume(bank, 7)
    assert stages == ["solve after 7", ("descend", [2.0, 1.0])]
    stages.clear()
    plain = _with_head(_bank(use_start=False), [1.0, 1.0])
    _trainer(_ByHead(), solver="auto").run(plain)
    assert stages == ["solve after 0", ("descend", [2.0, 1.0])]


@pytest.mark.parametrize("worth_more", [True, False])
def test_whole_critics_are_kept_where_they_are_better(
    worth_more, bank, stages, monkeypatch
):
    def towers(self, bank):
        self.n_iter += 3
        return worth_more

    monkeypatch.setattr(_Trainer, "_train_towers", towers)
    stages.descended = [2.0, 0.5]
    _, n_iter = _trainer(_ByHead(), solver="auto").run(bank)
    if worth_more:
        assert stages == [("descend", [1.0, 1.0])]
        assert _heads(bank) == [2.0, 1.0]
        # Passes that were lost do not count.
        assert n_iter.tolist() == [8, 3]
    else:
        assert (stages, _heads(bank), n_iter.tolist()) == ([], [1.0, 1.0], [3, 3])


class _OfStarts(_ByHead):
    """A judge to whom each start of each critic is worth something."""

    def __init__(self, worth):
        self.worth = torch.tensor(worth)

    def fine(self, bank):
        n = len(self.worth)
        return (bank.head[:, :n, 0].double() * self.worth.T).sum(dim=1).numpy()


def _starts(bank):
    """The start that each critic is at, -1 for none."""
    at = bank.head[:, : bank.n_starts, 0]
    return torch.where(at.any(dim=1), at.argmax(dim=1), -1).tolist()


def test_networks_of_both_sides_begin_at_the_best_start(stages, monkeypatch):
    bank = _bank()
    # A mixture takes too long with all pairs, though it be the best.
    bank.n_starts, bank.n_separable = 3, 2
    judge = _OfStarts([[1.0, 2.0], [2.0, 1.0], [3.0, 1.0]])
    seen = []

    def descend(self, bank, *, towers=False):
        seen.append((_starts(bank), towers))
        bank.head[0, 0], bank.head[1, 0] = 9.0, -9.0
        self.n_iter += 5

    monkeypatch.setattr(
        _Trainer, "_solved", lambda self, bank, n_before=0: copy.deepcopy(bank)
    )
    monkeypatch.setattr(_Trainer, "_descend", descend)
    trainer = _trainer(judge)
    assert trainer._train_towers(bank)
    # The first critic is at its second start: of those that go with all pairs, the
    # mixture being better shows that the form is wrong, so that it begins at nothing.
    assert seen == [([-1, 0], True)]
    # What was trained stays where it is better, else the best start.
    assert bank.head[0, 0].item() == 9.0
    assert _starts(bank)[1] == 0
    assert bank.head[1, 0].item() == 1.0
    assert trainer.n_iter.tolist() == [5, 0]


def test_networks_that_find_nothing_are_not_worth_more(stages):
    bank = _bank()
    stages.solved = stages.descended = [0.0, 0.0]
    trainer = _trainer(_OfStarts([[1.0, 2.0]]))
    assert not trainer._train_towers(bank)
    assert _heads(bank) == [1.0, 1.0]
    assert not trainer.n_iter.any()


@pytest.fixture
def trained(monkeypatch):
    """How gradient training was called; each time it makes three passes."""
    calls = []

    def train(module, x, y, fit_rows, objective, **options):
        calls.append((module, objective, options))
        record = {"pass": 1, "validation_bound": 0.5}
        return SimpleNamespace(history_=[record], best_pass_=np.array([3, 0]))

    monkeypatch.setattr("sklearn_mine._crossfit.train", train)
    return calls


@pytest.mark.parametrize("towers", [False, True])
def test_either_part_is_trained_by_its_own_judge(towers, bank, trained):
    judge = _OfStarts([[1.0, 2.0]])
    trainer = _trainer(judge)
    trainer._descend(bank, towers=towers)
    ((module, _, options),) = trained
    assert isinstance(module, SeparablePart if towers else CriticBank)
    assert options["batch_size"] == (256 if towers else 512)
    assert (options["n_shifts"] is None) == towers
    if towers:
        assert options["judge"](module).tolist() == [-1.0, -2.0]
    else:
        assert options["judge"] is judge
    (record,) = trainer.history
    assert record["stage"] == ("towers" if towers else "critic")
    assert trainer.n_iter.tolist() == [3, 0]
    unjudged = _trainer()
    unjudged._descend(bank, towers=towers)
    assert trained[1][2]["judge"] is None


def test_settings_of_the_gradient_are_handed_on(bank, trained):
    trainer = _trainer(objective="infonce", batch_size=7, n_iter_no_change=2)
    trainer._descend(bank)
    _trainer(objective="dv")._descend(bank)
    (_, infonce, options), (_, _, others) = trained
    assert type(infonce) is type(OBJECTIVES["infonce"](all_pairs=False))
    assert options["n_shifts"] == N_CANDIDATES != others["n_shifts"] == N_TRAIN_SHIFTS
    assert (options["batch_size"], options["patience"]) == (7, 2)


def test_one_thread_asks_a_gpu_at_a_time():
    settings = Settings(n_jobs=4)
    assert _for_device(settings) is settings
    assert _for_device(replace(settings, device="cuda")).n_jobs == 1


@pytest.mark.filterwarnings("error")
def test_starts_get_a_regression_of_labels(rng):
    labels = np.arange(300) % 3
    x, y = rng.normal(size=(300, 2)), np.eye(3)[labels]
    x[:, 0] += labels
    rows = np.arange(200), np.arange(200, 300)
    start = canonical_start(x[:200], y[:200], rng=rng)
    given = [start], x, y, labels, [rows[0]], [rows[1]], 1
    (found,) = _with_regressions(*given)
    assert start.logistic is None
    assert found.logistic is not None


def test_plain_columns_make_the_regressions(rng, monkeypatch):
    seen = []

    def record(starts, x, y, labels, *rest):
        seen.append((x.shape[1], y.shape[1], len(labels)))
        return starts

    monkeypatch.setattr("sklearn_mine._crossfit._with_regressions", record)
    labels = np.arange(300) % 3
    x, y = rng.normal(size=(300, 2)), np.eye(3)[labels]
    fold = [(np.arange(200), np.arange(200, 300))]
    settings = Settings(hidden_layer_sizes=(4,), max_iter=1)
    cross_fit(x, y, fold, settings, rng=rng, labels=labels)
    assert seen == [(2, 3, 300)]


def test_without_a_start_nothing_is_looked_for():
    fit = _fit(*_data(), start=None, solver="adam")
    assert fit.twists == (None, None)
    assert _fit(*_data(), solver="adam").twists != (None, None)


def test_fit_that_leans_on_its_start_is_not_trained(rng):
    x, e = rng.normal(size=(2, 300, 5))
    y = 0.99 * x + math.sqrt(1.0 - 0.99**2) * e
    fit = _fit(x, y, solver="auto")
    assert fit.leans_on_start
    assert fit.history == []
    assert fit.solver == "newton"


def test_each_stage_has_its_share_of_the_progress(monkeypatch):
    found = {}

    def watch(owner, name):
        stage = getattr(owner, name)

        def watched(*args, **kwargs):
            bar, low, high = _share.get()
            found.setdefault(name, (bar.n, low, high))
            return stage(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    for name in ("canonical_start", "_with_mixtures", "_ScoreFolds"):
        watch(_crossfit, name)
    for name in ("run", "_train_towers", "_solved", "_descend"):
        watch(_Trainer, name)
    with working("fit", shown=True):
        _fit(*_data(), solver="auto", tol=0.0)
    assert found == {
        "canonical_start": (0.0, 0.0, 1.0),
        "_with_mixtures": pytest.approx((0.1, 0.1, 0.5)),
        "run": pytest.approx((0.5, 0.5, 0.95)),
        "_train_towers": pytest.approx((0.5, 0.5, 0.725)),
        "_solved": pytest.approx((0.5, 0.5, 0.5675)),
        "_descend": pytest.approx((0.5675, 0.5675, 0.7025)),
        "_ScoreFolds": pytest.approx((0.95, 0.0, 1.0)),
    }


def _further(fit, x, y, n_before, **settings):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 2, "solver": "newton"}
    return further_fit(
        fit,
        *fit.as_seen(x, y),
        Settings(**(defaults | settings)),
        n_before=n_before,
        care=care_for(x, y),
        rng=np.random.default_rng(1),
    )


def test_further_rows_of_a_fit_that_leans_are_scored_as_it_is(rng):
    x, e = rng.normal(size=(2, 800, 5))
    y = 0.99 * x + math.sqrt(1.0 - 0.99**2) * e
    fit = _fit(x[:300], y[:300])
    more = _further(fit, x[300:], y[300:], 300)
    pointwise = fit.pointwise(x[300:], y[300:])
    assert more.estimate == pytest.approx(pointwise.mean(), rel=1e-6)
    assert more.std_error == pytest.approx(pointwise.std() / math.sqrt(500), rel=0.05)
    assert more.bank is fit.bank
    # Of 800 rows none certifies more than ln 4 * 800, and product pairs one nat.
    assert 4.5 < more.held_out_bound < min(math.log(3200) + 1.0, more.estimate - 1.0)


def test_further_rows_are_scored_before_they_teach():
    fit = _fit(*_data(), solver="adam")
    x, y = _data(2000, seed=1)
    more = _further(fit, x, y, 300, solver="adam", max_iter=4)
    assert more.estimate == pytest.approx(fit.pointwise(x, y).mean(), abs=0.1)
    assert more.std_error < 0.5 * fit.std_error
    # What was learnt is normalised for rows to come.
    x, y = _data(2000, seed=2)
    apart = more.pointwise(x, np.roll(y, 7))
    assert np.exp(apart).mean() == pytest.approx(1.0, abs=0.1)
    assert more.pointwise(x, y).mean() > more.estimate


def test_worse_critics_give_way_to_their_rival(monkeypatch):
    class Rival:
        def judged_by(self, judge, rows):
            return np.full(len(rows), self.bound)

    rival, (x, y) = Rival(), _data()
    settings = Settings(hidden_layer_sizes=(4,), max_iter=1)
    for bound, better in ((0.0, True), (10.0, False)):
        rival.bound = bound
        rng = np.random.default_rng(0)
        fit = cross_fit(x, y, _folds(300), settings, rng=rng, rival=rival)
        assert (fit is not None) == better
