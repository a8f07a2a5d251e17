"""The paper's group convolutional networks: sizes, equivariance before and after training, and initial values."""

import pytest
import torch
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.models.gcnn import GCNNArchitecture, build_gcnn
from aenbench.nn import SquareGroup, check_equivariance
from aenbench.nn.square_groups import SQUARE_GROUPS, group_from_bits
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

every_group = pytest.mark.parametrize("name", SQUARE_GROUPS)
PRECISIONS = [(torch.float32, 1e-5), (torch.float64, 1e-12)]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small products on a shared machine: more threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def random_images(architecture, batch, dtype=torch.float32, seed=0):
    shape = (batch, architecture.shape.channels, architecture.shape.image_size, architecture.shape.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def train(network, steps, dtype, batch=4):
    """Training on noise with random labels: the weights have to move, not to learn."""
    architecture = network.architecture
    labels = torch.arange(batch) % architecture.shape.classes
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    with torch.random.fork_rng():  # dropout
        torch.manual_seed(0)
        for step in range(steps):
            optimiser.zero_grad()
            F.cross_entropy(network(random_images(architecture, batch, dtype, seed=step)), labels).backward()
            optimiser.step()


@pytest.mark.parametrize(("protocol", "is_random"), [("standard", False), ("paper", True)])
def test_only_under_paper_training_drops_features(protocol, is_random):
    network = build_gcnn(GCNNArchitecture("c4", shape=TaskShape(protocol)), 0).train()
    images = random_images(network.architecture, 4, torch.float32, seed=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = network(images), network(images)
    assert torch.equal(first, second) != is_random


class Features(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network.features(images)


def check_network(network, dtype, tolerance, name=None):
    """Every element of the group, on the features; and on the logits, where they should be invariant."""
    architecture = network.architecture
    group = SquareGroup(name or architecture.group)
    images = random_images(architecture, 2, dtype, seed=10_000)
    moves = group.pixels(architecture.shape.image_size)
    features = None if name else group.features(architecture.feature_size)
    module = network if name else Features(network)
    report = check_equivariance(module, moves, features, inputs=images, tolerance=tolerance)
    assert name or len(report.errors) == group.order
    if report.passed and architecture.protocol.invariant_head:
        report = check_equivariance(network, moves, inputs=images, tolerance=tolerance)
    return report


def check_layers(network, dtype, tolerance):
    """Every convolution with its trained weights, on inputs of its own."""
    group, seed = SquareGroup(network.architecture.group), torch.Generator().manual_seed(0)
    for layer in network.convolutions[1:]:
        shape = (2, layer.in_channels, group.order, 8, 8)
        x = torch.randn(shape, generator=seed, dtype=torch.float64).to(dtype)
        report = check_equivariance(layer, group.features(8), group.features(6), inputs=x, tolerance=tolerance)
        assert report.passed, report.errors


@every_group
@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3)])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
def test_network_commutes_with_every_element_before_and_after_a_step(name, protocol, size, channels, dtype, tolerance):
    architecture = GCNNArchitecture(name, False, TaskShape(protocol, 10, size, channels))
    network = build_gcnn(architecture, 0).to(dtype)
    assert check_network(network, dtype, tolerance).passed
    before = network.convolutions[0].weight.detach().clone()
    train(network, 1, dtype, batch=2)
    assert not torch.equal(network.convolutions[0].weight, before)
    assert check_network(network, dtype, tolerance).passed


@pytest.mark.slow
@every_group
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3)])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
def test_network_and_its_layers_commute_after_200_steps(name, size, channels, dtype, tolerance):
    network = build_gcnn(GCNNArchitecture(name, shape=TaskShape(image_size=size, channels=channels)), 0).to(dtype)
    train(network, 200, dtype, batch=2)
    report = check_network(network, dtype, tolerance)
    assert report.passed, report.errors
    check_layers(network, dtype, tolerance)


@pytest.mark.slow
@every_group
def test_features_of_the_paper_network_commute_after_200_steps(name):
    network = build_gcnn(GCNNArchitecture(name, shape=TaskShape(protocol="paper")), 0)
    train(network, 200, torch.float32, batch=2)
    report = check_network(network, torch.float32, 1e-5)
    assert report.passed, report.errors


@pytest.mark.parametrize(("name", "larger"), [("trivial", "hflip"), ("c4", "d4"), ("v4", "d4"), ("c2", "c4")])
def test_network_is_not_invariant_to_a_larger_group(name, larger):
    network = build_gcnn(GCNNArchitecture(name), 0).double()
    assert not check_network(network, torch.float64, 1e-3, name=larger).passed


@pytest.mark.parametrize("name", ["c4", "d4", "hflip"])
def test_paper_head_is_not_invariant(name):
    network = build_gcnn(GCNNArchitecture(name, shape=TaskShape(protocol="paper")), 0)
    moves, images = SquareGroup(name).pixels(28), random_images(network.architecture, 2)
    assert not check_equivariance(network, moves, inputs=images, tolerance=1e-3).passed


