import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mine.information_bottleneck import InformationBottleneckClassifier

_SMALL = {
    "n_components": 4,
    "hidden_layer_sizes": (16,),
    "critic_hidden_layer_sizes": (16,),
    "max_iter": 20,
    "max_samples": 0,
    "learning_rate_init": 5e-3,
}


def _model(**changes):
    return InformationBottleneckClassifier(**{"random_state": 0, **_SMALL, **changes})


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return train_test_split(X, y, random_state=0, stratify=y)


@parametrize_with_checks([InformationBottleneckClassifier(**_SMALL)])
def test_scikit_learn_check(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


def test_digits_are_told_apart_by_the_defaults():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    model = InformationBottleneckClassifier(random_state=0, max_samples=0)
    assert model.fit(X, y).score(X_test, y_test) >= 0.97


@pytest.mark.parametrize("noise", ["additive", "gaussian", "propagated", None])
@pytest.mark.parametrize("penalty", ["mine", "variational"])
def test_every_noise_and_penalty_learns(wine, noise, penalty):
    X, X_test, y, y_test = wine
    model = _model(noise=noise, penalty=penalty, max_iter=40)
    if penalty == "variational" and noise != "gaussian":
        with pytest.raises(ValueError, match="needs noise='gaussian'"):
            model.fit(X, y)
        return
    model.fit(X, y)
    assert model.score(X_test, y_test) >= 0.9
    probabilities = model.predict_proba(X_test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(model.predict_log_proba(X_test), np.log(probabilities))
    assert model.transform(X_test).shape == (len(X_test), 4)
    assert all(np.isfinite(record["penalty"]) for record in model.history_)


@pytest.mark.parametrize(
    "noise", ["propagated", pytest.param("gaussian", marks=pytest.mark.slow)]
)
def test_a_price_on_information_lowers_it(rng, noise):
    X = rng.normal(size=(500, 4))
    y = (X[:, 0] > 0).astype(int)
    how = {
        "noise": noise,
        "max_samples": 500,
        "max_iter": 60,
        "n_components": 2,
        "critic_hidden_layer_sizes": (64, 64),
        "critic_noise": 0.0,
    }
    free = _model(beta=1e-6, **how).fit(X, y)
    dear = _model(beta=0.2, **how).fit(X, y)
    assert dear.mutual_info_.input < 0.8 * free.mutual_info_.input
    # What tells the class is kept: ln 2 = 0.69 at most.
    assert dear.mutual_info_.target > 0.5
    assert dear.score(X, y) > 0.9


def test_information_plane_is_where_it_should_be(rng):
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] > 0).astype(int)
    model = _model(max_samples=400, beta=0.05).fit(X, y)
    of_input, of_target = model.mutual_info_
    assert (of_input, of_target) == (
        model.mutual_info_.input,
        model.mutual_info_.target,
    )
    # y is a function of X, and Z knows no more of y than of X.
    assert 0.4 < of_target < np.log(2.0) + 0.05
    assert of_input > of_target - 0.1
    assert not hasattr(_model(max_samples=0).fit(X, y), "mutual_info_")


def test_predictions_do_not_depend_on_other_rows_or_on_the_clock(wine):
    X, X_test, y, _ = wine
    for noise in ("additive", "gaussian", "propagated"):
        model = _model(noise=noise).fit(X, y)
        every = model.predict_proba(X_test)
        np.testing.assert_array_equal(model.predict_proba(X_test), every)
        one = np.concatenate([model.predict_proba(row[None]) for row in X_test])
        np.testing.assert_allclose(one, every, rtol=1e-9, atol=1e-12)


