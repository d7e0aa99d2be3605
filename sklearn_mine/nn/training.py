"""Training of a critic bank by gradient: a skorch net, built where it is used.

skorch runs the loop; what is particular to K critics side by side lives in the pieces
that hang off it: an iterator that slices tensors, and a callback that keeps each
critic's best weights and stops when none improves.
"""

import copy
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, LRScheduler
from torch.utils.data import Dataset

from .._progress import progress, reached
from .._typing import Callbacks, Floats, History, Ints
from .critics import CriticBank, shifts_of
from .objectives import Objective

# Product pairs for each joint pair of a minibatch. InfoNCE's value is capped at the
# log of its candidates, so it gets more.
N_TRAIN_SHIFTS = 2
N_CANDIDATES = 32
# Decay of the running average of the weights, in steps.
_AVERAGING = 0.98
# Steps after which half the patience will do for a critic that never improved.
_FAIR_TRIAL = 50


class PairDataset(Dataset[Any]):
    """The rows that each critic trains on.

    Parameters
    ----------
    x, y : tensor of shape (n, dx), (n, dy)

    rows : list of K index arrays
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, rows: Sequence[Ints]) -> None:
        self.x, self.y, self.rows = x, y, rows

    def __len__(self) -> int:
        return min(len(rows) for rows in self.rows)

    def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows `index` (K, B) of both sides."""
        return self.x[index], self.y[index]


class SlicingIterator:
    """Minibatches as slices of tensors: one row order for each critic and pass.

    Parameters
    ----------
    n_shifts : int or None
        Product pairs for each joint pair; None takes all pairs of the batch.
    """

    def __init__(
        self,
        dataset: PairDataset,
        batch_size: int,
        rng: np.random.Generator,
        n_shifts: int | None,
    ) -> None:
        self.dataset, self.rng, self.n_shifts = dataset, rng, n_shifts
        self.batch_size = min(batch_size, len(dataset))

    def __iter__(self) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor]]:
        size, n_steps = self.batch_size, len(self)
        order = np.stack(
            [self.rng.permutation(rows)[: size * n_steps] for rows in self.dataset.rows]
        )
        order = torch.from_numpy(order).to(self.dataset.x.device)
        # Where all pairs are taken, the module needs no partners but the joint ones.
        n_shifts = min(self.n_shifts or 0, size - 1)
        for i in range(n_steps):
            x, y = self.dataset.take(order[:, i * size : (i + 1) * size])
            shifts = 1 + self.rng.choice(size - 1, size=n_shifts, replace=False)
            partners = shifts_of(size, [0, *shifts.tolist()], x.device)
            # skorch wants all parts of a batch to have one length, here K.
            shared = partners.expand(len(x), -1, -1)
            yield {"x": x, "y": y, "partners": shared}, partners

    def __len__(self) -> int:
        return len(self.dataset) // self.batch_size


class Converged(Exception):
    """What is trained has not improved for a while."""


