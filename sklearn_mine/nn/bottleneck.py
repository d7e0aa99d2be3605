"""The information bottleneck's network, and its training: a skorch net.

An encoder with noise gives codes, a linear layer reads classes off them, and a critic
climbs the information of inputs and codes, which the encoder descends.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from skorch import NeuralNet

from .averaging import AverageAndJudge, Batches, initialized
from .loss import MutualInformationLoss
from .networks import Critic, next_generator

if TYPE_CHECKING:
    from ..information_bottleneck import _Training


# Where codes are mu + sigma e, sigma is softplus of the encoder's output less this. The
# deep variational bottleneck starts with hardly any noise (Alemi et al., 2017). Critics
# charge for what they can see, and would not see so little: there noise starts larger.
_SIGMA_SHIFT, _SIGMA_SHIFT_VARIATIONAL = 0.0, 5.0

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)


class Bottleneck(torch.nn.Module):
    """Encoder, noise and a linear decoder, with a penalty on the codes.

    Parameters
    ----------
    encoder : torch.nn.Module
        Takes the width of the inputs, and with "propagated" noise `n_noise` more; gives
        the width of the codes, or twice that with "gaussian".

    decoder : torch.nn.Linear

    noise : {"additive", "gaussian", "propagated"} or None

    noise_scale : float
        Standard deviation of what is added to inputs.

    n_noise : int
        Width of propagated noise.

    penalty : MutualInformationLoss or "variational" or None
        What a batch and its codes are charged with; "variational" is the divergence
        of mu + sigma e from normal codes.

    seed : int
        Of the noise.
    """

    def __init__(
        self,
        encoder: torch.nn.Module,
        decoder: torch.nn.Linear,
        noise: str | None,
        noise_scale: float,
        n_noise: int,
        penalty: MutualInformationLoss | str | None,
        seed: int,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.n_components = decoder.in_features
        self.noise, self.noise_scale, self.n_noise = noise, noise_scale, n_noise
        self.information = None if isinstance(penalty, str) else penalty
        self.variational = penalty == "variational"
        self.shift = _SIGMA_SHIFT_VARIATIONAL if self.variational else _SIGMA_SHIFT
        self.seed, self.n_draws = seed, 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Class scores of a batch, and its penalty, in training."""
        codes, mean, scale = self.codes(x, next_generator(self, x.device))
        penalty = None
        if self.information is not None:
            penalty = self._information_of(x, codes)
        elif self.variational and scale is not None:
            divergence = mean**2 + scale**2 - 2.0 * torch.log(scale) - 1.0
            penalty = 0.5 * divergence.sum(dim=1).mean()
        return self.decoder(codes), penalty

    def _information_of(self, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """The critic's bound; what lies below nought teaches the critic alone.

        Information is never negative: such a critic is wrong about these codes, and an
        encoder that goes on descending it runs away from the critic.
        """
        # Of unit variance: codes that shrink would hide from the critic, though they
        # tell as much.
        charged = torch.nn.functional.batch_norm(
            codes, None, None, training=True, eps=1e-10
        )
        assert self.information is not None
        bound = self.information(x, charged)
        if charged.requires_grad:
            # Not of the bound itself, whose graph would hold itself for ever.
            above = bound.detach() > 0.0
            charged.register_hook(lambda gradient: torch.where(above, gradient, 0.0))
        return bound

    def codes(
        self, x: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Codes with noise of each row's own, and what :meth:`encoded` gives."""
        mean, scale = self.encoded(x, self.draw(x, len(x), generator))
        if scale is None:
            return mean, mean, scale
        noise = torch.randn(mean.shape, generator=generator, device=x.device)
        return mean + scale * noise.to(mean.dtype), mean, scale

    def draw(
        self, x: torch.Tensor, n: int, generator: torch.Generator
    ) -> torch.Tensor | None:
        """Noise on the way in, for n rows; None where there is none."""
        if self.noise not in ("additive", "propagated"):
            return None
        width = x.shape[1] if self.noise == "additive" else self.n_noise
        drawn = torch.randn((n, width), generator=generator, device=x.device)
        return drawn.to(x.dtype)

    def encoded(
        self, x: torch.Tensor, drawn: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Means of the codes, and their scales or None, with noise on the way in."""
        if self.noise == "additive" and drawn is not None:
            x = torch.add(x, drawn, alpha=self.noise_scale)
        elif self.noise == "propagated" and drawn is not None:
            x = torch.cat([x, drawn.expand(len(x), -1)], dim=1)
        out = self.encoder(x)
        if self.noise != "gaussian":
            return out, None
        mean, raw = out.chunk(2, dim=1)
        return mean, torch.nn.functional.softplus(raw - self.shift) + 1e-6


def stream(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose."""
    sequence = np.random.SeedSequence([seed, *purpose.encode()])
    return int(sequence.generate_state(1, np.uint32)[0])


def build(make: Callable[[], ModuleT], seed: int, *, as_torch: bool = False) -> ModuleT:
    """Make a module whose weights come of `seed`, and of no global generator.

    Parameters
    ----------
    make : callable
    seed : int
    as_torch : bool
        Whether weights and biases are drawn as torch draws them. Where inputs are few
        units need biases to tell places apart. Otherwise weights have the variance
        that keeps that of what they are given, and biases are zero.
    """
    with torch.device("meta"):
        module = make()
    module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    part: Any  # of which torch tells no attributes
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
            torch.nn.init.ones_(part.weight)
            torch.nn.init.zeros_(part.bias)
        elif hasattr(part, "weight"):
            fan_in = part.weight[0].numel()
            limit = math.sqrt((1.0 if as_torch else 3.0) / fan_in)
            torch.nn.init.uniform_(part.weight, -limit, limit, generator=generator)
            if as_torch:
                torch.nn.init.uniform_(part.bias, -limit, limit, generator=generator)
            else:
                torch.nn.init.zeros_(part.bias)
    return module


def build_information(
    width: int,
    n_components: int,
    hidden_layer_sizes: tuple[int, ...],
    objective: str,
    noise: float,
    seed: int,
) -> MutualInformationLoss:
    """A critic of inputs and codes."""
    critic = Critic(hidden_layer_sizes, noise=noise, seed=seed)
    for side, n_in in zip(critic.sides, (width, n_components), strict=True):
        side.image = torch.nn.Sequential()
        side.linear = torch.nn.Linear(n_in, hidden_layer_sizes[0])
    return MutualInformationLoss(critic, objective)


class BottleneckLoss(torch.nn.Module):
    """Cross-entropy, and the penalty weighed by beta; what they were is kept."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def forward(
        self, outcome: tuple[torch.Tensor, torch.Tensor | None], y: torch.Tensor
    ) -> torch.Tensor:
        scores, penalty = outcome
        cross_entropy = self.cross_entropy(scores, y)
        self.last_ = {"cross_entropy": cross_entropy.detach()}
        if penalty is None:
            return cross_entropy
        self.last_["penalty"] = penalty.detach()
        return cross_entropy + self.beta * penalty

    def cross_entropy(self, scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The mean over the batch, in nats."""
        return torch.nn.functional.cross_entropy(scores, y)


def make_net(
    module: Bottleneck,
    loss: BottleneckLoss,
    keeper: AverageAndJudge,
    *,
    rng: np.random.Generator,
    settings: "_Training",
) -> NeuralNet:
    """The skorch net; :func:`sklearn_mine.nn.averaging.train` runs it."""
    return initialized(
        NeuralNet,
        module,
        loss,
        keeper,
        betas=(settings.beta_1, 0.999),
        optimizer__param_groups=[
            # The critic's gradients come times beta, and Adam divides by them.
            (
                "information.*",
                {
                    "lr": settings.critic_learning_rate_init,
                    "eps": 1e-8 * min(1.0, loss.beta or 1.0),
                },
            ),
            ("*", {"weight_decay": settings.alpha}),
        ],
        lr=settings.learning_rate_init,
        batch_size=settings.batch_size,
        iterator_train=Batches,
        iterator_train__rng=rng,
        callbacks=settings.callbacks,
        device=settings.device,
    )
