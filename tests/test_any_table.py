"""Whatever table is passed, numbers come out or an error that names the argument."""

import datetime
import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINERegressor,
    MINEScore,
    MINESelector,
    mine_matrix,
    mine_score,
)

from ._data import surroundings

# What errors may be about; "the given inputs" of numpy are none of ours.
_ARGUMENT = re.compile(r"\b(X|Y|y|given(?! inputs)|cv|n_samples)\b")
# What scikit-learn warns of.
_OF_SCIKIT_LEARN = re.compile(
    "No features were selected|The number of unique classes|A column-vector y was"
    "|pandas.DataFrame with sparse"
)
_DAY = np.datetime64("2020-01-01", "us")


def _labels(rng, n):
    return rng.integers(3, size=n)


def _powers(rng, n):
    return rng.integers(-300, 300, size=n)


def _some(value, rng, n):
    return np.where(rng.random(n) < 0.2, value, rng.normal(size=n))


def _days(rng, n):
    return _DAY + rng.integers(50, size=n) * np.timedelta64(1, "D")


def _with_none(values, rng):
    values = np.array(values, dtype=object)
    values[rng.random(len(values)) < 0.2] = None
    return values.tolist()


# Name: a column of n cells, as an array of numpy.
_ARRAYS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "tiny": lambda rng, n: 1e-300 * rng.normal(size=n),
    "huge": lambda rng, n: 1e300 * rng.normal(size=n),
    "all scales": lambda rng, n: rng.normal(size=n) * 10.0 ** _powers(rng, n),
    "subnormal": lambda rng, n: 5e-324 * rng.integers(-9, 9, size=n),
    "far from nought": lambda rng, n: 1e15 + rng.integers(9, size=n),
    "constant": lambda rng, n: np.full(n, rng.normal()),
    "labels": _labels,
    "ties": lambda rng, n: np.where(rng.random(n) < 0.8, 0.0, rng.normal(size=n)),
    "both signs of nought": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, -0.0),
    "one apart": lambda rng, n: np.arange(n) == n // 2,
    "missing": lambda rng, n: _some(np.nan, rng, n),
    "all missing": lambda rng, n: np.full(n, np.nan),
    "infinite": lambda rng, n: _some(np.inf, rng, n),
    "halves": lambda rng, n: rng.normal(size=n).astype(np.float16),
    "long": lambda rng, n: rng.normal(size=n).astype(np.longdouble),
    "big-endian": lambda rng, n: rng.normal(size=n).astype(">f8"),
    "bytes": lambda rng, n: rng.integers(-128, 127, size=n).astype(np.int8),
    "whole numbers": lambda rng, n: rng.integers(2**63, size=n, dtype=np.uint64),
    "flags": lambda rng, n: rng.random(n) < 0.5,
    "complex": lambda rng, n: rng.normal(size=n) + 1j,
    "dates": _days,
    "text": lambda rng, n: np.array(["a", "b", "ä"])[_labels(rng, n)],
    "identifiers": lambda rng, n: np.arange(n).astype(str),
    "empty text": lambda rng, n: np.where(rng.random(n) < 0.5, "", "\0"),
}
_OF_PANDAS = {
    "Int64": lambda rng, n: pd.array(_with_none(_labels(rng, n), rng), dtype="Int64"),
    "Float32": lambda rng, n: pd.array(_with_none(rng.random(n), rng), dtype="Float32"),
    "boolean": lambda rng, n: pd.array(
        _with_none(rng.random(n) < 0.5, rng), dtype="boolean"
    ),
    "string": lambda rng, n: pd.array(
        _with_none(_ARRAYS["text"](rng, n), rng), dtype="string"
    ),
    "categories": lambda rng, n: pd.Categorical(
        _with_none(_labels(rng, n), rng), categories=range(5)
    ),
    "levels": lambda rng, n: pd.Categorical(
        _ARRAYS["text"](rng, n), categories=list("bäaz"), ordered=True
    ),
    "intervals": lambda rng, n: pd.cut(rng.normal(size=n), [-9, 0, 1, 9]),
    "moments": lambda rng, n: pd.Series(_days(rng, n)).dt.tz_localize("Asia/Tokyo"),
    "spans": lambda rng, n: pd.Series(_with_none(_labels(rng, n), rng)).astype(
        "timedelta64[ns]"
    ),
    "periods": lambda rng, n: pd.Series(_days(rng, n)).dt.to_period("M"),
    "mixed": lambda rng, n: pd.Series(
        np.resize(np.array([1, "a", None, 2.5, True], dtype=object), n)
    ),
    "decimals": lambda rng, n: pd.Series([Decimal(int(i)) for i in _labels(rng, n)]),
    "large": lambda rng, n: pd.Series([10**400] * n, dtype=object),
    "Arrow": lambda rng, n: pd.Series(
        _with_none(_labels(rng, n), rng), dtype=pd.ArrowDtype(pa.int8())
    ),
    "Arrow dates": lambda rng, n: pd.Series(
        _days(rng, n).astype("M8[D]").tolist(), dtype=pd.ArrowDtype(pa.date32())
    ),
    "sparse": lambda rng, n: pd.arrays.SparseArray(_labels(rng, n)),
    "lists": lambda rng, n: pd.Series([[1, 2]] * n),
    "dicts": lambda rng, n: pd.Series([{"a": 1}] * n),
}
_OF_POLARS = {
    "Enum": lambda rng, n: pl.Series(
        _with_none(_ARRAYS["text"](rng, n), rng), dtype=pl.Enum(["a", "b", "ä", "z"])
    ),
    "Categorical": lambda rng, n: pl.Series(
        _with_none(_ARRAYS["text"](rng, n), rng), dtype=pl.Categorical
    ),
    "Decimal": lambda rng, n: pl.Series([Decimal(int(i)) / 4 for i in _labels(rng, n)]),
    "Duration": lambda rng, n: pl.Series(
        [datetime.timedelta(hours=int(i)) for i in _labels(rng, n)]
    ),
    "Time": lambda rng, n: pl.Series([datetime.time(int(i)) for i in _labels(rng, n)]),
    "Datetime": lambda rng, n: pl.Series(_days(rng, n)).dt.replace_time_zone("UTC"),
    "UInt64": lambda rng, n: pl.Series(
        _with_none(_ARRAYS["whole numbers"](rng, n), rng), dtype=pl.UInt64
    ),
    "Boolean": lambda rng, n: pl.Series(_with_none(rng.random(n) < 0.5, rng)),
    "Null": lambda rng, n: pl.Series([None] * n),
    "Binary": lambda rng, n: pl.Series([b"\xff"] * n),
    "List": lambda rng, n: pl.Series([[1, 2]] * n),
    "Struct": lambda rng, n: pl.Series([{"a": 1}] * n),
}
_TEXT = {"text", "identifiers", "empty text"}
# What nobody can read, or only pandas.
_REFUSED = {"infinite", "complex", "large", "lists", "dicts", "List", "Struct"}
_REFUSED_CONTAINERS = {"matrix", "gradient", "records"}
# What targets may not have.
_MISSING = {"missing", "all missing", "Int64", "Float32", "boolean", "string"}
_MISSING |= {"categories", "mixed", "Arrow", "spans", "Enum", "Categorical", "UInt64"}
_MISSING |= {"Boolean", "Null", "List", "Struct"}
_NOT_IN_POLARS = {"complex", "halves", "long", "big-endian"}
_NAMES = {
    "letters": lambda d: [f"c{j}" for j in range(d)],
    "numbers": lambda d: list(range(d)),
    "tuples": lambda d: pd.MultiIndex.from_product([["a"], range(d)]),
    "one name": lambda d: ["a"] * d,
    "mixed": lambda d: ["a", *range(d - 1)],
    "none": lambda d: [np.nan] * d,
}


