import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import sklearn
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_mine._table import (
    Table,
    as_given,
    as_groups,
    as_labels,
    as_table,
    as_target,
    is_missing,
)


def test_array_columns_are_float64():
    table = as_table(np.array([[1, 2], [3, 4]], dtype=np.int8))
    assert table.shape == (2, 2)
    assert table.column(1).dtype == np.float64
    np.testing.assert_array_equal(table.column(1), [2.0, 4.0])


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(allow_infinity=False, width=64),
    )
)
def test_every_finite_or_missing_array_passes_through_unchanged(array):
    table = as_table(array)
    columns = [table.column(j) for j in range(array.shape[1])]
    np.testing.assert_array_equal(np.stack(columns, axis=1), array)


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=1, max_size=20).filter(
        lambda cells: any(isinstance(cell, str) for cell in cells)
    )
)
def test_text_stays_text_and_none_stays_missing(cells):
    array = np.array(cells, dtype=object)[:, None]
    column = as_table(array).column(0)
    assert column.dtype == object
    assert column.tolist() == cells
    np.testing.assert_array_equal(is_missing(column), [cell is None for cell in cells])


@pytest.mark.parametrize(
    "make", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.dok_array, sp.dia_array]
)
def test_sparse_columns_equal_dense_ones(make):
    dense = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    table = as_table(make(dense))
    for j in range(2):
        np.testing.assert_array_equal(table.column(j), dense[:, j])


def test_lists_are_tables():
    np.testing.assert_array_equal(as_table([[1, 2], [3, 4]]).column(0), [1.0, 3.0])


def test_object_array_of_numbers_is_numeric():
    array = np.array([[1, "a"], [None, "b"], [2.5, None]], dtype=object)
    table = as_table(array)
    np.testing.assert_array_equal(table.column(0), [1.0, np.nan, 2.5])
    assert table.column(1).tolist() == ["a", "b", None]


def _frame(library):
    date = datetime.date
    data = {
        "number": [1.5, None, 3.0],
        "text": ["a", None, "b"],
        "flag": [True, False, True],
        "day": [date(2020, 1, 1), date(2020, 1, 2), None],
    }
    if library == "pandas":
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(data)
        frame["day"] = pandas.to_datetime(frame["day"])
        frame["kind"] = pandas.Categorical(["x", "y", None])
        return frame
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(data)
    return frame.with_columns(
        kind=polars.Series(["x", "y", None], dtype=polars.Categorical)
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frame_columns_have_two_kinds(library):
    table = as_table(_frame(library))
    assert table.is_frame
    assert table.names == ["number", "text", "flag", "day", "kind"]
    np.testing.assert_array_equal(table.column(0), [1.5, np.nan, 3.0])
    assert table.column(1).tolist() == ["a", None, "b"]
    np.testing.assert_array_equal(table.column(2), [1.0, 0.0, 1.0])
    day = table.column(3)
    assert day.dtype == np.float64
    assert day[0] < day[1]
    assert np.isnan(day[2])
    assert table.column(4).tolist() == ["x", "y", None]


def test_pandas_nullable_columns_keep_what_is_missing():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "whole": pandas.array([1, None, 3], dtype="Int64"),
            "flag": pandas.array([True, None, False], dtype="boolean"),
            "text": pandas.array(["a", None, "b"], dtype="string"),
        }
    )
    table = as_table(frame)
    np.testing.assert_array_equal(table.column(0), [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(table.column(1), [1.0, np.nan, 0.0])
    assert table.column(2).tolist() == ["a", None, "b"]


def test_frames_of_another_byte_order_are_read_in_this_one():
    # pandas takes neither columns nor rows of such frames in all of its versions.
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=["a", "b", "a"])
    frame.isetitem(0, frame.iloc[:, 0].to_numpy().astype(">f8"))
    frame.isetitem(2, frame.iloc[:, 2].to_numpy().astype(">i2"))
    before = frame.dtypes.tolist()
    block = as_table(frame).rows(slice(0, None, 1)).block([0, 2])
    np.testing.assert_array_equal(block.column(0), [0.0, 3.0, 6.0, 9.0])
    np.testing.assert_array_equal(block.column(1), [2.0, 5.0, 8.0, 11.0])
    assert frame.dtypes.tolist() == before


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_value_is_refused_with_its_table_and_column(value):
    array = np.zeros((3, 2))
    array[1, 1] = value
    with pytest.raises(ValueError, match=r"X contains inf in column 1"):
        as_table(array).column(1)


def test_infinite_value_of_a_frame_is_refused_with_its_column_name():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="'width'"):
        as_table(pandas.DataFrame({"width": [1.0, np.inf]})).column(0)


