import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp

from sklearn_mine.nn.newton import solve_head


def _problem(rng, n_critics=1, m=200, width=4):
    features = torch.from_numpy(rng.normal(size=(m, width)))
    joint_mean = torch.from_numpy(0.3 * rng.normal(size=(n_critics, width)))
    log_weights = torch.full((n_critics, m), -np.log(m), dtype=torch.float64)
    ridge = torch.full((n_critics,), 0.05, dtype=torch.float64)
    return features, joint_mean, log_weights, ridge


def _objective(w, features, joint_mean, log_weights, ridge):
    log_z = logsumexp(features @ w + log_weights)
    return w @ joint_mean - log_z - 0.5 * (ridge * w**2).sum()


def test_solution_is_the_maximum(rng):
    problem = _problem(rng)
    one = [problem[0].numpy(), *(part[0].numpy() for part in problem[1:])]
    weights, _ = solve_head(*problem)
    best = minimize(lambda w: -_objective(w, *one), np.zeros(4), tol=1e-10)
    # BFGS with differences for gradients stops near 1e-6.
    np.testing.assert_allclose(weights[0].numpy(), best.x, atol=1e-4)
    assert _objective(weights[0].numpy(), *one) >= -best.fun - 1e-12


def test_gradient_vanishes_at_the_solution(rng):
    features, joint_mean, log_weights, ridge = _problem(rng, 3)
    weights, log_z = solve_head(features, joint_mean, log_weights, ridge)
    logits = weights @ features.T + log_weights
    torch.testing.assert_close(log_z, torch.logsumexp(logits, dim=1))
    tilted = torch.exp(logits - log_z[:, None])
    gradient = joint_mean - tilted @ features - ridge[:, None] * weights
    # The solver's own tolerance.
    assert gradient.abs().max() < 1e-7


def test_gaussian_pair_is_solved_exactly(rng):
    # Product pairs of a standard normal x, joint pairs of mean 0.5: the optimal
    # critic is 0.5 x, the bound 0.125 = KL(N(0.5, 1) || N(0, 1)).
    x = np.linspace(-8, 8, 4001)
    log_weights = -0.5 * x**2
    log_weights -= logsumexp(log_weights)
    tensors = (
        torch.from_numpy(x[:, None].copy()),
        torch.tensor([[0.5]], dtype=torch.float64),
        torch.from_numpy(log_weights[None]),
        torch.tensor([1e-12], dtype=torch.float64),
    )
    weights, log_z = solve_head(*tensors)
    # Quadrature of a smooth function on this grid is exact to rounding.
    assert weights.item() == pytest.approx(0.5, abs=1e-8)
    assert weights.item() * 0.5 - log_z.item() == pytest.approx(0.125, abs=1e-8)


def test_batching_does_not_change_a_head(rng):
    features, joint_mean, log_weights, ridge = _problem(rng, 7, width=10)
    together, _ = solve_head(features, joint_mean, log_weights, ridge)
    for f in range(7):
        part = slice(f, f + 1)
        alone, _ = solve_head(
            features, joint_mean[part], log_weights[part], ridge[part]
        )
        # The tolerance of the gradient over the ridge.
        torch.testing.assert_close(alone[0], together[f], atol=1e-7 / 0.05, rtol=0)


def test_larger_ridge_gives_smaller_weights(rng):
    features, joint_mean, log_weights, ridge = _problem(rng)
    loose, _ = solve_head(features, joint_mean, log_weights, ridge)
    tight, _ = solve_head(features, joint_mean, log_weights, 100 * ridge)
    assert tight.norm() < loose.norm()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_critic_with_unusable_inputs_is_zero_and_its_neighbours_solved(value, rng):
    features, joint_mean, log_weights, ridge = _problem(rng, 2)
    expected, _ = solve_head(features, joint_mean, log_weights, ridge)
    joint_mean = joint_mean.clone()
    joint_mean[0, 0] = value
    weights, log_z = solve_head(features, joint_mean, log_weights, ridge)
    assert not weights[0].any()
    assert torch.isfinite(log_z).all()
    torch.testing.assert_close(weights[1], expected[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_unusable_features_leave_heads_at_zero(value, rng):
    features, joint_mean, log_weights, ridge = _problem(rng, 2)
    features[3, 1] = value
    weights, log_z = solve_head(features, joint_mean, log_weights, ridge)
    assert not weights.any()
    assert torch.isfinite(log_z).all()


def test_separable_pairs_stay_finite(rng):
    # The joint mean lies outside the product pairs' hull: no maximum but the ridge's.
    features, joint_mean, log_weights, ridge = _problem(rng)
    weights, log_z = solve_head(features, 0 * joint_mean + 50.0, log_weights, ridge)
    assert torch.isfinite(weights).all()
    assert torch.isfinite(log_z).all()


def test_repeated_feature_is_no_obstacle(rng):
    features, joint_mean, log_weights, ridge = _problem(rng)
    features = torch.cat([features, features], dim=1)
    joint_mean = torch.cat([joint_mean, joint_mean], dim=1)
    weights, _ = solve_head(features, joint_mean, log_weights, ridge)
    torch.testing.assert_close(weights[..., :4], weights[..., 4:])


def test_cells_of_zero_weight_do_not_count(rng):
    features, joint_mean, log_weights, ridge = _problem(rng)
    expected, _ = solve_head(features, joint_mean, log_weights, ridge)
    more = torch.cat([features, 5.0 + 0 * features[:10]])
    nothing = torch.full((1, 10), -np.inf, dtype=torch.float64)
    weights, _ = solve_head(
        more, joint_mean, torch.cat([log_weights, nothing], dim=1), ridge
    )
    torch.testing.assert_close(weights, expected)


def test_given_curvature_changes_the_path_alone(rng):
    problem = _problem(rng, 3, width=6)
    expected, _ = solve_head(*problem)
    crude = (torch.ones(6, dtype=torch.float64), torch.eye(6, dtype=torch.float64))
    weights, _ = solve_head(*problem, crude)
    torch.testing.assert_close(weights, expected, atol=1e-6, rtol=0)
