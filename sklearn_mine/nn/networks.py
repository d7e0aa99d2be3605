"""Critics for one's own training loop: one network of (x, z), dense or for images.

Unlike :mod:`sklearn_mine.nn.critics`, whose banks of critics are trained side by side
on held-in rows of a table, these are plain torch modules: ``critic(x, z)`` is (B,).
"""

import itertools

import torch
from torch.nn.parameter import is_lazy

from .critics import ACTIVATIONS

# Channels of the convolutions that an image passes before it meets the other side.
_CHANNELS = (32, 64)


class GaussianNoise(torch.nn.Module):
    """Add normal noise while training.

    Parameters
    ----------
    scale : float
        Standard deviation.

    seed : int, default=None
        Draws of its own; None draws from torch's global generator, as Dropout does.
    """

    def __init__(self, scale, seed=None):
        super().__init__()
        self.scale, self.seed, self.n_draws = scale, seed, 0

    def get_extra_state(self):
        return torch.tensor(self.n_draws)

    def set_extra_state(self, state):
        self.n_draws = int(state)

    def forward(self, x):
        if not self.training or self.scale == 0.0:
            return x
        generator = None
        if self.seed is not None:
            # A generator for each draw: copied and pickled modules go on alike.
            generator = torch.Generator(x.device)
            generator.manual_seed(self.seed + self.n_draws)
            self.n_draws += 1
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        return torch.add(x, noise.to(x.dtype), alpha=self.scale)


class Critic(torch.nn.Module):
    """A statistics network T(x, z).

    Either side may hold images, (N, C, H, W), which pass two convolutions, or anything
    else, which is flattened. Shapes are taken from the first batch; optimisers may be
    made before.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256, 256)

    activation : str, default="elu"
        As in :class:`sklearn_mine.MINE`.

    noise : float, default=0.0
        Standard deviation of normal noise on both inputs and on the hidden units while
        training, which keeps the critic from learning rows by heart.

    seed : int, default=None
        Of the noise; None draws from torch's global generator.

    Examples
    --------
    >>> import torch
    >>> from sklearn_mine.nn import Critic
    >>> critic = Critic()
    >>> critic(torch.zeros(5, 1, 28, 28), torch.zeros(5, 16)).shape
    torch.Size([5])
    """

    def __init__(
        self, hidden_layer_sizes=(256, 256), activation="elu", *, noise=0.0, seed=None
    ):
        super().__init__()
        first, *_ = hidden_layer_sizes
        seeds = itertools.repeat(None) if seed is None else itertools.count(seed, 10**9)
        self.sides = torch.nn.ModuleList(
            _Side(first, activation, GaussianNoise(noise, next(seeds)))
            for _ in range(2)
        )
        layers = []
        for fan_in, fan_out in itertools.pairwise([*hidden_layer_sizes, 1]):
            layers.append(ACTIVATIONS[activation]())
            layers.append(GaussianNoise(noise, next(seeds)))
            layers.append(torch.nn.Linear(fan_in, fan_out))
        self.together = torch.nn.Sequential(*layers)

    def forward(self, x, z):
        """Values of pairs, (B,)."""
        x, z = (side(each) for side, each in zip(self.sides, (x, z), strict=True))
        return self.together(x + z)[:, 0]

    def pairs(self, x, z, partners):
        """Values of each x with several z: (1 + S, B) for `partners` (1 + S, B).

        The first layer, and an image's convolutions, are worked out once for a row.
        """
        x, z = (side(each) for side, each in zip(self.sides, (x, z), strict=True))
        return self.together(x + z[partners])[..., 0]


def _drop_unused_image(side, state, prefix, *_):
    """A side that was saved after batches of vectors has no convolutions."""
    if not any(name.startswith(prefix + "image.") for name in state):
        side.image = None


class _Side(torch.nn.Module):
    """One side's way to the first hidden layer."""

    def __init__(self, width, activation, noise):
        super().__init__()
        self.noise = noise
        layers = []
        for channels in _CHANNELS:
            layers.append(torch.nn.LazyConv2d(channels, 4, stride=2, padding=2))
            layers.append(ACTIVATIONS[activation]())
        self.image = torch.nn.Sequential(*layers)
        self.linear = torch.nn.LazyLinear(width)
        self.register_load_state_dict_pre_hook(_drop_unused_image)

    def forward(self, x):
        x = self.noise(x)
        if is_lazy(self.linear.weight) and x.ndim != 4:
            # Until the first batch nobody knows, and optimisers may want to.
            self.image = None
        if self.image is not None:
            x = self.image(x)
        return self.linear(x.flatten(1))
