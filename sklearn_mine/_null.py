"""p-values: is there any dependence at all?

The p-value is another statistic than the interval. The estimate says how much the
variables share; the test asks whether pairing matters. It compares features of x with
features of y (normal scores, their squares and random tanh units, drawn without looking
at the pairing) through the squared norm of their cross-covariance, as the
Hilbert-Schmidt independence criterion does. Under independence every re-pairing of the
rows is as likely as the one observed; the covariance of the statistic's parts over all
re-pairings is known exactly (Hoeffding), so the null law is a weighted sum of
chi-squares whose tail a saddlepoint approximation gives, however small the p-value.
Where rows are too few or too rare for that limit, pairings are drawn instead. They are
counted, or, where few rows in which rare levels meet would decide (hundreds of labels
on both sides), give a gamma distribution its moments.

References
----------
Gretton et al. (2008), "A kernel statistical test of independence".
Hoeffding (1951), "A combinatorial central limit theorem".
Kazi-Aoual et al. (1995), "Refined approximations to permutation tests for multivariate
inference": three moments.
Kuonen (1999), "Saddlepoint approximations for distributions of quadratic forms in
normal variables".
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.special import log_ndtr, ndtri
from scipy.stats import chi2, pearson3, skew

from ._encoding import mid_ranks
from ._typing import Floats, Ints

N_UNITS = 24
# Weight of the random units beside the coordinates themselves: they see every other
# shape, and cost power where the dependence is plain.
_UNIT_WEIGHT = 2.0
_UNIT_SCALE = 1.5
# Weight of squared coordinates, which tell a change of spread that the units hardly
# see, and their cap, three standard deviations: no single row decides the test.
_SQUARE_WEIGHT = 1.4
_MAX_SQUARE = 9.0
_VARIANCE_FLOOR = 0.05
# Rows, or expected rows outside both modes, under which pairings are drawn.
_MIN_ROWS = 60
_MIN_EXPECTED = 10.0
N_PERMUTATIONS = 1999
_ENOUGH_EXCEEDANCES = 20
# Pairings drawn for moments, and what single pairs of rows may add to the kurtosis of
# the statistic: some hundredths are felt in its tail.
_N_MOMENTS, _MAX_KURTOSIS = 499, 0.02
# Distinct rows that show how peaked the products of features are.
_MAX_LOOKED_AT = 512
# Chi-square terms kept one by one; the rest are one of their mean and variance.
_MAX_TERMS = 128
# Halvings of the saddlepoint's bracket: beyond what float64 resolves.
_BISECTIONS = 80


def test_features(
    values: Floats, counts: Floats, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Features of one variable for the independence test.

    Parameters
    ----------
    values : ndarray of shape (m, w)
        Encoded rows, or levels.
    counts : ndarray of shape (m,)
        How many rows each stands for.
    rng : numpy.random.Generator

    Returns
    -------
    features : ndarray of shape (m, A)
        Centred under `counts`: coordinates, units, squares.
    width : int
        How many of them, the first, are coordinates.
    """
    share = counts / counts.sum()
    values = _normal_scores(values, counts)
    centred = values - share @ values
    covariance = (centred * share[:, None]).T @ centred
    scales, directions = np.linalg.eigh(covariance)
    usable = scales > 1e-10 * scales[-1]
    if not usable.any():
        return np.zeros((len(values), 1)), 1
    width = int(usable.sum())
    # Rare levels keep less than unit variance, so that a single row in which two of
    # them meet cannot decide the test.
    floored = np.maximum(scales[usable], min(_VARIANCE_FLOOR, scales[-1]))
    whitened = centred @ (directions[:, usable] / np.sqrt(floored))
    if len(values) <= width + 1:
        return whitened, width  # every function of these levels is a sum of them
    squares = np.minimum(whitened**2, _MAX_SQUARE)
    squares = squares - share @ squares
    norms = np.sqrt(share @ squares**2)
    squares *= _SQUARE_WEIGHT / np.maximum(norms, 1.0)
    # Units see the encoding as it is, so that they do not depend on the signs and
    # rotations that the eigenvectors happen to have.
    spread = np.sqrt(np.trace(covariance))
    weights = rng.normal(size=(values.shape[1], N_UNITS))
    offsets = rng.normal(size=N_UNITS)
    inputs = centred / spread
    units = np.tanh(_UNIT_SCALE * (inputs @ weights + offsets))
    units = units - share @ units
    norm = np.sqrt((share @ units**2).sum())
    units *= _UNIT_WEIGHT * np.sqrt(width) / norm
    return np.concatenate([whitened, units, squares], axis=1), width


