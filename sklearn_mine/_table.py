"""One seam for arrays, sparse matrices and data frames.

A :class:`Table` gives the columns of whatever the user passed, one at a time, as
one-dimensional numpy arrays of two kinds: float64 with NaN where a value is missing,
or object arrays of strings with None where a value is missing (text and categories).
No other module asks which library a table came from. Nothing is encoded here.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ._typing import Bools, Floats, TableLike


class Table:
    """Read-only columns of a table.

    Parameters
    ----------
    data : ndarray, sparse array or narwhals DataFrame
        As :func:`as_table` prepares it.

    name : str
        What error messages call the table, such as "X".

    numbers : sequence of int, optional
        What error messages call the columns of an array.
    """

    def __init__(
        self, data: Any, name: str, numbers: Sequence[Any] | None = None
    ) -> None:
        self.name, self._numbers = name, numbers
        self.is_frame = isinstance(data, nw.DataFrame)
        self._data = data.tocsc() if sp.issparse(data) else data
        self.shape = tuple(data.shape)
        self.names = list(data.columns) if self.is_frame else None

    def column(self, j: int) -> NDArray[Any]:
        """Column `j`, validated: float64 with NaN, or object (str) with None."""
        if self.is_frame:
            values = _series_values(self._data[:, j])
        elif sp.issparse(self._data):
            values = self._data[:, [j]].toarray().ravel()
        else:
            values = self._data[:, j]
        if values.dtype.kind in "OSUT":
            values = _text_or_numbers(values)
        elif values.dtype.kind in "mM":
            values = _microseconds(values)
        else:
            values = values.astype(np.float64)
        if values.dtype != object and np.isinf(values).any():
            raise ValueError(
                f"{self.name} contains inf in column {self.label(j)!r}. Replace "
                "infinite values by finite ones, or by NaN for 'missing'."
            )
        return values

    def block(self, columns: Sequence[int]) -> "Table":
        """Some columns as a table of their own, a view where they are neighbours."""
        numbers = [self.label(j) for j in columns]
        if self.is_frame:
            data = self._data[:, list(columns)]
        else:
            first, last = columns[0], columns[-1]
            if list(columns) == list(range(first, last + 1)):
                columns = slice(first, last + 1)
            data = self._data[:, columns]
        return Table(data, self.name, numbers)

    def compact(self) -> "Table":
        """The same, with each column in one piece of memory.

        Columns of a long table that lies row by row are read in one go.
        """
        if isinstance(self._data, np.ndarray):
            return Table(np.asfortranarray(self._data), self.name, self._numbers)
        return self

    def framed(self, values: Floats, other: "Table") -> Any:
        """Numbers for each column of this table and of another, in a frame like these.

        Parameters
        ----------
        values : ndarray of shape (d, k)
        other : Table

        Returns
        -------
        values : ndarray or DataFrame
            Of the kind of the first of the tables that is a frame. pandas frames have
            an index.
        """
        frame = self if self.is_frame else other
        if not frame.is_frame:
            return values
        backend = nw.get_native_namespace(frame._data)
        names = [other.label(j) for j in range(other.shape[1])]
        if frame._data.implementation.is_pandas_like():
            index = [self.label(j) for j in range(self.shape[1])]
            return backend.DataFrame(values, index=index, columns=names)
        names = list(map(str, names))
        return nw.from_numpy(values, schema=names, backend=backend).to_native()

    def label(self, j: int) -> Any:
        """The column's name, or its number where there are no names."""
        if self.names is not None:
            return self.names[j]
        return j if self._numbers is None else self._numbers[j]


def as_frame(data: Any, name: str) -> Any:
    """A narwhals DataFrame of a frame, anything else as it is."""
    try:
        frame = nw.from_native(data, pass_through=True)
    except ValueError as error:
        columns = getattr(data, "column_names", getattr(data, "columns", ()))
        names, counts = np.unique(list(map(str, columns)), return_counts=True)
        if not (counts > 1).any():
            raise
        raise ValueError(
            f"{name} has several columns of one name: {names[counts > 1].tolist()}. "
            "Rename them, or pass a plain array."
        ) from error
    if isinstance(frame, nw.LazyFrame):
        if hasattr(data, "__array__"):
            # It reads itself when it is asked for its numbers.
            return data
        raise ValueError(
            f"{name} is a lazy frame, which has not been read yet. Pass what its "
            "collect() or compute() gives."
        )
    return frame


def as_table(
    data: TableLike,
    name: str = "X",
    *,
    estimator: BaseEstimator | None = None,
    reset: bool = True,
) -> Table:
    """Validate a two-dimensional input and wrap it as a :class:`Table`.

    Parameters
    ----------
    data : array-like, sparse matrix, pandas or polars DataFrame of shape (n, d)
        Numbers, text, categories, booleans or dates, possibly missing.

    name : str
        What error messages call it.

    estimator : estimator, optional
        If given, its `n_features_in_` and `feature_names_in_` are set (`reset=True`)
        or compared.

    reset : bool
        See `estimator`.

    Returns
    -------
    table : Table
    """
    frame = as_frame(data, name)
    if isinstance(frame, nw.DataFrame):
        if len(frame) == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum "
                f"of 1 is required: {name} has no rows."
            )
        if frame.shape[1] == 0:
            raise ValueError(
                f"0 feature(s) (shape={frame.shape}) while a minimum of 1 is "
                f"required: {name} has no columns."
            )
        prepared = frame
    else:
        prepared = _checked(data, name, accept_sparse=True, estimator=estimator)
    if estimator is not None:
        validate_data(
            estimator,
            data if isinstance(frame, nw.DataFrame) else prepared,
            reset=reset,
            skip_check_array=True,
        )
    return Table(prepared, name)


