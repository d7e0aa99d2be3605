"""What estimators ask of their input, and what they warn of."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_random_state

from ._crossfit import CrossFit, make_folds
from ._encoding import IDENTIFIER_SHARE, MAX_DISCRETE, Override, TableEncoder
from ._params import Settings
from ._table import Table, is_missing
from ._typing import CV, Bools, Floats, Folds, Ints, SeedLike
from ._warn import some_of, warn

# Nats by which training rows may lie above held-out ones without a warning, and rows
# from which the log of their number is a limit worth a word.
_FAR, _FEW_ROWS = 0.1, 50
# Fewer rows show little.
_VERY_FEW_ROWS = 30
# Standard errors by which a correlation is found at p < 0.05 in four cases of five.
_FOUND = 2.8
# Rows, of all, whose label is worth a word if no other row has it.
_RARE = 0.01
# Times that a table is looked for in itself.
_MAX_COPIES = 20

# Text that reads as a number, also with a decimal comma or thousands set apart; but
# what begins with a nought is a code. So many rows are looked at.
_NUMBER = re.compile(
    r"\s*[+-]?(?=[.,]?\d)(\d*|\d{1,3}([.,'\s]\d{3})+)([.,]\d+)?(e[+-]?\d+)?\s*",
    re.IGNORECASE,
)
_CODE = re.compile(r"\s*0\d+")
_READ = 10_000


def goes_astray(fit: CrossFit) -> bool:
    """Whether critics do worse on held-out rows than none would."""
    return fit.estimate < -max(_FAR, 4.0 * fit.std_error)


def near_what_rows_show(estimate: Any, n: int) -> Any:
    """Whether an estimate in nats comes so near ln(n) that more may be hidden."""
    return (estimate > np.log(n) - 2.0) & (n > _FEW_ROWS)


def warn_of_fit(
    fit: CrossFit, n: int, settings: Settings, of: str = "", infinite: bool = False
) -> None:
    """Say where a fit did not converge, overfits, or nears what rows can show.

    `of` says which of several fits it is, `infinite` that the user was told already
    that no number of rows would do.
    """

    def say(message: str, category: type[Warning] = UserWarning) -> None:
        warn(of + message, category)

    if fit.still_rises(settings.max_iter, settings.tol):
        say(
            f"The critics still improved after max_iter={settings.max_iter} passes. "
            "Raise max_iter, or learning_rate_init.",
            ConvergenceWarning,
        )
    if fit.leans_on_start:
        return
    if goes_astray(fit):
        say(
            f"On held-out rows the critics do worse than none would "
            f"({fit.estimate:.2f} nats): training went astray. Lower "
            "learning_rate_init.",
            ConvergenceWarning,
        )
    gap = fit.fitted - fit.estimate
    if gap > max(_FAR, 0.5 * abs(fit.estimate), 4.0 * fit.std_error):
        say(
            f"The bound on training rows is {fit.fitted:.2f} nats, on held-out rows "
            f"{fit.estimate:.2f}: the critics learnt rows by heart. More rows, fewer "
            "columns, smaller hidden_layer_sizes or a larger alpha would help.",
        )
    if near_what_rows_show(fit.estimate, n) and not infinite:
        say(
            f"The estimate of {fit.estimate:.1f} nats is near ln(n_samples) = "
            f"{np.log(n):.1f}, above which {n} rows can show nothing: the information "
            "may be larger. Use more rows.",
        )


def require_pairs(n: int) -> None:
    """Refuse a single row."""
    if n < 2:
        raise ValueError(
            f"n_samples={n}: one row has no product of marginals. Pass 4 or more, "
            "and as many as cv has folds."
        )


def warn_of_few_rows(n: int) -> None:
    """Say what a handful of rows can show."""
    if n < _VERY_FEW_ROWS:
        # Fisher's z of a correlation has a standard error of 1 / sqrt(n - 3).
        nats = np.log(np.cosh(_FOUND / np.sqrt(max(n - 3, 1))))
        warn(
            f"{n} rows show little: what shares less than about {nats:.1f} nats will "
            "hardly be told from what shares none, and small estimates are noise. Go "
            "by the p-values, which hold, or use more rows.",
        )


def draw_seed(random_state: SeedLike) -> int:
    """A seed from `random_state`; None draws fresh entropy, no global state."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def discrete_overrides(
    choice: ArrayLike, table: Table, name: str = "discrete_features"
) -> list[Override]:
    """One override for each column: a bool or "auto"."""
    n_columns = table.shape[1]
    if isinstance(choice, str):
        if choice != "auto":
            raise ValueError(f"{name} should be 'auto', a bool or a mask: {choice!r}.")
        return ["auto"] * n_columns
    if isinstance(choice, (bool, np.bool_)):
        return [bool(choice)] * n_columns
    return np.isin(np.arange(n_columns), column_indices(choice, table, name)).tolist()


