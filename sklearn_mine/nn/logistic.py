"""The log-density ratio of logistic regressions, K side by side."""

from collections.abc import Sequence

import numpy as np
import torch

from .._logistic import LogisticStart
from .._typing import Floats


class LogisticRatio(torch.nn.Module):
    """ln p(c | x) / p(c) of K regressions on x, for the classes c that y encodes.

    Parameters
    ----------
    starts : list of LogisticStart or None
        One for each critic; None for a ratio of one everywhere.
    """

    weights: torch.Tensor
    intercepts: torch.Tensor
    log_shares: torch.Tensor
    codes: torch.Tensor

    def __init__(self, starts: Sequence[LogisticStart | None]) -> None:
        super().__init__()
        some = next(start for start in starts if start is not None)
        self.n_x, self.n_y = len(some.weights), some.codes.shape[1]
        n_classes = max(len(start.codes) for start in starts if start is not None)

        def stack(name: str, filler: float = 0.0) -> None:
            """Of all critics, (K, ..., C) with classes last, filled up."""
            arrays = []
            for start in starts:
                array = np.full((*like[name].shape[:-1], n_classes), filler)
                if start is not None:
                    own = _classes_last(start)[name]
                    array[..., : own.shape[-1]] = own
                arrays.append(array)
            self.register_buffer(
                name, torch.tensor(np.stack(arrays), dtype=torch.float32)
            )

        like = _classes_last(some)
        stack("weights")
        # Classes that a critic never saw have no probability, and tell nothing.
        stack("intercepts", -np.inf)
        stack("log_shares")
        stack("codes", np.nan)
        none = torch.tensor([start is None for start in starts])
        self.intercepts[none] = 0.0
        self.log_shares[none] = -np.log(n_classes)

    def sides(
        self, x: torch.Tensor, y: torch.Tensor, critics: slice
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of both sides whose product is the ratio, (K, B, C) each."""
        x, y = x[:, :, : self.n_x], y[:, :, : self.n_y]
        scores = torch.bmm(x, self.weights[critics])
        scores = scores + self.intercepts[critics, None]
        left = torch.log_softmax(scores, dim=2) - self.log_shares[critics, None]
        left = torch.where(torch.isfinite(left), left, 0.0)
        right = (y[..., None] == self.codes[critics, None]).all(dim=2)
        return left, right.to(left.dtype)


def _classes_last(start: LogisticStart) -> dict[str, Floats]:
    return {
        "weights": start.weights,
        "intercepts": start.intercepts,
        "log_shares": start.log_shares,
        "codes": start.codes.T,
    }
