"""The log-density ratio of student-t copulas, K side by side."""

from collections.abc import Sequence

import numpy as np
import torch

from .._student import MAX_SCORE, StudentStart, student_scores
from .._typing import Floats

# Knots of the map from normal scores to scores of a student-t.
_N_KNOTS = 2001

# What one side brings.
_Sides = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class StudentRatio(torch.nn.Module):
    """ln p(x, y) / p(x)p(y) of K student-t copulas, at any pairs of rows.

    Parameters
    ----------
    starts : list of StudentStart or None
        One for each critic; None for a ratio of one everywhere.
    n_x, n_y : int
        Columns of each side.
    """

    df: torch.Tensor
    constant: torch.Tensor
    weights: torch.Tensor
    knots: torch.Tensor
    x_root: torch.Tensor
    y_root: torch.Tensor
    told: torch.Tensor
    left: torch.Tensor

    def __init__(
        self, starts: Sequence[StudentStart | None], n_x: int, n_y: int
    ) -> None:
        super().__init__()
        self.n_x, self.n_y = n_x, n_y
        parts = [_parts(start, n_x, n_y) for start in starts]
        for name in parts[0]:
            stacked = np.stack([part[name] for part in parts])
            self.register_buffer(name, torch.tensor(stacked, dtype=torch.float32))

    def sides(
        self, x: torch.Tensor, y: torch.Tensor, critics: slice
    ) -> tuple[_Sides, _Sides]:
        """What each side brings.

        Returns
        -------
        of_x, of_y : tuple of tensors (K, B, n_y), (K, B), (K, B)
            Two vectors whose product joins a pair, a share of its squared radius, and
            a side's own term.
        """
        df = self.df[critics, None]
        x = self._scores(x[:, :, : self.n_x], critics)
        y = self._scores(y[:, :, : self.n_y], critics)
        radius_x = (torch.bmm(x, self.x_root[critics]) ** 2).sum(2)
        radius_y = (torch.bmm(y, self.y_root[critics]) ** 2).sum(2)
        told = torch.bmm(x, self.told[critics])
        left = torch.bmm(y, self.left[critics])
        weights = self.weights[critics]
        alone_x = weights[:, :1] * torch.log1p(radius_x / df)
        alone_y = weights[:, 1:2] * torch.log1p(radius_y / df)
        of_x = -2.0 * told, radius_x + (told**2).sum(2), alone_x
        of_y = left, (left**2).sum(2), alone_y + self.constant[critics, None]
        return of_x, of_y

    def pairs(
        self, of_x: _Sides, of_y: _Sides, partners: torch.Tensor, critics: slice
    ) -> torch.Tensor:
        """Ratios of the pairs (x[i], y[partners[r, i]]), (K, R, B)."""
        told, radius_x, alone_x = of_x
        left, radius_y, alone_y = of_y
        joined = (told[:, None] * left[:, partners]).sum(3)
        square = joined + radius_x[:, None] + radius_y[:, partners]
        own = alone_x[:, None] + alone_y[:, partners]
        return own + self._joint(square, critics)

    def all_pairs(self, of_x: _Sides, of_y: _Sides, critics: slice) -> torch.Tensor:
        """Ratios of all pairs of rows, (K, B, B)."""
        told, radius_x, alone_x = of_x
        left, radius_y, alone_y = of_y
        square = torch.bmm(told, left.mT) + radius_x[:, :, None] + radius_y[:, None]
        return alone_x[:, :, None] + alone_y[:, None] + self._joint(square, critics)

    def _joint(self, square: torch.Tensor, critics: slice) -> torch.Tensor:
        df = self.df[critics, None, None]
        weight = self.weights[critics, 2, None, None]
        return weight * torch.log1p(square.clamp(min=0.0) / df)

    def _scores(self, side: torch.Tensor, critics: slice) -> torch.Tensor:
        """Scores of a student-t, interpolated between knots."""
        at = (side.clamp(-MAX_SCORE, MAX_SCORE) + MAX_SCORE) / (2.0 * MAX_SCORE)
        at = at * (_N_KNOTS - 1)
        below = at.floor().clamp(max=_N_KNOTS - 2)
        knots = self.knots[critics]
        index = below.long().flatten(1)
        low = torch.gather(knots, 1, index).view_as(side)
        high = torch.gather(knots, 1, index + 1).view_as(side)
        return low + (at - below) * (high - low)


@torch.no_grad()
def student_table(start: StudentStart, x: Floats, y: Floats) -> Floats:
    """Ratios of all pairs of scores of two columns, (L, M)."""
    ratio = StudentRatio([start], 1, 1)
    u, v = (torch.tensor(side, dtype=torch.float32)[None, :, None] for side in (x, y))
    of_x, of_y = ratio.sides(u, v, slice(None))
    return ratio.all_pairs(of_x, of_y, slice(None))[0].double().numpy()


def _parts(start: StudentStart | None, n_x: int, n_y: int) -> dict[str, Floats]:
    """A start's constants in double precision; zeros for a ratio of one."""
    parts = {
        "df": np.ones(()),
        "constant": np.zeros(()),
        "weights": np.zeros(3),
        "knots": np.zeros(_N_KNOTS),
        "x_root": np.zeros((n_x, n_x)),
        "y_root": np.zeros((n_y, n_y)),
        "told": np.zeros((n_x, n_y)),
        "left": np.zeros((n_y, n_y)),
    }
    if start is None:
        return parts
    scatter, df = start.scatter, start.df
    dx, dy = len(start.x_columns), len(start.y_columns)
    of_x, of_y, cross = scatter[:dx, :dx], scatter[dx:, dx:], scatter[:dx, dx:]
    slopes = np.linalg.solve(of_x, cross)
    root = np.linalg.cholesky(np.linalg.inv(of_y - cross.T @ slopes))
    halves = 0.5 * (df + np.array([dx, dy, dx + dy]))
    # Rows of other columns stay zero.
    parts["x_root"][start.x_columns, :dx] = np.linalg.cholesky(np.linalg.inv(of_x))
    parts["told"][start.x_columns, :dy] = slopes @ root
    parts["left"][start.y_columns, :dy] = root
    parts["y_root"][start.y_columns, :dy] = np.linalg.cholesky(np.linalg.inv(of_y))
    return parts | {
        "df": np.array(df),
        "constant": np.array(start.constant),
        "weights": halves * [1.0, 1.0, -1.0],
        "knots": student_scores(np.linspace(-MAX_SCORE, MAX_SCORE, _N_KNOTS), df),
    }