def column_indices(which: ArrayLike, table: Table, name: str) -> list[int]:
    """Column numbers from numbers, names or a mask."""
    # A name may be a tuple, which numpy would take apart.
    is_one = isinstance(which, str) or not np.iterable(which)
    items: list[Any] = [which] if is_one else list(which)  # type: ignore[arg-type]
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        if len(items) != table.shape[1]:
            raise ValueError(
                f"{name} is a mask of shape {(len(items),)}; the table has "
                f"{table.shape[1]} columns."
            )
        return np.flatnonzero(items).tolist()
    indices = []
    for item in items:
        if isinstance(item, (int, np.integer)) and -table.shape[1] <= item:
            if item < table.shape[1]:
                indices.append(int(item) % table.shape[1])
                continue
        elif table.names is not None and item in table.names:
            if table.names.count(item) > 1:
                raise ValueError(
                    f"{name} holds {item!r}, which several columns of {table.name} are "
                    "called. Pass their numbers."
                )
            indices.append(table.names.index(item))
            continue
        raise ValueError(
            f"{name} holds {item!r}, which is no column of {table.name}: there are "
            f"{table.shape[1]} columns."
        )
    return indices


def is_number_of_folds(cv: CV) -> bool:
    """Whether folds are ours to make; else a splitter makes them, or they are given."""
    return cv is None or isinstance(cv, Integral)


def fold_rows(
    cv: CV, n_rows: int, labels: Ints | None, groups: NDArray[Any] | None, seed: int
) -> Folds:
    """Folds for whatever `cv` may be, with or without groups."""
    if isinstance(cv, type):
        raise ValueError(f"cv is the class {cv.__name__}. Pass an instance of it.")
    if isinstance(cv, str):
        raise ValueError(
            f"cv={cv!r} is text. Pass a number, a splitter or row numbers."
        )
    if cv is None:
        cv = 5
    elif isinstance(cv, (int, Integral)):
        cv = int(cv)
    if groups is not None and isinstance(cv, int):
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise ValueError("groups has a single group. Folds need 2 or more.")
        if n_groups < cv:
            raise ValueError(
                f"groups has {n_groups} groups, too few for cv={cv} folds. Use "
                f"cv={n_groups} or less."
            )
        cv = GroupKFold(cv)
    folds = make_folds(cv, n_rows, stratify=labels, groups=groups, random_state=seed)
    if groups is not None:
        shared = (np.intersect1d(groups[train], groups[test]) for train, test in folds)
        if any(len(each) for each in shared):
            warn(
                "cv puts rows of one group among both the training and the test rows "
                "of a fold, which raises estimates. Pass a splitter that takes groups, "
                "such as GroupKFold, or a number.",
            )
    return folds


def discrete_labels(target: Table, encoder: TableEncoder) -> Ints | None:
    """Labels of the rows of a target of one discrete column, else None."""
    if len(encoder.columns_) == 1 and encoder.columns_[0].discrete:
        values = target.column(0)
        gone = is_missing(values)
        # Missing cells, which a target has where it is a column of a table itself,
        # are a label of their own.
        labels = np.full(len(values), len(values))
        labels[~gone] = np.unique(values[~gone], return_inverse=True)[1]
        return np.unique(labels, return_inverse=True)[1]
    return None


def warn_of_identifiers(encoder: TableEncoder, table: Table) -> None:
    """Say which text columns only tell rows apart."""
    names = [
        table.label(j)
        for j, column in enumerate(encoder.columns_)
        if column.kind == "identifier"
    ]
    if names:
        warn(
            f"Text, or a label, that is unique in nearly every row of {table.name} "
            f"carries no information that other rows could show, and scores 0: {names}."
        )


def warn_of_rare_labels(table: Table, labels: Ints | None) -> None:
    """Say where many rows have a label that no other row has.

    Parameters
    ----------
    table : Table
        Of one column.
    labels : ndarray of shape (n,) or None
        A number for each row's label, where the column is discrete.
    """
    if labels is None:
        return
    alone = np.count_nonzero(np.bincount(labels) == 1)
    share = alone / len(labels)
    if share > _RARE and alone > 1:
        warn(
            f"{share:.0%} of the rows have a label of {table.name} that no other row "
            "has. No other row can bear out what such labels tell, so the estimate is "
            "lower by that. Use more rows, or merge labels that belong together."
        )


