import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.metrics import mutual_info_score

from sklearn_mine import MINE, mine_score
from sklearn_mine._labels import (
    LabelBank,
    LabelCritic,
    LabelGrid,
    label_score,
    log_partition,
    mean_critic,
    with_label_cells,
)
from sklearn_mine._pair import Pair, fine_levels
from sklearn_mine._tables import clamp, pair_shares, tangent_score, with_cells

N_LABELS = 40, 30


def _rows(rng, n=2000):
    x = rng.integers(N_LABELS[0], size=n)
    y = np.where(rng.random(n) < 0.7, x, rng.integers(N_LABELS[1], size=n))
    return x, y % N_LABELS[1]


@pytest.fixture
def grid(rng):
    """Labels, each with a level of its own."""
    x, y = (side.astype(str).astype(object) for side in _rows(rng))
    sides = [fine_levels(side, encoding="rank", discrete="auto") for side in (x, y)]
    pair = Pair(*sides, [(np.arange(1000), np.arange(1000, 2000))])
    return LabelGrid(pair.grid, *(np.arange(size) for size in pair.grid.shape))


@pytest.fixture
def critics(grid, rng):
    return [grid.solve(grid.table(*_rows(rng))) for _ in range(2)]


def _dense(critic):
    x, y = np.indices(critic.of_cells.shape)
    return critic(x.ravel(), y.ravel()).reshape(x.shape)


@pytest.mark.parametrize("turned", [False, True])
def test_cells_are_counted_as_in_a_dense_table(turned, rng):
    x, y = _rows(rng)[::-1] if turned else _rows(rng)
    table = np.zeros((x.max() + 1, y.max() + 1))
    np.add.at(table, (x, y), 1.0)
    values = rng.normal(size=table.shape)
    levels = [np.arange(size) for size in table.shape]
    critic = LabelCritic.on_levels(*levels, values)
    found = _dense(with_label_cells(critic, csr_array(table)))
    # Alike up to the least strengths, of which a sparse table tries more.
    expected = clamp(with_cells(values, table), table.sum())
    assert np.abs(found - expected)[table > 0].max() < 0.2
    assert (table * found).sum() >= (table * values).sum()


@pytest.mark.parametrize("balanced", [False, True])
def test_bounds_are_those_of_dense_tables(balanced, grid, critics, rng):
    tests = [grid.table(*_rows(rng, 500)) for _ in critics]
    expected = tangent_score(
        np.stack([_dense(critic) for critic in critics]),
        np.stack([table.toarray() for table in tests]),
        balanced,
    )
    assert label_score(critics, tests, balanced) == pytest.approx(expected)
    mean = mean_critic(critics)
    np.testing.assert_allclose(
        _dense(mean), np.mean([_dense(each) for each in critics], axis=0)
    )
    shares = pair_shares(tests[0].toarray(), balanced)
    partition = (shares * np.exp(_dense(mean))).sum()
    assert log_partition(mean, tests[0], balanced) == pytest.approx(np.log(partition))


def test_critics_are_normalised_over_their_rows(grid, rng):
    table = grid.table(*_rows(rng))
    critic = grid.solve(table)
    assert log_partition(critic, table, grid.balanced) == pytest.approx(0.0, abs=1e-9)
    bank = grid.bank([critic, critic], table)
    assert _dense(bank.critics[0]) == pytest.approx(_dense(critic))


def test_new_labels_count_as_one_that_was_never_seen(critics):
    bank = pickle.loads(pickle.dumps(LabelBank(critics)))
    x, y = torch.tensor([[3], [-1]]), torch.tensor([[3], [-1]])
    partners = torch.tensor([[0, 1], [1, 0]])
    values = bank(x[None], y[None], partners, slice(0, 1))[0]
    dense = _dense(critics[0])
    expected = [[dense[3, 3], dense[-1, -1]], [dense[3, -1], dense[-1, 3]]]
    np.testing.assert_allclose(values, expected)
    # A label that is known goes with a new one less often than with its own.
    assert values[1, 0] < 0.0 < values[0, 0]


def _names(labels):
    return np.array([f"label {i}" for i in labels], dtype=object)


def test_twelve_fair_bits_have_their_entropy(rng):
    labels = _names(rng.integers(4096, size=40000))
    mine = MINE(random_state=0).fit(labels[:, None], labels)
    assert mine.mutual_info_ == pytest.approx(12.0 * np.log(2.0), rel=0.02)
    assert mine.held_out_bound_ <= mine.mutual_info_
    # Declared to be labels, numbers are; and those who rename them find the same.
    renamed = _names(rng.permutation(4096))[np.unique(labels, return_inverse=True)[1]]
    again = MINE(random_state=0).fit(labels[:, None], renamed)
    assert again.mutual_info_ == pytest.approx(mine.mutual_info_, rel=1e-3)


def test_many_labels_tell_of_few(rng):
    # What a label says is drawn for each, so that none can stand for another.
    labels = rng.integers(500, size=10000)
    y = (rng.random(10000) < np.where(rng.random(500) < 0.5, 0.9, 0.1)[labels]) * 1
    truth = np.log(2.0) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)
    scores, p_values = mine_score(_names(labels)[:, None], y, random_state=0)
    mine = MINE(random_state=0).fit(_names(labels)[:, None], y)
    for found in (scores[0], mine.mutual_info_):
        assert 0.85 * truth < found < truth + 3.0 * mine.std_error_
    # The plain table's figure, biased by what 500 labels show by chance.
    assert mine.mutual_info_ < mutual_info_score(labels, y)
    assert p_values[0] < 1e-3
    noise = mine_score(_names(labels)[:, None], rng.permutation(y), random_state=0)
    assert abs(noise[0][0]) < 0.01


def test_pieces_of_many_labels_add_up(rng):
    labels = _names(rng.integers(300, size=9000))
    mine = MINE(random_state=0)
    for part in np.split(labels, 3):
        mine.partial_fit(part[:, None], part)
    assert mine.mutual_info_ == pytest.approx(np.log(300.0), rel=0.03)
    counted = mine._pieces.counts
    assert counted.sum() == 9000 and counted.nnz == 300
    pointwise = mine.pointwise_mutual_info(labels[:3, None], labels[:3])
    assert pointwise == pytest.approx(np.log(300.0), rel=0.1)
