"""Warnings that point at the user's own line."""

import os
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

_INSIDE = tuple(
    str(Path(file).parent) + os.sep
    for file in (__file__, joblib.__file__, sklearn.__file__)
)

# What one message names.
_NAMED = 5


def some_of(names: list[str], of_what: str) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more {of_what}" * (len(names) > _NAMED)
    return ", ".join(names[:_NAMED]) + more


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of the line outside this package and those it is called by that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
