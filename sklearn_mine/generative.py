"""Generative models with an information term: MINEGAN and MINEALI."""

import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._callbacks import TellsCallbacks, as_callbacks
from ._checks import draw_seed
from ._html import ShowsFigures
from ._params import as_device
from ._samples import Samples
from ._saved import KnowsItsVersion
from ._typing import Callbacks, SeedLike, Sizes, TableLike, fit_context
from ._warn import warn
from .nn import Critic, MutualInformationLoss, bottleneck
from .nn.adversarial import (
    EachCode,
    Game,
    GameKeeper,
    GenerativeGame,
    InferenceGame,
    Pair,
    Rows,
    dense_sight,
    image_generator,
    image_sight,
    make_net,
)
from .nn.averaging import n_batches, own_draws, train
from .nn.bottleneck import stream
from .nn.critics import as_layer_sizes
from .nn.networks import dense_layers
from .nn.objectives import OBJECTIVES

__all__ = ["MINEALI", "MINEGAN"]

# Decay of Adam's second moment: opponents change too fast for the usual 0.999.
_BETA_2 = 0.99
# Of max_iter, learning_rate_decay and gradient_penalty "auto".
_N_STEPS, _END = 4000, 0.03
_PENALTY_OF_TABLES = 5e-4
# Shifts of a batch that a critic of rows and their codes is shown.
_N_SHIFTS = 8
# Rows made at a time, and rows that scores compare at most.
_CHUNK, _COMPARED = 1024, 2000
# Samples have collapsed where they were nearer once by this factor, and are farther
# from rows than this share of the mean distance between rows.
_WORSE, _FAR = 3.0, 0.05

build = functools.partial(bottleneck.build, as_torch=True)

_MODULE = [torch.nn.Module, None]
_SIZES = ["array-like", Interval(Integral, 1, None, closed="left")]
_RATE = Interval(Real, 0, None, closed="neither")
_AUTO = StrOptions({"auto"})

# Of a row, without the batch.
Shape = tuple[int, ...]


