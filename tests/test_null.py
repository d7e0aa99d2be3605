import math
from itertools import permutations

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import chi2, hypergeom, rankdata

from sklearn_mine import _null


def _features(values, seed):
    return _null.test_features(
        values, np.ones(len(values)), np.random.default_rng(seed)
    )[0]


def _p_value(x, y):
    ones = np.ones(len(x))
    fx, fy = _features(x, 1), _features(y, 2)
    observed = np.array([_null.row_statistic(fx, fy)])
    weights = _null.null_weights(fx, ones, fy, ones)
    return float(_null.chi_square_sum_sf(observed, weights)[0])


def _tables(x, y, rng, n_pairings):
    """Tables of labels, paired anew each time."""
    tables = np.zeros((n_pairings, x.max() + 1, y.max() + 1))
    for table in tables:
        np.add.at(table, (x, rng.permutation(y)), 1)
    return tables


@pytest.mark.parametrize("df", [1, 2, 5, 40, 1000])
def test_tail_of_equal_weights_is_chi_square(df):
    q = chi2.isf([0.5, 0.1, 1e-2, 1e-6, 1e-30], df)
    weights = np.append(np.full(df, 3e-6), [1e-21, 0.0])
    # Exact, but for rounding, which tails that far out magnify.
    np.testing.assert_allclose(
        _null.chi_square_sum_sf(3e-6 * q, weights), chi2.sf(q, df), rtol=1e-6
    )


def test_tail_of_many_weights_matches_simulation(rng):
    weights = np.arange(1, 401) ** -0.5
    draws = rng.chisquare(1, size=(20_000, 400)) @ weights
    p = _null.chi_square_sum_sf(np.quantile(draws, [0.05, 0.5, 0.95]), weights)
    # The standard error of 0.05 from 20,000 draws is 3 %.
    np.testing.assert_allclose([*p[1:], 1.0 - p[0]], [0.5, 0.05, 0.05], rtol=0.1)


def test_tail_of_unequal_weights_matches_simulation(rng):
    weights = np.array([1.0, 0.5, 0.2, 0.1, 0.05])
    draws = rng.chisquare(1, size=(200_000, 5)) @ weights
    q = np.quantile(draws, [0.5, 0.9, 0.99])
    # The standard error of 0.01 from 200,000 draws is 2 %; the formula's is 5 %.
    np.testing.assert_allclose(
        _null.chi_square_sum_sf(q, weights), [0.5, 0.1, 0.01], rtol=0.1
    )


def test_tail_falls_from_one_and_stays_positive():
    weights = np.array([1.0, 0.3, 0.1])
    p = _null.chi_square_sum_sf(np.array([0.0, 1e-9, 0.5, 1.4, 5.0, 50.0]), weights)
    assert p[0] == 1.0
    assert p[1] > 0.999
    assert (np.diff(p) <= 0).all()


@pytest.mark.parametrize("weights", [[1.0, 0.3, 0.1], [1.0]])
def test_tail_is_never_zero(weights):
    assert (_null.chi_square_sum_sf(np.array([1e3, 1e5]), np.array(weights)) > 0).all()


def test_tail_is_smooth_at_the_mean():
    weights = np.array([1.0, 0.4, 0.3])
    near = 1.7 + np.array([-1e-3, -1e-5, 0.0, 1e-5, 1e-3])
    p = _null.chi_square_sum_sf(near, weights)
    # The density there is about 0.3, so p moves by 3e-4 over 1e-3.
    np.testing.assert_allclose(p, p[2], atol=1e-3)


def test_weights_of_no_size_have_p_value_one():
    np.testing.assert_array_equal(
        _null.chi_square_sum_sf(np.array([0.0, 1.0]), np.zeros(3)), [1.0, 1.0]
    )


def test_rows_and_levels_give_one_statistic(rng):
    x, y = rng.integers(4, size=300), rng.integers(3, size=300)
    table = np.zeros((4, 3))
    np.add.at(table, (x, y), 1)
    fx = _null.test_features(np.eye(4), table.sum(axis=1), np.random.default_rng(0))[0]
    fy = _null.test_features(np.eye(3), table.sum(axis=0), np.random.default_rng(1))[0]
    assert _null.statistic(fx, fy, table) == pytest.approx(
        _null.row_statistic(fx[x], fy[y]),
        rel=1e-9,  # the same sum, reordered
    )


