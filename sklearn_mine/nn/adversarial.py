"""Adversarial games with an information term: their networks, steps and training.

A game is a torch module that works out the gradients of all its players for one batch;
skorch runs the loop, and one optimiser moves all players at once.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from torch.utils.data import Dataset

from .averaging import AverageAndJudge, Batches, initialized
from .loss import MutualInformationLoss, adaptive_clip_, set_gradient
from .networks import dense_layers, next_generator

if TYPE_CHECKING:
    from .._samples import Samples


softplus = torch.nn.functional.softplus

# Slopes are asked for at one in so many of the rows that a discriminator is shown.
_SHARE = 4


class Crop(torch.nn.Module):
    """The first rows and columns of images."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, : self.height, : self.width]


def image_generator(
    n_in: int, shape: Sequence[int], n_channels: int
) -> torch.nn.Sequential:
    """Codes to images between -1 and 1, by two transposed convolutions."""
    channels, height, width = shape
    small = -(-height // 4), -(-width // 4)
    wide = 2 * n_channels
    return torch.nn.Sequential(
        torch.nn.Linear(n_in, wide * small[0] * small[1]),
        torch.nn.Unflatten(1, (wide, *small)),
        torch.nn.BatchNorm2d(wide),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(wide, n_channels, 4, stride=2, padding=1),
        torch.nn.BatchNorm2d(n_channels),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(n_channels, channels, 4, stride=2, padding=1),
        Crop(height, width),
        torch.nn.Tanh(),
    )


def dense_sight(n_in: int, sizes: Sequence[int], n_out: int) -> torch.nn.Sequential:
    """Rows of a table to `n_out` numbers."""
    return dense_layers(n_in, sizes, n_out, lambda: torch.nn.LeakyReLU(0.2), False)


def image_sight(
    shape: Sequence[int], n_channels: int, n_out: int
) -> torch.nn.Sequential:
    """Images to `n_out` numbers, by two convolutions."""
    channels, height, width = shape
    small = -(-height // 4), -(-width // 4)
    wide = 2 * n_channels
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, n_channels, 5, stride=2, padding=2),
        torch.nn.LeakyReLU(0.2),
        torch.nn.Conv2d(n_channels, wide, 5, stride=2, padding=2),
        torch.nn.LeakyReLU(0.2),
        torch.nn.Flatten(),
        torch.nn.Linear(wide * small[0] * small[1], n_out),
    )


class Pair(torch.nn.Module):
    """A value for each pair of a row and its code: the discriminator of both.

    What a product of both sides' features tells is learnt much sooner than by layers
    that see both side by side; they add the rest.

    References
    ----------
    Miyato and Koyama (2018), "cGANs with projection discriminator".
    """

    def __init__(
        self,
        of_row: torch.nn.Module,
        of_code: torch.nn.Module,
        together: torch.nn.Module,
    ) -> None:
        super().__init__()
        self.of_row, self.of_code, self.together = of_row, of_code, together

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        seen = torch.nn.functional.leaky_relu(self.of_row(x), 0.2)
        product = (seen * self.of_code(z)).sum(1, keepdim=True) / seen.shape[1] ** 0.5
        return product + self.together(torch.cat([seen, z], dim=1))


