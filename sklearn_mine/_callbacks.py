"""scikit-learn's callbacks (from 1.9 on), told of fits and of their passes or steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator
from skorch import NeuralNet
from skorch.callbacks import Callback

from .nn.training import Converged

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """There are no callbacks."""


def as_callbacks(callbacks: Any) -> Any:
    """Callbacks of skorch as a tuple, which may have names; None are none."""
    for each in callbacks or ():
        callback = each[1] if isinstance(each, tuple) and len(each) == 2 else each
        is_class = isinstance(callback, type) and issubclass(callback, Callback)
        if not (is_class or isinstance(callback, Callback)):
            raise ValueError(
                f"callbacks holds {each!r:.60}, which is no callback of skorch. Pass a "
                "list of instances of skorch.callbacks.Callback."
            )
    return tuple(callbacks or ())


class TellsCallbacks(CallbackSupportMixin):
    """Mixin of estimators whose fits callbacks hear of.

    Where scikit-learn has them, ``estimator.set_callbacks(ProgressBar())`` or a
    pipeline's or search's own are told of the fit, and of each pass or step in it.
    """

    @contextmanager
    def _telling(
        self, X: Any, y: Any = None, n_subtasks: int | None = None
    ) -> Iterator["Told"]:
        """Surround a fit; gives what is told of each subtask.

        Parameters
        ----------
        X, y : array-like
            As the user passed them.
        n_subtasks : int, default=None
            How many there are at most, where that is known.

        Yields
        ------
        told : Told
        """
        if not hasattr(self, "_init_callback_context"):
            yield Told(None, self, X, y)
            return
        context = self._init_callback_context(max_subtasks=n_subtasks)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        told = Told(context, self, X, y)
        try:
            yield told
        finally:
            told.close()
        context.call_on_fit_task_end(
            estimator=self, X=X, y=y, reconstruction_attributes={}
        )


class Told(Callback):
    """Hands on what happens, to those who listen; a callback of skorch's as well.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext or None
    estimator : BaseEstimator
    X, y : array-like
        As the user passed them.
    """

    def __init__(self, context: Any, estimator: BaseEstimator, X: Any, y: Any) -> None:
        listens = context is not None and getattr(estimator, "_skl_callbacks", None)
        self.context = context if listens else None
        self.of_fit = {"estimator": estimator, "X": X, "y": y} if listens else {}
        self.stopped = False

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """What skorch should tell of passes."""
        return () if self.context is None else (self,)

    def step(self, name: str) -> bool:
        """Say that a subtask of this name is done; whether that was enough."""
        if self.context is None:
            return False
        task = self.context.subcontext(task_name=name)
        task.call_on_fit_task_begin(**self.of_fit)
        self.stopped = task.call_on_fit_task_end(**self.of_fit)
        return self.stopped

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.stopped:
            # Trainings that would follow are not wanted either.
            raise Converged

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.step("pass")

    def close(self) -> None:
        """Forget what must not be kept alive, or pickled, by a net."""
        self.context, self.of_fit = None, {}
