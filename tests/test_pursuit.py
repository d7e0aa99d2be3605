import numpy as np
import pytest

from sklearn_mine._pursuit import level_units, striking_direction, waves_along


def _tables(x, y, n_levels=40):
    """Codes, units and joint shares of two columns of numbers."""
    codes, units = [], []
    for column in (x, y):
        ranks = np.argsort(np.argsort(column))
        codes.append(ranks * n_levels // len(column))
        units.append(level_units(column, codes[-1]))
    counts = np.zeros((n_levels, n_levels))
    np.add.at(counts, tuple(codes), 1.0)
    return *units, counts / len(x)


def test_units_follow_the_columns_own_scale(rng):
    values = np.append(rng.uniform(0.0, 10.0, size=999), 1e9)
    codes = np.argsort(np.argsort(values)) // 10
    units = level_units(values, codes)
    middle = [values[codes == level].mean() for level in range(99)]
    slope, _ = np.polyfit(middle, units[:99], 1)
    assert slope == pytest.approx(1.0 / 9.0, rel=0.1)
    # One wild value does not squeeze the rest.
    np.testing.assert_allclose(np.diff(units[:99]), slope * np.diff(middle), atol=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "b", "c"], dtype=object),
        np.array([1.0, np.nan, 2.0]),
        np.array([1.0, 1.0, 1.0]),
    ],
)
def test_columns_without_units_have_none(values):
    assert level_units(values, np.arange(3)) is None


@pytest.mark.parametrize("n", [200, 5000])
def test_independent_columns_have_no_direction(n):
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(50):
        x, y, joint = _tables(rng.normal(size=n), rng.normal(size=n))
        product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        found += striking_direction(x, y, joint, product, n) is not None
    assert found <= 1


def test_an_edge_across_both_columns_is_found(rng):
    x = rng.uniform(size=5000)
    y = 2.0 * x + rng.uniform(-0.5, 0.5, size=5000)
    x_units, y_units, joint = _tables(x, y)
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    places = striking_direction(x_units, y_units, joint, product, 5000)
    # Along the direction lies y - 2 x, in whatever units.
    steps = np.diff(x_units)[20], np.diff(y_units)[20]
    along_x = np.diff(places, axis=0)[20, 0] / steps[0]
    along_y = np.diff(places, axis=1)[0, 20] / steps[1]
    x_width, y_width = (
        np.subtract(*np.quantile(side, [0.95, 0.05])) for side in (x, y)
    )
    slope = -(along_x / x_width) / (along_y / y_width)
    assert slope == pytest.approx(2.0, rel=0.05)


def test_too_few_rows_have_no_direction():
    x = np.array([0.0, 1.0])
    joint = np.diag([0.5, 0.5])
    assert striking_direction(x, x, joint, np.full((2, 2), 0.25), 10) is None


def test_waves_are_uncorrelated_over_the_product_pairs(rng):
    product = np.outer(rng.dirichlet(np.ones(50)), rng.dirichlet(np.ones(50)))
    places = np.add.outer(rng.normal(size=50), rng.normal(size=50))
    waves, order = waves_along(places, product)
    flat = waves[:6].reshape(6, -1)
    moments = (flat * product.ravel()) @ flat.T
    np.testing.assert_allclose(moments, 0.5 * np.eye(6), atol=0.02)
    assert (np.diff(order) > 0).all()
