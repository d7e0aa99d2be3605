import gc
import weakref

import pytest
import torch

from sklearn_mine.nn import Critic, MutualInformationLoss
from sklearn_mine.nn.bottleneck import Bottleneck


class Fixed(torch.nn.Module):
    """A critic that values joint pairs above the others, or below them."""

    def __init__(self, scale):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, x, z):
        return self.scale * (x * z).sum(dim=1)


def test_codes_that_shrink_are_charged_as_before():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.randn(200, 3)
        encoder, decoder = torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 2)
        information = MutualInformationLoss(Critic((16,)))
        information(x, x)
    information.eval()
    module = Bottleneck(encoder, decoder, None, 0.0, 0, information, seed=0)
    charges = []
    with torch.no_grad():
        for scale in (1.0, 1e-3, 1e3):
            torch.nn.init.eye_(encoder.weight).mul_(scale)
            charges.append(float(module(x)[1]))
    assert charges == pytest.approx([charges[0]] * 3, rel=1e-3)
    # A unit that says the same for all rows is no danger.
    encoder.weight.data[0] = 0.0
    assert torch.isfinite(module(x)[1])


def test_graph_of_a_batch_is_let_go():
    with torch.random.fork_rng():
        encoder, decoder = torch.nn.Linear(3, 3), torch.nn.Linear(3, 2)
        information = MutualInformationLoss(Fixed(0.3))
    module = Bottleneck(encoder, decoder, None, 0.0, 0, information, seed=0)
    scores, penalty = module(torch.ones(8, 3))
    held = weakref.ref(penalty)
    penalty.backward()
    del scores, penalty
    gc.collect()
    assert held() is None


@pytest.mark.parametrize(("scale", "moved"), [(0.3, True), (-0.3, False)])
def test_encoder_does_not_run_from_a_critic_that_is_wrong(scale, moved):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.randn(200, 3)
        encoder, decoder = torch.nn.Linear(3, 3), torch.nn.Linear(3, 2)
    torch.nn.init.eye_(encoder.weight)
    information = MutualInformationLoss(Fixed(scale))
    module = Bottleneck(encoder, decoder, None, 0.0, 0, information, seed=0)
    _, penalty = module(x)
    assert (penalty > 0) == moved
    penalty.backward()
    assert bool(encoder.weight.grad.any()) == moved
    # The critic learns either way: it climbs from below as well.
    assert information.critic.scale.grad < 0
