"""Functions of one column's levels, from plain to elaborate, that critics are made of.

A critic trusts a function the less, the more elaborate it is: the inverse of a
function's order scales the prior of its weight.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ._encoding import Levels, mid_ranks
from ._typing import Floats

# Order of a number's indicators, which are trusted less than the number itself.
_INDICATOR_ORDER = 10.0 / 3.0


@dataclass(frozen=True)
class Functions:
    """Functions of levels, (L, w), and the order of each, (w,)."""

    values: Floats
    order: Floats


@dataclass(frozen=True)
class Side:
    """What a critic has of one side.

    Attributes
    ----------
    alone : list of Functions
        What enters by itself.
    multiplied : list of Functions
        What enters in products with the other side, kind by kind.
    """

    alone: list[Functions]
    multiplied: list[Functions]

    @classmethod
    def of(
        cls, levels: Levels, counts: Floats, *, max_frequency: int, max_indicators: int
    ) -> Self:
        """Normal scores, their squares, indicators, and half waves along the ranks.

        Parameters
        ----------
        levels : Levels
        counts : ndarray of shape (L,)
            Rows of each level.
        max_frequency : int
            Half waves at most.
        max_indicators : int
            Indicators at most, of the most frequent values.
        """
        is_numeric = levels.encoding.kind == "numeric"
        if is_numeric:
            score, indicators = np.split(levels.values, [1], axis=1)
        else:
            indicators = np.eye(len(counts))
        heaviest = np.argsort(-(counts @ indicators), kind="stable")[:max_indicators]
        indicators = indicators[:, np.sort(heaviest)]
        if not is_numeric:
            plain = Functions(indicators, np.ones(indicators.shape[1]))
            return cls([plain], [plain, plain])
        order = np.full(1 + indicators.shape[1], _INDICATOR_ORDER)
        order[0] = 1.0
        plain = Functions(np.concatenate([score, indicators], axis=1), order)
        square = Functions(score**2, np.ones(1))
        along = np.argsort(score[:, 0])
        ranks = np.empty(len(score))
        ranks[along] = mid_ranks(counts[along])
        frequency = np.arange(1.0, 1 + min(max_frequency, len(score) - 1))
        waves = Functions(np.cos(np.pi * ranks[:, None] * frequency), frequency)
        return cls([plain, square, waves], [plain, waves])

    def standardised(self, counts: Floats) -> Functions:
        """A constant and the principal functions of the others, over the rows.

        Each function, standardised, counts by the inverse of its order. Principal
        functions are uncorrelated, of mean 0 and variance 1, and say the same with
        fewer weights.

        Returns
        -------
        functions : Functions
            The constant comes first and has order 1.
        """
        share = counts / counts.sum()
        values = np.concatenate([f.values for f in self.alone], axis=1)
        order = np.concatenate([f.order for f in self.alone])
        values = values - share @ values
        spread = np.sqrt(share @ values**2)
        kept = spread > 1e-9
        root = np.sqrt(share)[:, None]
        weighted = root * values[:, kept] / (spread * order)[kept]
        principal, sizes, _ = np.linalg.svd(weighted, full_matrices=False)
        real = sizes > 1e-6
        values = np.insert(principal[:, real] / root, 0, 1.0, axis=1)
        return Functions(values, np.insert(1.0 / sizes[real], 0, 1.0))
