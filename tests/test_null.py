import numpy as np
import pytest
from scipy.stats import chi2, hypergeom

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


@pytest.mark.parametrize("df", [1, 2, 5, 40])
def test_tail_of_equal_weights_is_chi_square(df):
    q = chi2.isf([0.5, 0.1, 1e-2, 1e-6, 1e-30], df)
    exact = chi2.sf(q, df)
    # The saddlepoint formula's relative error, largest for one term.
    np.testing.assert_allclose(
        _null.chi_square_sum_sf(3.0 * q, np.full(df, 3.0)), exact, rtol=0.06
    )


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
    p = _null.chi_square_sum_sf(np.array([0.0, 0.5, 1.4, 5.0, 50.0, 1e3]), weights)
    assert p[0] == 1.0
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()


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


def test_p_value_of_a_strong_dependence_is_tiny(rng):
    x = rng.normal(size=(1000, 1))
    y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=(1000, 1))
    # A correlation of 0.5 over 1,000 rows is 16 standard errors: about 1e-60.
    assert 0 < _p_value(x, y) < 1e-20


def test_dependence_without_correlation_is_found(rng):
    x = rng.normal(size=(1000, 1))
    assert _p_value(x, x**2 + 0.5 * rng.normal(size=(1000, 1))) < 1e-6


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


@pytest.mark.parametrize(
    ("x_counts", "y_counts", "needed"),
    [
        (np.ones(59), np.ones(59), True),
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


def test_constant_variable_has_features_of_zero():
    assert not _features(np.zeros((20, 2)), 0).any()