def test_statistics_of_many_tables_are_those_of_each(rng):
    x, y = rng.integers(4, size=60), rng.integers(3, size=60)
    fx, fy = rng.normal(size=(4, 2)), rng.normal(size=(3, 5))
    tables = _tables(x, y, rng, 3)
    together = _null.statistic(fx, fy, tables)
    assert together.shape == (3,)
    np.testing.assert_allclose(together, [_null.statistic(fx, fy, t) for t in tables])


@pytest.mark.parametrize("n", [2, 5])
def test_null_weights_sum_to_the_mean_over_all_pairings(n, rng):
    fx, fy = rng.normal(size=(n, 2)), rng.normal(size=(n, 3))
    fx, fy = fx - fx.mean(axis=0), fy - fy.mean(axis=0)
    weights = _null.null_weights(fx, np.ones(n), fy, np.ones(n))
    every = [
        _null.row_statistic(fx, fy[list(order)]) for order in permutations(range(n))
    ]
    assert weights.sum() == pytest.approx(np.mean(every), rel=1e-9)  # exact
    assert (np.diff(weights) <= 0).all()


def test_null_weights_of_levels_are_those_of_their_rows(rng):
    x_counts, y_counts = np.array([3.0, 5.0, 12.0]), np.array([8.0, 12.0])
    fx, fy = rng.normal(size=(3, 2)), rng.normal(size=(2, 2))
    rows = [
        np.repeat(features, counts.astype(int), axis=0)
        for features, counts in ((fx, x_counts), (fy, y_counts))
    ]
    ones = np.ones(20)
    np.testing.assert_allclose(
        _null.null_weights(fx, x_counts, fy, y_counts),
        _null.null_weights(rows[0], ones, rows[1], ones),
        atol=1e-9,
    )


def test_null_weights_are_those_of_all_pairings(rng):
    n = 100
    x, y = rng.normal(size=(2, n, 1))
    ones = np.ones(n)
    fx, fy = _features(x, 1), _features(y, 2)
    weights = _null.null_weights(fx, ones, fy, ones)
    drawn = [_null.row_statistic(fx, fy[rng.permutation(n)]) for _ in range(4000)]
    # The mean over pairings is the sum of the weights (Hoeffding, exactly); of 4,000
    # draws it has a relative standard error of 1.5 % or so.
    assert np.mean(drawn) == pytest.approx(weights.sum(), rel=0.06)


def test_p_values_of_independent_pairs_are_level():
    rng = np.random.default_rng(3)
    p = np.array([_p_value(*rng.normal(size=(2, 200, 1))) for _ in range(400)])
    # 5 % of 400 is 20, with a standard deviation of 4.4; three are 13.
    assert 7 <= (p < 0.05).sum() <= 33
    assert 0.4 < np.median(p) < 0.6


def test_p_values_of_many_labels_are_level(rng):
    # More terms than are kept one by one, and of one weight.
    x, y = rng.integers(30, size=(2, 3000))
    tables = _tables(x, y, rng, 200)
    fx, fy = (
        _null.test_features(np.eye(30), np.bincount(codes).astype(float), rng)[0]
        for codes in (x, y)
    )
    weights = _null.null_weights(fx, np.bincount(x), fy, np.bincount(y))
    p = _null.chi_square_sum_sf(_null.statistic(fx, fy, tables), weights)
    # 5 % of 200 is 10, with a standard deviation of 3.1; three are 9.
    assert 1 <= (p < 0.05).sum() <= 19
    assert 0.4 < np.median(p) < 0.6


def _labels(codes):
    """Codes as an estimator encodes labels, the most frequent by themselves."""
    frequent = np.argsort(-np.bincount(codes), kind="stable")[:64]
    return (codes[:, None] == frequent) * 1.0


