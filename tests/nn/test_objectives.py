import copy
import math

import numpy as np
import pytest
import torch

from sklearn_mine.nn import OBJECTIVES
from sklearn_mine.nn.critics import shifts_of
from sklearn_mine.nn.objectives import DonskerVaradhan, InfoNCE, Mine, MineF

RHO = 0.6
TRUTH = -0.5 * math.log(1.0 - RHO**2)  # 0.223


def _draw(n, seed=0):
    """Gaussian pairs of correlation RHO."""
    rng = np.random.default_rng(seed)
    x, e = torch.from_numpy(rng.normal(size=(2, n)))
    return x, RHO * x + math.sqrt(1.0 - RHO**2) * e


def _values(critic, n=20_000, n_shifts=8, seed=0):
    """Values (1, 1 + S, n) of a critic on such pairs."""
    x, y = _draw(n, seed)
    partners = shifts_of(n, range(n_shifts + 1))
    return critic(x, y[partners])[None], partners


def _log_ratio(x, y):
    square = RHO**2 * (x**2 + y**2) - 2.0 * RHO * x * y
    return TRUTH - square / (2.0 * (1.0 - RHO**2))


def _every_pair(critic, n=60):
    """Values (1, n, n) of a critic on all pairs of such rows."""
    x, y = _draw(n)
    return critic(x[:, None], y[None])[None]


def _bound(objective, values, partners):
    return objective.bound(*objective.terms(values, partners)).item()


def test_objectives_say_what_they_bound_and_whether_the_last_layer_can_be_solved():
    claims = {
        name: (each.is_lower_bound, each.is_solvable)
        for name, each in OBJECTIVES.items()
    }
    assert claims == {
        "mine": (True, True),
        "dv": (True, True),
        "mine-f": (True, True),
        "infonce": (True, False),
        "jensen-shannon": (True, False),
        "smile": (False, False),
    }


@pytest.mark.parametrize(
    ("name", "shift"), [("mine", 0.0), ("dv", 0.0), ("mine-f", 1.0)]
)
def test_bound_of_the_best_critic_is_the_information(name, shift):
    values, partners = _values(_log_ratio)
    # One standard error of the mean log ratio over 20,000 rows is rho / sqrt(n), 0.004.
    assert _bound(OBJECTIVES[name](), values + shift, partners) == pytest.approx(
        TRUTH, abs=0.015
    )


def test_infonce_of_the_best_critic_nears_the_information_from_below():
    values, partners = _values(_log_ratio, n_shifts=128)
    bound = _bound(InfoNCE(), values, partners)
    # With 129 candidates the cap is 4.9; what is lost at 0.22 nats is of order
    # 1 / 129, and the standard error 0.004.
    assert bound == pytest.approx(TRUTH, abs=0.02)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("scale", [0.3, 0.8, 1.5])
def test_no_critic_passes_the_information(name, scale):
    values, partners = _values(lambda x, y: scale * RHO * torch.tanh(x) * y)
    objective = OBJECTIVES[name]()
    if not objective.is_lower_bound:
        pytest.skip("claims no bound")
    # Three standard errors of 0.005.
    assert _bound(objective, values, partners) <= TRUTH + 0.015


@pytest.mark.parametrize("name", OBJECTIVES)
def test_constant_critic_scores_nothing_or_less(name):
    bound = _bound(OBJECTIVES[name](), *_values(lambda x, y: 1.0 + 0.0 * x * y))
    # The divergence knows the logit of nothing: 2 (ln 2 - ln(1 + e)) + 1 for one of 1.
    right = 2.0 * math.log(2.0 / (1.0 + math.e)) + 1.0
    right = right if name == "jensen-shannon" else 0.0
    assert bound == pytest.approx(right, abs=1e-9)  # exact, but for rounding


