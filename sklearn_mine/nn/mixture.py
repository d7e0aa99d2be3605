"""The log-density ratio of mixtures of Gaussians, K side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from .._typing import Floats

if TYPE_CHECKING:
    from .._mixture import Mixture


# What one side brings.
_Side = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class MixtureRatio(torch.nn.Module):
    """ln p(x, y) / p(x)p(y) of K mixtures, at any pairs of rows.

    Everything but the term that joins both sides is computed once for each row.

    Parameters
    ----------
    mixtures : list of Mixture or None
        One for each critic; None for a ratio of one everywhere. Each is of the first
        so many coordinates of each side.
    """

    log_weights: torch.Tensor
    x_log_weights: torch.Tensor
    y_log_weights: torch.Tensor
    x_means: torch.Tensor
    y_means: torch.Tensor
    x_joint: torch.Tensor
    y_joint: torch.Tensor
    x_alone: torch.Tensor
    y_alone: torch.Tensor
    cross: torch.Tensor

    def __init__(self, mixtures: "Sequence[Mixture | None]") -> None:
        super().__init__()
        known = [mixture for mixture in mixtures if mixture is not None]
        self.n_x = n_x = max(mixture.n_x for mixture in known)
        self.n_y = n_y = max(mixture.n_y for mixture in known)
        mixtures = [m if m is None else m.among(n_x, n_y) for m in mixtures]
        n_components = max(len(mixture.weights) for mixture in known)
        parts = [_parts(m, n_components, n_x, n_y) for m in mixtures]
        for name in parts[0]:
            stacked = np.stack([part[name] for part in parts])
            self.register_buffer(name, torch.tensor(stacked, dtype=torch.float32))

    def sides(
        self, u: torch.Tensor, v: torch.Tensor, critics: slice
    ) -> tuple[_Side, _Side]:
        """What each side brings.

        Returns
        -------
        of_x : tuple of tensors (K, B, C), (K, B, C, n_y), (K, B)
            A row's share of each component, what multiplies y, and ln p(x).
        of_y : tuple of tensors (K, B, C), (K, B, n_y), (K, B)
            A row's share, y itself, and ln p(y).
        """
        u, v = u[:, :, : self.n_x], v[:, :, : self.n_y]
        away_x = u[:, :, None] - self.x_means[critics, None]
        away_y = v[:, :, None] - self.y_means[critics, None]
        cross = torch.einsum("kbcx,kcxy->kbcy", away_x, self.cross[critics])
        alpha = -0.5 * _square(away_x, self.x_joint[critics])
        alpha = alpha + self.log_weights[critics, None]
        alpha = alpha + torch.einsum("kbcy,kcy->kbc", cross, self.y_means[critics])
        gamma = -0.5 * _square(away_y, self.y_joint[critics])
        log_x = self.x_log_weights[critics, None] - 0.5 * _square(
            away_x, self.x_alone[critics]
        )
        log_y = self.y_log_weights[critics, None] - 0.5 * _square(
            away_y, self.y_alone[critics]
        )
        return (
            (alpha, -cross, torch.logsumexp(log_x, dim=2)),
            (gamma, v, torch.logsumexp(log_y, dim=2)),
        )

    def pairs(self, of_x: _Side, of_y: _Side, partners: torch.Tensor) -> torch.Tensor:
        """Ratios of the pairs (x[i], y[partners[r, i]]), (K, R, B)."""
        alpha, slopes, log_x = of_x
        gamma, v, log_y = of_y
        # (K, B, C, n_y) with (K, B, n_y, R).
        joined = torch.matmul(slopes, v[:, partners].permute(0, 2, 3, 1))
        joint = joined + alpha[..., None] + gamma[:, partners].permute(0, 2, 3, 1)
        joint = torch.logsumexp(joint, dim=2).mT
        return joint - log_x[:, None] - log_y[:, partners]


def _square(away: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    """Squared lengths of (K, B, C, d) under roots (K, C, d, d), (K, B, C)."""
    return (torch.einsum("kbcd,kcde->kbce", away, root) ** 2).sum(dim=3)


def _parts(
    mixture: "Mixture | None", n_components: int, n_x: int, n_y: int
) -> dict[str, Floats]:
    """A mixture's constants in double precision, padded to `n_components`."""
    never = -1e30
    parts = {
        "log_weights": np.full(n_components, never),
        "x_log_weights": np.full(n_components, never),
        "y_log_weights": np.full(n_components, never),
        "x_means": np.zeros((n_components, n_x)),
        "y_means": np.zeros((n_components, n_y)),
        "x_joint": np.zeros((n_components, n_x, n_x)),
        "y_joint": np.zeros((n_components, n_y, n_y)),
        "x_alone": np.zeros((n_components, n_x, n_x)),
        "y_alone": np.zeros((n_components, n_y, n_y)),
        "cross": np.zeros((n_components, n_x, n_y)),
    }
    if mixture is None:
        for name in ("log_weights", "x_log_weights", "y_log_weights"):
            parts[name][0] = 0.0
        return parts
    for c, (weight, mean, covariance) in enumerate(
        zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    ):
        log_weight = np.log(weight + 1e-300)
        precision = np.linalg.inv(covariance)
        parts["x_means"][c], parts["y_means"][c] = mean[:n_x], mean[n_x:]
        parts["cross"][c] = precision[:n_x, n_x:]
        parts["log_weights"][c] = log_weight + 0.5 * np.linalg.slogdet(precision)[1]
        for name, here in (("x", slice(0, n_x)), ("y", slice(n_x, None))):
            alone = np.linalg.inv(covariance[here, here])
            parts[f"{name}_joint"][c] = np.linalg.cholesky(precision[here, here])
            parts[f"{name}_alone"][c] = np.linalg.cholesky(alone)
            log_volume = 0.5 * np.linalg.slogdet(alone)[1]
            parts[f"{name}_log_weights"][c] = log_weight + log_volume
    return parts
