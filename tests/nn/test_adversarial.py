"""Games: gradients of their players, against what they should be."""

import numpy as np
import pytest
import torch

from sklearn_mine.nn import MutualInformationLoss
from sklearn_mine.nn.adversarial import (
    EachCode,
    GenerativeGame,
    InferenceGame,
    Pair,
    RowBatches,
    dense_sight,
    image_generator,
    image_sight,
)
from sklearn_mine.nn.networks import dense_layers


@pytest.fixture(autouse=True)
def own_draws():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def _generative(beta=1.0, gradient_penalty=0.0):
    return GenerativeGame(
        n_codes=2,
        generator=torch.nn.Linear(3, 2),
        discriminator=torch.nn.Linear(2, 1),
        information=MutualInformationLoss() if beta else None,
        n_latent=3,
        beta=beta,
        gradient_penalty=gradient_penalty,
        seed=0,
    )


def _gradients(game, x):
    seen = game.set_gradients(x)
    return seen, {name: p.grad.clone() for name, p in game.named_parameters()}


def test_each_side_descends_its_own_loss():
    game, x = _generative(beta=0.0), torch.randn(50, 2) + 3.0
    _, found = _gradients(game, x)
    game.n_draws = 0
    made = game.generator(game.draw(50, "cpu"))
    softplus = torch.nn.functional.softplus
    judged = softplus(-game.discriminator(x)).mean()
    judged = judged + softplus(game.discriminator(made.detach())).mean()
    fooled = softplus(-game.discriminator(made)).mean()
    for loss, player in ((judged, "discriminator"), (fooled, "generator")):
        parameters = dict(getattr(game, player).named_parameters())
        expected = torch.autograd.grad(loss, parameters.values())
        for name, gradient in zip(parameters, expected, strict=True):
            torch.testing.assert_close(found[f"{player}.{name}"], gradient)


def test_information_is_added_to_at_most_the_adversarial_norm():
    x = torch.randn(50, 2)
    game = _generative(beta=1e9)
    game.set_gradients(x)
    plain = _generative(beta=0.0)
    plain.load_state_dict(game.state_dict(), strict=False)
    game.n_draws = plain.n_draws = 0
    seen, both = _gradients(game, x)
    _, alone = _gradients(plain, x)
    assert 0.0 < float(seen["clip"]) < 1e-3
    names = ["generator.weight", "generator.bias"]
    adversarial = torch.cat([alone[name].flatten() for name in names])
    added = torch.cat([(both[name] - alone[name]).flatten() for name in names])
    torch.testing.assert_close(added.norm(), adversarial.norm(), rtol=1e-3, atol=0.0)


def test_the_slope_of_a_linear_discriminator_is_its_weight():
    x = torch.randn(50, 2)
    game = _generative(beta=0.0, gradient_penalty=2.0)
    _, found = _gradients(game, x)
    game.n_draws, game.gradient_penalty = 0, 0.0
    _, plain = _gradients(game, x)
    # At rows and at samples: two slopes for each row of the batch.
    weight = game.discriminator.weight
    added = found["discriminator.weight"] - plain["discriminator.weight"]
    torch.testing.assert_close(added, 4.0 * weight.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        found["generator.weight"], plain["generator.weight"], rtol=1e-5, atol=1e-7
    )


def test_the_penalised_slope_is_the_discriminators_alone():
    """Not that of the encoder, though its codes depend on the rows."""

    class Sum(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, x, z):
            return (self.weight * (x + z)).sum(dim=1, keepdim=True)

    game = InferenceGame(
        encoder=torch.nn.Linear(1, 2),
        reconstruction=0.0,
        generator=torch.nn.Linear(1, 1),
        discriminator=Sum(),
        information=None,
        n_latent=1,
        beta=0.0,
        gradient_penalty=2.0,
        seed=0,
    )
    x = torch.randn(20, 1)
    _, found = _gradients(game, x)
    game.n_draws, game.gradient_penalty = 0, 0.0
    _, plain = _gradients(game, x)
    # Slopes of one at rows and samples, and at both kinds of codes.
    added = found["discriminator.weight"] - plain["discriminator.weight"]
    torch.testing.assert_close(added, torch.tensor(8.0), rtol=1e-4, atol=0.0)


