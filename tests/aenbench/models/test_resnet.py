"""Thin networks that pool over group and pixels: sizes, invariance, equal parameters, and their baselines."""

import pytest
import torch
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.models.registry import find_offer
from aenbench.models.resnet import CNN_FAMILY, RESNET_FAMILY, CNNSpace, ResNetArchitecture, ResNetSpace
from aenbench.nn import SquareGroup, check_equivariance
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.runs.baselines import Baseline
from aenbench.tasks.protocol import PROTOCOLS
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

every_group = pytest.mark.parametrize("name", SQUARE_GROUPS)
with_and_without_skips = pytest.mark.parametrize("residual", [True, False])


def build(name, residual=True, **shape):
    return ResNetArchitecture(name, residual, TaskShape(**shape)).build(torch.Generator().manual_seed(0))


def random_images(batch=3, channels=1, size=28, seed=0):
    return torch.randn(batch, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "residual", "size", "channels"),
    [
        *((name, True, 28, 1) for name in SQUARE_GROUPS),
        ("d4", False, 28, 1),
        ("c4", True, 48, 3),
        ("hflip", False, 48, 3),
    ],
)
def test_logits_are_invariant_before_and_after_a_step(name, residual, size, channels):
    network, group = build(name, residual, image_size=size, channels=channels).double(), SquareGroup(name)
    images = random_images(channels=channels, size=size)
    for _ in range(2):
        report = check_equivariance(network, group.pixels(size), inputs=images, tolerance=1e-12)
        assert len(report.errors) == group.order
        assert report.passed, report.errors
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        F.cross_entropy(network(images), torch.arange(3)).backward()
        optimizer.step()


@pytest.mark.parametrize(("name", "larger"), [("trivial", "c4"), ("c4", "d4"), ("hflip", "d4")])
def test_logits_are_not_invariant_to_a_larger_group(name, larger):
    moves = SquareGroup(larger).pixels(28)
    report = check_equivariance(build(name).double(), moves, inputs=random_images(), tolerance=1e-4)
    assert not report.passed


@every_group
@with_and_without_skips
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (48, 3, 2)])
def test_parameters_are_counted_right(name, residual, size, channels, classes):
    network = build(name, residual, image_size=size, channels=channels, classes=classes)
    assert network.architecture.parameter_count == sum(parameter.numel() for parameter in network.parameters())
    assert network.eval()(random_images(2, channels, size).float()).shape == (2, classes)


@with_and_without_skips
def test_groups_have_about_equal_parameters_whatever_the_size_of_images(residual):
    for size, channels in ((28, 1), (96, 3)):
        shape = TaskShape(image_size=size, channels=channels)
        counts = {name: ResNetArchitecture(name, residual, shape).parameter_count for name in SQUARE_GROUPS}
        assert max(counts.values()) < 1.05 * min(counts.values()), counts


def test_sizes_are_those_of_the_docstring():
    for name in ("trivial", "c4", "d4"):
        count = ResNetArchitecture(name, shape=TaskShape(image_size=64, channels=3)).parameter_count
        assert f"{count:,} for `{name}`" in " ".join(ResNetArchitecture.__doc__.split())


@pytest.mark.parametrize(("size", "last"), [(28, 7), (32, 8), (48, 6), (64, 8), (96, 6), (128, 8)])
def test_stages_see_at_most_32_pixels(size, last):
    assert build("trivial", image_size=size).features(random_images(size=size).float()).shape == (3, 64, 1, last, last)


@pytest.mark.parametrize(("size", "next_size"), [(27, 28), (4, 8), (66, 80), (34, 40)])
def test_impossible_sizes_are_errors(size, next_size):
    with pytest.raises(InvalidArgumentError, match=f"got {size}. Pad or resize to {next_size}"):
        ResNetArchitecture("c4", shape=TaskShape(image_size=size))


def test_baselines_are_the_networks_of_their_names():
    named = {
        "cnn": ResNetArchitecture(residual=False),
        "resnet": ResNetArchitecture(),
        "resnet:d4": ResNetArchitecture("d4"),
    }
    for name, architecture in named.items():
        baseline, family = Baseline(name), find_offer(name).family
        space = baseline.space(TaskShape())
        choice = baseline.choose(space, {}.__getitem__, family.budget(PROTOCOLS["standard"]).search, 0)
        assert choice.candidate.architecture == architecture
        assert family.rebuild(architecture.facts, TaskShape()) == architecture
    with pytest.raises(UnknownNameError, match='Unknown group "d5"'):
        Baseline("resnet:d5")


@pytest.mark.parametrize(("space", "family"), [(ResNetSpace(), RESNET_FAMILY), (CNNSpace(), CNN_FAMILY)])
def test_each_space_has_four_networks_that_an_entry_can_name(space, family):
    networks = [space.candidate(state).architecture for state in space.networks]
    assert [network.group for network in networks] == ["trivial", "hflip", "c4", "d4"]
    assert [family.rebuild(network.facts, TaskShape()) for network in networks] == networks