def _normal_scores(values: Floats, counts: Floats) -> Floats:
    """Each column's ranks as normal scores: no outlier decides, however encoded."""
    scores = np.empty(values.shape)
    for column, into in zip(values.T, scores.T, strict=True):
        codes = np.unique(column, return_inverse=True)[1]
        level_counts = np.bincount(codes, weights=counts)
        into[:] = ndtri(mid_ranks(level_counts))[codes]
    return scores


def null_weights(
    x_features: Floats, x_counts: Floats, y_features: Floats, y_counts: Floats
) -> Floats:
    """Weights of the chi-squares in the null law of the statistic, descending."""
    n = x_counts.sum()
    x_scales = _scales(x_features, x_counts)
    y_scales = _scales(y_features, y_counts)
    weights = np.sort(np.outer(x_scales, y_scales).ravel())[::-1]
    return weights * n / (n - 1.0)


def statistic(x_features: Floats, y_features: Floats, joint_counts: Floats) -> Floats:
    """n times the squared norm of the cross-covariance.

    Parameters
    ----------
    x_features, y_features : ndarray of shape (L, A), (M, B)
    joint_counts : ndarray of shape (..., L, M)
        Rows in each pair of levels.
    """
    cross = x_features.T @ joint_counts @ y_features
    n = joint_counts.sum(axis=(-2, -1))
    return (cross**2).sum(axis=(-2, -1)) / n


def row_statistic(x_features: Floats, y_features: Floats) -> float:
    """The same from the features of paired rows, (n, A) and (n, B)."""
    return ((x_features.T @ y_features) ** 2).sum() / len(x_features)


def needs_permutations(x_counts: Ints | Floats, y_counts: Ints | Floats) -> bool:
    """Whether the limit law cannot be trusted for these margins."""
    n = x_counts.sum()
    outside = (n - x_counts.max()) * (n - y_counts.max()) / n
    return n < _MIN_ROWS or outside < _MIN_EXPECTED


def by_drawing(
    x_features: Floats, x_counts: Floats, y_features: Floats, y_counts: Floats
) -> Callable[..., float] | None:
    """What draws pairings for a p-value, where the limit law cannot be trusted."""
    if needs_permutations(x_counts, y_counts):
        return permutation_p_value
    if few_pairs_decide(x_features, x_counts, y_features, y_counts):
        return moments_p_value
    return None


def few_pairs_decide(
    x_features: Floats, x_counts: Floats, y_features: Floats, y_counts: Floats
) -> bool:
    """Whether the statistic is large where a few rows of rare levels meet, or small."""
    peaks = _peakedness(x_features, x_counts) * _peakedness(y_features, y_counts)
    return bool(2.0 * peaks / x_counts.sum() ** 2 > _MAX_KURTOSIS)


