"""Types that several modules name, and decorators of scikit-learn that keep types."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import scipy.sparse as sp
from narwhals.typing import IntoDataFrame
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils._param_validation import validate_params as _validate_params
from skorch.callbacks import Callback

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

# Training and test rows of each fold.
Folds = list[tuple[Ints, Ints]]
# One record for each pass of a training.
History = list[dict[str, Any]]


class Splitter(Protocol):
    """What scikit-learn takes for `cv`, beside numbers and lists."""

    def split(self, X: Any, y: Any, groups: Any) -> Iterable[Any]: ...


# What users pass.
TableLike = ArrayLike | IntoDataFrame | sp.spmatrix | sp.sparray
SeedLike = int | np.random.RandomState | None
Sizes = int | Sequence[int]
CV = int | Splitter | Iterable[tuple[ArrayLike, ArrayLike]] | None
Groups = ArrayLike | dict[Any, Any] | None
Callbacks = Sequence[Callback]

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

# Both give back what they decorate, with the same signature.
_of_fits: Callable[..., Callable[[_Decorated], _Decorated]] = _fit_context
validate_params: Callable[..., Callable[[_Decorated], _Decorated]] = _validate_params


def fit_context(
    *, prefer_skip_nested_validation: bool
) -> Callable[[_Decorated], _Decorated]:
    """scikit-learn's own; a fit that fails also leaves all attributes as they were.

    What half a fit had set would pass for a whole one, or mix with an earlier one.
    """
    of_fits = _of_fits(prefer_skip_nested_validation=prefer_skip_nested_validation)

    def decorator(method: _Decorated) -> _Decorated:
        fit = of_fits(method)

        @functools.wraps(method)
        def fit_or_leave(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            before = vars(estimator).copy()
            try:
                return fit(estimator, *args, **kwargs)
            except BaseException:
                vars(estimator).clear()
                vars(estimator).update(before)
                raise

        return cast(_Decorated, fit_or_leave)

    return decorator
