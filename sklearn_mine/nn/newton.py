"""The last layer, solved instead of descended.

For fixed hidden layers the Donsker-Varadhan bound is concave in the weights of the
last layer, so a few damped Newton steps reach its maximum. Critics are solved in
batches: `B` sets of features, each shared by `F` critics.
"""

import torch

# The gradient at which a head counts as solved; far below sampling error, so that
# results do not depend on how critics were batched.
_TOLERANCE = 1e-10
_MAX_STEPS = 100
_MAX_HALVINGS = 30
# Pairs up to which their features' products are kept for all steps.
_MAX_SHARED_PAIRS = 8192


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
    """Newton's method for the critics that share one set of features."""
    weights = torch.zeros_like(joint_mean)
    active = torch.arange(len(joint_mean))
    outer = None
    for _ in range(_MAX_STEPS):
        w, b, q = weights[active], joint_mean[active], log_weights[active]
        r = ridge[active]
        logits = torch.addmm(q, w, features.T)
        log_z = torch.logsumexp(logits, dim=1, keepdim=True)
        value = (w * b).sum(1) - log_z[:, 0] - 0.5 * (r * w * w).sum(1)
        probabilities = torch.exp(logits - log_z)
        mean = probabilities @ features
        gradient = b - mean - r * w
        going = gradient.abs().amax(dim=1) > _TOLERANCE
        if not going.any():
            break
        active = active[going]
        w, b, q, r, value = w[going], b[going], q[going], r[going], value[going]
        gradient, mean = gradient[going], mean[going]
        if outer is None:
            outer = _outer_products(features)
        hessian = _second_moment(probabilities[going], features, outer)
        hessian -= mean[:, :, None] * mean[:, None, :]
        hessian.diagonal(dim1=1, dim2=2).add_(r)
        factor = torch.linalg.cholesky_ex(hessian)[0]
        step = torch.cholesky_solve(gradient[:, :, None], factor)[:, :, 0]
        slope = (step * gradient).sum(1)
        scale = torch.ones_like(slope)
        for _ in range(_MAX_HALVINGS):
            trial = w + scale[:, None] * step
            log_z = torch.logsumexp(torch.addmm(q, trial, features.T), dim=1)
            gain = (trial * b).sum(1) - log_z - 0.5 * (r * trial**2).sum(1) - value
            short = ~(gain >= 1e-4 * scale * slope - 1e-13 * (1 + value.abs()))
            if not short.any():
                break
            scale = torch.where(short, 0.5 * scale, scale)
        moved = (scale[:, None] * step).nan_to_num(0.0)
        weights[active] = w + moved
        # A step below float64's resolution cannot lower the gradient further.
        still = moved.abs().amax(dim=1) > 1e-13 * (1 + w.abs().amax(dim=1))
        active = active[still]
        if not len(active):
            break
    return weights


def _outer_products(features):
    """Products of feature pairs, where few critics share many pairs: else None.

    One triangle of each symmetric product, since the other is the same.
    """
    n_pairs, n_features = features.shape
    if n_pairs > _MAX_SHARED_PAIRS:
        return None
    i, j = torch.triu_indices(n_features, n_features)
    return features[:, i] * features[:, j]


def _second_moment(probabilities, features, outer):
    """E[f f'] under each critic's tilted product, (F, M, M)."""
    if outer is None:
        return torch.stack(
            [(features * p[:, None]).T @ features for p in probabilities]
        )
    n_features = features.shape[1]
    i, j = torch.triu_indices(n_features, n_features)
    moments = features.new_empty(len(probabilities), n_features, n_features)
    triangle = probabilities @ outer
    moments[:, i, j] = triangle
    moments[:, j, i] = triangle
    return moments
