"""Every layer and whole networks through `torch.export` and `torch.compile`: the same outputs as when called.

929b5b9: `torch.export.export(layer, (x,))` of an EquivariantLinear with tied weights and biases ended in "IndexError:
list index out of range" in both modes (torch 2.14, whose default is `strict=False`), and the convolutions could not be
exported for batches of any size without `strict=True`.
"""

import copy
import io
import shutil

import pytest
import torch

from aenbench.models.aen import Architecture
from aenbench.models.gcnn import GCNNArchitecture
from aenbench.models.stacked import StackedNetworks
from aenbench.nn import (
    EquivariantLinear,
    GroupBatchNorm2d,
    GroupConv2d,
    GroupPooling,
    InvariantPooling,
    LiftingConv2d,
    SpatialPooling,
)
from aenbench.nn.representations import grid
from aenbench.nn.stacked import StackedLinear
from aenbench.tasks.task import TaskShape

ACTIONS = {"free": (), "full": ("rotation", "hflip"), "rolled": ("htrans", "vtrans")}
VECTORS, IMAGES, FEATURES = (4, 64), (4, 2, 8, 8), (4, 2, 8, 8, 8)


def seed():
    return torch.Generator().manual_seed(0)


def linear(actions, **options):
    return EquivariantLinear(grid(actions, 8, 2), grid(actions, 6, 2), joint=True, generator=seed(), **options)


def aen(actions, protocol="standard"):
    return Architecture(actions, TaskShape(protocol, image_size=16)).build(seed())


def gcnn(group, protocol="standard"):
    return GCNNArchitecture(group, shape=TaskShape(protocol, image_size=16)).build(seed())


LAYERS = {
    **{f"linear-{name}": (lambda a=actions: linear(a), VECTORS) for name, actions in ACTIONS.items()},
    "linear-no-bias": (lambda: linear(ACTIONS["full"], bias=False), VECTORS),
    "stacked-one-kind": (lambda: StackedLinear([linear(ACTIONS["full"])] * 2), VECTORS),
    "stacked": (lambda: StackedLinear([linear(actions) for actions in ACTIONS.values()]), VECTORS),
    "stacked-own-inputs": (lambda: StackedLinear([linear(actions) for actions in ACTIONS.values()]), (3, *VECTORS)),
    "lifting": (lambda: LiftingConv2d("d4", 2, 3, 3, generator=seed()), IMAGES),
    "lifting-trivial": (lambda: LiftingConv2d("trivial", 2, 3, 3, bias=False, generator=seed()), IMAGES),
    "lifting-padded": (lambda: LiftingConv2d("c4", 2, 3, 3, padding=1, padding_mode="circular"), IMAGES),
    "group-convolution": (lambda: GroupConv2d("d4", 2, 3, 3, generator=seed()), FEATURES),
    "batch-norm": (lambda: GroupBatchNorm2d(2), FEATURES),
    "batch-norm-of-batches": (lambda: GroupBatchNorm2d(2, track_running_stats=False), FEATURES),
    "group-pooling-max": (lambda: GroupPooling("max"), FEATURES),
    "group-pooling-mean": (lambda: GroupPooling("mean"), FEATURES),
    "invariant-pooling": (lambda: InvariantPooling("d4", 8), FEATURES),
    "spatial-pooling-max": (lambda: SpatialPooling("d4", 2), FEATURES),
    "spatial-pooling-mean": (lambda: SpatialPooling("d4", 2, reduction="mean"), IMAGES),
}
NETWORKS = {
    "aen": (lambda: aen(("rotation", "hflip")), (4, 1, 16, 16)),
    "aen-paper": (lambda: aen(("rotation", "htrans"), "paper"), (4, 1, 16, 16)),
    "mlp": (lambda: aen(()), (4, 1, 16, 16)),
    "gcnn": (lambda: gcnn("d4"), (4, 1, 16, 16)),
    "gcnn-plain": (lambda: gcnn("trivial"), (4, 1, 16, 16)),
    "gcnn-paper": (lambda: gcnn("c4", "paper"), (4, 1, 16, 16)),
    "stacked-networks": (lambda: StackedNetworks([aen(("rotation",)), aen(())]), (4, 1, 16, 16)),
}
MODULES = {**LAYERS, **NETWORKS}
USUAL = ("aen", "gcnn")  # the other networks take as long, and are made of the same layers
every_module = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in NETWORKS and name not in USUAL)) for name in MODULES],
)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
both_ways = pytest.mark.parametrize(
    "strict", [pytest.param(True, id="strict", marks=pytest.mark.slow), pytest.param(False, id="not-strict")]
)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own tracing


