import pytest
import torch

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import Architecture, build_aen
from aenbench.nn import assert_equivariant, check_equivariance
from aenbench.nn.representations import grid
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import Group

IMAGES = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize(
    "actions", [("rotation",), ("rotation", "hflip"), ("htrans", "scramble4"), ACTIONS], ids=",".join
)
def test_hidden_features_move_as_the_image_does(protocol, actions):
    network = build_aen(Architecture(actions, TaskShape(protocol)), 0).double()
    network.forward = network.features
    (_, (hidden, step), _), channels = network.architecture.grids, network.architecture.hidden_channels
    out = grid(actions, hidden, step, channels)
    assert_equivariant(network, Group(actions, 28), out, joint=protocol == "paper")


def test_network_without_actions_does_not_commute():
    network = build_aen(Architecture(()), 0)
    network.forward = network.features
    assert not check_equivariance(network, Group(("rotation",), 28), grid(("rotation",), 14, channels=2)).passed


@pytest.mark.parametrize(("protocol", "hidden", "biases"), [("standard", 392, 784), ("paper", 400, 2)])
def test_network_without_actions_has_the_parameters_of_a_plain_mlp(protocol, hidden, biases):
    network = build_aen(Architecture((), TaskShape(protocol)), 0)
    expected = 784 * hidden + hidden * hidden + biases + hidden * 10 + 10
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (32, 3, 7), (16, 1, 2)])
@pytest.mark.parametrize(
    "actions",
    [(), *((action,) for action in ACTIONS), ("rotation", "hflip"), ("htrans", "scramble4"), ACTIONS],
    ids=lambda actions: "+".join(actions) or "none",
)
def test_parameters_are_counted_as_they_are_built(protocol, size, channels, classes, actions):
    architecture = Architecture(actions, TaskShape(protocol, classes, size, channels))
    built = sum(parameter.numel() for parameter in build_aen(architecture, 0).parameters())
    assert architecture.parameter_count == built


def test_flat_images_and_square_ones_give_the_same_logits():
    network = build_aen(Architecture(("hflip",)), 0)
    torch.testing.assert_close(network(IMAGES), network(IMAGES.flatten(1)))
    assert network(IMAGES).shape == (4, 10)


def test_images_may_have_channels():
    network = build_aen(Architecture(("rotation", "hflip"), TaskShape(image_size=32, channels=3, classes=7)), 0)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    one = build_aen(Architecture(("rotation",), TaskShape("paper")), 7).state_dict()
    torch.manual_seed(2)
    other = build_aen(Architecture(("rotation",), TaskShape("paper")), 7).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(
        one["first.weight"], build_aen(Architecture(("rotation",), TaskShape("paper")), 8).first.weight
    )


def test_actions_that_generate_one_group_are_one_architecture():
    one = Architecture(("rotation", "hflip")).canonical()
    assert one == Architecture(("vflip", "rotation")).canonical()
    assert one.actions == ("rotation", "hflip", "vflip")
    assert one != Architecture(("hflip", "vflip")).canonical()


def test_mistakes_name_what_was_expected():
    with pytest.raises(UnknownNameError, match='Unknown action "spin"'):
        Architecture(("spin",))
    with pytest.raises(UnknownNameError, match="Choose from: standard, paper"):
        Architecture((), TaskShape("strict"))
    with pytest.raises(InvalidArgumentError, match="even image size"):
        Architecture((), TaskShape(image_size=27))


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_irredundant_names_generate_the_same_network_and_none_can_be_left_out(protocol):
    for actions in (ACTIONS, ("rotation", "hflip", "vflip"), ("hflip", "scramble2", "scramble6", "scramble7"), ()):
        named = Architecture(actions, TaskShape(protocol))
        shorter = named.irredundant()
        assert shorter.canonical() == named.canonical()
        assert set(shorter.actions) <= set(actions)
        for left_out in shorter.actions:
            fewer = Architecture(tuple(name for name in shorter.actions if name != left_out), TaskShape(protocol))
            assert fewer.canonical() != named.canonical()


def test_irredundant_keeps_the_first_actions():
    assert Architecture(("rotation", "hflip", "vflip")).irredundant().actions == ("rotation", "hflip")
