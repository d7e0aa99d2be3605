"""Objectives: the loss whose gradient trains, and the bound that is reported.

These are two things. "mine" descends a surrogate whose gradient is unbiased but whose
value bounds nothing; what is reported is always a bound. All take critic values of
shape (K, 1 + S, B): for each of K critics, row 0 holds B joint pairs and the other S
rows hold B pairs each of the product of marginals. `partners` (1 + S, B) says
which y each pair took. With `all_pairs` the values are (K, B, B) instead: entry (i, j)
pairs x[i] with y[j].
"""

import math

import torch


class Objective(torch.nn.Module):
    """Base of the objectives.

    Parameters
    ----------
    all_pairs : bool
        Whether critic values are those of all pairs of a batch.

    Attributes
    ----------
    is_lower_bound : bool
        Whether the population value of `bound` is at most the mutual information,
        whatever the critic.

    is_solvable : bool
        Whether a critic of the largest Donsker-Varadhan bound, which a solved last
        layer has, is what this objective looks for as well.
    """

    is_lower_bound = True
    is_solvable = True

    def __init__(self, *, all_pairs: bool = False) -> None:
        super().__init__()
        self.all_pairs = all_pairs

    def forward(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> torch.Tensor:
        """The loss to descend, summed over critics; `last_` keeps it for each."""
        loss, bound = self.measure(critic_values, partners)
        self.last_ = {"surrogate": loss.detach(), "train_bound": bound}
        return loss.sum()

    def measure(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss and the bound of each critic, (K,) each; the bound is detached."""
        terms = self.terms(critic_values, partners)
        with torch.no_grad():
            bound = self.bound(*terms)
        return self.loss(*terms), bound

    def terms(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean over joint pairs, and log-mean-exp over product pairs, (K,) each."""
        if self.all_pairs:
            joint = critic_values.diagonal(dim1=1, dim2=2)
            return joint.mean(dim=1), log_mean_of_other_pairs(critic_values)
        product = critic_values[:, 1:].flatten(1)
        log_mean = torch.logsumexp(product, dim=1) - math.log(product.shape[1])
        return critic_values[:, 0].mean(dim=1), log_mean

    def loss(self, joint: torch.Tensor, log_mean: torch.Tensor) -> torch.Tensor:
        """The loss of each critic, (K,)."""
        return -self.bound(joint, log_mean)

    def bound(self, joint: torch.Tensor, log_mean: torch.Tensor) -> torch.Tensor:
        """The bound of each critic in nats, (K,)."""
        raise NotImplementedError


class DonskerVaradhan(Objective):
    """E_joint[T] - ln E_product[exp T], descended as it is (biased minibatch gradient).

    References
    ----------
    Donsker and Varadhan (1983); Belghazi et al. (2018), equation 10.
    """

    def bound(self, joint: torch.Tensor, log_mean: torch.Tensor) -> torch.Tensor:
        return joint - log_mean


class Mine(DonskerVaradhan):
    """The Donsker-Varadhan bound with the gradient's minibatch bias corrected.

    The denominator of the gradient's second term is an exponential moving average of
    E_product[exp T], kept in log space and detached. Scoring does not touch it.

    Parameters
    ----------
    decay : float
        Weight of the past in the moving average.

    References
    ----------
    Belghazi et al. (2018), section 3.2.
    """

    def __init__(self, decay: float = 0.9, *, all_pairs: bool = False) -> None:
        super().__init__(all_pairs=all_pairs)
        self.decay = decay
        self.log_average: torch.Tensor | None = None

    def get_extra_state(self) -> torch.Tensor:
        # A tensor, as all that stands in a state_dict.
        return torch.empty(0) if self.log_average is None else self.log_average

    def set_extra_state(self, state: torch.Tensor) -> None:
        self.log_average = state.clone() if len(state) else None

    def loss(self, joint: torch.Tensor, log_mean: torch.Tensor) -> torch.Tensor:
        current = log_mean.detach()
        if self.log_average is None:
            self.log_average = current.nan_to_num(0.0, 0.0, 0.0)
        else:
            past = self.log_average.to(current)
            # A batch that overflowed must not stay in the average for good.
            current = torch.where(current.isfinite(), current, past)
            self.log_average = torch.logaddexp(
                past + math.log(self.decay),
                current + math.log1p(-self.decay),
            )
        # The ratio's gradient is that of E[exp T] over the average. It is at most
        # 1 / (1 - decay), since the average holds this batch itself.
        return torch.exp(log_mean - self.log_average) - joint


class MineF(Objective):
    """E_joint[T] - E_product[exp(T - 1)], the f-divergence bound ("NWJ").

    References
    ----------
    Nguyen, Wainwright and Jordan (2010); Belghazi et al. (2018), equation 6.
    """

    def bound(self, joint: torch.Tensor, log_mean: torch.Tensor) -> torch.Tensor:
        return joint - torch.exp((log_mean - 1.0).clamp(max=50.0))


class InfoNCE(DonskerVaradhan):
    """Tell the joint pair from product pairs, seen from x and from y.

    Both directions are averaged, so that the best critic is the pointwise mutual
    information up to one constant. Its own value is capped at ln(1 + S); what the
    estimators report is the held-out bound of the critic, which is not.

    References
    ----------
    van den Oord, Li and Vinyals (2018).
    """

    is_solvable = False

    def terms(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self.all_pairs:
            joint = critic_values.diagonal(dim1=1, dim2=2)
            from_x = torch.logsumexp(critic_values, dim=2)
            by_y = critic_values
        else:
            joint = critic_values[:, 0]
            from_x = torch.logsumexp(critic_values, dim=1)
            # The same pairs arranged by y: pair (s, i) is seen from y[partners[s, i]].
            order = torch.argsort(partners, dim=-1).expand_as(critic_values)
            by_y = torch.gather(critic_values, 2, order)
        from_y = torch.logsumexp(by_y, dim=1)
        n_candidates = math.log(critic_values.shape[1])
        both = 0.5 * (from_x.mean(dim=1) + from_y.mean(dim=1))
        return joint.mean(dim=1), both - n_candidates


class JensenShannon(Objective):
    """The Jensen-Shannon divergence of joint and product, twice, in nats.

    It is steady, since no pair counts for much, and it is no estimate of the mutual
    information, though a lower bound: at most ln 4, and half of the information where
    there is little. Its best critic is the pointwise mutual information.

    References
    ----------
    Nowozin, Cseke and Tomioka (2016); Hjelm et al. (2019), equation 4.
    """

    is_solvable = False

    def terms(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        softplus = torch.nn.functional.softplus
        if self.all_pairs:
            joint = critic_values.diagonal(dim1=1, dim2=2)
            below = softplus(critic_values)
            n = below.shape[1]
            itself = below.diagonal(dim1=1, dim2=2).sum(dim=1)
            product = (below.sum(dim=(1, 2)) - itself) / (n * (n - 1))
        else:
            joint = critic_values[:, 0]
            product = softplus(critic_values[:, 1:]).mean(dim=(1, 2))
        return -softplus(-joint).mean(dim=1), product

    def bound(self, joint: torch.Tensor, product: torch.Tensor) -> torch.Tensor:
        return joint - product + math.log(4.0)


class Smile(DonskerVaradhan):
    """Donsker-Varadhan with exp T clipped in the partition term alone: no bound.

    Clipping trades the variance of rare large values for a bias of either sign, so
    that the value may lie above the information. The critic climbs the Jensen-Shannon
    objective, as its authors have it; the value is the clipped one.

    Parameters
    ----------
    clip : float
        T counts between -clip and clip.

    References
    ----------
    Song and Ermon (2020), "Understanding the limitations of variational mutual
    information estimators".
    """

    is_lower_bound = False
    is_solvable = False

    def __init__(self, clip: float = 5.0, *, all_pairs: bool = False) -> None:
        super().__init__(all_pairs=all_pairs)
        self.clip = clip
        self._trained_by = JensenShannon(all_pairs=all_pairs)

    def measure(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        loss, _ = self._trained_by.measure(critic_values, partners)
        return loss, self.bound(*self.terms(critic_values.detach(), partners))

    def terms(
        self, critic_values: torch.Tensor, partners: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        joint, _ = super().terms(critic_values, partners)
        clipped = critic_values.clamp(-self.clip, self.clip)
        return joint, super().terms(clipped, partners)[1]


def log_mean_of_other_pairs(values: torch.Tensor) -> torch.Tensor:
    """Log-mean-exp over all pairs (K, B, B) but those of a row with itself, (K,)."""
    n = values.shape[1]
    itself = torch.eye(n, dtype=torch.bool, device=values.device)
    product = values.masked_fill(itself, -torch.inf).flatten(1)
    return torch.logsumexp(product, dim=1) - math.log(n * (n - 1))


OBJECTIVES = {
    "mine": Mine,
    "dv": DonskerVaradhan,
    "mine-f": MineF,
    "infonce": InfoNCE,
    "jensen-shannon": JensenShannon,
    "smile": Smile,
}
