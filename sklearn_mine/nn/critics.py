"""Statistics networks: K critics side by side in one batched module.

A critic is a linear head over two kinds of features of a pair (x, y): hidden units of
a network, and features of the parametric start (canonical products, radii). It is
trained by gradient as a whole, or its head is solved (:mod:`sklearn_mine.nn.newton`).
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from .._typing import Floats, Ints, Sizes
from .logistic import LogisticRatio
from .mixture import MixtureRatio
from .student import StudentRatio

if TYPE_CHECKING:
    from .._start import CanonicalStart


ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "logistic": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "elu": torch.nn.ELU,
    "silu": torch.nn.SiLU,
}

# Products of canonical coordinates that the head can reweight one by one.
_MAX_PRODUCTS = 8
# Coordinates up to this many enter the networks at full scale.
_FEW = 4.0
# As which all others together enter beside columns that are known to tell something.
_BESIDE = 0.02
# Products of the two towers' outputs.
N_PRODUCTS = 32
# A side wider than this enters the network through its coordinates alone.
MAX_RAW = 64

# Units dropped while training the network of a side wider than this: with 64 columns
# of digits the held-out bound rises from 2.02 to 2.09 of 2.30.
_DROPOUT, _WIDE = 0.1, 32

_ALL = slice(None)


def as_layer_sizes(sizes: Sizes, name: str = "hidden_layer_sizes") -> tuple[int, ...]:
    """A tuple of layer sizes, checked."""
    sizes = (sizes,) if isinstance(sizes, (int, Integral)) else tuple(sizes)
    if not sizes or any(
        not isinstance(size, Integral) or isinstance(size, bool) or size < 1
        for size in sizes
    ):
        raise ValueError(
            f"{name} should hold at least one layer, each of one unit or more, such "
            f"as (64, 64); got {sizes!r}."
        )
    return tuple(int(size) for size in sizes)


class Bank(torch.nn.Module):
    """Base of K critics side by side, called with rows of both sides and partners.

    Attributes
    ----------
    head : tensor of shape (K, ...)
        What each critic weighs features with, or its values.
    """

    head: torch.Tensor


class CriticBank(Bank):
    """K critics of the same shape, each with its own weights.

    Parameters
    ----------
    starts : list of CanonicalStart
        One for each critic.

    hidden_layer_sizes : tuple of int

    activation : str
        A key of `ACTIVATIONS`.

    use_start : bool
        Whether start features (and coordinates) are part of the critic; otherwise
        it is a plain network of (x, y), as in the paper.

    rng : numpy.random.Generator
        Draws the initial weights, the same for every critic.
    """

    x_mean: torch.Tensor
    y_mean: torch.Tensor
    x_directions: torch.Tensor
    y_directions: torch.Tensor
    correlations: torch.Tensor
    x_twists: torch.Tensor
    y_twists: torch.Tensor
    twist_correlations: torch.Tensor
    x_scales: torch.Tensor
    y_scales: torch.Tensor
    x_others: torch.Tensor
    y_others: torch.Tensor

    def __init__(
        self,
        starts: "Sequence[CanonicalStart]",
        hidden_layer_sizes: tuple[int, ...],
        activation: str,
        *,
        use_start: bool,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.use_start = use_start
        self.activation = ACTIVATIONS[activation]()
        n_critics, n_plain = len(starts), starts[0].n_plain
        students = [start.student for start in starts]
        mixtures = [start.mixture for start in starts]
        regressions = [start.logistic for start in starts]
        # Columns of each side that the networks see as they are.
        self.n_raw = [d if d <= MAX_RAW or not use_start else 0 for d in n_plain]
        self._set_start(starts)
        p, q = self.x_directions.shape[2], self.y_directions.shape[2]
        n_twists = self.x_twists.shape[2]
        self.student, self.mixture, self.logistic = None, None, None
        if any(regression is not None for regression in regressions):
            self.logistic = LogisticRatio(regressions)
        if any(student is not None for student in students):
            self.student = StudentRatio(students, *n_plain)
        if any(mixture is not None for mixture in mixtures):
            self.mixture = MixtureRatio(mixtures)
        parts = (self.logistic, self.student)
        self.n_separable = 1 + (n_twists > 0) + sum(part is not None for part in parts)
        self.n_starts = self.n_separable + (self.mixture is not None)
        width_x, width_y = (
            n_raw + (width + 2 + n_twists) * use_start
            for n_raw, width in zip(self.n_raw, (p, q), strict=True)
        )
        n_pair = self.n_starts + 4 if use_start else 0
        sizes = [width_x + width_y + n_pair, *hidden_layer_sizes]
        self._splits = (width_x, width_y, n_pair)
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(sizes):
            limit = 1.0 / math.sqrt(fan_in)
            weight = rng.uniform(-limit, limit, size=(1, fan_in, fan_out))
            if len(self.weights) == 0:
                weight *= math.sqrt(3.0)
            bias = rng.uniform(-limit, limit, size=(1, 1, fan_out))
            self.weights.append(_parameter(weight, n_critics))
            self.biases.append(_parameter(bias, n_critics))
        n_products = min(self.correlations.shape[1], _MAX_PRODUCTS)
        n_products += min(n_twists, _MAX_PRODUCTS)
        self._n_start = self.n_starts + 9 + n_products if use_start else 0
        self.towers = torch.nn.ModuleList()
        if use_start:
            left, right = (
                _Tower([width, *hidden_layer_sizes, 1 + N_PRODUCTS], n_critics, rng)
                for width in (width_x, width_y)
            )
            self.towers.extend([left, right])
            # One side starts at zero: so do the products, and the critic is the start.
            for parameter in (left.weights[-1], left.biases[-1]):
                torch.nn.init.zeros_(parameter)
            torch.nn.init.zeros_(right.biases[-1])
            with torch.no_grad():
                right.weights[-1][:, :, 0] = 0.0
        self.n_features = self._n_start + sizes[-1] + (1 + N_PRODUCTS) * use_start
        head = np.zeros((1, self.n_features, 1))
        if use_start:
            head[0, 0] = 1.0
            head[0, -N_PRODUCTS:] = 1.0 / math.sqrt(N_PRODUCTS)
            head[0, -N_PRODUCTS - 1] = 1.0
        else:
            limit = 1.0 / math.sqrt(sizes[-1])
            head[0, :, 0] = rng.uniform(-limit, limit, size=sizes[-1])
        self.head = _parameter(head, n_critics)
        self.intercept = _parameter(np.zeros((1, 1)), n_critics)

    def _set_start(self, starts: "Sequence[CanonicalStart]") -> None:
        def stack(name: str) -> torch.Tensor:
            width = max(getattr(start, name).shape[-1] for start in starts)
            arrays = [getattr(start, name) for start in starts]
            padded = [
                np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, width - a.shape[-1])])
                for a in arrays
            ]
            return torch.tensor(np.stack(padded), dtype=torch.float32)

        for name in (
            "x_mean",
            "y_mean",
            "x_directions",
            "y_directions",
            "correlations",
            "x_twists",
            "y_twists",
            "twist_correlations",
        ):
            self.register_buffer(name, stack(name))
        # What networks see of each column as it is, and at most of a coordinate that
        # is not known to tell anything.
        for side, name in enumerate("xy"):
            scales = np.stack([_scales_of(start, side) for start in starts])
            raw = torch.tensor(scales[:, : self.n_raw[side]], dtype=torch.float32)
            self.register_buffer(f"{name}_scales", raw[:, None])
            others = torch.tensor(scales[:, -1], dtype=torch.float32)
            self.register_buffer(f"{name}_others", others[:, None])

    @torch.no_grad()
    def begin_at(self, which: Sequence[int] | Ints) -> None:
        """Let each critic be one of its starts, (K,) of numbers below `n_starts`.

        -1 is nothing at all.
        """
        self.head[:, : self.n_starts] = 0.0
        for k, start in enumerate(which):
            if start >= 0:
                self.head[k, start] = 1.0

    def forward(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        partners: torch.Tensor,
        critics: slice = _ALL,
    ) -> torch.Tensor:
        """Critic values of pairs.

        Parameters
        ----------
        x, y : tensor of shape (K, B, dx), (K, B, dy)

        partners : tensor of shape (R, B) or (K, R, B), int64
            Row r pairs x[:, i] with y[:, partners[r, i]]; the same for all critics.

        critics : slice
            The critics that `x` and `y` are for.

        Returns
        -------
        values : tensor of shape (K, R, B)
        """
        if partners.ndim == 3:
            partners = partners[0]
        start, hidden, left, right = self._parts(x, y, partners, critics)
        head = self.head[critics]
        shape = (len(hidden), *partners.shape)
        n_start, n_hidden = self._n_start, hidden.shape[2]
        values = _HeadProduct.apply(hidden, head[:, n_start : n_start + n_hidden, 0])  # type: ignore[no-untyped-call]  # torch's
        if start is not None:
            weights = head[:, :n_start].mT
            values = values + torch.bmm(weights, start.flatten(2))[:, 0]
        values = (values + self.intercept[critics]).reshape(shape)
        if left is not None and right is not None:
            weights = head[:, None, -N_PRODUCTS - 1 :, 0]
            left, right = left * weights, right[:, partners]
            values = values + (left[:, None, :, 1:] * right[..., 1:]).sum(3)
            marginal = weights[:, :, :1] * right[..., 0] + left[:, None, :, 0]
            values = values + marginal
        return values

    def separable(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Values of all pairs of rows without the pair network, (K, B, B).

        Entry (k, i, j) pairs x[k, i] with y[k, j]. Gaussian starts and towers alone:
        all are products of one side's features with the other's, so all pairs cost
        one matrix product.
        """
        sides = self._sides(x, y, _ALL)
        left = self.towers[0](sides.x_in, self.activation, _ALL)
        right = self.towers[1](sides.y_in, self.activation, _ALL)
        marginal, products = (
            self.head[:, -N_PRODUCTS - 1, None],
            self.head[:, -N_PRODUCTS:],
        )
        of_x, of_y = marginal * left[..., :1], marginal * right[..., :1]
        lefts, rights = [products.mT * left[..., 1:]], [right[..., 1:]]
        parts = self._separable_starts(x, y, sides, _ALL)
        for i, (u, v, alone_x, alone_y) in enumerate(parts):
            weight = self.head[:, i, None]
            of_x = of_x + weight * alone_x[..., None]
            of_y = of_y + weight * alone_y[..., None]
            lefts.append(weight * u)
            rights.append(v)
        one = torch.ones_like(of_x)
        left = torch.cat([*lefts, of_x, one], dim=2)
        values = left @ torch.cat([*rights, one, of_y], dim=2).mT
        if self.student is not None:
            with torch.no_grad():
                of_x, of_y = self.student.sides(x, y, _ALL)
                ratios = self.student.all_pairs(of_x, of_y, _ALL)
            values = values + self.head[:, self.n_separable - 1, None] * ratios
        return values

    def features(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        partners: torch.Tensor,
        critics: slice = _ALL,
    ) -> torch.Tensor:
        """Features of pairs, start features first, (K, R, B, n_features)."""
        start, hidden, left, right = self._parts(x, y, partners, critics)
        parts = [hidden.reshape(len(hidden), *partners.shape, -1)]
        if start is not None:
            parts.insert(0, start.permute(0, 2, 3, 1))
        if left is not None and right is not None:
            left, right = left[:, None], right[:, partners]
            parts += [left[..., :1] + right[..., :1], left[..., 1:] * right[..., 1:]]
        return torch.cat(parts, dim=3)

    def _parts(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor, critics: slice
    ) -> tuple[
        torch.Tensor | None, torch.Tensor, torch.Tensor | None, torch.Tensor | None
    ]:
        """What a head weighs: of pairs, and of each side.

        Returns
        -------
        start : tensor of shape (K, n_start, R, B) or None
        hidden : tensor of shape (K, R * B, n_hidden)
        left, right : tensor of shape (K, B, 1 + N_PRODUCTS) or None
            What the towers give for x and y.
        """
        start, x_in, y_in, pair_in = self._inputs(x, y, partners, critics)
        n_x, n_y, _ = self._splits
        first = self.weights[0][critics]
        side_x = torch.baddbmm(self.biases[0][critics], x_in, first[:, :n_x])
        side_y = torch.bmm(y_in, first[:, n_x : n_x + n_y])
        hidden = (side_x[:, None] + side_y[:, partners]).flatten(1, 2)
        if pair_in is not None:
            flat = pair_in.flatten(2).mT
            hidden = torch.baddbmm(hidden, flat, first[:, n_x + n_y :])
        hidden = self.activation(hidden)
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            hidden = torch.baddbmm(bias[critics], hidden, weight[critics])
            hidden = self.activation(hidden)
        if not self.use_start:
            return None, hidden, None, None
        left = self.towers[0](x_in, self.activation, critics)
        right = self.towers[1](y_in, self.activation, critics)
        return start, hidden, left, right

    def _relevance(
        self, width: int, most: torch.Tensor, critics: slice
    ) -> torch.Tensor:
        """Scale of each coordinate as a network input.

        Coordinates with a confirmed correlation enter as they are. Where there are
        many others, those enter scaled down: a prior that most carry nothing, which
        gradient steps can overcome.
        """
        known = (self.correlations[critics] > 0).to(self.correlations.dtype)
        known = torch.nn.functional.pad(known, (0, width))[:, :width]
        n_others = (width - known.sum(1, keepdim=True)).clamp(min=1.0)
        scale = torch.minimum(torch.sqrt(_FEW / n_others), most[critics])
        return (known + (1.0 - known) * scale)[:, None]

    def _sides(self, x: torch.Tensor, y: torch.Tensor, critics: slice) -> "_Sides":
        """Coordinates of both sides, and what the networks see of each."""
        seen = []
        for side, name in ((x, "x"), (y, "y")):
            mean, directions, twists, scales, others = (
                getattr(self, f"{name}_{part}")
                for part in ("mean", "directions", "twists", "scales", "others")
            )
            n_raw = scales.shape[2]
            side, raw = side - mean[critics, None], side[:, :, :n_raw]
            coordinates = torch.bmm(side, directions[critics])
            twisted = torch.bmm(side, twists[critics])
            # A side may have no direction: its columns tell nothing linear.
            n_directions = max(1, coordinates.shape[2])
            radius = (coordinates**2).sum(dim=2) / n_directions
            relevance = self._relevance(coordinates.shape[2], others, critics)
            parts = [coordinates * relevance, torch.stack(_radial(radius), dim=2)]
            if n_raw:
                parts.insert(0, raw * scales[critics])
            parts.append(twisted)
            seen += [coordinates, twisted, torch.cat(parts, dim=2)]
        return _Sides(*seen)

    def _separable_starts(
        self, x: torch.Tensor, y: torch.Tensor, sides: "_Sides", critics: slice
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Parts of the log-density ratios of Gaussian starts and of regressions.

        Yields
        ------
        left, right : tensor of shape (K, B, p)
            The ratio of a pair is the product of these rows, plus
        of_x, of_y : tensor of shape (K, B)
            what belongs to each side.
        """
        starts = [(self.correlations, sides.u, sides.v)]
        if self.twist_correlations.shape[1]:
            starts.append((self.twist_correlations, sides.f, sides.g))
        for correlations, u, v in starts:
            rho = correlations[critics, None]
            n_pairs = rho.shape[2]
            u, v = u[:, :, :n_pairs], v[:, :, :n_pairs]
            scale = 1.0 - rho**2
            of_x = -0.5 * (u**2 * (rho**2 / scale) + torch.log(scale)).sum(2)
            of_y = -0.5 * (v**2 * (rho**2 / scale)).sum(2)
            yield u * (rho / scale), v, of_x, of_y
        if self.logistic is not None:
            left, right = self.logistic.sides(x, y, critics)
            yield (
                left,
                right,
                torch.zeros_like(left[..., 0]),
                torch.zeros_like(right[..., 0]),
            )

    def _inputs(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor, critics: slice
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Start features (K, n_start, R, B), and what the networks see."""
        if not self.use_start:
            return None, x, y, None
        sides = self._sides(x, y, critics)
        u, v = sides.u, sides.v
        ratios = []
        parts = self._separable_starts(x, y, sides, critics)
        for left, right, of_x, of_y in parts:
            joined = (left[:, None] * right[:, partners]).sum(3)
            ratios.append(joined + of_x[:, None] + of_y[:, partners])
        with torch.no_grad():
            if self.student is not None:
                of_x, of_y = self.student.sides(x, y, critics)
                ratios.append(self.student.pairs(of_x, of_y, partners, critics))
            if self.mixture is not None:
                of_x, of_y = self.mixture.sides(u, v, critics)
                ratios.append(self.mixture.pairs(of_x, of_y, partners))
        dx, dy = u.shape[2], v.shape[2]
        square_u, square_v = (u**2).sum(2)[:, None], (v**2).sum(2)[:, partners]
        rho = self.correlations[critics, None]
        n_pairs = rho.shape[2]
        u, v = u[:, :, :n_pairs], v[:, partners, :n_pairs]
        cross = ((u * rho)[:, None] * v).sum(3)
        residual = square_v - 2.0 * cross + ((u * rho) ** 2).sum(2)[:, None]
        residual = residual.clamp(min=0.0) / dy
        together = (square_u + square_v) / (dx + dy)
        wide_u, wide_v = (square_u / dx).expand_as(square_v), square_v / dy
        radial = [*_radial(residual), *_radial(together)]
        products = [
            u[:, None, :, i] * v[..., i] for i in range(min(n_pairs, _MAX_PRODUCTS))
        ]
        f, g = sides.f, sides.g[:, partners, :_MAX_PRODUCTS]
        products += [f[:, None, :, i] * g[..., i] for i in range(g.shape[3])]
        alone = [*_radial(wide_u), *_radial(wide_v), wide_u]
        start = torch.stack([*ratios, *radial, *alone, *products], dim=1)
        # The network sees the starts tamed: their tails are not its concern.
        tamed = [torch.asinh(ratio) for ratio in ratios]
        return start, sides.x_in, sides.y_in, torch.stack([*tamed, *radial], dim=1)


class _Sides(NamedTuple):
    """Of x and of y: coordinates, twisted ones, and inputs of the networks."""

    u: torch.Tensor
    f: torch.Tensor
    x_in: torch.Tensor
    v: torch.Tensor
    g: torch.Tensor
    y_in: torch.Tensor


def _scales_of(start: "CanonicalStart", side: int) -> Floats:
    """How much of each column the networks see, and last of a coordinate at most.

    Few columns enter as they are, many scaled down: a prior that most carry nothing,
    which gradient steps can overcome. It is a stronger one beside columns that are
    known to tell something.
    """
    width, tells = start.n_plain[side], start.tells[side]
    if tells is None:
        return np.append(np.full(width, min(1.0, math.sqrt(_FEW / width))), 1.0)
    of_others = math.sqrt(_BESIDE / (~tells).sum())
    of_known = min(1.0, math.sqrt(_FEW / tells.sum()))
    return np.append(np.where(tells, of_known, of_others), of_others)


class _HeadProduct(torch.autograd.Function):
    """Weighted sums of hidden units, (K, m, H) and (K, H) to (K, m).

    A batched product with one column is slow, its gradient slower.
    """

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(hidden, weights)
        return torch.bmm(hidden, weights[:, :, None])[:, :, 0]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, weights = ctx.saved_tensors
        of_weights = torch.bmm(gradient[:, None], hidden)[:, 0]
        return gradient[:, :, None] * weights[:, None], of_weights


def _radial(square: torch.Tensor) -> list[torch.Tensor]:
    """Features of a mean squared radius."""
    return [torch.log1p(square), torch.sqrt(square + 1e-6)]


class _Tower(torch.nn.Module):
    """A network of one side.

    Where the side is wide its units are dropped at random while training; what is
    drawn depends on `rng` alone.
    """

    def __init__(
        self, sizes: Sequence[int], n_critics: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.dropout = _DROPOUT if sizes[0] > _WIDE else 0.0
        self.seed = int(rng.integers(2**62))
        self.n_draws = 0
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(sizes):
            limit = math.sqrt(3.0 / fan_in)
            weight = rng.uniform(-limit, limit, size=(1, fan_in, fan_out))
            bias = rng.uniform(-limit, limit, size=(1, 1, fan_out)) / math.sqrt(3.0)
            self.weights.append(_parameter(weight, n_critics))
            self.biases.append(_parameter(bias, n_critics))

    def forward(
        self, side: torch.Tensor, activation: torch.nn.Module, critics: slice
    ) -> torch.Tensor:
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if i:
                side = self._drop(activation(side))
            side = torch.baddbmm(bias[critics], side, weight[critics])
        return side

    def _drop(self, units: torch.Tensor) -> torch.Tensor:
        if not (self.dropout and self.training and torch.is_grad_enabled()):
            return units
        self.n_draws += 1
        generator = torch.Generator(units.device).manual_seed(self.seed + self.n_draws)
        kept = torch.rand(units.shape, generator=generator, device=units.device)
        return units * (kept > self.dropout) / (1.0 - self.dropout)


def shifts_of(
    n: int, offsets: Iterable[int], device: torch.device | None = None
) -> torch.Tensor:
    """Partners under circular shifts: offset 0 is the joint row, others pair nobody
    with themselves.

    Parameters
    ----------
    n : int
        Rows.

    offsets : sequence of int
        Each between 0 and n - 1.

    Returns
    -------
    partners : tensor of shape (len(offsets), n)
    """
    offsets = torch.tensor(list(offsets), device=device)[:, None]
    return (torch.arange(n, device=device)[None] + offsets) % n


def _parameter(values: Floats, n_critics: int) -> torch.nn.Parameter:
    tensor = torch.tensor(values, dtype=torch.float32)
    return torch.nn.Parameter(tensor.repeat(n_critics, *[1] * (tensor.ndim - 1)))
