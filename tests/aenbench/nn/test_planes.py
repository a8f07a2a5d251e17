"""The memory layout of features changes nothing: old and new networks, one by one and side by side, agree."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from aenbench.models.gcnn import GCNNArchitecture, build_gcnn
from aenbench.nn import GroupBatchNorm2d, GroupConv2d, LiftingConv2d, SpatialPooling, SquareGroup
from aenbench.nn.planes import from_channel_images, from_planes, to_channel_images, to_planes
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.tasks.task import TaskShape

every_group = pytest.mark.parametrize("name", SQUARE_GROUPS)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("blocks", [1, 2])
def test_planes_go_back_to_the_feature_and_the_channel_is_the_faster_index(blocks):
    x = random(2, 4, 8, 3, 5)
    planes = to_planes(x, blocks)
    assert torch.equal(from_planes(planes, 8, blocks), x)
    assert torch.equal(planes[:, 1], x[:, 1, 0])
    assert torch.equal(planes[:, 4 // blocks], x[:, 0, 1])
    assert not torch.equal(planes, x.flatten(1, 2))
    assert torch.equal(from_channel_images(to_channel_images(x), 8), x)


@every_group
def test_layers_hand_features_on_without_a_copy(name):
    group = SquareGroup(name)
    x = LiftingConv2d(name, 1, 3, 3)(torch.zeros(2, 1, 8, 8))
    for layer in (GroupConv2d(group, 3, 3, 3), GroupBatchNorm2d(3), SpatialPooling(group, 2)):
        for view in (to_planes(x), to_channel_images(x)):
            assert view.data_ptr() == x.data_ptr()
        x = layer(x)
    copied = x.contiguous()
    assert group.order == 1 or to_planes(copied).data_ptr() != copied.data_ptr()


@every_group
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_batch_norm_is_that_of_volumes_with_its_gradients_and_statistics(name, training):
    volume = nn.BatchNorm3d(3, dtype=torch.float64)
    with torch.no_grad():
        for k, values in enumerate(volume.state_dict().values()):
            if values.ndim:
                values.copy_(random(3, seed=k).exp())
    layer = GroupBatchNorm2d(3, dtype=torch.float64)
    layer.load_state_dict(volume.state_dict())
    x, weights = random(4, 3, SquareGroup(name).order, 5, 5), random(4, 3, SquareGroup(name).order, 5, 5, seed=1)
    results = []
    for norm in (volume.train(training), layer.train(training)):
        inputs = x.clone().requires_grad_()
        y = norm(inputs)
        (y * weights).sum().backward()
        results.append((y, inputs.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var))
    torch.testing.assert_close(results[1], results[0], **EXACT)
    if training and SquareGroup(name).order > 1:
        planes = nn.BatchNorm2d(3 * SquareGroup(name).order, dtype=torch.float64)(x.flatten(1, 2))
        own = nn.BatchNorm3d(3, dtype=torch.float64)(x).flatten(1, 2)
        assert (planes - own).abs().max() > 1e-3, "a batch norm of every plane would do"


def logits_in_the_old_layout(network, images, faster="element"):
    """As before: planes (channel, element), batch norm of volumes, ReLU before pooling; of a state dict alone."""
    architecture, state = network.architecture, dict(network.named_parameters()) | dict(network.named_buffers())
    group, width = SquareGroup(architecture.group), architecture.width
    x = images
    for k in range(4):
        free = state[f"convolutions.{k}.weight"].flatten(2)  # (out, in, values)
        moves = torch.from_numpy(group.features(3) if k else group.pixels(3))
        bank = torch.stack([free[..., move] for move in moves], 1 if faster == "element" else 0)
        bias = state.get(f"convolutions.{k}.bias")
        x = F.conv2d(
            x.flatten(1, -3),
            bank.reshape(width * group.order, -1, 3, 3),
            None if bias is None else bias.repeat_interleave(group.order),
        ).unflatten(1, (width, group.order))
        if architecture.protocol.batch_norm:
            scale, shift = (state[f"norms.{k}.{name}"] for name in ("weight", "bias"))
            x = F.batch_norm(x, None, None, scale, shift, training=True)
        x = torch.relu(x)
        if k % 2:
            x = F.max_pool2d(x.flatten(1, 2), 2).unflatten(1, (width, group.order))
    return network.head(network.invariants(x))


@every_group
@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_network_has_the_logits_and_gradients_of_the_old_layout(name, protocol):
    network = build_gcnn(GCNNArchitecture(name, shape=TaskShape(protocol, image_size=16)), 0).double()
    network.head[3].p = 0.0
    images, weights = random(3, 1, 16, 16), random(3, 10, seed=1)
    old, new = logits_in_the_old_layout(network, images), network(images)
    torch.testing.assert_close(new, old, **EXACT)
    parameters = tuple(network.parameters())
    gradients = [torch.autograd.grad((logits * weights).sum(), parameters) for logits in (new, old)]
    torch.testing.assert_close(*gradients, **EXACT)
    if SquareGroup(name).order > 1:
        mixed = logits_in_the_old_layout(network, images, faster="channel")
        assert not torch.allclose(mixed, old, rtol=1e-6)


@pytest.mark.parametrize("name", ["trivial", "c4", "d4"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_networks_side_by_side_by_vmap_are_the_networks_one_by_one(name, training):
    architecture = GCNNArchitecture(name, shape=TaskShape(image_size=16))
    networks = [build_gcnn(architecture, seed).double().train(training) for seed in range(3)]
    for network in networks:
        network.head[3].p = 0.0
    images, labels = random(4, 1, 16, 16), torch.arange(4)
    parameters, buffers = torch.func.stack_module_state(networks)
    base = copy.deepcopy(networks[0]).to("meta")

    def loss(parameters, buffers):
        logits = torch.func.functional_call(base, (parameters, buffers), (images,))
        return F.cross_entropy(logits, labels), logits

    gradients, logits = torch.func.vmap(torch.func.grad(loss, has_aux=True), randomness="different")(
        parameters, buffers
    )
    for k, network in enumerate(networks):
        alone = network(images)
        torch.testing.assert_close(logits[k], alone, **EXACT)
        F.cross_entropy(alone, labels).backward()
        for key, parameter in network.named_parameters():
            torch.testing.assert_close(gradients[key][k], parameter.grad, **EXACT)
    assert not torch.allclose(logits[0], logits[1])
    if training:
        for key, buffer in networks[1].named_buffers():
            if "running" in key:
                torch.testing.assert_close(buffers[key][1], buffer, **EXACT)


@pytest.mark.parametrize("name", ["trivial", "c4", "d4"])
def test_network_trains_under_bfloat16_autocast_near_the_logits_of_float32(name):
    network = build_gcnn(GCNNArchitecture(name, shape=TaskShape(image_size=16)), 0)
    network.head[3].p = 0.0
    images, labels = random(8, 1, 16, 16).float(), torch.arange(8)
    exact = network(images)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    assert logits.dtype == torch.bfloat16
    F.cross_entropy(logits.float(), labels).backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())
    error = (logits.float() - exact).abs().max() / exact.abs().max()
    assert 1e-5 < error < 0.05, "too far off, or not in bfloat16"
