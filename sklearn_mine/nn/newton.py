"""The last layer, solved instead of descended.

For fixed hidden layers the Donsker-Varadhan bound is concave in the weights of the
last layer, so a few damped Newton steps reach its maximum. Many critics that share
their features are solved side by side.
"""

import torch

# The gradient at which a head counts as solved; far below sampling error.
_TOLERANCE = 1e-7
_MAX_STEPS = 100
_MAX_HALVINGS = 30
# A step that leaves more than this share of the gradient calls for a new Hessian.
_SLOW = 0.35
# Critics beyond which, and pairs up to which, products of features are kept.
_MANY, _MAX_SHARED_PAIRS = 64, 8192


def solve_head(
    features: torch.Tensor,
    joint_mean: torch.Tensor,
    log_weights: torch.Tensor,
    ridge: torch.Tensor,
    curvature: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Maximise the Donsker-Varadhan bound over the weights of the last layer.

    The bound, for weights w, is ``w @ joint_mean - log(sum_i q_i exp(w @ f_i))``, and
    ``ridge * w @ w / 2`` is taken from it.

    Parameters
    ----------
    features : tensor of shape (m, M), float64
        Features of `m` pairs of the product of marginals, shared by F critics.

    joint_mean : tensor of shape (F, M)
        Mean features of the joint pairs, a row for each critic.

    log_weights : tensor of shape (F, m)
        Log of the weight q of each product pair, normalised over the pairs.

    ridge : tensor of shape (F,)
        Quadratic penalty of each critic's weights; positive.

    curvature : tuple of tensors of shape (M,) and (M, M), optional
        Eigenvalues and eigenvectors of about the features' covariance, for the first
        steps of every critic. What one critic becomes then depends on no other; by
        default the critics' mean covariance serves.

    Returns
    -------
    weights : tensor of shape (F, M)
        Zero for a critic whose inputs are not finite.

    log_normalizer : tensor of shape (F,)
        The log partition of the product pairs at these weights.
    """
    weights = torch.zeros_like(joint_mean)
    if torch.isfinite(features).all():
        rows = torch.isfinite(joint_mean).all(dim=1).nonzero()[:, 0]
        weights[rows] = _solve(
            features, joint_mean[rows], log_weights[rows], ridge[rows], curvature
        )
    else:
        features = torch.zeros_like(features)
    return weights, torch.logsumexp(torch.addmm(log_weights, weights, features.T), 1)


def _solve(
    features: torch.Tensor,
    joint_mean: torch.Tensor,
    log_weights: torch.Tensor,
    ridge: torch.Tensor,
    curvature: tuple[torch.Tensor, torch.Tensor] | None,
) -> torch.Tensor:
    """Newton's method; what changes its path does not change the maximum.

    All critics begin with one Hessian, whose eigenvectors serve every ridge. One that
    it serves badly gets its own, for as long as that shrinks the gradient well; single
    precision is enough for those.
    """
    weights = torch.zeros_like(joint_mean)
    if len(weights) == 0:
        return weights
    moments = _Moments(features)
    ridge = ridge[:, None]
    # Critics still on their way, and those of them with a Hessian of their own.
    active = torch.arange(len(weights), device=weights.device)
    own = torch.zeros_like(active, dtype=torch.bool)
    factors: torch.Tensor | None = None
    w, b, q, r = weights.clone(), joint_mean, log_weights, ridge
    value, gradient, probabilities = _ascent(features, w, b, q, r)
    if curvature is None:
        shared = moments(probabilities.mean(dim=0, keepdim=True))[0].double()
        curvature = torch.linalg.eigh(shared)
    scales, axes = curvature
    for _ in range(_MAX_STEPS):
        step = (gradient @ axes / (scales.clamp(min=0.0) + r)) @ axes.T
        if factors is not None and own.any():
            mine = factors[active[own]]
            step[own] = torch.cholesky_solve(gradient[own][:, :, None], mine)[:, :, 0]
        slope = (step * gradient).sum(1)
        scale = torch.ones_like(slope)
        for _ in range(_MAX_HALVINGS):
            trial = w + scale[:, None] * step
            new_value, new_gradient, probabilities = _ascent(features, trial, b, q, r)
            short = new_value - value < 1e-4 * scale * slope - 1e-13 * (1 + value.abs())
            short |= torch.isnan(new_value)
            if not short.any():
                break
            scale = torch.where(short, 0.5 * scale, scale)
        # Halvings in vain: only rounding is left to gain.
        trial = torch.where(short[:, None], w, trial)
        weights[active] = trial
        size, before = new_gradient.abs().amax(dim=1), gradient.abs().amax(dim=1)
        # A step below float64's resolution cannot lower the gradient further.
        moved = (trial - w).abs().amax(dim=1) > 1e-13 * (1 + w.abs().amax(dim=1))
        going = (size > _TOLERANCE) & moved
        if not going.any():
            break
        slow = (size > _SLOW * before) | (scale < 1.0)
        w, value, gradient = trial, new_value, new_gradient
        if not going.all():
            active, own, slow = active[going], own[going], slow[going]
            w, value, gradient = w[going], value[going], gradient[going]
            b, q, r, probabilities = b[going], q[going], r[going], probabilities[going]
        if slow.any():
            if factors is None:
                factors = features.new_empty(len(weights), *axes.shape)
            factors[active[slow]] = _factor(moments(probabilities[slow]), r[slow])
            own |= slow
    return weights


def _ascent(
    features: torch.Tensor,
    w: torch.Tensor,
    b: torch.Tensor,
    q: torch.Tensor,
    r: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The penalised bound, its gradient, and the pairs' tilted probabilities."""
    logits = torch.addmm(q, w, features.T)
    highest = logits.amax(dim=1, keepdim=True)
    tilted = logits.sub_(highest).exp_()
    partition = tilted.sum(dim=1, keepdim=True)
    log_z = (highest + partition.log())[:, 0]
    probabilities = tilted.div_(partition)
    value = (w * b).sum(1) - log_z - 0.5 * (r * w * w).sum(1)
    return value, b - probabilities @ features - r * w, probabilities


def _factor(covariance: torch.Tensor, ridge: torch.Tensor) -> torch.Tensor:
    """Cholesky factors of covariances with ridges on their diagonals."""
    hessian = covariance.double()
    hessian.diagonal(dim1=1, dim2=2).add_(ridge)
    return torch.linalg.cholesky_ex(hessian)[0]


class _Moments:
    """Covariance of the features under each critic's probabilities, (F, M, M)."""

    def __init__(self, features: torch.Tensor) -> None:
        self.features = features.float()
        n_pairs, n_features = features.shape
        self.triangle = torch.triu_indices(n_features, n_features)
        self.shared = n_pairs <= _MAX_SHARED_PAIRS
        self.products: torch.Tensor | None = None

    def __call__(self, probabilities: torch.Tensor) -> torch.Tensor:
        features, probabilities = self.features, probabilities.float()
        mean = probabilities @ features
        n_critics, n_features = mean.shape
        if self.shared and n_critics > _MANY:
            # One triangle of each symmetric product, since the other is the same.
            i, j = self.triangle
            if self.products is None:
                self.products = features[:, i] * features[:, j]
            triangle = probabilities @ self.products
            moments = features.new_empty(n_critics, n_features, n_features)
            moments[:, i, j] = triangle
            moments[:, j, i] = triangle
        else:
            moments = torch.stack(
                [(features * p[:, None]).T @ features for p in probabilities]
            )
        return moments - mean[:, :, None] * mean[:, None, :]
