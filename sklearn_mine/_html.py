"""What a fit found, beside the diagram of an estimator in notebooks."""

from html import escape
from typing import Any

from sklearn.utils import estimator_html_repr

_TABLE = 'style="margin: 0.5em 0; border-collapse: collapse; font-size: 90%"'
_CELL = 'style="text-align: left; padding: 0.1em 1em 0.1em 0"'


class ShowsFigures:
    """Mixin of estimators with a few figures worth showing once they are fitted."""

    def _figures(self) -> list[tuple[str, str]]:
        """Names and texts; none before a fit."""
        raise NotImplementedError

    # scikit-learn's two ways to a notebook: the first is asked for where the second
    # is not known.

    def _repr_html_inner(self) -> str:
        lines = "".join(
            f"<tr><th {_CELL}>{escape(name)}</th><td {_CELL}>{escape(text)}</td></tr>"
            for name, text in self._figures()
        )
        diagram = estimator_html_repr(self)
        return f"{diagram}<table {_TABLE}>{lines}</table>" if lines else diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        # Of the class that this is mixed into.
        shown = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if "text/html" in shown:
            shown["text/html"] = self._repr_html_inner()
        return shown


def with_interval(
    value: float, low: float, high: float, units: str, level: float = 0.95
) -> str:
    """An estimate as a text."""
    return f"{value:.3f} {units} ({level:.0%} interval {low:.3f} to {high:.3f})"
