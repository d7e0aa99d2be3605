import threading
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning

from sklearn_mine._mixture import Mixture, PairBound, mixture_start, quiet_fits
from sklearn_mine.datasets import make_clusters, make_gaussian
from sklearn_mine.nn.mixture import MixtureRatio


def _mixture(rng, n_components=3, n_x=2, n_y=1):
    d = n_x + n_y
    roots = rng.normal(size=(n_components, d, d))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(d)
    weights = rng.dirichlet(np.ones(n_components))
    return Mixture(weights, rng.normal(size=(n_components, d)), covariances, n_x)


def test_ratio_is_that_of_the_densities(rng):
    mixture = _mixture(rng)
    u, v = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))

    def density(values, columns):
        return sum(
            w * multivariate_normal(m[columns], c[columns, columns]).pdf(values)
            for w, m, c in zip(
                mixture.weights, mixture.means, mixture.covariances, strict=True
            )
        )

    both = density(np.c_[u, v], slice(0, 3))
    alone = density(u, slice(0, 2)) * density(v, slice(2, 3))
    np.testing.assert_allclose(mixture.ratio(u, v), np.log(both / alone))


def test_module_gives_the_same_ratio(rng):
    mixtures = [_mixture(rng), None, _mixture(rng, n_components=2, n_x=1)]
    module = MixtureRatio(mixtures)
    u, v = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    sides = (torch.tensor(s, dtype=torch.float32).expand(3, -1, -1) for s in (u, v))
    partners = (torch.arange(20)[None] + torch.tensor([[0], [3]])) % 20
    values = module.pairs(*module.sides(*sides, slice(None)), partners)
    for k in (0, 2):
        for r, shift in enumerate((0, 3)):
            expected = mixtures[k].ratio(
                u[:, : mixtures[k].n_x], np.roll(v, -shift, axis=0)
            )
            np.testing.assert_allclose(values[k, r], expected, atol=2e-4)
    assert not values[1].any()


def test_further_coordinates_tell_nothing(rng):
    mixture = _mixture(rng)
    u, v = rng.normal(size=(20, 4)), rng.normal(size=(20, 3))
    np.testing.assert_allclose(
        mixture.among(4, 3).ratio(u, v), mixture.ratio(u[:, :2], v[:, :1])
    )


def _start(u, v, critic=lambda u, v: np.zeros(len(u))):
    """The mixture of four rows in five, judged by the fifth."""
    u, v = u.reshape(len(u), -1), v.reshape(len(v), -1)
    rows = np.arange(len(u))
    bound = PairBound(rows[::5])
    least = bound(lambda i, j: critic(u[i], v[j]))
    return mixture_start(u, v, rows[rows % 5 > 0], bound, least, seed=0)


def test_clusters_are_found():
    X, y = make_clusters(2000, n_clusters=3, random_state=0)
    others = make_clusters(500, n_clusters=3, random_state=1)
    assert _start(X, y).ratio(*others).mean() > 0.8


def test_what_other_starts_reach_is_not_beaten_by_little():
    rho = 0.6

    def truth(u, v):
        away = rho**2 * (u**2 + v**2) - 2 * rho * u * v
        return -0.5 * (away / (1 - rho**2) + np.log(1 - rho**2))[:, 0]

    X, y = make_gaussian(2000, rho=rho, random_state=0)
    assert _start(X, y, truth) is None


@pytest.mark.parametrize("n", [10, 25])
def test_few_rows_have_none_or_a_finite_one(n, rng):
    u, v = rng.normal(size=(2, n, 2))
    mixture = _start(u, v)
    assert mixture is None or np.isfinite(mixture.ratio(u, v)).all()


def test_fits_are_quiet_until_the_last_thread_leaves():
    before = list(warnings.filters)
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with quiet_fits():
            entered.set()
            leave.wait(10.0)

    other = threading.Thread(target=stay)
    with quiet_fits():
        other.start()
        entered.wait(10.0)
    # This thread is done, the other is not.
    with warnings.catch_warnings(record=True) as told:
        warnings.warn("a fit ended early", ConvergenceWarning, stacklevel=1)
    assert not told
    leave.set()
    other.join()
    assert warnings.filters == before
