import builtins

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mine.information_bottleneck import (
    InformationBottleneckClassifier,
    InformationPlane,
)
from sklearn_mine.plotting import InformationPlaneDisplay


@pytest.fixture(autouse=True)
def no_windows():
    matplotlib.use("Agg")
    yield
    plt.close("all")


class _Fitted:
    def __init__(self, beta, *plane):
        self.beta, self.mutual_info_ = beta, InformationPlane(*plane)


def test_plane_shows_each_estimator_where_it_stands():
    _, ax = plt.subplots()
    estimators = [_Fitted(1e-3, 5.0, 2.2), _Fitted(1.0, 1.0, 0.9)]
    display = InformationPlaneDisplay.from_estimators(estimators, ax=ax, entropy=2.3)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert display.line_.get_xydata().tolist() == [[5.0, 2.2], [1.0, 0.9]]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["H(y)", "beta=0.001", "beta=1"]


def test_plane_takes_generators_arrays_of_labels_and_pipelines():
    fitted = [_Fitted(1e-3, 5.0, 2.2), _Fitted(1.0, 1.0, 0.9)]
    labels = np.array(["a", "b"])
    display = InformationPlaneDisplay.from_estimators(
        (each for each in fitted), labels=labels
    )
    assert len(display.line_.get_xdata()) == 2
    assert [text.get_text() for text in display.ax_.texts] == ["a", "b"]
    model = InformationBottleneckClassifier()
    model.mutual_info_ = InformationPlane(5.0, 2.2)
    alone = InformationPlaneDisplay.from_estimators(
        make_pipeline(StandardScaler(), model)
    )
    assert alone.line_.get_xydata().tolist() == [[5.0, 2.2]]


def test_plane_makes_axes_of_its_own():
    first = InformationPlaneDisplay([1.0], [0.5]).plot()
    second = InformationPlaneDisplay([1.0], [0.5]).plot(color="red")
    assert first.ax_ is not second.ax_
    assert second.line_.get_color() == "red"


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="lists of one length"):
        InformationPlaneDisplay([1.0, 2.0], [0.5])
    with pytest.raises(ValueError, match="labels has 2 texts for 1 points"):
        InformationPlaneDisplay([1.0], [0.5], labels=["a", "b"])
    with pytest.raises(ValueError, match=r"estimators \[0\] have no mutual_info_"):
        InformationPlaneDisplay.from_estimators([object()])


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(ImportError, match="InformationPlaneDisplay needs matplotlib"):
        InformationPlaneDisplay([1.0], [0.5]).plot()