@every_group
@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (28, 1, 26), (32, 3, 10), (16, 2, 1)])
def test_parameters_are_counted_right_and_alike_for_all_groups(name, protocol, large, size, channels, classes):
    architecture = GCNNArchitecture(name, large, TaskShape(protocol, classes, size, channels))
    network = build_gcnn(architecture, 0)
    assert architecture.parameter_count == sum(parameter.numel() for parameter in network.parameters())
    assert network.eval()(random_images(architecture, 2)).shape == (2, classes)
    if protocol == "standard" and size > 16:
        plain = GCNNArchitecture("trivial", large, TaskShape(protocol, classes, size, channels)).parameter_count
        assert abs(architecture.parameter_count / plain - 1) < 0.05


def test_channels_of_the_paper_are_those_of_the_released_code():
    widths = {
        name: (
            GCNNArchitecture(name, False, TaskShape("paper")).width,
            GCNNArchitecture(name, True, TaskShape("paper")).width,
        )
        for name in SQUARE_GROUPS
    }
    two, four = (11, 16), (6, 10)
    assert widths == {
        "trivial": (20, 30),
        **dict.fromkeys(("c2", "hflip", "vflip", "diagonal", "antidiagonal"), two),
        **dict.fromkeys(("c4", "v4", "v4-diagonal"), four),
        "d4": (3, 5),
    }


def test_numbers_of_the_docstring_are_those_of_the_networks():
    stated = {
        GCNNArchitecture(name).width: GCNNArchitecture(name).parameter_count for name in ("trivial", "c2", "c4", "d4")
    }
    assert stated == {20: 48800, 17: 48755, 14: 49466, 11: 49583}
    for numbers in stated.items():
        for number in numbers:
            assert f"{number:,}" in GCNNArchitecture.__doc__


def test_every_code_of_three_bits_builds_and_three_codes_are_one_network():
    architectures = [GCNNArchitecture(group_from_bits(f"{code:03b}").name) for code in range(8)]
    assert len(set(architectures)) == 6
    assert architectures[0b101] == architectures[0b110] == architectures[0b111]


def test_equal_seeds_give_equal_networks_and_leave_the_global_generator_alone():
    state = torch.random.get_rng_state()
    one, same, other = (build_gcnn(GCNNArchitecture("d4"), seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    for (key, value), again in zip(one.state_dict().items(), same.state_dict().values(), strict=True):
        assert torch.equal(value, again), key
    assert not torch.equal(one.convolutions[0].weight, other.convolutions[0].weight)


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_state_holds_free_parameters_and_running_moments_only(protocol):
    network = build_gcnn(GCNNArchitecture("d4", shape=TaskShape(protocol=protocol)), 0)
    expected = set(dict(network.named_parameters()))
    if protocol == "standard":
        moments = ("running_mean", "running_var", "num_batches_tracked")
        expected |= {f"norms.{layer}.{moment}" for layer in range(4) for moment in moments}
    assert set(network.state_dict()) == expected
    assert set(network.eval().state_dict()) == expected


def test_impossible_architectures_and_images_are_errors():
    with pytest.raises(UnknownNameError, match="trivial, c2"):
        GCNNArchitecture("c3")
    with pytest.raises(UnknownNameError, match="Choose from: standard, paper"):
        GCNNArchitecture(shape=TaskShape(protocol="best"))
    for size, next_size in ((30, 32), (8, 16), (29, 32)):
        with pytest.raises(InvalidArgumentError, match=f"got {size}. Pad or resize to {next_size}"):
            GCNNArchitecture(shape=TaskShape(image_size=size))
    for options in ({"classes": 0}, {"channels": 0}):
        with pytest.raises(InvalidArgumentError, match="at least one class and channel"):
            GCNNArchitecture(shape=TaskShape(**options))
    with pytest.raises(InvalidArgumentError, match=r"\(batch, 1, 28, 28\), got \(2, 1, 32, 32\)"):
        build_gcnn(GCNNArchitecture("c4"), 0)(torch.zeros(2, 1, 32, 32))


def test_the_head_of_large_images_is_that_of_small_ones():
    """At 64 pixels a flattened head would hold 344,000 of 355,000 parameters."""
    small, at_32, large = (GCNNArchitecture("c4", shape=TaskShape(image_size=size)) for size in (28, 32, 64))
    assert (small.head_size, at_32.head_size, large.head_size) == (4, 5, 4)
    assert large.parameter_count == small.parameter_count
    assert GCNNArchitecture("c4", shape=TaskShape("paper", image_size=64)).head_size == 13
    network = build_gcnn(large, 0).double().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == large.parameter_count
    images = random_images(large, 2, torch.float64)
    group = SquareGroup("c4")
    assert check_equivariance(network, group.pixels(64), inputs=images, tolerance=1e-12).passed
    assert not check_equivariance(network, SquareGroup("d4").pixels(64), inputs=images, tolerance=1e-6).passed