def test_jensen_shannon_of_the_best_critic_is_twice_the_divergence():
    values, partners = _values(_log_ratio)
    # By quadrature: E[ln 2r / (1 + r)] under the joint and E[ln 2 / (1 + r)] under the
    # product, r the density ratio.
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    x, e = np.meshgrid(nodes, nodes)
    weight = np.outer(weights, weights) / (2.0 * np.pi)
    joint = _log_ratio(torch.from_numpy(x), torch.from_numpy(RHO * x + 0.8 * e)).numpy()
    product = _log_ratio(torch.from_numpy(x), torch.from_numpy(e)).numpy()
    truth = (weight * -np.log1p(np.exp(-joint))).sum() + np.log(2.0)
    truth += (weight * -np.log1p(np.exp(product))).sum() + np.log(2.0)
    found = _bound(OBJECTIVES["jensen-shannon"](), values, partners)
    assert found == pytest.approx(truth, abs=0.01)  # three standard errors
    assert found < TRUTH


def test_smile_clips_the_partition_alone_and_may_pass_the_information():
    # Twice the log ratio: the joint term is not clipped, what is divided by is.
    values, partners = _values(lambda x, y: 4.0 * _log_ratio(x, y))
    clipped = OBJECTIVES["smile"](clip=1.0)
    assert not clipped.is_lower_bound
    assert _bound(clipped, values, partners) > TRUTH + 0.2
    never = OBJECTIVES["smile"](clip=1e3)
    assert _bound(never, values, partners) == pytest.approx(
        _bound(DonskerVaradhan(), values, partners)
    )


@pytest.mark.parametrize(("value", "bound"), [(100.0, 95.0), (-100.0, -95.0), (3, 0)])
def test_smile_clips_at_five_unless_told(value, bound):
    values = torch.full((1, 3, 8), float(value))
    assert _bound(OBJECTIVES["smile"](), values, shifts_of(8, range(3))) == bound


@pytest.mark.parametrize("all_pairs", [False, True])
def test_smile_is_trained_by_the_jensen_shannon_divergence(all_pairs):
    values, partners = _values(_log_ratio, n=200)
    if all_pairs:
        values, partners = _every_pair(_log_ratio), None
    gradients = []
    for name in ("smile", "jensen-shannon"):
        leaf = values.clone().requires_grad_()
        OBJECTIVES[name](all_pairs=all_pairs)(leaf, partners).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", ["mine", "dv", "infonce"])
def test_constant_added_to_the_critic_changes_no_bound(name):
    values, partners = _values(_log_ratio, n=500)
    plain = _bound(OBJECTIVES[name](), values, partners)
    shifted = _bound(OBJECTIVES[name](), values + 123.0, partners)
    assert shifted == pytest.approx(plain, abs=1e-9)  # rounding at 123


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("size", [1e3, -1e3, 1e6])
def test_huge_critic_values_give_finite_losses_and_gradients(name, size):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 5, 16, generator=generator)
    values = (size * values).requires_grad_()
    loss = OBJECTIVES[name]()(values, shifts_of(16, range(5)))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_all_pairs_are_every_shift_of_the_batch(name):
    every = _every_pair(_log_ratio)
    shifted, partners = _values(_log_ratio, n=60, n_shifts=59)
    plain = _bound(OBJECTIVES[name](), shifted, partners)
    assert _bound(OBJECTIVES[name](all_pairs=True), every, None) == pytest.approx(plain)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("all_pairs", [False, True])
def test_critics_side_by_side_have_losses_and_bounds_of_their_own(name, all_pairs):
    generator = torch.Generator().manual_seed(0)
    n_rows = 16 if all_pairs else 5
    values = torch.randn(3, n_rows, 16, generator=generator).requires_grad_()
    partners = None if all_pairs else shifts_of(16, range(5))
    together = OBJECTIVES[name](all_pairs=all_pairs)
    total = together(values, partners)
    each = [OBJECTIVES[name](all_pairs=all_pairs) for _ in range(3)]
    alone = [one(values[k : k + 1], partners) for k, one in enumerate(each)]
    torch.testing.assert_close(total, sum(alone))
    for figure in ("surrogate", "train_bound"):
        right = torch.cat([one.last_[figure] for one in each])
        torch.testing.assert_close(together.last_[figure], right)
        assert not together.last_[figure].requires_grad  # keeps no graph alive


