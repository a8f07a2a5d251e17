"""The networks of Cohen and Welling (2016): their sizes, their invariance, and their run."""

from contextlib import suppress

import pytest
import torch
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry_folder import read_description
from aenbench.models.p4cnn import P4CNN_FAMILY, SevenLayerArchitecture, SevenLayerSpace
from aenbench.models.registry import find_offer
from aenbench.nn import SquareGroup, check_equivariance
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.runs.baselines import Baseline
from aenbench.runs.options import RunOptions
from aenbench.tasks.protocol import PROTOCOLS
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

every_group = pytest.mark.parametrize("name", SQUARE_GROUPS)


def build(name, **shape):
    return SevenLayerArchitecture(name, TaskShape(**shape)).build(torch.Generator().manual_seed(0))


def random_images(batch=3, channels=1, size=28, seed=0):
    return torch.randn(batch, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@every_group
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3)])
def test_logits_are_invariant_before_and_after_a_step(name, size, channels):
    network, group = build(name, image_size=size, channels=channels).double(), SquareGroup(name)
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
    report = check_equivariance(build(name).double(), moves, inputs=random_images(), tolerance=1e-3)
    assert not report.passed


@every_group
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (32, 3, 10), (64, 3, 2)])
def test_parameters_are_counted_right(name, size, channels, classes):
    network = build(name, image_size=size, channels=channels, classes=classes)
    counted = sum(parameter.numel() for parameter in network.parameters())
    assert network.architecture.parameter_count == counted
    assert network.eval()(random_images(2, channels, size).float()).shape == (2, classes)


def test_sizes_are_those_of_the_paper_and_of_the_docstring():
    """20 and 10 channels, `about 25k` parameters each: arXiv 1602.07576, section 8.1 and the released code."""
    networks = {name: SevenLayerArchitecture(name) for name in ("trivial", "c4", "d4")}
    assert [each.width for each in networks.values()] == [20, 10, 7]
    assert [each.parameter_count for each in networks.values()] == [21_630, 24_620, 26_757]
    for each in networks.values():
        assert f"{each.parameter_count:,}" in SevenLayerArchitecture.__doc__


def test_features_of_28_pixels_end_in_one_pixel_and_a_plane_for_each_class_and_element():
    assert build("d4").features(random_images().float()).shape == (3, 10, 8, 1, 1)
    assert build("d4", image_size=32).features(random_images(size=32).float()).shape == (3, 10, 8, 3, 3)


@pytest.mark.parametrize(("size", "next_size"), [(27, 28), (16, 28), (33, 34)])
def test_impossible_sizes_are_errors(size, next_size):
    with pytest.raises(InvalidArgumentError, match=f"got {size}. Pad or resize to {next_size}"):
        SevenLayerArchitecture("c4", TaskShape(image_size=size))


def test_baselines_are_the_networks_of_their_names():
    for name, group in {"z2cnn": "trivial", "p4cnn": "c4", "p4m": "d4"}.items():
        baseline = Baseline(name)
        space = baseline.space(TaskShape())
        choice = baseline.choose(space, {}.__getitem__, P4CNN_FAMILY.budget(PROTOCOLS["standard"]).search, 0)
        assert choice.candidate.architecture == SevenLayerArchitecture(group)
        assert (baseline.label, find_offer(name).family.name) == (name, "p4cnn")
    with pytest.raises(InvalidArgumentError, match="p4cnn takes no --size"):
        Baseline("p4cnn", large=True)


def test_the_space_has_four_networks_and_an_entry_can_be_rebuilt():
    space = SevenLayerSpace()
    groups = [space.candidate(state).architecture.group for state in space.networks]
    assert groups == ["trivial", "hflip", "c4", "d4"]
    assert P4CNN_FAMILY.rebuild({"group": "c4"}, TaskShape()) == SevenLayerArchitecture("c4")
    assert P4CNN_FAMILY.describe({"group": "c4"}, TaskShape()) == "c4, seven layers"


def test_precision_is_part_of_the_name_where_it_is_not_that_of_the_recipe():
    names = {
        (baseline, precision): RunOptions(baseline=baseline, precision=precision).plan()
        for baseline in ("p4cnn", "mlp")
        for precision in (None, "float32", "bfloat16")
    }
    assert [plan.name for plan in names.values()] == [
        "p4cnn", "p4cnn-float32", "p4cnn", "mlp", "mlp", "mlp-bfloat16",
    ]  # fmt: skip
    assert [plan.spent.final.precision for plan in names.values()] == [
        "bfloat16", "float32", "bfloat16", "float32", "float32", "bfloat16",
    ]  # fmt: skip
    for plan in names.values():
        assert plan.spent.child == plan.method.budget(plan.task.protocol, plan.budget).child
    with pytest.raises(UnknownNameError, match=r'Unknown precision "float16".* Choose from: float32, bfloat16'):
        RunOptions(baseline="mlp", precision="float16").plan()


@pytest.mark.slow
def test_a_run_writes_an_entry_that_is_verified(tmp_path, monkeypatch, capsys):
    from aenbench.cli import main as cli

    monkeypatch.chdir(tmp_path)
    task = ["--dataset", "g-digits", "--config", "c4", "--budget", "quick", "--seeds", "1", "--quiet"]
    for command in (
        ["run", "--baseline", "p4cnn", *task, "--out", "board", "--workers", "1"],
        ["verify", "board"],
        ["leaderboard", "--dir", "board"],
    ):
        monkeypatch.setattr("sys.argv", ["aenbench", *command])
        with suppress(SystemExit):
            cli.main()
        said = capsys.readouterr()
        assert "1 entry verified" in said.out or command[0] != "verify", said.out + said.err
    entry = read_description(tmp_path / "board" / "g-digits" / "c4" / "p4cnn-quick")
    assert (entry.method, entry.seeds[0].group, entry.seeds[0].parameters) == ("p4cnn", "c4", 24_620)
    assert "seven layers" in (tmp_path / "board" / "README.md").read_text()
