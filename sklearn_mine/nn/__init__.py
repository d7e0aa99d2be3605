"""The torch side: critics, objectives, and information in one's own training."""

from . import objectives
from .loss import MutualInformationLoss, adaptive_clip_
from .networks import Critic, GaussianNoise

__all__ = [
    "OBJECTIVES",
    "Critic",
    "GaussianNoise",
    "MutualInformationLoss",
    "adaptive_clip_",
]

#: Objectives by name ("mine", "dv", "mine-f", "infonce", "jensen-shannon", "smile"):
#: classes, each with `is_lower_bound`, whether its value is at most the mutual
#: information.
#:
#: :meta hide-value:
OBJECTIVES = objectives.OBJECTIVES