def make(name, training):
    """A module with nontrivial weights and running statistics, and a batch for it."""
    build, shape = MODULES[name]
    module, x = build(), torch.randn(shape, generator=seed())
    with torch.no_grad():
        module(x)
        if not training:
            module.eval()(x)  # what layers keep in evaluation is there already
    return module.train(training), x


def call(module, x):
    """The output of a copy, as a batch norm's statistics move in training; dropout is drawn from one seed."""
    torch.manual_seed(0)
    return copy.deepcopy(module)(x)


@every_module
@both_modes
@both_ways
def test_exported_module_gives_the_outputs_of_the_eager_one(name, training, strict):
    module, x = make(name, training)
    expected = call(module, x)
    program = torch.export.export(copy.deepcopy(module), (x,), strict=strict)
    torch.testing.assert_close(call(program.module(), x), expected)


@every_module
@both_modes
def test_compiled_module_gives_the_outputs_and_gradients_of_the_eager_one(name, training):
    check_compiled(name, training, "aot_eager")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler, and there is no g++ here")
@pytest.mark.parametrize("name", ["linear-full", "stacked", "lifting", "group-convolution", "batch-norm", *USUAL])
@both_modes
def test_module_compiled_to_machine_code_gives_the_outputs_and_gradients_of_the_eager_one(name, training):
    check_compiled(name, training, "inductor", {"fallback_random": True})  # dropout draws as in eager mode


def check_compiled(name, training, backend, options=None):
    torch.compiler.reset()
    eager, x = make(name, training)
    original = copy.deepcopy(eager)
    results = []
    for module in (eager, torch.compile(original, backend=backend, fullgraph=True, options=options)):
        torch.manual_seed(0)
        inputs = x.clone().requires_grad_()
        y = module(inputs)
        weights = torch.rand(y.shape, generator=seed())  # of equal ones a normalized output has no gradient
        results.append((y, *torch.autograd.grad((y * y * weights).sum(), (inputs, *module.parameters()))))
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["linear-full", "linear-rolled", "lifting", "group-convolution", "aen"])
@both_ways
@pytest.mark.filterwarnings("ignore:No complete tensor found")  # column sums are kept transposed
def test_an_exported_module_takes_any_batch_and_is_saved_and_loaded(name, strict):
    module, x = make(name, training=False)
    program = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},), strict=strict)
    stream = io.BytesIO()
    torch.export.save(program, stream)
    stream.seek(0)
    loaded = torch.export.load(stream).module()
    for batch in (2, 7):
        another = torch.randn((batch, *x.shape[1:]), generator=seed())
        torch.testing.assert_close(loaded(another), module(another))


@pytest.mark.parametrize("name", ["linear-full", "lifting", "group-convolution"])
@both_ways
def test_what_is_kept_in_evaluation_is_no_constant_of_the_exported_program(name, strict):
    module, x = make(name, training=False)
    with torch.no_grad():
        program = torch.export.export(module, (x,), strict=strict).module()
        for parameter, other in zip(module.parameters(), program.parameters(), strict=True):
            parameter.mul_(2)
            other.mul_(2)
        torch.testing.assert_close(program(x), module(x), rtol=1e-4, atol=1e-5)
        assert type(module(x)) is torch.Tensor, "the module still holds tensors of its own"
