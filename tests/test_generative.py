"""MINEGAN and MINEALI: rows in, rows of the same kind out."""

import functools
import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback

from sklearn_mine.generative import MINEALI, MINEGAN

SMALL = {
    "hidden_layer_sizes": 16,
    "discriminator_hidden_layer_sizes": (16, 16),
    "critic_hidden_layer_sizes": 16,
    "n_channels": 2,
    "max_iter": 2,
    "random_state": 0,
}


def _gan(**params):
    return MINEGAN(**SMALL | {"n_latent": 2, "n_codes": 2} | params)


def _ali(**params):
    return MINEALI(**SMALL | {"n_latent": 3} | params)


ONE = torch.ones(1, 1, requires_grad=True)
BOTH = pytest.mark.parametrize("make", [_gan, _ali])


@pytest.fixture
def table(rng):
    x = rng.normal(size=400)
    return np.column_stack([x, 50.0 + 10.0 * x + rng.normal(size=400)])


@pytest.fixture(scope="module")
def images():
    pixels = load_digits().images[:200]
    return (pixels * 15.9).astype(np.uint8)[:, None]


@parametrize_with_checks([_gan(max_iter=1), _ali(max_iter=1)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


# Rows in and out


@pytest.mark.parametrize("backend", [pd, pl])
@BOTH
def test_frames_come_back_as_frames(make, backend, rng):
    X = backend.DataFrame(
        {
            "age": rng.integers(20, 60, size=80),
            "height": rng.normal(170.0, 10.0, size=80).astype(np.float32),
            "smokes": rng.random(80) < 0.3,
            "always": np.full(80, 7),
        }
    )
    model = make().fit(X)
    made = model.sample(50, random_state=0)
    assert type(made) is type(X)
    assert list(made.columns) == list(X.columns)
    assert list(made.dtypes) == list(X.dtypes)
    assert made["age"].min() >= X["age"].min()
    assert made["age"].max() <= X["age"].max()
    assert set(made["always"]) == {7}
    if make is _ali:
        again = model.reconstruct(X)
        assert again.shape == X.shape
        assert list(again.dtypes) == list(X.dtypes)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@BOTH
def test_images_come_back_as_images(make, dtype, images):
    X = images.astype(dtype)
    before = X.copy()
    model = make().fit(X)
    made = model.sample(10, random_state=0)
    assert made.dtype == dtype
    assert made.shape == (10, 1, 8, 8)
    assert made.min() >= X.min()
    assert made.max() <= X.max()
    np.testing.assert_array_equal(X, before)
    if make is _ali:
        codes = model.transform(X)
        assert codes.shape == (200, 3)
        assert model.inverse_transform(codes).shape == X.shape


@BOTH
def test_whole_numbers_stay_whole(make, rng):
    X = rng.integers(-3, 4, size=(60, 2))
    made = make().fit(X).sample(30, random_state=0)
    assert made.dtype == X.dtype
    assert np.abs(made).max() <= 3


@BOTH
def test_scale_and_place_of_columns_do_not_matter(make, table):
    small = make().fit(table).sample(20, random_state=0)
    large = make().fit(1e6 * table - 1e7).sample(20, random_state=0)
    np.testing.assert_allclose(large, 1e6 * small - 1e7, rtol=1e-3, atol=1e4)


@pytest.mark.parametrize("X", [np.ones((5, 2)), np.eye(2), 1e300 * np.eye(3)])
@BOTH
def test_the_least_there_is_can_be_fitted(make, X):
    made = make().fit(X).sample(4, random_state=0)
    assert made.shape == (4, X.shape[1])
    assert np.isfinite(made).all()


@BOTH
def test_what_cannot_be_read_is_refused_by_name(make, table):
    with pytest.raises(ValueError, match="NaN"):
        make().fit(np.where(table > 60.0, np.nan, table))
    with pytest.raises(ValueError, match="no numbers: \\['name'\\]"):
        make().fit(pd.DataFrame({"name": ["a", "b", "c"], "x": [1.0, 2.0, 3.0]}))
    with pytest.raises(ValueError, match="Pass a table"):
        make().fit(np.zeros((4, 3, 3)))
    model = make().fit(table)
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="n_samples should be"):
            model.sample(wrong)
    with pytest.raises(ValueError, match="beta"):
        make(beta=-1.0).fit(table)
    with pytest.raises(ValueError, match="callbacks holds 3"):
        make(callbacks=[3]).fit(table)
    with pytest.raises(ValueError, match="device='meta' cannot be used"):
        make(device="meta").fit(table)


def test_codes_of_another_width_are_refused(table):
    # What was fitted counts.
    model = _ali().fit(table).set_params(n_latent=4)
    with pytest.raises(ValueError, match="Z has 4 columns, and codes have 3"):
        model.inverse_transform(np.zeros((2, 4)))
    assert len(model.get_feature_names_out()) == model.transform(table).shape[1] == 3


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((9, 2), 2**60), r"whole numbers beyond 2\*\*53"),
        (pd.DataFrame({"id": [2**60, 2**61], "x": [0.5, 1.5]}), r"beyond 2\*\*53"),
        (np.zeros((9, 0, 8, 8)), "Pass a table"),
        (np.full((9, 1, 8, 8), "2020-01-01", dtype="M8[D]"), "X holds datetime64"),
        (pd.DataFrame([[1.0, 2.0]] * 9, columns=["a", "a"]), "several columns of one"),
        (pl.LazyFrame({"a": [1.0, 2.0]}), "X is a lazy frame"),
        (torch.zeros(9, 2, requires_grad=True), "X cannot be used.*requires grad"),
        (np.ma.masked_array([[1.0], [2.0]], [[0], [1]]), "X cannot be used.*NaN"),
        (np.zeros((9, 2), dtype=complex), "X cannot be used: Complex data"),
        (np.zeros(9, dtype=[("a", float)]), "X is a structured array"),
        ({"a": [1.0, 2.0]}, "X should be an array.*got dict"),
        ([[1.0, 2.0], [1.0]], "X cannot be used.*inhomogeneous"),
    ],
)
def test_rows_that_could_not_come_back_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        _gan().fit(X)