def test_surrogate_of_mine_is_not_its_bound():
    objective = Mine()
    values, partners = _values(_log_ratio, n=500)
    loss = objective(values, partners).item()
    bound = objective.last_["train_bound"].item()
    joint = values[:, 0].mean().item()
    # The first step's average is the current batch itself: E[e^T] / EMA = 1.
    assert loss == pytest.approx(1.0 - joint, abs=1e-9)
    assert bound == pytest.approx(_bound(DonskerVaradhan(), values, partners))


def test_first_gradient_of_mine_is_that_of_donsker_varadhan():
    values, partners = _values(_log_ratio, n=200)
    gradients = []
    for objective in (Mine(), DonskerVaradhan()):
        leaf = values.clone().requires_grad_()
        objective(leaf, partners).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


# A first batch that overflowed counts as one of zeros.
@pytest.mark.parametrize("first", [0.0, math.nan, math.inf, -math.inf])
def test_later_gradient_of_mine_divides_by_the_moving_average(first):
    objective = Mine(decay=0.9)
    partners = shifts_of(8, range(3))
    objective(torch.full((1, 3, 8), first, dtype=torch.float64), partners)
    leaf = torch.full((1, 3, 8), math.log(2.0), dtype=torch.float64).requires_grad_()
    objective(leaf, partners).backward()
    # The average is 0.9 * 1 + 0.1 * 2 = 1.1; each of 16 product pairs has 2 / 16.
    torch.testing.assert_close(
        leaf.grad[0, 1:], torch.full((2, 8), 2.0 / 1.1 / 16.0, dtype=torch.float64)
    )
    torch.testing.assert_close(
        leaf.grad[0, 0], torch.full((8,), -1.0 / 8.0, dtype=torch.float64)
    )


def test_moving_average_is_detached_and_untouched_by_bounds():
    objective = Mine()
    values, partners = _values(_log_ratio, n=100)
    objective(values.clone().requires_grad_(), partners)
    before = objective.log_average.clone()
    assert not objective.log_average.requires_grad
    _bound(objective, values + 5.0, partners)
    assert torch.equal(objective.log_average, before)


def test_ratio_of_a_batch_far_above_the_moving_average_is_bounded():
    objective = Mine(decay=0.9)
    partners = shifts_of(8, range(3))
    objective(torch.zeros(1, 3, 8), partners)
    leaf = torch.full((1, 3, 8), 1e3).requires_grad_()
    loss = objective(leaf, partners)
    loss.backward()
    # The average holds a tenth of the batch itself.
    assert loss.item() == pytest.approx(10.0 - 1e3, abs=0.01)  # float32 at 1,000
    assert leaf.grad[0, 1:].sum().item() == pytest.approx(10.0, abs=0.01)


def test_moving_average_is_saved_and_loaded_even_where_there_is_none():
    generator = torch.Generator().manual_seed(0)
    values, partners = torch.randn(2, 5, 16, generator=generator), shifts_of(16, [0, 1])
    fresh, trained, loaded = Mine(), Mine(), Mine()
    trained(values, partners)
    state = copy.deepcopy(trained.state_dict())
    loaded.load_state_dict(state)
    state["_extra_state"].zero_()  # a copy is kept, as of parameters
    assert torch.equal(loaded.log_average, trained.log_average)
    for state in (trained.state_dict(), fresh.state_dict()):
        assert all(isinstance(each, torch.Tensor) for each in state.values())
    loaded.load_state_dict(fresh.state_dict())
    assert torch.equal(loaded(values, partners), Mine()(values, partners))


def test_best_constant_of_mine_f_is_one():
    values, partners = _values(lambda x, y: 0.0 * x * y, n=100)
    bounds = [_bound(MineF(), values + c, partners) for c in (0.5, 1.0, 1.5)]
    assert np.argmax(bounds) == 1


def test_infonce_is_capped_at_the_log_of_its_candidates():
    values = torch.zeros(1, 9, 50)
    values[:, 0] = 100.0  # tells joint from product pairs perfectly
    bound = _bound(InfoNCE(), values, shifts_of(50, range(9)))
    assert bound == pytest.approx(math.log(9.0), abs=1e-5)  # float32
