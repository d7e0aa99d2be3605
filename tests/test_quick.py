import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from sklearn_mine import mine_score
from sklearn_mine._encoding import level_column
from sklearn_mine._quick import QuickLook, quick_side

from ._data import gaussian_information, gaussian_pair


def _look(x, y, **how):
    """The quick look at two columns, and all that it is made of."""
    sides, codes = [], []
    for values in map(np.asarray, (x, y)):
        levels = level_column(values, **how)
        counts = np.bincount(levels.codes).astype(float)
        sides.append(quick_side(levels, counts))
        codes.append(levels.codes)
    table = np.zeros([len(functions) for functions, _ in sides])
    np.add.at(table, tuple(codes), 1.0)
    return QuickLook(*sides), table, codes


def test_each_row_is_scored_by_all_others(rng, monkeypatch):
    monkeypatch.setattr("sklearn_mine._quick._DECAYS", (1.0,))
    monkeypatch.setattr("sklearn_mine._quick._VARIANCES", (10.0,))
    n = 60
    x, y = gaussian_pair(n, 0.5, rng)
    look, table, (x_codes, y_codes) = _look(x[:, 0], y)
    (f, f_order), (g, g_order) = look.x, look.y
    prior = 10.0 / np.outer(f_order, g_order) ** 2
    products = f[x_codes][:, :, None] * g[y_codes][:, None]
    total = 0.0
    for i in range(n):
        of_others = products[np.arange(n) != i].sum(axis=0)
        total += (prior / (1.0 + prior) * of_others * products[i]).sum()
    # Its mean over all pairings of the rows is not quite zero.
    total -= n / (n - 1.0) * (prior / (1.0 + prior)).sum()
    assert look(table[None])[0][0] == pytest.approx(0.5 * total / n**2)


def test_weak_dependence_is_met_with_its_error():
    rho, n, rng = 0.2, 2000, np.random.default_rng(0)
    drawn = []
    for _ in range(100):
        x, y = gaussian_pair(n, rho, rng)
        look, table, _ = _look(x[:, 0], y)
        drawn.append([part[0] for part in look(table[None])])
    scores, errors = np.transpose(drawn)
    standard_error = scores.std() / 10.0
    truth = gaussian_information(rho)
    # Shrunk critics lose a little.
    assert 0.8 * truth < scores.mean() < truth + 4.0 * standard_error
    # The spread of 100 draws is known to 7 %; three of them.
    assert errors.mean() == pytest.approx(scores.std(), rel=0.21)


def test_independent_columns_scatter_about_zero():
    n, rng = 300, np.random.default_rng(0)
    scores, errors = [], []
    for _ in range(300):
        look, table, _ = _look(rng.normal(size=n), rng.normal(size=n))
        score, error = look(table[None])
        scores.append(score[0])
        errors.append(error[0])
    # Choosing among the priors by all rows may show, by a fraction of 1 / n.
    assert abs(np.mean(scores)) < 0.3 / n
    assert np.mean(errors) == pytest.approx(np.std(scores), rel=0.35)


@pytest.mark.parametrize("discrete", [True, False])
def test_labels_are_seen_whatever_their_order(discrete, rng):
    x = rng.integers(6, size=4000).astype(float)
    y = rng.normal(size=4000) + 0.3 * (-1.0) ** x
    look, table, _ = _look(x, y)
    truth = 0.5 * np.log1p(0.09)
    assert look(table[None])[0][0] == pytest.approx(truth, rel=0.35)


def test_finds_more_weak_signals_than_folds_do():
    # The same columns scored by folds: a splitter says that rows are not alike.
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(4):
        y = rng.normal(size=300)
        X = rng.normal(size=(300, 120))
        X[:, :20] += 0.13 * y[:, None]
        X[:, 20:40] *= np.exp(0.1 * y[:, None])
        true = np.arange(120) < 40
        folds = KFold(5, shuffle=True, random_state=0)
        areas.append(
            [
                roc_auc_score(true, mine_score(X, y, cv=cv, random_state=0)[0])
                for cv in (5, folds)
            ]
        )
    quick, folded = np.mean(areas, axis=0)
    assert quick > folded + 0.02


def test_groups_are_not_looked_at_row_by_row(rng):
    # Each row twice: whoever meets the own copy thinks that it generalises.
    x, y = rng.normal(size=(2, 100))
    x, y, groups = (np.repeat(v, 2) for v in (x, y, np.arange(100)))
    ordered, _ = mine_score(x[:, None], y, groups=groups, random_state=0)
    assert ordered[0] < 0.0


def test_both_ways_of_scoring_meet(rng):
    # Between weak and clear a score passes from one to the other without a step.
    rho = np.linspace(0.1, 0.4, 40)
    y = rng.normal(size=3000)
    e = rng.normal(size=3000)
    X = rho * y[:, None] + np.sqrt(1.0 - rho**2) * e[:, None]
    scores, _ = mine_score(X, y, random_state=0)
    assert (np.diff(scores) > 0.0).all()
    assert np.diff(scores).max() < 0.01


def test_rare_categories_count(rng):
    # One of forty categories shifts y, and none of the most frequent ones.
    code = np.minimum(rng.geometric(0.05, size=6000), 40)
    y = rng.normal(size=6000) + 1.2 * (code == 25)
    labels = np.array([f"c{i:02d}" for i in range(41)], dtype=object)[code]
    look, table, _ = _look(labels, y)
    score, error = look(table[None])
    assert score[0] > 2.0 * error[0]