def test_same_seed_gives_the_same_model_and_other_seeds_others(wine):
    X, X_test, y, _ = wine
    first, again, other = (
        _model(random_state=seed).fit(X, y).predict_proba(X_test) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_codes_are_drawn_anew_and_average_to_the_transform(wine):
    X, X_test, y, _ = wine
    model = _model(noise="gaussian").fit(X, y)
    codes = model.sample_codes(X_test, 400, random_state=0)
    assert codes.shape == (400, len(X_test), 4)
    np.testing.assert_array_equal(
        codes, model.sample_codes(X_test, 400, random_state=0)
    )
    # Five standard errors of a mean of 400 draws.
    limit = 5.0 * codes.std(axis=0) / 20.0 + 1e-6
    assert (np.abs(codes.mean(axis=0) - model.transform(X_test)) < limit).all()
    with pytest.raises(ValueError, match="n_samples should be 1 or more"):
        model.sample_codes(X_test, 0)


def test_information_plane_asks_for_labels(wine):
    X, _, y, _ = wine
    model = _model(max_iter=1).fit(X, y)
    for wrong, message in (
        (np.full(len(y), np.nan), "y contains NaN"),
        (X[:, 0], "continuous"),
        (y[:5], "y has 5"),
    ):
        with pytest.raises(ValueError, match=message):
            model.information_plane(X, wrong)


def test_text_that_is_unique_in_each_row_is_measured_without_warnings(rng):
    X = pd.DataFrame({"text": [f"note {i}" for i in range(300)]})
    model = _model(max_samples=300, max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, rng.integers(0, 2, 300))
    assert np.isfinite(model.mutual_info_).all()


def test_images_keep_one_scale_and_tables_have_one_for_each_column(rng):
    X, y = load_digits(return_X_y=True)
    model = _model(max_iter=1).fit(X, y)
    finite = model._inputs.scales_[np.isfinite(model._inputs.scales_)]
    assert len(np.unique(finite)) == 1
    table = rng.normal(size=(50, 3)) * [1.0, 1e3, 1e-3]
    model = _model(max_iter=1).fit(table, np.arange(50) % 2)
    np.testing.assert_allclose(model._inputs.scales_, table.std(axis=0))


@pytest.mark.parametrize("frames", [pd.DataFrame, pl.DataFrame])
def test_frames_with_text_and_missing_cells(rng, frames):
    n = 300
    color = rng.choice(["red", "green", "blue"], size=n)
    size = rng.normal(size=n)
    y = np.where((color == "red") | (size > 1.0), "yes", "no")
    cells = [None if rng.random() < 0.1 else float(each) for each in size]
    X = frames({"color": color.tolist(), "size": cells, "flat": [1.0] * n})
    model = _model(max_iter=60).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.9
    assert list(model.feature_names_in_) == ["color", "size", "flat"]
    new = frames({"color": ["mauve", "red"], "size": [None, 9.0], "flat": [2.0, 1.0]})
    assert np.isfinite(model.predict_proba(new)).all()
    bad = frames({"color": ["red"], "size": ["tall"], "flat": [1.0]})
    with pytest.raises(ValueError, match="'size' of X was numeric when fitted"):
        model.predict(bad)


def test_modules_of_ones_own(wine):
    X, X_test, y, y_test = wine
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = torch.nn.Sequential(
            torch.nn.Linear(13, 20), torch.nn.ReLU(), torch.nn.Linear(20, 6)
        )
        recurrent = torch.nn.LSTM(13, 4)
    before = copy.deepcopy(encoder.state_dict())
    model = _model(encoder=encoder, max_iter=40).fit(X, y)
    assert model.score(X_test, y_test) > 0.9
    assert model.transform(X_test).shape == (len(X_test), 6)
    assert all(torch.equal(before[k], encoder.state_dict()[k]) for k in before)
    halved = clone(model).set_params(noise="gaussian").fit(X, y)
    assert halved.transform(X_test).shape == (len(X_test), 3)
    with pytest.raises(ValueError, match="encoder cannot read rows of 17 numbers"):
        clone(model).set_params(noise="propagated").fit(X, y)
    flat = torch.nn.Flatten(0)
    flat.register_parameter("weight", torch.nn.Parameter(torch.zeros(1)))
    for wrong, message in (
        (flat, "encoder gave shape"),
        (recurrent, "encoder gave a <class 'tuple'>"),
        (torch.nn.Linear, "'encoder' parameter .* must be an instance of"),
    ):
        with pytest.raises(ValueError, match=message):
            _model(encoder=wrong).fit(X, y)


def test_dropout_in_a_given_encoder_follows_the_random_state(wine):
    X, X_test, y, _ = wine
    with torch.random.fork_rng():
        layers = [torch.nn.Linear(13, 20), torch.nn.ReLU(), torch.nn.Dropout(0.5)]
    model = _model(encoder=torch.nn.Sequential(*layers), max_iter=3)
    state = torch.get_rng_state()
    first = clone(model).fit(X, y).predict_proba(X_test)
    assert torch.equal(torch.get_rng_state(), state)
    again = clone(model)
    with torch.random.fork_rng():
        for _ in range(3):
            torch.rand(7)
            again = pickle.loads(pickle.dumps(again.partial_fit(X, y)))
    np.testing.assert_allclose(again.predict_proba(X_test), first, atol=1e-6)
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert np.abs(other.predict_proba(X_test) - first).max() > 1e-3


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a CUDA device")
def test_what_a_gpu_trained_goes_on_where_there_is_none(wine):
    X, X_test, y, _ = wine
    with torch.random.fork_rng():
        layers = [torch.nn.Linear(13, 20), torch.nn.ReLU(), torch.nn.Dropout(0.5)]
    model = _model(encoder=torch.nn.Sequential(*layers), max_iter=3).fit(X, y)
    model._net.device = "cuda"
    with pytest.warns(UserWarning, match="(?i)cuda"):
        loaded = pickle.loads(pickle.dumps(model))
    model._net.device = "cpu"
    assert loaded._net.module is loaded._net.module_
    np.testing.assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X_test),
        model.partial_fit(X, y).predict_proba(X_test),
    )