def _mask(values):
    mask = np.arange(values.size).reshape(values.shape) % 5 == 1
    return np.ma.masked_array(values, mask)


def _read_only(values):
    values.flags.writeable = False
    return values


# Name: what an array of columns of one type becomes.
_CONTAINERS = {
    "array": lambda values: values,
    "Fortran": np.asfortranarray,
    "strided": lambda values: np.repeat(values, 2, axis=0)[::2],
    "read-only": _read_only,
    "masked": _mask,
    "matrix": lambda values: values.view(np.matrix),
    "list": lambda values: values.tolist(),
    "objects": lambda values: values.astype(object),
    "sparse": lambda values: sp.csr_matrix(values.astype(float)),
    "tensor": lambda values: torch.tensor(values.astype(float).tolist()),
    "gradient": lambda values: torch.tensor(
        values.astype(float).tolist(), requires_grad=True
    ),
    "records": lambda values: np.rec.fromarrays(list(values.T)),
}


_seldom = st.sampled_from([False] * 19 + [True])


@st.composite
def _mostly(draw, names, refused):
    """One of these names; seldom one that cannot be used."""
    names = set(names) if draw(_seldom) else set(names) - refused
    return draw(st.sampled_from(sorted(names)))


@st.composite
def tables(draw, n, max_columns=3, target=False):
    """Tables of n rows; targets may have one dimension."""
    containers = ["pandas", "polars", "drawn", *_CONTAINERS]
    masked = {"masked"} if target else set()
    container = draw(_mostly(containers, _REFUSED_CONTAINERS | masked))
    d = draw(st.integers(1, max_columns))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    if container == "drawn":
        cells = st.floats(
            allow_infinity=draw(_seldom), allow_nan=not target or draw(_seldom)
        )
        return draw(hnp.arrays(np.float64, (n, d), elements=cells))
    if container == "pandas":
        names = _ARRAYS | _OF_PANDAS
    elif container == "polars":
        names = set(_ARRAYS | _OF_POLARS) - _NOT_IN_POLARS
    else:
        names = set(_ARRAYS) - _TEXT - {"dates"}
    refused = _REFUSED | _MISSING if target else _REFUSED
    kinds = [draw(_mostly(names, refused)) for _ in range(d)]
    columns = [(_ARRAYS | _OF_PANDAS | _OF_POLARS)[kind](rng, n) for kind in kinds]
    if draw(st.booleans()):
        columns[-1] = columns[0]
    if container == "polars":
        frame = pl.DataFrame({f"c{j}": column for j, column in enumerate(columns)})
    elif container == "pandas":
        frame = pd.DataFrame({f"c{j}": column for j, column in enumerate(columns)})
        frame.columns = _NAMES[draw(st.sampled_from(sorted(_NAMES)))](d)
        frame = frame[::-1] if draw(st.booleans()) else frame
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.column_stack(columns)
            if target and d == 1 and draw(st.booleans()):
                return values[:, 0]
            return _CONTAINERS[container](values)
    if target and d == 1 and draw(st.booleans()):
        return frame.iloc[:, 0] if container == "pandas" else frame.to_series()
    return frame


