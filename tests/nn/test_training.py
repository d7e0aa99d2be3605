import math

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_mine._start import canonical_start
from sklearn_mine.nn import OBJECTIVES
from sklearn_mine.nn.critics import CriticBank
from sklearn_mine.nn.scoring import (
    Judge,
    blocks_of,
    log_normalizer,
    score_rows,
    values_of,
)
from sklearn_mine.nn.training import (
    PairDataset,
    SeparablePart,
    SlicingIterator,
    copy_critics,
    train,
)


def _data(n=400, rho=0.8, seed=0):
    rng = np.random.default_rng(seed)
    x, e = rng.normal(size=(2, n, 1))
    y = rho * x + math.sqrt(1 - rho**2) * e
    return torch.from_numpy(x).float(), torch.from_numpy(y).float()


def _bank(x, y, *, use_start=False, n_critics=2):
    starts = [
        canonical_start(
            x.numpy(), y.numpy(), rng=np.random.default_rng(0), analyse=use_start
        )
    ] * n_critics
    return CriticBank(
        starts, (8,), "relu", use_start=use_start, rng=np.random.default_rng(0)
    )


def _train(bank, x, y, *, objective="mine", rows=None, judge=None, **parameters):
    rows = rows or [np.arange(len(x))] * len(bank.head)
    parameters = {
        "batch_size": 64,
        "learning_rate": 0.01,
        "alpha": 0.0,
        "max_iter": 5,
        "patience": 50,
        "tol": 0.0,
        "n_shifts": 4,
        "rng": np.random.default_rng(0),
    } | parameters
    return train(bank, x, y, rows, OBJECTIVES[objective](), judge=judge, **parameters)


def test_iterator_gives_rows_of_each_critic_alone():
    x = torch.arange(100.0)[:, None]
    rows = [np.arange(50), np.arange(50, 100)]
    iterator = SlicingIterator(
        PairDataset(x, -x, rows), 16, np.random.default_rng(0), n_shifts=4
    )
    batches = list(iterator)
    assert len(batches) == len(iterator) == 3
    for batch, partners in batches:
        assert batch["x"].shape == (2, 16, 1)
        assert torch.equal(batch["x"], -batch["y"])
        assert (batch["x"][0] < 50).all()
        assert (batch["x"][1] >= 50).all()
        assert partners.shape == (5, 16)
    seen = torch.cat([batch["x"][0, :, 0] for batch, _ in batches])
    assert len(torch.unique(seen)) == len(seen)


def test_iterator_pairs_no_row_with_itself():
    x = torch.zeros(40, 1)
    iterator = SlicingIterator(
        PairDataset(x, x, [np.arange(40)]), 40, np.random.default_rng(0), n_shifts=100
    )
    ((_, partners),) = iterator
    assert partners.shape == (40, 40)  # the joint row and all 39 shifts
    assert torch.equal(partners[0], torch.arange(40))
    assert (partners[1:] != torch.arange(40)).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_training_raises_the_bound(objective):
    x, y = _data(1000)
    bank = _bank(x, y)
    judge = Judge(x, y, [np.arange(1000)] * 2, np.random.default_rng(0))
    before = judge(bank)
    _train(bank, x, y, objective=objective, judge=judge, max_iter=20)
    # The truth is 0.511; 300 steps of eight units reach the most of it.
    assert (judge(bank) > before + 0.2).all()


def test_best_weights_are_kept_for_each_critic():
    x, y = _data()
    bank = _bank(x, y)
    scripted = iter([[0.0, 0.0], [1.0, 1.0], [0.5, 2.0], [0.2, 0.3]])
    seen = []

    def judge(module):
        seen.append(module.head.detach().clone())
        return np.array(next(scripted))

    keeper = _train(bank, x, y, judge=judge, max_iter=3)
    np.testing.assert_array_equal(keeper.best_pass_, [1, 2])
    torch.testing.assert_close(bank.head[0], seen[1][0], atol=0, rtol=0)
    torch.testing.assert_close(bank.head[1], seen[2][1], atol=0, rtol=0)


