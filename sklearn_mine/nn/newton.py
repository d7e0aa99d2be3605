"""The last layer, solved instead of descended.

For fixed hidden layers the Donsker-Varadhan bound is concave in the weights of the
last layer, so a few damped Newton steps reach its maximum. Critics are solved in
batches: `B` sets of features, each shared by `F` critics.
"""

import torch

# The gradient at which a head counts as solved; far below sampling error, so that
# results do not depend on how critics were batched.
_TOLERANCE = 1e-9
_MAX_STEPS = 100
_MAX_HALVINGS = 30
# A step that leaves more than this share of the gradient calls for a new Hessian.
_SLOW = 0.35
# Critics beyond which, and pairs up to which, products of features are kept.
_MANY, _MAX_SHARED_PAIRS = 64, 8192


def solve_head(features, joint_mean, log_weights, ridge):
    """Maximise the Donsker-Varadhan bound over the weights of the last layer.

    The bound, for weights w, is ``w @ joint_mean - log(sum_i q_i exp(w @ f_i))``, and
    ``sum_j ridge_j w_j ** 2 / 2`` is taken from it.

    Parameters
    ----------
    features : tensor of shape (B, m, M), float64
        Features of `m` pairs of the product of marginals.

    joint_mean : tensor of shape (B, F, M)
        Mean features of the joint pairs, a row for each critic.

    log_weights : tensor of shape (B, F, m)
        Log of the weight q of each product pair, normalised over the pairs.

    ridge : tensor of shape (B, F, M)
        Quadratic penalty of each weight of each critic; positive.

    Returns
    -------
    weights : tensor of shape (B, F, M)
        Zero for a critic whose inputs are not finite.

    log_normalizer : tensor of shape (B, F)
        The log partition of the product pairs at these weights.
    """
    weights = torch.zeros_like(joint_mean)
    finite = torch.isfinite(features).all(dim=2).all(dim=1)
    features = torch.where(finite[:, None, None], features, 0.0)
    usable = finite[:, None] & torch.isfinite(joint_mean).all(dim=2)
    for b in range(len(features)):
        rows = torch.nonzero(usable[b]).squeeze(1)
        if len(rows):
            weights[b, rows] = _solve_set(
                features[b], joint_mean[b, rows], log_weights[b, rows], ridge[b, rows]
            )
    logits = torch.baddbmm(log_weights, weights, features.transpose(1, 2))
    return weights, torch.logsumexp(logits, dim=2)


def _solve_set(features, joint_mean, log_weights, ridge):
    """Newton's method for the critics that share one set of features.

    A Hessian serves for as long as steps with it shrink the gradient well, and single
    precision is enough for it: both change the path to the maximum, not the maximum.
    """
    moments = _Moments(features)
    weights = torch.zeros_like(joint_mean)
    active = torch.arange(len(joint_mean))
    w, b, q, r = weights.clone(), joint_mean, log_weights, ridge
    value, gradient, probabilities = _ascent(features, w, b, q, r)
    # At zero the critics differ in their pairs' weights alone, and those hardly.
    shared = probabilities.mean(dim=0, keepdim=True)
    factor = _factor(moments(shared).expand(len(w), -1, -1), r)
    for _ in range(_MAX_STEPS):
        step = torch.cholesky_solve(gradient[:, :, None], factor)[:, :, 0]
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
        slow = ((size > _SLOW * before) | (scale < 1.0))[going]
        active, w, value = active[going], trial[going], new_value[going]
        gradient, factor = new_gradient[going], factor[going]
        b, q, r = b[going], q[going], r[going]
        if slow.any():
            hessian = moments(probabilities[going][slow])
            factor[slow] = _factor(hessian, r[slow])
    return weights


def _ascent(features, w, b, q, r):
    """The penalised bound, its gradient, and the pairs' tilted probabilities."""
    logits = torch.addmm(q, w, features.T)
    highest = logits.amax(dim=1, keepdim=True)
    tilted = logits.sub_(highest).exp_()
    partition = tilted.sum(dim=1, keepdim=True)
    log_z = (highest + partition.log())[:, 0]
    probabilities = tilted.div_(partition)
    value = (w * b).sum(1) - log_z - 0.5 * (r * w * w).sum(1)
    return value, b - probabilities @ features - r * w, probabilities


def _factor(covariance, ridge):
    """Cholesky factors of covariances with ridges on their diagonals."""
    hessian = covariance.double() + torch.diag_embed(ridge)
    return torch.linalg.cholesky_ex(hessian)[0]


class _Moments:
    """Covariance of the features under each critic's probabilities, (F, M, M)."""

    def __init__(self, features):
        self.features = features.float()
        n_pairs, n_features = features.shape
        self.triangle = torch.triu_indices(n_features, n_features)
        self.shared = n_pairs <= _MAX_SHARED_PAIRS
        self.products = None

    def __call__(self, probabilities):
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
