"""A first look at columns that tell little, in closed form.

Near independence the bound is quadratic in the critic's weights, and one Newton step
from nothing solves it. Then every row can be scored by a critic of all other rows: the
products of pairs of different rows are counted, those of a row with itself are not.
Where signals are weak that finds more of them than a few folds do, whose critics learn
from fewer rows and meet each other's rows half as often. (Of strong dependence the
quadratic form says too little or too much; that is solved.)

Critics are sums of products of one side's functions with the other's, uncorrelated and
ordered from plain to elaborate. Several priors say how fast trust falls with their
order; how much each of them counts is the one thing that is learnt from all rows, by
their evidence (Kass and Raftery, 1995).
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from ._basis import Side
from ._encoding import MAX_CATEGORIES, Levels
from ._typing import Floats

# Powers of a product's order that its prior standard deviation falls with: trends
# alone, smooth shapes, waves. The plainest product has one of these variances, where
# that of noise is 1.
_DECAYS, _VARIANCES = (10.0, 2.0, 1.0), (10.0, 100.0, 1000.0)
_MAX_FREQUENCY, _MAX_INDICATORS = 8, MAX_CATEGORIES


def quick_side(levels: Levels, counts: Floats) -> tuple[Floats, Floats]:
    """Uncorrelated functions of levels, and their order from 1 on."""
    side = Side.of(
        levels, counts, max_frequency=_MAX_FREQUENCY, max_indicators=_MAX_INDICATORS
    ).standardised(counts)
    return side.values[:, 1:], side.order[1:] / side.order[1:].min(initial=np.inf)


@dataclass(frozen=True)
class QuickLook:
    """What the functions of two columns' levels show.

    Parameters
    ----------
    x, y : tuple of (functions, order)
        As :func:`quick_side` gives them.
    """

    x: tuple[Floats, Floats]
    y: tuple[Floats, Floats]

    def __call__(self, tables: Floats) -> tuple[Floats, Floats]:
        """Scores from joint counts.

        Parameters
        ----------
        tables : ndarray of shape (c, L, M)

        Returns
        -------
        scores, std_errors : ndarray of shape (c,)
            In nats. Under independence a score scatters about zero, but for a
            fraction of 1 / n that the choice among priors adds.
        """
        (f, f_order), (g, g_order) = self.x, self.y
        n = tables[0].sum()
        shares = tables / n
        mean = f.T @ shares @ g
        square = n * mean**2
        # What each row contributes with itself, and what pairs of different rows do
        # where pairing does not matter: functions are centred on the same rows.
        own = (f**2).T @ shares @ g**2 + 1.0 / max(n - 1.0, 1.0)
        evidence, shrinkage, scores = [], [], []
        order = np.outer(f_order, g_order)
        for decay, variance in itertools.product(_DECAYS, _VARIANCES):
            prior = variance * order ** (-2.0 * decay)
            kept = prior / (1.0 + prior)
            evidence.append(0.5 * (kept * square - np.log1p(prior)).sum(axis=(1, 2)))
            scores.append((0.5 / n) * (kept * (square - own)).sum(axis=(1, 2)))
            shrinkage.append(kept)
        weights = softmax(evidence, axis=0)
        kept = np.tensordot(weights, shrinkage, axes=(0, 0))
        values = f @ (kept * mean) @ g.T
        first = (shares * values).sum(axis=(1, 2))
        spread = (shares * values**2).sum(axis=(1, 2)) - first**2
        # Noise in the weights adds to the spread, and makes pairs of rows scatter
        # where there is nothing else.
        of_noise = (kept**2).sum(axis=(1, 2)) / n
        spread = np.maximum(spread - of_noise, 0.0) + 0.5 * of_noise
        errors = np.sqrt(spread / n)
        return (weights * scores).sum(axis=0), errors