def test_p_values_of_labels_that_hardly_meet_are_level():
    # Whether two or three rows share both their labels decides here, and no chi-square
    # is like that: p-values below 0.001 would be many.
    p_values = []
    for seed in range(40):
        codes = np.random.default_rng(seed).integers(1000, size=(2, 3000))
        p_values.append(_null.independence_p_value(*map(_labels, codes), seed))
    # 5 % of 40 are 2, with a standard deviation of 1.4.
    assert np.sum(np.array(p_values) < 0.05) <= 7
    assert 0.2 < np.median(p_values) < 0.8
    assert min(p_values) > 1e-5


def test_labels_that_hardly_meet_by_chance_are_found(rng):
    x = rng.integers(1000, size=3000)
    y = np.where(rng.random(3000) < 0.3, x, rng.integers(1000, size=3000))
    assert 0.0 < _null.independence_p_value(_labels(x), _labels(y), 0) < 1e-10
    # Labels that one row each has meet never, whatever is drawn.
    one = _null.moments_p_value(
        np.zeros((3, 1)), np.arange(3), np.ones((3, 1)), np.arange(3), rng
    )
    assert one == 1.0


@pytest.mark.parametrize(
    ("n_levels", "n", "few"), [(1000, 3000, True), (60, 200, True), (10, 1000, False)]
)
def test_few_pairs_decide_where_rare_levels_meet(n_levels, n, few, rng):
    sides = [
        _null._tested(_labels(rng.integers(n_levels, size=n)), rng)[:2]
        for _ in range(2)
    ]
    assert _null.few_pairs_decide(*sides[0], *sides[1]) == few
    numbers = _null._tested(rng.normal(size=(n, 1)), rng)[:2]
    assert not _null.few_pairs_decide(*numbers, *numbers)


def test_p_value_of_a_strong_dependence_is_tiny(rng):
    x = rng.normal(size=(1000, 1))
    y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=(1000, 1))
    # A correlation of 0.5 over 1,000 rows is 16 standard errors: about 1e-60.
    assert 0 < _p_value(x, y) < 1e-20
    assert 0 < _null.independence_p_value(x, y, 0) < 1e-20


def test_p_value_of_few_rows_is_no_smaller_than_drawn_pairings_show(rng):
    x = rng.normal(size=(20, 1))
    assert _null.independence_p_value(x, x, 0) == 1.0 / (1.0 + _null.N_PERMUTATIONS)


def test_dependence_without_correlation_is_found(rng):
    x = rng.normal(size=(1000, 1))
    assert _p_value(x, x**2 + 0.5 * rng.normal(size=(1000, 1))) < 1e-6


def test_oscillation_is_found(rng):
    # The correlation is 3 exp(-4.5), 0.03, and that of the squares 0.
    x = rng.normal(size=(1000, 1))
    assert _null.independence_p_value(x, np.sin(3.0 * x), 0) < 1e-6


@pytest.mark.parametrize("classes", [2, 10])
def test_change_of_spread_is_found(classes):
    p = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        labels = rng.integers(classes, size=800)
        x = rng.normal(size=800) * np.where(labels % 2, 1.6, 1.0)
        p.append(_null.independence_p_value(x[:, None], np.eye(classes)[labels], 0))
    # An F-test of the two variances has 1e-9 in the median. Here the shape is not
    # known, nor which classes have which spread.
    assert np.median(p) < 1e-3


def test_outliers_do_not_decide():
    p = []
    for seed in range(300):
        x, y = np.exp(3.0 * np.random.default_rng(seed).normal(size=(2, 100, 1)))
        p.append(_null.independence_p_value(x, y, seed))
    # 3 of 300 lie under 0.01, with a standard deviation of 1.7: three are 8. Where
    # the values themselves were compared, some were 1e-12.
    assert np.sum(np.array(p) < 0.01) <= 8
    assert min(p) > 1e-5


def test_increasing_maps_change_nothing(rng):
    x, y = rng.normal(size=(2, 200, 2))
    assert _null.independence_p_value(np.exp(x), y**3, 0) == pytest.approx(
        _null.independence_p_value(x, y, 0), rel=1e-9
    )


def test_permutation_p_value_is_exact_in_kind(rng):
    x = rng.normal(size=(40, 1))
    rows = np.arange(40)
    p = _null.permutation_p_value(_features(x, 1), rows, _features(x, 2), rows, rng)
    assert p == 1.0 / (1.0 + _null.N_PERMUTATIONS)  # none of the drawn reaches it
    noise = _features(rng.normal(size=(40, 1)), 2)
    assert _null.permutation_p_value(_features(x, 1), rows, noise, rows, rng) > 0.01