@BOTH
def test_single_rows_are_neither_learnt_from_nor_scored(make, table):
    model = make().fit(table)
    with pytest.raises(ValueError, match="A score compares 2"):
        model.score(table[:1])
    with pytest.raises(ValueError, match="A pass needs 2"):
        model.partial_fit(table[:1])
    assert np.isfinite(model.score(table[:2]))


def test_scores_of_few_rows_are_those_of_many_on_average(table):
    model = _gan().fit(table)
    few = [model.score(table[i : i + 10]) for i in range(0, 400, 10)]
    error = np.std(few) / np.sqrt(len(few))
    assert abs(np.mean(few) - model.score(table)) < 3.0 * error


@pytest.mark.parametrize("backend", [pd, pl])
@BOTH
def test_models_of_frames_can_be_saved(make, backend, table):
    model = make().fit(backend.DataFrame({"a": table[:, 0], "b": table[:, 1]}))
    again = pickle.loads(pickle.dumps(model)).sample(5, random_state=0)
    assert again.equals(model.sample(5, random_state=0))


@BOTH
def test_whole_numbers_do_for_numbers(make, table):
    made = make(beta_1=0, learning_rate_init=1e-3, beta=1).fit(table).sample(3)
    assert np.isfinite(made).all()


# Randomness, pieces and saving