def test_infinite_value_of_a_sparse_matrix_is_refused():
    with pytest.raises(ValueError, match="X contains inf"):
        as_table(sp.csr_matrix([[0.0, np.inf]])).column(1)


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars"])
@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
def test_empty_table_is_refused_by_name(library, shape):
    data = np.zeros(shape)
    if library != "numpy":
        if library == "polars" and shape[1] == 0:
            pytest.skip("a polars frame without columns has no rows")
        module = pytest.importorskip(library)
        data = module.DataFrame(data)
    with pytest.raises(ValueError, match=r"0 (sample|feature)"):
        as_table(data)


def test_three_dimensions_are_refused_by_name():
    with pytest.raises(ValueError, match=r"X|dim"):
        as_table(np.zeros((2, 2, 2)))


def test_nested_cells_are_refused():
    array = np.empty((2, 1), dtype=object)
    array[0, 0], array[1, 0] = {"a": 1}, {"b": 2}
    with pytest.raises(TypeError, match="one value"):
        as_table(array).column(0)


def test_one_dimensional_target_is_one_column():
    assert as_target([1, 2, 3]).shape == (3, 1)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_and_frames_are_targets(library):
    module = pytest.importorskip(library)
    assert as_target(module.Series(["a", "b", "a"])).column(0).tolist() == list("aba")
    assert as_target(module.DataFrame({"a": [1, 2], "b": [3, 4]})).shape == (2, 2)


@pytest.mark.parametrize(
    "y", [[1.0, np.nan], np.array(["a", None], dtype=object), [[1.0], [np.nan]]]
)
def test_missing_target_is_refused(y):
    with pytest.raises(ValueError, match=r"y contains NaN"):
        as_target(y)


def test_target_of_none_is_refused():
    with pytest.raises(ValueError, match="y should be"):
        as_target(None)


def test_target_of_another_length_is_refused():
    with pytest.raises(ValueError, match="X has 4 rows and y has 3"):
        as_target([1, 2, 3], n_rows=4)


def test_groups_pass_or_are_refused_by_name():
    assert as_groups(None, 3) is None
    assert as_groups(["a", "b", "a"], 3).shape == (3,)
    with pytest.raises(ValueError, match="groups"):
        as_groups([[1], [2]], 2)
    with pytest.raises(ValueError, match="inconsistent"):
        as_groups([1, 2], 3)


def test_reading_columns_leaves_the_array_as_it_was():
    array = np.array([[1.0, np.nan], [2.0, 3.0]])
    before = array.copy()
    column = as_table(array).column(0)
    column[:] = 7.0
    np.testing.assert_array_equal(array, before)


def test_label_is_the_name_or_the_number():
    assert Table(np.zeros((2, 2)), "X").label(1) == 1


def test_block_calls_its_columns_what_the_table_does(rng):
    X = rng.normal(size=(5, 100))
    X[2, 70] = np.inf
    table = as_table(X)
    for block in (table.block([69, 70]), table.block([70, 3]).compact()):
        place = [block.label(j) for j in range(2)].index(70)
        with pytest.raises(ValueError, match="inf in column 70"):
            block.column(place)
    np.testing.assert_array_equal(table.block([5, 2]).column(0), X[:, 5])


def test_block_of_neighbours_is_a_view(rng):
    X = rng.normal(size=(5, 10))
    block = as_table(X).block(range(3, 6))
    assert np.shares_memory(block._data, X)
    assert block.shape == (5, 3)


