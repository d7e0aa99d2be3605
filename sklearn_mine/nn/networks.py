"""Critics for one's own training loop: one network of (x, z), dense or for images.

Unlike :mod:`sklearn_mine.nn.critics`, whose banks of critics are trained side by side
on held-in rows of a table, these are plain torch modules: ``critic(x, z)`` is (B,).
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from .._typing import Sizes
from .critics import ACTIVATIONS, as_layer_sizes

# Channels of the convolutions that an image passes before it meets the other side.
_CHANNELS = (32, 64)


def dense_layers(
    width: int,
    hidden_layer_sizes: Sequence[int],
    n_out: int,
    activation: Callable[[], torch.nn.Module],
    batch_normalization: bool,
) -> torch.nn.Sequential:
    """Fully connected layers, the last one linear; `activation` makes a layer."""
    layers: list[torch.nn.Module] = []
    sizes = [width, *hidden_layer_sizes]
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers.append(torch.nn.Linear(fan_in, fan_out))
        if batch_normalization:
            layers.append(torch.nn.BatchNorm1d(fan_out))
        layers.append(activation())
    layers.append(torch.nn.Linear(sizes[-1], n_out))
    return torch.nn.Sequential(*layers)


def next_generator(module: Any, device: torch.device | str) -> torch.Generator:
    """A generator for each draw: copied and pickled modules go on alike."""
    generator = torch.Generator(device)
    generator.manual_seed(module.seed + module.n_draws)
    module.n_draws += 1
    return generator


def check_rows_match(x: torch.Tensor, z: torch.Tensor) -> None:
    """Refuse batches of different lengths."""
    if len(x) != len(z):
        raise ValueError(
            f"x has {len(x)} rows and z has {len(z)}. Row i of one belongs to row i of "
            "the other."
        )


class GaussianNoise(torch.nn.Module):
    """Add normal noise while training.

    Parameters
    ----------
    scale : float
        Standard deviation.

    seed : int, default=None
        Draws of its own; None draws from torch's global generator, as Dropout does.

    Raises
    ------
    ValueError
        If `scale` is below 0.

    Examples
    --------
    >>> import torch
    >>> from sklearn_mine.nn import GaussianNoise
    >>> noise = GaussianNoise(0.1, seed=0)
    >>> bool((noise(torch.zeros(5)) != 0.0).all())
    True
    >>> noise.eval()(torch.zeros(3))
    tensor([0., 0., 0.])
    """

    def __init__(self, scale: float, seed: int | None = None) -> None:
        super().__init__()
        if not scale >= 0.0:
            raise ValueError(f"scale of noise should be 0 or more, got {scale!r}.")
        self.scale, self.seed, self.n_draws = scale, seed, 0

    def get_extra_state(self) -> torch.Tensor:
        """How many draws there were, for a state_dict."""
        return torch.tensor(self.n_draws)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Go on from the draws of a state_dict."""
        self.n_draws = int(state)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add noise in training mode; otherwise give x as it is.

        Parameters
        ----------
        x : tensor
            Of any shape.

        Returns
        -------
        x : tensor
            Of the same shape and type.
        """
        if not self.training or self.scale == 0.0:
            return x
        generator = None if self.seed is None else next_generator(self, x.device)
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        return torch.add(x, noise.to(x.dtype), alpha=self.scale)


class Critic(torch.nn.Module):
    """A statistics network T(x, z).

    Either side may hold images, (N, C, H, W), which pass two convolutions, or anything
    else, which is flattened. Shapes are taken from the first batch; most optimisers may
    be made before, other things that look at weights (Adagrad, DistributedDataParallel)
    want a batch first. Numbers of any type are read in that of the weights.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(256, 256)
        Units of each hidden layer.

    activation : {"identity", "logistic", "tanh", "relu", "elu", "silu"}, default="elu"
        Of the hidden layers.

    noise : float, default=0.0
        Standard deviation of normal noise on both inputs and on the hidden units while
        training, which keeps the critic from learning rows by heart.

    seed : int, default=None
        Of the noise; None draws from torch's global generator.

    Raises
    ------
    ValueError
        If a parameter is unusable; the message names it.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation".

    Examples
    --------
    >>> import torch
    >>> from sklearn_mine.nn import Critic
    >>> critic = Critic()
    >>> critic(torch.zeros(5, 1, 28, 28), torch.zeros(5, 16)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (256, 256),
        activation: str = "elu",
        *,
        noise: float = 0.0,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        hidden_layer_sizes = as_layer_sizes(hidden_layer_sizes)
        first, *_ = hidden_layer_sizes
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation should be one of {sorted(ACTIVATIONS)}, got "
                f"{activation!r}."
            )
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

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Values of pairs.

        Parameters
        ----------
        x, z : tensor of shape (B, ...)
            Row i of x goes with row i of z.

        Returns
        -------
        values : tensor of shape (B,)
            One for each pair.

        Raises
        ------
        ValueError
            If both differ in length, or shapes are not those of the first batch.
        """
        check_rows_match(x, z)
        x, z = self._first(x, z)
        return self.together(x + z)[:, 0]

    def pairs(
        self, x: torch.Tensor, z: torch.Tensor, partners: torch.Tensor
    ) -> torch.Tensor:
        """Values of each x with several z.

        The first layer, and an image's convolutions, are worked out once for a row.

        Parameters
        ----------
        x, z : tensor of shape (B, ...)
            Rows of both sides.

        partners : tensor of shape (1 + S, B), int64
            The row of z that each x is paired with.

        Returns
        -------
        values : tensor of shape (1 + S, B)
            One for each pair.

        Raises
        ------
        ValueError
            If shapes are not those of the first batch.
        """
        x, z = self._first(x, z)
        return self.together(x + z[partners])[..., 0]

    def _first(self, x: torch.Tensor, z: torch.Tensor) -> list[torch.Tensor]:
        """What each side adds to the first hidden layer."""
        pairs = zip(self.sides, (x, z), ("x", "z"), strict=True)
        return [side(each, name) for side, each, name in pairs]


class _Side(torch.nn.Module):
    """One side's way to the first hidden layer."""

    def __init__(self, width: int, activation: str, noise: GaussianNoise) -> None:
        super().__init__()
        self.noise = noise
        layers: list[torch.nn.Module] = []
        for channels in _CHANNELS:
            layers.append(torch.nn.LazyConv2d(channels, 4, stride=2, padding=2))
            layers.append(ACTIVATIONS[activation]())
        self.image = torch.nn.Sequential(*layers)
        self.linear = torch.nn.LazyLinear(width)

    @property
    def takes_images(self) -> bool:
        """Whether the first batch held images; True before it."""
        return any(is_lazy(p) or p.numel() > 1 for p in self.image.parameters())

    def forward(self, x: torch.Tensor, name: str) -> torch.Tensor:
        x = self.noise(x.to(self.linear.weight.dtype))
        if is_lazy(self.linear.weight) and x.ndim != 4:
            # Single noughts, not gone: optimisers go by the number of parameters.
            convolutions: list[Any] = list(self.image)[::2]
            for convolution in convolutions:
                convolution.weight.materialize((1, 1, 1, 1))
                convolution.bias.materialize((1,))
                torch.nn.init.zeros_(convolution.weight)
                torch.nn.init.zeros_(convolution.bias)
        if self.takes_images:
            x = self._convolved(x, name)
        elif len(self.image):
            # Nought, of the graph: gradients are asked for of all parameters.
            x = x + 0.0 * sum(parameter.sum() for parameter in self.image.parameters())
        x = x.flatten(1) if x.ndim > 1 else x[:, None]
        if not x.shape[1]:
            raise ValueError(f"{name} has rows of no numbers.")
        weight = self.linear.weight
        if not is_lazy(weight) and x.shape[1] != weight.shape[1]:
            raise ValueError(
                f"{name} has rows of {x.shape[1]} numbers, and the critic was built "
                f"for {weight.shape[1]}. Shapes are those of the first batch."
            )
        return self.linear(x)

    def _convolved(self, x: torch.Tensor, name: str) -> torch.Tensor:
        channels: Any = self.image[0].weight
        if x.ndim != 4 or not (is_lazy(channels) or x.shape[1] == channels.shape[1]):
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, and the critic was built for "
                "images (N, C, H, W)"
                + ("" if is_lazy(channels) else f" of {channels.shape[1]} channels")
                + ". Shapes are those of the first batch."
            )
        return self.image(x)
