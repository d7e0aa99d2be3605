import numpy as np
import pytest

from sklearn_mine import datasets
from sklearn_mine.datasets import Component, Mixture

FAMILIES = [
    datasets.make_arms,
    datasets.make_clusters,
    datasets.make_gaussian,
    datasets.make_labels,
    datasets.make_outliers,
    datasets.make_ring,
    datasets.make_shells,
    datasets.make_waves,
]


@pytest.mark.parametrize("make", FAMILIES)
def test_rows_are_seeded(make):
    X, y = make(50, random_state=3)
    again = make(50, random_state=3)
    assert X.shape[0] == y.shape[0] == 50
    np.testing.assert_array_equal(X, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(X, make(50, random_state=4)[0])


def test_rows_without_a_seed_differ():
    # conftest.py sees to it that the global generator is left alone.
    assert not np.array_equal(datasets.make_arms(10)[0], datasets.make_arms(10)[0])


def test_one_gaussian_has_the_closed_form():
    mixture = Mixture([Component([1, 2], [[1, 0.6], [0.6, 1]])])
    mi, error = mixture.mutual_info(100_000)
    assert mi == pytest.approx(-0.5 * np.log(1 - 0.36), abs=4 * error)


@pytest.mark.parametrize(("rho", "d", "df"), [(0.5, 1, 1.0), (0.0, 2, 3.0)])
def test_student_closed_form_is_the_mean_of_the_pointwise_information(rho, d, df):
    *_, mi = datasets.make_gaussian(
        2, rho=rho, n_features=d, df=df, random_state=0, return_mi=True
    )
    covariance = np.eye(2 * d)
    for i in range(d):
        covariance[i, d + i] = covariance[d + i, i] = rho
    mixture = Mixture([Component(np.zeros(2 * d), covariance, df)], d)
    mean, error = mixture.mutual_info(200_000)
    assert mi == pytest.approx(mean, abs=4 * error)


def test_label_that_is_the_component_carries_its_entropy():
    far = [Component([100.0 * k], [[1.0]], label_shares=np.eye(4)[k]) for k in range(4)]
    X, y = Mixture(far).sample(100, random_state=0)
    pointwise = Mixture(far).pointwise_mutual_info(X, y)
    np.testing.assert_allclose(pointwise, np.log(4))


def test_independent_parts_of_a_gaussian_carry_nothing():
    mixture = Mixture([Component([0, 0, 0], np.eye(3))], n_features=2)
    X, y = mixture.sample(20, random_state=0)
    np.testing.assert_allclose(mixture.pointwise_mutual_info(X, y), 0.0, atol=1e-12)


def test_truth_does_not_depend_on_the_rows():
    a = datasets.make_arms(10, random_state=0, return_mi=True)[2]
    b = datasets.make_arms(20, random_state=1, return_mi=True)[2]
    assert a == b == pytest.approx(0.661, abs=0.005)


PAIR = Component([0, 0], np.eye(2))


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Component([0, 0], [[1, 2], [2, 1]]), "positive definite"),
        (lambda: Component([0, 0], np.eye(3)), "covariance"),
        (lambda: Component([0], [[1]], df=0), "df"),
        (lambda: Component([0], [[1]], label_shares=[0.5, 0.4]), "label_shares"),
        (lambda: Component([0], [[1]], label_shares=["a"]), "label_shares"),
        (lambda: Component([0], [[1]], df="a"), "df"),
        (lambda: Component("a", [[1]]), "mean"),
        (lambda: Component([np.nan], [[1]]), "mean"),
        (lambda: Component([], np.empty((0, 0))), "mean"),
        (lambda: Component([0], None), "covariance"),
        (lambda: Mixture([]), "components"),
        (lambda: Mixture(3), "components"),
        (lambda: Mixture([1]), "components"),
        (lambda: Mixture([PAIR], "a"), "n_features"),
        (lambda: Mixture([PAIR], weights="a"), "weights"),
        (lambda: Mixture([PAIR]).sample(-1), "n_samples"),
        (lambda: Mixture([PAIR]).sample(1, random_state="a"), "random_state"),
        (lambda: Mixture([PAIR]).mutual_info(0), "n_draws"),
        (lambda: Mixture([PAIR]).pointwise_mutual_info("a", [1]), "X"),
        (lambda: Mixture([PAIR]).pointwise_mutual_info([[1]], ["a"]), "y"),
        (lambda: Mixture([PAIR]).pointwise_mutual_info([[1]], [[1, 2]]), "y"),
        (lambda: Mixture([PAIR]).pointwise_mutual_info([[1]], 2), "y"),
        (lambda: Mixture([Component([0, 0], np.eye(2))], 2), "n_features"),
        (lambda: Mixture([Component([0, 0], np.eye(2))], weights=[1, 1]), "weights"),
        (lambda: datasets.make_arms(rho=1.0), "rho"),
        (lambda: datasets.make_shells(0), "n_samples"),
    ],
)
def test_bad_input_is_named(build, named):
    with pytest.raises(ValueError, match=named):
        build()


def test_components_without_weight_are_left_out():
    for share in (0.0, 1.0):
        X, _, mi = datasets.make_outliers(
            50, share=share, random_state=0, return_mi=True
        )
        assert np.isfinite(mi)
        assert X.shape == (50, 2)


def test_many_degrees_of_freedom_are_a_gaussian():
    for df in (1e9, 1e15):
        *_, mi = datasets.make_gaussian(
            10, rho=0.5, df=df, random_state=0, return_mi=True
        )
        assert mi == pytest.approx(-0.5 * np.log(0.75))


@pytest.mark.parametrize("labels", [[-1, 0], [0.5, 1.0], [0, 7]])
def test_labels_that_are_none_are_refused(labels):
    shares = np.eye(2)
    mixture = Mixture([Component([k], [[1.0]], label_shares=shares[k]) for k in (0, 1)])
    assert mixture.pointwise_mutual_info([[0.0], [1.0]], [[0], [1]]).shape == (2,)
    with pytest.raises(ValueError, match="from 0 to 1"):
        mixture.pointwise_mutual_info([[0.0], [1.0]], labels)
