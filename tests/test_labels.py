import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import GroupKFold, LeaveOneOut

from sklearn_mine import MINE, mine_score
from sklearn_mine._labels import (
    LabelBank,
    LabelCritic,
    LabelGrid,
    _Rows,
    label_score,
)
from sklearn_mine._tables import tangent_score

N_LABELS = 40, 30


def _rows(rng, n=2000):
    x = rng.integers(N_LABELS[0], size=n)
    y = np.where(rng.random(n) < 0.7, x, rng.integers(N_LABELS[1], size=n))
    return x, y % N_LABELS[1]


@pytest.fixture
def grid(rng):
    """Labels, each with a level of its own."""
    levels = [np.zeros(size, dtype=int) for size in N_LABELS]
    return LabelGrid(*levels, False)


@pytest.fixture
def critics(grid, rng):
    return [grid.solve(grid.table(*_rows(rng))) for _ in range(2)]


def _dense(critic):
    x, y = np.indices(critic.of_cells.shape)
    return critic(x.ravel(), y.ravel()).reshape(x.shape)


@pytest.fixture
def rows(grid, rng):
    """Counts, as what foretells a row of the table; label 0 of either side is new."""
    x, y = (np.maximum(side, 1) for side in _rows(rng, 300))
    base = LabelCritic.on_levels(
        *((np.arange(size) == size - 1) * 1 for size in grid.shape), np.zeros((2, 2))
    )
    return _Rows(base, grid.table(x, y))


@pytest.mark.parametrize(("strength", "discount"), [(1.0, 0.0), (3.0, 0.4), (1.0, 1.0)])
def test_critics_are_densities_of_what_goes_with_a_label(strength, discount, rows):
    critic = rows.critic(strength, discount)
    np.testing.assert_allclose(critic.mean_over_y(rows.share), 1.0)
    assert rows.share.sum() == pytest.approx(1.0)


def test_no_critic_claims_more_than_its_rows_support(rows):
    # Neither that a pair is so likely, nor that one which was not met is so unlikely.
    values = _dense(rows.critic(1e-6, 0.0))[1:-1, 1:-1]
    assert values.max() <= np.log(0.25 * 300) + 1e-9
    assert values.min() == pytest.approx(-np.log(0.25 * 300))


@pytest.mark.parametrize(("strength", "discount"), [(0.1, 0.0), (3.0, 0.4), (1.0, 1.0)])
def test_rows_are_foretold_by_the_others(strength, discount, rows):
    counts, share = rows.counts.toarray(), rows.share
    base, total = _dense(rows.base), 0.0
    for x, y in zip(*np.nonzero(counts), strict=True):
        others = counts.copy()
        others[x, y] -= 1.0
        n_cells = (others[x] > 0).sum()
        # Where the others do not know a label, it is as good as new.
        plain = base[x if others[x].any() else -1, y if others[:, y].any() else -1]
        kept = max(others[x, y] - discount, 0.0) / share[y]
        ratio = kept + (strength + discount * n_cells) * np.exp(plain)
        total += counts[x, y] * np.log(ratio / (others[x].sum() + strength))
    assert rows.likelihood(strength, discount) == pytest.approx(total)


def test_what_is_likeliest_is_found(rows):
    likelihood, strength, discount = rows.likeliest()
    assert likelihood == rows.likelihood(strength, discount)
    for other_strength in (0.1, 1.0, 10.0, 100.0):
        for other_discount in (0.0, 0.4, 0.8, 1.0):
            assert likelihood >= rows.likelihood(other_strength, other_discount)


def _few(rng, n_labels, share, n=20):
    x = rng.integers(n_labels, size=n)
    y = np.where(rng.random(n) < share, x, rng.integers(n_labels, size=n))
    return _names(x)[:, None], _names(y)


def test_labels_that_go_together_are_new_together(rng):
    grid = LabelGrid(np.zeros(300, dtype=int), np.zeros(300, dtype=int), False)
    x = rng.integers(300, size=400)
    same, apart = (grid.solve(grid.table(x, y)) for y in (x, x % 3))
    # The rarer it is that a label is new, the more one tells of the other.
    once = (np.bincount(x) == 1).sum() / 400
    assert _dense(same)[-1, -1] == pytest.approx(-np.log(once), abs=0.2)
    assert _dense(same)[-1, x[0]] < -1.0
    # A new label has no say in which of three it goes with.
    assert _dense(apart)[-1, :3] == pytest.approx(0.0, abs=0.1)