def test_lazy_layers_of_a_given_encoder_follow_the_random_state(wine):
    X, X_test, y, _ = wine
    seen = []
    with torch.random.fork_rng():
        for seed in range(2):
            torch.manual_seed(seed)
            layers = [torch.nn.LazyLinear(20), torch.nn.ReLU(), torch.nn.LazyLinear(6)]
            model = _model(encoder=torch.nn.Sequential(*layers), max_iter=1)
            seen.append(model.fit(X, y).predict_proba(X_test))
    np.testing.assert_array_equal(*seen)


def test_scheduler_among_the_callbacks_sets_step_sizes(wine):
    from skorch.callbacks import Callback, LRScheduler

    X, _, y, _ = wine
    schedule = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.1)
    rates = []

    class Note(Callback):
        def on_epoch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[-1]["lr"])

    callbacks = [Note(), schedule]
    _model(callbacks=callbacks, max_iter=5, learning_rate_decay=0.5).fit(X, y)
    np.testing.assert_allclose(rates, [2.5e-3, 1.25e-3, 6.25e-5, 3.125e-5, 1.5625e-6])


def test_training_in_pieces_goes_on_where_it_was(wine):
    X, X_test, y, y_test = wine
    model = _model()
    for i in range(30):
        model.partial_fit(X, y, classes=[0, 1, 2])
        if i == 10:
            model = pickle.loads(pickle.dumps(model))
    assert model.n_iter_ == len(model.history_) == 30
    assert model.score(X_test, y_test) > 0.9
    whole = _model(max_iter=30).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X_test), whole.predict_proba(X_test), atol=1e-6
    )
    with pytest.raises(ValueError, match=r"not among the classes: \[7\]"):
        model.partial_fit(X[:2], [0, 7])


def test_early_stopping_sets_rows_aside(wine):
    X, _, y, _ = wine
    model = _model(early_stopping=True, n_iter_no_change=2, max_iter=200, tol=0.01)
    model.fit(X, y)
    assert model.n_iter_ < 200
    losses = [record["validation_loss"] for record in model.history_]
    assert np.isfinite(losses).all()
    # The last two passes brought no hundredth of a nat.
    assert min(losses[-2:]) > min(losses[:-2]) - 0.02
    with pytest.raises(ValueError, match="leaves too few rows"):
        _model(early_stopping=True, validation_fraction=0.99).fit(X[:3], [0, 1, 1])


