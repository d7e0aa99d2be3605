"""Parameters that several estimators share: declared, described and grouped once."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
)

from ._callbacks import as_callbacks
from ._typing import Callbacks, Floats, TableLike
from .nn.critics import ACTIVATIONS, as_layer_sizes
from .nn.objectives import OBJECTIVES

_Documented = TypeVar("_Documented")


class TakesAnyTable:
    """Mixin: tags of an estimator whose X may be whatever a Table reads."""

    def __sklearn_tags__(self) -> Any:
        # Of the class that this is mixed into.
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class PredictsByProbability:
    """Mixin: what a classifier makes of `predict_proba`."""

    classes_: NDArray[Any]
    predict_proba: Callable[[TableLike], Floats]

    def predict_log_proba(self, X: TableLike) -> Floats:
        """The logarithm of :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            In the order of `classes_`.

        Raises
        ------
        ValueError
            If X is unusable, or `fit` was not called; the message says so.
        """
        return np.log(np.maximum(self.predict_proba(X), 1e-300))

    def predict(self, X: TableLike) -> NDArray[Any]:
        """The most probable class.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of those in `classes_`.

        Raises
        ------
        ValueError
            If X is unusable, or `fit` was not called; the message says so.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


NATS_PER_UNIT = {"nats": 1.0, "bits": 0.6931471805599453}


@dataclass(frozen=True)
class Settings:
    """What describes a critic and its training; travels as one object."""

    objective: str = "mine"
    solver: str = "auto"
    start: str | None = "canonical"
    hidden_layer_sizes: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    alpha: float = 1e-3
    batch_size: int | Literal["auto"] = "auto"
    learning_rate_init: float = 5e-3
    max_iter: int = 30
    tol: float = 1e-3
    early_stopping: bool = True
    validation_fraction: float = 0.1
    n_iter_no_change: int = 8
    device: str = "cpu"
    callbacks: Callbacks = ()
    n_jobs: int = 1

    @property
    def solved(self) -> bool:
        """Whether heads are solved first: not by gradient alone, and for this bound."""
        return self.solver != "adam" and OBJECTIVES[self.objective].is_solvable

    @classmethod
    def of(cls, estimator: Any, **automatic: Any) -> Self:
        """Read the settings off an estimator's parameters, checked.

        `automatic` says what "auto" stands for.
        """
        values = {
            field.name: getattr(estimator, field.name)
            for field in fields(cls)
            if hasattr(estimator, field.name)
        }
        for name, usual in automatic.items():
            if isinstance(values[name], str) and values[name] == "auto":
                values[name] = usual
        values["hidden_layer_sizes"] = as_layer_sizes(values["hidden_layer_sizes"])
        values["callbacks"] = as_callbacks(values.get("callbacks"))
        values["device"] = as_device(values["device"])
        objective = values["objective"]
        if values["solver"] == "newton" and not OBJECTIVES[objective].is_solvable:
            raise ValueError(
                f"objective={objective!r} cannot be solved by solver='newton', which "
                "maximises the Donsker-Varadhan bound. Use solver='adam' or 'auto'."
            )
        return cls(**values)


