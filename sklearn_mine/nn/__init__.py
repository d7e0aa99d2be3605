"""The torch side: critics, objectives, and information in one's own training."""

from .loss import MutualInformationLoss, adaptive_clip_
from .networks import Critic
from .objectives import OBJECTIVES

__all__ = ["OBJECTIVES", "Critic", "MutualInformationLoss", "adaptive_clip_"]
