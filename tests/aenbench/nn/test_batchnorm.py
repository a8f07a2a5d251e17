"""Batch norm in columns gives what PyTorch's gives: values, gradients of both orders, statistics; and is used."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from aenbench.nn import GroupBatchNorm2d
from aenbench.nn.batchnorm import _Normalize
from aenbench.nn.planes import from_planes, to_planes


@pytest.fixture
def in_columns(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The shapes of the planes that were normalized in columns."""
    shapes: list[torch.Size] = []
    apply = _Normalize.apply
    monkeypatch.setattr(_Normalize, "apply", lambda planes, *rest: shapes.append(planes.shape) or apply(planes, *rest))
    return shapes


def features(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Far from a mean of 0 and a variance of 1, in the memory layout in which layers hand features on."""
    batch, channels, order, height, width = shape
    drawn = torch.randn(batch, channels * order, height, width, generator=torch.Generator().manual_seed(seed))
    return from_planes(to_planes((3 * drawn + 2).unsqueeze(2)), order).to(dtype)


def norms(channels: int, **options: Any) -> tuple[GroupBatchNorm2d, nn.BatchNorm3d]:
    """Ours in float32, and that of volumes in float64, with the same weights, statistics and mode."""
    ours, volumes = GroupBatchNorm2d(channels, **options), nn.BatchNorm3d(channels, dtype=torch.float64, **options)
    with torch.no_grad():
        for number, values in enumerate(ours.state_dict().values()):
            if values.ndim:
                values.copy_(torch.randn(channels, generator=torch.Generator().manual_seed(number)).exp())
    volumes.load_state_dict(ours.state_dict())
    return ours, volumes


def outcome(norm: nn.Module, x: Tensor, weights: Tensor) -> list[Tensor]:
    """The outputs, the gradients of inputs and parameters, and the statistics after it, in float64."""
    x = x.detach().clone().requires_grad_()
    y = norm(x)
    parameters = tuple(norm.parameters())
    gradients = torch.autograd.grad((y.double() * weights).sum(), (x, *parameters))
    return [each.detach().double() for each in (y, *gradients, *norm.buffers())]


def error(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference, as a share of the largest value."""
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize(
    "shape", [(4, 14, 4, 6, 6), (3, 11, 8, 5, 5), (2, 3, 8, 4, 4), (5, 28, 1, 3, 3), (3, 20, 2, 1, 1)], ids=str
)
def test_it_is_the_batch_norm_of_volumes(
    shape: tuple[int, ...], dtype: torch.dtype, allowed: float, in_columns: list[torch.Size]
) -> None:
    ours, volumes = norms(shape[1])
    x, weights = features(*shape, dtype=dtype), features(*shape, seed=1).double()
    found, expected = outcome(ours, x, weights), outcome(volumes, x.double(), weights)
    assert len(in_columns) == 1
    assert error(found, expected) < allowed
    with torch.no_grad():
        ours.weight[0] *= 1.1
    assert error(outcome(ours, x, weights), expected) > allowed, "another weight would do"


@settings(max_examples=30)
@given(st.data())
def test_of_any_shape(data: st.DataObject) -> None:
    draw: Callable[..., int] = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    shape = draw(1, 5), draw(1, 31), draw(1, 8), draw(1, 6), draw(1, 6)
    if shape[0] * shape[2] * shape[3] * shape[4] < 3:
        shape = (3, *shape[1:])
    ours, volumes = norms(shape[1])
    x, weights = features(*shape, seed=draw(0, 99)), features(*shape, seed=100).double()
    assert error(outcome(ours, x, weights)[:1], outcome(volumes, x.double(), weights)[:1]) < 1e-3


def test_it_is_closer_to_the_exact_values_than_without_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (32, 10, 8, 20, 20)
    ours, volumes = norms(10)
    x, weights = features(*shape), features(*shape, seed=1).double()
    exact, found = outcome(volumes, x.double(), weights), outcome(ours, x, weights)
    monkeypatch.setattr("aenbench.nn.batchnorm._FEW", 0)
    assert 3 * error(found, exact) < error(outcome(norms(10)[0], x, weights), exact)


@pytest.mark.parametrize("options", [{"momentum": None}, {"momentum": 0.3}, {"track_running_stats": False}], ids=str)
def test_statistics_are_followed_as_pytorch_does(options: dict[str, Any], in_columns: list[torch.Size]) -> None:
    ours, volumes = norms(3, **options)
    for seed in range(3):
        x = features(4, 3, 4, 5, 5, seed=seed)
        assert error([ours(x).detach()], [volumes(x.double()).detach()]) < 1e-5
    assert len(in_columns) == 3
    for own, theirs in zip(ours.buffers(), volumes.buffers(), strict=True):
        torch.testing.assert_close(own.double(), theirs.double(), rtol=1e-5, atol=1e-5)
    x = features(4, 3, 4, 5, 5, seed=9)
    assert error([ours.eval()(x).detach()], [volumes.eval()(x.double()).detach()]) < 1e-5


def test_pytorchs_own_is_used_where_it_is_as_fast_or_alone_knows_how(in_columns: list[torch.Size]) -> None:
    GroupBatchNorm2d(14)(features(2, 14, 4, 3, 3))
    assert len(in_columns) == 1
    GroupBatchNorm2d(14).eval()(features(2, 14, 4, 3, 3))
    for channels in (16, 32, 54):
        GroupBatchNorm2d(channels)(features(2, channels, 4, 3, 3))
    GroupBatchNorm2d(14).double()(features(2, 14, 4, 3, 3).double())
    GroupBatchNorm2d(14).to("meta")(features(2, 14, 4, 3, 3).to("meta"))
    GroupBatchNorm2d(14, affine=False)(features(2, 14, 4, 3, 3))
    without_shift = GroupBatchNorm2d(14)
    without_shift.bias = None
    without_shift(features(2, 14, 4, 3, 3))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        GroupBatchNorm2d(14)(features(1, 14, 1, 1, 1))
    assert len(in_columns) == 1


@pytest.mark.parametrize("shape", [(3, 6, 2, 2), (2, 8, 4, 4)], ids=str)
def test_gradients_of_both_orders_are_those_of_differences(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    planes, weight, bias = (
        torch.randn(size, generator=generator, dtype=torch.float64, requires_grad=True) for size in (shape, 2, 2)
    )

    def normalized(*inputs: Tensor) -> Tensor:
        out: Tensor = _Normalize.apply(*inputs, 1e-3)[0]
        return out

    assert torch.autograd.gradcheck(normalized, (planes, weight, bias))
    assert torch.autograd.gradgradcheck(normalized, (planes, weight, bias))
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(lambda *inputs: normalized(*inputs) * inputs[0].detach(), (planes, weight, bias))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # PyTorch's own way to do it
def test_forward_mode_differentiation_is_pytorchs(in_columns: list[torch.Size]) -> None:
    ours, volumes = norms(3, track_running_stats=False)
    x, step = features(4, 3, 4, 5, 5), features(4, 3, 4, 5, 5, seed=1)
    _, found = torch.func.jvp(ours, (x,), (step,))
    _, expected = torch.func.jvp(volumes, (x.double(),), (step.double(),))
    assert error([found.detach().double()], [expected.detach()]) < 1e-5
    weight = {"weight": ours.weight.detach()}
    torch.func.jvp(lambda given: torch.func.functional_call(ours, given, (x,)), (weight,), (weight,))
    assert in_columns == []
    ours(x)
    assert len(in_columns) == 1


def test_under_transforms_of_functions_it_is_the_same(in_columns: list[torch.Size]) -> None:
    layers = [norms(3)[0] for _ in range(2)]
    with torch.no_grad():
        layers[1].weight.mul_(2)
    parameters, buffers = torch.func.stack_module_state(layers)
    base = copy.deepcopy(layers[0])
    x = torch.stack([features(4, 3, 4, 5, 5, seed=seed) for seed in range(2)])

    def loss(parameters: Any, buffers: Any, x: Tensor) -> Tensor:
        y: Tensor = torch.func.functional_call(base, (parameters, buffers), (x,))
        return y.pow(3).sum()

    found = torch.func.vmap(torch.func.grad(loss))(parameters, buffers, x)
    assert in_columns
    for number, layer in enumerate(layers):
        layer(x[number]).pow(3).sum().backward()
        for name, parameter in layer.named_parameters():
            torch.testing.assert_close(found[name][number], parameter.grad, rtol=1e-4, atol=1e-3)
        for name, buffer in layer.named_buffers():
            torch.testing.assert_close(buffers[name][number], buffer)
