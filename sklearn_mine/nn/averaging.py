"""Networks trained as a whole, with averaged weights: what their trainings share."""

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.utils.data import Dataset

from .._typing import Callbacks, History
from .training import Converged, PassBar, run


class Diverged(Exception):
    """The loss is no number any more."""


class AverageAndJudge(Callback):
    """Average the weights, follow the losses, and stop by validation rows.

    Parameters
    ----------
    averaging : float
        Share of the past in the average, after a short beginning.
    decay : float
        What learning rates are multiplied with after each pass.
    seed : int or None
        Of torch's own generator, which Dropout and its like draw from, in a pass.
    judge : callable or None
        Takes the averaged module, gives a loss.
    judged_as : str
        What the history calls that loss.
    patience : float
        Passes without an improvement above `tol` that end the training.
    tol : float
    """

    # Copies of the net's module, of its class; None where there is none.
    average_: Any
    best_: Any
    history_: History
    totals_: dict[str, float]

    def __init__(
        self,
        averaging: float,
        decay: float,
        seed: int | None,
        judge: Callable[[Any], float] | None = None,
        judged_as: str = "validation_loss",
        patience: float = math.inf,
        tol: float = 0.0,
    ) -> None:
        self.averaging, self.decay, self.seed = averaging, decay, seed
        self.judge, self.judged_as = judge, judged_as
        self.patience, self.tol = patience, tol
        self.average_, self.n_steps_, self.history_ = None, 0, []
        self.best_, self.best_loss_, self.since_ = None, math.inf, 0

    def __getstate__(self) -> dict[str, Any]:
        # skorch moves its own parts to a machine without the device; these are ours.
        state = vars(self).copy()
        for name in ("average_", "best_"):
            module = state[name]
            if module is not None and next(module.parameters()).is_cuda:
                state[name] = copy.deepcopy(module).cpu()
        return state

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.average_ is None:
            self.average_ = copy.deepcopy(net.module_)
        self.average_.to(net.device)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.judge is not None and self.since_ >= self.patience:
            # Only now: other callbacks are told of the end of a pass as well.
            raise Converged
        self.totals_, self.n_batches_ = {}, 0
        if self.seed is not None:
            seed = self.seed + len(self.history_)
            torch.default_generator.manual_seed(seed)
            if torch.device(net.device).type == "cuda":
                torch.cuda.manual_seed(seed)

    @torch.no_grad()
    def on_batch_end(self, net: NeuralNet, loss: Any = None, **kwargs: Any) -> None:
        if not torch.isfinite(loss):
            raise Diverged
        average, now = _numbers(self.average_), _numbers(net.module_)
        largest = torch.stack(torch._foreach_norm(now, torch.inf))
        if not largest.isfinite().all():
            raise Diverged
        self.n_steps_ += 1
        share = 1.0 - min(self.averaging, self.n_steps_ / (self.n_steps_ + 9.0))
        torch._foreach_lerp_(average, now, share)
        for name, value in net.criterion_.last_.items():
            self.totals_[name] = self.totals_.get(name, 0.0) + float(value)
        self.n_batches_ += 1

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        record: dict[str, Any] = {"pass": len(self.history_) + 1}
        for name, total in self.totals_.items():
            record[name] = total / self.n_batches_
        self.history_.append(record)
        # Times what it is: a scheduler among the callbacks has its own say.
        for group in net.optimizer_.param_groups:
            group["lr"] *= self.decay
        if self.judge is None:
            return
        record[self.judged_as] = loss = self.judge(self.average_)
        self.since_ += 1
        if loss < self.best_loss_ - self.tol:
            self.since_ = 0
        if loss < self.best_loss_:
            self.best_loss_ = loss
            if self.best_ is None:
                self.best_ = copy.deepcopy(self.average_)
            else:
                _copy_numbers(self.best_, self.average_)

    def status(self) -> str:
        """What the bar says."""
        first = next(iter(self.totals_))
        return f"{first.replace('_', '-')} {self.history_[-1][first]:.3f} nats"

    def settle(self, net: NeuralNet) -> None:
        """Go on, if at all, from the weights that were kept, and judge no more."""
        if self.best_ is not None:
            self.average_ = self.best_
            self._take_up(net)
        self.judge = self.best_ = None

    def restart(self, net: NeuralNet) -> None:
        """Take up the average where the training has diverged."""
        self._take_up(net)
        net.optimizer_.state.clear()

    def _take_up(self, net: NeuralNet) -> None:
        # Numbers alone: what counts draws goes on.
        _copy_numbers(net.module_, self.average_)


