import datetime

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_mine._table import Table, as_groups, as_table, as_target, is_missing


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


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_array, sp.coo_array])
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


def test_columns_of_one_name_are_named():
    frame = pd.DataFrame(np.zeros((3, 3)), columns=["a", "b", "a"])
    with pytest.raises(ValueError, match=r"X has several columns of one name: \['a'\]"):
        as_table(frame)