@pytest.mark.parametrize("kind", ["datetime64", "timedelta64"])
def test_unit_of_dates_does_not_matter(kind):
    days = np.array([3, 1, 2], dtype=f"{kind}[D]")
    columns = []
    for unit in ("D", "s", "ns"):
        array = np.append(days.astype(f"{kind}[{unit}]"), np.array("NaT", dtype=kind))
        columns.append(as_table(array[:, None]).column(0))
        pandas = pytest.importorskip("pandas")
        columns.append(as_table(pandas.DataFrame({"when": array})).column(0))
    for column in columns:
        np.testing.assert_array_equal(column, columns[0])
    assert np.isnan(columns[0][3])


_DAY = 86_400e6
_NEW_YEAR = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC).timestamp() * 1e6


def _arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


def _masked(cells):
    cells = np.array(cells)
    return np.ma.masked_array(cells, mask=[False, False, True])[:, None]


# Name: what is passed, and its column, where two rows follow upon each other and the
# third is missing.
_DATES = {
    "dates of pandas": pd.to_datetime(["2020-01-01", "2020-01-02", None]),
    "dates of a time zone": pd.to_datetime(
        ["2020-01-01 01:00", "2020-01-02 01:00", None]
    ).tz_localize("Europe/Berlin"),
    "dates of Arrow": _arrow(
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None], pa.date32()
    ),
    "objects": pd.Series(
        [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 2), None], dtype=object
    ),
    "objects of a time zone": pd.Series(
        [
            datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
            pd.Timestamp("2020-01-02 01:00", tz="Europe/Berlin"),
            None,
        ],
        dtype=object,
    ),
    "objects of numpy": pd.Series(
        [np.datetime64("2020"), np.datetime64("2020-01-02"), np.datetime64("NaT")],
        dtype=object,
    ),
    "periods": pd.Series(pd.PeriodIndex(["2020-01-01", "2020-01-02", None], freq="D")),
    "periods as objects": pd.Series(
        [pd.Period("2020-01"), pd.Period("2020-01-02"), None], dtype=object
    ),
}


@pytest.mark.parametrize("name", _DATES)
def test_dates_of_every_kind_are_the_same_numbers(name):
    column = as_table(pd.DataFrame({"when": _DATES[name]})).column(0)
    np.testing.assert_array_equal(column, [_NEW_YEAR, _NEW_YEAR + _DAY, np.nan])


def test_masked_dates_are_missing():
    cells = _masked(["2020-01-01", "2020-01-02", "2020-01-03"]).astype("datetime64[D]")
    column = as_table(cells).column(0)
    np.testing.assert_array_equal(column, [_NEW_YEAR, _NEW_YEAR + _DAY, np.nan])


@pytest.mark.parametrize(
    "times",
    [
        pl.Series([datetime.time(0, 0, 1), datetime.time(13), None]),
        _arrow([datetime.time(0, 0, 1), datetime.time(13), None], pa.time64("us")),
        pd.Series([datetime.time(0, 0, 1), datetime.time(13), None], dtype=object),
    ],
    ids=["polars", "Arrow", "objects"],
)
def test_times_of_day_are_microseconds_whatever_else_is_there(times):
    column = as_given(times).column(0)
    np.testing.assert_array_equal(column, [1e6, 13 * 3600e6, np.nan])
    np.testing.assert_array_equal(as_given(times[1:2]).column(0), [13 * 3600e6])


def test_durations_are_microseconds_and_keep_what_is_shorter():
    spans = np.array([1, 1500, "NaT"], dtype="timedelta64[ns]")
    objects = pd.Series(
        [pd.Timedelta(1), np.timedelta64(1500, "ns"), None], dtype=object
    )
    for column in (spans, pd.Series(spans), objects, pl.Series(spans)):
        np.testing.assert_allclose(as_given(column).column(0), [0.001, 1.5, np.nan])