def test_permutation_p_value_of_rare_levels_is_fishers(rng):
    # Two flags, 10 and 15 rows of 2,000, that meet in two: the statistic grows with
    # the meetings, so the p-value is the hypergeometric tail.
    x, y = np.zeros((2, 2000), dtype=int)
    x[:10] = y[8:23] = 1
    features = [
        _null.test_features(np.eye(2), np.bincount(codes).astype(float), rng)[0]
        for codes in (x, y)
    ]
    p = [
        _null.permutation_p_value(features[0], x, features[1], y, rng),
        _null.permutation_p_value(features[1], y, features[0], x, rng),
    ]
    # 0.0023; 1,999 draws know it to 0.0011, three of those.
    np.testing.assert_allclose(p, hypergeom.sf(1, 2000, 10, 15), atol=0.0033)


@pytest.mark.parametrize("swapped", [False, True])
def test_permutation_p_value_is_that_of_all_pairings(swapped, rng):
    # Sides of different levels; rows outside the mode are fewer in one.
    x, y = np.repeat([0, 1, 2], [1, 5, 2]), np.repeat([0, 1, 2, 3], [2, 1, 3, 2])
    fx = np.array([[-1.5, 0.0], [-1.0, 0.1], [2.0, 0.3]])
    fy = np.array([[-1.0], [0.1], [1.2], [2.0]])
    fx, fy = fx - fx[x].mean(axis=0), fy - fy[y].mean(axis=0)
    orders = np.array(list(permutations(range(8))))
    every = ((fx[x].T @ fy[y[orders]]) ** 2).sum(axis=(1, 2)) / 8
    truth = np.mean(every >= _null.row_statistic(fx[x], fy[y]) - 1e-9)  # 0.048
    sides = (fy, y, fx, x) if swapped else (fx, x, fy, y)
    p = np.mean([_null.permutation_p_value(*sides, rng) for _ in range(8)])
    # Each ends at 20 pairings that reach it, known to 22 %; 8 % for eight.
    assert p == pytest.approx(truth, rel=0.3)


def test_ties_count_as_reached(rng):
    # Two flags of one row each that do not meet: no pairing has less.
    x, y = np.zeros((2, 30), dtype=int)
    x[0] = y[1] = 1
    features = _null.test_features(np.eye(2), np.array([29.0, 1.0]), rng)[0]
    assert _null.permutation_p_value(features, x, features, y, rng) == 1.0
    nothing = np.zeros((2, 1))
    assert _null.permutation_p_value(nothing, x, features, y, rng) == 1.0


def test_drawing_stops_early_where_the_answer_is_plainly_not_small():
    class Counting(np.random.Generator):
        drawn = 0

        def choice(self, *args, **kwargs):
            self.drawn += 1
            return super().choice(*args, **kwargs)

    counting = Counting(np.random.PCG64(0))
    x, y = np.arange(30) % 2, np.arange(30) // 2 % 2
    features = np.array([[-1.0], [1.0]])
    _null.permutation_p_value(features, x, features, y, counting)
    assert counting.drawn == 99


@pytest.mark.parametrize(
    ("x_counts", "y_counts", "needed"),
    [
        (np.ones(59), np.ones(59), True),
        (np.ones(60), np.ones(60), False),
        (np.array([60.0, 30.0]), np.array([60.0, 30.0]), False),
        (np.array([60.0, 30.0]), np.array([61.0, 29.0]), True),
        (np.ones(1000), np.ones(1000), False),
        (np.array([19980.0, 20.0]), np.array([19980.0, 20.0]), True),
        (np.array([500.0, 500.0]), np.array([500.0, 500.0]), False),
    ],
)
def test_pairings_are_drawn_where_rows_are_few_or_rare(x_counts, y_counts, needed):
    assert _null.needs_permutations(x_counts, y_counts) == needed


def test_features_are_centred_under_their_counts(rng):
    counts = np.array([1.0, 5.0, 10.0])
    features, _ = _null.test_features(rng.normal(size=(3, 2)), counts, rng)
    np.testing.assert_allclose(counts @ features, 0.0, atol=1e-10)


