"""Bilinear critics on a grid of levels, solved with every pair of rows.

Where both variables are single columns, each reduced to a few hundred levels, a critic
``T = f(x) @ W @ g(y)`` with functions f of one side and g of the other is a table, and
so are the product pairs of all rows. Products of one side's functions with the other's
make Newton's Hessian a product of two small matrices with that table, so hundreds of
weights cost milliseconds, and the curvature at the maximum tells how far the rows
support them.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from .._typing import Floats

# Prior precisions of a weight of order one, in rows, from stiff to free. The rows'
# evidence picks one.
PRECISIONS = (100_000.0, 10_000.0, 1000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
# That of a weight of a plain table: those of a strong dependence are in the hundreds.
_TABLE_PRECISION = 0.001
# Precisions in a row that may lead down.
_PATIENCE = 2
# Gradient at which a precision's maximum counts as reached: far below sampling error.
_TOLERANCE = 1e-7
_MAX_STEPS = 60
_MAX_HALVINGS = 20
# A step that leaves more than this share of the gradient calls for a new Hessian.
_SLOW = 0.35


class Solution(NamedTuple):
    """A solved critic.

    Attributes
    ----------
    values : ndarray of shape (L, M)
        T minus its log-normaliser over the product pairs.
    precision : float
        The prior precision with the most evidence.
    evidence : float
        In nats.
    """

    values: Floats
    precision: float
    evidence: float


def solve_bilinear(
    x_functions: Floats,
    y_functions: Floats,
    order: Floats,
    joint: Floats,
    product: Floats,
    n_rows: float,
    tables: Floats | None = None,
    table_order: Floats | None = None,
) -> Solution:
    """Maximise the Donsker-Varadhan bound over the weights of products of functions.

    For fixed product pairs, n times the bound is the log-likelihood of an exponential
    family, so with a normal prior on its weights Laplace's method gives the evidence
    for each prior precision (MacKay, Bayesian interpolation, 1992).

    Parameters
    ----------
    x_functions, y_functions : ndarray of shape (L, a), (M, b)
        Functions of the levels of each side.

    order : ndarray of shape (a, b)
        How elaborate each product is: a weight's prior precision grows with the
        square. Infinite where the product is left out.

    joint, product : ndarray of shape (L, M)
        Shares of the joint pairs and of the product pairs.

    n_rows : float
        Joint pairs.

    tables : ndarray of shape (E, L, M), optional
        Critics that are known beforehand, to be weighed with the rest.

    table_order : ndarray of shape (E,), optional
        How elaborate each of them is; by default 1.

    Returns
    -------
    solution : Solution
    """
    if tables is None:
        tables = np.empty((0, *joint.shape))
    if table_order is None:
        table_order = np.ones(len(tables))
    functions = x_functions, y_functions, order, tables, table_order
    problem = _Problem(*functions, joint, product)
    weights = torch.zeros(problem.n_weights, dtype=torch.float64)
    best, worse = -math.inf, 0
    chosen = Solution(np.zeros_like(joint), PRECISIONS[0], best)
    for precision in PRECISIONS:
        ridge = problem.ridge(precision) / n_rows
        weights, state, factor = _maximise(problem, weights, ridge)
        if factor is None:
            break
        log_det = 2.0 * factor.diagonal().log().sum()
        evidence = n_rows * state.value + 0.5 * (ridge.log().sum() - log_det)
        if evidence > best:
            best, worse = evidence, 0
            values = problem.logits(weights) - state.log_z
            chosen = Solution(values.numpy(), precision, float(best))
        else:
            worse += 1
            if worse == _PATIENCE:
                break
    return chosen


def _maximise(
    problem: "_Problem", weights: torch.Tensor, ridge: torch.Tensor
) -> "tuple[torch.Tensor, _State, torch.Tensor | None]":
    """Newton's method; a Hessian serves for as long as it shrinks the gradient well.

    Returns
    -------
    weights, state, factor
        The factor is that of the last Hessian; None where it is singular.
    """
    state = problem.ascent(weights, ridge)
    factor, current = problem.factor(state, ridge), True
    for _ in range(_MAX_STEPS):
        if factor is None or state.gradient.abs().max() < _TOLERANCE:
            break
        step = torch.cholesky_solve(state.gradient[:, None], factor)[:, 0]
        slope = step @ state.gradient
        if not slope > 0.0:
            break
        scale = 1.0
        for _ in range(_MAX_HALVINGS):
            trial = problem.ascent(weights + scale * step, ridge)
            rounding = 1e-13 * (1.0 + state.value.abs())
            if trial.value - state.value >= 1e-4 * scale * slope - rounding:
                break
            scale *= 0.5
        else:
            # Only rounding is left to gain.
            break
        slow = trial.gradient.abs().max() > _SLOW * state.gradient.abs().max()
        weights, state, current = weights + scale * step, trial, False
        if slow or scale < 1.0:
            factor, current = problem.factor(state, ridge), True
    return weights, state, factor if current else problem.factor(state, ridge)


class _State(NamedTuple):
    value: torch.Tensor
    gradient: torch.Tensor
    log_z: torch.Tensor
    tilted: torch.Tensor
    mean: torch.Tensor


class _Problem:
    """The bound of one critic as a function of its weights."""

    def __init__(
        self,
        x_functions: Floats,
        y_functions: Floats,
        order: Floats,
        tables: Floats,
        table_order: Floats,
        joint: Floats,
        product: Floats,
    ) -> None:
        self.x = torch.from_numpy(x_functions)
        self.y = torch.from_numpy(y_functions)
        # The side of fewer functions, by which products are sorted.
        self.turned = x_functions.shape[1] < y_functions.shape[1]
        kept = np.isfinite(order if self.turned else order.T)
        places = torch.from_numpy(np.array(kept.nonzero()))
        self.rows, self.columns = places if self.turned else places.flip(0)
        self.order = torch.from_numpy(order)[self.rows, self.columns]
        self.tables = torch.from_numpy(tables).flatten(1)
        self.table_ridge = _TABLE_PRECISION * torch.from_numpy(table_order) ** 2
        self.n_weights = len(self.rows) + len(self.tables)
        self.log_product = torch.from_numpy(product).log()
        self.joint_mean = self._means(torch.from_numpy(joint))
        fewer, more = (self.x, self.y) if self.turned else (self.y, self.x)
        self.of_more = more[:, places[1]]
        self.squares, place = _products(fewer)
        self.place = place[:, places[0]]
        self.ends = np.cumsum(kept.sum(axis=1)).tolist()

    def ridge(self, precision: float) -> torch.Tensor:
        """Prior precision of each weight, in rows."""
        return torch.cat([self.order**2 * precision, self.table_ridge])

    def _means(self, shares: torch.Tensor) -> torch.Tensor:
        products = (self.x.T @ shares @ self.y)[self.rows, self.columns]
        return torch.cat([products, self.tables @ shares.flatten()])

    def logits(self, weights: torch.Tensor) -> torch.Tensor:
        matrix = torch.zeros(self.x.shape[1], self.y.shape[1], dtype=torch.float64)
        n_products = len(self.rows)
        matrix[self.rows, self.columns] = weights[:n_products]
        of_tables = weights[n_products:] @ self.tables
        return self.x @ matrix @ self.y.T + of_tables.view(self.log_product.shape)

    def ascent(self, weights: torch.Tensor, ridge: torch.Tensor) -> _State:
        """Value and gradient of the penalised bound."""
        logits = self.logits(weights) + self.log_product
        highest = logits.max()
        tilted = logits.sub_(highest).exp_()
        partition = tilted.sum()
        tilted /= partition
        log_z = highest + partition.log()
        mean = self._means(tilted)
        penalised = ridge * weights
        value = weights @ self.joint_mean - log_z - 0.5 * (weights @ penalised)
        gradient = self.joint_mean - mean - penalised
        return _State(value, gradient, log_z, tilted, mean)

    def factor(self, state: _State, ridge: torch.Tensor) -> torch.Tensor | None:
        """Cholesky factor of the negative Hessian; None where it has none.

        Moments in single precision are enough, but where two functions nearly agree.
        """
        for dtype in (torch.float32, torch.float64):
            hessian = self._moments(state.tilted.to(dtype)).double()
            hessian -= state.mean[:, None] * state.mean
            hessian.diagonal().add_(ridge)
            factor, failed = torch.linalg.cholesky_ex(hessian)
            if not failed:
                return factor
        return None

    def _moments(self, tilted: torch.Tensor) -> torch.Tensor:
        """Second moments of all that has a weight."""
        of_more, squares, x, y, tables = (
            part.to(tilted.dtype)
            for part in (self.of_more, self.squares, self.x, self.y, self.tables)
        )
        by_level = (tilted.T if self.turned else tilted) @ squares
        moments = tilted.new_empty(len(self.rows), len(self.rows))
        begin = 0
        for place, end in zip(self.place, self.ends, strict=True):
            weighted = of_more[:, begin:] * by_level[:, place[begin:]]
            block = of_more[:, begin:end].T @ weighted
            moments[begin:end, begin:], moments[begin:, begin:end] = block, block.T
            begin = end
        tilted_tables = tables * tilted.flatten()
        beside = x.T @ (tilted_tables.view(-1, *tilted.shape) @ y)
        beside = beside[:, self.rows, self.columns]
        right = torch.cat([beside, tilted_tables @ tables.T], dim=1).T
        return torch.cat([torch.cat([moments, beside]), right], dim=1)


def _products(functions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Products of all pairs of functions (L, t), and the place of each pair (a, a)."""
    n = functions.shape[1]
    first, second = torch.triu_indices(n, n)
    place = torch.zeros(n, n, dtype=torch.int64)
    place[first, second] = place[second, first] = torch.arange(len(first))
    return functions[:, first] * functions[:, second], place
