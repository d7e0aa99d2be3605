import pickle
import warnings

import pytest
from sklearn.base import clone

from sklearn_mine import (
    MINE,
    MINEClassifier,
    MINERegressor,
    MINESelector,
    _saved,
)
from sklearn_mine.generative import MINEALI, MINEGAN
from sklearn_mine.information_bottleneck import InformationBottleneckClassifier


@pytest.mark.parametrize(
    "kind",
    [
        MINE,
        MINEClassifier,
        MINERegressor,
        MINESelector,
        InformationBottleneckClassifier,
        MINEGAN,
        MINEALI,
    ],
)
def test_what_another_version_saved_is_named(kind, monkeypatch):
    model = kind(random_state=3)
    saved = pickle.dumps(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(saved)
        assert again.get_params().keys() == clone(model).get_params().keys()
    assert vars(again).keys() == vars(model).keys()
    monkeypatch.setattr(_saved, "__version__", "99.0")
    match = f"This {kind.__name__} was saved with sklearn_mine 0.* loaded with 99.0"
    with pytest.warns(UserWarning, match=match):
        pickle.loads(saved)