@st.composite
def pairs(draw, target=True):
    """A table and a target, or another table, of nearly always as many rows."""
    n = draw(st.integers(1, 4) if draw(_seldom) else st.integers(5, 60))
    n_targets = n + 1 if draw(_seldom) else n
    return draw(tables(n)), draw(tables(n_targets, max_columns=2, target=target))


@st.composite
def labelled(draw):
    """A table and labels."""
    n = draw(st.integers(2, 4) if draw(_seldom) else st.integers(5, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from(["labels", "text", "flags", "identifiers"]))
    return draw(tables(n)), _ARRAYS[kind](rng, n)


def _contents(data):
    """All that an input holds, as text."""
    if isinstance(data, (pd.DataFrame, pd.Series)):
        types = data.dtypes.tolist() if data.ndim == 2 else data.dtype
        return repr((types, data.to_numpy(dtype=object).tolist()))
    if isinstance(data, pl.DataFrame):
        return repr(data.rows())
    if sp.issparse(data):
        data = data.toarray()
    return repr(data.tolist() if hasattr(data, "tolist") else list(data))


def check(call, *inputs):
    """Whether a call keeps to what all of them promise."""
    before = [_contents(data) for data in inputs], surroundings()
    results = ()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            results = call(*inputs)
        except (ValueError, TypeError) as error:
            assert _ARGUMENT.search(str(error)), str(error)
    assert ([_contents(data) for data in inputs], surroundings()) == before
    for each in told:
        if not _OF_SCIKIT_LEARN.match(str(each.message)):
            # The library's own words, which are of the user's line.
            assert issubclass(each.category, UserWarning), each
            assert each.filename == __file__, each
    for result in results:
        assert np.isfinite(np.asarray(result, dtype=float)).all(), result


def _of_mine_score(X, y):
    scores, p_values, errors = mine_score(
        X, y, max_iter=2, random_state=0, return_std=True
    )
    assert ((p_values >= 0) & (p_values <= 1)).all() and (errors >= 0).all()
    return scores, p_values, errors


def _of_mine(X, y, solver):
    mine = MINE(solver=solver, max_iter=2, cv=2, hidden_layer_sizes=8, random_state=0)
    mine.fit(X, y)
    assert 0 <= mine.p_value_ <= 1
    estimates = mine.mutual_info_, mine.std_error_, mine.held_out_bound_
    return *estimates, mine.pointwise_mutual_info(X, y), mine.score(X, y)


def _of_given(X, given):
    n = given.shape[0] if hasattr(given, "shape") else len(given)
    x = np.random.default_rng(0).normal(size=(n, 1))
    mine = MINE(solver="newton", cv=2, hidden_layer_sizes=8, random_state=0)
    mine.fit(X, x, given=given)
    return mine.mutual_info_, mine.std_error_, mine.score(X, x, given=given)


def _of_matrix(X, Y):
    score = MINEScore(max_iter=2, solver="newton")
    values, p_values = mine_matrix(X, score=score, random_state=0, return_p_values=True)
    other = mine_matrix(X, Y, score=score, random_state=0)
    values, p_values = (np.array(each, dtype=float) for each in (values, p_values))
    assert np.isnan(np.diag(values)).all()
    np.fill_diagonal(values, 0.0)
    np.testing.assert_array_equal(values, values.T)
    np.fill_diagonal(p_values, 0.0)
    return values, p_values, other


def _of_selector(X, y):
    score = MINEScore(max_iter=2, solver="newton", cv=2)
    selector = MINESelector(score, random_state=0).fit(X, y)
    assert selector.transform(X).shape[1] == selector.support_.sum()
    assert len(selector.get_feature_names_out()) == selector.support_.sum()
    parts = [[step["mutual_info"], step["p_value"]] for step in selector.path_]
    return selector.scores_, selector.p_values_, selector.std_errors_, parts


def _of_regressor(X, y):
    model = MINERegressor(solver="newton", cv=2, hidden_layer_sizes=8, random_state=0)
    model.fit(X, y)
    quantiles = model.predict(X, quantiles=[0.1, 0.9])
    return model.predict(X), quantiles, model.feature_importances_, model.score(X, y)


def _of_classifier(X, y):
    model = MINEClassifier(solver="newton", cv=2, hidden_layer_sizes=8, random_state=0)
    model.fit(X, y)
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-6)
    assert np.isin(model.predict(X), y).all()
    return shares, model.feature_importances_, model.score(X, y)


