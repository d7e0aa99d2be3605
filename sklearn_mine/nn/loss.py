"""Mutual information as a term of one's own training.

The bound is differentiable in both variables: :class:`MutualInformationLoss` gives it
to anyone's loop, to be raised or lowered, while its critic always climbs.
"""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from .critics import shifts_of
from .networks import Critic, check_rows_match
from .objectives import OBJECTIVES

# Successive multiples of the golden ratio fall evenly between nought and one.
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)


class MutualInformationLoss(torch.nn.Module):
    """The information of two batches, as a term to maximise or to minimise.

    Called with a batch of each variable it gives the estimate I(x; z) in nats. To
    maximise it, subtract it from what your optimiser descends; to minimise it, add it.
    The critic climbs either way: whatever factor and sign the term enters the total
    with, the gradient of the critic's own parameters is turned so that an optimiser
    that descends makes the estimate tighter, while x and z get the gradient of the
    term as it stands ("mine": with the minibatch bias corrected; "smile": that of
    "jensen-shannon"). One optimiser for all parameters does; `detach` both batches to
    train the critic alone, for a few more steps in between. (A factor of 0 teaches it
    nothing; nor does a hinge such as ``relu(information - 0.1)`` below its bend.)

    Parameters
    ----------
    critic : torch.nn.Module, default=None
        T(x, z), called with two batches of as many rows, returns one value for each.
        None builds a :class:`Critic` from the first batch: with convolutions for images
        (N, C, H, W), dense for all else. Where its class has a method
        ``pairs(x, z, partners)`` like that of :class:`Critic`, that is called instead,
        which need not work out a row again for each of its pairs; where it gives
        values (K, 1 + S, B), those of K critics, the estimate is the sum of theirs.

    objective : {"mine", "dv", "mine-f", "infonce", "jensen-shannon", "smile"}, \
            default="mine"
        A key of :data:`OBJECTIVES`: "mine" (the Donsker-Varadhan bound, whose gradient
        has its minibatch bias corrected by a moving average), "dv", "mine-f",
        "infonce", "jensen-shannon" (steady, no estimate of the information), "smile"
        (no bound).

    n_shifts : int, default=None
        Pairs of the product of marginals for each row: that many shifts of the batch
        against itself, never a row with itself. None takes 1, or 32 for "infonce",
        whose value is at most ln(1 + n_shifts).

    Attributes
    ----------
    critic : torch.nn.Module
        The one that was given, or built.

    objective : torch.nn.Module
        The one that `objective` names.

    n_shifts : int
        As it was given, or 1 or 32.

    is_lower_bound : bool
        Whether the objective bounds the mutual information from below.

    Raises
    ------
    ValueError
        If a parameter is unusable; the message names it.

    Notes
    -----
    The value is that of the batch, on rows that train the critic: it serves training.
    For a figure to report, measure the trained representation on held-out rows by
    :class:`sklearn_mine.MINE`. In ``eval()`` mode nothing is learnt from a batch.

    Rows of a batch should be in random order, as a shuffling loader gives them: shifts
    pair each row with one that stands elsewhere in the batch. Nothing is drawn at
    random; which shifts are taken changes from call to call while training.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation", sections 3 and 5.

    Examples
    --------
    >>> import torch
    >>> from sklearn_mine.nn import MutualInformationLoss
    >>> _ = torch.manual_seed(0)
    >>> encoder = torch.nn.Linear(5, 2)
    >>> information = MutualInformationLoss()
    >>> parameters = [*encoder.parameters(), *information.parameters()]
    >>> optimizer = torch.optim.Adam(parameters, lr=1e-2)
    >>> for step in range(200):
    ...     x = torch.randn(256, 5)
    ...     z = encoder(x) + 0.5 * torch.randn(256, 2)
    ...     loss = -information(x, z)  # or, to minimise, + information(x, z)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> bool(information(x, z) > 1.0)
    True
    """

    def __init__(
        self,
        critic: torch.nn.Module | None = None,
        objective: str = "mine",
        *,
        n_shifts: int | None = None,
    ) -> None:
        super().__init__()
        if critic is not None and not isinstance(critic, torch.nn.Module):
            raise ValueError(
                "critic should be a torch module that is called with two batches, got "
                f"{critic!r}."
            )
        if not isinstance(objective, str) or objective not in OBJECTIVES:
            raise ValueError(
                f"objective should be one of {sorted(OBJECTIVES)}, got {objective!r}."
            )
        if n_shifts is None:
            n_shifts = 32 if objective == "infonce" else 1
        elif (
            not isinstance(n_shifts, Integral)
            or isinstance(n_shifts, bool)
            or n_shifts < 1
        ):
            raise ValueError(
                f"n_shifts should be a whole number of 1 or more, got {n_shifts!r}."
            )
        self.critic = Critic() if critic is None else critic
        self.objective = OBJECTIVES[objective]()
        self.n_shifts = int(n_shifts)
        self.n_calls = 0

    def get_extra_state(self) -> torch.Tensor:
        """How many calls there were, for a state_dict."""
        return torch.tensor(self.n_calls)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Go on from the calls of a state_dict."""
        self.n_calls = int(state)

    @property
    def is_lower_bound(self) -> bool:
        """Whether the objective bounds the mutual information from below."""
        return self.objective.is_lower_bound

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The estimate of a batch.

        Parameters
        ----------
        x, z : tensor of shape (B, ...)
            Joint pairs: row i of x belongs to row i of z.

        Returns
        -------
        estimate : tensor of shape ()
            In nats (twice the divergence, for "jensen-shannon").

        Raises
        ------
        ValueError
            If the batches are no tensors, differ in length, or hold a single row, if
            the critic does not give one value for each pair, or if this is a copy that
            torch.nn.DataParallel made.
        """
        for name, batch in (("x", x), ("z", z)):
            if not isinstance(batch, torch.Tensor) or not batch.ndim:
                raise ValueError(
                    f"{name} should be a tensor of shape (B, ...), got "
                    f"{type(batch).__name__}"
                    + (" without a dimension" if torch.is_tensor(batch) else "")
                    + ". torch.as_tensor makes one of an array."
                )
        if getattr(self, "_is_replica", False):
            raise ValueError(
                "torch.nn.DataParallel's copies of MutualInformationLoss could not "
                "train its critic. Call it outside, on what the copies of your model "
                "gave, or use DistributedDataParallel, after a first batch."
            )
        check_rows_match(x, z)
        n = len(x)
        if n < 2:
            raise ValueError(
                f"A batch of {n} rows has no product of marginals. Pass 2 rows or "
                "more; drop_last=True makes a loader leave a single last row out."
            )
        partners = self._partners(n, x.device)
        learning = self.training and torch.is_grad_enabled()
        direction = _Direction() if learning else None
        values = _Values(self.critic).of_pairs(x, z, partners, direction)
        if values.dtype in (torch.float16, torch.bfloat16):
            # Exponentials and their averages need more digits than autocast leaves.
            values = values.float()
        if values.ndim == 2:
            values = values[None]
        if not learning:
            return self.objective.bound(*self.objective.terms(values, partners)).sum()
        self.n_calls += 1
        loss, bound = (each.sum() for each in self.objective.measure(values, partners))
        # The value of the bound, the gradient of what trains.
        return _Noted.apply(bound + (loss.detach() - loss), direction)  # type: ignore[no-untyped-call]  # torch's

    def _partners(self, n: int, device: torch.device) -> torch.Tensor:
        """The y of each pair: the batch as it is, and shifted."""
        n_shifts = min(self.n_shifts, n - 1)
        n_calls = self.n_calls if self.training else 0
        first = int((n_calls * _GOLDEN) % 1.0 * (n - 1))
        shifts = [
            1 + (first + i * (n - 1) // n_shifts) % (n - 1) for i in range(n_shifts)
        ]
        return shifts_of(n, [0, *shifts], device)


def adaptive_clip_(
    parameters: Iterable[torch.nn.Parameter],
    adversarial_gradients: Iterable[torch.Tensor | None],
    information_gradients: Iterable[torch.Tensor | None],
) -> torch.Tensor:
    """Add two gradients, the second rescaled to at most the first one's norm.

    The information's gradient knows no bound, and would drown an adversarial one.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        Their ``grad`` is set to the sum.

    adversarial_gradients, information_gradients : iterable of (tensor or None)
        Of both terms as they are descended, one for each parameter, such as
        ``torch.autograd.grad`` gives them; None counts as zero.

    Returns
    -------
    factor : tensor of shape ()
        What the second gradients were multiplied with, between 0 and 1.

    Raises
    ------
    ValueError
        If there are not as many gradients of each kind as parameters, or one differs
        from its parameter in shape.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation", section 5.1 and
    appendix 8.1.1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_mine.nn import adaptive_clip_
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> adaptive_clip_([weight], [torch.tensor([1.0, 0.0])], [torch.tensor([0.0, 4.0])])
    tensor(0.2500)
    >>> weight.grad
    tensor([1., 1.])
    """
    parameters = list(parameters)
    adversarial = _listed(adversarial_gradients)
    information = _listed(information_gradients)
    if not len(parameters) == len(adversarial) == len(information):
        raise ValueError(
            f"There are {len(parameters)} parameters, {len(adversarial)} adversarial "
            f"and {len(information)} information gradients. Pass one of each kind for "
            "each parameter, None where there is none."
        )
    for which, gradients in (
        ("adversarial_gradients", adversarial),
        ("information_gradients", information),
    ):
        for i, (one, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            if gradient is not None and gradient.shape != one.shape:
                raise ValueError(
                    f"{which}[{i}] has shape {tuple(gradient.shape)}, its parameter "
                    f"{tuple(one.shape)}."
                )
    limit, norm = _norm(adversarial), _norm(information)
    factor = torch.where(norm > limit, limit / norm.clamp(min=1e-30), 1.0)
    if not norm.isfinite():
        # A batch that overflowed tells no direction.
        factor, information = torch.zeros_like(factor), [None] * len(information)
    for parameter, first, second in zip(
        parameters, adversarial, information, strict=True
    ):
        parts = [] if first is None else [first]
        if second is not None:
            parts.append(factor * second)
        set_gradient(parameter, sum(parts[1:], parts[0]) if parts else None)
    return factor


def set_gradient(parameter: torch.nn.Parameter, gradient: torch.Tensor | None) -> None:
    """Set a gradient, laid out in memory as its parameter is.

    What autograd gives may lie otherwise, and fused optimisers do not look.
    """
    if gradient is not None:
        kind: dict[str, Any] = {"dtype": gradient.dtype, "device": gradient.device}
        gradient = torch.empty_like(parameter, **kind).copy_(gradient)
    parameter.grad = gradient


def _listed(
    gradients: Iterable[torch.Tensor | None] | None,
) -> list[torch.Tensor | None]:
    return [] if gradients is None else list(gradients)


def _norm(gradients: Iterable[torch.Tensor | None]) -> torch.Tensor:
    norms = [g.norm() for g in gradients if g is not None]
    return torch.stack(norms).norm() if norms else torch.zeros(())


class _Direction:
    """The sign of the factor that a value enters the total with, once it is known."""

    sign = 1.0


class _Noted(torch.autograd.Function):
    """Note the sign of the factor on the way back."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, direction: _Direction) -> torch.Tensor:
        ctx.direction = direction
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        ctx.direction.sign = torch.where(gradient < 0, -1.0, 1.0)
        return gradient, None


class _Climbing(torch.autograd.Function):
    """A parameter as it is, whose gradient makes a descending optimiser climb."""

    @staticmethod
    def forward(
        ctx: Any, parameter: torch.Tensor, direction: _Direction
    ) -> torch.Tensor:
        ctx.direction = direction
        return parameter.view_as(parameter)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -ctx.direction.sign * gradient, None


class _Values(torch.nn.Module):
    """Critic values (1 + S, B) of joint pairs, and of S shifts."""

    # Which may have a method `pairs`.
    critic: Any

    def __init__(self, critic: torch.nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def of_pairs(
        self,
        x: torch.Tensor,
        z: torch.Tensor,
        partners: torch.Tensor,
        direction: _Direction | None,
    ) -> torch.Tensor:
        if any(map(is_lazy, self.parameters())):
            with torch.no_grad():
                self.forward(x[:2], z[:2], partners[:, :2] % 2)
        # Where nothing is learnt the critic is given no gradient at all.
        parameters = {
            name: parameter.detach()
            if direction is None
            else _Climbing.apply(parameter, direction)  # type: ignore[no-untyped-call]  # torch's
            for name, parameter in self.named_parameters()
        }
        return torch.func.functional_call(self, parameters, (x, z, partners))

    def forward(
        self, x: torch.Tensor, z: torch.Tensor, partners: torch.Tensor
    ) -> torch.Tensor:
        # Not inherited: a subclass may see pairs otherwise.
        if "pairs" in vars(type(self.critic)):
            return self.critic.pairs(x, z, partners)
        # In one go: batch statistics of a critic must not tell which pairs are joint.
        x = x.repeat(len(partners), *[1] * (x.ndim - 1))
        values = self.critic(x, z[partners.flatten()])
        if values.numel() != partners.numel():
            raise ValueError(
                f"critic gave values of shape {tuple(values.shape)} for "
                f"{partners.numel()} pairs. It should give one value for each pair."
            )
        return values.reshape(partners.shape)