def test_coordinates_are_normal_scores_without_correlation(rng):
    x = np.exp(rng.normal(size=(200, 1)))
    scores = ndtri((rankdata(x) - 0.5) / 200)
    coordinate = _features(x, 0)[:, 0]
    assert abs(np.mean(coordinate * scores / scores.std())) == pytest.approx(1.0)
    pair = np.column_stack([x, x[:, 0] + rng.normal(size=200)])
    features, width = _null.test_features(pair, np.ones(200), rng)
    assert width == 2
    np.testing.assert_allclose(np.cov(features[:, :2].T, ddof=0), np.eye(2), atol=1e-9)


def test_levels_have_the_features_of_their_rows(rng):
    levels, counts = rng.normal(size=(8, 2)), np.arange(1.0, 9.0)
    codes = np.repeat(np.arange(8), np.arange(1, 9))
    of_levels, of_rows = (
        _null.test_features(values, weights, np.random.default_rng(0))[0]
        for values, weights in ((levels, counts), (levels[codes], np.ones(36)))
    )
    # The signs of coordinates are arbitrary.
    np.testing.assert_allclose(abs(of_levels[codes]), abs(of_rows), atol=1e-9)


def test_units_and_squares_have_their_weights(rng):
    features, width = _null.test_features(
        rng.normal(size=(5000, 2)), np.ones(5000), rng
    )
    coordinates, units, squares = np.split(features, [2, 2 + _null.N_UNITS], axis=1)
    total = (units**2).mean(axis=0).sum()
    assert total == pytest.approx(width * _null._UNIT_WEIGHT**2)
    np.testing.assert_allclose(squares.std(axis=0), _null._SQUARE_WEIGHT)
    # No row beyond three standard deviations has more than another.
    far = squares[abs(coordinates[:, 0]) > 3.0, 0]
    assert len(far) > 3
    np.testing.assert_allclose(far, far.max())
    # Of two flags the squares are constant: nothing is made of their rounding.
    flags = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0]), axis=-1).reshape(4, 2)
    features, _ = _null.test_features(flags, np.full(4, 50.0), rng)
    assert abs(features[:, 2 + _null.N_UNITS :]).max() < 1e-9


def test_units_bend_alike_however_many_columns(rng):
    x = rng.normal(size=(500, 1))
    straight = []
    for copies in (1, 64):
        several = np.repeat(x, copies, axis=1)
        units = np.hstack(
            [_features(several, seed)[:, 1 : 1 + _null.N_UNITS] for seed in range(5)]
        )
        straight.append(np.mean(np.corrcoef(x.T, units.T)[0, 1:] ** 2))
    # The share of a unit that is a straight line. Units vary by 0.17, the mean of 120
    # by 0.016.
    assert straight[0] == pytest.approx(straight[1], abs=3.0 * 0.016 * math.sqrt(2.0))


def test_rare_levels_keep_less_than_unit_variance(rng):
    flag = np.arange(1000) < 2
    with_another = np.column_stack([rng.normal(size=1000), flag])
    features, width = _null.test_features(with_another, np.ones(1000), rng)
    assert width == 2
    rare, other = np.sort(features[:, :2].var(axis=0))
    assert other == pytest.approx(1.0)
    assert rare < 0.5
    # Alone it is all there is.
    alone, _ = _null.test_features(np.eye(2), np.array([1e9, 1.0]), rng)
    assert alone[0] @ alone[0] * 1e9 + alone[1] @ alone[1] == pytest.approx(1e9 + 1.0)


def test_few_levels_need_nothing_beyond_their_coordinates(rng):
    # Every function of three levels is a sum of two coordinates.
    features, width = _null.test_features(np.eye(3), np.array([30.0, 40.0, 50.0]), rng)
    assert features.shape == (3, width) == (3, 2)
    ordered, width = _null.test_features(np.arange(3.0)[:, None], np.ones(3), rng)
    assert width == 1
    assert np.linalg.matrix_rank(ordered) == 2


def test_constant_variable_has_features_of_zero():
    assert not _features(np.zeros((20, 2)), 0).any()
