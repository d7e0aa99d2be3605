"""One seam for arrays, sparse matrices and data frames.

A :class:`Table` gives the columns of whatever the user passed, one at a time, as
one-dimensional numpy arrays of two kinds: float64 with NaN where a value is missing,
or object arrays of strings with None where a value is missing (text and categories).
No other module asks which library a table came from. Nothing is encoded here.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence, Set, Sized
from contextlib import contextmanager
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ._typing import Bools, Floats, TableLike

_TEXT = str, bytes
_CATEGORIES = nw.Categorical, nw.Enum
_DATES = datetime.date, np.datetime64
_SPANS = datetime.timedelta, np.timedelta64


class Table:
    """Read-only columns of a table.

    Parameters
    ----------
    data : ndarray, sparse array or narwhals DataFrame
        As :func:`as_table` prepares it.

    name : str
        What error messages call the table, such as "X".

    labels : list, optional
        What the columns are called: those of a frame where they are not its own names,
        the numbers of those of an array where they do not begin with 0.
    """

    def __init__(
        self, data: Any, name: str, labels: Sequence[Any] | None = None
    ) -> None:
        self.name, self._labels = name, labels
        self.is_frame = isinstance(data, nw.DataFrame)
        self._data = data.tocsc() if sp.issparse(data) else data
        self.shape = tuple(data.shape)
        self.names = None
        if self.is_frame:
            self.names = list(data.columns) if labels is None else labels

    def column(self, j: int) -> NDArray[Any]:
        """Column `j`, validated: float64 with NaN, or object (str) with None."""
        try:
            values = self._values(j)
        except (TypeError, ValueError, ArithmeticError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"{self.name} cannot be used for its column {self.label(j)!r}: "
                f"{str(error).rstrip('.')}. Make it numbers, text or dates, or leave "
                "it out."
            ) from error
        if values.dtype != object and np.isinf(values).any():
            raise ValueError(
                f"{self.name} contains inf in column {self.label(j)!r}. Replace "
                "infinite values by finite ones, or by NaN for 'missing'."
            )
        return values

    def _values(self, j: int) -> NDArray[Any]:
        if self.is_frame:
            return _series_values(self._data[:, j])
        if sp.issparse(self._data):
            return _array_values(self._data[:, [j]].toarray().ravel())
        return _array_values(self._data[:, j])

    def text_columns(
        self, n_rows: int, categories: bool = False
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Columns that are text, in about so many rows.

        Parameters
        ----------
        n_rows : int
        categories : bool
            Whether those count that are declared categories.

        Yields
        ------
        j : int
        cells : ndarray of shape (m,), object
            Strings, evenly spaced; the missing ones are left out.
        """
        few = self.rows(slice(None, None, max(1, self.shape[0] // n_rows)))
        if self.is_frame:
            kinds = self._data.schema.values()
            known = nw.String, nw.Object, *_CATEGORIES * categories
            may_be = [kind in known for kind in kinds]
        else:
            may_be = [self._data.dtype.kind in "OSUT"] * self.shape[1]
        for j in np.flatnonzero(may_be).tolist():
            cells = few.column(j)
            if cells.dtype == object:
                yield j, cells[~is_missing(cells)]

    def rows(self, which: slice) -> "Table":
        """Some rows as a table of their own."""
        labels = self.names if self.is_frame else self._labels
        return Table(self._data[which], self.name, labels)

    def block(self, columns: Sequence[int]) -> "Table":
        """Some columns as a table of their own, a view where they are neighbours."""
        labels = [self.label(j) for j in columns]
        if self.is_frame:
            data = self._data[:, list(columns)]
        else:
            first, last = columns[0], columns[-1]
            if list(columns) == list(range(first, last + 1)):
                columns = slice(first, last + 1)
            data = self._data[:, columns]
        return Table(data, self.name, labels)

    def compact(self) -> "Table":
        """The same, with each column in one piece of memory.

        Columns of a long table that lies row by row are read in one go.
        """
        if isinstance(self._data, np.ndarray):
            return Table(np.asfortranarray(self._data), self.name, self._labels)
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
        return j if self._labels is None else self._labels[j]


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


def _labelled_frame(data: Any, name: str) -> tuple[Any, list[Any] | None]:
    """What :func:`as_frame` gives, and what its columns are called, if not by names.

    Columns of pandas, which are taken by their numbers, may share a name or have none.
    """
    if not nw.dependencies.is_pandas_like_dataframe(data):
        return as_frame(data, name), None
    data = _in_native_order(data)
    labels = data.columns.tolist()
    if data.columns.is_unique and all(isinstance(each, (str, int)) for each in labels):
        return as_frame(data, name), None
    return as_frame(data.set_axis(range(len(labels)), axis=1), name), labels


def _in_native_order(data: Any) -> Any:
    """A frame of pandas whose bytes are in this machine's order: it takes no others."""
    foreign = {
        i: dtype
        for i, dtype in enumerate(data.dtypes)
        if isinstance(dtype, np.dtype) and not dtype.isnative
    }
    if foreign:
        data = data.copy(deep=False)
    for i, dtype in foreign.items():
        values = data.iloc[:, i].to_numpy()
        data.isetitem(i, values.astype(dtype.newbyteorder("=")))
    return data


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
    frame, labels = _labelled_frame(data, name)
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
        # Its columns are known by their names.
        as_frame(data, name)
        validate_data(
            estimator,
            data if isinstance(frame, nw.DataFrame) else prepared,
            reset=reset,
            skip_check_array=True,
        )
    return Table(prepared, name, labels)


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


def as_labels(y: TableLike, *, n_rows: int | None = None) -> NDArray[Any]:
    """Validate labels of shape (n,), none missing, for a classifier; an ndarray."""
    as_target(y, n_rows=n_rows)
    with naming("y"):
        y = column_or_1d(y, warn=True)
        if y.dtype == object and not isinstance(y[0], str):
            raise ValueError("Unknown label type. Pass text, as by y.astype(str).")
        check_classification_targets(y)
    return y


def as_given(y: TableLike, name: str = "given", *, n_rows: int | None = None) -> Table:
    """Validate an input of shape (n,) or (n, k) and wrap it as a :class:`Table`."""
    series = nw.from_native(y, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        y = series.to_frame().to_native()
    elif not sp.issparse(y) and not isinstance(
        _labelled_frame(y, name)[0], nw.DataFrame
    ):
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
    groups = _checked(groups, "groups", ensure_2d=False, allow_nd=True)
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
    """check_array for values of any kind, whose refusals name the argument."""
    data = as_rows(data, name)
    with naming(name):
        return check_array(
            data, dtype=None, ensure_all_finite=False, input_name=name, **options
        )


def as_rows(data: Any, name: str) -> Any:
    """Refuse what holds no rows, or structured ones; masked cells are missing ones."""
    if not _has_rows(data):
        raise ValueError(
            f"{name} should be an array, a sparse matrix or a data frame, with a row "
            f"for each sample; got {type(data).__name__}."
        )
    fields = getattr(getattr(data, "dtype", None), "names", None)
    if fields is not None:
        raise ValueError(
            f"{name} is a structured array, whose fields {fields} are no columns. "
            f"Pass pandas.DataFrame({name})."
        )
    if isinstance(data, np.ma.MaskedArray):
        return _with_masked_missing(data)
    return data


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let refusals by others, which may be anything, name the argument."""
    try:
        yield
    except Exception as error:
        # Between the first and the last line scikit-learn prints the data.
        reason = re.sub(r":?\n.*\n", ". ", str(error), flags=re.DOTALL).strip()
        if not isinstance(error, ValueError):
            reason = f"{reason.rstrip('.')}. Pass it as a numpy array."
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name} cannot be used: {reason}") from error


def _has_rows(data: Any) -> bool:
    if sp.issparse(data):
        return True
    if isinstance(data, (*_TEXT, Mapping, Set)) or getattr(data, "ndim", 1) == 0:
        return False
    return hasattr(data, "__len__") or hasattr(data, "__array__")


def _with_masked_missing(data: Any) -> NDArray[Any]:
    cells: NDArray[Any] = data.data
    gone: Bools = np.ma.getmaskarray(data)
    if cells.dtype.kind in "biuf":
        return np.where(gone, np.nan, cells.astype(np.float64))
    if cells.dtype.kind in "mM":
        return np.where(gone, np.array("NaT", dtype=cells.dtype), cells)
    if cells.dtype.kind == "c":
        return cells
    cells = cells.astype(object)
    cells[gone] = None
    return cells


def _series_values(series: nw.Series[Any]) -> NDArray[Any]:
    """A narwhals Series as float64 with NaN or object with None."""
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        return series.cast(nw.Float64).to_numpy().astype(np.float64)
    missing = series.is_null().to_numpy()
    if dtype.is_temporal():
        values = series.to_numpy()
        if values.dtype.kind in "mM":
            return np.where(missing, np.nan, _microseconds(values))
    else:
        values = np.fromiter(series.to_list(), dtype=object, count=len(series))
    values = values.astype(object)
    values[missing] = None
    values = _cell_values(values)
    if dtype in (nw.Categorical, nw.Enum) and values.dtype != object:
        # Labels, whatever they are.
        missing = np.isnan(values)
        values = values.astype(str).astype(object)
        values[missing] = None
    return values


def _array_values(values: NDArray[Any]) -> NDArray[Any]:
    """A column of an array as float64 with NaN or object with None."""
    if values.dtype.kind in "OSUT":
        return _cell_values(values.astype(object))
    if values.dtype.kind in "mM":
        return _microseconds(values)
    with np.errstate(over="ignore"):
        return values.astype(np.float64)


def _microseconds(values: NDArray[Any]) -> Floats:
    """Dates or durations as numbers that do not depend on their unit."""
    whole = values.astype(f"{values.dtype.kind}8[us]")
    numbers = whole.astype(np.int64).astype(np.float64)
    if np.datetime_data(values.dtype)[0] in ("ns", "ps", "fs", "as"):
        numbers += (values - whole) / np.timedelta64(1, "us")
    return np.where(np.isnat(values), np.nan, numbers)


def _cell_values(values: NDArray[Any]) -> NDArray[Any]:
    """Object cells as float64 if all are numbers, dates or times, else str or None."""
    missing = np.fromiter(map(_is_null, values), dtype=bool, count=len(values))
    present = values[~missing]
    kinds = set(map(type, present))
    for kind in kinds:
        if issubclass(kind, Sized) and not issubclass(kind, _TEXT):
            raise TypeError(
                "each cell of a table must be one value: argument must be a string or "
                f"a real number, not {kind.__name__!r}"
            )
        if issubclass(kind, (complex, np.complexfloating)):
            raise ValueError("Complex data not supported")
    numbers = _numbers(present, kinds)
    if numbers is None:
        values = np.full(len(values), None, dtype=object)
        values[~missing] = list(map(str, present))
        return values
    values = np.full(len(values), np.nan)
    values[~missing] = numbers
    return values


def _numbers(cells: NDArray[Any], kinds: set[type]) -> Floats | None:
    """Object cells of these types as float64; None where they are text."""
    if any(issubclass(kind, _TEXT) for kind in kinds):
        return None
    if kinds and all(map(_is_date, kinds)):
        number = _since_1970
    elif kinds and all(issubclass(kind, _SPANS) for kind in kinds):
        number = _as_microseconds
    elif kinds and all(issubclass(kind, datetime.time) for kind in kinds):
        number = _since_midnight
    else:
        number = float
    try:
        return np.fromiter(map(number, cells), dtype=np.float64, count=len(cells))
    except (TypeError, ValueError):
        return None


def _is_date(kind: type) -> bool:
    # Periods of pandas are where they begin.
    return issubclass(kind, _DATES) or hasattr(kind, "to_timestamp")


def _since_1970(date: Any) -> int:
    """Microseconds; where there is a time zone, of the moment."""
    if hasattr(date, "to_timestamp"):
        date = date.to_timestamp()
    if getattr(date, "tzinfo", None) is not None:
        date = date.astimezone(datetime.UTC).replace(tzinfo=None)
    return int(np.datetime64(date, "us").astype(np.int64))


def _as_microseconds(span: Any) -> float:
    return span / np.timedelta64(1, "us")


def _since_midnight(time: datetime.time) -> float:
    seconds = (60 * time.hour + time.minute) * 60 + time.second
    return 1e6 * seconds + time.microsecond


def _is_null(value: object) -> bool:
    """None, NaN, pandas.NA and NaT, without importing pandas."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"