# Name: what is drawn, what is called, and examples of the short and of the long test.
_CALLS = {
    "mine_score": (pairs(), _of_mine_score, 12, 500),
    "MINE, solved": (pairs(), lambda X, y: _of_mine(X, y, "newton"), 8, 300),
    "MINE, trained": (pairs(), lambda X, y: _of_mine(X, y, "auto"), 4, 200),
    "given": (pairs(), _of_given, 4, 150),
    "mine_matrix": (pairs(target=False), _of_matrix, 8, 250),
    "MINESelector": (pairs(), _of_selector, 6, 200),
    "MINERegressor": (pairs(), _of_regressor, 4, 200),
    "MINEClassifier": (labelled(), _of_classifier, 4, 200),
}
_SETTINGS = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}


def _run(name, n_examples, **options):
    drawn, call = _CALLS[name][:2]

    @settings(max_examples=n_examples, **_SETTINGS, **options)
    @given(drawn)
    def run(inputs):
        check(call, *inputs)

    run()


@pytest.mark.parametrize("name", _CALLS)
def test_any_table_gives_numbers_or_an_error_that_names_the_argument(name):
    _run(name, _CALLS[name][2], derandomize=True, database=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", _CALLS)
def test_two_thousand_tables_give_numbers_or_errors_that_name_the_argument(name):
    _run(name, _CALLS[name][3])
