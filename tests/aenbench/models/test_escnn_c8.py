"""The steerable network of escnn: what is said where it is not installed, and its invariance where it is."""

import importlib.util
import sys

import pytest
import torch

from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.escnn_c8 import ESCNN_FAMILY, SteerableArchitecture, SteerableSpace
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.run import run
from aenbench.tasks.task import Task, TaskShape
from gdatasets.errors import UnknownNameError

installed = pytest.mark.skipif(
    importlib.util.find_spec("escnn") is None,
    reason="escnn is not installed: pip install --no-deps escnn==1.0.11 pymanopt autograd joblib",
)


def test_without_escnn_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "escnn", None)
    monkeypatch.setitem(sys.modules, "escnn.nn", None)
    with pytest.raises(InvalidArgumentError, match=r"not installed .*: pip install --no-deps escnn==1\.0\.11"):
        SteerableArchitecture().build(torch.Generator())


def test_a_run_without_escnn_writes_nothing(monkeypatch, tmp_path):
    """3130c15 said so in a worker, and left a store: `.escnn-c8-quick.trials`."""
    monkeypatch.setitem(sys.modules, "escnn", None)
    monkeypatch.setitem(sys.modules, "escnn.nn", None)
    monkeypatch.setattr("aenbench.runs.run.TrialStore", lambda *_: pytest.fail("a store was made"))
    plan = Plan(Baseline("escnn:c8"), Task("g-digits", "c4"), "quick", 1)
    with pytest.raises(InvalidArgumentError, match="not installed"):
        run(plan, tmp_path, "a test", lambda _: None, LocalExecutor(1))
    assert list(tmp_path.iterdir()) == []


def test_the_baseline_is_named_and_small_images_and_other_groups_are_refused():
    baseline = Baseline("escnn:c8")
    assert (baseline.label, baseline.family.name) == ("escnn-c8", "escnn")
    assert SteerableSpace().candidate("").architecture == SteerableArchitecture()
    assert ESCNN_FAMILY.rebuild({}, TaskShape()) is None
    with pytest.raises(UnknownNameError, match=r'Unknown group "c16"\. Choose from: c8'):
        Baseline("escnn:c16")
    with pytest.raises(InvalidArgumentError, match="at least 28 pixels, so that six layers fit; got 16"):
        SteerableArchitecture(TaskShape(image_size=16))


@installed
@pytest.mark.slow
def test_quarter_turns_keep_the_logits_and_a_flip_does_not():
    network = SteerableArchitecture(TaskShape(image_size=29)).build(torch.Generator().manual_seed(0)).eval()
    images = torch.randn(4, 1, 29, 29, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, turned, flipped = (network(each) for each in (images, images.rot90(1, (2, 3)), images.flip(3)))
    assert logits.shape == (4, 10)
    assert torch.allclose(logits, turned, atol=1e-5)
    assert not torch.allclose(logits, flipped, atol=1e-3)


@installed
@pytest.mark.slow
def test_equal_seeds_give_equal_networks_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, second = (SteerableArchitecture().build(torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
