import numpy as np
import pytest
import torch
from scipy.stats import multivariate_t
from scipy.stats import t as student_t

from sklearn_mine._encoding import TableEncoder
from sklearn_mine._student import student_scores, student_start
from sklearn_mine._table import as_table
from sklearn_mine.datasets import make_gaussian
from sklearn_mine.nn.student import StudentRatio, student_table


def _encoded(n=4000, **params):
    X, y = make_gaussian(n, random_state=0, **params)
    return tuple(
        TableEncoder("rank", ["auto"] * side.shape[1]).fit_transform(
            as_table(side, "X")
        )
        for side in (X, y.reshape(n, -1))
    )


@pytest.mark.parametrize("df", [1.0, 3.0])
def test_degrees_of_freedom_are_found_whatever_the_scale(df):
    start = student_start(*_encoded(rho=0.5, n_features=2, df=df))
    assert df / 1.5 <= start.df <= 1.5 * df
    assert start.scatter[0, 2] == pytest.approx(0.5, abs=0.05)


def test_gaussian_rows_have_no_tails():
    assert student_start(*_encoded(rho=0.7, n_features=3)) is None


def test_constant_columns_and_few_rows_have_none():
    x, y = _encoded(df=1.0)
    assert student_start(np.zeros_like(x), y) is None
    assert student_start(x, (y > 0).astype(float)) is None
    assert student_start(x[:6], y[:6]) is None


def test_constants_and_indicators_are_left_out():
    x, y = _encoded(rho=0.5, n_features=2, df=2.0)
    start = student_start(x, y)
    flag = (x[:, :1] > 1.0).astype(float)
    wide = np.c_[np.zeros(len(x)), x[:, :1], flag, x[:, 1:]]
    other = student_start(wide, y)
    assert list(other.x_columns) == [1, 3]
    assert other.df == start.df
    a, b, w = (student_scores(side[:30], start.df) for side in (x, y, wide))
    np.testing.assert_allclose(other.ratio(w, b), start.ratio(a, b), atol=1e-9)
    ratio = StudentRatio([other], 4, 2)
    sides = (torch.tensor(s[:30], dtype=torch.float32)[None] for s in (wide, y))
    every = ratio.all_pairs(*ratio.sides(*sides, slice(None)), slice(None))
    np.testing.assert_allclose(every[0].diagonal(), start.ratio(a, b), atol=1e-3)


def test_order_of_the_rows_does_not_matter(rng):
    x = np.sort(rng.normal(size=(30_000, 1)), axis=0)
    x = x[np.argsort(np.abs(x[:, 0]))]
    assert student_start(x, 0.8 * x + 0.6 * rng.normal(size=x.shape)) is None


def test_ratio_is_that_of_a_student_t():
    x, y = _encoded(rho=0.5, n_features=2, df=2.0)
    start = student_start(x, y)
    rows = np.arange(30)
    a, b = (student_scores(side[rows], start.df) for side in (x, y))
    parts = ((a, slice(0, 2)), (b, slice(2, 4)))
    expected = multivariate_t(shape=start.scatter, df=start.df).logpdf(np.c_[a, b])
    for values, here in parts:
        one = multivariate_t(shape=start.scatter[here, here], df=start.df)
        expected = expected - one.logpdf(values)
    ratio = StudentRatio([start, None], 2, 2)
    sides = (
        torch.tensor(s[rows], dtype=torch.float32).expand(2, -1, -1) for s in (x, y)
    )
    of_x, of_y = ratio.sides(*sides, slice(None))
    every = ratio.all_pairs(of_x, of_y, slice(None))
    np.testing.assert_allclose(start.ratio(a, b), expected, atol=1e-8)
    np.testing.assert_allclose(every[0].diagonal(), expected, atol=1e-3)
    assert not every[1].any()
    partners = torch.arange(30)[None]
    pairs = ratio.pairs(of_x, of_y, partners, slice(None))
    np.testing.assert_allclose(pairs[:, 0], every.diagonal(dim1=1, dim2=2), atol=1e-5)


def test_table_holds_all_pairs_of_scores():
    x, y = _encoded(rho=0.5, df=2.0)
    start = student_start(x, y)
    table = student_table(start, x[:5, 0], y[:7, 0])
    assert table.shape == (5, 7)
    assert np.isfinite(table).all()


def test_scores_are_quantiles():
    np.testing.assert_allclose(
        student_scores(np.array([-1.0, 0.0, 1.0]), 3.0),
        student_t.ppf([0.158655, 0.5, 0.841345], 3.0),
        atol=1e-5,
    )
