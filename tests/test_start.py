import numpy as np
import pytest

from sklearn_mine._start import Twist, canonical_start, telling_columns
from sklearn_mine.nn.critics import CriticBank


def _information(correlations):
    return -0.5 * np.log1p(-(correlations**2)).sum()


def test_canonical_correlations_of_gaussian_vectors(rng):
    x, e = rng.normal(size=(2, 5000, 2))
    y = np.array([0.8, 0.5]) * x + np.array([0.6, np.sqrt(0.75)]) * e
    x = x @ np.array([[1.0, 2.0], [0.0, 3.0]])  # a mixture changes nothing
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    # 0.8 and 0.5; three standard errors (1 - rho^2) / sqrt(5000) are 0.016 and 0.032.
    assert start.correlations[0] == pytest.approx(0.8, abs=0.016)
    assert start.correlations[1] == pytest.approx(0.5, abs=0.032)


def test_coordinates_are_uncorrelated_with_unit_variance(rng):
    x = rng.normal(size=(2000, 4)) @ rng.normal(size=(4, 4))
    y = rng.normal(size=(2000, 3))
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    u = (x - start.x_mean) @ start.x_directions
    # Ledoit-Wolf shrinks a little, less the more rows there are.
    np.testing.assert_allclose(np.cov(u.T), np.eye(4), atol=0.05)


def test_independent_vectors_have_no_confirmed_correlation(rng):
    # 20 draws of 10 pairs at three standard errors: one in 740 passes by chance on
    # one side, so more than two of 200 would be a fault.
    n_confirmed = 0
    for _ in range(20):
        x, y = rng.normal(size=(2, 500, 10))
        start = canonical_start(x, y, rng=rng)
        n_confirmed += (start.correlations > 0).sum()
    assert n_confirmed <= 2


def test_shared_latent_over_many_columns_is_one_pair(rng):
    latent = rng.normal(size=(10000, 2))
    latent[:, 1] = np.sqrt(0.75) * latent[:, 0] + 0.5 * latent[:, 1]
    x = np.concatenate(
        [
            latent[:, :1] + rng.normal(size=(10000, 10)) * 0.1,
            rng.normal(size=(10000, 10)),
        ],
        axis=1,
    )
    y = latent[:, 1:] + rng.normal(size=(10000, 10)) * 0.1
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    # rho^2 = 0.75 / (1.001)^2 after averaging ten noisy copies: about ln 2 = 0.693.
    assert _information(start.correlations) == pytest.approx(0.69, abs=0.05)
    assert (start.correlations > 0).sum() == 1


def test_perfect_copies_stay_finite(rng):
    x = rng.normal(size=(200, 3))
    start = canonical_start(x, x, rng=np.random.default_rng(0))
    assert (start.correlations < 1.0).all()
    assert np.isfinite(_information(start.correlations))


def test_constant_and_repeated_columns_are_dropped(rng):
    x = rng.normal(size=(100, 1))
    x = np.concatenate([x, x, np.zeros((100, 1))], axis=1)
    y = rng.normal(size=(100, 2))
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    assert np.isfinite(start.x_directions).all()
    assert np.isfinite(start.correlations).all()


@pytest.mark.parametrize("n", [2, 3, 7, 8])
def test_few_rows_stay_finite(n, rng):
    start = canonical_start(
        rng.normal(size=(n, 3)), rng.normal(size=(n, 2)), rng=np.random.default_rng(0)
    )
    assert np.isfinite(start.correlations).all()
    assert np.isfinite(start.x_directions).all()


def test_more_columns_than_rows_stay_finite(rng):
    x, y = rng.normal(size=(30, 200)), rng.normal(size=(30, 2))
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    assert np.isfinite(start.x_directions).all()


