"""The information bottleneck: codes that keep what tells the class, and little else."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import TensorDataset

from ._callbacks import TellsCallbacks, as_callbacks
from ._checks import draw_seed, warn_of_numbers_in_text
from ._crossfit import CrossFit
from ._encoding import Override, TableEncoder
from ._html import ShowsFigures
from ._inputs import NetworkInputs
from ._params import PredictsByProbability, TakesAnyTable, as_device
from ._progress import share, working
from ._saved import KnowsItsVersion
from ._score import MINEScore
from ._table import Table, as_labels, as_table, as_target
from ._tasks import Task
from ._threads import one_thread
from ._typing import Callbacks, Floats, Ints, SeedLike, Sizes, TableLike, fit_context
from ._warn import warn
from .nn.averaging import AverageAndJudge, own_draws, train
from .nn.bottleneck import (
    Bottleneck,
    BottleneckLoss,
    build,
    build_information,
    make_net,
    stream,
)
from .nn.critics import ACTIVATIONS, as_layer_sizes
from .nn.networks import dense_layers
from .nn.objectives import OBJECTIVES

__all__ = ["InformationBottleneckClassifier", "InformationPlane"]

# Rows coded at a time, and the rows that "auto" batches hold at most.
_CHUNK, _BATCH = 4096, 128
# Rows below which nothing can be said of information: the folds of a critic.
_FEW = 5

# Takes a module, means of codes, their scales or None, and noise.
Summary = Callable[
    [Bottleneck, torch.Tensor, torch.Tensor | None, torch.Tensor], torch.Tensor
]


class InformationPlane(NamedTuple):
    """Where codes stand: what they keep, and what of it tells the class, in nats.

    Parameters
    ----------
    input : float
        I(X; Z).

    target : float
        I(Z; y).

    Examples
    --------
    >>> from sklearn_mine.information_bottleneck import InformationPlane
    >>> InformationPlane(3.0, 0.6).target
    0.6
    """

    input: float
    target: float


@dataclass(frozen=True)
class _Training:
    """What the net reads."""

    learning_rate_init: float
    critic_learning_rate_init: float
    beta_1: float
    alpha: float
    batch_size: int
    device: str
    callbacks: Callbacks


class InformationBottleneckClassifier(
    KnowsItsVersion,
    TellsCallbacks,
    ShowsFigures,
    PredictsByProbability,
    ClassifierMixin,
    TransformerMixin,
    TakesAnyTable,
    BaseEstimator,
):
    """Classify by noisy codes that are charged for what they tell about X.

    An encoder with noise makes a code Z of each row, a linear layer reads the class off
    it, and both descend ``cross_entropy + beta * I(X; Z)``. The information is that of
    a critic, which climbs while the encoder descends.

    Parameters
    ----------
    beta : float, default=1e-3
        The price of a nat of I(X; Z). With 0 there is no critic.

    n_components : int, default=256
        Width of the codes, and of propagated noise. Where `encoder` is given, codes are
        as wide as it makes them.

    noise : {"additive", "gaussian", "propagated"} or None, default="additive"
        With e normal: "additive" is encoder(x + noise_scale e), "gaussian" is
        mu(x) + sigma(x) e, "propagated" is encoder([x, e]). None makes codes a
        function of x: then I(X; Z) is infinite for continuous X, and `beta` charges
        what the critic can show of it.

    noise_scale : float, default=0.3
        Standard deviation of additive noise, where inputs are scaled to about one. Not
        read by the other kinds.

    penalty : {"mine", "variational"}, default="mine"
        How I(X; Z) is charged: by a critic, or by the divergence of mu + sigma e from
        normal codes, an upper bound (the deep variational bottleneck; for
        ``noise="gaussian"`` alone).

    encoder : torch.nn.Module, default=None
        Takes (B, d), with "propagated" noise (B, d + n_components), and gives codes, or
        for "gaussian" noise mu and what softplus makes sigma of, side by side. A copy
        is trained. None builds a fully connected one.

    hidden_layer_sizes : int or tuple of int, default=(512, 512)
        Of the encoder. Not read where `encoder` is given.

    activation : {"identity", "logistic", "tanh", "relu", "elu", "silu"}, default="relu"
        Of the encoder. Not read where `encoder` is given.

    batch_normalization : bool, default=True
        Whether hidden layers of the encoder are normalised. Not read where `encoder`
        is given.

    critic_hidden_layer_sizes : int or tuple of int, default=(256, 256)
        Of the critic, with ELU units.

    critic_noise : float, default=0.3
        Standard deviation of noise on the critic's inputs and hidden units.

    objective : {"mine", "dv", "mine-f", "infonce", "jensen-shannon", "smile"}, \
            default="mine"
        What the critic climbs; see :class:`sklearn_mine.nn.MutualInformationLoss`.

    n_samples_predict : int, default=12
        Noise draws that predictions and codes are averaged over. The same draws serve
        every row.

    scale : {"auto", "column", "common"} or None, default="auto"
        How numbers are scaled, once they are centred: each column to unit variance, all
        by one factor, or not.
        "auto" takes one factor where more than half of the columns have the same least
        and the same greatest value, as pixels do.

    alpha : float, default=0.0
        Weight decay of the encoder and the decoder.

    batch_size : int or "auto", default="auto"
        Rows of a minibatch, about; "auto" is 128, or a tenth of the rows if that is
        less.

    learning_rate_init : float, default=1e-3
        First step size of Adam for encoder and decoder.

    critic_learning_rate_init : float, default=None
        The critic's; None is twice `learning_rate_init`.

    learning_rate_decay : float, default=0.95
        Factor of both step sizes after each pass. Set 1 where a scheduler among the
        callbacks sets step sizes outright, as OneCycleLR does.

    beta_1 : float, default=0.5
        Decay of Adam's first moment.

    max_iter : int, default=60
        Passes over the rows.

    averaging : float, default=0.999
        The weights in use are an exponential moving average over steps, with this
        share of the past.

    early_stopping : bool, default=False
        Whether rows are set aside whose cross-entropy stops the training, and chooses
        the pass whose weights are kept.

    validation_fraction : float, default=0.1
        Share of rows set aside. Not read without `early_stopping`.

    n_iter_no_change : int, default=10
        Passes without improvement after which training stops. Not read without
        `early_stopping`.

    tol : float, default=1e-4
        Improvement in nats that counts. Not read without `early_stopping`.

    max_samples : int, default=1000
        Rows that `mutual_info_` is measured on, at most. 0 leaves it out.

    device : str, default="cpu"
        "cpu", "cuda" (or "cuda:1" and so on), or "auto": CUDA where torch finds it.

    callbacks : list of skorch callbacks, default=None
        Hooked into the training.

    random_state : int, RandomState instance or None, default=None
        Seeds weights, noise and minibatches; and torch's own generator, for the time
        of the training, where a given encoder may draw from it (Dropout): such fits
        should not share a process with others in threads.

    verbose : int, default=0
        1 shows the passes as a bar, and another while the plane is measured.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.

    mutual_info_ : InformationPlane
        `input`, I(X; Z), and `target`, I(Z; y), in nats, also as ``mutual_info_[0]``
        and ``mutual_info_[1]``: of the rows that `fit` was given and one draw of codes,
        both cross-fitted by :class:`sklearn_mine.MINE`; I(X; Z) is its held-out bound,
        which can show little more than the log of the number of rows. Only after `fit`,
        and with `max_samples` above 0; NaN for fewer than 5 rows.

    history_ : list of dict
        For each pass `pass`, `cross_entropy`, `penalty` (the bound, or the divergence;
        not with ``beta=0`` and ``penalty="mine"``), all of training batches and in
        nats, and with `early_stopping` `validation_loss`, a cross-entropy.

    n_iter_ : int
        Passes made.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where they are all strings.

    See Also
    --------
    sklearn_mine.MINEClassifier : Predicts by the critic itself.
    sklearn_mine.nn.MutualInformationLoss : The term, for a training loop of one's own.

    Notes
    -----
    Adding the bound that a critic climbs would let the encoder *raise* it through the
    critic; here the two descend and climb the same quantity.

    What is charged is what the critic sees of codes at unit variance, which is less
    than I(X; Z). An encoder can drown information in noise, where it has noise on the
    way out ("gaussian") or to mix in ("propagated"); with "additive" noise it mostly
    hides it from the critic, and what remains is a regulariser. Compare `penalty` of
    `history_` with ``mutual_info_.input``. As I(Z; y) <= I(X; Z), with `beta` of 1 or
    above no code is worth its price: probabilities go towards the shares of classes.

    In a search over parameters set ``max_samples=0``: measuring `mutual_info_` can take
    longer than a small fit.

    A ConvergenceWarning says in which pass the loss was no finite number.

    References
    ----------
    Tishby, Pereira and Bialek (1999), "The information bottleneck method".

    Alemi, Fischer, Dillon and Murphy (2017), "Deep variational information bottleneck".

    Belghazi et al. (2018), "Mutual information neural estimation", section 5.3.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_mine.information_bottleneck import InformationBottleneckClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> model = InformationBottleneckClassifier(
    ...     n_components=8, hidden_layer_sizes=(64,), max_iter=30, random_state=0
    ... )
    >>> bool(model.fit(X, y).score(X_test, y_test) > 0.9)
    True
    >>> model.transform(X_test).shape
    (45, 8)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "beta": [Interval(Real, 0, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "noise": [StrOptions({"additive", "gaussian", "propagated"}), None],
        "noise_scale": [Interval(Real, 0, None, closed="left")],
        "penalty": [StrOptions({"mine", "variational"})],
        "encoder": [torch.nn.Module, None],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "batch_normalization": ["boolean"],
        "critic_hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "critic_noise": [Interval(Real, 0, None, closed="left")],
        "objective": [StrOptions(set(OBJECTIVES))],
        "n_samples_predict": [Interval(Integral, 1, None, closed="left")],
        "scale": [StrOptions({"auto", "column", "common"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 2, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "critic_learning_rate_init": [Interval(Real, 0, None, closed="neither"), None],
        "learning_rate_decay": [Interval(Real, 0, 1, closed="right")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "averaging": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_samples": [Interval(Integral, 0, None, closed="left")],
        "device": [str],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        beta: float = 1e-3,
        n_components: int = 256,
        noise: str | None = "additive",
        noise_scale: float = 0.3,
        penalty: str = "mine",
        encoder: torch.nn.Module | None = None,
        hidden_layer_sizes: Sizes = (512, 512),
        activation: str = "relu",
        batch_normalization: bool = True,
        critic_hidden_layer_sizes: Sizes = (256, 256),
        critic_noise: float = 0.3,
        objective: str = "mine",
        n_samples_predict: int = 12,
        scale: str | None = "auto",
        alpha: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 1e-3,
        critic_learning_rate_init: float | None = None,
        learning_rate_decay: float = 0.95,
        beta_1: float = 0.5,
        max_iter: int = 60,
        averaging: float = 0.999,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        max_samples: int = 1000,
        device: str = "cpu",
        callbacks: Callbacks | None = None,
        random_state: SeedLike = None,
        verbose: int = 0,
    ) -> None:
        self.beta = beta
        self.n_components = n_components
        self.noise = noise
        self.noise_scale = noise_scale
        self.penalty = penalty
        self.encoder = encoder
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.batch_normalization = batch_normalization
        self.critic_hidden_layer_sizes = critic_hidden_layer_sizes
        self.critic_noise = critic_noise
        self.objective = objective
        self.n_samples_predict = n_samples_predict
        self.scale = scale
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.critic_learning_rate_init = critic_learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.beta_1 = beta_1
        self.max_iter = max_iter
        self.averaging = averaging
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.max_samples = max_samples
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: TableLike, y: ArrayLike) -> Self:
        """Train encoder, decoder and critic.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Numbers, text, categories, booleans, dates; missing cells are allowed.

        y : array-like of shape (n,)
            Labels, none missing.

        Returns
        -------
        self : InformationBottleneckClassifier

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        table = as_table(X, "X", estimator=self)
        labels = self._labels(y, table.shape[0])
        # What an interrupted fit leaves must not mix with an earlier one.
        for name in ("_net", "_keeper", "_module", "mutual_info_"):
            self.__dict__.pop(name, None)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self._begin(table)
        x = torch.from_numpy(self._inputs.transform(table))
        seen, judge = (x, torch.from_numpy(codes)), None
        if self.early_stopping:
            rows, held_out = self._split(codes)
            judge = self._judge_on(x[held_out], codes[held_out])
            seen = x[rows], seen[1][rows]
        self._make(*seen, judge)
        with self._telling(X, y, n_subtasks=self.max_iter) as told:
            self._train(*seen, self.max_iter, told.callbacks)
            self._keeper.settle(self._net)
            if self.max_samples:
                with working("information plane", shown=self.verbose):
                    self.mutual_info_ = self._plane(x, codes)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: TableLike,
        y: ArrayLike,
        classes: Sequence[Any] | NDArray[Any] | None = None,
    ) -> Self:
        """Make one pass over these rows; scales are those of the first call.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in the first call.

        y : array-like of shape (n,)
            Labels, none missing.

        classes : array-like of shape (n_classes,), default=None
            All labels there will be, for the first call; None takes those of `y`.

        Returns
        -------
        self : InformationBottleneckClassifier
            Which has no `mutual_info_`. Parameters of the training are read in the
            first call alone, `early_stopping` in none.

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        first = not hasattr(self, "_net")
        table = as_table(X, "X", estimator=self, reset=first)
        labels = self._labels(y, table.shape[0])
        if first:
            self.classes_ = np.unique(labels if classes is None else classes)
        elif classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={list(classes)} are not those of the first call: "
                f"{self.classes_.tolist()}."
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y holds labels that are not among the classes: {unknown.tolist()}. "
                "Name all of them in the first call, as `classes`."
            )
        if first:
            self._begin(table)
        x = torch.from_numpy(self._inputs.transform(table))
        codes = torch.from_numpy(np.searchsorted(self.classes_, labels))
        if first:
            self._make(x, codes, None)
        self.__dict__.pop("mutual_info_", None)
        with self._telling(X, y, n_subtasks=1) as told:
            self._train(x, codes, 1, told.callbacks)
        return self

    def predict_proba(self, X: TableLike) -> Floats:
        """The probability of each class, averaged over draws of the noise.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            In the order of `classes_`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        return self._over_draws(X, _probabilities)

    def transform(self, X: TableLike) -> Floats:
        """Codes, averaged over draws of the noise.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        Returns
        -------
        codes : ndarray of shape (n, n_components)
            In the order of the rows.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        return self._over_draws(X, lambda module, mean, scale, drawn: mean)

    def sample_codes(
        self, X: TableLike, n_samples: int = 1, random_state: SeedLike = None
    ) -> Floats:
        """Codes with noise of their own, row by row.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Columns as in `fit`.

        n_samples : int, default=1
            Codes for each row.

        random_state : int, RandomState instance or None, default=None
            Seeds the noise.

        Returns
        -------
        codes : ndarray of shape (n_samples, n, n_components)
            One draw after the other.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples should be 1 or more, got {n_samples!r}.")
        x = self._as_seen(X)
        seed = draw_seed(random_state)
        return np.stack([self._drawn_codes(x, seed + i) for i in range(n_samples)])

    def information_plane(self, X: TableLike, y: ArrayLike) -> InformationPlane:
        """I(X; Z) and I(Z; y) on some rows, such as held-out ones.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, d)
            Of which `max_samples` rows are drawn, or all of fewer, or with 0.

        y : array-like of shape (n,)
            Labels, of any kind.

        Returns
        -------
        plane : InformationPlane
            As `mutual_info_`.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        x = self._as_seen(X)
        y = self._labels(y, len(x))
        return self._plane(x, np.unique(y, return_inverse=True)[1])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the codes.

        Parameters
        ----------
        input_features : None, default=None
            Not read.

        Returns
        -------
        names : ndarray of shape (n_components,), str
            "code0" and so on.

        Raises
        ------
        ValueError
            If `fit` was not called.
        """
        check_is_fitted(self)
        n = self._module.n_components
        return np.array([f"code{i}" for i in range(n)], dtype=object)

    # Training

    def _labels(self, y: ArrayLike, n_rows: int) -> NDArray[Any]:
        y = as_labels(y, n_rows=n_rows)
        if len(y) < 2:
            raise ValueError(
                f"n_samples={len(y)}: one row has no product of marginals. Pass 2 rows "
                "or more."
            )
        return y

    def _begin(self, table: Table) -> None:
        if self.penalty == "variational" and self.noise != "gaussian":
            raise ValueError(
                "penalty='variational' is the divergence of mu + sigma e from normal "
                f"codes: it needs noise='gaussian', got noise={self.noise!r}."
            )
        self._seed = draw_seed(self.random_state)
        warn_of_numbers_in_text(table)
        self._inputs = NetworkInputs(self.scale).fit(table)

    def _split(self, codes: Ints) -> tuple[Ints, Ints]:
        counts = np.bincount(codes)
        n_held_out = int(np.ceil(self.validation_fraction * len(codes)))
        n_left = len(codes) - n_held_out
        if n_left < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} leaves too few rows "
                f"to train on, {n_left} of {len(codes)}. Lower it, or set "
                "early_stopping=False."
            )
        stratified = counts.min() > 1 and min(n_held_out, n_left) >= len(counts)
        return train_test_split(
            np.arange(len(codes)),
            test_size=n_held_out,
            stratify=codes if stratified else None,
            random_state=self._seed,
        )

    def _make(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        judge: Callable[[Bottleneck], float] | None,
    ) -> None:
        """The module and the net that trains it."""
        seed, width = self._seed, x.shape[1]
        sizes = as_layer_sizes(self.hidden_layer_sizes)
        n_components = self.n_components
        n_in = width + (n_components if self.noise == "propagated" else 0)
        encoder = None
        if self.encoder is not None:
            encoder = copy.deepcopy(self.encoder).to("cpu", torch.float32)
            with own_draws("cpu"):
                # Lazy layers begin here.
                torch.default_generator.manual_seed(stream(seed, "encoder"))
                n_components = self._width_of(encoder, n_in)
        n_out = n_components * (2 if self.noise == "gaussian" else 1)
        if encoder is None:
            how = ACTIVATIONS[self.activation], self.batch_normalization
            encoder = build(lambda: dense_layers(n_in, sizes, n_out, *how), seed)
        n_classes = len(self.classes_)
        decoder = build(lambda: torch.nn.Linear(n_components, n_classes), seed + 1)
        penalty = "variational" if self.penalty == "variational" else None
        if self.beta > 0.0 and penalty is None:
            sizes = as_layer_sizes(
                self.critic_hidden_layer_sizes, "critic_hidden_layer_sizes"
            )
            of_critic = stream(seed, "critic")
            how = sizes, self.objective, self.critic_noise, of_critic
            penalty = build(
                lambda: build_information(width, n_components, *how), seed + 2
            )
        noise = self.noise, self.noise_scale
        of_noise = stream(seed, "noise")
        module = Bottleneck(encoder, decoder, *noise, n_in - width, penalty, of_noise)
        self._keeper = AverageAndJudge(
            self.averaging,
            self.learning_rate_decay,
            stream(seed, "encoder") if self.encoder is not None else None,
            judge,
            patience=self.n_iter_no_change,
            tol=self.tol,
        )
        rate = self.learning_rate_init
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = max(2, min(_BATCH, len(x) // 10))
        settings = _Training(
            rate,
            self.critic_learning_rate_init or 2.0 * rate,
            self.beta_1,
            self.alpha,
            batch_size,
            as_device(self.device),
            as_callbacks(self.callbacks),
        )
        rng = np.random.default_rng(seed)
        loss = self._loss()
        self._net = make_net(module, loss, self._keeper, rng=rng, settings=settings)

    def _loss(self) -> BottleneckLoss:
        return BottleneckLoss(self.beta)

    def _width_of(self, encoder: torch.nn.Module, n_in: int) -> int:
        """Width of the codes of an encoder that was given."""
        parameter = next(encoder.parameters(), torch.zeros(()))
        was_training = encoder.training
        encoder.eval()
        try:
            with torch.no_grad():
                out = encoder(torch.zeros(2, n_in, dtype=parameter.dtype))
        except Exception as error:
            raise ValueError(
                f"encoder cannot read rows of {n_in} numbers, which X has"
                + (" with the noise" if self.noise == "propagated" else "")
                + f": {error}"
            ) from error
        encoder.train(was_training)
        halves = 2 if self.noise == "gaussian" else 1
        shape = tuple(getattr(out, "shape", ()))
        if len(shape) != 2 or shape[0] != 2 or shape[1] % halves:
            gave = f"shape {shape}" if torch.is_tensor(out) else f"a {type(out)}"
            raise ValueError(
                f"encoder gave {gave} for 2 rows. It should give a tensor "
                "(2, n_components)"
                + (", twice as wide for noise='gaussian'." if halves == 2 else ".")
            )
        return out.shape[1] // halves

    def _figures(self) -> list[tuple[str, str]]:
        if not hasattr(self, "mutual_info_"):
            return []
        of_input, of_target = self.mutual_info_
        return [
            ("information of codes about X", f"at least {of_input:.3f} nats"),
            ("and about y", f"{of_target:.3f} nats"),
        ]

    def _train(
        self, x: torch.Tensor, y: torch.Tensor, n_passes: int, callbacks: Callbacks = ()
    ) -> None:
        dataset = TensorDataset(x.to(self._net.device), y.to(self._net.device))
        how = "bottleneck", self.verbose, callbacks
        finite = train(self._net, dataset, n_passes, *how)
        keeper = self._keeper
        self.history_ = keeper.history_
        self.n_iter_ = len(keeper.history_)
        if not finite:
            warn(
                f"The loss was no finite number in pass {self.n_iter_ + 1}; the "
                "weights from before are kept. Lower learning_rate_init, or scale X.",
                ConvergenceWarning,
            )
        module = keeper.average_ if keeper.best_ is None else keeper.best_
        # In double precision a row's codes do not depend on its neighbours.
        module = copy.deepcopy(module).cpu().double()
        self._module = module.eval().requires_grad_(False)

    def _judge_on(self, x: torch.Tensor, y: Ints) -> Callable[[Bottleneck], float]:
        """The cross-entropy of a module on rows set aside."""
        device = as_device(self.device)

        def judge(module: Bottleneck) -> float:
            module = copy.deepcopy(module).to(device).eval()
            probabilities = self._averaged(module, x, _probabilities)
            likelihood = probabilities[np.arange(len(y)), y]
            return float(-np.log(np.maximum(likelihood, 1e-30)).mean())

        return judge

    # Codes

    def _as_seen(self, X: TableLike) -> torch.Tensor:
        check_is_fitted(self, "_module")
        table = as_table(X, "X", estimator=self, reset=False)
        return torch.from_numpy(self._inputs.transform(table))

    def _over_draws(self, X: TableLike, summary: Summary) -> Floats:
        x = self._as_seen(X)
        module, device = self._module, as_device(self.device)
        if device != "cpu":
            module = copy.deepcopy(module).to(device)
        return self._averaged(module, x, summary)

    @torch.no_grad()
    def _averaged(
        self, module: Bottleneck, x: torch.Tensor, summary: Summary
    ) -> Floats:
        """The mean over noise draws of what `summary` makes of codes."""
        parameter = next(module.parameters())
        generator = torch.Generator().manual_seed(stream(self._seed, "predict"))
        noise = torch.randn(
            (self.n_samples_predict, module.n_components), generator=generator
        ).to(parameter)
        like = x[:1].cpu()
        drawn = module.draw(like, self.n_samples_predict, generator)
        n_draws = 1 if module.noise is None else self.n_samples_predict
        parts = []
        for chunk in x.split(_CHUNK):
            chunk = chunk.to(parameter)
            total: Any = 0.0
            for i in range(n_draws):
                each = None if drawn is None else drawn[i].to(parameter)
                mean, scale = module.encoded(chunk, each)
                total = total + summary(module, mean, scale, noise[i])
            parts.append((total / n_draws).cpu().numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def _drawn_codes(self, x: torch.Tensor, seed: int) -> Floats:
        """Codes with noise of each row's own."""
        module, parts = self._module, []
        generator = torch.Generator().manual_seed(seed)
        for chunk in x.split(_CHUNK):
            parts.append(module.codes(chunk.double(), generator)[0].numpy())
        return np.concatenate(parts)

    def _plane(self, x: torch.Tensor, codes: Ints) -> InformationPlane:
        """I(X; Z) and I(Z; y) on some rows; NaN where those are too few."""
        rng = np.random.default_rng(self._seed)
        rows = np.sort(rng.permutation(len(x))[: self.max_samples or None])
        if len(rows) < _FEW:
            return InformationPlane(np.nan, np.nan)
        z = self._drawn_codes(x[rows], stream(self._seed, "plane"))
        labels = codes[rows].astype(str).astype(object)
        with share(0.0, 0.6):
            fit_x = _information(x[rows].double().numpy(), z, "auto", self._seed)
        with share(0.6, 1.0):
            fit_y = _information(z, labels, True, self._seed)
        return InformationPlane(fit_x.held_out_bound, fit_y.corrected)


def _probabilities(
    module: Bottleneck,
    mean: torch.Tensor,
    scale: torch.Tensor | None,
    noise: torch.Tensor,
) -> torch.Tensor:
    codes = mean if scale is None else mean + scale * noise
    return torch.softmax(module.decoder(codes), dim=1)


def _information(
    x: NDArray[Any], y: NDArray[Any], discrete: Override, seed: int
) -> CrossFit:
    """Cross-fitted critics of two tables, without the warnings of a user's own fit."""
    target = as_target(y)
    discrete = [discrete] * target.shape[1]
    task = Task(target, MINEScore(), discrete=discrete, groups=None, seed=seed)
    with one_thread():
        return task.fit_vector(TableEncoder().fit_transform(as_table(x, "X")))
