"""scikit-learn's callbacks hear of fits, where it has them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_mine import MINE, MINEClassifier, MINERegressor, MINEScore, MINESelector
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier

pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")


class Listener:
    """Keeps what it hears; may ask to stop."""

    def __init__(self, stop_after=None):
        self.heard, self.stop_after = [], stop_after

    def setup(self, estimator, context):
        self.heard.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.heard.append(f"end {context.task_name}")
        done = self.heard.count(f"end {context.task_name}")
        return context.task_name != "fit" and done == self.stop_after

    def teardown(self, estimator, context):
        self.heard.append("teardown")


@pytest.fixture
def data(rng):
    X = rng.normal(size=(80, 3))
    return X, (X[:, 0] > 0).astype(int)


_SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
_GAN = {**_SMALL, "beta": 0.0, "discriminator_hidden_layer_sizes": (4,)}
_ESTIMATORS = [
    MINE(solver="adam", cv=2, **_SMALL),
    MINEClassifier(solver="adam", cv=2, **_SMALL),
    MINERegressor(solver="adam", cv=2, **_SMALL),
    InformationBottleneckClassifier(max_samples=0, **_SMALL),
    MINEGAN(**_GAN),
    MINEALI(**_GAN),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", _ESTIMATORS, ids=lambda each: type(each).__name__)
def test_passes_are_told(estimator, data):
    listener, estimator = Listener(), clone(estimator)
    assert estimator.set_callbacks(listener).fit(*data) is estimator
    assert listener.heard[:2] == ["setup", "begin fit"]
    assert listener.heard[-2:] == ["end fit", "teardown"]
    assert listener.heard.count("begin pass") == estimator.n_iter_ > 0
    assert listener.heard.count("end pass") == estimator.n_iter_
    # What is kept holds no estimator, and can be pickled.
    estimator.set_callbacks()
    pickle.loads(pickle.dumps(estimator))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", _ESTIMATORS, ids=lambda each: type(each).__name__)
def test_a_callback_may_end_the_training(estimator, data):
    estimator = clone(estimator).set_params(max_iter=5)
    assert estimator.set_callbacks(Listener(stop_after=1)).fit(*data).n_iter_ == 1


@pytest.mark.filterwarnings("ignore")
def test_whoever_asks_to_stop_stops_all_that_would_follow(data):
    X, _ = data
    listener = Listener(stop_after=1)
    mine = MINE(solver="adam", cv=2, **_SMALL).set_callbacks(listener)
    mine.fit(X[:, :1], X[:, 1], given=X[:, 2])
    assert listener.heard.count("end pass") == 1


@pytest.mark.filterwarnings("ignore")
def test_pieces_and_early_stopping_are_told(data):
    X, y = np.tile(data[0], (10, 1)), np.tile(data[1], 10)
    X = X + np.random.default_rng(0).normal(size=X.shape)
    listener = Listener()
    how = {**_SMALL, "max_iter": 30, "n_iter_no_change": 2}
    mine = MINE(solver="adam", cv=2, **how).set_callbacks(listener)
    for rows in np.array_split(np.arange(len(X)), 2):
        mine.partial_fit(X[rows], y[rows])
    assert listener.heard.count("begin fit") == 2
    assert listener.heard.count("end pass") == len(mine.history_)


def test_scores_may_be_monitored(data):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="r2")
    X, _ = data
    MINERegressor(solver="newton", random_state=0).set_callbacks(monitor).fit(
        X, X[:, 0]
    )
    assert monitor.get_logs()


def test_steps_of_a_selection_are_told(rng):
    X = rng.normal(size=(300, 4))
    y = X[:, 1] + X[:, 2] + 0.3 * rng.normal(size=300)
    listener = Listener()
    selector = MINESelector(MINEScore(solver="newton"), random_state=0)
    selector.set_callbacks(listener).fit(X, y)
    assert listener.heard.count("end step") == len(selector.path_) == 2


@pytest.mark.filterwarnings("ignore:The")
def test_those_of_a_pipeline_are_handed_on(data):
    class Handed(Listener):
        max_propagation_depth = None

    listener = Handed()
    model = make_pipeline(clone(_ESTIMATORS[1])).set_callbacks(listener)
    model.fit(*data)
    assert "end pass" in listener.heard


def test_an_error_leaves_nothing_behind(data):
    X, _ = data
    listener, mine = Listener(), MINE(cv=2, random_state=0)
    mine.set_callbacks(listener)
    with pytest.raises(ValueError, match="y contains NaN"):
        mine.fit(X, np.full(len(X), np.nan))
    assert listener.heard[-1] == "teardown"
    assert not [name for name in vars(mine) if "callback_fit" in name]