def test_without_analysis_coordinates_are_the_inputs(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    start = canonical_start(x, y, rng=rng, analyse=False)
    np.testing.assert_array_equal((x - start.x_mean) @ start.x_directions, x)
    np.testing.assert_array_equal(start.correlations, np.zeros(2))


def _spiral(rng, n=5000, d=5):
    """x turned by its own radius against y, as no linear map can undo."""
    x = rng.normal(size=(n, d))
    y = 0.8 * x[:, :2] + 0.6 * rng.normal(size=(n, 2))
    angle = 0.5 * (x**2).sum(axis=1)
    turned = x.copy()
    turned[:, 0] = np.cos(angle) * x[:, 0] - np.sin(angle) * x[:, 1]
    turned[:, 1] = np.sin(angle) * x[:, 0] + np.cos(angle) * x[:, 1]
    return turned, y


def _twisted_start(x, y):
    sides = Twist(x)(x), Twist(y)(y)
    return canonical_start(
        *sides, rng=np.random.default_rng(0), n_plain=(x.shape[1], y.shape[1])
    )


def test_twisted_pairs_undo_a_spiral(rng):
    start = _twisted_start(*_spiral(rng))
    assert start.correlations.max() < 0.6
    # The correlations before the turn were 0.8 and 0.8.
    assert (start.twist_correlations[:2] > 0.7).all()


def test_gaussian_rows_have_no_twists(rng):
    x = rng.normal(size=(5000, 3))
    y = 0.8 * x + 0.6 * rng.normal(size=(5000, 3))
    assert len(_twisted_start(x, y).twist_correlations) == 0


def test_twisted_columns_follow_the_plain_ones_row_by_row(rng):
    x = rng.normal(size=(200, 3))
    twist = Twist(x)
    every = twist(x)
    np.testing.assert_array_equal(every[:, :3], x)
    np.testing.assert_allclose(twist(x[5:6]), every[5:6])
    assert Twist(rng.normal(size=(200, 100)))(x[:, :1].repeat(100, 1)).shape == (
        200,
        100,
    )


def test_ratio_is_that_of_a_gaussian(rng):
    x = rng.normal(size=(4000, 1))
    y = 0.8 * x + 0.6 * rng.normal(size=(4000, 1))
    start = canonical_start(x, y, rng=np.random.default_rng(0))
    rows = np.arange(4000)
    gaussian, _ = start.ratios(x, y)
    assert gaussian(rows, rows).mean() == pytest.approx(start.claim, abs=0.02)


def test_strongest_twisted_pair_is_no_echo(rng):
    # y is the radius of x, nearly: one pair with a correlation above 0.95.
    x = rng.normal(size=(4000, 5))
    y = np.log((x**2).sum(axis=1, keepdims=True)) + 0.05 * rng.normal(size=(4000, 1))
    assert _twisted_start(x, y).twist_correlations[0] > 0.95


def test_columns_that_tell_by_themselves_are_known(rng):
    x = rng.normal(size=(2000, 12))
    wave = np.sin(3.0 * x[:, :1]) + 0.5 * rng.normal(size=(2000, 1))
    expected = np.arange(12) == 0
    np.testing.assert_array_equal(telling_columns(x, wave), expected)
    assert telling_columns(wave, x) is None  # a single column
    assert telling_columns(x, rng.normal(size=(2000, 1))) is None  # none of them
    assert telling_columns(x, x.sum(axis=1, keepdims=True)) is None  # all of them
    start = canonical_start(x, wave, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(start.tells[0], expected)
    assert start.tells[1] is None


def test_networks_see_more_of_what_is_known_to_tell(rng):
    x = rng.normal(size=(500, 12))
    wave = np.sin(3.0 * x[:, :1])
    starts = [canonical_start(x, y, rng=rng) for y in (wave, rng.permutation(wave))]
    bank = CriticBank(starts, (4,), "relu", use_start=True, rng=rng)
    known, unknown = bank.x_scales[0, 0, 0], bank.x_scales[0, 0, 1:]
    assert known == 1.0 and (unknown < 0.2).all()
    # Where no column is known to tell, all are alike.
    assert (bank.x_scales[1] == bank.x_scales[1, 0, 0]).all()
    assert bank.x_scales[1, 0, 0] > unknown[0]