def as_target(
    y: TableLike | None, name: str = "y", *, n_rows: int | None = None
) -> Table:
    """Validate a target of shape (n,) or (n, k) and wrap it as a :class:`Table`.

    Like :func:`as_table`, but one dimension is allowed and missing values are not.
    """
    if y is None:
        raise ValueError(
            f"{name} should be a 1d array: this estimator requires {name} to be "
            f"passed, but the target {name} is None."
        )
    table = as_given(y, name, n_rows=n_rows)
    for j in range(table.shape[1]):
        if is_missing(table.column(j)).any():
            raise ValueError(
                f"{name} contains NaN. Drop the rows whose target is missing, or "
                "give missing targets a value of their own."
            )
    return table


def as_given(y: TableLike, name: str = "given", *, n_rows: int | None = None) -> Table:
    """Validate an input of shape (n,) or (n, k) and wrap it as a :class:`Table`."""
    series = nw.from_native(y, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        y = series.to_frame().to_native()
    elif not sp.issparse(y) and not isinstance(as_frame(y, name), nw.DataFrame):
        y = _checked(y, name, ensure_2d=False)
        if y.ndim == 1:
            y = y.reshape(-1, 1)
    table = as_table(y, name)
    if n_rows is not None and table.shape[0] != n_rows:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{n_rows} rows and {name} has {table.shape[0]}. Pass one {name} for each "
            "row of X."
        )
    return table


def is_missing(values: NDArray[Any]) -> Bools:
    """Boolean mask of the missing cells of a column that a Table gave."""
    if values.dtype == object:
        return np.array([value is None for value in values], dtype=bool)
    return np.isnan(values)


def as_groups(groups: ArrayLike | None, n_rows: int) -> NDArray[Any] | None:
    """Validate the group of each row, or pass None through."""
    if groups is None:
        return None
    groups = check_array(
        groups,
        dtype=None,
        ensure_2d=False,
        ensure_all_finite=False,
        input_name="groups",
    )
    if groups.ndim != 1:
        raise ValueError(f"groups should have shape (n,), got {groups.shape}.")
    if len(groups) != n_rows:
        raise ValueError(
            "groups and X have inconsistent numbers of samples: "
            f"{len(groups)} and {n_rows}. Pass one group for "
            "each row."
        )
    if groups.dtype == object or groups.dtype.kind == "f":
        if is_missing(groups).any():
            raise ValueError("groups has missing values. Give each row a group.")
        groups = groups.astype(str)
    return groups


def _checked(data: Any, name: str, **options: Any) -> Any:
    """check_array for values of any kind, whose refusals name the argument.

    Masked cells are missing ones.
    """
    if isinstance(data, np.ma.MaskedArray):
        numbers = data.dtype.kind in "biuf"
        data = np.ma.filled(
            data.astype(float if numbers else object), np.nan if numbers else None
        )
    try:
        return check_array(
            data, dtype=None, ensure_all_finite=False, input_name=name, **options
        )
    except ValueError as error:
        raise ValueError(f"{name} cannot be used: {error}") from error


def _series_values(series: nw.Series[Any]) -> NDArray[Any]:
    """A narwhals Series as float64 with NaN or object with None."""
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        return series.cast(nw.Float64).to_numpy().astype(np.float64)
    if dtype.is_temporal():
        missing = series.is_null().to_numpy()
        values = series.to_numpy()
        if values.dtype.kind in "mM":
            numbers = _microseconds(values)
        else:  # times of day and other objects that only order defines
            numbers = np.unique(values.astype(str), return_inverse=True)[1].astype(
                np.float64
            )
        numbers[missing] = np.nan
        return numbers
    missing = series.is_null().to_numpy()
    values = np.array(series.to_list(), dtype=object)
    values[missing] = None
    return values


def _microseconds(values: NDArray[Any]) -> Floats:
    """Dates or durations as numbers that do not depend on their unit."""
    numbers = values.astype(f"{values.dtype.kind}8[us]").astype(np.int64)
    return np.where(np.isnat(values), np.nan, numbers.astype(np.float64))


def _text_or_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Object or string values as float64 if all are numbers, else as str or None."""
    if values.dtype != object:
        values = values.astype(str).astype(object)
    missing = np.array([_is_null(value) for value in values], dtype=bool)
    if not any(isinstance(value, str) for value in values[~missing]):
        for value in values:
            if isinstance(value, (dict, list, tuple, set, np.ndarray)):
                raise TypeError(
                    "Each cell of a table must be one value: argument must be a "
                    f"string or a real number, not {type(value).__name__!r}."
                )
        try:
            numbers = np.full(len(values), np.nan)
            numbers[~missing] = values[~missing].astype(np.float64)
            return numbers
        except (TypeError, ValueError):
            pass
    text = np.array(
        [
            None if gone else str(value)
            for value, gone in zip(values, missing, strict=True)
        ],
        dtype=object,
    )
    return text


def _is_null(value: object) -> bool:
    """None, NaN, pandas.NA and NaT, without importing pandas."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"
