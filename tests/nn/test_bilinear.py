import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp

from sklearn_mine.nn.bilinear import PRECISIONS, _Problem, solve_bilinear


def _problem(rng, n=400, strength=1.0):
    """A table of 6 by 5 levels that a bilinear critic describes."""
    x, y = np.linspace(-1, 1, 6)[:, None], np.linspace(-1, 1, 5)[:, None]
    x_functions = np.concatenate([np.ones_like(x), x, x**2], axis=1)
    y_functions = np.concatenate([np.ones_like(y), y], axis=1)
    joint = np.exp(strength * x * y.T)
    joint /= joint.sum()
    counts = rng.multinomial(n, joint.ravel()).reshape(joint.shape) / n
    product = np.outer(counts.sum(axis=1), counts.sum(axis=0))
    order = np.ones((3, 2))
    order[2, 1] = 2.0
    order[0, 0] = np.inf
    return x_functions, y_functions, order, counts, product, n


def _bound(weights, problem, precision):
    x, y, order, joint, product, n = problem
    kept = np.isfinite(order)
    matrix = np.zeros(order.shape)
    matrix[kept] = weights
    logits = x @ matrix @ y.T
    penalty = 0.5 * precision / n * (order[kept] ** 2 * weights**2).sum()
    log_z = logsumexp(logits, b=product)
    return (joint * logits).sum() - log_z - penalty, logits - log_z


def test_solution_is_the_maximum(rng):
    problem = _problem(rng, strength=2.0)
    solution = solve_bilinear(*problem)
    n_weights = np.isfinite(problem[2]).sum()
    other = minimize(
        lambda w: -_bound(w, problem, solution.precision)[0],
        np.zeros(n_weights),
        tol=1e-10,
    )
    _, values = _bound(other.x, problem, solution.precision)
    np.testing.assert_allclose(solution.values, values, atol=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_second_moments_are_those_of_all_products(turned, rng):
    x, y, order, joint, product, _ = _problem(rng)
    tables = rng.normal(size=(2, 6, 5))
    if turned:
        x, y, order, joint, product = y, x, order.T, joint.T, product.T
        tables = tables.transpose(0, 2, 1).copy()
    problem = _Problem(x, y, order, tables, np.ones(2), joint, product)
    products = [
        x[:, i, None] * y[:, j]
        for i, j in zip(problem.rows, problem.columns, strict=True)
    ]
    features = np.concatenate([products, tables]).reshape(len(products) + 2, -1)
    assert len(products) == np.isfinite(order).sum()
    moments = problem._moments(torch.from_numpy(np.ascontiguousarray(joint)))
    np.testing.assert_allclose(moments, (features * joint.ravel()) @ features.T)


def test_values_are_normalised(rng):
    problem = _problem(rng, strength=2.0)
    values = solve_bilinear(*problem).values
    assert (problem[4] * np.exp(values)).sum() == pytest.approx(1.0)


def test_evidence_frees_the_weights_of_strong_dependence(rng):
    weak = solve_bilinear(*_problem(rng, strength=0.0))
    strong = solve_bilinear(*_problem(rng, n=4000, strength=4.0))
    assert weak.precision == PRECISIONS[0]
    assert strong.precision < weak.precision


def test_levels_without_rows_stay_finite(rng):
    x, y, order, joint, product, n = _problem(rng)
    joint[0] = product[0] = 0.0
    joint, product = joint / joint.sum(), product / product.sum()
    assert np.isfinite(solve_bilinear(x, y, order, joint, product, n).values).all()


def test_a_table_is_weighed_with_the_rest_and_the_less_the_more_elaborate(rng):
    problem = _problem(rng, strength=0.0)
    joint, product, n = problem[3:]
    # A checkerboard, which no function of the problem describes.
    board = np.where(np.add.outer(np.arange(6), np.arange(5)) % 2, 1.0, -1.0)
    joint = joint * np.exp(0.5 * board)
    joint /= joint.sum()
    problem = (*problem[:3], joint, product, n)
    plain = solve_bilinear(*problem)
    free = solve_bilinear(*problem, board[None])
    stiff = solve_bilinear(*problem, board[None], np.array([1e5]))
    gained = [(joint * each.values).sum() for each in (plain, stiff, free)]
    assert gained[2] > gained[0] + 0.05
    assert gained[1] == pytest.approx(gained[0], abs=1e-3)


def test_functions_that_nearly_agree_do_not_spoil_the_choice(rng):
    x, y, order, joint, product, n = _problem(rng, n=200_000, strength=3.0)
    # The squares of x once more, which single precision cannot tell from themselves.
    twin = np.outer(x[:, 2], np.ones(5))[None] * (1.0 + 1e-9)
    plain = solve_bilinear(x, y, order, joint, product, n)
    doubled = solve_bilinear(x, y, order, joint, product, n, twin)
    assert doubled.precision == plain.precision
    np.testing.assert_allclose(doubled.values, plain.values, atol=1e-3)