def warn_of_many_labels(
    table: Table, discrete: Sequence[Override], limit: int, where: str
) -> None:
    """Say which columns have more labels than are told apart.

    Parameters
    ----------
    table : Table
    discrete : list of bool or "auto"
    limit : int
        Labels that are told apart.
    where : str
        Where no more are, at the beginning of a sentence.
    """
    columns = dict(table.text_columns(_READ, categories=True))
    for j in {j for j, each in enumerate(discrete) if each is True} - set(columns):
        columns[j] = table.column(j)[:: max(1, table.shape[0] // _READ)]
    named = []
    for j, some in sorted(columns.items()):
        n_labels, share = _labels_in(some)
        if n_labels > limit and share > IDENTIFIER_SHARE:
            # Of more rows more may have the same label.
            n_labels, share = _labels_in(table.column(j))
        if n_labels > limit and share <= IDENTIFIER_SHARE:
            named.append(f"{table.name}[{table.label(j)!r}]")
    if named:
        warn(
            f"More than {limit} labels in {some_of(named, 'columns')}. {where} "
            f"the {limit} most frequent are told apart and all others count as one, so "
            "that what those tell is missed. Merge labels that belong together."
        )


def _labels_in(cells: NDArray[Any]) -> tuple[int, float]:
    """How many labels there are, and their share of the rows that have one."""
    cells = cells[~is_missing(cells)]
    n_labels = len(set(cells.tolist()))
    return n_labels, n_labels / max(len(cells), 1)


def has_numbers(table: Table, discrete: Sequence[Override]) -> bool:
    """Whether any column holds more numbers than are labels."""
    some = table.rows(slice(_READ))
    for j, declared in enumerate(discrete):
        column = some.column(j)
        if declared is not True and column.dtype != object:
            if len(np.unique(column)) > MAX_DISCRETE:
                return True
    return False


def warn_of_new_labels(x_codes: Ints, y_codes: Ints) -> None:
    """Say where a piece has many labels, -1, that the first piece did not have."""
    share = ((x_codes < 0) | (y_codes < 0)).mean()
    if share > _RARE:
        warn(
            f"{share:.0%} of the rows of this piece have values that the first piece "
            "did not have. They all count as one, whichever they are. Begin with a "
            "piece that holds what may come, or call fit with all rows."
        )


def warn_of_numbers_in_text(
    table: Table, discrete: Literal["auto"] | Sequence[Override] = "auto"
) -> None:
    """Say which columns are taken for categories and may be meant as numbers.

    Those are text that mostly reads as numbers, too many different ones for labels.

    Parameters
    ----------
    table : Table
    discrete : "auto" or list of bool or "auto"
        Columns that the user calls discrete are.
    """
    named = []
    for j, cells in table.text_columns(_READ):
        if discrete != "auto" and discrete[j] is True:
            continue
        read = [cell for cell in cells if _NUMBER.fullmatch(cell)]
        share = len(read) / max(len(cells), 1)
        if share < 0.5 or len(set(read)) <= MAX_DISCRETE:
            continue
        if not any(map(_CODE.fullmatch, read)):
            named.append(f"{table.label(j)!r} ({share:.0%})")
    if named:
        warn(
            f"Text columns of {table.name}, most of whose cells read as numbers, are "
            f"taken for categories: {', '.join(named)}. If they are numbers, convert "
            "them, as by pandas.to_numeric(column, errors='coerce'), or have them read "
            "with decimal=',' or thousands='.'. If they are labels, make them "
            "categories, as by column.astype('category')."
        )


def warn_of_repeats(
    groups: NDArray[Any] | None, *sides: tuple[Floats, TableEncoder]
) -> None:
    """Say how many rows repeat, where values are too fine to repeat by chance.

    Parameters
    ----------
    groups : ndarray of shape (n,) or None
        Where rows come in groups, copies are expected.
    sides : (encoded, TableEncoder) of each side
    """
    fine = [_fine_cells(*side) for side in sides]
    rows = np.any([cells.any(axis=1) for cells in fine], axis=0)
    if groups is not None or not rows.any():
        return
    both = np.concatenate([encoded[rows] for encoded, _ in sides], axis=1)
    if not may_repeat(both.T):
        return
    counts = np.unique(both, axis=0, return_counts=True)[1]
    n_repeated = len(both) - len(counts)
    finest = max(len(np.unique(column)) for column in both.T)
    # A table that holds each row a few times; few values meet by chance.
    each = counts.min() > 1 and len(counts) > MAX_DISCRETE
    copied = each and len(counts) < 1.5 * finest and counts.mean() < _MAX_COPIES
    if n_repeated and (finest > 0.5 * len(both) or copied):
        warn(
            f"{n_repeated} of {len(rows)} rows repeat another row. Copies of one row "
            "in several folds raise the estimate and shrink its error; drop them, or "
            "pass `groups` so that copies stay together.",
        )


def may_repeat(columns: Sequence[Floats] | Floats) -> bool:
    """Whether rows of numbers may repeat; if not, none does."""
    if not len(columns):
        return True
    sums = np.zeros(len(columns[0]), dtype=np.uint64)
    factor = np.uint64(0x9E3779B97F4A7C15)
    for column in columns:
        # Zero has two signs.
        bits = (np.ascontiguousarray(column) + 0.0).view(np.uint64)
        sums = (sums ^ bits) * factor
        sums ^= sums >> np.uint64(29)
    sums.sort()
    return bool((sums[1:] == sums[:-1]).any())


def _fine_cells(encoded: Floats, encoder: TableEncoder) -> Bools:
    """Cells that hold a continuous number, (n, columns); missing cells do not."""
    cells = np.zeros((len(encoded), len(encoder.columns_)), dtype=bool)
    start = 0
    for j, column in enumerate(encoder.columns_):
        end = start + column.width
        if column.kind == "numeric" and not column.discrete:
            cells[:, j] = ~encoded[:, start + 1 : end].any(axis=1)
        start = end
    return cells
