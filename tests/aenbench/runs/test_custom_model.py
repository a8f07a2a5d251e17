"""A user's own network: what a factory may be, and what is said of one that cannot be trained."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.custom import OwnNetwork
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.runs.baselines import Baseline
from aenbench.runs.custom_model import OwnModel
from aenbench.runs.plan import Plan
from aenbench.runs.run import run
from aenbench.runs.seed import own_code_explained
from aenbench.tasks.protocol import PAPER, STANDARD
from aenbench.tasks.task import Task, TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.fit import count_parameters
from aenbench.training.recipe import Recipe
from aenbench.training.recipe_changes import RecipeChanges

SOURCE = """
import sys
import torch
from torch import nn

class Shaped(nn.Sequential):
    def __init__(self, classes, *, channels, image_size):
        super().__init__(nn.Flatten(), nn.Linear(channels * image_size**2, classes))

class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.LazyLinear(10), nn.Dropout(0.5))

def anything(**options):
    assert not options
    return Plain()

def late():
    from their_layers import Layer
    return Layer()

ONE = Plain()
def shared(): return ONE
number = 3
def nothing(): return 3
def needs(width): return Plain()
def fails(): raise RuntimeError("no\\nluck")
def leaves(): sys.exit(1)
class Silent(nn.Module):
    def forward(self, x): return x.flatten(1)[:, :10]
class Wide(nn.Sequential):
    def __init__(self): super().__init__(nn.Flatten(), nn.LazyLinear(11))
class Pair(Plain):
    def forward(self, x): return super().forward(x), x
class Cut(Plain):
    def forward(self, x): return super().forward(x).detach()
class Small(nn.Sequential):
    def __init__(self): super().__init__(nn.Flatten(), nn.Linear(4, 10))
class Normed(nn.Sequential):
    def __init__(self): super().__init__(nn.Flatten(), nn.LazyLinear(10), nn.BatchNorm1d(10))
class Moody(Plain):
    def forward(self, x):
        if len(x) > 2 and self.training: raise ValueError("not\\nthis many")
        return super().forward(x)
class Chosen(Plain):
    def forward(self, x): return super().forward(x).argmax(1)
"""
LAYERS = "from torch import nn\nclass Layer(nn.Sequential):\n def __init__(self):\n"
LAYERS += "  super().__init__(nn.Flatten(), nn.LazyLinear(10))\n"


@pytest.fixture(autouse=True)
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "their_networks.py").write_text(SOURCE)
    (tmp_path / "their_layers.py").write_text(LAYERS)
    monkeypatch.chdir(tmp_path)
    yield
    for name in ("their_networks", "their_layers"):
        sys.modules.pop(name, None)


def network(name: str) -> OwnNetwork:
    return OwnNetwork(f"their_networks:{name}", TaskShape(image_size=8))


def build(name: str, seed: int = 0) -> nn.Module:
    return network(name).build(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["Shaped", "Plain", "anything", "late"])
def test_factories_get_what_they_name(name: str) -> None:
    network(name).check()
    assert count_parameters(build(name)) == 650


def test_a_seed_gives_the_weights_and_the_global_generator_stays() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    weights = [build("Plain", seed).state_dict()["1.weight"] for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "Cannot import"),
        ("number", "is int, which makes no new network"),
        ("ONE", "is Plain, which makes no new network"),
        ("shared", "gives one network again and again"),
        ("nothing", "gives no torch.nn.Module, but int"),
        ("needs", "cannot be built: TypeError"),
        ("fails", "cannot be built: RuntimeError: no."),
        ("leaves", "cannot be built: SystemExit: 1."),
        ("Silent", "has no parameters to train"),
        ("Wide", "to torch.float32 (2, 11), expected logits float32 (2, 10)"),
        ("Pair", "to tuple, expected logits"),
        ("Chosen", "to torch.int64 (2,), expected logits"),
        ("Cut", "lets no gradient through"),
        ("Small", "cannot be called on images float32 (2, 1, 8, 8): RuntimeError"),
    ],
)
def test_what_cannot_be_trained_is_one_line(name: str, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        network(name).check()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_batch_of_one_image_is_tried_where_there_will_be_one() -> None:
    network("Normed").check()
    with pytest.raises(InvalidArgumentError) as raised:
        network("Normed").check(smallest_batch=1)
    assert "on a batch of one image (see --batch and --train-images): ValueError: Expected more" in str(raised.value)
    network("Plain").check(smallest_batch=1)
    sizes = [Recipe(100, 1, batch=batch).smallest_batch(images) for batch, images in ((1, 9), (4, 9), (64, 1), (64, 9))]
    assert sizes == [1, 4, 1, 9]


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("Normed", RecipeChanges(epochs=1, batch=1), "ValueError: Expected more than 1 value per channel"),
        ("Normed", RecipeChanges(epochs=1, images=1), "ValueError: Expected more than 1 value per channel"),
        ("Moody", RecipeChanges(epochs=1), '"their_networks:Moody" cannot be trained (ValueError: not this many)'),
    ],
    ids=["batch", "images", "later"],
)
def test_what_a_network_raises_in_training_is_one_line_and_nothing_is_written(
    name: str, changes: RecipeChanges, said: str, tmp_path: Path
) -> None:
    """3130c15 ended in a traceback, and left a store."""
    plan = Plan(OwnModel(f"their_networks:{name}"), Task("g-digits", "c4"), "quick", 1, changes=changes)
    with pytest.raises(InvalidArgumentError) as raised:
        run(plan, tmp_path / "out", "a test", lambda _: None, LocalExecutor(1))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path for path in tmp_path.glob("out/**/*") if path.is_file()] == []


def test_an_error_of_our_own_networks_is_passed_on_as_it_is() -> None:
    for method, expected in ((OwnModel("a:Net"), InvalidArgumentError), (Baseline("mlp"), ZeroDivisionError)):
        with pytest.raises(expected), own_code_explained(method):
            _ = 1 / 0


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (OwnModel("a.b:MyNet"), "mynet"),
        (OwnModel("a.b:my_net2", Augmentation(["scale", "rotate"])), "my-net2-rotate-scale"),
        (OwnModel("a:Net", family=GCNN_FAMILY), "net-gcnn-recipe"),
        (OwnModel("a:Net", given_name="own.name"), "own.name"),
    ],
)
def test_entries_are_named_after_the_network(model: OwnModel, name: str) -> None:
    assert model.entry_name(STANDARD, "standard") == name
    suffix = "" if model.given_name else "-paper-quick"
    assert model.entry_name(PAPER, "quick") == name + suffix


@pytest.mark.parametrize(
    ("path", "name"),
    [("MyNet", ""), ("a:", ""), (":b", ""), ("a b:c", ""), ("a:b;c", ""), ("../a:b", ""), (f"{'a' * 200}:b", "")]
    + [("a:Net", bad) for bad in ("../x", "A", "con", ".x", "x" * 101, "a/b", "a b")]
    + [("a:_", "")],
)
def test_impossible_paths_and_names_are_refused_at_once(path: str, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"Expected --model|No entry can be named"):
        OwnModel(path, given_name=name)
