"""Mutual information by neural critics, in scikit-learn's manner.

:class:`MINE` measures how much one vector tells about another; :func:`mine_score` and
:class:`MINEScore` do it for every column of a table, for SelectKBest and its like;
:func:`mine_matrix` for every pair of columns. :class:`MINESelector` chooses columns
that tell most together, :class:`MINERegressor` and :class:`MINEClassifier` predict with
the critic.
"""

from ._matrix import mine_matrix
from ._mine import MINE
from ._score import MINEScore, mine_score
from ._selector import MINESelector
from ._supervised import MINEClassifier, MINERegressor
from ._version import __version__

__all__ = [
    "MINE",
    "MINEClassifier",
    "MINERegressor",
    "MINEScore",
    "MINESelector",
    "__version__",
    "mine_matrix",
    "mine_score",
]
