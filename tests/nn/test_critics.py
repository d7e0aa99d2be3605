import math

import numpy as np
import pytest
import torch

from sklearn_mine._start import canonical_start
from sklearn_mine.nn.critics import ACTIVATIONS, CriticBank, _HeadProduct, shifts_of


def _bank(x, y, *, use_start=True, sizes=(8,), activation="relu", n_critics=2):
    starts = [
        canonical_start(x, y, rng=np.random.default_rng(k), analyse=use_start)
        for k in range(n_critics)
    ]
    return CriticBank(
        starts, sizes, activation, use_start=use_start, rng=np.random.default_rng(0)
    )


def _data(rng, n=400, d=2, rho=0.7):
    x, e = rng.normal(size=(2, n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * e


def _batch(array, n_critics=2):
    return torch.from_numpy(array).float().expand(n_critics, *array.shape)


def _gaussian_log_ratio(start, x, y):
    u = (x - start.x_mean) @ start.x_directions
    v = (y - start.y_mean) @ start.y_directions
    rho = start.correlations
    u, v = u[:, : len(rho)], v[:, : len(rho)]
    square = rho**2 * (u**2 + v**2) - 2 * rho * u * v
    return (-0.5 * np.log(1 - rho**2) - square / (2 * (1 - rho**2))).sum(axis=1)


def test_shifts_pair_no_row_with_itself():
    partners = shifts_of(10, range(10))
    assert torch.equal(partners[0], torch.arange(10))
    assert (partners[1:] != torch.arange(10)).all()
    for row in partners:
        assert torch.equal(row.sort().values, torch.arange(10))


def test_critic_begins_as_the_gaussian_log_ratio(rng):
    x, y = _data(rng)
    bank = _bank(x, y)
    start = canonical_start(x, y, rng=np.random.default_rng(1))
    values = bank(_batch(x), _batch(y), shifts_of(len(x), [0]))
    expected = _gaussian_log_ratio(start, x, y)
    # float32 of values up to about ten
    np.testing.assert_allclose(values[1, 0].detach(), expected, atol=1e-4)


@pytest.mark.parametrize("use_start", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_are_features_times_head(use_start, activation, rng):
    x, y = _data(rng, n=50)
    bank = _bank(x, y, use_start=use_start, sizes=(8, 4), activation=activation)
    with torch.no_grad():
        for parameter in bank.parameters():
            parameter.uniform_(
                -0.5, 0.5, generator=torch.Generator().manual_seed(parameter.numel())
            )
    partners = shifts_of(50, [0, 3, 7])
    values = bank(_batch(x), _batch(y), partners)
    features = bank.features(_batch(x), _batch(y), partners)
    assert values.shape == (2, 3, 50)
    assert features.shape == (2, 3, 50, bank.n_features)
    product = torch.einsum("krbf,kf->krb", features, bank.head[..., 0])
    torch.testing.assert_close(
        values, product + bank.intercept[:, :, None], atol=1e-4, rtol=1e-4
    )


def test_all_pairs_equal_pairs_one_by_one(rng):
    x, y = _data(rng, n=20)
    bank = _bank(x, y)
    with torch.no_grad():
        for tower in bank.towers:
            for weight in tower.weights:
                weight.normal_(generator=torch.Generator().manual_seed(1))
        bank.head[:, 1 : bank.n_features - 33] = 0.0  # the pair network says nothing
    every = bank.separable(_batch(x), _batch(y))
    partners = shifts_of(20, range(20))
    one_by_one = bank(_batch(x), _batch(y), partners)
    gathered = torch.gather(every, 2, partners.T[None].expand(2, -1, -1)).mT
    torch.testing.assert_close(gathered, one_by_one, atol=1e-3, rtol=1e-3)


def test_gradient_of_the_head_product_is_that_of_the_formula():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    weights = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    leaves = hidden.requires_grad_(), weights.requires_grad_()
    assert torch.autograd.gradcheck(_HeadProduct.apply, leaves)


def test_a_row_scores_the_same_alone_and_in_a_batch(rng):
    x, y = _data(rng, n=60)
    bank = _bank(x, y)
    together = bank(_batch(x), _batch(y), shifts_of(60, [0]))[:, 0]
    for i in (0, 17, 59):
        part = slice(i, i + 1)
        alone = bank(_batch(x[part]), _batch(y[part]), shifts_of(1, [0]))[:, 0, 0]
        torch.testing.assert_close(alone, together[:, i], atol=1e-5, rtol=1e-5)


def test_some_critics_give_what_they_give_among_all(rng):
    x, y = _data(rng, n=40)
    bank = _bank(x, y, n_critics=3)
    partners = shifts_of(40, [0, 5])
    every = bank(_batch(x, 3), _batch(y, 3), partners)
    one = bank(_batch(x, 1), _batch(y, 1), partners, slice(2, 3))
    torch.testing.assert_close(one[0], every[2], atol=1e-5, rtol=1e-5)


def test_without_start_the_critic_is_a_plain_network(rng):
    x, y = _data(rng, n=30, d=3)
    bank = _bank(x, y, use_start=False, sizes=(5,))
    assert bank.n_features == 5
    assert bank.weights[0].shape == (2, 6, 5)
    assert len(bank.towers) == 0


def test_critics_begin_with_the_same_weights(rng):
    bank = _bank(*_data(rng), use_start=False)
    for parameter in bank.parameters():
        torch.testing.assert_close(parameter[0], parameter[1], atol=0, rtol=0)


@pytest.mark.parametrize(("dx", "dy"), [(1, 5), (100, 1), (70, 70)])
def test_sides_of_any_widths(dx, dy, rng):
    x, y = rng.normal(size=(50, dx)), rng.normal(size=(50, dy))
    values = _bank(x, y)(_batch(x), _batch(y), shifts_of(50, [0, 1]))
    assert torch.isfinite(values).all()


def test_far_rows_give_finite_values_and_gradients(rng):
    x, y = _data(rng, n=50)
    bank = _bank(x, y)
    values = bank(_batch(1e4 * x), _batch(1e4 * y), shifts_of(50, [0, 1]))
    values.sum().backward()
    assert torch.isfinite(values).all()
    for parameter in bank.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()