class EachCode(torch.nn.Module):
    """Critics of a row and each number of its code: quadratic, as if it were normal.

    Numbers that are independent, as those of a code should be in the end, tell together
    at least what they tell one by one, and no batch is too small to show that, while
    the information of all at once would soon be above the logarithm of its pairs.
    (Numbers that repeat each other are counted each time.)
    """

    def __init__(self, of_row: torch.nn.Module) -> None:
        super().__init__()
        self.of_row = of_row

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Values of pairs, (B,)."""
        return self._values(x, z).sum(-1)

    def pairs(
        self, x: torch.Tensor, z: torch.Tensor, partners: torch.Tensor
    ) -> torch.Tensor:
        """Values of each x with several z: (width, 1 + S, B)."""
        return self._values(x, z[partners]).movedim(-1, 0)

    def _values(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        slope, curve, level = self.of_row(x).chunk(3, dim=1)
        return level + z * (slope - z * softplus(curve))


class Round(NamedTuple):
    """What both sides made of a batch.

    Attributes
    ----------
    real, fake : tensor of shape (B, 1)
        Logits of what is real, and of what is made.

    shown : tuple of tensor
        What the discriminator was shown, first what is real, then what is made.

    information : tensor of shape () or None

    error : tensor of shape () or None
        Of reconstruction.
    """

    real: torch.Tensor
    fake: torch.Tensor
    shown: tuple[torch.Tensor, ...]
    information: torch.Tensor | None
    error: torch.Tensor | None = None


class Game(torch.nn.Module):
    """Players, and the gradients of one batch.

    Parameters
    ----------
    generator, discriminator : torch.nn.Module

    information : MutualInformationLoss or None
        What the generating side raises.

    n_latent : int
        Width of what is drawn.

    beta : float
        Price of a nat that is missing.

    gradient_penalty : float
        Price of the discriminator's squared slope, half of it, at what it is shown.

    seed : int
        Of what is drawn.
    """

    def __init__(
        self,
        generator: torch.nn.Module,
        discriminator: torch.nn.Module,
        information: MutualInformationLoss | None,
        n_latent: int,
        beta: float,
        gradient_penalty: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.information = information
        self.n_latent, self.beta = n_latent, beta
        self.gradient_penalty = gradient_penalty
        self.seed, self.n_draws = seed, 0

    def latent(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Latent vectors, on the generator's device."""
        device = generator.device
        return torch.randn((n, self.n_latent), generator=generator, device=device)

    def draw(self, n: int, device: torch.device) -> torch.Tensor:
        """Latent vectors, new ones each time."""
        return self.latent(n, next_generator(self, device))

    def set_gradients(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Gradients of all players; what the batch was like, by name."""
        played = self.play(x)
        judged = softplus(-played.real).mean() + softplus(played.fake).mean()
        fooled = self.fooled(played)
        seen = {"discriminator": judged.detach(), "generator": fooled.detach()}
        if played.error is not None:
            seen["reconstruction"] = played.error.detach()
        if self.gradient_penalty:
            judged = judged + self.gradient_penalty * self.steepness(played)
        makers = self.makers()
        _set(trainable(self.discriminator), judged)
        if played.information is None or self.information is None:
            _set(makers, fooled)
            return seen
        adversarial = torch.autograd.grad(
            fooled, makers, retain_graph=True, allow_unused=True
        )
        # Raised: the term is subtracted from what is descended.
        lost = -self.beta * played.information
        _set(trainable(self.information), lost)
        raised = torch.autograd.grad(lost, makers, allow_unused=True)
        factor = adaptive_clip_(makers, adversarial, raised)
        return seen | {"information": played.information.detach(), "clip": factor}

    def makers(self) -> list[torch.nn.Parameter]:
        """Parameters of those who make rows, or codes."""
        raise NotImplementedError

    def play(self, x: torch.Tensor) -> Round:
        """What both sides make of a batch."""
        raise NotImplementedError

    def fooled(self, played: Round) -> torch.Tensor:
        """What those who make rows, or codes, descend."""
        raise NotImplementedError

    def steepness(self, played: Round) -> torch.Tensor:
        """Mean squared slope of the discriminator, at some of what it was shown."""
        n, device = len(played.real), played.real.device
        rows = torch.randperm(n, generator=next_generator(self, device), device=device)
        rows = rows[: max(1, n // _SHARE)]
        # Of both halves: what is real, and what is made.
        rows = torch.cat([rows, rows + n])
        some = [x.detach()[rows].requires_grad_() for x in played.shown]
        slopes = torch.autograd.grad(
            self.discriminator(*some).sum(), some, create_graph=True, allow_unused=True
        )
        squares = [slope.square().sum() for slope in slopes if slope is not None]
        return sum(squares, torch.zeros((), device=device)) / len(some[0])


def trainable(*modules: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Their parameters, but for those that are frozen."""
    parameters = itertools.chain(*(module.parameters() for module in modules))
    return [parameter for parameter in parameters if parameter.requires_grad]


def _set(parameters: list[torch.nn.Parameter], loss: torch.Tensor) -> None:
    """Set the gradients of a loss, whose graph others may need as well."""
    gradients = torch.autograd.grad(
        loss, parameters, retain_graph=True, allow_unused=True
    )
    for parameter, gradient in zip(parameters, gradients, strict=True):
        set_gradient(parameter, gradient)


class GenerativeGame(Game):
    """Rows are made of (e, c); c should be told from them.

    Parameters
    ----------
    n_codes : int
        Width of c, the last numbers of what is drawn, each -1 or 1.

    **players : dict
        Of :class:`Game`.
    """

    def __init__(self, n_codes: int, **players: Any) -> None:
        super().__init__(**players)
        self.n_codes = n_codes

    def latent(self, n: int, generator: torch.Generator) -> torch.Tensor:
        drawn = super().latent(n, generator)
        codes = drawn[:, -self.n_codes :]
        # From one code to the next is a leap: what has modes needs no bridges.
        codes.copy_(torch.where(codes < 0.0, -1.0, 1.0))
        return drawn

    def makers(self) -> list[torch.nn.Parameter]:
        return trainable(self.generator)

    def play(self, x: torch.Tensor) -> Round:
        """A batch of what is real beside as many that are made."""
        latent = self.draw(len(x), x.device)
        made = self.generator(latent)
        shown = (torch.cat([x, made]),)
        real, fake = self.discriminator(*shown).chunk(2)
        information = None
        if self.information is not None:
            information = self.information(made, latent[:, -self.n_codes :])
        return Round(real, fake, shown, information)

    def fooled(self, played: Round) -> torch.Tensor:
        """What the generator descends: the loss that does not saturate."""
        return softplus(-played.fake).mean()


class InferenceGame(Game):
    """Rows and their codes, made from either end, should not be told apart.

    Parameters
    ----------
    encoder : torch.nn.Module
        Gives mu and what softplus makes sigma of, side by side.

    reconstruction : float
        Price of a squared error of what the generator makes of a row's code.

    **players : dict
        Of :class:`Game`.

    References
    ----------
    Dumoulin et al. (2017), "Adversarially learned inference"; Li et al. (2017),
    "ALICE"; Belghazi et al. (2018), section 5.2.
    """

    def __init__(
        self, encoder: torch.nn.Module, reconstruction: float, **players: Any
    ) -> None:
        super().__init__(**players)
        self.encoder, self.reconstruction = encoder, reconstruction

    def makers(self) -> list[torch.nn.Parameter]:
        return trainable(self.generator, self.encoder)

    def encoded(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, raw = self.encoder(x).chunk(2, dim=1)
        return mean, softplus(raw)

    def play(self, x: torch.Tensor) -> Round:
        latent = self.draw(len(x), x.device)
        mean, scale = self.encoded(x)
        codes = mean + scale * self.draw(len(x), x.device)
        made = self.generator(latent)
        shown = torch.cat([x, made]), torch.cat([codes, latent])
        real, fake = self.discriminator(*shown).chunk(2)
        error = information = None
        if self.reconstruction:
            error = (self.generator(codes) - x).square().flatten(1).sum(1).mean()
        if self.information is not None:
            # Of pairs from both ends: as its critic reads the codes that rows were
            # made of, the encoder learns to write them.
            information = self.information(*shown)
        return Round(real, fake, shown, information, error)

    def fooled(self, played: Round) -> torch.Tensor:
        loss = softplus(-played.fake).mean() + softplus(played.real).mean()
        if played.error is None:
            return loss
        return loss + self.reconstruction * played.error


class GameKeeper(AverageAndJudge):
    """The gradient penalty falls as the step sizes do."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        super().on_epoch_end(net, **kwargs)
        net.module_.gradient_penalty *= self.decay


class Losses(torch.nn.Module):
    """What the last batch was like, where callbacks look for it."""


class AdversarialNet(NeuralNet):
    """skorch's loop, with steps of a game."""

    def train_step(
        self, batch: tuple[torch.Tensor], **fit_params: Any
    ) -> dict[str, Any]:
        self._set_training(True)
        real = batch[0].to(self.device)
        self.criterion_.last_ = self.module_.set_gradients(real)
        self.optimizer_.step()
        return {"loss": sum(self.criterion_.last_.values()), "y_pred": None}


class Rows(Dataset[Any]):
    """Rows as they came, and how to scale them."""

    def __init__(self, rows: NDArray[Any], samples: "Samples") -> None:
        self.rows, self.samples = rows, samples

    def __len__(self) -> int:
        return len(self.rows)


class RowBatches(Batches):
    """Shuffled minibatches, scaled as they are taken."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor]]:
        rows, samples = self.dataset.rows, self.dataset.samples
        order = self.rng.permutation(len(rows))
        for index in np.array_split(order, self.n_batches):
            # In the order of the file, where rows are mapped from one.
            yield (samples.scaled(rows[np.sort(index)]),)


def make_net(
    game: Game,
    keeper: GameKeeper,
    *,
    rates: dict[str, float],
    batch_size: int,
    rng: np.random.Generator,
    device: str,
    **settings: Any,
) -> NeuralNet:
    """The skorch net; :func:`sklearn_mine.nn.averaging.train` runs it."""
    return initialized(
        AdversarialNet,
        game,
        Losses,
        keeper,
        optimizer__param_groups=[
            (pattern, {"lr": rate}) for pattern, rate in rates.items()
        ],
        batch_size=batch_size,
        iterator_train=RowBatches,
        iterator_train__rng=rng,
        device=device,
        **settings,
    )
