"""Data in pieces: each is scored before the critics learn from it.

Whatever was learnt from earlier pieces, a new one's rows are held out until they have
been scored, so their bound is an honest one, and rows need not be kept. Two columns on
a grid keep its table of counts, which holds all rows that were ever seen; networks go
on from the weights that they have.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.stats import combine_pvalues

from ._crossfit import CrossFit, care_for, further_fit
from ._given import GivenFit
from ._labels import LabelGrid
from ._pair import Grid
from ._params import Settings
from ._typing import Floats, Ints


@dataclass
class Pieces:
    """What is known of all pieces so far.

    Attributes
    ----------
    fit : CrossFit
        The critics as they are now; its figures are those of all rows.
    n_rows : int
    p_values : list of float
        Of each piece.
    grid : Grid, LabelGrid or None
        Where the critics are tables.
    counts : sparse array of shape (L, M), or None
        The rows in each of its cells.
    """

    fit: CrossFit | GivenFit
    n_rows: int
    p_values: list[float]
    grid: Grid | LabelGrid | None = None
    counts: Any = None

    @property
    def p_value(self) -> float:
        """Of independence in all pieces (Fisher, 1925)."""
        if len(self.p_values) == 1:
            return self.p_values[0]
        combined = combine_pvalues(self.p_values, method="fisher").pvalue
        return float(max(combined, np.finfo(float).tiny))

    def plus(
        self, of_piece: CrossFit, n: int, p_value: float, counts: Any = None
    ) -> "Pieces":
        """With a piece of n rows more, whose critics are those from now on.

        Parameters
        ----------
        of_piece : CrossFit
            With the figures of the piece alone.
        n : int
        p_value : float
        counts : ndarray or sparse array of shape (L, M), optional
            The rows in each cell, with this piece's.
        """
        share = n / (self.n_rows + n)

        def mean(name: str) -> float:
            before, here = getattr(self.fit, name), getattr(of_piece, name)
            return (1.0 - share) * before + share * here

        error = np.hypot((1.0 - share) * self.fit.std_error, share * of_piece.std_error)
        fit = replace(
            of_piece,
            std_error=float(error),
            estimate=mean("estimate"),
            fitted=mean("fitted"),
            held_out_bound=mean("held_out_bound"),
        )
        return replace(
            self,
            fit=fit,
            n_rows=self.n_rows + n,
            p_values=[*self.p_values, p_value],
            counts=self.counts if counts is None else sp.csr_array(counts),
        )


def table_piece(pieces: Pieces, x_codes: Ints, y_codes: Ints) -> tuple[CrossFit, Any]:
    """Score a piece by the table of the earlier ones, and solve it again with both.

    Parameters
    ----------
    pieces : Pieces
    x_codes, y_codes : ndarray of shape (n,)
        Levels; -1 where nothing is known of one.

    Returns
    -------
    fit : CrossFit
        The new critic, with the figures of the piece.
    counts : ndarray or sparse array of shape (L, M)
        The rows in each cell of the grid, with this piece's.
    """
    fit = pieces.fit
    assert isinstance(fit, CrossFit) and pieces.grid is not None
    # Of either kind, with tables and banks of its own.
    grid: Any = pieces.grid
    estimate, error = grid.judge(fit.bank, x_codes, y_codes)
    known = (x_codes >= 0) & (y_codes >= 0)
    counts = pieces.counts + grid.table(x_codes[known], y_codes[known])
    bank = grid.bank([grid.solve(counts)], counts)
    fitted, _ = grid.judge(bank, x_codes, y_codes, counts)
    of_piece = replace(
        fit,
        bank=bank,
        estimate=estimate,
        std_error=error,
        fitted=fitted,
        held_out_bound=estimate,
    )
    return of_piece, counts


def network_piece(
    pieces: Pieces, x: Floats, y: Floats, settings: Settings, rng: np.random.Generator
) -> CrossFit:
    """Score a piece by the critics of the earlier ones, and train them on.

    Returns
    -------
    fit : CrossFit
        The new critics, with the figures of the piece.
    """
    fit, care = pieces.fit, care_for(x, y)
    assert isinstance(fit, CrossFit)
    x, y = fit.as_seen(x, y, settings.device)
    return further_fit(fit, x, y, settings, n_before=pieces.n_rows, care=care, rng=rng)
