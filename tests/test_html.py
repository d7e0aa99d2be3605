"""What notebooks show of estimators."""

import numpy as np
import pytest
from sklearn import config_context

from sklearn_mine import MINE, MINERegressor, MINESelector
from sklearn_mine.generative import MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier


@pytest.fixture
def table(rng):
    X = rng.normal(size=(300, 3))
    return X, X[:, 1] + 0.5 * rng.normal(size=300)


def _shown(estimator):
    bundle = estimator._repr_mimebundle_()
    assert bundle["text/plain"] == repr(estimator)
    # The diagram's numbers differ from call to call.
    figures, again = (
        text.partition('<table style="margin')[2]
        for text in (bundle["text/html"], estimator._repr_html_())
    )
    assert figures == again
    assert type(estimator).__name__ in bundle["text/html"]
    return bundle["text/html"]


def test_the_estimate_and_its_interval_are_shown_once_fitted(table):
    X, y = table
    mine = MINE(random_state=0, units="bits")
    assert "mutual information</th>" not in _shown(mine)
    text = _shown(mine.fit(X[:, [1]], y))
    low, high = mine.confidence_interval()
    assert (
        f"{mine.mutual_info_:.3f} bits (95% interval {low:.3f} to {high:.3f})" in text
    )
    with config_context(display="text"):
        assert "text/html" not in mine._repr_mimebundle_()


@pytest.mark.parametrize(
    ("estimator", "figure"),
    [
        (MINERegressor(solver="newton", random_state=0), "mutual information</th>"),
        (
            InformationBottleneckClassifier(max_iter=2, max_samples=100),
            "information of codes about X</th>",
        ),
        (
            MINEGAN(hidden_layer_sizes=8, max_iter=1, random_state=0),
            "energy distance from rows</th>",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_models_show_what_they_reached(table, estimator, figure):
    X, y = table
    if isinstance(estimator, InformationBottleneckClassifier):
        y = y > 0
    assert figure not in _shown(estimator)
    assert figure in _shown(estimator.fit(X, y))


def test_columns_that_were_kept_are_named_and_escaped(table):
    pd = pytest.importorskip("pandas")
    X, y = table
    frame = pd.DataFrame(X, columns=["a", "<b>", "c"])
    selector = MINESelector(random_state=0)
    assert "columns kept" not in _shown(selector)
    text = _shown(selector.fit(frame, y))
    assert "1 of 3" in text
    assert "&lt;b&gt;</td>" in text
    step = selector.path_[-1]
    assert f"{step['mutual_info']:.3f} nats" in text
    wide = MINESelector(n_features_to_select=11, redundancy=None, random_state=0)
    wide.fit(np.random.default_rng(0).normal(size=(100, 12)), y[:100])
    assert "and 1 more" in _shown(wide)
