"""The torch side: critics, objectives, and information in one's own training."""

from .loss import MutualInformationLoss, adaptive_clip_
from .networks import Critic, GaussianNoise
from .objectives import OBJECTIVES

__all__ = [
    "OBJECTIVES",
    "Critic",
    "GaussianNoise",
    "MutualInformationLoss",
    "adaptive_clip_",
]