def test_what_counts_goes_on_after_early_stopping(wine):
    X, _, y, _ = wine
    model = _model(early_stopping=True, max_iter=4).fit(X, y)
    information = model._net.module_.information
    n_calls = information.n_calls
    assert n_calls > 4 and information.objective.log_average is not None
    model.partial_fit(X, y)
    assert information.n_calls > n_calls


def test_divergence_warns_and_keeps_finite_weights(wine):
    X, X_test, y, _ = wine
    how = {"learning_rate_init": 1e30, "batch_normalization": False, "beta": 0.0}
    with pytest.warns(ConvergenceWarning, match="no finite number"):
        model = _model(**how).fit(X, y)
    assert np.isfinite(model.predict_proba(X_test)).all()


def test_callbacks_are_called(wine):
    from skorch.callbacks import Callback

    class Count(Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            Count.n += 1

    X, _, y, _ = wine
    _model(callbacks=[Count()], max_iter=3).fit(X, y)
    assert Count.n == 3


def test_works_where_classifiers_do(wine):
    X, _, y, _ = wine
    assert cross_val_score(_model(), X, y, cv=3).mean() > 0.85
    names = np.array(["low", "mid", "high"])[y]
    model = _model().fit(X, names)
    assert set(model.predict(X)) <= set(names)
    frame = _model().set_output(transform="pandas").fit(X, y).transform(X)
    assert list(frame.columns) == ["code0", "code1", "code2", "code3"]


def test_verbose_shows_one_bar(wine, capsys):
    X, _, y, _ = wine
    _model(max_iter=2).fit(X, y)
    assert capsys.readouterr().err == ""


def test_training_goes_on_from_what_early_stopping_kept(wine):
    X, X_test, y, _ = wine
    model = _model(early_stopping=True, n_iter_no_change=2, max_iter=100).fit(X, y)
    before = model.predict_proba(X_test)
    n_passes = model.n_iter_
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    assert model.n_iter_ == n_passes + 1
    assert 0.0 < np.abs(model.predict_proba(X_test) - before).max() < 0.2


def test_what_belongs_to_an_earlier_fit_is_gone(wine):
    X, _, y, _ = wine
    model = _model(max_samples=60, max_iter=2).fit(X, y)
    assert hasattr(model, "mutual_info_")
    model.partial_fit(X, y)
    assert not hasattr(model, "mutual_info_")
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(X, y, classes=[0, 1, 2, 7])
    # Too few rows for the folds of a critic.
    few = _model(max_samples=100, max_iter=1).fit(X[:4], [0, 1, 0, 1])
    assert np.isnan(few.mutual_info_).all()


def test_callback_of_skorch_may_stop_the_training(wine):
    from skorch.callbacks import EarlyStopping

    X, _, y, _ = wine
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10.0)
    model = _model(callbacks=[stop], max_iter=50).fit(X, y)
    assert model.n_iter_ < 10


def test_interrupt_reaches_the_caller_and_leaves_nothing_half_done(wine):
    from skorch.callbacks import Callback

    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    X, _, y, _ = wine
    model = _model(max_iter=2, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :5], y)
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X[:, :5])
    before = model.set_params(callbacks=None).fit(X, y).predict_proba(X)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(callbacks=[Interrupt()]).fit(X[:, :5], y)
    # Nor does it mix with an earlier fit.
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.set_params(callbacks=None).fit(X, y).n_iter_ == 2


def test_numbers_far_from_all_that_were_seen_are_survived(wine):
    X, _, y, _ = wine
    model = _model(max_iter=3).fit(X, y)
    for size in (1e300, -1.7e308):
        assert np.isfinite(model.predict_proba(np.full((2, 13), size))).all()


def test_propagated_noise_is_as_wide_as_it_was_said(wine):
    X, X_test, y, _ = wine
    with torch.random.fork_rng():
        encoder = torch.nn.Linear(13 + 4, 7).double()
    model = _model(encoder=encoder, noise="propagated", max_iter=2).fit(X, y)
    assert model.transform(X_test).shape == (len(X_test), 7)
    assert encoder.weight.dtype == torch.float64
