import math

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit

from sklearn_mine._columns import RIDGES, ColumnScorer
from sklearn_mine._crossfit import make_folds
from sklearn_mine._encoding import level_column
from sklearn_mine._params import Settings

from ._data import gaussian_information


def _scorer(y, *, cv=5, **settings):
    target = level_column(np.asarray(y, dtype=float))
    folds = make_folds(cv, len(y), stratify=None, groups=None, random_state=0)
    defaults = {"hidden_layer_sizes": (16,), "activation": "tanh"}
    return ColumnScorer(target, folds, Settings(**(defaults | settings)), 0)


def _score(columns, y, **parameters):
    columns = [np.asarray(column, dtype=float) for column in columns]
    return _scorer(y, **parameters).score(
        columns, encoding="rank", discrete=["auto"] * len(columns)
    )


def _related(n, rho, rng):
    x, e = rng.normal(size=(2, n))
    return x, rho * x + math.sqrt(1.0 - rho**2) * e


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_gaussian_column_is_scored_within_its_error(rho, rng):
    x, y = _related(5000, rho, rng)
    result = _score([x], y)
    # 32 levels lose little; 0.02 for it, three standard errors for the draw.
    assert result.scores[0] == pytest.approx(
        gaussian_information(rho), abs=3.0 * result.std_errors[0] + 0.02
    )


def test_discrete_columns_are_scored_exactly(rng):
    y = rng.integers(4, size=4000)
    x = np.where(rng.random(4000) < 0.1, (y + rng.integers(1, 4, size=4000)) % 4, y)
    result = _score([x], y)
    # The 4-ary symmetric channel of error 0.1: ln 4 - H(0.1) - 0.1 ln 3.
    truth = math.log(4) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9) - 0.1 * math.log(3)
    assert result.scores[0] == pytest.approx(
        truth, abs=3.0 * result.std_errors[0] + 0.01
    )


def test_dependence_without_correlation_is_scored(rng):
    x = rng.normal(size=2000)
    result = _score([x], x**2 + 0.3 * rng.normal(size=2000))
    # Above one nat in truth; the plain products see a part, the units the rest.
    assert result.scores[0] > 0.5


def test_score_does_not_depend_on_the_other_columns(rng):
    columns = list(rng.normal(size=(40, 300)))
    columns[3] = np.tile([0.0, 1.0, 2.0], 100)
    y = columns[0] + rng.normal(size=300)
    together = _score(columns, y)
    for j in (0, 3, 17):
        alone = _score([columns[j]], y)
        # The promise is 1e-6.
        assert alone.scores[0] == pytest.approx(together.scores[j], abs=1e-6)
        assert alone.p_values[0] == pytest.approx(together.p_values[j], abs=1e-6)
        assert alone.std_errors[0] == pytest.approx(together.std_errors[j], abs=1e-6)


def test_many_columns_are_scored_in_batches(rng):
    # More columns than one batch of critics holds.
    columns = list(rng.normal(size=(130, 100)))
    result = _score(columns, columns[129])
    assert result.scores.argmax() == 129
    assert (result.kinds == "newton").all()


def test_constant_column_scores_nothing(rng):
    result = _score([np.ones(100)], rng.normal(size=100))
    assert (result.scores[0], result.std_errors[0], result.p_values[0]) == (0, 0, 1)
    assert result.kinds[0] == "none"


def test_constant_target_scores_nothing(rng):
    result = _score([rng.normal(size=100)], np.ones(100))
    assert (result.scores[0], result.p_values[0]) == (0.0, 1.0)


def test_identifier_is_named(rng):
    names = np.array([f"row {i}" for i in range(100)], dtype=object)
    result = _scorer(rng.normal(size=100)).score(
        [names], encoding="rank", discrete=["auto"]
    )
    assert result.kinds[0] == "identifier"
    assert result.scores[0] == 0.0


def test_overlapping_folds_give_the_same_kind_of_score(rng):
    x, y = _related(1000, 0.8, rng)
    cv = ShuffleSplit(3, test_size=0.4, random_state=0)
    result = _score([x], y, cv=cv)
    # 0.511, by three overlapping folds of 400 rows.
    assert result.scores[0] == pytest.approx(
        gaussian_information(0.8), abs=3.0 * result.std_errors[0] + 0.03
    )


def test_leave_one_out_stays_finite(rng):
    result = _score([rng.normal(size=12)], rng.normal(size=12), cv=12)
    assert np.isfinite(result.scores).all()


def test_standard_errors_shrink_with_the_root_of_the_rows(rng):
    few = _score(*_as_score(_related(500, 0.6, rng)))
    many = _score(*_as_score(_related(8000, 0.6, rng)))
    # Sixteen times the rows: a quarter of the error, as far as 500 rows can tell.
    assert many.std_errors[0] == pytest.approx(few.std_errors[0] / 4.0, rel=0.25)


def _as_score(pair):
    return [pair[0]], pair[1]


def test_standard_error_is_the_spread_over_draws():
    rng = np.random.default_rng(5)
    results = [_score(*_as_score(_related(400, 0.6, rng))) for _ in range(60)]
    spread = np.std([result.scores[0] for result in results])
    claimed = np.mean([result.std_errors[0] for result in results])
    # The spread of 60 draws is known to 9 %; three of them.
    assert claimed == pytest.approx(spread, rel=0.3)


def test_independent_columns_scatter_about_or_below_zero(rng):
    result = _score(list(rng.normal(size=(100, 500))), rng.normal(size=500))
    assert result.scores.mean() < 0.002  # held-out: never above zero on average
    assert result.scores.min() > -0.05
    assert len(np.unique(result.scores)) == 100  # not clipped, so no ties


def test_gap_shows_where_the_solved_critic_falls_short(rng):
    x = rng.uniform(size=4000)
    waves = np.sin(40.0 * x) + 0.1 * rng.normal(size=4000)
    plain = x + 0.5 * rng.normal(size=4000)
    assert _score([x], waves, hidden_layer_sizes=(2,)).gaps[0] > 0.1
    assert abs(_score([x], plain).gaps[0]) < 0.05


def test_ridges_are_ordered():
    assert (np.diff(RIDGES) > 0).all()
