"""Group convolutions: equal to the definition, and commuting with every element of every group."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn import GroupConv2d, GroupPooling, LiftingConv2d, SquareGroup, check_equivariance
from aenbench.nn.square_groups import MOVES, SQUARE_GROUPS
from aenbench.nn.windows import Window

every_group = pytest.mark.parametrize("group", [SquareGroup(name) for name in SQUARE_GROUPS], ids=lambda g: g.name)
nontrivial = pytest.mark.parametrize(
    "group", [SquareGroup(name) for name in SQUARE_GROUPS if name != "trivial"], ids=lambda g: g.name
)
PRECISIONS = [(torch.float32, 1e-5), (torch.float64, 1e-12)]

# The moves as linear maps of centered coordinates (row, column): (g x)(p) = x(g^-1 p).
MATRICES = {
    "rotation": [[0, -1], [1, 0]],
    "half-turn": [[-1, 0], [0, -1]],
    "hflip": [[1, 0], [0, -1]],
    "vflip": [[-1, 0], [0, 1]],
    "diagonal": [[0, 1], [1, 0]],
    "antidiagonal": [[0, -1], [-1, 0]],
}


def matrices_of(group):
    """The elements as matrices, in the layer's order; found by multiplying the generators' matrices."""
    generators = [np.array(MATRICES[move]) for move in SQUARE_GROUPS[group.name]]
    found = [np.eye(2, dtype=int)]
    for element in found:
        for product in (generator @ element for generator in generators):
            if not any((product == other).all() for other in found):
                found.append(product)
    cells = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    by_gather = {tuple(cells.index(tuple(np.linalg.inv(m).astype(int) @ cell)) for cell in cells): m for m in found}
    return [by_gather[tuple(row)] for row in group.pixels(3).tolist()]


def index_of(matrices, matrix):
    return next(k for k, other in enumerate(matrices) if (other == matrix).all())


def convolve_by_definition(layer, x):
    """`out[o, h](p) = b[o] + sum over c, k, q of f[c, k](p + q) w[o, c, h^-1 k](h^-1 q)`, for odd kernels."""
    matrices, half = matrices_of(layer.group), layer.window.kernel[0] // 2
    lifting = isinstance(layer, LiftingConv2d)
    x, weight = (x[:, :, None], layer.weight[:, :, None]) if lifting else (x, layer.weight)
    height, width = x.shape[3] - 2 * half, x.shape[4] - 2 * half
    out = x.new_zeros(len(x), layer.out_channels, len(matrices), height, width)
    for h, moved in enumerate(matrices):
        back = np.rint(np.linalg.inv(moved)).astype(int)
        for k, element in enumerate(matrices[: x.shape[2]]):
            source = 0 if lifting else index_of(matrices, back @ element)
            for row in range(-half, half + 1):
                for column in range(-half, half + 1):
                    r, c = back @ (row, column) + half
                    i, j = row + half, column + half
                    seen = x[:, :, k, i : i + height, j : j + width]
                    out[:, :, h] += torch.einsum("bcij,oc->boij", seen, weight[:, :, source, r, c])
    return out + layer.bias[:, None, None, None]


def random_inputs(shape, dtype=torch.float64, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def shape_for(layer, height, width=None, batch=2):
    planes = (layer.in_channels,) if isinstance(layer, LiftingConv2d) else (layer.in_channels, layer.group.order)
    return (batch, *planes, height, width or height)


def error_of(layer, size, dtype=torch.float64, tolerance=1e-12):
    """The largest error over every element of the group, relative to the output."""
    group, x = layer.group, random_inputs(shape_for(layer, size), dtype)
    out_size = layer(x).shape[-1]
    moves = group.pixels(size) if isinstance(layer, LiftingConv2d) else group.features(size)
    return check_equivariance(layer, moves, group.features(out_size), inputs=x, tolerance=tolerance)


def planes_by_definition(features, blocks=1):
    """Planes (batch, planes, ...), the channel the fastest index, then the element, then the block of channels."""
    channels = features.shape[1] // blocks
    planes = [
        features[:, block * channels + channel, element]
        for block in range(blocks)
        for element in range(features.shape[2])
        for channel in range(channels)
    ]
    return torch.stack(planes, 1)


def train(layer, size, steps, dtype):
    optimiser = torch.optim.Adam(layer.parameters(), 1e-2)
    for step in range(steps):
        y = layer(random_inputs(shape_for(layer, size), dtype, seed=step))
        optimiser.zero_grad()
        (y - random_inputs(y.shape, dtype, seed=step + 1000)).square().mean().backward()
        optimiser.step()


both = pytest.mark.parametrize("kind", [LiftingConv2d, GroupConv2d])


@every_group
@both
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_layer_is_the_group_convolution_of_the_definition(kind, group, kernel):
    seed = torch.Generator().manual_seed(kernel)
    channels = torch.randint(1, 5, (2,), generator=seed).tolist()
    layer = kind(group, *channels, kernel, generator=seed, dtype=torch.float64)
    x = random_inputs(shape_for(layer, 7))
    torch.testing.assert_close(layer(x), convolve_by_definition(layer, x), rtol=1e-12, atol=1e-12)


def test_moves_of_the_oracle_are_all_there():
    assert set(MATRICES) == set(MOVES)


@every_group
@both
@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
def test_layer_commutes_with_every_element_before_and_after_training(kind, group, size, dtype, tolerance):
    layer = kind(group, 2, 2, 3, padding=1, generator=torch.Generator().manual_seed(0), dtype=dtype)
    report = error_of(layer, size, dtype, tolerance)
    assert len(report.errors) == group.order
    assert report.passed, report.errors
    before = layer.weight.detach().clone()
    train(layer, size, 3, dtype)
    assert not torch.equal(layer.weight, before)
    report = error_of(layer, size, dtype, tolerance)
    assert report.passed, report.errors


@every_group
@both
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 4, "padding": 1},
        {"kernel_size": 5, "padding": "same"},
        {"kernel_size": 3, "padding": "valid", "bias": False},
        {"kernel_size": 3, "stride": 2},
        {"kernel_size": 3, "dilation": 2, "padding": 2, "groups": 2},
        {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
        {"kernel_size": 3, "padding": 2, "padding_mode": "reflect"},
        {"kernel_size": 3, "padding": 1, "padding_mode": "replicate"},
    ],
    ids=str,
)
def test_every_argument_keeps_equivariance_and_its_meaning(kind, group, options):
    layer = kind(group, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64, **options)
    assert error_of(layer, 9).passed
    planes = 1 if kind is LiftingConv2d else group.order
    plain = nn.Conv2d(2 * planes, 4 * group.order, **options, dtype=torch.float64)
    x = random_inputs(shape_for(layer, 9))
    with torch.no_grad():
        plain.weight.copy_(layer.filter_bank())
        if layer.bias is not None:
            plain.bias.copy_(planes_by_definition(layer.bias.expand(group.order, -1).T[None], layer.groups)[0])
        seen = x if kind is LiftingConv2d else planes_by_definition(x, layer.groups)
        torch.testing.assert_close(planes_by_definition(layer(x), layer.groups), plain(seen))
        if group.order > 1:
            assert not torch.allclose(layer(x).flatten(1, 2), plain(seen)), "the element is the slower index"


@pytest.mark.parametrize("name", ["hflip", "vflip", "c2", "v4"])
def test_flips_allow_windows_and_images_that_are_not_square(name):
    group = SquareGroup(name)
    for kind in (LiftingConv2d, GroupConv2d):
        layer = kind(group, 2, 3, (3, 5), (1, 2), (1, 0), dtype=torch.float64)
        x = random_inputs(shape_for(layer, 6, 9))
        moves = group.pixels(6, 9) if kind is LiftingConv2d else group.features(6, 9)
        assert check_equivariance(layer, moves, group.features(6, 3), inputs=x).passed


@nontrivial
def test_plain_convolution_does_not_commute(group):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(group.order, group.order, 3, padding=1, dtype=torch.float64)

        def forward(self, x):
            return self.convolution(x[:, 0])[:, None]

    features = group.features(8)
    report = check_equivariance(Plain(), features, features, inputs=random_inputs((2, 1, group.order, 8, 8)))
    assert len(report.failing) == group.order - 1
    assert report.error > 0.1


@nontrivial
def test_one_wrong_entry_of_the_index_is_found(group):
    layer = GroupConv2d(group, 1, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer.bank_index[-1, [0, 1]] = layer.bank_index[-1, [1, 0]]
    assert not error_of(layer, 8, tolerance=1e-3).passed
    x = random_inputs(shape_for(layer, 8))
    assert not torch.allclose(layer(x), convolve_by_definition(layer, x), rtol=1e-3)


@pytest.mark.parametrize(("smaller", "larger"), [("c4", "d4"), ("c2", "c4"), ("hflip", "v4"), ("diagonal", "d4")])
def test_layers_of_a_subgroup_do_not_commute_with_the_whole_group(smaller, larger):
    group = SquareGroup(larger)
    network = nn.Sequential(LiftingConv2d(smaller, 1, 2, 3), GroupConv2d(smaller, 2, 2, 3), GroupPooling()).double()
    x = random_inputs((2, 1, 8, 8))
    own = SquareGroup(smaller)
    assert check_equivariance(network, own.pixels(8), own.pixels(4), inputs=x).passed
    assert not check_equivariance(network, group.pixels(8), group.pixels(4), inputs=x, tolerance=1e-3).passed


@nontrivial
def test_stride_that_leaves_pixels_out_raises_only_where_equivariance_would_be_lost(group, monkeypatch):
    layer = LiftingConv2d(group, 1, 1, 3, stride=2, dtype=torch.float64)
    assert error_of(layer, 9).passed
    if not any(group.reverses):  # the main diagonal keeps the corner in which windows start
        assert error_of(layer, 8).passed
        return
    with pytest.raises(InvalidArgumentError, match=r"leave 1 of 8 .* Use 7 or 9 .*steps of 2"):
        layer(random_inputs((1, 1, 8, 8)))
    monkeypatch.setattr(Window, "check", lambda *_: None)
    assert not error_of(layer, 8, tolerance=1e-2).passed


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(SQUARE_GROUPS)),
    size=st.integers(3, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_any_window_commutes_or_raises_and_the_sizes_named_do_commute(name, size, kernel, stride, padding, dilation):
    assume(dilation * (kernel - 1) + 1 <= size + 2 * padding)
    layer = LiftingConv2d(name, 1, 1, kernel, stride, padding, dilation, dtype=torch.float64)
    try:
        layer.window.check(size, size)
    except InvalidArgumentError as error:
        named = str(error).split("Use ")[1].split()
        size = int(named[2])
        assert abs(int(named[0]) - size) == stride
        layer.window.check(int(named[0]), int(named[0]))
    assert error_of(layer, size).passed


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"kernel_size": (3, 5)}, "the kernel must be the same for both"),
        ({"kernel_size": 3, "stride": (1, 2)}, "the stride must be the same for both"),
        ({"kernel_size": 3, "stride": 0}, "stride of at least 1"),
        ({"kernel_size": 4, "padding": "same"}, "odd extent"),
        ({"kernel_size": 3, "padding": "same", "stride": 2}, "needs stride 1"),
        ({"kernel_size": 3, "padding": "foo"}, 'Unknown padding "foo". Choose from: valid, same'),
        ({"kernel_size": 3, "groups": 2}, "multiples of groups"),
        ({"kernel_size": 3, "padding_mode": "mirror"}, "zeros, reflect, replicate, circular"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_equivariant_are_errors(options, text):
    with pytest.raises(InvalidArgumentError, match=text):
        GroupConv2d("c4", 3, 4, **options)


def test_inputs_of_another_shape_are_errors():
    lift, convolution = LiftingConv2d("c4", 2, 3, 3), GroupConv2d("c4", 3, 3, 3)
    with pytest.raises(InvalidArgumentError, match=r"\(batch, 2, height, width\), got shape \(1, 3, 8, 8\)"):
        lift(torch.zeros(1, 3, 8, 8))
    with pytest.raises(InvalidArgumentError, match="enter through a LiftingConv2d"):
        convolution(torch.zeros(1, 3, 8, 8))
    with pytest.raises(InvalidArgumentError, match="does not fit into 2"):
        lift(torch.zeros(1, 2, 2, 2))


@every_group
@both
def test_state_holds_the_free_filters_only_in_train_and_eval(kind, group):
    layer = kind(group, 2, 3, 3)
    planes = (2,) if kind is LiftingConv2d else (2, group.order)
    x = torch.zeros(shape_for(layer, 5))
    for mode in (True, False):
        with torch.no_grad():
            layer.train(mode)(x)
        assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {
            "weight": (3, *planes, 3, 3),
            "bias": (3,),
        }
    kind(group, 2, 3, 3).load_state_dict(layer.state_dict())


@every_group
@both
def test_initial_values_have_the_fan_in_scale_and_come_from_the_generator(kind, group):
    state = torch.random.get_rng_state()
    layer = kind(group, 16, 32, 3, generator=torch.Generator().manual_seed(0))
    again = kind(group, 16, 32, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(layer.weight, again.weight)
    fan_in = layer.filter_bank()[0].numel()
    assert layer.weight.abs().max() <= 1 / math.sqrt(fan_in)
    x = random_inputs(shape_for(layer, 12, batch=4), torch.float32)
    ratio = float(layer(x).var().detach()) / (1 / 3 + 1 / (3 * fan_in))
    assert 0.8 < ratio < 1.25  # weights of variance 1 / (3 fan-in), inputs of variance 1, and the bias


@both
def test_gradients_are_those_of_finite_differences(kind):
    layer = kind("d4", 1, 1, 3, dtype=torch.float64)
    x = random_inputs(shape_for(layer, 4, batch=1)).requires_grad_()

    def output(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(output, (x, layer.weight, layer.bias))


def in_place(layer):
    with torch.no_grad():
        layer.weight.mul_(2)


def through_data(layer):
    layer.weight.data.mul_(2)


def replaced(layer):
    layer.weight = nn.Parameter(layer.weight.detach() * 2)


def loaded(layer):
    layer.load_state_dict({name: value * 2 for name, value in layer.state_dict().items()})


@pytest.mark.parametrize("change", [in_place, through_data, replaced, loaded])
@both
@torch.no_grad()
def test_evaluation_keeps_the_bank_and_follows_every_change_of_the_filters(kind, change):
    layer = kind("d4", 2, 2, 3, dtype=torch.float64).eval()
    x = random_inputs(shape_for(layer, 6))
    before = layer(x)
    assert layer.weight_for_convolution() is layer.weight_for_convolution()
    change(layer)
    assert not torch.equal(layer(x), before)
    torch.testing.assert_close(layer(x), copy.deepcopy(layer).train()(x))


@torch.no_grad()
def test_neither_training_nor_copies_hold_the_bank():
    layer = GroupConv2d("d4", 2, 2, 3).eval()
    size = len(pickle.dumps(layer))
    layer(torch.zeros(1, 2, 8, 4, 4))
    assert layer._cached.kept is not None
    assert len(pickle.dumps(layer)) == size
    assert copy.deepcopy(layer)._cached.kept is None
    assert layer.train()._cached.kept is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_layers_commute_in_short_precisions(dtype):
    layer = LiftingConv2d("d4", 1, 2, 3).to(dtype)
    group = layer.group
    x = random_inputs((2, 1, 8, 8), dtype)
    assert check_equivariance(layer, group.pixels(8), group.features(6), inputs=x).passed


def test_trivial_group_is_the_plain_convolution():
    layer = LiftingConv2d("trivial", 2, 3, 3)
    x = random_inputs((2, 2, 6, 6), torch.float32)
    torch.testing.assert_close(layer(x)[:, :, 0], F.conv2d(x, layer.weight, layer.bias))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@both
def test_compiled_layer_gives_the_same_outputs_and_gradients(kind):
    layer = kind("d4", 2, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = random_inputs(shape_for(layer, 6))
    compiled = torch.compile(copy.deepcopy(layer), fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
    layer(x).square().sum().backward()
    compiled(x).square().sum().backward()
    torch.testing.assert_close(compiled.weight.grad, layer.weight.grad)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@both
def test_layer_on_a_gpu_gives_what_it_gives_on_the_cpu(kind):
    layer = kind("d4", 2, 2, 3, dtype=torch.float64)
    x = random_inputs(shape_for(layer, 6))
    torch.testing.assert_close(copy.deepcopy(layer).cuda()(x.cuda()).cpu(), layer(x))