def test_pairs_counted_once_bear_nothing_out(grid, rng):
    x, y = _rows(rng)
    table = grid.table(x, y)
    critic = grid.solve(table)
    counts, found = table.toarray(), critic.of_learnt(x, y, table)
    once = counts[x, y] == 1.0
    assert once.any()
    np.testing.assert_allclose(found[~once], critic(x, y)[~once])
    np.testing.assert_allclose(found[once], critic.without_cells(x, y)[once])
    # Labels that were counted once are new to the others.
    lone = LabelGrid(np.zeros(60, dtype=int), np.zeros(60, dtype=int), False)
    codes = np.append(np.repeat(np.arange(50), 4), np.arange(50, 60))
    table = lone.table(codes, codes)
    critic = lone.solve(table)
    found = critic.of_learnt(codes, codes, table)
    assert found[-1] == critic.without_cells(*np.array([[-1], [-1]]))[0] < found[0]
    # A critic on levels alone has learnt no pair.
    levels = (np.zeros(size, dtype=int) for size in grid.shape)
    critic = LabelCritic.on_levels(*levels, np.full((1, 1), 0.7))
    assert (critic.of_learnt(x, y, grid.table(x, y)) == 0.7).all()


@pytest.mark.parametrize("balanced", [False, True])
def test_bounds_are_those_of_dense_tables(balanced, grid, critics, rng):
    tests = [grid.table(*_rows(rng, 500)) for _ in critics]
    expected = tangent_score(
        np.stack([_dense(critic) for critic in critics]),
        np.stack([table.toarray() for table in tests]),
        balanced,
    )
    assert label_score(critics, tests, balanced) == pytest.approx(expected)


def test_critic_of_all_rows_is_kept(grid, critics, rng):
    table = grid.table(*_rows(rng))
    bank = grid.bank(critics, table)
    np.testing.assert_allclose(_dense(bank.critic), _dense(grid.solve(table)))
    assert grid.bank(critics[:1], table).critic is critics[0]


def test_new_labels_count_as_one_that_was_never_seen(critics):
    bank = pickle.loads(pickle.dumps(LabelBank(critics[0])))
    x, y = torch.tensor([[3], [-1]]), torch.tensor([[3], [-1]])
    partners = torch.tensor([[0, 1], [1, 0]])
    values = bank(x[None], y[None], partners, slice(0, 1))[0]
    dense = _dense(critics[0])
    expected = [[dense[3, 3], dense[-1, -1]], [dense[3, -1], dense[-1, 3]]]
    np.testing.assert_allclose(values, expected)
    # Nothing says that a new label goes with a known one.
    assert values[1].max() < 0.1 < values[0, 0]


def _names(labels):
    return np.array([f"label {i:04}" for i in labels], dtype=object)


def test_twelve_fair_bits_have_their_entropy(rng):
    labels = _names(rng.integers(4096, size=20000))
    mine = MINE(random_state=0).fit(labels[:, None], labels)
    assert mine.mutual_info_ == pytest.approx(12.0 * np.log(2.0), rel=0.02)
    assert mine.held_out_bound_ <= mine.mutual_info_
    # Declared to be labels, numbers are; and those who rename them find the same.
    renamed = _names(rng.permutation(4096))[np.unique(labels, return_inverse=True)[1]]
    again = MINE(random_state=0).fit(labels[:, None], renamed)
    assert again.mutual_info_ == pytest.approx(mine.mutual_info_, rel=1e-3)


def _linked(rng, weights, share, n):
    """A label, and in a share of the rows the same one; else one at random."""
    x, chance = (rng.choice(len(weights), p=weights, size=n) for _ in range(2))
    y = np.where(rng.random(n) < share, x, chance)
    same = share + (1.0 - share) * weights
    truth = weights @ (same * np.log(same / weights))
    truth += (1.0 - share) * np.log(1.0 - share) * (1.0 - weights @ weights)
    return _names(x)[:, None], _names(y), truth


@pytest.mark.parametrize(("share", "least"), [(0.3, 0.8), (0.7, 0.9)])
@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_noisy_links_of_many_labels_are_measured(exponent, share, least, rng):
    weights = np.arange(1.0, 801.0) ** -exponent
    X, y, truth = _linked(rng, weights / weights.sum(), share, 20000)
    mine = MINE(random_state=0).fit(X, y)
    assert least * truth < mine.held_out_bound_ < truth + 2.0 * mine.std_error_
    # What rows are too few to show is not made up for.
    assert mine.held_out_bound_ <= mine.mutual_info_ < truth + 2.0 * mine.std_error_


