"""Tables as the inputs of a network: one float32 vector for each row.

Numbers keep their shape (no ranks), so that images stay images; text and categories
become indicators, and missing numbers the mean with an indicator of their own.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ._encoding import fit_column
from ._table import Table, is_missing
from ._typing import Floats

# Scaled numbers end here, far beyond what a network was trained on.
_FAR = 1e9


class NetworkInputs:
    """Learn how a table becomes vectors.

    Parameters
    ----------
    scale : {"auto", "column", "common"} or None
        See :class:`InformationBottleneckClassifier`.
    """

    def __init__(self, scale: str | None = "auto") -> None:
        self.scale = scale

    def fit(self, table: Table) -> Self:
        """Learn shifts, scales and categories, column by column."""
        table = table.compact()
        n_columns = table.shape[1]
        self.columns_ = {}
        self.has_missing_ = np.zeros(n_columns, dtype=bool)
        lows, highs, means, spreads = np.zeros((4, n_columns))
        for j in range(n_columns):
            values = table.column(j)
            gone = is_missing(values)
            self.has_missing_[j] = gone.any()
            if values.dtype == object:
                self.columns_[j] = fit_column(values, discrete=True)[0]
                continue
            values = values[~gone]
            if not len(values):
                continue
            lows[j], highs[j] = values.min(), values.max()
            # Of numbers near the largest there are, neither sums nor squares exist.
            unit = max(np.abs(values).max(), 1e-300)
            means[j] = unit * (values / unit).mean()
            spreads[j] = unit * (values / unit).std()
        self.shifts_ = means
        self.scales_ = self._scales(lows, highs, spreads)
        return self

    def _scales(self, lows: Floats, highs: Floats, spreads: Floats) -> Floats:
        varies = highs > lows
        numbers = np.array([j not in self.columns_ for j in range(len(lows))])
        scale = self.scale
        if scale == "auto":
            ends = np.column_stack([lows, highs])[varies & numbers]
            shared = 0
            if len(ends):
                shared = np.unique(ends, axis=0, return_counts=True)[1].max()
            scale = "common" if len(ends) > 2 and shared > len(ends) / 2 else "column"
        if scale is None:
            return np.ones(len(lows))
        if scale == "common":
            usual = spreads[numbers]
            unit = max(usual.max(initial=0.0), 1e-300)
            spreads = np.full(len(lows), unit * np.sqrt(np.mean((usual / unit) ** 2)))
        # A column that does not vary stays at nought.
        return np.where(varies & (spreads > 0), spreads, np.inf)

    def transform(self, table: Table) -> NDArray[np.float32]:
        """The vectors, (n, width), float32."""
        table = table.compact()
        widths = 1 + self.has_missing_
        for j, column in self.columns_.items():
            widths[j] = column.width
        vectors = np.empty((table.shape[0], widths.sum()), dtype=np.float32)
        for j, end in enumerate(np.cumsum(widths)):
            values, block = table.column(j), vectors[:, end - widths[j] : end]
            if j in self.columns_:
                block[:] = self.columns_[j].transform(values)
                continue
            if values.dtype == object:
                raise ValueError(
                    f"Column {table.label(j)!r} of {table.name} was numeric when "
                    "fitted and now holds text. Pass columns of the kinds that fit "
                    "saw."
                )
            gone = np.isnan(values)
            # Halves, because a difference of the largest numbers there are is none.
            half = np.where(gone, 0.0, 0.5 * values - 0.5 * self.shifts_[j])
            with np.errstate(over="ignore"):
                block[:, 0] = 2.0 * np.clip(half / self.scales_[j], -_FAR, _FAR)
            block[:, 1:] = gone[:, None]
        return vectors