@torch.no_grad()
def _copy_numbers(target: torch.nn.Module, source: torch.nn.Module) -> None:
    torch._foreach_copy_(_numbers(target), _numbers(source))


def _numbers(module: torch.nn.Module) -> list[torch.Tensor]:
    """Weights and running statistics, each once."""
    found: dict[int, torch.Tensor] = {}
    for each in itertools.chain(module.parameters(), module.buffers()):
        if each.is_floating_point() and each.numel():
            found.setdefault(each.data_ptr(), each)
    return list(found.values())


def n_batches(n: int, batch_size: int) -> int:
    """Of nearly one size, none of a single row."""
    return max(1, min(round(n / batch_size), n // 2))


class Batches:
    """Shuffled minibatches of nearly one size, none of a single row."""

    def __init__(self, dataset: Any, batch_size: int, rng: np.random.Generator) -> None:
        self.dataset, self.rng = dataset, rng
        self.n_batches = n_batches(len(dataset), batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        order = torch.from_numpy(self.rng.permutation(len(self.dataset)))
        for rows in torch.tensor_split(order, self.n_batches):
            yield tuple(each[rows] for each in self.dataset.tensors)

    def __len__(self) -> int:
        return self.n_batches


def initialized(
    kind: type[NeuralNet],
    module: torch.nn.Module,
    criterion: torch.nn.Module | type[torch.nn.Module],
    keeper: AverageAndJudge,
    *,
    betas: tuple[float, float],
    callbacks: Callbacks,
    **settings: Any,
) -> NeuralNet:
    """A skorch net with Adam, silent, which can be pickled for other machines."""
    net = kind(
        module=module,
        criterion=criterion,
        optimizer=torch.optim.Adam,
        optimizer__betas=betas,
        optimizer__fused=True,
        train_split=None,
        callbacks=[keeper, *callbacks],
        callbacks__print_log=None,
        verbose=0,
        **settings,
    ).initialize()
    # Pickled apart by skorch, for machines without the device: prefixes of names.
    net.cuda_dependent_attributes_ += ["module", "criterion"]
    return net


def train(
    net: NeuralNet,
    dataset: Dataset[Any],
    n_passes: int,
    what: str,
    verbose: int,
    callbacks: Callbacks = (),
) -> bool:
    """Make passes over rows, some callbacks looking on; was the loss finite?"""
    keeper, before = net.callbacks[0], net.callbacks_
    if verbose:
        callbacks = [PassBar(n_passes, what, keeper.status), *callbacks]
    net.callbacks_ = [*before, *((f"guest {i}", c) for i, c in enumerate(callbacks))]
    try:
        with own_draws(net.device, enabled=keeper.seed is not None):
            run(net, dataset, n_passes)
    except Diverged:
        keeper.restart(net)
        return False
    finally:
        net.callbacks_ = before
    return True


def own_draws(
    device: str | torch.device, *, enabled: bool = True
) -> AbstractContextManager[None]:
    """Leave torch's own generators, of the CPU and of this device, as they were."""
    on_gpu = torch.device(device).type == "cuda"
    devices = [torch.cuda.current_device()] if on_gpu else []
    return torch.random.fork_rng(devices, enabled=enabled)