N_JOBS = [
    Interval(Integral, None, -1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
    None,
]

CRITIC_CONSTRAINTS = {
    "objective": [StrOptions(set(OBJECTIVES))],
    "solver": [StrOptions({"auto", "newton", "adam"})],
    "start": [StrOptions({"canonical"}), None],
    "encoding": [StrOptions({"rank", "standard"})],
    "hidden_layer_sizes": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
    ],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "cv": ["cv_object", HasMethods(["split"])],
    "units": [StrOptions(set(NATS_PER_UNIT))],
    "device": [str],
    "n_jobs": N_JOBS,
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

CRITIC_DOC = """objective : {"mine", "dv", "mine-f", "infonce", "jensen-shannon", \
            "smile"}, default="mine"
        What the gradient climbs. "mine" is the Donsker-Varadhan bound with the
        minibatch gradient's bias corrected by a moving average; "dv" is the bound
        as it is; "mine-f" the f-divergence bound (NWJ); "infonce" the contrastive
        one; "jensen-shannon" that divergence, which is steady and small; "smile"
        trains by it as well, and shows while training a clipped value that is no
        bound. All others are lower bounds of the mutual information
        (`sklearn_mine.nn.OBJECTIVES[objective].is_lower_bound`). What is reported
        is the held-out bound of the critic, whatever trained it. With
        solver="newton", which solves the Donsker-Varadhan bound, "mine", "dv" and
        "mine-f" are the same, and the others refused.

    solver : {"auto", "newton", "adam"}, default="auto"
        How critics are found. "newton": random hidden units and a last layer that
        is solved. "adam": all layers by gradient, the paper's way. "auto": solved
        first, then trained where inner validation rows say that it pays.

    start : {"canonical"} or None, default="canonical"
        Whether the critic holds a parametric part (canonical correlations, radii)
        beside the network.

    encoding : {"rank", "standard"}, default="rank"
        Numeric columns as normal scores of their ranks, or standardised.

    hidden_layer_sizes : int or tuple of int, default=HIDDEN
        Units of each hidden layer.

    activation : {"identity", "logistic", "tanh", "relu", "elu", "silu"}, \
            default="ACTIVATION"
        Activation of the hidden layers.

    alpha : float, default=1e-3
        Weight decay. Not read by solver="newton".

    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is 512, or 256 where all pairs of a batch are
        used. Not read by solver="newton".

    learning_rate_init : float, default=5e-3
        Step size of Adam at its highest: it rises over the first tenth of `max_iter`
        passes and falls to nothing at their end. Not read by solver="newton".

    max_iter : int, default=30
        Passes of Adam over the training rows, at most, in each stage. Not read by
        solver="newton".

    tol : float, default=1e-3
        Improvement of the inner validation bound (nats) that counts. Not read by
        solver="newton".

    early_stopping : bool, default=True
        Whether inner validation rows, taken from the training rows, stop the
        gradient and choose among stages. With False, or with fewer than 20 such
        rows, "auto" solves the head and stops there, and "adam" makes `max_iter`
        passes. Not read by solver="newton".

    validation_fraction : float, default=0.1
        Share of the training rows set aside for that. Not read by solver="newton".

    n_iter_no_change : int, default=8
        Passes without improvement after which a critic has stopped; half as many
        where the gradient never improved on what was solved. Not read by
        solver="newton".

    cv : int, splitter, iterable or None, default=5
        Folds: a number of shuffled ones, stratified for a discrete y unless many rows
        have labels that are rare; a splitter of scikit-learn (GroupKFold,
        TimeSeriesSplit); or pairs (train, test) of row numbers. None means 5."""


# How the text above reads where sizes and activation may be left to the estimator.
_AUTO_DOC = {
    "hidden_layer_sizes : int": 'hidden_layer_sizes : "auto", int',
    "of each hidden layer.": (
        'of each hidden layer. "auto" is (32,) for single columns, and (64, 64)\n'
        "        where vectors are trained: with feature_groups, given_features or a\n"
        "        y of several columns."
    ),
    'activation : {"identity"': 'activation : {"auto", "identity"',
    "of the hidden layers.": (
        'of the hidden layers. "auto" is "tanh" for single columns, "relu"\n'
        "        for vectors."
    ),
}


def critic_parameters(hidden: str, activation: str) -> str:
    """The text on the shared parameters, with these defaults."""
    text = CRITIC_DOC.replace("HIDDEN", hidden).replace("ACTIVATION", activation)
    if "auto" in hidden:
        for plain, automatic in _AUTO_DOC.items():
            text = text.replace(plain, automatic)
    return text


def documented(**texts: str) -> Callable[[_Documented], _Documented]:
    """Decorator: put texts into a docstring, each in place of its {name}."""

    def decorate(thing: _Documented) -> _Documented:
        for name, text in texts.items():
            thing.__doc__ = (thing.__doc__ or "").replace("{" + name + "}", text)
        return thing

    return decorate


def as_device(name: str) -> str:
    """A torch device that is there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ValueError(
            f"device should be 'cpu', 'cuda' or 'auto', got {name!r}."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={name!r}, but torch finds no CUDA device. Use 'cpu' or 'auto'."
        )
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # each device has its own
        reason = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
        raise ValueError(
            f"device={name!r} cannot be used: {reason}. Use 'cpu' or 'auto'."
        ) from error
    return name
