"""The torch side: critics, objectives, training."""

from .objectives import OBJECTIVES

__all__ = ["OBJECTIVES"]
