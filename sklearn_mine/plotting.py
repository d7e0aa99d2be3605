"""Displays, in scikit-learn's manner: they hold what is drawn, and draw it."""

import numpy as np
from sklearn.pipeline import Pipeline


def _axes(ax, caller):
    """The axes to draw on, new ones for None."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib. Install it: pip install "sklearn-mine[plots]".'
        ) from error
    return plt.subplots()[1] if ax is None else ax


class InformationPlaneDisplay:
    """What codes keep of the input, I(X; Z), against what they tell of y, I(Z; y).

    Parameters
    ----------
    input, target : array-like of shape (n_points,)
        I(X; Z) and I(Z; y), in nats, in the order in which points are joined.

    labels : list of str, default=None
        Written beside the points.

    entropy : float, default=None
        H(y), which I(Z; y) cannot pass; drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes

    figure_ : matplotlib Figure

    line_ : matplotlib Line2D

    References
    ----------
    Tishby and Zaslavsky (2015), "Deep learning and the information bottleneck
    principle".

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn_mine.plotting import InformationPlaneDisplay
    >>> display = InformationPlaneDisplay([1.0, 3.0], [0.5, 0.6], labels=["a", "b"])
    >>> display.plot().ax_.get_xlabel()
    'I(X; Z) in nats'
    """

    def __init__(self, input, target, *, labels=None, entropy=None):
        self.input, self.target = np.asarray(input), np.asarray(target)
        if self.input.shape != self.target.shape or self.input.ndim != 1:
            raise ValueError(
                "input and target should be lists of one length, got shapes "
                f"{self.input.shape} and {self.target.shape}."
            )
        if labels is not None and len(labels) != len(self.input):
            raise ValueError(
                f"labels has {len(labels)} texts for {len(self.input)} points."
            )
        self.labels = None if labels is None else list(labels)
        self.entropy = entropy

    @classmethod
    def from_estimators(
        cls, estimators, *, labels=None, entropy=None, ax=None, **kwargs
    ):
        """Draw where fitted bottlenecks stand.

        Parameters
        ----------
        estimators : list of InformationBottleneckClassifier
            Fitted with `max_samples` above 0; or pipelines that end in one.

        labels : list of str, default=None
            "beta=..." by default.

        entropy : float, default=None
            See :class:`InformationPlaneDisplay`.

        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : InformationPlaneDisplay
        """
        if hasattr(estimators, "fit"):
            estimators = [estimators]
        estimators = [
            each[-1] if isinstance(each, Pipeline) else each for each in estimators
        ]
        missing = [
            i for i, e in enumerate(estimators) if not hasattr(e, "mutual_info_")
        ]
        if missing:
            raise ValueError(
                f"estimators {missing} have no mutual_info_. Fit them with max_samples "
                "above 0."
            )
        if labels is None:
            labels = [f"beta={each.beta:g}" for each in estimators]
        planes = [each.mutual_info_ for each in estimators]
        display = cls(
            [plane.input for plane in planes],
            [plane.target for plane in planes],
            labels=labels,
            entropy=entropy,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            New ones for None.

        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : InformationPlaneDisplay
        """
        ax = _axes(ax, type(self).__name__)
        (self.line_,) = ax.plot(self.input, self.target, **{"marker": "o", **kwargs})
        if self.entropy is not None:
            ax.axhline(self.entropy, color="0.6", linestyle=":")
            ax.text(
                0.01, self.entropy, "H(y)", transform=ax.get_yaxis_transform(), va="top"
            )
        for label, x, y in zip(
            self.labels or [], self.input, self.target, strict=False
        ):
            ax.annotate(label, (x, y), (5, -10), textcoords="offset points", fontsize=8)
        ax.margins(x=0.15)
        ax.set(xlabel="I(X; Z) in nats", ylabel="I(Z; y) in nats")
        self.ax_, self.figure_ = ax, ax.figure
        return self
