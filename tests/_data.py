"""What the tests share: distributions whose mutual information is known.

Each generator takes (n, rng) and returns X, y; each truth is written as its formula.
"""

import math

import numpy as np
import torch
from scipy.stats import norm
from sklearn.datasets import load_digits


def surroundings():
    """What no call may change: global random states and torch's thread count."""
    _, key, position, *_ = np.random.get_state()  # noqa: NPY002
    return (
        key.tobytes(),
        position,
        torch.get_rng_state().numpy().tobytes(),
        torch.get_num_threads(),
    )


def gaussian_pair(n, rho, rng):
    """Two normal columns of correlation rho."""
    x = rng.normal(size=n)
    y = rho * x + math.sqrt(1.0 - rho**2) * rng.normal(size=n)
    return x[:, None], y


def gaussian_information(rho, d=1):
    """I of d independent pairs of correlation rho."""
    return -0.5 * d * math.log(1.0 - rho**2)


def binary_entropy(p):
    return -p * math.log(p) - (1.0 - p) * math.log(1.0 - p)


def _uniform_plus_noise(n, rng, m=5):
    x = rng.integers(m, size=n)
    return x[:, None], x + rng.uniform(0.0, 2.0, size=n)


def _zero_inflated_poisson(n, rng, p=0.15):
    x = rng.exponential(size=n)
    return x[:, None], np.where(rng.random(n) < p, 0, rng.poisson(x))


def _dropout(n, rng, p=0.3, rho=0.9):
    x, y = gaussian_pair(n, rho, rng)
    return x, np.where(rng.random(n) < p, 0.0, y)


def _symmetric_channel(n, rng, q=4, error=0.1):
    x = rng.integers(q, size=n)
    wrong = (x + rng.integers(1, q, size=n)) % q
    return x[:, None], np.where(rng.random(n) < error, wrong, x)


def _beta_bernoulli(n, rng):
    x = rng.uniform(size=n)
    return x[:, None], (rng.random(n) < x).astype(int)


def _probit(n, rng):
    x = rng.normal(size=n)
    return x[:, None], (x + rng.normal(size=n) > 0).astype(int)


def _quantised(n, rng, levels=8):
    x = rng.normal(size=n)
    return x[:, None], np.floor(levels * norm.cdf(x)).astype(int)


def _parity(n, rng):
    z = rng.normal(size=(n, 2))
    return z, np.abs(rng.normal(size=n)) * np.sign(z[:, 0] * z[:, 1])


def _digits_same_class(n, rng):
    images, labels = load_digits(return_X_y=True)
    pairs = [
        rng.choice(np.flatnonzero(labels == label), size=2, replace=False)
        for label in rng.integers(10, size=n)
    ]
    first, second = np.transpose(pairs)
    return images[first], images[second]


def _zero_inflated_poisson_information(p=0.15):
    # 0.301245 is I(X; Poisson(X)) for X ~ Exp(1).
    inner = 0.301245 - math.log(2.0) / 2.0 + 0.25
    kept = (1.0 - p) * inner - (1.0 + p) / 4.0
    zeros = -(p**2) * math.log(p) / (2.0 * (1.0 - p))
    return kept + zeros - (1.0 + p) / 2.0 * math.log((1.0 + p) / 2.0)


# Name: (generator, information in nats).
CLOSED_FORMS = {
    "uniform plus noise": (
        _uniform_plus_noise,
        math.log(5.0) - 4.0 / 5.0 * math.log(2.0),
    ),
    "zero-inflated Poisson": (
        _zero_inflated_poisson,
        _zero_inflated_poisson_information(),
    ),
    "Gaussian with zeros": (_dropout, 0.7 * gaussian_information(0.9)),
    "symmetric channel": (
        _symmetric_channel,
        math.log(4.0) - binary_entropy(0.1) - 0.1 * math.log(3.0),
    ),
    "uniform and Bernoulli": (_beta_bernoulli, math.log(2.0) - 0.5),
    "probit": (_probit, math.log(2.0) - 0.5),
    "quantised in eight": (_quantised, math.log(8.0)),
    "parity of two": (_parity, math.log(2.0)),
    "digits of one class": (_digits_same_class, math.log(10.0)),
}
