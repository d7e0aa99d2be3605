"""mine_matrix: every pair of columns, whatever their order and kind."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import KFold

from sklearn_mine import MINEScore, mine_matrix, mine_score


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 500
    frame = pd.DataFrame(
        {"a": rng.normal(size=n), "kind": rng.choice(["x", "y", "z"], size=n)}
    )
    frame["square"] = frame["a"] ** 2 + 0.3 * rng.normal(size=n)
    frame["of kind"] = (frame["kind"] == "x") + 0.3 * rng.normal(size=n)
    frame.loc[rng.random(n) < 0.1, "of kind"] = np.nan
    return frame


@pytest.fixture(scope="module")
def matrix(frame):
    return mine_matrix(frame, random_state=0)


def test_matrix_is_a_frame_symmetric_with_nothing_on_its_diagonal(frame, matrix):
    assert list(matrix.index) == list(matrix.columns) == list(frame.columns)
    assert np.isnan(np.diag(matrix)).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    dependent = {("a", "square"), ("kind", "of kind")}
    for i, one in enumerate(matrix):
        for other in list(matrix)[i + 1 :]:
            assert (matrix.loc[one, other] > 0.2) == ((one, other) in dependent)


def test_gaussian_pairs_have_their_information_and_correlation():
    rng = np.random.default_rng(0)
    rho, n = 0.8, 4000
    X = rng.normal(size=(n, 2))
    X[:, 1] = rho * X[:, 0] + np.sqrt(1.0 - rho**2) * X[:, 1]
    truth = -0.5 * np.log(1.0 - rho**2)
    nats, p_values, errors = mine_matrix(
        X, random_state=0, return_p_values=True, return_std=True
    )
    assert nats[0, 1] == pytest.approx(truth, abs=max(0.03, 3.0 * errors[0, 1]))
    assert 0.0 < p_values[1, 0] < 1e-6
    bits = mine_matrix(X, units="bits", random_state=0)
    assert bits[0, 1] == pytest.approx(nats[0, 1] / np.log(2.0))
    normalized = mine_matrix(X, normalize=True, random_state=0)
    assert normalized[0, 1] == pytest.approx(rho, abs=0.03)
    assert np.isnan(normalized[0, 0])


def test_values_depend_on_neither_order_nor_neighbours_nor_jobs(frame, matrix):
    names = ["of kind", "square", "kind", "a"]
    turned = mine_matrix(frame[names], random_state=0, n_jobs=2)
    pd.testing.assert_frame_equal(
        turned.loc[matrix.index, matrix.columns], matrix, rtol=1e-12, atol=1e-12
    )
    fewer = mine_matrix(frame[["a", "square"]], random_state=0)
    assert fewer.loc["a", "square"] == pytest.approx(matrix.loc["a", "square"])


def test_pairs_across_two_tables_are_those_of_one(frame, matrix):
    across = mine_matrix(frame[["a", "kind"]], frame[["square"]], random_state=0)
    assert list(across.index) == ["a", "kind"]
    assert list(across.columns) == ["square"]
    np.testing.assert_allclose(across["square"], matrix.loc[["a", "kind"], "square"])


def test_pairs_are_scored_as_mine_score_does(frame, matrix):
    # A class is the target of its pair.
    alone = mine_score(frame[["of kind"]], frame["kind"], random_state=0)[0]
    assert matrix.loc["of kind", "kind"] == pytest.approx(alone[0])


def test_arrays_and_polars_frames_come_back_as_such(frame, matrix):
    numbers = frame[["a", "square"]]
    array = mine_matrix(numbers.to_numpy(), random_state=0)
    assert isinstance(array, np.ndarray)
    assert array[0, 1] == matrix.loc["a", "square"]
    polars = mine_matrix(pl.from_pandas(numbers), random_state=0)
    assert isinstance(polars, pl.DataFrame)
    assert polars.columns == ["a", "square"]
    np.testing.assert_array_equal(polars.to_numpy(), array)


def test_names_that_are_no_text_are_kept():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)))
    values = mine_matrix(frame, random_state=0)
    assert values.index.tolist() == values.columns.tolist() == [0, 1]


def test_what_is_given_explains_what_it_causes():
    rng = np.random.default_rng(0)
    z = rng.normal(size=600)
    X = z[:, None] + rng.normal(size=(600, 3))
    plain, p_plain = mine_matrix(X, random_state=0, return_p_values=True)
    given, p_given = mine_matrix(X, given=z, random_state=0, return_p_values=True)
    pairs = np.triu_indices(3, 1)
    assert (plain[pairs] > 0.08).all()
    assert (p_plain[pairs] < 1e-6).all()
    assert (np.abs(given[pairs]) < 0.03).all()
    assert (p_given[pairs] > 1e-3).all()


def test_columns_that_tell_nothing_share_nothing(frame):
    useless = frame[["a"]].assign(
        constant=1.0, name=[f"row {i}" for i in range(len(frame))]
    )
    with pytest.warns(UserWarning, match="name"):
        values, p_values = mine_matrix(useless, random_state=0, return_p_values=True)
    off = ~np.eye(3, dtype=bool)
    assert (values.to_numpy()[off] == 0.0).all()
    assert (p_values.to_numpy()[off] == 1.0).all()


def test_parameters_of_the_score_are_used(frame):
    standard = MINEScore(encoding="standard", solver="newton", cv=3)
    pair = frame[["a", "square"]]
    values = mine_matrix(pair, score=standard, random_state=0)
    again = mine_matrix(pair, random_state=0)
    assert values.loc["a", "square"] != again.loc["a", "square"]
    assert values.loc["a", "square"] == pytest.approx(again.loc["a", "square"], abs=0.2)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"Y": np.ones((3, 1))}, "Y has 3"),
        ({"given": np.ones(3)}, "given has 3"),
        ({"groups": np.ones(3)}, "groups"),
        ({"units": "dits"}, "units"),
        ({"score": "mine"}, "score should be a MINEScore"),
        ({"score": MINEScore(cv=KFold(3).split(np.ones(20)))}, "cv is an iterator"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"discrete_features": ["b"]}, "discrete_features"),
    ],
)
def test_errors_name_the_argument(kwargs, match):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=match):
        mine_matrix(X, **kwargs)


def test_missing_text_is_a_label_of_its_own(rng):
    a, b = rng.choice(["x", "y", "z"], size=(2, 200)).astype(object)
    frame = pd.DataFrame({"a": a, "b": np.where(rng.random(200) < 0.7, a, b)})
    gappy = frame.replace("x", None)
    assert gappy.isna().to_numpy().sum() > 50
    values = [mine_matrix(table, random_state=0).iloc[0, 1] for table in (frame, gappy)]
    # The same labels in another order; each falls short by what critics do not find.
    assert values[1] == pytest.approx(values[0], abs=0.05)
    assert values[0] > 0.3


def test_column_with_missing_cells_is_looked_at_as_closely_as_by_mine_score(rng):
    a = rng.normal(size=800)
    gappy = np.where(rng.random(800) < 0.3, np.nan, a)
    matrix = mine_matrix(np.column_stack([a, gappy]), random_state=0)
    scores, _ = mine_score(gappy[:, None], a, random_state=0)
    # Both are floors of what is infinite; the same critics find them.
    assert matrix[0, 1] == pytest.approx(scores[0], rel=0.1)