@BOTH
def test_the_seed_says_it_all(make, table):
    first, second = (make().fit(table).sample(9, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = make(random_state=1).fit(table).sample(9, random_state=1)
    assert np.abs(other - first).max() > 0.0
    model = make().fit(table)
    assert np.abs(model.sample(9, random_state=2) - first).max() > 0.0
    assert model.score(table) == model.score(table)


@BOTH
def test_training_goes_on_where_it_was(make, table):
    make = functools.partial(make, learning_rate_decay=0.9)
    whole = make(max_iter=4).fit(table)
    pieces = make()
    for i in range(4):
        pieces.partial_fit(table)
        if i == 1:
            pieces = pickle.loads(pickle.dumps(pieces))
    warm = make(warm_start=True).fit(table).fit(table)
    expected = whole.sample(5, random_state=0)
    for model in (pieces, warm):
        assert model.n_iter_ == len(model.history_) == 4
        np.testing.assert_allclose(model.sample(5, random_state=0), expected, rtol=1e-5)
    assert make().fit(table).fit(table).n_iter_ == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a CUDA device")
@BOTH
def test_what_a_gpu_trained_goes_on_where_there_is_none(make, table):
    model = make().fit(table)
    model._net.device = "cuda"
    with pytest.warns(UserWarning, match="(?i)cuda"):
        loaded = pickle.loads(pickle.dumps(model))
    model._net.device = "cpu"
    expected = model.partial_fit(table).sample(5, random_state=0)
    again = loaded.partial_fit(table).sample(5, random_state=0)
    np.testing.assert_allclose(again, expected, rtol=1e-6)


@BOTH
def test_step_sizes_fall_in_a_training_of_its_own_length(make, table, monkeypatch):
    def rates(model):
        net = model._net
        penalty = net.module_.gradient_penalty / 5e-4
        return net.optimizer_.param_groups[-1]["lr"] / model.learning_rate_init, penalty

    model = make(max_iter=3, warm_start=True).fit(table)
    np.testing.assert_allclose(rates(model), 0.03)
    np.testing.assert_allclose(rates(model.fit(table)), 0.03)
    np.testing.assert_allclose(rates(make().partial_fit(table)), 1.0)
    monkeypatch.setattr("sklearn_mine.generative._N_STEPS", 10)
    model = make(max_iter="auto", batch_size=len(table) // 2).fit(table)
    assert model.n_iter_ == 5


@BOTH
def test_verbose_shows_one_bar(make, table, capsys):
    make().fit(table)
    assert capsys.readouterr().err == ""


# The game


@BOTH
def test_without_a_price_there_is_no_critic(make, table):
    record = make(beta=0.0).fit(table).history_[-1]
    assert {"discriminator", "generator", "energy_distance"} <= set(record)
    assert "information" not in record
    assert "reconstruction" not in record
    record = make(beta=1e6).fit(table).history_[-1]
    # Rescaled to the adversarial gradient's norm.
    assert record["clip"] < 0.01


def test_samples_are_like_the_rows(table):
    # As many codes as are there by default: few ones would be told apart by gaps.
    model = _gan(n_latent=16, n_codes=16, hidden_layer_sizes=(64,), max_iter=150)
    model.fit(table)
    made = model.sample(4000, random_state=0)
    np.testing.assert_allclose(made.mean(0), table.mean(0), atol=0.2 * table.std(0)[1])
    np.testing.assert_allclose(made.std(0), table.std(0), rtol=0.2)
    assert np.corrcoef(made.T)[0, 1] > 0.9
    assert model.score(table) > -0.05
    assert model.score(table) > model.score(table * [1.0, -1.0]) + 0.1


def test_buffers_that_a_module_replaces_are_followed(table):
    class Shifted(torch.nn.Linear):
        def __init__(self):
            super().__init__(4, 2)
            self.register_buffer("shift", torch.zeros(2))

        def forward(self, x):
            if self.training:
                self.shift = 0.5 * self.shift + 5.0
            return super().forward(x) + self.shift

    with torch.random.fork_rng():
        generator = Shifted()
    model = _gan(generator=generator, max_iter=30, averaging=0.0).fit(table)
    assert (model.sample(100) > table.mean(0) + table.std(0)).all()


def test_information_is_raised(table):
    # At a price of next to nothing the critic looks on.
    watched, raised = (
        _gan(
            max_iter=200,
            critic_hidden_layer_sizes=32,
            learning_rate_decay=1.0,
            beta=beta,
        )
        .fit(table)
        .history_[-1]["information"]
        for beta in (1e-6, 1.0)
    )
    assert raised > watched + 0.3


def test_a_price_on_reconstruction_makes_reconstructions_better(table):
    errors = [
        np.square(
            _ali(max_iter=40, beta=0.0, reconstruction=price)
            .fit(table)
            .reconstruct(table)
            - table
        ).mean()
        for price in (0.0, 10.0)
    ]
    assert errors[1] < 0.5 * errors[0]


# What goes wrong


class _Spoil(Callback):
    """Break the generator at some pass."""

    def __init__(self, at, how):
        self.at, self.how = at, how

    def on_epoch_begin(self, net, **kwargs):
        if len(net.callbacks[0].history_) == self.at:
            for module in (net.module_.generator, net.callbacks[0].average_.generator):
                with torch.no_grad():
                    self.how(list(module.parameters())[-2:])


def _nothing(parameters):
    for parameter in parameters:
        parameter.zero_()


def _no_number(parameters):
    parameters[0].fill_(torch.nan)


@BOTH
def test_losses_that_are_no_numbers_are_told_and_the_best_is_kept(make, table):
    with pytest.warns(ConvergenceWarning, match="no finite number in pass 1, step 2;"):
        model = make(learning_rate_init=1e30).fit(table)
    assert np.isfinite(model.sample(5, random_state=0)).all()

    class Later(_Spoil):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.callbacks[0].history_) == self.at:
                with torch.no_grad():
                    next(net.module_.generator.parameters()).fill_(torch.nan)

    with pytest.warns(ConvergenceWarning, match="in pass 3, step 5;"):
        model = make(max_iter=9, callbacks=[Later(2, None)]).fit(table)
    assert model.n_iter_ == 2
    assert np.isfinite(model.sample(5, random_state=0)).all()


@BOTH
def test_collapse_is_told_and_the_best_is_kept(make, table):
    good = make(max_iter=30, learning_rate_init=3e-3)
    broken = clone(good).set_params(max_iter=31, callbacks=[_Spoil(30, _nothing)])
    with pytest.warns(ConvergenceWarning, match="The samples collapsed: .* pass 31"):
        model = broken.fit(table)
    assert model.score(table) > -0.5 * model.history_[-1]["energy_distance"]


@BOTH
def test_those_who_go_on_after_a_collapse_are_told_once(make, table):
    model = make(max_iter=30, learning_rate_init=3e-3, learning_rate_decay=0.9)
    model.set_params(callbacks=[_Spoil(30, _nothing)]).fit(table)
    with pytest.warns(ConvergenceWarning, match="The samples collapsed"):
        model.partial_fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(table)


# Modules that are given


def _modules(shape):
    d = int(np.prod(shape))

    class Both(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.layer = torch.nn.LazyLinear(width)

        def forward(self, x, z):
            return self.layer(torch.cat([x.flatten(1), z], dim=1))

    return {
        "generator": torch.nn.Sequential(
            torch.nn.LazyLinear(d), torch.nn.Unflatten(1, shape), torch.nn.Tanh()
        ),
        "critic": Both(1),
        "both": Both(1),
        "rows": torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Dropout(0.1), torch.nn.LazyLinear(1)
        ),
        "encoder": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(6)),
    }


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_modules_can_be_given(shape, table, images):
    X = table if len(shape) == 1 else images
    given = _modules(shape)
    before = pickle.dumps(given["generator"])
    gan = {name: given[name] for name in ("generator", "critic")}
    gan = _gan(**gan, discriminator=given["rows"])
    ali = {name: given[name] for name in ("generator", "critic", "encoder")}
    ali = _ali(**ali, discriminator=given["both"])
    for model in (gan, ali):
        first, second = (clone(model).fit(X).sample(4, random_state=0) for _ in "ab")
        np.testing.assert_array_equal(first, second)
        assert first.shape == (4, *shape)
    assert pickle.dumps(given["generator"]) == before


@BOTH
def test_given_modules_may_have_parameters_that_they_do_not_use(make, table):
    class Idle(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.LazyLinear(1)
            self.idle = torch.nn.Parameter(torch.ones(3))

        def forward(self, x, z):
            return self.layer(torch.cat([x, z], dim=1))

    model = make(critic=Idle()).fit(table)
    assert np.isfinite(model.sample(5, random_state=0)).all()


def test_given_modules_may_be_frozen_in_part(table):
    with torch.random.fork_rng():
        generator = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
    generator[0].requires_grad_(False)
    model = _gan(generator=generator).fit(table)
    trained = model._net.module_.generator
    assert torch.equal(trained[0].weight, generator[0].weight)
    assert not torch.equal(trained[1].weight, generator[1].weight)


def test_a_discriminator_may_look_at_rows_alone(table):
    class OfRows(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.LazyLinear(1)

        def forward(self, x, z):
            return self.layer(x)

    made = _ali(discriminator=OfRows()).fit(table).sample(5, random_state=0)
    assert np.isfinite(made).all()


class _Calls(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("make", "name", "module", "message"),
    [
        (_gan, "generator", torch.nn.Linear(4, 3), r"gave shape \(2, 3\)"),
        (_gan, "generator", torch.nn.Linear(5, 2), "cannot be called"),
        (_gan, "discriminator", torch.nn.Linear(2, 2), r"give \(2, 1\) or \(2,\)"),
        (_gan, "critic", torch.nn.Linear(2, 1), "critic cannot be called"),
        (_ali, "encoder", torch.nn.Linear(2, 3), r"should give \(2, 6\)"),
        (_ali, "discriminator", torch.nn.Linear(2, 1), "cannot be called"),
        (_gan, "discriminator", torch.nn.Linear, "generator|discriminator"),
        (_gan, "generator", torch.nn.Linear(4, 2).requires_grad_(False), "detach"),
        (_gan, "generator", _Calls(lambda x: x[:, :2].numpy()), "gave a <class"),
        (_gan, "generator", _Calls(lambda x: x[:, :2]), "any parameter"),
        (_ali, "encoder", _Calls(lambda x: x[:, :1] @ ONE.expand(1, 6)), "float64"),
    ],
)
def test_modules_that_do_not_fit_are_refused(make, name, module, message, table):
    with pytest.raises(ValueError, match=f"{name}.*{message}|{message}"):
        make(**{name: module}).fit(table)


def test_memory_does_not_grow_with_the_rows():
    """60,000 rows of 2,352 bytes, 141 MB, would be four times that in float32."""
    script = textwrap.dedent("""
        import resource
        import numpy as np
        from sklearn_mine.generative import MINEGAN

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

        rng = np.random.default_rng(0)
        small = rng.integers(0, 256, (5000, 2352), dtype=np.uint8)
        sizes = {"hidden_layer_sizes": 8, "discriminator_hidden_layer_sizes": 8}
        model = MINEGAN(**sizes, beta=0.0, batch_size=2500, random_state=0)
        model.partial_fit(small).score(small)
        X = rng.integers(0, 256, (60_000, 2352), dtype=np.uint8)
        before = peak()
        model.set_params(warm_start=False, max_iter=1).fit(X).score(X)
        print(peak() - before)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 200