def test_training_that_does_not_pay_leaves_the_weights():
    x, y = _data()
    bank = _bank(x, y)
    before = [parameter.detach().clone() for parameter in bank.parameters()]
    bounds = iter([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    keeper = _train(bank, x, y, judge=lambda _: np.array(next(bounds)), max_iter=2)
    assert not keeper.best_pass_.any()
    for parameter, old in zip(bank.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_training_stops_when_no_critic_improves():
    x, y = _data()
    keeper = _train(
        _bank(x, y), x, y, judge=lambda _: np.zeros(2), max_iter=50, patience=3
    )
    assert len(keeper.history_) == 3


def test_training_goes_on_while_one_critic_improves():
    x, y = _data()
    bounds = iter([[0.0, float(i)] for i in range(12)])
    keeper = _train(
        _bank(x, y),
        x,
        y,
        judge=lambda _: np.array(next(bounds)),
        max_iter=10,
        patience=3,
    )
    assert len(keeper.history_) == 10


def test_nan_of_the_judge_is_never_the_best():
    x, y = _data()
    bounds = iter([[0.0, 0.0], [np.nan, 1.0]])
    keeper = _train(
        _bank(x, y), x, y, judge=lambda _: np.array(next(bounds)), max_iter=1
    )
    np.testing.assert_array_equal(keeper.best_pass_, [0, 1])


def test_history_names_surrogate_and_bounds():
    x, y = _data()
    judge = Judge(x, y, [np.arange(100)] * 2, np.random.default_rng(0))
    keeper = _train(_bank(x, y), x, y, judge=judge, max_iter=3)
    assert [record["pass"] for record in keeper.history_] == [1, 2, 3]
    for record in keeper.history_:
        assert set(record) == {"pass", "surrogate", "train_bound", "validation_bound"}
        assert record["train_bound"].shape == (2,)


def test_interrupt_reaches_the_caller():
    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    x, y = _data()
    with pytest.raises(KeyboardInterrupt):
        _train(_bank(x, y), x, y, callbacks=[Interrupt()])


def test_same_seed_gives_the_same_weights():
    x, y = _data()
    banks = [_bank(x, y), _bank(x, y)]
    for bank in banks:
        _train(bank, x, y)
    assert torch.equal(banks[0].head, banks[1].head)


def test_separable_part_trains_towers_alone():
    x, y = _data()
    bank = _bank(x, y, use_start=True)
    pair = [weight.detach().clone() for weight in bank.weights]
    towers = bank.towers[0].weights[-1].detach().clone()
    _train(SeparablePart(bank), x, y, n_shifts=None)
    for weight, old in zip(bank.weights, pair, strict=True):
        assert torch.equal(weight, old)
    assert not torch.equal(bank.towers[0].weights[-1], towers)


def test_copying_some_critics_leaves_the_others():
    x, y = _data()
    target, source = _bank(x, y, n_critics=3), _bank(x, y, n_critics=3)
    with torch.no_grad():
        source.head += 1.0
    copy_critics(target, source, np.array([1]))
    assert torch.equal(target.head[1], source.head[1])
    assert not torch.equal(target.head[0], source.head[0])
    with torch.no_grad():
        source.head += 1.0  # a real copy does not follow
    assert not torch.equal(target.head[1], source.head[1])


def test_blocks_cover_the_rows_without_self_pairs():
    blocks = blocks_of(np.arange(40000), np.random.default_rng(0), 5)
    np.testing.assert_array_equal(
        np.concatenate([rows for rows, _ in blocks]), np.arange(40000)
    )
    for rows, shifts in blocks:
        assert len(set(shifts)) == 5
        assert all(0 < shift < len(rows) for shift in shifts)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows_have_as_many_shifts_as_there_are(n):
    ((_, shifts),) = blocks_of(np.arange(n), np.random.default_rng(0), 10)
    assert sorted(shifts) == list(range(1, n))


def test_normalised_critic_has_mean_tilt_one():
    x, y = _data(500)
    bank = _bank(x, y)
    blocks = blocks_of(np.arange(500), np.random.default_rng(0), 20)
    values = values_of(bank, [0, 1], x, y, blocks)
    log_z, limits = log_normalizer(values, max_ratio=4.0)
    _, from_x, from_y = score_rows(values, log_z, limits)
    # The same pairs fixed the normaliser: float32 rounding alone.
    assert from_x.mean() == pytest.approx(1.0, abs=1e-5)
    assert from_y.mean() == pytest.approx(1.0, abs=1e-5)
    assert limits[0] == pytest.approx(-math.log(4 * 500))
    # Where ten of the joint pairs lie above.
    assert 0.0 < limits[1] < math.log(4 * 500)


def test_judge_of_a_separating_critic_is_finite():
    x, y = _data(100)
    bank = _bank(x, x)
    with torch.no_grad():
        bank.head *= 1e6
    judge = Judge(x, y, [np.arange(100)] * 2, np.random.default_rng(0))
    bound = judge(bank)
    assert np.isfinite(bound).all()
    # The log of the pairs that it saw: 100 rows with at most 99 partners each.
    assert (bound <= math.log(100**2) + 0.1).all()


def test_one_pair_does_not_hold_the_partition():
    x, y = _data(500)
    bank = _bank(x, y)
    blocks = blocks_of(np.arange(500), np.random.default_rng(0), 20)
    plain, _ = log_normalizer(values_of(bank, [0], x, y, blocks), max_ratio=4.0)

    def spoilt(xs, ys, partners, critics):
        values = type(bank).forward(bank, xs, ys, partners, critics)
        if len(partners) > 1:
            values[:, 1, 7] += 1000.0
        return values

    bank.forward = spoilt
    log_z = log_normalizer(values_of(bank, [0], x, y, blocks), max_ratio=4.0)[0]
    # It counts as no more than a pair of which few joint ones claim more.
    assert log_z == pytest.approx(plain, abs=0.01)


def test_critic_that_never_improved_stops_after_half_the_patience():
    x, y = _data()
    patient = _train(
        _bank(x, y), x, y, judge=lambda _: np.zeros(2), max_iter=50, patience=8
    )
    in_vain = _train(
        _bank(x, y),
        x,
        y,
        judge=lambda _: np.zeros(2),
        max_iter=50,
        patience=8,
        batch_size=4,
    )
    # The one had too few steps to tell; the other stops after half of its passes.
    assert len(patient.history_) == 8
    assert len(in_vain.history_) == 4


@pytest.mark.parametrize(("n_rows", "max_iter"), [(300, 9), (300, 1), (300, 3)])
def test_every_number_of_steps_has_a_schedule(n_rows, max_iter):
    x, y = _data(n_rows)
    _train(_bank(x, y), x, y, max_iter=max_iter, batch_size=n_rows // 2)
    _train(_bank(x, y), x, y, max_iter=max_iter, batch_size=n_rows // 2 // max_iter)