class _Adversarial(KnowsItsVersion, TellsCallbacks, ShowsFigures, BaseEstimator):
    """What both models share: rows in and out, training, and the score."""

    _parameter_constraints: dict[str, list[Any]] = {
        "n_latent": [Interval(Integral, 1, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "generator": _MODULE,
        "discriminator": _MODULE,
        "critic": _MODULE,
        "hidden_layer_sizes": _SIZES,
        "discriminator_hidden_layer_sizes": _SIZES,
        "critic_hidden_layer_sizes": _SIZES,
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "objective": [StrOptions(set(OBJECTIVES))],
        "gradient_penalty": [Interval(Real, 0, None, closed="left"), _AUTO],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate_init": [_RATE],
        "discriminator_learning_rate_init": [_RATE, None],
        "critic_learning_rate_init": [_RATE, None],
        "learning_rate_decay": [Interval(Real, 0, 1, closed="right"), _AUTO],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "averaging": [Interval(Real, 0, 1, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: TableLike, y: Any = None) -> Self:
        """Train all players.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d), or array of shape (n, C, H, W)
            Numbers, none missing. Images are scaled by one factor.

        y : None, default=None
            Not read.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        if not (self.warm_start and hasattr(self, "_net")):
            for name in ("_net", "_keeper", "_module"):
                self.__dict__.pop(name, None)
        return self._passes(X, whole=True)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: TableLike, y: Any = None) -> Self:
        """Make one pass over these rows; scales are those of the first call.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d), or array of shape (n, C, H, W)
            Rows as in the first call.

        y : None, default=None
            Not read.

        Returns
        -------
        self : object
            Parameters of the training are read in the first call alone, but for
            `learning_rate_decay`.

        Raises
        ------
        ValueError
            If a parameter or input is unusable; the message names it.
        """
        return self._passes(X, whole=False)

    def sample(self, n_samples: int = 1, random_state: SeedLike = None) -> Any:
        """Make rows.

        Parameters
        ----------
        n_samples : int, default=1
            Rows to make.

        random_state : int, RandomState instance or None, default=None
            Seeds what is drawn.

        Returns
        -------
        X : ndarray of shape (n_samples, d) or (n_samples, C, H, W), or DataFrame
            In the type and scale of the rows that `fit` saw, with their names.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self, "_module")
        if (
            not isinstance(n_samples, Integral)
            or isinstance(n_samples, bool)
            or n_samples < 1
        ):
            raise ValueError(
                f"n_samples should be a whole number of 1 or more, got {n_samples!r}."
            )
        generator = torch.Generator().manual_seed(draw_seed(random_state))
        latent = self._module.latent(n_samples, generator)
        return self._samples.native(_made(self._module, latent))

    def score(self, X: TableLike, y: Any = None) -> float:
        """How near samples are to these rows: minus the energy distance.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d), or array of shape (n, C, H, W)
            Two or more, of which 2,000 rows are drawn, or all of fewer.

        y : None, default=None
            Not read.

        Returns
        -------
        score : float
            Without bias, and so about 0 where samples and rows are alike, a little
            above it now and then; columns are scaled as in training. 2,000 samples
            are compared, as the network made them; the same rows get the same score.

        Raises
        ------
        ValueError
            If there is a single row, they are not like those of `fit`, or that was not
            called.

        References
        ----------
        Szekely and Rizzo (2013), "Energy statistics".
        """
        check_is_fitted(self, "_module")
        rows = self._samples.read(X, self)
        if len(rows) < 2:
            raise ValueError("X has 1 row. A score compares 2 rows or more.")
        chosen = np.random.default_rng(self._seed).permutation(len(rows))[:_COMPARED]
        rows = self._samples.scaled(rows[np.sort(chosen)])
        seed = stream(self._seed, "score")
        return -_DistanceFrom(rows, _COMPARED, seed)(self._module)

    def _figures(self) -> list[tuple[str, str]]:
        if not getattr(self, "history_", None):
            return []
        last = self.history_[-1]
        shown = [("energy distance from rows", f"{last['energy_distance']:.3g}")]
        if "information" in last:
            shown.append(
                ("information while training", f"{last['information']:.3f} nats")
            )
        return shown

    # Training

    def _passes(self, X: TableLike, whole: bool) -> Self:
        """All passes of a training, or one of someone's own."""
        begins = not hasattr(self, "_net")
        if begins:
            self._seed = draw_seed(self.random_state)
            self._samples = Samples()
            rows = self._samples.fit(X, self)
            self._start(rows)
        else:
            rows = self._samples.read(X, self)
            if len(rows) < 2:
                raise ValueError("X has 1 row. A pass needs 2 rows or more.")
        keeper, n_passes = self._keeper, self.max_iter if whole else 1
        if n_passes == "auto":
            n_steps = n_batches(len(rows), self._net.batch_size)
            n_passes = max(1, round(_N_STEPS / n_steps))
        decay = self.learning_rate_decay
        if decay == "auto":
            decay = _END ** (1.0 / n_passes) if begins and whole else 1.0
        keeper.decay = decay
        game = self._net, Rows(rows, self._samples), n_passes, "game", self.verbose
        with self._telling(X, n_subtasks=n_passes) as told:
            finite = train(*game, told.callbacks)
            self.history_ = keeper.history_
            self.n_iter_ = len(keeper.history_)
            self._use(self._kept(finite, n_passes))
        return self

    def _use(self, module: Game) -> None:
        """Make rows, and codes of rows, by a copy of this game."""
        # In double precision a row's codes do not depend on its neighbours.
        module = copy.deepcopy(module).cpu().double()
        self._module = module.eval().requires_grad_(False)

    def _kept(self, finite: bool, n_passes: int) -> Game:
        """The module whose weights count; warns where those are not the last."""
        keeper = self._keeper
        best = keeper.average_ if keeper.best_ is None else keeper.best_
        advice = (
            "Lower learning_rate_init, raise gradient_penalty, or make the "
            "discriminator smaller."
        )
        if not finite:
            warn(
                f"A loss was no finite number in pass {self.n_iter_ + 1}, step "
                f"{keeper.n_steps_ + 1}; the weights of before are kept. {advice}",
                ConvergenceWarning,
            )
            return best
        distances = [record["energy_distance"] for record in self.history_]
        now, least = distances[-1], keeper.best_loss_
        assert isinstance(keeper.judge, _DistanceFrom)
        worst = max(_WORSE * least, _FAR * keeper.judge.apart)
        if now <= worst:
            return keeper.average_
        # Those who go on pass by pass are told once.
        if n_passes > 1 or len(distances) < 2 or distances[-2] <= worst:
            then = distances.index(least) + 1
            warn(
                f"The samples collapsed: their energy distance from rows was "
                f"{least:.3g} in pass {then} and is {now:.3g} in pass "
                f"{self.n_iter_}, step {keeper.n_steps_}. The weights of pass "
                f"{then} are kept. {advice}",
                ConvergenceWarning,
            )
        return best

    def _start(self, rows: NDArray[Any]) -> None:
        """The players, and the net that trains them."""
        seed, shape = self._seed, rows.shape[1:]
        game = self._game(shape, stream(seed, "latent"))
        some = np.random.default_rng(seed).permutation(len(rows))[: _COMPARED // 2]
        some = self._samples.scaled(rows[np.sort(some)])
        self._keeper = GameKeeper(
            self.averaging,
            1.0,
            stream(seed, "players"),
            _DistanceFrom(some, len(some), stream(seed, "score")),
            judged_as="energy_distance",
        )
        rate = self.learning_rate_init
        self._net = make_net(
            game,
            self._keeper,
            rates={
                "discriminator.*": self.discriminator_learning_rate_init or rate,
                "information.*": self.critic_learning_rate_init or rate,
                "*": rate,
            },
            betas=(float(self.beta_1), _BETA_2),
            batch_size=self.batch_size,
            rng=np.random.default_rng(seed),
            device=as_device(self.device),
            callbacks=as_callbacks(self.callbacks),
        )

    def _information(
        self,
        shapes: tuple[Shape, Shape],
        make: Callable[..., torch.nn.Module],
        n_shifts: int | None = None,
    ) -> MutualInformationLoss | None:
        """The term, its critic made for rows and codes of these shapes; None at 0."""
        if self.beta == 0.0:
            return None
        if self.critic is not None:
            critic = self._given("critic", shapes, (), (1,))
        else:
            sizes = self._sizes("critic_hidden_layer_sizes")
            critic = make(*shapes, sizes, self._seed + 2)
        return MutualInformationLoss(critic, self.objective, n_shifts=n_shifts)

    def _given(
        self, name: str, takes: Sequence[Shape], *gives: Shape
    ) -> torch.nn.Module:
        """A copy of a module that was given, which has shown that it fits.

        Parameters
        ----------
        name : str
            Of the parameter.
        takes : sequence of tuple
            Shapes of what it is called with, without the batch.
        *gives : tuple
            Shapes that are as good as each other.
        """
        module = copy.deepcopy(getattr(self, name)).to("cpu", torch.float32)
        read = " and ".join(str((2, *shape)) for shape in takes)
        was_training = module.training
        # Samples and codes are made in double precision.
        precise = [torch.float64] if name in ("generator", "encoder") else []
        for dtype in (torch.float32, *precise):
            inputs = [torch.zeros(2, *shape, dtype=dtype) for shape in takes]
            try:
                with own_draws("cpu"):
                    # Lazy layers begin here.
                    torch.default_generator.manual_seed(stream(self._seed, name))
                    out = module.eval().to(dtype)(*inputs)
            except Exception as error:
                raise ValueError(
                    f"{name} cannot be called with tensors of shape {read} and "
                    f"{dtype}: {error}"
                ) from error
        is_tensor = torch.is_tensor(out)
        wanted = [(2, *each) for each in gives]
        if not is_tensor or tuple(out.shape) not in wanted:
            gave = f"shape {tuple(out.shape)}" if is_tensor else f"a {type(out)}"
            raise ValueError(
                f"{name} gave {gave} for tensors of shape {read}. It should give "
                f"{' or '.join(map(str, wanted))}."
            )
        if not out.requires_grad:
            raise ValueError(
                f"What {name} gives does not depend on any parameter that could be "
                "trained. Look for detach(), no_grad() or requires_grad=False in it."
            )
        return module.to(torch.float32).train(was_training)

    def _penalty(self, shape: Shape) -> float:
        if self.gradient_penalty != "auto":
            return self.gradient_penalty
        return self._penalty_of_images if len(shape) == 3 else _PENALTY_OF_TABLES

    def _generator(self, n_in: int, shape: Shape, seed: int) -> torch.nn.Module:
        if self.generator is not None:
            return self._given("generator", [(n_in,)], shape)
        if len(shape) == 3:
            return build(lambda: image_generator(n_in, shape, self.n_channels), seed)
        sizes = self._sizes("hidden_layer_sizes")
        (width,) = shape
        how = torch.nn.ReLU, True
        return build(lambda: dense_layers(n_in, sizes, width, *how), seed)

    def _sizes(self, name: str) -> tuple[int, ...]:
        return as_layer_sizes(getattr(self, name), name)

    def _sight(
        self, shape: Shape, sizes: tuple[int, ...], n_out: int, seed: int
    ) -> torch.nn.Module:
        """What tells one row from another, to n_out numbers."""
        if len(shape) == 3:
            return build(lambda: image_sight(shape, self.n_channels, n_out), seed)
        (width,) = shape
        return build(lambda: dense_sight(width, sizes, n_out), seed)


class _DistanceFrom:
    """Energy distance of rows and samples of a module, in scaled units, without bias.

    Attributes
    ----------
    apart : float
        Mean distance between rows.
    """

    def __init__(self, rows: torch.Tensor, n_samples: int, seed: int) -> None:
        self.rows, self.n_samples, self.seed = rows, n_samples, seed
        self.apart = _mean_distance(rows)

    def __call__(self, module: Game) -> float:
        was_training = module.training
        generator = torch.Generator().manual_seed(self.seed)
        latent = module.latent(self.n_samples, generator)
        made = torch.cat(list(_made(module.eval(), latent)))
        module.train(was_training)
        if not made.isfinite().all():
            return np.inf
        within = self.apart + _mean_distance(made)
        return 2.0 * _mean_distance(self.rows, made) - within


@torch.no_grad()
def _made(module: Game, latent: torch.Tensor) -> Iterator[torch.Tensor]:
    """Rows as the network sees them, a chunk at a time."""
    parameter = next(module.parameters())
    for part in latent.split(_CHUNK):
        yield module.generator(part.to(parameter)).cpu()


def _critic(of_row: Shape, of_code: Shape, sizes: tuple[int, ...], seed: int) -> Critic:
    """A critic of rows and codes of these shapes."""

    def make() -> Critic:
        critic = Critic(sizes)
        critic(*(torch.empty(2, *shape) for shape in (of_row, of_code)))
        return critic

    return build(make, seed)


def _mean_distance(x: torch.Tensor, z: torch.Tensor | None = None) -> float:
    """Of rows to others, or of different rows."""
    x = x.flatten(1).double().numpy()
    if z is not None:
        return float(euclidean_distances(x, z.flatten(1).double().numpy()).mean())
    return float(euclidean_distances(x).sum() / (len(x) * (len(x) - 1)))


class MINEGAN(_Adversarial):
    """A generative adversarial network whose samples tell their codes.

    The generator makes rows of normal noise e and of codes c, signs. It descends
    ``-E log D(G(e, c)) - beta I(G(e, c); c)``: a generator that makes the same rows of
    all codes loses the information. Its gradient is rescaled to at most the adversarial
    one's norm. With ``beta=0`` this is a plain GAN.

    Parameters
    ----------
    n_latent : int, default=16
        Width of e.

    n_codes : int, default=8
        Width of c, whose numbers are -1 or 1 with equal chances.

    beta : float, default=0.3
        What a nat of I(G(e, c); c) is worth. With 0 there is no critic.

    generator : torch.nn.Module, default=None
        Takes (B, n_latent + n_codes) and gives rows as the networks see them: (B, d) of
        about mean 0 and variance 1, or images (B, C, H, W) from -1 to 1. A copy is
        trained.
        None builds a fully connected one, or a convolutional one for images.

    discriminator : torch.nn.Module, default=None
        Takes rows, gives logits (B,) or (B, 1), positive where they look real (no
        sigmoid at the end). A copy is trained.

    critic : torch.nn.Module, default=None
        T(x, c), takes rows and (B, n_codes), gives (B,) or (B, 1). A copy is trained.
        None builds one for the shape of X.

    hidden_layer_sizes : int or tuple of int, default=(128, 128, 128, 128)
        Of the generator of a table. Not read where `generator` is given.

    discriminator_hidden_layer_sizes : int or tuple of int, default=(128, 128, 128)
        Of the discriminator of a table. Not read where `discriminator` is given.

    critic_hidden_layer_sizes : int or tuple of int, default=(128, 128)
        Of the critic. Not read where `critic` is given.

    n_channels : int, default=32
        Of the larger maps of convolutions; the smaller ones have twice as many. Read
        for images alone.

    objective : {"mine", "dv", "mine-f", "infonce", "jensen-shannon", "smile"}, \
            default="mine"
        What the critic climbs; see :class:`sklearn_mine.nn.MutualInformationLoss`.

    gradient_penalty : float or "auto", default="auto"
        First price of half the discriminator's squared slope, at rows and at samples,
        which keeps the game from turning in circles. 0 leaves it out; "auto" is 5e-4
        for tables and 0.1 for images.

    batch_size : int, default=256
        Rows of a minibatch, about.

    learning_rate_init : float, default=2e-3
        First step size of Adam.

    discriminator_learning_rate_init, critic_learning_rate_init : float, default=None
        None takes `learning_rate_init`.

    learning_rate_decay : float or "auto", default="auto"
        Factor of all step sizes, and of the gradient penalty, after each pass. "auto":
        they fall to 3 % by the end of a `fit` that begins a training, and stay there;
        with `partial_fit` they do not fall.

    beta_1 : float, default=0.5
        Decay of Adam's first moment.

    max_iter : int or "auto", default="auto"
        Passes over the rows. "auto": as many as make about 4,000 steps, at
        least one.

    averaging : float, default=0.999
        The weights in use are an exponential moving average over steps, with this
        share of the past.

    warm_start : bool, default=False
        Whether `fit` goes on from the last one, with its networks and step sizes;
        `max_iter` and `learning_rate_decay` alone are read anew.

    device : str, default="cpu"
        "cpu", "cuda" (or "cuda:1" and so on), or "auto": CUDA where torch finds it.

    callbacks : list of skorch callbacks, default=None
        Hooked into the training.

    random_state : int, RandomState instance or None, default=None
        Seeds weights, latent draws and minibatches; and torch's own generator, for the
        time of the training, where a given module may draw from it: such fits should
        not share a process with others in threads.

    verbose : int, default=0
        1 shows the passes as a bar.

    Attributes
    ----------
    history_ : list of dict
        For each pass `pass`, the losses `discriminator` and `generator`, `information`
        (the bound, in nats, of training batches) and `clip` (what its gradient was
        multiplied with), both only with `beta` above 0, and `energy_distance` between
        1,000 rows and as many samples.

    n_iter_ : int
        Passes made.

    n_features_in_ : int
        Columns of X, or channels.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where they are all strings.

    See Also
    --------
    MINEALI : Codes of rows as well.

    Notes
    -----
    Without the gradient penalty small players circle around each other or drop modes;
    with it the plain GAN covers a good deal as well. docs/training.md has both.

    Where the samples' energy distance from rows has become several times its least, or
    a loss is no number, a ConvergenceWarning names the step, and the weights of the
    best pass are kept.

    References
    ----------
    Belghazi et al. (2018), "Mutual information neural estimation", section 5.1.

    Mescheder, Geiger and Nowozin (2018), "Which training methods for GANs do actually
    converge?".

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine.generative import MINEGAN
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2)) * [1.0, 20.0] + [0.0, 100.0]
    >>> model = MINEGAN(hidden_layer_sizes=32, max_iter=50, random_state=0).fit(X)
    >>> model.sample(3, random_state=0).shape
    (3, 2)
    """

    _penalty_of_images = 0.1
    _parameter_constraints: dict[str, list[Any]] = {
        **_Adversarial._parameter_constraints,
        "n_codes": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_latent: int = 16,
        n_codes: int = 8,
        beta: float = 0.3,
        *,
        generator: torch.nn.Module | None = None,
        discriminator: torch.nn.Module | None = None,
        critic: torch.nn.Module | None = None,
        hidden_layer_sizes: Sizes = (128, 128, 128, 128),
        discriminator_hidden_layer_sizes: Sizes = (128, 128, 128),
        critic_hidden_layer_sizes: Sizes = (128, 128),
        n_channels: int = 32,
        objective: str = "mine",
        gradient_penalty: float | Literal["auto"] = "auto",
        batch_size: int = 256,
        learning_rate_init: float = 2e-3,
        discriminator_learning_rate_init: float | None = None,
        critic_learning_rate_init: float | None = None,
        learning_rate_decay: float | Literal["auto"] = "auto",
        beta_1: float = 0.5,
        max_iter: int | Literal["auto"] = "auto",
        averaging: float = 0.999,
        warm_start: bool = False,
        device: str = "cpu",
        callbacks: Callbacks | None = None,
        random_state: SeedLike = None,
        verbose: int = 0,
    ) -> None:
        self.n_latent = n_latent
        self.n_codes = n_codes
        self.beta = beta
        self.generator = generator
        self.discriminator = discriminator
        self.critic = critic
        self.hidden_layer_sizes = hidden_layer_sizes
        self.discriminator_hidden_layer_sizes = discriminator_hidden_layer_sizes
        self.critic_hidden_layer_sizes = critic_hidden_layer_sizes
        self.n_channels = n_channels
        self.objective = objective
        self.gradient_penalty = gradient_penalty
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.discriminator_learning_rate_init = discriminator_learning_rate_init
        self.critic_learning_rate_init = critic_learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.beta_1 = beta_1
        self.max_iter = max_iter
        self.averaging = averaging
        self.warm_start = warm_start
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _game(self, shape: Shape, seed: int) -> GenerativeGame:
        n_in = self.n_latent + self.n_codes
        if self.discriminator is None:
            sizes = self._sizes("discriminator_hidden_layer_sizes")
            discriminator = self._sight(shape, sizes, 1, self._seed + 1)
        else:
            discriminator = self._given("discriminator", [shape], (1,), ())
        return GenerativeGame(
            n_codes=self.n_codes,
            generator=self._generator(n_in, shape, self._seed),
            discriminator=discriminator,
            information=self._information((shape, (self.n_codes,)), _critic),
            n_latent=n_in,
            beta=self.beta,
            gradient_penalty=self._penalty(shape),
            seed=seed,
        )


class MINEALI(TransformerMixin, _Adversarial):
    """Adversarially learned inference, with an information term on rows and codes.

    An encoder gives a code of each row and a generator a row of each code; a
    discriminator of pairs cannot tell in the end which side made a pair. Both also
    raise beta I(X; Z), and what codes tell about rows is what reconstructions are made
    of. The information is that of pairs from both ends: where a critic has learnt to
    read the codes that rows were made of, the encoder learns to write the same. It is
    the sum over the numbers of the code: where they are independent, as in the end they
    should be, they tell at least that together. Its gradient is rescaled to at most the
    adversarial one's norm. With ``beta=0`` this is plain ALI, with `reconstruction` as
    well ALICE.

    Parameters
    ----------
    n_latent : int, default=16
        Width of codes.

    beta : float, default=1.0
        What a nat of I(X; Z) is worth. With 0 there is no critic.

    reconstruction : float, default=0.0
        Price of a row's squared reconstruction error, summed over columns or pixels as
        the networks see them (ALICE with l2).

    generator : torch.nn.Module, default=None
        Takes (B, n_latent) and gives rows as the networks see them: (B, d) of about
        mean 0 and variance 1, or images (B, C, H, W) from -1 to 1. A copy is trained.
        None builds a fully connected one, or a convolutional one for images.

    discriminator : torch.nn.Module, default=None
        Takes rows and (B, n_latent), gives logits (B,) or (B, 1), positive where they
        look like rows and their codes (no sigmoid at the end). A copy is trained.

    encoder : torch.nn.Module, default=None
        Takes rows, gives (B, 2 n_latent): mu, and what softplus makes sigma of. A copy
        is trained.

    critic : torch.nn.Module, default=None
        T(x, z), takes rows and (B, n_latent), gives (B,) or (B, 1); it is shown each
        row and each sample of a batch with its own code and with 8 others, and the
        information is that of whole codes, at most about the logarithm of the number
        of pairs. A copy is trained. None builds one for each number of the code,
        quadratic in it.

    hidden_layer_sizes : int or tuple of int, default=(128, 128, 128, 128)
        Of the generator of a table. Not read where `generator` is given.

    discriminator_hidden_layer_sizes : int or tuple of int, default=(128, 128, 128)
        Of the discriminator, and of the encoder of a table. Not read where both are
        given.

    critic_hidden_layer_sizes : int or tuple of int, default=(128, 128)
        Of the critic of a table. Not read where `critic` is given.

    n_channels : int, default=32
        Of the larger maps of convolutions; the smaller ones have twice as many. Read
        for images alone.

    objective : {"mine", "dv", "mine-f", "infonce", "jensen-shannon", "smile"}, \
            default="mine"
        What the critic climbs; see :class:`sklearn_mine.nn.MutualInformationLoss`.

    gradient_penalty : float or "auto", default="auto"
        First price of half the discriminator's squared slope, at rows and at samples,
        which keeps the game from turning in circles. 0 leaves it out; "auto" is 5e-4
        for tables and 3 for images.

    batch_size : int, default=256
        Rows of a minibatch, about.

    learning_rate_init : float, default=2e-3
        First step size of Adam.

    discriminator_learning_rate_init, critic_learning_rate_init : float, default=None
        None takes `learning_rate_init`.

    learning_rate_decay : float or "auto", default="auto"
        Factor of all step sizes, and of the gradient penalty, after each pass. "auto":
        they fall to 3 % by the end of a `fit` that begins a training, and stay there;
        with `partial_fit` they do not fall.

    beta_1 : float, default=0.5
        Decay of Adam's first moment.

    max_iter : int or "auto", default="auto"
        Passes over the rows. "auto": as many as make about 4,000 steps, at
        least one.

    averaging : float, default=0.999
        The weights in use are an exponential moving average over steps, with this
        share of the past.

    warm_start : bool, default=False
        Whether `fit` goes on from the last one, with its networks and step sizes;
        `max_iter` and `learning_rate_decay` alone are read anew.

    device : str, default="cpu"
        "cpu", "cuda" (or "cuda:1" and so on), or "auto": CUDA where torch finds it.

    callbacks : list of skorch callbacks, default=None
        Hooked into the training.

    random_state : int, RandomState instance or None, default=None
        Seeds weights, latent draws and minibatches; and torch's own generator, for the
        time of the training, where a given module may draw from it: such fits should
        not share a process with others in threads.

    verbose : int, default=0
        1 shows the passes as a bar.

    Attributes
    ----------
    history_ : list of dict
        For each pass `pass`, the losses `discriminator` and `generator`, `information`
        (of training batches, in nats, the sum over the numbers of codes) and `clip`
        (what its gradient was multiplied with), both only with `beta` above 0,
        `reconstruction` (with that price above 0: the squared error, summed over
        columns or pixels), and `energy_distance` between 1,000 rows and as many
        samples.

    n_iter_ : int
        Passes made.

    n_features_in_ : int
        Columns of X, or channels.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where they are all strings.

    See Also
    --------
    MINEGAN : Samples alone.

    References
    ----------
    Dumoulin et al. (2017), "Adversarially learned inference".

    Li et al. (2017), "ALICE: Towards understanding adversarial learning for joint
    distribution matching".

    Belghazi et al. (2018), "Mutual information neural estimation", section 5.2.

    Miyato and Koyama (2018), "cGANs with projection discriminator": the
    discriminator that None builds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mine.generative import MINEALI
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2)) @ [[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]
    >>> model = MINEALI(n_latent=2, hidden_layer_sizes=32, max_iter=20, random_state=0)
    >>> model.fit(X).transform(X).shape
    (500, 2)
    >>> model.reconstruct(X[:5]).shape
    (5, 3)
    """

    _penalty_of_images = 3.0
    _module: InferenceGame
    _parameter_constraints: dict[str, list[Any]] = {
        **_Adversarial._parameter_constraints,
        "encoder": _MODULE,
        "reconstruction": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_latent: int = 16,
        beta: float = 1.0,
        *,
        reconstruction: float = 0.0,
        generator: torch.nn.Module | None = None,
        discriminator: torch.nn.Module | None = None,
        encoder: torch.nn.Module | None = None,
        critic: torch.nn.Module | None = None,
        hidden_layer_sizes: Sizes = (128, 128, 128, 128),
        discriminator_hidden_layer_sizes: Sizes = (128, 128, 128),
        critic_hidden_layer_sizes: Sizes = (128, 128),
        n_channels: int = 32,
        objective: str = "mine",
        gradient_penalty: float | Literal["auto"] = "auto",
        batch_size: int = 256,
        learning_rate_init: float = 2e-3,
        discriminator_learning_rate_init: float | None = None,
        critic_learning_rate_init: float | None = None,
        learning_rate_decay: float | Literal["auto"] = "auto",
        beta_1: float = 0.5,
        max_iter: int | Literal["auto"] = "auto",
        averaging: float = 0.999,
        warm_start: bool = False,
        device: str = "cpu",
        callbacks: Callbacks | None = None,
        random_state: SeedLike = None,
        verbose: int = 0,
    ) -> None:
        self.n_latent = n_latent
        self.beta = beta
        self.reconstruction = reconstruction
        self.generator = generator
        self.discriminator = discriminator
        self.encoder = encoder
        self.critic = critic
        self.hidden_layer_sizes = hidden_layer_sizes
        self.discriminator_hidden_layer_sizes = discriminator_hidden_layer_sizes
        self.critic_hidden_layer_sizes = critic_hidden_layer_sizes
        self.n_channels = n_channels
        self.objective = objective
        self.gradient_penalty = gradient_penalty
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.discriminator_learning_rate_init = discriminator_learning_rate_init
        self.critic_learning_rate_init = critic_learning_rate_init
        self.learning_rate_decay = learning_rate_decay
        self.beta_1 = beta_1
        self.max_iter = max_iter
        self.averaging = averaging
        self.warm_start = warm_start
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @torch.no_grad()
    def transform(self, X: TableLike) -> NDArray[Any]:
        """Mean codes of rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d), or array of shape (n, C, H, W)
            Rows as in `fit`.

        Returns
        -------
        Z : ndarray of shape (n, n_latent)
            In the float type of X, else float64.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self, "_module")
        rows = self._samples.read(X, self)
        parts = [
            self._module.encoded(self._samples.scaled(rows[i : i + _CHUNK]).double())[0]
            for i in range(0, len(rows), _CHUNK)
        ]
        codes = torch.cat(parts).numpy()
        return codes.astype(rows.dtype if rows.dtype.kind == "f" else np.float64)

    def inverse_transform(self, Z: ArrayLike) -> Any:
        """Rows of codes.

        Parameters
        ----------
        Z : array-like of shape (n, n_latent)
            Codes, such as `transform` gives them.

        Returns
        -------
        X : ndarray of shape (n, d) or (n, C, H, W), or DataFrame
            In the type and scale of the rows that `fit` saw, with their names.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        check_is_fitted(self, "_module")
        Z = check_array(Z, dtype=np.float32, input_name="Z")
        width = self._module.n_latent
        if Z.shape[1] != width:
            raise ValueError(f"Z has {Z.shape[1]} columns, and codes have {width}.")
        return self._samples.native(_made(self._module, torch.tensor(Z)))

    def reconstruct(self, X: TableLike) -> Any:
        """Rows of the codes of rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, d), or array of shape (n, C, H, W)
            Rows as in `fit`.

        Returns
        -------
        X : ndarray of shape (n, d) or (n, C, H, W), or DataFrame
            In the type and scale of the rows that `fit` saw, with their names.

        Raises
        ------
        ValueError
            If an input is unusable, or `fit` was not called; the message says so.
        """
        return self.inverse_transform(self.transform(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the codes.

        Parameters
        ----------
        input_features : None, default=None
            Not read.

        Returns
        -------
        names : ndarray of shape (n_latent,), str
            "code0" and so on.

        Raises
        ------
        ValueError
            If `fit` was not called.
        """
        check_is_fitted(self, "_module")
        width = self._module.n_latent
        return np.array([f"code{i}" for i in range(width)], dtype=object)

    def _game(self, shape: Shape, seed: int) -> InferenceGame:
        width, sizes = self.n_latent, self._sizes("discriminator_hidden_layer_sizes")
        if self.encoder is None:
            encoder = self._sight(shape, sizes, 2 * width, self._seed + 3)
        else:
            encoder = self._given("encoder", [shape], (2 * width,))
        if self.discriminator is not None:
            discriminator = self._given("discriminator", [shape, (width,)], (1,), ())
        else:
            seen = sizes[0]
            discriminator = Pair(
                self._sight(shape, sizes, seen, self._seed + 4),
                build(lambda: dense_sight(width, (seen,), seen), self._seed + 7),
                build(lambda: dense_sight(seen + width, sizes, 1), self._seed + 1),
            )
        return InferenceGame(
            encoder=encoder,
            reconstruction=self.reconstruction,
            generator=self._generator(width, shape, self._seed),
            discriminator=discriminator,
            information=self._information(
                (shape, (width,)), self._each_code, n_shifts=_N_SHIFTS
            ),
            n_latent=width,
            beta=self.beta,
            gradient_penalty=self._penalty(shape),
            seed=seed,
        )

    def _each_code(
        self, of_row: Shape, of_code: Shape, sizes: tuple[int, ...], seed: int
    ) -> EachCode:
        (width,) = of_code
        return EachCode(self._sight(of_row, sizes, 3 * width, seed))