def test_gradients_lie_in_memory_as_their_parameters_do():
    """Fused optimisers take them as they lie, those of convolutions too."""
    game = GenerativeGame(
        n_codes=2,
        generator=image_generator(3, (1, 8, 8), 2),
        discriminator=image_sight((1, 8, 8), 2, 1),
        information=MutualInformationLoss(),
        n_latent=3,
        beta=1.0,
        gradient_penalty=1.0,
        seed=0,
    )
    game.set_gradients(torch.randn(20, 1, 8, 8))
    for name, parameter in game.named_parameters():
        assert parameter.grad.stride() == parameter.stride(), name


def test_slopes_are_those_of_some_real_rows_and_some_samples():
    class Watched(torch.nn.Linear):
        def forward(self, x):
            seen.append(x.detach())
            return super().forward(x)

    game, x = _generative(beta=0.0, gradient_penalty=1.0), torch.randn(8, 2) + 9.0
    game.discriminator = Watched(2, 1)
    chosen = set()
    for _ in range(50):
        seen = []
        game.set_gradients(x)
        whole, some = seen
        rows = [(whole == row).all(1).nonzero().item() for row in some]
        assert sorted(row < 8 for row in rows) == [False, False, True, True]
        chosen.update(rows)
    assert chosen == set(range(16))
    # One of each, where there are two.
    seen = []
    game.set_gradients(x[:2])
    assert len(seen[1]) == 2


def test_codes_are_signs():
    drawn = _generative().draw(1000, "cpu")
    assert set(drawn[:, 1:].flatten().tolist()) == {-1.0, 1.0}
    assert abs(drawn[:, 1:].mean()) < 0.1
    assert drawn[:, 0].unique().numel() == 1000


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 9), (2, 3, 5)])
def test_networks_of_images_fit_any_size(shape):
    made = image_generator(4, shape, 2)(torch.randn(3, 4))
    assert made.shape == (3, *shape)
    assert made.abs().max() <= 1.0
    assert image_sight(shape, 2, 7)(made).shape == (3, 7)


def test_networks_of_tables():
    made = dense_layers(4, (8, 8), 5, torch.nn.ReLU, True)(torch.randn(3, 4))
    assert made.shape == (3, 5)


def test_values_of_pairs_are_those_of_rows_and_codes_side_by_side():
    pair = Pair(
        dense_sight(5, (8,), 6), dense_sight(2, (8,), 6), dense_sight(6 + 2, (8,), 1)
    )
    assert pair(torch.randn(3, 5), torch.randn(3, 2)).shape == (3, 1)
    critics = EachCode(dense_sight(5, (8,), 3 * 2))
    x, z = torch.randn(3, 5), torch.randn(3, 2)
    partners = torch.tensor([[0, 1, 2], [1, 2, 0]])
    values = critics.pairs(x, z, partners)
    assert values.shape == (2, 2, 3)
    for row, order in zip(values.sum(0), partners, strict=True):
        torch.testing.assert_close(row, critics(x, z[order]))


def test_batches_hold_every_row_once():
    class Kept:
        def scaled(self, rows):
            return torch.from_numpy(rows)

    class Held:
        rows, samples = np.arange(23.0)[:, None], Kept()

        def __len__(self):
            return 23

    batches = RowBatches(Held(), 5, np.random.default_rng(0))
    parts = [x.flatten() for (x,) in batches]
    assert len(batches) == len(parts)
    assert min(map(len, parts)) > 1
    assert sorted(torch.cat(parts).tolist()) == list(range(23))
