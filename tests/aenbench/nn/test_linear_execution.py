"""EquivariantLinear where it runs: dtypes, gradients, the evaluation cache, compilation, autocast, vmap."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from aenbench.nn import EquivariantLinear, assert_equivariant
from aenbench.nn.representations import grid
from aenbench.nn.tying import spread

FULL = ("rotation", "hflip")
ROLLED = ("htrans", "vtrans")  # on grids of 8 and 6, rolls of 2 have orders 4 and 3: few distinct rows and columns


def layer_of(actions, size=8, hidden=6, **options):
    seed = torch.Generator().manual_seed(0)
    return EquivariantLinear(grid(actions, size, 2), grid(actions, hidden, 2), joint=True, generator=seed, **options)


def inputs(batch=5, units=64, dtype=torch.float64):
    return torch.randn(batch, units, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def dense(layer, x):
    """The layer by its definition: the full weight, and the bias of each output."""
    labels = layer.expanded_weight()
    bias = layer(torch.zeros_like(x))
    return F.linear(x, labels) + bias


@pytest.mark.parametrize("actions", [(), FULL, ROLLED, (*FULL, *ROLLED)], ids=",".join)
def test_product_of_distinct_rows_and_columns_is_that_of_the_full_weight(actions):
    layer, x = layer_of(actions, dtype=torch.float64), inputs()
    torch.testing.assert_close(layer(x), dense(layer, x))
    assert layer.expanded_weight().shape == (36, 64)


def test_rolls_of_coprime_orders_shrink_the_product():
    assert layer_of(ROLLED).distinct_shape == (4, 4)
    assert layer_of(FULL).distinct_shape == (36, 64)


@pytest.mark.parametrize("actions", [FULL, ROLLED], ids=",".join)
def test_gradients_are_those_of_finite_differences(actions):
    layer, x = layer_of(actions, size=4, hidden=2, dtype=torch.float64), inputs(units=16).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]

    def output(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(output, (x, *layer.parameters()))
    assert torch.autograd.gradgradcheck(output, (x, *layer.parameters()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("actions", [(), FULL, ROLLED], ids=",".join)
def test_layer_commutes_in_every_dtype_and_after_a_cast(dtype, actions):
    layer = layer_of(actions).to(dtype)
    assert layer(inputs(dtype=dtype)).dtype == dtype
    assert_equivariant(layer, grid(actions, 8, 2), grid(actions, 6, 2), joint=True)
    layer(inputs(dtype=dtype)).sum().backward()
    assert layer.weight.grad.dtype == dtype


def test_short_gradients_are_summed_in_float32():
    values = torch.zeros(1, dtype=torch.bfloat16, requires_grad=True)
    spread(values, torch.zeros(4096, dtype=torch.int64)).sum().backward()
    assert float(values.grad) == 4096  # ones summed in bfloat16 stop at 256


@pytest.mark.parametrize("actions", [FULL, ROLLED], ids=",".join)
def test_autocast_computes_in_bfloat16(actions):
    layer, x = layer_of(actions), inputs(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), atol=0.05, rtol=0.05)
    y.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("actions", [FULL, ROLLED], ids=",".join)
def test_vmap_over_stacked_parameters_is_one_layer_after_another(actions):
    layers = [copy.deepcopy(layer_of(actions)) for _ in range(3)]
    for seed, layer in enumerate(layers):
        layer.reset_parameters(torch.Generator().manual_seed(seed))
    parameters, buffers = torch.func.stack_module_state(layers)
    x = inputs(dtype=torch.float32)

    def loss(parameters, buffers, x):
        return functional_call(layers[0], (parameters, buffers), (x,)).square().mean()

    gradients, losses = vmap(torch.func.grad_and_value(loss), in_dims=(0, 0, None))(parameters, buffers, x)
    for k, layer in enumerate(layers):
        alone = layer(x).square().mean()
        alone.backward()
        torch.testing.assert_close(losses[k], alone.detach())
        torch.testing.assert_close(gradients["weight"][k], layer.weight.grad)
    for layer in layers:
        layer.eval()
    with torch.no_grad():
        together = vmap(lambda p, b: functional_call(layers[0], (p, b), (x,)))(parameters, buffers)
        for k, layer in enumerate(layers):
            torch.testing.assert_close(together[k], layer(x))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("actions", [FULL, ROLLED], ids=",".join)
def test_compiled_layer_gives_the_same_outputs_and_gradients(actions):
    layer, x = layer_of(actions), inputs(dtype=torch.float32)
    compiled = torch.compile(copy.deepcopy(layer), fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
    layer(x).square().sum().backward()
    compiled(x).square().sum().backward()
    torch.testing.assert_close(compiled.weight.grad, layer.weight.grad)
    compiled.eval()
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x))
        compiled.weight.mul_(2)
        layer.weight.mul_(2)
        torch.testing.assert_close(compiled(x), layer(x))


def in_place(layer):
    with torch.no_grad():
        layer.weight.mul_(2)


def through_data(layer):
    layer.weight.data.mul_(2)


def replaced(layer):
    layer.weight = nn.Parameter(layer.weight.detach() * 2)


def loaded(layer):
    layer.load_state_dict({name: value * 2 for name, value in layer.state_dict().items()})


def optimised(layer):
    for parameter in layer.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.optim.SGD(layer.parameters(), 0.5).step()


def rounded_and_back(layer):
    layer.half().double()


@pytest.mark.parametrize("change", [in_place, through_data, replaced, loaded, optimised, rounded_and_back])
@pytest.mark.parametrize("actions", [FULL, ROLLED], ids=",".join)
@torch.no_grad()
def test_evaluation_follows_every_change_of_the_weights(change, actions):
    layer, x = layer_of(actions, dtype=torch.float64).eval(), inputs()
    before = layer(x)
    torch.testing.assert_close(layer(x), before, rtol=0, atol=0)
    change(layer)
    torch.testing.assert_close(layer(x), dense(layer, x))
    assert not torch.equal(layer(x), before)


@torch.no_grad()
def test_evaluation_keeps_the_expanded_weight_and_training_drops_it():
    layer = layer_of(FULL).eval()
    layer(inputs(dtype=torch.float32))
    kept = layer._weight_for_product()
    assert layer._weight_for_product() is kept
    assert layer.train()._cached.kept is None


@torch.no_grad()
def test_neither_state_nor_copies_hold_the_cache():
    layer = layer_of(FULL).eval()
    size = len(pickle.dumps(layer))
    layer(inputs(dtype=torch.float32))
    assert set(layer.state_dict()) == {"weight", "bias"}
    assert len(pickle.dumps(layer)) == size
    assert copy.deepcopy(layer)._cached.kept is None


def test_inference_tensors_do_not_reach_training():
    layer, x = layer_of(FULL).eval(), inputs(dtype=torch.float32)
    with torch.inference_mode():
        layer(x)
    with torch.no_grad():
        layer(x)
    layer(x.requires_grad_()).sum().backward()
    assert layer.weight.grad is not None


def test_train_and_eval_give_the_same_outputs():
    layer, x = layer_of(ROLLED), inputs(dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(layer.train()(x), layer.eval()(x), rtol=0, atol=0)


def test_leading_dimensions_are_kept():
    layer = layer_of(ROLLED)
    assert layer(torch.zeros(2, 3, 64)).shape == (2, 3, 36)
    assert layer(torch.zeros(64)).shape == (36,)


def test_trained_layers_need_no_global_state():
    state = torch.random.get_rng_state()
    layer_of(FULL)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("actions", [(), FULL, ROLLED], ids=",".join)
def test_layer_on_a_gpu_gives_what_it_gives_on_the_cpu(actions):
    layer, x = layer_of(actions, dtype=torch.float64), inputs()
    there = copy.deepcopy(layer).cuda()
    torch.testing.assert_close(there(x.cuda()).cpu(), layer(x))
    there(x.cuda()).square().sum().backward()
    layer(x).square().sum().backward()
    torch.testing.assert_close(there.weight.grad.cpu(), layer.weight.grad)