class KeepBest(Callback):
    """Average the weights, judge them after each pass, keep each critic's best.

    Parameters
    ----------
    judge : callable or None
        Takes the bank, returns the inner validation bound of each critic, ndarray
        of shape (K,). None keeps the last averaged weights that are finite.

    patience : int
        Passes without an improvement above `tol` after which a critic has stopped;
        half as many, if they are enough steps, where it never improved.

    tol : float
        In nats.
    """

    history_: History
    totals_: dict[str, torch.Tensor]

    def __init__(
        self, judge: Callable[..., Floats] | None, patience: int, tol: float
    ) -> None:
        self.judge, self.patience, self.tol = judge, patience, tol

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.average_ = copy.deepcopy(net.module_)
        self.best_ = copy.deepcopy(net.module_)
        self.n_steps_, self.done_ = 0, False
        self.history_ = []
        self.best_bound_ = self._judge(net.module_)
        self.reference_ = self.best_bound_.copy()
        self.best_pass_ = np.zeros(len(self.best_bound_), dtype=int)
        self.since_ = np.zeros(len(self.best_bound_), dtype=int)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.done_:
            # Only now: other callbacks are told of the end of a pass as well.
            raise Converged
        self.totals_ = {}
        self.n_batches_ = 0

    @torch.no_grad()
    def on_batch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.n_steps_ += 1
        self.n_batches_ += 1
        for name, values in net.criterion_.last_.items():
            self.totals_[name] = self.totals_.get(name, 0.0) + values
        decay = min(_AVERAGING, self.n_steps_ / (self.n_steps_ + 4))
        torch._foreach_lerp_(
            list(self.average_.parameters()), list(net.module_.parameters()), 1 - decay
        )

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        bound = self._judge(self.average_)
        n_passes = len(self.history_) + 1
        record: dict[str, Any] = {"pass": n_passes}
        for name, total in self.totals_.items():
            record[name] = (total / self.n_batches_).cpu().numpy().astype(float)
        if self.judge is not None:
            record["validation_bound"] = bound
        self.history_.append(record)
        better = bound > self.best_bound_
        if self.judge is None:
            better = np.isfinite(bound)
        if better.any():
            copy_critics(self.best_, self.average_, np.flatnonzero(better))
            self.best_pass_[better] = n_passes
        self.best_bound_ = np.maximum(self.best_bound_, bound)
        improved = bound > self.reference_ + self.tol
        self.reference_ = np.where(improved, bound, self.reference_)
        self.since_ = np.where(improved, 0, self.since_ + 1)
        patience = np.full(len(bound), self.patience)
        if self.n_steps_ >= _FAIR_TRIAL:
            # What has not improved by now, on what was solved, is not about to.
            patience[self.since_ == n_passes] = -(-self.patience // 2)
        self.done_ = self.judge is not None and bool((self.since_ >= patience).all())

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        copy_critics(net.module_, self.best_, np.arange(len(self.best_bound_)))

    def _judge(self, module: torch.nn.Module) -> Floats:
        if self.judge is None:
            finite = [p.isfinite().flatten(1).all(1) for p in module.parameters()]
            return np.where(torch.stack(finite).all(0).cpu().numpy(), 0.0, -np.inf)
        return np.nan_to_num(self.judge(module), nan=-np.inf)


class PassesReached(Callback):
    """Moves the bar of the work at hand on with each pass.

    Parameters
    ----------
    keeper : KeepBest
    n_passes : int
    """

    def __init__(self, keeper: KeepBest, n_passes: int) -> None:
        self.keeper, self.n_passes = keeper, n_passes

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        bound = np.mean(self.keeper.best_bound_)
        done = len(self.keeper.history_) / self.n_passes
        reached(done, f"validation bound {bound:.3f} nats")


class PassBar(Callback):
    """One bar over the passes.

    Parameters
    ----------
    n_passes : int
    what : str
        What is trained.
    status : callable
        Gives the text beside the bar.
    """

    def __init__(self, n_passes: int, what: str, status: Callable[[], str]) -> None:
        self.n_passes, self.what, self.status = n_passes, what, status

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_ = progress(self.n_passes, self.what, "pass")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.set_postfix_str(self.status(), refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.close()


class SeparablePart(torch.nn.Module):
    """A bank seen without its pair network, where all pairs of a batch are cheap."""

    def __init__(self, bank: CriticBank) -> None:
        super().__init__()
        self.bank = bank

    @property
    def head(self) -> torch.Tensor:
        return self.bank.head

    def forward(
        self, x: torch.Tensor, y: torch.Tensor, partners: torch.Tensor
    ) -> torch.Tensor:
        return self.bank.separable(x, y)


def train(
    bank: torch.nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    rows: Sequence[Ints],
    objective: Objective,
    *,
    batch_size: int,
    learning_rate: float,
    alpha: float,
    max_iter: int,
    judge: Callable[..., Floats] | None,
    patience: int,
    tol: float,
    rng: np.random.Generator,
    n_shifts: int | None,
    callbacks: Callbacks = (),
) -> KeepBest:
    """Train a bank of critics in place; each ends with its best weights.

    Parameters
    ----------
    bank : CriticBank
    x, y : tensor of shape (n, dx), (n, dy)
    rows : list of K index arrays
        Rows that each critic trains on.
    objective : Objective
    judge, patience, tol
        See :class:`KeepBest`.

    Returns
    -------
    keeper : KeepBest
        With the history of the training.
    """
    keeper = KeepBest(judge, patience, tol)
    dataset = PairDataset(x, y, rows)
    n_steps = len(dataset) // min(batch_size, len(dataset))
    total_steps = max_iter * n_steps + 1
    schedule = LRScheduler(
        torch.optim.lr_scheduler.OneCycleLR,
        max_lr=learning_rate,
        total_steps=total_steps,
        # A rise that ends with the first step would be divided by its length of 0.
        pct_start=max(0.1, 1.5 / total_steps),
        anneal_strategy="linear",
        cycle_momentum=False,
        step_every="batch",
    )
    net = NeuralNet(
        module=bank,
        criterion=objective,
        optimizer=torch.optim.Adam,
        optimizer__weight_decay=alpha,
        optimizer__fused=True,
        lr=learning_rate,
        max_epochs=max_iter,
        batch_size=batch_size,
        iterator_train=SlicingIterator,
        iterator_train__rng=rng,
        iterator_train__n_shifts=n_shifts,
        train_split=None,
        callbacks=[
            keeper,
            schedule,
            PassesReached(keeper, max_iter),
            *callbacks,
        ],
        callbacks__print_log=None,
        verbose=0,
        device=x.device,
    )
    run(net.initialize(), dataset)
    return keeper


def run(net: NeuralNet, dataset: Dataset[Any], n_passes: int | None = None) -> None:
    """Make passes over a data set, until a callback has had enough."""
    # Not net.fit: it swallows KeyboardInterrupt, which must reach the caller.
    net.notify("on_train_begin", X=dataset, y=None)
    try:
        net.fit_loop(dataset, epochs=n_passes)
    except Converged:
        pass
    except KeyboardInterrupt as interrupt:
        if not _asked_to_stop(interrupt):
            raise
    finally:
        net.notify("on_train_end", X=dataset, y=None)


def _asked_to_stop(interrupt: KeyboardInterrupt) -> bool:
    """Whether a callback of skorch's raised it, which is how those stop a training."""
    *_, (frame, _) = traceback.walk_tb(interrupt.__traceback__)
    return frame.f_globals.get("__name__", "").startswith("skorch.callbacks")


@torch.no_grad()
def copy_critics(target: torch.nn.Module, source: torch.nn.Module, which: Ints) -> None:
    """Copy the weights of the critics `which` from one bank to another."""
    for into, values in zip(target.parameters(), source.parameters(), strict=True):
        into[which] = values[which]
