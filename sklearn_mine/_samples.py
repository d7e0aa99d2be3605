"""Rows that a network learns to make: scaled for it, and turned back.

What comes out has the shape, the type and the names of what came in.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches
from sklearn.utils.validation import validate_data

from ._table import as_frame, as_rows, naming
from ._typing import Floats, TableLike

# Numbers that are scaled at a time.
_CHUNK = 2**20


class Samples:
    """Learn the scales and types of rows, (n, d) or images (n, C, H, W).

    Columns of a table are brought to mean 0 and variance 1; images from -1 to 1 by one
    factor. Columns that do not vary come back as they were.
    """

    frame_: dict[str, Any] | None
    # Which library frames are of.
    backend_: Any

    def fit(self, X: TableLike, estimator: BaseEstimator) -> NDArray[Any]:
        """Check rows and learn what they look like.

        Parameters
        ----------
        X : array-like or DataFrame
        estimator : BaseEstimator
            Gets `n_features_in_` and `feature_names_in_`.

        Returns
        -------
        rows : ndarray
            The numbers, in the type that they came in, not copied.
        """
        rows = self._read(X, estimator, reset=True)
        self.shape_, self.dtype_ = rows.shape[1:], rows.dtype
        axes = (0,) if rows.ndim == 2 else None
        self.low_ = rows.min(axis=axes).astype(np.float64)
        self.high_ = rows.max(axis=axes).astype(np.float64)
        self._refuse_what_float64_cannot_tell_apart()
        if self.is_image:
            self.shift_ = 0.5 * self.low_ + 0.5 * self.high_
            scale = 0.5 * self.high_ - 0.5 * self.low_
        else:
            self.shift_, scale = _moments(rows, self.low_, self.high_)
        varies = (self.high_ > self.low_) & (scale > 0.0)
        self.scale_ = np.where(varies, scale, 1.0)
        self.varies_ = varies
        return rows

    def read(self, X: TableLike, estimator: BaseEstimator) -> NDArray[Any]:
        """Check rows of the same kind; ndarray in the type that they came in."""
        rows = self._read(X, estimator, reset=False)
        if rows.shape[1:] != self.shape_:
            raise ValueError(
                f"X has rows of shape {rows.shape[1:]}, and fit saw {self.shape_}."
            )
        return rows

    @property
    def is_image(self) -> bool:
        return len(self.shape_) == 3

    def scaled(self, rows: NDArray[Any]) -> torch.Tensor:
        """Rows as the network sees them, float32."""
        scaled = np.empty(rows.shape, dtype=np.float32)
        for chunk in _chunks(rows):
            part = rows[chunk].astype(np.float64)
            part -= self.shift_
            part /= self.scale_
            scaled[chunk] = part
        return torch.from_numpy(scaled)

    def native(self, parts: Iterable[torch.Tensor]) -> Any:
        """What a network made, batch by batch, as the user's rows looked."""
        rows = np.concatenate([self._unscaled(part) for part in parts])
        if self.frame_ is None:
            return rows
        columns = {}
        for (name, dtype), values in zip(self.frame_.items(), rows.T, strict=True):
            series = nw.new_series(name, values, backend=self.backend_)
            columns[name] = series.cast(dtype).to_native()
        return nw.from_dict(columns, backend=self.backend_).to_native()

    def _unscaled(self, part: torch.Tensor) -> NDArray[Any]:
        part = part.double().numpy() * self.scale_ + self.shift_
        part = np.where(self.varies_, part, self.low_)
        if self.frame_ is not None:
            for j, dtype in enumerate(self.frame_.values()):
                if dtype.is_integer() or dtype == nw.Boolean:
                    part[:, j] = _rounded(part[:, j], self.low_[j], self.high_[j])
            return part
        if self.dtype_.kind in "iub":
            part = _rounded(part, self.low_, self.high_)
        return part.astype(self.dtype_)

    def _refuse_what_float64_cannot_tell_apart(self) -> None:
        if self.frame_ is None:
            whole = np.array(self.dtype_.kind in "iu")
        else:
            whole = np.array([dtype.is_integer() for dtype in self.frame_.values()])
        largest = np.maximum(np.abs(self.low_), np.abs(self.high_))
        if (whole & (largest > 2.0**53)).any():
            raise ValueError(
                "X holds whole numbers beyond 2**53. Leave them out where they are "
                "identifiers, else subtract an offset or pass them as floats."
            )

    def _read(
        self, X: TableLike, estimator: BaseEstimator, reset: bool
    ) -> NDArray[Any]:
        frame = as_frame(X, "X")
        if not isinstance(frame, nw.DataFrame):
            X = as_rows(X, "X")
        if reset:
            self.frame_ = self.backend_ = None
        if isinstance(frame, nw.DataFrame):
            wrong = [
                name
                for name, dtype in frame.schema.items()
                if not (dtype.is_numeric() or dtype == nw.Boolean)
            ]
            if wrong:
                raise ValueError(
                    f"X holds columns that are no numbers: {wrong}. Encode them, or "
                    "leave them out."
                )
            if reset:
                self.frame_ = dict(frame.schema)
                self.backend_ = frame.implementation
        with naming("X"):
            rows = validate_data(
                estimator,
                X,
                reset=reset,
                allow_nd=True,
                dtype="numeric",
                ensure_min_samples=2 if reset else 1,
            )
        if rows.dtype.kind not in "fiub":
            raise ValueError(
                f"X holds {rows.dtype}, and only numbers can be made. Pass floats or "
                "whole numbers, none missing."
            )
        if rows.ndim not in (2, 4) or not all(rows.shape):
            raise ValueError(
                f"X has shape {rows.shape}. Pass a table (n, d), or images "
                "(n, C, H, W)."
            )
        return rows


def _chunks(rows: NDArray[Any]) -> Iterator[slice]:
    """Slices of a few rows each."""
    return gen_batches(len(rows), max(1, _CHUNK // rows[0].size))


def _moments(rows: NDArray[Any], low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column, a chunk of rows at a time."""
    n = len(rows)
    # Of numbers near the largest there are, neither sums nor squares exist.
    unit = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1e-300)
    total = np.zeros(rows.shape[1])
    for chunk in _chunks(rows):
        total += (rows[chunk] / unit).sum(axis=0)
    mean = total / n
    square = np.zeros(rows.shape[1])
    for chunk in _chunks(rows):
        square += ((rows[chunk] / unit - mean) ** 2).sum(axis=0)
    return unit * mean, unit * np.sqrt(square / n)


def _rounded(values: Floats, low: Floats | float, high: Floats | float) -> Floats:
    return np.clip(np.rint(values), low, high)
