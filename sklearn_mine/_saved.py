"""What is saved with one version and loaded with another says so."""

from typing import Any

from ._version import __version__
from ._warn import warn

_VERSION = "_sklearn_mine_version"


class KnowsItsVersion:
    """Mixin: a pickle holds the version that wrote it."""

    def __getstate__(self) -> dict[str, Any]:
        # Of the class that this is mixed into.
        return {**super().__getstate__(), _VERSION: __version__}  # type: ignore[dict-item]

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop(_VERSION, "an unknown version")
        if version != __version__:
            warn(
                f"This {type(self).__name__} was saved with sklearn_mine {version} and "
                f"is loaded with {__version__}, which may read it otherwise or not at "
                "all. Fit it again, or install the version that saved it.",
            )
        super().__setstate__(state)  # type: ignore[misc]