def _peakedness(features: Floats, counts: Floats) -> float:
    """Kurtosis of the product of two rows' features, about zero."""
    if counts.max() == 1.0:  # rows that all differ have features without peaks
        return 3.0
    step = -(-len(counts) // _MAX_LOOKED_AT)
    features, counts = features[::step], counts[::step]
    square = (features @ features.T) ** 2
    pairs = np.outer(counts, counts) - np.diag(counts)
    mean = (pairs * square).sum() / pairs.sum()
    return float((pairs * square**2).sum() / pairs.sum() / max(mean**2, 1e-300))


def moments_p_value(
    x_features: Floats,
    x_codes: Ints,
    y_features: Floats,
    y_codes: Ints,
    rng: np.random.Generator,
) -> float:
    """p-value from a gamma distribution with the moments of drawn pairings.

    See :func:`permutation_p_value`.
    """
    shape, one = (len(x_features), len(y_features)), np.ones(len(x_codes))

    def size(codes: Ints) -> float:
        joint = sp.coo_array((one, (x_codes, codes)), shape=shape).tocsr()
        cross = x_features.T @ (joint @ y_features)
        return float((cross**2).sum())

    observed = size(y_codes) * (1.0 - 1e-12)
    drawn, exceed = _drawn(lambda: size(rng.permutation(y_codes)), observed, _N_MOMENTS)
    counted = (1.0 + exceed) / (1.0 + len(drawn))
    if exceed >= _ENOUGH_EXCEEDANCES:
        return counted
    moments = float(skew(drawn)), np.mean(drawn), np.std(drawn)
    p_value = pearson3.sf(observed, *moments) if moments[0] > 0.0 else counted
    return float(np.clip(p_value, np.finfo(float).tiny, 1.0))


def permutation_p_value(
    x_features: Floats,
    x_codes: Ints,
    y_features: Floats,
    y_codes: Ints,
    rng: np.random.Generator,
) -> float:
    """p-value from drawn pairings of rows; never below 1 / (1 + draws).

    Drawing stops early when the answer is plainly not small.

    Parameters
    ----------
    x_features, y_features : ndarray of shape (L, A), (M, B)
        Features of levels, centred over the rows.
    x_codes, y_codes : ndarray of shape (n,)
        The level of each row.
    rng : numpy.random.Generator
    """
    n = len(x_codes)
    x_mode, y_mode = np.bincount(x_codes).argmax(), np.bincount(y_codes).argmax()
    if (x_codes != x_mode).sum() < (y_codes != y_mode).sum():
        x_features, y_features = y_features, x_features
        x_codes, y_codes, y_mode = y_codes, x_codes, x_mode
    # Features of x sum to zero, so only rows outside the mode of y are to be paired.
    rare = np.flatnonzero(y_codes != y_mode)
    beyond_mode = (y_features - y_features[y_mode])[y_codes[rare]]

    def size(rows: Ints) -> Floats:
        return (x_features[x_codes[rows]].T @ beyond_mode) ** 2

    def draw() -> float:
        return float(size(rng.choice(n, len(rare), replace=False)).sum())

    observed = size(rare).sum() * (1.0 - 1e-12)
    drawn, exceed = _drawn(draw, observed, N_PERMUTATIONS)
    return (1.0 + exceed) / (1.0 + len(drawn))


def _drawn(
    draw: Callable[[], float], observed: float, most: int
) -> tuple[list[float], int]:
    """Statistics of drawn pairings, and how many reach the one observed.

    They are fewer where the answer is plainly not small.
    """
    drawn: list[float] = []
    exceed = 0
    while len(drawn) < most:
        drawn.append(draw())
        exceed += drawn[-1] >= observed
        if exceed >= _ENOUGH_EXCEEDANCES and len(drawn) >= 99:
            break
    return drawn, exceed


def independence_p_value(x: Floats, y: Floats, seed: int) -> float:
    """p-value of independence of two encoded vectors.

    Parameters
    ----------
    x, y : ndarray of shape (n, dx), (n, dy)
    seed : int
    """
    rng = np.random.default_rng([seed, 1])
    x_features, x_counts, x_codes = _tested(x, rng)
    y_features, y_counts, y_codes = _tested(y, rng)
    draws = by_drawing(x_features, x_counts, y_features, y_counts)
    if draws is not None:
        return draws(x_features, x_codes, y_features, y_codes, rng)
    weights = null_weights(x_features, x_counts, y_features, y_counts)
    observed = row_statistic(x_features[x_codes], y_features[y_codes])
    return float(chi_square_sum_sf(np.array([observed]), weights)[0])


def column_p_values(x: Floats, y: Floats, seed: int) -> Floats:
    """p-values of independence of each column of x and all of y, (dx,).

    1 where rows are so few, or so rare, that pairings would have to be drawn.
    """
    p_values = np.ones(x.shape[1])
    of_y, y_counts, y_codes = _tested(y, np.random.default_rng([seed, 1]))
    for j, column in enumerate(x.T[:, :, None]):
        of_x, x_counts, x_codes = _tested(column, np.random.default_rng([seed, 2]))
        if by_drawing(of_x, x_counts, of_y, y_counts) is None:
            weights = null_weights(of_x, x_counts, of_y, y_counts)
            observed = row_statistic(of_x[x_codes], of_y[y_codes])
            p_values[j] = chi_square_sum_sf(np.array([observed]), weights)[0]
    return p_values


def _tested(side: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Ints]:
    """Features of the distinct rows of a side, their counts, and each row's number."""
    first, codes = distinct(side)
    counts = np.bincount(codes).astype(float)
    return test_features(side[first], counts, rng)[0], counts, codes


def distinct(encoded: Floats) -> tuple[Ints, Ints]:
    """Where each distinct row stands first, and the number of each row's like."""
    _, first, codes = np.unique(encoded, axis=0, return_index=True, return_inverse=True)
    return first, codes.ravel()


def chi_square_sum_sf(q: Floats, weights: Floats) -> Floats:
    """P(sum_i w_i Z_i^2 > q), by the Lugannani-Rice saddlepoint formula.

    Parameters
    ----------
    q : ndarray of shape (c,)
    weights : ndarray of shape (m,), positive, descending

    Returns
    -------
    p : ndarray of shape (c,), in (0, 1]
    """
    weights = weights[weights > 1e-9 * weights[0]]
    if not len(weights):
        return np.ones(len(q))
    kept, rest = np.split(weights / weights[0], [_MAX_TERMS])
    df = np.ones(len(kept))
    if len(rest):
        size = (rest**2).sum() / rest.sum()
        kept, df = np.append(kept, size), np.append(df, rest.sum() / size)
    target = q / weights[0]
    if kept[-1] > 1.0 - 1e-9:  # one chi-square, known exactly
        return np.maximum(chi2.sf(target, df.sum()), np.finfo(float).tiny)
    p = np.ones(len(q))
    above = target > 1e-12
    # The saddlepoint s solves sum w / (1 - 2 s w) = target; 1 - 2 s lies above 0.
    u = target[above]
    low, high = -0.5 * df.sum() / u, np.full_like(u, 0.5 * (1.0 - 1e-14))
    for _ in range(_BISECTIONS):
        s = 0.5 * (low + high)
        slope = kept / (1.0 - 2.0 * s[:, None] * kept) @ df
        low, high = np.where(slope < u, s, low), np.where(slope < u, high, s)
    s = 0.5 * (low + high)
    inside = 1.0 - 2.0 * s[:, None] * kept
    cumulant = -0.5 * np.log(inside) @ df
    curvature = 2.0 * (kept / inside) ** 2 @ df
    signed = np.sign(s) * np.sqrt(np.maximum(2.0 * (s * u - cumulant), 0.0))
    v = s * np.sqrt(curvature)
    near = np.abs(signed) < 1e-4
    safe = np.where(near, 1.0, signed)
    ratio = np.where(near, 1.0, v / safe)
    shifted = safe + np.log(ratio) / safe
    tail = np.exp(log_ndtr(-shifted))
    # At the mean itself the formula is 0 / 0: its limit holds the third cumulant.
    skew = 8.0 * (kept**3 @ df) / (2.0 * (kept**2 @ df)) ** 1.5
    tail = np.where(near, np.exp(log_ndtr(-skew / 6.0)), tail)
    p[above] = np.maximum(tail, np.finfo(float).tiny)
    return p


def _scales(features: Floats, counts: Floats) -> Floats:
    share = counts / counts.sum()
    covariance = (features * share[:, None]).T @ features
    return np.linalg.eigvalsh(covariance)
