"""MINERegressor and MINEClassifier: scikit-learn's contract, and what they reach."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
)
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import RFECV, SelectFromModel
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_mine import MINEClassifier, MINERegressor

_SMALL = {"max_iter": 5, "hidden_layer_sizes": (8,), "cv": 2}


@parametrize_with_checks([MINERegressor(**_SMALL), MINEClassifier(**_SMALL)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("model", [MINERegressor(), MINEClassifier()])
def test_every_check_of_the_defaults_passes(model):
    results = check_estimator(model, on_skip=None)
    failed = [each for each in results if each["status"] not in ("passed", "skipped")]
    assert not failed


def _split(X, y, **options):
    return train_test_split(X, y, random_state=0, **options)


# What they reach


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_digits])
def test_classes_are_predicted_as_well_as_by_logistic_regression(load):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = _split(X, y, test_size=0.3, stratify=y)
    model = MINEClassifier(random_state=0).fit(X, y)
    rival = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    rival_loss = log_loss(y_test, rival.fit(X, y).predict_proba(X_test))
    probabilities = model.predict_proba(X_test)
    np.testing.assert_allclose(model.predict_log_proba(X_test), np.log(probabilities))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert log_loss(y_test, probabilities) <= 1.1 * rival_loss
    assert accuracy_score(y_test, model.predict(X_test)) >= 0.95


@pytest.mark.parametrize("name", ["diabetes", "friedman1"])
def test_numbers_are_predicted_as_well_as_by_ridge_and_forest(name):
    if name == "diabetes":
        X, y = load_diabetes(return_X_y=True)
    else:
        X, y = make_friedman1(1500, noise=1.0, random_state=0)
    X, X_test, y, y_test = _split(X, y, test_size=0.25)
    model = MINERegressor(random_state=0).fit(X, y)
    rivals = [RidgeCV(np.logspace(-3, 3, 13)), RandomForestRegressor(random_state=0)]
    best = max(rival.fit(X, y).score(X_test, y_test) for rival in rivals)
    assert r2_score(y_test, model.predict(X_test)) >= best - 0.03
    low, high = model.predict(X_test, quantiles=[0.1, 0.9]).T
    covered = ((low <= y_test) & (y_test <= high)).mean()
    # 80 %, with 3 standard errors of a share of so few rows.
    assert covered == pytest.approx(0.8, abs=3.0 * np.sqrt(0.16 / len(y_test)))
    assert model.score(X_test, y_test) > 0.0


def test_several_targets_are_predicted_together(rng):
    X = rng.normal(size=(800, 3))
    y = np.column_stack([X[:, 0] + 0.3 * rng.normal(size=800), 100.0 * X[:, 1] ** 2])
    X, X_test, y, y_test = _split(X, y)
    model = MINERegressor(random_state=0).fit(X, y)
    predicted = model.predict(X_test)
    assert predicted.shape == y_test.shape
    assert (r2_score(y_test, predicted, multioutput="raw_values") > 0.6).all()
    quantiles = model.predict(X_test, quantiles=[0.2, 0.5, 0.8])
    assert quantiles.shape == (len(X_test), 2, 3)
    assert (np.diff(quantiles, axis=2) >= 0.0).all()


def test_a_single_column_is_enough(rng):
    X = rng.uniform(-2.0, 2.0, size=(1500, 1))
    y = X[:, 0] ** 2 + 0.2 * rng.normal(size=1500)
    model = MINERegressor(random_state=0).fit(X, y)
    predicted = model.predict([[-1.5], [0.0], [1.5]])
    np.testing.assert_allclose(predicted, [2.25, 0.0, 2.25], atol=0.25)
    labels = np.where(X[:, 0] > 0.5, "high", "low")
    classifier = MINEClassifier(random_state=0).fit(X, labels)
    assert classifier.predict([[1.5], [-1.5]]).tolist() == ["high", "low"]
    assert classifier.classes_.tolist() == ["high", "low"]


# scikit-learn's tools


def test_importances_see_interactions_and_select(rng):
    X = rng.normal(size=(1200, 5))
    y = np.where(X[:, 1] * X[:, 3] > 0.0, "same", "other")
    model = MINEClassifier(cv=3, random_state=0).fit(X, y)
    found = model.feature_importances_
    assert set(np.argsort(found)[-2:]) == {1, 3}
    assert found[[1, 3]].min() > 0.2
    assert np.abs(found[[0, 2, 4]]).max() < 0.05
    select = SelectFromModel(model, prefit=True, threshold=0.1)
    assert select.get_support().tolist() == [False, True, False, True, False]
    shuffled = permutation_importance(
        model, X, y, scoring="accuracy", n_repeats=2, random_state=0
    )
    assert set(np.argsort(shuffled.importances_mean)[-2:]) == {1, 3}


def test_scikit_learns_tools_take_them():
    X, y = load_iris(return_X_y=True)
    quick = MINEClassifier(solver="newton", cv=2, random_state=0)
    scores = cross_validate(quick, X, y, scoring=["accuracy", "neg_log_loss"], cv=3)
    assert scores["test_accuracy"].mean() > 0.9
    assert np.isfinite(scores["test_neg_log_loss"]).all()
    assert np.isfinite(cross_val_score(quick, X, y, cv=2)).all()
    grid = GridSearchCV(quick, {"hidden_layer_sizes": [(4,), (16,)]}, cv=2).fit(X, y)
    assert grid.best_params_["hidden_layer_sizes"] in [(4,), (16,)]
    calibrated = CalibratedClassifierCV(quick, cv=3).fit(X, y)
    assert accuracy_score(y, calibrated.predict(X)) > 0.9
    rfe = RFECV(quick, min_features_to_select=2, cv=2, scoring="accuracy").fit(X, y)
    assert rfe.get_support()[2] or rfe.get_support()[3]
    regressor = MINERegressor(solver="newton", cv=2, random_state=0)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(regressor, X[:, :3], X[:, 3], scoring="r2", cv=folds)
    assert scores.mean() > 0.8


def test_text_missing_cells_and_frames_are_taken(rng):
    n = 400
    kind = rng.choice(["a", "b", "c"], size=n).astype(object)
    kind[rng.random(n) < 0.1] = None
    frame = pd.DataFrame({"kind": kind, "number": rng.normal(size=n)})
    frame.loc[rng.random(n) < 0.1, "number"] = np.nan
    y = np.where(frame["kind"] == "a", 2.0, 0.0) + 0.3 * rng.normal(size=n)
    model = MINERegressor(random_state=0).fit(frame, y)
    assert r2_score(y, model.predict(frame)) > 0.7
    assert model.feature_names_in_.tolist() == ["kind", "number"]
    assert model.feature_importances_.argmax() == 0
    unseen = pd.DataFrame({"kind": ["new"], "number": [np.nan]})
    assert np.isfinite(model.predict(unseen)).all()
    tags = model.__sklearn_tags__().input_tags
    assert tags.allow_nan
    assert tags.string


def test_predictions_depend_on_neither_jobs_nor_batches(rng):
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + 0.5 * rng.normal(size=300)
    one, two = (
        MINERegressor(solver="newton", n_jobs=n_jobs, random_state=0).fit(X, y)
        for n_jobs in (1, 2)
    )
    predicted = one.predict(X)
    np.testing.assert_array_equal(two.predict(X), predicted)
    np.testing.assert_array_equal(two.feature_importances_, one.feature_importances_)
    np.testing.assert_allclose(one.predict(X[:1]), predicted[:1], rtol=1e-12)
    assert (predicted >= y.min()).all()
    assert (predicted <= y.max()).all()


def test_where_there_is_nothing_to_tell_the_marginal_is_predicted(rng):
    y = rng.normal(size=60)
    constant = MINERegressor(random_state=0).fit(np.ones((60, 2)), y)
    np.testing.assert_allclose(constant.predict(np.ones((3, 2))), y.mean())
    low, high = constant.predict(np.ones((1, 2)), quantiles=[0.1, 0.9])[0]
    np.testing.assert_allclose([low, high], np.quantile(y, [0.1, 0.9]), atol=0.2)
    labels = np.repeat(["a", "b", "b"], 20)
    classifier = MINEClassifier(random_state=0).fit(np.ones((60, 1)), labels)
    np.testing.assert_allclose(classifier.predict_proba([[1.0]]), [[1 / 3, 2 / 3]])
    one_class = MINEClassifier().fit(rng.normal(size=(20, 1)), np.repeat("a", 20))
    assert one_class.predict([[0.0]]).tolist() == ["a"]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda X, y: MINERegressor().fit(X, np.repeat("a", len(X))), "MINEClassifier"),
        (
            lambda X, y: MINERegressor(solver="newton").fit(X, y).predict(X, [2]),
            "quant",
        ),
        (lambda X, y: MINEClassifier().fit(X, y), "Unknown label type"),
        (lambda X, y: MINERegressor(cv=1).fit(X, y), "cv"),
    ],
)
def test_errors_say_what_would_do(call, match, rng):
    X = rng.normal(size=(30, 2))
    with pytest.raises(ValueError, match=match):
        call(X, X[:, 0] + rng.normal(size=30))


def test_labels_that_fit_never_saw_cannot_be_scored(rng):
    X = rng.normal(size=(40, 2))
    model = MINEClassifier(solver="newton", random_state=0).fit(X, np.arange(40) % 2)
    with pytest.raises(ValueError, match="never saw"):
        model.score(X, np.arange(40) % 3)


def test_quantiles_do_not_mind_the_level_of_the_target(rng):
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + 0.5 * rng.normal(size=300)
    model = MINERegressor(solver="newton", random_state=0)
    levels = [0.1, 0.5, 0.9]
    plain = model.fit(X, y).predict(X[:20], quantiles=levels)
    raised = model.fit(X, 1e8 + y).predict(X[:20], quantiles=levels)
    np.testing.assert_allclose(raised - 1e8, plain, atol=1e-4)


def test_more_classes_than_critics_tell_apart_are_predicted(rng):
    labels = np.arange(1600) % 80
    centres = 4.0 * rng.normal(size=(80, 6))
    X = centres[labels] + rng.normal(size=(1600, 6))
    model = MINEClassifier(solver="newton", cv=2, random_state=0).fit(X, labels)
    assert accuracy_score(labels, model.predict(X)) > 0.85


def test_folds_that_test_few_rows_leave_powers_as_they_are(rng):
    X = rng.normal(size=(600, 2))
    y = np.column_stack([X[:, 0] + 0.5 * rng.normal(size=600), rng.normal(size=600)])
    few = ShuffleSplit(2, test_size=3, random_state=0)
    for target in (y, y[:, 0]):
        model = MINERegressor(solver="newton", cv=few, random_state=0).fit(X, target)
        assert 0.3 < model.powers_[0] < 2.5
        assert np.isfinite(model.predict(X[:5])).all()


@pytest.mark.parametrize("unit", [1.7e308, 1e300, 1e-300, 1e-320])
def test_numbers_of_any_size_are_predicted(unit, rng):
    x = rng.uniform(-1.0, 1.0, size=(200, 1))
    y = np.clip(x[:, 0] + 0.05 * rng.normal(size=200), -1.0, 1.0)
    parts = []
    # 1e-320 holds three digits: rounded alike, both have the same ranks and ties.
    y = (unit * y) / unit
    for scale in (1.0, unit):
        model = MINERegressor(solver="newton", cv=2, random_state=0)
        model.fit(x, scale * y)
        parts.append(model.predict(x, quantiles=[0.0, 0.1, 0.5, 1.0]) / scale)
        parts.append(model.predict(x)[:, None] / scale)
    for plain, scaled in zip(parts[:2], parts[2:], strict=True):
        # 1e-320 holds three digits.
        np.testing.assert_allclose(scaled, plain, atol=0.01)