# Of libraries newer than the oldest that are admitted.
_NEWER_COLUMNS = [
    *(
        [(pl.Series([2**100, None], dtype=pl.Int128), [2.0**100, np.nan])]
        if hasattr(pl, "Int128")
        else []
    ),
    *(
        [(np.array(["a", "b"], dtype=np.dtypes.StringDType()), ["a", "b"])]
        if hasattr(np.dtypes, "StringDType")
        else []
    ),
]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (_arrow([1, None, 3], pa.int64()), [1.0, np.nan, 3.0]),
        (_arrow([True, None, False], pa.bool_()), [1.0, np.nan, 0.0]),
        (_arrow(["a", None, "b"], pa.string()), ["a", None, "b"]),
        (
            _arrow([Decimal("1.5"), None, Decimal(2)], pa.decimal128(5, 2)),
            [1.5, np.nan, 2.0],
        ),
        (pd.Series([Decimal("1.5"), None, Fraction(1, 2)]), [1.5, np.nan, 0.5]),
        (pd.Series([1, None, "a"], dtype=object), ["1", None, "a"]),
        (pd.Series([b"\xff", None, "a"], dtype=object), ["b'\\xff'", None, "a"]),
        (pd.Series(pd.Categorical(["b", None, "a"], list("cba"))), ["b", None, "a"]),
        # Categories are labels, also those that look like numbers.
        (pd.Series(pd.Categorical([3, None, 1])), ["3.0", None, "1.0"]),
        (pd.Series(pd.arrays.SparseArray([0.0, 1.0, np.nan])), [0.0, 1.0, np.nan]),
        (pl.Series(["b", None, "a"], dtype=pl.Enum(list("cba"))), ["b", None, "a"]),
        (pl.Series([Decimal("1.5"), None, Decimal("2.0")]), [1.5, np.nan, 2.0]),
        (_masked([1, 2, 3]), [1.0, 2.0, np.nan]),
        (_masked(["a", "b", "c"]), ["a", "b", None]),
        (np.array([b"\xff", b"b"]), ["b'\\xff'", "b'b'"]),
        (np.array([1, 2], dtype=">i2"), [1.0, 2.0]),
        (np.array([1, 2], dtype=np.float16), [1.0, 2.0]),
        (torch.tensor([1, 2]), [1.0, 2.0]),
        (range(2), [0.0, 1.0]),
        *_NEWER_COLUMNS,
    ],
)
def test_columns_of_every_kind_are_numbers_or_text(cells, expected):
    column = as_given(cells).column(0)
    assert column.dtype == (object if isinstance(expected[0], str) else np.float64)
    np.testing.assert_array_equal(column, np.array(expected, dtype=column.dtype))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((3, 2), dtype=complex), "Complex data not supported"),
        (
            np.ma.masked_array([[1j], [2]], mask=[[0], [1]]),
            "Complex data not supported",
        ),
        (pd.DataFrame({"a": [1j, 2]}), "column 'a': Complex data not supported"),
        (
            pd.DataFrame({"a": [10**400, 2]}, dtype=object),
            "column 'a': int too large",
        ),
        (np.zeros((3, 1), dtype="V4"), "column 0: .* Make it numbers, text or dates"),
        (np.zeros(3, dtype=[("a", float), ("b", int)]), r"fields \('a', 'b'\)"),
        (torch.zeros(3, 2, requires_grad=True), r"detach\(\).*as a numpy array"),
        (torch.zeros(3, 2).to_sparse(), r"ense\(\).*as a numpy array"),
        (torch.zeros(3, 2, dtype=torch.bfloat16), "BFloat16.*as a numpy array"),
        (torch.zeros(3, 2, device="meta"), "meta.*as a numpy array"),
        (np.zeros((1, 2)).view(np.matrix), "np.asarray"),
        ([[1, 2], [1]], "inhomogeneous"),
        ("a", "got str"),
        (3.0, "got float"),
        (np.array(3.0), "got ndarray"),
        ({"a": [1, 2]}, "got dict"),
        ({1, 2}, "got set"),
        (iter([1, 2]), "got list_iterator"),
        (object(), "got object"),
    ],
)
@pytest.mark.parametrize("read", [as_table, as_given])
def test_what_cannot_be_read_is_refused_by_name(read, data, message):
    with pytest.raises((ValueError, TypeError), match=f"X .*{message}") as refusal:
        table = read(data, "X")
        table.column(0)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("cell", [[1], (1,), {1}, {"a": 1}, np.ones(1), pd.Series([1])])
