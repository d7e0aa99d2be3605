"""Mutual information by neural critics, in scikit-learn's manner.

:class:`MINE` measures how much one vector tells about another; :func:`mine_score` and
:class:`MINEScore` do it for every column of a table, for SelectKBest and its like;
:func:`mine_matrix` for every pair of columns. :class:`MINERegressor` and
:class:`MINEClassifier` predict with the critic.
"""

from ._matrix import mine_matrix
from ._mine import MINE
from ._score import MINEScore, mine_score
from ._supervised import MINEClassifier, MINERegressor
from ._version import __version__

__all__ = [
    "MINE",
    "MINEClassifier",
    "MINERegressor",
    "MINEScore",
    "__version__",
    "mine_matrix",
    "mine_score",
]