def test_numbers_that_are_said_to_be_labels_are_like_text(rng):
    x = rng.integers(300, size=2000)
    y = np.where(rng.random(2000) < 0.5, rng.permutation(300)[x], x)
    labels = {"discrete_features": True, "discrete_target": True, "random_state": 0}
    numbers = mine_score(x[:, None], y, **labels)
    names = mine_score(_names(x)[:, None], _names(y), **labels)
    np.testing.assert_allclose(numbers, names, atol=1e-6)
    assert numbers[0][0] > 1.5
    numbers = MINE(**labels).fit(x[:, None], y).held_out_bound_
    names = MINE(**labels).fit(_names(x)[:, None], _names(y)).held_out_bound_
    assert numbers == pytest.approx(names, abs=1e-6)


@pytest.mark.parametrize("n_labels", [60, 200])
def test_codes_are_told_apart_whatever_their_order(n_labels, rng):
    x = rng.integers(n_labels, size=40 * n_labels)
    y = rng.permutation(n_labels)[x]
    labels = {"discrete_features": True, "discrete_target": True, "random_state": 0}
    mine = MINE(**labels).fit(x[:, None], y)
    assert mine.mutual_info_ == pytest.approx(np.log(n_labels), rel=0.02)
    (score,), _ = mine_score(x[:, None], y, **labels)
    assert score == pytest.approx(np.log(n_labels), rel=0.02)
    # A code that was never seen is not its neighbour.
    beside, itself = mine.pointwise_mutual_info([[x[0] + 0.1], [x[0]]], [y[0], y[0]])
    assert beside <= 0.0 < itself


@pytest.mark.parametrize("cv", [LeaveOneOut(), 40])
def test_single_rows_say_nothing_of_the_normaliser(cv, rng):
    x, y = (_names(rng.integers(3, size=40)) for _ in range(2))
    mine = MINE(random_state=0, cv=cv).fit(x[:, None], y)
    assert mine.mutual_info_ == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_labels_nested_in_groups_are_not_taken_for_others(known):
    # All labels of a test fold are new, and few training rows say what that means.
    groups = np.append(np.repeat(np.arange(100), 20), np.arange(100, 110))
    y = _names(np.where((groups >= 100) & known, 0, groups))
    mine = MINE(random_state=0, cv=GroupKFold(5))
    mine.fit(_names(groups)[:, None], y, groups=groups)
    assert -2.0 < mine.held_out_bound_ <= 0.0
    rng = np.random.default_rng(0)
    X = _names(groups * 3 + rng.integers(3, size=2010))[:, None]
    y = _names(groups * 30 + rng.integers(30, size=2010))
    assert mine.fit(X, y, groups=groups).held_out_bound_ == pytest.approx(0, abs=0.1)


def test_few_independent_labels_share_little(rng):
    bounds = [
        MINE(random_state=0).fit(*_few(rng, 2, 0.0)).held_out_bound_ for _ in range(40)
    ]
    assert np.mean(bounds) == pytest.approx(0.0, abs=0.03)
    assert min(bounds) > -0.3


def test_labels_that_come_later_are_warned_of(rng):
    mine = MINE(random_state=0)
    for last in (100, 110, 130, 150):
        labels = _names(rng.integers(last, size=400))
        if last == 100:
            mine.partial_fit(labels[:, None], labels)
        else:
            with pytest.warns(UserWarning, match="the first piece did not have"):
                mine.partial_fit(labels[:, None], labels)
        assert mine.mutual_info_ > 2.5


def test_labels_that_no_other_row_has_are_warned_of(rng):
    labels = _names(np.append(rng.integers(40, size=380), np.arange(40, 60)))
    y = rng.permutation(labels)
    message = "5% of the rows have a label of y that no other row has"
    with pytest.warns(UserWarning, match=message):
        MINE(random_state=0).fit(rng.normal(size=(400, 1)), y)
    with pytest.warns(UserWarning, match=message):
        mine_score(rng.normal(size=(400, 1)), y, random_state=0)
    with pytest.warns(UserWarning, match=message.replace("y that", "X that")):
        MINE(random_state=0).fit(labels[:, None], rng.integers(2, size=400))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MINE(random_state=0).fit(labels[:380, None], rng.integers(2, size=380))


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
