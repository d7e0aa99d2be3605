"""What runs on a GPU gives what the CPU gives; skipped where there is none."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from sklearn_mine import MINE, MINEClassifier, MINERegressor, mine_score
from sklearn_mine.datasets import make_clusters, make_gaussian
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier
from sklearn_mine.nn import OBJECTIVES, Critic, MutualInformationLoss, adaptive_clip_

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no CUDA device"
)


def _run_without_gpu(code):
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=hidden, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _both(x, y, **params):
    return [MINE(random_state=0, device=d, **params).fit(x, y) for d in ("cpu", "cuda")]


def _assert_alike(on_cpu, on_gpu):
    away = abs(on_cpu.mutual_info_ - on_gpu.mutual_info_)
    assert away < 0.5 * max(on_cpu.std_error_, on_gpu.std_error_) + 0.01
    assert on_cpu.p_value_ == on_gpu.p_value_


@pytest.mark.parametrize("solver", ["auto", "newton", "adam"])
@pytest.mark.parametrize("start", ["canonical", None])
def test_solvers_agree_with_the_cpu(solver, start):
    x, y = make_gaussian(2000, n_features=3, rho=0.6, random_state=0)
    _assert_alike(*_both(x, y, solver=solver, start=start))


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_objectives_agree_with_the_cpu(objective):
    x, y = make_gaussian(1000, n_features=2, rho=0.6, random_state=0)
    params = {"objective": objective, "solver": "adam"}
    _assert_alike(*_both(x, y, **params))


@pytest.mark.parametrize(
    ("make", "params"),
    [(make_gaussian, {"n_features": 2, "rho": 0.0, "df": 1}), (make_clusters, {})],
)
def test_starts_agree_with_the_cpu(make, params):
    x, y = make(2000, random_state=0, **params)
    _assert_alike(*_both(x, y))


def test_wide_sides_with_dropout_train(rng):
    x = rng.normal(size=(1000, 40))
    y = x[:, :2] ** 2 + 0.5 * rng.normal(size=(1000, 2))
    _assert_alike(*_both(x, y, max_iter=10))


def test_fit_can_be_loaded_where_there_is_no_gpu():
    x, y = make_gaussian(500, n_features=2, rho=0.6, random_state=0)
    fitted = MINE(random_state=0, device="cuda").fit(x, y)
    assert all(not p.is_cuda for p in fitted._pieces.fit.bank.parameters())
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(
        loaded.pointwise_mutual_info(x, y), fitted.pointwise_mutual_info(x, y)
    )


@pytest.mark.parametrize("kind", [MINEClassifier, MINERegressor])
def test_predictions_can_be_made_where_there_is_no_gpu(kind, tmp_path):
    X, y = load_digits(return_X_y=True)
    fitted = kind(max_iter=3, random_state=0, device="cuda").fit(
        X[:600, 20:30], y[:600]
    )
    expected = fitted.predict(X[600:700, 20:30])
    on_cpu = kind(max_iter=3, random_state=0).fit(X[:600, 20:30], y[:600])
    alike = np.isclose(on_cpu.predict(X[600:700, 20:30]), expected, atol=1.0)
    assert alike.mean() > 0.9
    path = tmp_path / "fitted.joblib"
    joblib.dump((fitted, expected), path)
    _run_without_gpu(f"""
