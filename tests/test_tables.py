import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from sklearn_mine._tables import (
    pair_shares,
    table_information,
    tangent_score,
    with_cells,
)


def _table(x, y):
    table = np.zeros((x.max() + 1, y.max() + 1))
    np.add.at(table, (x, y), 1)
    return table


def test_pairs_are_those_of_distinct_rows(rng):
    x, y = rng.integers(3, size=(2, 20))
    pairs = np.zeros((3, 3))
    for i in range(20):
        for j in range(20):
            pairs[x[i], y[j]] += i != j
    table = _table(x, y)
    np.testing.assert_allclose(pair_shares(table, False), pairs / 380.0)
    # Of balanced rows every pair counts, those of one level too.
    every = np.outer(table.sum(axis=1), table.sum(axis=0))
    np.testing.assert_allclose(pair_shares(table, True), every / 400.0)


def test_score_of_the_true_ratio_is_the_information(rng):
    y = rng.integers(3, size=60000)
    x = np.where(rng.random(60000) < 0.5, y, rng.integers(3, size=60000))
    # Half of the rows copy y: joint probabilities (2/3, 1/6, 1/6) / 3.
    ratio = np.where(np.eye(3) > 0, 2.0, 0.5)
    truth = (ratio * np.log(ratio)).mean()
    score, error = tangent_score(np.log(ratio)[None], _table(x, y)[None])
    assert score == pytest.approx(truth, abs=3.0 * error)
    # The influence is close to the spread of ln ratio over the root of the rows.
    spread = np.log(ratio)[x, y].std()
    assert error == pytest.approx(spread / np.sqrt(60000), rel=0.05)


def test_counts_of_cells_add_what_a_critic_misses(rng):
    # 40 labels and copies of them, in nine rows of ten.
    x, fresh = rng.integers(40, size=(2, 2, 4000))
    y = np.where(rng.random((2, 4000)) < 0.9, x, fresh)
    train, test = (_table(*rows) for rows in zip(x, y, strict=True))
    score, error = tangent_score(
        with_cells(np.zeros((40, 40)), train)[None], test[None]
    )
    same, other = 0.9 + 0.1 / 40, 0.1 / 40
    truth = same * np.log(40 * same) + 39 * other * np.log(40 * other)
    # 3.20 nats; what is learnt of 1,600 cells from 4,000 rows costs a little.
    assert truth - 0.1 < score < truth + 3.0 * error
    assert with_cells(np.zeros((40, 40)), train.T).T == pytest.approx(
        with_cells(np.zeros((40, 40)), train), abs=0.5
    )


def test_counts_of_cells_that_tell_nothing_are_left_out(rng):
    table = _table(*rng.integers(20, size=(2, 1000)))
    assert not with_cells(np.zeros((20, 20)), table).any()


def test_single_held_out_rows_have_no_product_pairs():
    values = np.ones((2, 1, 1))
    score, error = tangent_score(values, np.ones((2, 1, 1)))
    assert (score, error) == (1.0, 0.0)


def testtable_information_of_a_discrete_table(rng):
    y = rng.integers(3, size=3000)
    x = np.where(rng.random(3000) < 0.5, y, rng.integers(3, size=3000))
    table = _table(x, y)
    plain = mutual_info_score(x, y)
    # Miller and Madow take off (cells - rows - columns + 1) / 2n: 4 / 6000.
    information, bias = table_information(table[None], (True, True))
    assert information[0] == pytest.approx(plain - 4 / 6000, abs=1e-9)
    assert bias[0] == pytest.approx(4 / 6000)


def test_plain_table_keeps_categories_whatever_their_names(rng):
    y = rng.integers(40, size=4000)
    table = np.zeros((40, 2))
    np.add.at(table, (y, y % 2), 1)
    renamed = table[rng.permutation(40)]
    information = [
        table_information(each[None], (False, False))[0][0] for each in (table, renamed)
    ]
    # Odd against even: ln 2, which merging neighbours would hide.
    assert information[0] == pytest.approx(np.log(2), abs=0.01)
    assert information[1] == pytest.approx(information[0])


def test_influence_leaves_out_pairs_of_a_row_with_itself(rng):
    x, y = rng.integers(3, size=(2, 12))
    values = rng.normal(size=(3, 3))
    _, error = tangent_score(values[None], _table(x, y)[None])
    tilted = np.exp(values[x][:, y])
    np.fill_diagonal(tilted, 0.0)
    influence = values[x, y] - (tilted.sum(axis=0) + tilted.sum(axis=1)) / 11.0
    assert error == pytest.approx(influence.std(ddof=1) / np.sqrt(12))
