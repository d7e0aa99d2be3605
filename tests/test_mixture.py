import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from sklearn_mine._mixture import Mixture, mixture_start
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
    mixtures = [_mixture(rng), None, _mixture(rng, n_components=2)]
    module = MixtureRatio(mixtures, 2, 1)
    u, v = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    sides = (torch.tensor(s, dtype=torch.float32).expand(3, -1, -1) for s in (u, v))
    partners = (torch.arange(20)[None] + torch.tensor([[0], [3]])) % 20
    values = module.pairs(*module.sides(*sides, slice(None)), partners)
    for k in (0, 2):
        for r, shift in enumerate((0, 3)):
            expected = mixtures[k].ratio(u, np.roll(v, -shift, axis=0))
            np.testing.assert_allclose(values[k, r], expected, atol=2e-4)
    assert not values[1].any()


def _sides(make, **params):
    X, y = make(2000, random_state=0, **params)
    y = y.reshape(len(y), -1)
    return X[:1600], y[:1600], X[1600:], y[1600:]


def test_clusters_are_found():
    sides = _sides(make_clusters, n_clusters=3)
    mixture = mixture_start(*sides, lambda u, v: np.zeros(len(u)), seed=0)
    assert mixture.ratio(*sides[2:]).mean() > 0.8


def test_one_gaussian_is_not_beaten():
    rho = 0.6

    def truth(u, v):
        away = rho**2 * (u**2 + v**2) - 2 * rho * u * v
        return -0.5 * (away / (1 - rho**2) + np.log(1 - rho**2))[:, 0]

    assert mixture_start(*_sides(make_gaussian, rho=rho), truth, seed=0) is None


@pytest.mark.parametrize("n", [8, 20])
def test_few_rows_have_none_or_a_finite_one(n, rng):
    sides = [rng.normal(size=(n, 2)) for _ in range(4)]
    mixture = mixture_start(*sides, lambda u, v: np.zeros(len(u)), seed=0)
    assert mixture is None or np.isfinite(mixture.ratio(*sides[2:])).all()
