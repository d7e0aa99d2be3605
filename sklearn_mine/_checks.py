"""What estimators ask of their input, and what they warn of."""

from numbers import Integral

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_random_state

from ._crossfit import make_folds
from ._encoding import MAX_DISCRETE
from ._warn import warn

# Nats by which training rows may lie above held-out ones without a warning, and rows
# from which the log of their number is a limit worth a word.
_FAR, _FEW_ROWS = 0.1, 50


def goes_astray(fit):
    """Whether critics do worse on held-out rows than none would."""
    return fit.estimate < -max(_FAR, 4.0 * fit.std_error)


def warn_of_fit(fit, n, settings, of=""):
    """Say where a fit did not converge, overfits, or nears what rows can show.

    `of` says which of several fits it is.
    """

    def say(message, category=UserWarning):
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
    if fit.estimate > np.log(n) - 2.0 and n > _FEW_ROWS:
        say(
            f"The estimate of {fit.estimate:.1f} nats is near ln(n_samples) = "
            f"{np.log(n):.1f}, above which {n} rows can show nothing: the information "
            "may be larger. Use more rows.",
        )


def require_pairs(n):
    """Refuse a single row."""
    if n < 2:
        raise ValueError(
            f"n_samples={n}: one row has no product of marginals. Pass 4 or more, "
            "and as many as cv has folds."
        )


def draw_seed(random_state):
    """A seed from `random_state`; None draws fresh entropy, no global state."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def discrete_overrides(choice, table, name="discrete_features"):
    """One override for each column: a bool or "auto"."""
    n_columns = table.shape[1]
    if isinstance(choice, str):
        if choice != "auto":
            raise ValueError(f"{name} should be 'auto', a bool or a mask: {choice!r}.")
        return ["auto"] * n_columns
    if isinstance(choice, (bool, np.bool_)):
        return [bool(choice)] * n_columns
    return np.isin(np.arange(n_columns), column_indices(choice, table, name)).tolist()


def column_indices(which, table, name):
    """Column numbers from numbers, names or a mask."""
    items = np.ravel(np.asarray(which, dtype=object)).tolist()
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
            indices.append(table.names.index(item))
            continue
        raise ValueError(
            f"{name} holds {item!r}, which is no column of {table.name}: there are "
            f"{table.shape[1]} columns."
        )
    return indices


def is_number_of_folds(cv):
    """Whether folds are ours to make; else a splitter makes them, or they are given."""
    return cv is None or isinstance(cv, Integral)


def fold_rows(cv, n_rows, labels, groups, seed):
    """Folds for whatever `cv` may be, with or without groups."""
    if isinstance(cv, type):
        raise ValueError(f"cv is the class {cv.__name__}. Pass an instance of it.")
    if isinstance(cv, str):
        raise ValueError(
            f"cv={cv!r} is text. Pass a number, a splitter or row numbers."
        )
    if is_number_of_folds(cv):
        cv = 5 if cv is None else int(cv)
    if groups is not None and is_number_of_folds(cv):
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


def discrete_labels(target, encoder):
    """Labels of the rows of a target of one discrete column, else None."""
    if len(encoder.columns_) == 1 and encoder.columns_[0].discrete:
        return np.unique(target.column(0), return_inverse=True)[1]
    return None


def warn_of_identifiers(encoder, table):
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


def warn_of_repeats(groups, *sides):
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
    copied = counts.min() > 1 and len(counts) > MAX_DISCRETE
    if n_repeated and (finest > 0.5 * len(both) or copied):
        warn(
            f"{n_repeated} of {len(rows)} rows repeat another row. Copies of one row "
            "in several folds raise the estimate and shrink its error; drop them, or "
            "pass `groups` so that copies stay together.",
        )


def may_repeat(columns):
    """Whether rows of numbers may repeat; if not, none does."""
    if not len(columns):
        return True
    sums, factor = np.uint64(0), np.uint64(0x9E3779B97F4A7C15)
    for column in columns:
        # Zero has two signs.
        bits = (np.ascontiguousarray(column) + 0.0).view(np.uint64)
        sums = (sums ^ bits) * factor
        sums ^= sums >> np.uint64(29)
    sums.sort()
    return bool((sums[1:] == sums[:-1]).any())


def _fine_cells(encoded, encoder):
    """Cells that hold a continuous number, (n, columns); missing cells do not."""
    cells = np.zeros((len(encoded), len(encoder.columns_)), dtype=bool)
    start = 0
    for j, column in enumerate(encoder.columns_):
        end = start + column.width
        if column.kind == "numeric" and not column.discrete:
            cells[:, j] = ~encoded[:, start + 1 : end].any(axis=1)
        start = end
    return cells