import joblib, numpy as np
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
fitted, expected = joblib.load({str(path)!r})
np.testing.assert_allclose(fitted.predict(X[600:700, 20:30]), expected, atol=1e-6)
fitted.set_params(device="cpu").fit(X[:100, 20:30], y[:100])
""")


def test_pieces_agree_with_the_cpu():
    x, y = make_gaussian(2000, n_features=2, rho=0.6, random_state=0)
    fits = []
    for device in ("cpu", "cuda"):
        mine = MINE(random_state=0, device=device)
        fits.append(
            mine.partial_fit(x[:1000], y[:1000]).partial_fit(x[1000:], y[1000:])
        )
    assert abs(fits[0].mutual_info_ - fits[1].mutual_info_) < fits[0].std_error_
    assert all(not p.is_cuda for p in fits[1]._pieces.fit.bank.parameters())


def test_auto_takes_the_gpu():
    x, y = make_gaussian(500, n_features=2, rho=0.6, random_state=0)
    auto, cuda = (
        MINE(random_state=0, device=d).fit(x, y).mutual_info_ for d in ("auto", "cuda")
    )
    assert auto == pytest.approx(cuda, abs=1e-3)


@pytest.mark.parametrize("solver", ["auto", "adam"])
def test_scores_agree_with_the_cpu(solver, rng):
    X = rng.normal(size=(500, 4))
    y = X[:, 0] + 0.5 * rng.normal(size=500)
    of_cpu, of_gpu = (
        mine_score(X, y, solver=solver, random_state=0, device=d, return_std=True)
        for d in ("cpu", "cuda")
    )
    np.testing.assert_allclose(of_gpu[0], of_cpu[0], atol=0.02)
    np.testing.assert_array_equal(of_gpu[1], of_cpu[1])


def test_jobs_do_not_get_in_each_others_way():
    x, y = make_clusters(2000, random_state=0)
    one, four = (
        MINE(random_state=0, device="cuda", n_jobs=n).fit(x, y).mutual_info_
        for n in (1, 4)
    )
    assert four == pytest.approx(one, abs=1e-3)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize("shape", [(3,), (1, 8, 8)])
def test_the_loss_has_the_gradients_of_the_cpu(objective, shape):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, z = torch.randn(64, *shape), torch.randn(64, 2)
        critic = Critic((32, 32))
        critic(x, z)
    found = []
    for device in ("cpu", "cuda"):
        information = MutualInformationLoss(
            pickle.loads(pickle.dumps(critic)), objective
        )
        information.to(device)
        codes = z.to(device).clone().requires_grad_()
        information(x.to(device), codes).backward()
        gradients = [p.grad.cpu() for p in critic_of(information)]
        found.append([codes.grad.cpu(), *gradients])
    for on_cpu, on_gpu in zip(*found, strict=True):
        torch.testing.assert_close(on_gpu, on_cpu, atol=1e-4, rtol=1e-3)


def critic_of(information):
    return [p for p in information.critic.parameters() if p.grad is not None]


def test_gradients_are_clipped_where_they_are():
    weight = torch.nn.Parameter(torch.zeros(2, device="cuda"))
    pulls = [torch.tensor([1.0, 0.0], device="cuda")]
    pushes = [torch.tensor([0.0, 4.0], device="cuda")]
    assert float(adaptive_clip_([weight], pulls, pushes)) == 0.25
    torch.testing.assert_close(weight.grad.cpu(), torch.ones(2))
    for none in (pulls, [None]), ([None], pushes):
        adaptive_clip_([weight], *none)
        assert weight.grad.is_cuda


def _bottleneck(device, **params):
    sizes = {"n_components": 16, "hidden_layer_sizes": (64,)}
    return InformationBottleneckClassifier(
        **sizes | {"max_iter": 20, "max_samples": 0} | params,
        random_state=0,
        device=device,
    )


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"noise": "gaussian"},
        {"noise": "propagated"},
        {"noise": "gaussian", "penalty": "variational"},
        {"noise": None, "beta": 0.0},
        {"early_stopping": True, "n_iter_no_change": 3},
    ],
)
def test_bottlenecks_agree_with_the_cpu(params):
    X, y = load_digits(return_X_y=True)
    on_cpu, on_gpu = (
        _bottleneck(device, **params).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
        for device in ("cpu", "cuda")
    )
    assert on_gpu == pytest.approx(on_cpu, abs=0.025)


def test_bottleneck_of_a_given_encoder_leaves_the_gpus_generator_alone():
    X, y = load_digits(return_X_y=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = torch.nn.Sequential(
            torch.nn.Dropout(0.2), torch.nn.Linear(64, 64), torch.nn.Tanh()
        )
    before = torch.cuda.get_rng_state()
    first, second = (
        _bottleneck("cuda", encoder=encoder).fit(X, y).predict_proba(X)
        for _ in range(2)
    )
    assert torch.equal(torch.cuda.get_rng_state(), before)
    np.testing.assert_allclose(first, second, atol=0.02)


def test_bottleneck_can_be_loaded_where_there_is_no_gpu(tmp_path):
    X, y = load_digits(return_X_y=True)
    fitted = _bottleneck("cuda", early_stopping=True).fit(X, y)
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps((fitted, fitted.predict_proba(X[:50]))))
    _run_without_gpu(f"""
import pickle, numpy as np
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
fitted, expected = pickle.load(open({str(path)!r}, "rb"))
fitted.set_params(device="cpu")
np.testing.assert_allclose(fitted.predict_proba(X[:50]), expected, atol=1e-6)
fitted.partial_fit(X, y)
""")


@pytest.mark.parametrize("kind", [MINEGAN, MINEALI])
def test_generative_models_train_and_load_where_there_is_no_gpu(kind, tmp_path):
    X, _ = load_digits(return_X_y=True)
    for rows in (X, X.reshape(-1, 1, 8, 8)):
        model = kind(max_iter=3, random_state=0, device="cuda").fit(rows)
        on_cpu = kind(max_iter=3, random_state=0).fit(rows)
        assert model.score(rows) == pytest.approx(on_cpu.score(rows), rel=0.5)
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps(model))
    _run_without_gpu(f"""
import pickle
from sklearn.datasets import load_digits
X = load_digits().images[:, None]
fitted = pickle.load(open({str(path)!r}, "rb"))
fitted.set_params(device="cpu").partial_fit(X).sample(3)
""")
