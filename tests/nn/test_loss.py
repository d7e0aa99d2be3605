import copy
import pickle

import numpy as np
import pytest
import torch

from sklearn_mine import MINE
from sklearn_mine.nn import OBJECTIVES, Critic, MutualInformationLoss, adaptive_clip_
from sklearn_mine.nn.networks import GaussianNoise


@pytest.fixture(autouse=True)
def own_generator():
    """Torch modules draw from the global generator; what was there comes back."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def _noisy(encoder, x):
    return encoder(x) + 0.5 * torch.randn(len(x), 2)


def _driven(sign, objective="mine", n_steps=300):
    """An encoder driven by one optimiser, and held-out information before and after."""
    encoder = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Tanh())
    information = MutualInformationLoss(
        Critic((64, 64)), objective, n_shifts=16 if objective == "infonce" else None
    )

    def measured():
        with torch.no_grad():
            x = torch.randn(1500, 4)
            z = _noisy(encoder, x)
        return MINE(solver="newton", random_state=0).fit(x, z).mutual_info_

    before = measured()
    parameters = [*encoder.parameters(), *information.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    for _ in range(n_steps):
        x = torch.randn(128, 4)
        loss = sign * information(x, _noisy(encoder, x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return before, measured()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_information_falls_where_it_is_added_to_what_is_descended(objective):
    before, after = _driven(+1.0, objective)
    assert before > 0.3
    assert after < 0.4 * before


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_information_rises_where_it_is_subtracted(objective):
    before, after = _driven(-1.0, objective)
    assert after > before + 0.3


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e-3, -7.0])
def test_critic_climbs_whatever_the_term_is_multiplied_with(factor):
    x = torch.randn(64, 3)
    z = x[:, :2] + 0.1 * torch.randn(64, 2)
    information = MutualInformationLoss(Critic((16,)), "dv")
    information(x, z)  # shapes
    partners = information._partners(64, None)
    values = information.critic.pairs(x, z, partners)[None]
    bound = information.objective.bound(*information.objective.terms(values, partners))
    right = torch.autograd.grad(bound.sum(), list(information.critic.parameters()))
    (factor * information(x, z)).backward()
    for parameter, up in zip(information.critic.parameters(), right, strict=True):
        # What an optimiser that descends is given: uphill is minus the gradient.
        torch.testing.assert_close(parameter.grad, -abs(factor) * up)


@pytest.mark.parametrize("training", [True, False])
def test_gradient_for_both_variables_is_that_of_the_estimate(training):
    information = MutualInformationLoss(Critic((16,)), "dv").double()
    x = torch.randn(8, 3, dtype=torch.float64, requires_grad=True)
    z = torch.randn(8, 2, dtype=torch.float64, requires_grad=True)
    information(x, z)
    information.train(training)

    def value(x, z):
        information.n_calls = 0  # the same partners each time
        return information(x, z)

    assert torch.autograd.gradcheck(value, (x, z))


def test_value_is_the_bound_and_no_surrogate():
    x = torch.randn(200, 1)
    for objective in ("mine", "dv"):
        information = MutualInformationLoss(Critic((16,)), objective)
        with torch.no_grad():
            information(x, x)
        partners = information._partners(200, None)
        values = information.critic.pairs(x, x, partners)
        bound = values[0].mean() - values[1:].exp().mean().log()
        torch.testing.assert_close(information(x, x), bound)


def test_any_module_may_be_the_critic():
    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, x, z):
            return self.weight * (x * z).sum(dim=1, keepdim=True)

    critic = Product()
    information = MutualInformationLoss(critic)
    optimizer = torch.optim.Adam(information.parameters(), lr=0.05)
    for _ in range(100):
        x = torch.randn(256, 1)
        optimizer.zero_grad()
        information(x, 0.6 * x + 0.8 * torch.randn(256, 1)).backward()
        optimizer.step()
    # T = w x z is best near the correlation over 1 - its square, 0.94, tempered by
    # what its squares would add: 0.5 to 0.7.
    assert 0.3 < critic.weight.item() < 1.0


def test_batch_statistics_of_a_critic_do_not_tell_joint_pairs_apart():
    class Normalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.normal = torch.nn.BatchNorm1d(1)
            self.seen = []

        def forward(self, x, z):
            self.seen.append(len(x))
            return self.normal(x * z)

    critic = Normalised()
    MutualInformationLoss(critic, n_shifts=3)(torch.randn(10, 1), torch.randn(10, 1))
    assert critic.seen == [40]


def test_optimiser_made_before_the_first_batch_trains_the_critic():
    information = MutualInformationLoss()
    optimizer = torch.optim.SGD(information.parameters(), lr=0.1)
    information(torch.randn(32, 3), torch.randn(32, 2)).backward()
    before = copy.deepcopy(information.critic.state_dict())
    optimizer.step()
    after = information.critic.state_dict()
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("x_shape", "z_shape"),
    [((1, 28, 28), (16,)), ((16,), (3, 12, 9)), ((1, 8, 8), (3, 8, 8)), ((5, 4), (2,))],
)
def test_images_and_vectors_meet(x_shape, z_shape):
    information = MutualInformationLoss()
    value = information(torch.randn(6, *x_shape), torch.randn(6, *z_shape))
    value.backward()
    assert value.shape == () and torch.isfinite(value)
    n_images = sum(side.takes_images for side in information.critic.sides)
    assert n_images == (len(x_shape) == 3) + (len(z_shape) == 3)


def test_partners_change_while_training_and_nobody_meets_itself():
    information = MutualInformationLoss(n_shifts=3)
    seen = set()
    for n_calls in range(20):
        information.n_calls = n_calls
        partners = information._partners(10, None)
        assert (partners[0] == torch.arange(10)).all()
        assert (partners[1:] != partners[0]).all()
        assert len({tuple(row.tolist()) for row in partners}) == 4
        seen.add(tuple(partners[1].tolist()))
    assert len(seen) == 9
    # More shifts than there are others: all pairs, each once.
    assert MutualInformationLoss(n_shifts=99)._partners(4, None).shape == (4, 4)


def test_nothing_is_learnt_in_evaluation_or_without_gradients():
    information = MutualInformationLoss()
    x, z = torch.randn(20, 2), torch.randn(20, 2)
    information.eval()
    first = information(x, z)
    assert torch.equal(information(x, z), first)
    with torch.no_grad():
        information.train()(x, z)
    assert information.n_calls == 0
    assert information.objective.log_average is None


def test_batch_that_overflows_does_not_spoil_what_follows():
    information = MutualInformationLoss(Critic((8,)))
    x = torch.randn(16, 2)
    information(x, x)
    information(torch.full((16, 2), torch.inf), x)
    assert torch.isfinite(information(x, x))


def test_first_batch_that_overflows_is_forgotten():
    information = MutualInformationLoss(Critic((8,)))
    x = torch.randn(16, 2)
    information(torch.full((16, 2), torch.inf), x)
    assert torch.isfinite(information.objective.log_average).all()


def test_critic_gets_no_gradient_in_evaluation():
    information = MutualInformationLoss(Critic((8,)))
    x = torch.randn(16, 2, requires_grad=True)
    information(x, x.detach())
    information.eval()(x, x.detach()).backward()
    assert x.grad is not None
    assert all(parameter.grad is None for parameter in information.parameters())


def test_saved_weights_go_into_a_new_module():
    x, z = torch.randn(16, 3), torch.randn(16, 2)
    trained, new = MutualInformationLoss(), MutualInformationLoss()
    trained(x, z)
    new.load_state_dict(trained.state_dict())
    assert torch.equal(new.eval()(x, z), trained.eval()(x, z))


def test_training_goes_on_from_a_saved_state_as_if_it_had_not_stopped():
    batches = [(torch.randn(32, 3), torch.randn(32, 2)) for _ in range(6)]
    first = MutualInformationLoss(Critic((8,), noise=0.3, seed=1))
    values = [first(*batch) for batch in batches[:3]]
    state = copy.deepcopy(first.state_dict())
    values = [first(*batch) for batch in batches[3:]]
    again = MutualInformationLoss(Critic((8,), noise=0.3, seed=1))
    again.load_state_dict(state)
    assert [again(*batch) for batch in batches[3:]] == values
    # The gradient's bias correction rests on the past as well.
    first(*batches[0]).backward()
    again(*batches[0]).backward()
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a.grad, b.grad) for a, b in pairs)
    assert torch.equal(first.objective.log_average, again.objective.log_average)


@pytest.mark.parametrize("x_shape", [(3,), (1, 8, 8)])
@pytest.mark.parametrize("made", ["before", "after"])
def test_optimiser_resumes_whenever_it_was_made(x_shape, made):
    batches = [(torch.randn(16, *x_shape), torch.randn(16, 2)) for _ in range(3)]

    def step(information, optimizer, batch):
        optimizer.zero_grad()
        (-information(*batch)).backward()
        optimizer.step()

    first = MutualInformationLoss(Critic((8,)))
    if made == "after":
        first(*batches[0])
    of_first = torch.optim.Adam(first.parameters())
    step(first, of_first, batches[0])
    state = copy.deepcopy((first.state_dict(), of_first.state_dict()))
    again = MutualInformationLoss(Critic((8,)))
    again.load_state_dict(state[0])
    of_again = torch.optim.Adam(again.parameters())
    of_again.load_state_dict(state[1])
    for batch in batches[1:]:
        step(first, of_first, batch)
        step(again, of_again, batch)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "z", [torch.arange(12), torch.arange(12) > 5, torch.zeros(12, 2).double()]
)
def test_numbers_of_any_type_are_read(z):
    x = torch.zeros(12, 1, 8, 8, dtype=torch.uint8)
    assert torch.isfinite(MutualInformationLoss()(x, z))


def test_batches_of_another_shape_are_refused_by_name():
    information = MutualInformationLoss()
    x, z = torch.randn(9, 1, 8, 8), torch.randn(9, 2)
    information(x, z)
    for other, message in (
        ((9, 3), "x has shape .9, 3., and the critic was built for images"),
        ((9, 3, 8, 8), "x has shape .* of 1 channels"),
        ((9, 1, 12, 12), "x has rows of 1024 numbers, and the critic was built for 57"),
    ):
        with pytest.raises(ValueError, match=message):
            information(torch.randn(*other), z)
    with pytest.raises(ValueError, match="z has rows of 4 numbers"):
        information(x, torch.randn(9, 4))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((9, 2)), "x should be a tensor of shape .*, got ndarray"),
        ([1.0, 2.0], "x should be a tensor"),
        (torch.tensor(1.0), "got Tensor without a dimension"),
        (torch.zeros(0, 2), "A batch of 0 rows"),
    ],
)
def test_what_is_no_batch_is_refused(x, message):
    z = torch.zeros(0 if torch.is_tensor(x) else 9, 2)
    with pytest.raises(ValueError, match=message):
        MutualInformationLoss()(x, z)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes should hold"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes should hold"),
        ({"activation": "gelu"}, "activation should be one of"),
        ({"noise": -1.0}, "scale of noise should be 0 or more"),
    ],
)
def test_critic_names_a_wrong_parameter(how, message):
    with pytest.raises(ValueError, match=message):
        Critic(**how)


def test_parameters_that_vectors_do_not_use_are_harmless():
    information = MutualInformationLoss(Critic((8,)))
    (-information(torch.randn(16, 3), torch.randn(16, 2))).backward()
    parameters = list(information.parameters())
    assert all(torch.isfinite(each.abs().mean()) for each in parameters)
    torch.nn.utils.clip_grad_norm_(parameters, 1.0, norm_type=torch.inf)
    if not hasattr(torch.optim, "Adafactor"):
        pytest.skip("torch before 2.5 has no Adafactor")
    torch.optim.Adafactor(parameters).step()
    assert all(torch.isfinite(each).all() for each in parameters)


def test_average_goes_where_the_values_are():
    information = MutualInformationLoss(Critic((8,)))
    information(torch.randn(16, 3), torch.randn(16, 2))
    information.objective.log_average = information.objective.log_average.double()
    value = information(torch.randn(16, 3), torch.randn(16, 2))
    assert information.objective.log_average.dtype == value.dtype == torch.float32


def test_critic_of_no_rows_gives_no_values():
    critic = Critic((8,))
    critic(torch.zeros(2, 3), torch.zeros(2, 2))
    assert critic(torch.zeros(0, 3), torch.zeros(0, 2)).shape == (0,)
    with pytest.raises(ValueError, match="z has rows of no numbers"):
        Critic((8,))(torch.zeros(4, 3), torch.zeros(4, 0))


def test_critic_wants_as_many_rows_of_both():
    with pytest.raises(ValueError, match="x has 1 rows and z has 5"):
        Critic()(torch.zeros(1, 2), torch.zeros(5, 2))


def test_copies_of_data_parallel_are_refused():
    # Their parameters are not seen as such, and would be trained the wrong way.
    information = MutualInformationLoss()._replicate_for_data_parallel()
    with pytest.raises(ValueError, match="DistributedDataParallel"):
        information(torch.zeros(5, 2), torch.zeros(5, 2))


def test_adaptive_clip_names_a_gradient_of_another_shape():
    weight = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match=r"information_gradients\[0\] has shape"):
        adaptive_clip_([weight], [torch.zeros(2)], [torch.zeros(3)])


def test_critic_with_a_forward_of_its_own_is_asked():
    class Nought(Critic):
        def forward(self, x, z):
            return 0.0 * super().forward(x, z)

    assert MutualInformationLoss(Nought())(torch.randn(5, 2), torch.randn(5, 2)) == 0.0


def test_adaptive_clip_passes_over_a_gradient_that_overflowed():
    parameter = torch.nn.Parameter(torch.zeros(2))
    first, second = torch.ones(2), torch.tensor([torch.inf, 1.0])
    assert adaptive_clip_([parameter], [first], [second]) == 0.0
    assert torch.equal(parameter.grad, first)


def test_copies_and_pickles_go_on_alike():
    information = MutualInformationLoss(Critic((8,), noise=0.5, seed=3))
    x, z = torch.randn(16, 2), torch.randn(16, 2)
    information(x, z)
    again = [copy.deepcopy(information), pickle.loads(pickle.dumps(information))]
    value = information(x, z)
    for each in again:
        assert torch.equal(each(x, z), value)


def test_noise_with_a_seed_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    noise = GaussianNoise(2.0, seed=1)
    first, second = noise(torch.zeros(20_000)), noise(torch.zeros(20_000))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.std() == pytest.approx(2.0, rel=0.03)  # 2 standard errors are 1 %
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1]) < 0.03
    assert torch.equal(noise.eval()(torch.ones(3)), torch.ones(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MutualInformationLoss(objective="ksg"), "objective should be one of"),
        (
            lambda: MutualInformationLoss(n_shifts=0),
            "n_shifts should be a whole number",
        ),
        (lambda: MutualInformationLoss(critic=max), "critic should be a torch module"),
        (
            lambda: MutualInformationLoss()(torch.zeros(3, 1), torch.zeros(4, 1)),
            "x has 3 rows and z has 4",
        ),
        (
            lambda: MutualInformationLoss()(torch.zeros(1, 1), torch.zeros(1, 1)),
            "no product of marginals",
        ),
        (
            lambda: MutualInformationLoss(torch.nn.Bilinear(1, 1, 2))(
                torch.zeros(3, 1), torch.zeros(3, 1)
            ),
            "one value for each pair",
        ),
        (lambda: adaptive_clip_([], [None], []), "0 parameters, 1 adversarial"),
    ],
)
def test_wrong_use_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_adaptive_clip_keeps_a_small_gradient_and_shrinks_a_large_one():
    rng = np.random.default_rng(0)
    shapes = [(3, 2), (4,), (2,)]
    parameters = [
        torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in shapes
    ]
    first = [torch.from_numpy(rng.normal(size=shape)) for shape in shapes]
    second = [torch.from_numpy(rng.normal(size=shape)) for shape in shapes]
    first[2] = None

    def norm(gradients):
        return np.sqrt(sum(float((g**2).sum()) for g in gradients if g is not None))

    for scale in (1e-3, 1e3):
        scaled = [scale * g for g in second]
        factor = float(adaptive_clip_(parameters, first, scaled))
        expected = min(norm(first), norm(scaled)) / norm(scaled)
        assert factor == pytest.approx(expected, rel=1e-6)
        for parameter, one, two in zip(parameters, first, scaled, strict=True):
            total = factor * two + (0.0 if one is None else one)
            torch.testing.assert_close(parameter.grad, total)


def test_adaptive_clip_of_nothing_is_nothing():
    parameter = torch.nn.Parameter(torch.zeros(2))
    assert adaptive_clip_([parameter], [None], [torch.ones(2)]) == 0.0
    assert torch.equal(parameter.grad, torch.zeros(2))
    adaptive_clip_([parameter], [None], [None])
    assert parameter.grad is None