@pytest.mark.parametrize("beside", [None, "a", "the same"])
def test_cells_that_hold_several_values_are_refused(cell, beside):
    cells = np.empty((2, 1), dtype=object)
    cells[0, 0], cells[1, 0] = cell, cell if beside == "the same" else beside
    for data in (cells, pd.DataFrame(cells, columns=["a"])):
        with pytest.raises(TypeError, match=r"X .*column .* one value"):
            as_table(data).column(0)


@pytest.mark.parametrize(
    "cells", [[[1, 2], [3]], [{"a": 1}, {"a": 2}], [[b"a"], [b"b"]]]
)
def test_lists_and_structs_of_frames_are_refused(cells):
    for frame in (pl.DataFrame({"c": cells}), pa.table({"c": cells})):
        with pytest.raises(TypeError, match=r"X .*column 'c'.* one value"):
            as_table(frame).column(0)


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b", "a"],
        [0, 1, 1],
        [("a", 1), ("a", 2), ("b", 1)],
        [("a", 1), ("a", 1), ("b", 1)],
        ["a", 1, ("b", 2)],
        [np.nan, np.nan, 1.5],
        [pd.NA, pd.NaT, "a"],
        list(pd.date_range("2020", periods=3)),
    ],
    ids=str,
)
def test_pandas_columns_may_be_called_anything(names, rng):
    values = rng.normal(size=(4, 3))
    frame = pd.DataFrame(values)
    frame.columns = pd.MultiIndex.from_tuples(names) if names[0] == ("a", 1) else names
    before = frame.copy()
    table = as_table(frame)
    for j in range(3):
        np.testing.assert_array_equal(table.column(j), values[:, j])
        assert str(table.label(j)) == str(names[j])
    np.testing.assert_array_equal(table.block([2, 0]).column(0), values[:, 2])
    assert str(table.block([2, 0]).label(0)) == str(names[2])
    assert as_target(frame).shape == (4, 3)
    pd.testing.assert_frame_equal(frame, before)


def test_columns_of_one_name_are_named_where_they_have_to_differ():
    table = pa.table([pa.array([1.0, 2.0])] * 2, names=["a", "a"])
    with pytest.raises(ValueError, match=r"X has several columns of one name: \['a'\]"):
        as_table(table)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1j, 2, 3], "Complex data not supported"),
        ({"a": [1, 2, 3]}, "got dict"),
        (torch.zeros(3, requires_grad=True), "requires grad"),
        ([1.0, np.nan, 2.0], "missing"),
        (["a", None, "b"], "missing"),
        *(
            [(pl.Series([2**100] * 3, dtype=pl.Int128), "as a numpy array")]
            if hasattr(pl, "Int128")
            else []
        ),
    ],
)
def test_groups_that_cannot_be_used_are_refused_by_name(groups, message):
    with pytest.raises(ValueError, match=f"groups .*{message}"):
        as_groups(groups, 3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (sp.csr_array([[1.0], [0.0], [1.0]]), "Sparse data"),
        (pd.period_range("2020", periods=3, freq="D"), r"Unknown label type.*astype"),
        (np.array([1, "a", 2], dtype=object), r"Unknown label type.*astype"),
        ([0.5, 1.5, 2.5], "Unknown label type: continuous"),
        pytest.param(
            *([b"a", b"b", b"a"], "bytes"),
            marks=pytest.mark.skipif(
                sklearn.__version__.startswith("1.6."),
                reason="scikit-learn takes bytes for labels before 1.7",
            ),
        ),
        (np.zeros((3, 2)), "1d array"),
        (["a", None, "b"], "contains NaN"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_by_name(y, message):
    with pytest.raises((ValueError, TypeError), match=f"y .*{message}"):
        as_labels(y)
    assert as_labels(["a", "b"]).tolist() == ["a", "b"]
