"""Pooling and batch normalization commute with every element, or do not change at all, or raise."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn import (
    GroupBatchNorm2d,
    GroupPooling,
    InvariantPooling,
    SpatialPooling,
    SquareGroup,
    check_equivariance,
)
from aenbench.nn.pooling import Means
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.nn.windows import Window

every_group = pytest.mark.parametrize("group", [SquareGroup(name) for name in SQUARE_GROUPS], ids=lambda g: g.name)
nontrivial = pytest.mark.parametrize(
    "group", [SquareGroup(name) for name in SQUARE_GROUPS if name != "trivial"], ids=lambda g: g.name
)
both = pytest.mark.parametrize("reduction", ["max", "mean"])
PRECISIONS = [(torch.float32, 1e-5), (torch.float64, 1e-12)]


def random_features(group, size, dtype=torch.float64, batch=3):
    seed = torch.Generator().manual_seed(size)
    return torch.randn(batch, 2, group.order, size, size, generator=seed, dtype=torch.float64).to(dtype)


@every_group
@both
@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
@pytest.mark.parametrize("options", [(2,), (4, 2, 1), (2, 1), (4, 2, 2)], ids=str)
def test_spatial_pooling_commutes_with_every_element(group, reduction, size, dtype, tolerance, options):
    layer = SpatialPooling(group, *options, reduction=reduction)
    x = random_features(group, size, dtype)
    moves, pooled = group.features(size), group.features(layer(x).shape[-1])
    assert check_equivariance(layer, moves, pooled, inputs=x, tolerance=tolerance).passed


@both
def test_spatial_pooling_is_that_of_pytorch_for_features_and_images(reduction):
    layer = SpatialPooling("d4", 2, reduction=reduction)
    plain = nn.MaxPool2d(2) if reduction == "max" else nn.AvgPool2d(2)
    x = random_features(layer.group, 8)
    torch.testing.assert_close(layer(x), plain(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
    torch.testing.assert_close(layer(x[:, 0]), plain(x[:, 0]))


@nontrivial
@both
def test_pooling_of_odd_sizes_raises_only_where_equivariance_would_be_lost(group, reduction, monkeypatch):
    layer, x = SpatialPooling(group, 2, reduction=reduction), random_features(group, 9)

    def passes():
        return check_equivariance(layer, group.features(9), group.features(4), inputs=x, tolerance=1e-2).passed

    if not any(group.reverses):
        assert passes()
        return
    with pytest.raises(InvalidArgumentError, match=rf"leave 1 of 9 .*{group.name} equivariance.* Use 8 or 10"):
        layer(x)
    monkeypatch.setattr(Window, "check", lambda *_: None)
    assert not passes()


@every_group
@both
@pytest.mark.parametrize("size", [28, 32])
def test_group_pooling_moves_as_the_image_does(group, reduction, size):
    layer, x = GroupPooling(reduction), random_features(group, size)
    assert check_equivariance(layer, group.features(size), group.pixels(size), inputs=x).passed
    if group.order > 1:
        assert not check_equivariance(layer, group.features(size), inputs=x, tolerance=1e-2).passed


@every_group
@both
@pytest.mark.parametrize("size", [1, 4, 5, 7])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
def test_invariant_pooling_does_not_change_under_any_element(group, reduction, size, dtype, tolerance):
    layer, x = InvariantPooling(group, size, reduction), random_features(group, size, dtype)
    assert layer(x).shape == (3, 2, size, size)
    assert check_equivariance(layer, group.features(size), inputs=x, tolerance=tolerance).passed


@nontrivial
def test_invariant_pooling_is_not_invariant_to_elements_alone_or_pixels_alone(group):
    layer, x = InvariantPooling(group, 4), random_features(group, 4)
    y = layer(x)
    for g in range(1, group.order):
        moved = x[:, :, group.products[group.inverses[g]]]
        assert not torch.allclose(layer(moved), y, rtol=1e-2)
        turned = x.flatten(3)[..., group.pixels(4)[g]].view(x.shape)
        assert not torch.allclose(layer(turned), y, rtol=1e-2)


def test_invariant_pooling_of_the_trivial_group_keeps_everything():
    x = random_features(SquareGroup("trivial"), 4)
    assert torch.equal(InvariantPooling("trivial", 4)(x), x[:, :, 0])


def test_flips_pool_planes_that_are_not_square():
    group = SquareGroup("v4")
    layer, x = InvariantPooling(group, (4, 6)), torch.randn(2, 3, 4, 4, 6)
    assert check_equivariance(layer, group.features(4, 6), inputs=x).passed


@every_group
@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
def test_batch_norm_commutes_with_every_element(group, size, training, dtype, tolerance):
    layer, x = GroupBatchNorm2d(2).to(dtype).train(training), random_features(group, size, dtype)
    optimiser = torch.optim.SGD(layer.parameters(), 1.0)
    for _ in range(3):
        (layer(x) - x.roll(1, 0)).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        y = layer(x)
        for g in group.features(size):
            moved, expected = (z.flatten(2)[..., g].view(z.shape) for z in (x, y))
            assert float((layer(moved) - expected).abs().max()) <= tolerance * float(y.abs().max())


@nontrivial
def test_batch_norm_of_every_plane_alone_does_not_commute(group):
    class PlaneNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(2 * group.order).double()

        def forward(self, x):
            return self.norm(x.flatten(1, 2)).view(x.shape)

    layer, features = PlaneNorm(), group.features(6)
    layer(random_features(group, 6))  # statistics of one batch, different for each plane
    report = check_equivariance(layer, features, features, inputs=random_features(group, 6), tolerance=1e-3)
    assert not report.passed


def test_wrong_arguments_are_errors():
    with pytest.raises(InvalidArgumentError, match="max, mean"):
        GroupPooling("sum")
    with pytest.raises(InvalidArgumentError, match="at most half the kernel"):
        SpatialPooling("c4", 2, padding=2)
    with pytest.raises(InvalidArgumentError, match="must be the same for both"):
        SpatialPooling("c4", (2, 3))
    with pytest.raises(InvalidArgumentError, match="square grids only"):
        InvariantPooling("c4", (4, 5))
    with pytest.raises(InvalidArgumentError, match=r"\(batch, channels, 4, 4, 4\), got shape \(1, 2, 8, 4, 4\)"):
        InvariantPooling("c4", 4)(torch.zeros(1, 2, 8, 4, 4))
    with pytest.raises(InvalidArgumentError, match="channels, order"):
        GroupPooling()(torch.zeros(1, 2, 4, 4))
    with pytest.raises(InvalidArgumentError, match=r"\(batch, 2, order, height, width\)"):
        GroupBatchNorm2d(2)(torch.zeros(1, 3, 4, 4, 4))


@pytest.mark.parametrize(("size", "windows"), [(5, 4), (13, 4), (8, 4), (7, 7), (3, 1)])
def test_means_are_those_of_adaptive_pooling(size, windows):
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    assert torch.allclose(Means(size, windows).double()(x), F.adaptive_avg_pool2d(x, windows), atol=1e-7)
    assert not torch.allclose(Means(size, windows).double()(x), F.adaptive_max_pool2d(x, windows)) or size == windows


def test_more_windows_than_pixels_are_an_error():
    with pytest.raises(InvalidArgumentError, match="Expected 1 to 3 windows of 3 pixels, got 4"):
        Means(3, 4)
