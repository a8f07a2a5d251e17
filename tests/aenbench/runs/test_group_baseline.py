import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from aenbench.cli.main import app
from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.networks import format_networks
from aenbench.models.aen import Architecture
from aenbench.models.permutation_group import group_architecture
from aenbench.nn import assert_equivariant, check_equivariance
from aenbench.runs.options import RunOptions
from gdatasets import Group
from gdatasets.groups.generator_file import read_generators


@pytest.fixture
def diagonal(tmp_path):
    path = tmp_path / "diagonal.npy"
    np.save(path, np.arange(784).reshape(28, 28).T.reshape(1, -1))
    return path


def test_features_of_a_custom_group_move_as_the_image_does(diagonal):
    group = Group.from_permutations(read_generators(diagonal), (28, 28))
    network = group_architecture(group, Architecture()).build(torch.Generator().manual_seed(0)).double()
    network.forward = network.features
    assert_equivariant(network, group, group)
    hflip = Group(["hflip"], size=28)
    assert not check_equivariance(network, hflip, hflip).passed


@pytest.mark.slow
@pytest.mark.usefixtures("brief")
def test_the_network_of_a_file_of_permutations_is_trained_scored_and_read_back(diagonal, tmp_path):
    command = ["run", "--baseline", "group", "--generators", str(diagonal), "--dataset", "g-digits", "--seeds", "1"]
    done = CliRunner().invoke(app, [*command, "--budget", "quick", "--out", str(tmp_path / "out"), "--workers", "1"])
    assert done.exit_code == 0, done.output
    (folder,) = (path.parent for path in (tmp_path / "out").rglob("entry.json"))
    entry, _ = read_entry(folder)
    assert entry.method.startswith("group:sha256-")
    assert entry.name.startswith("group-sha256-")
    assert format_networks(entry) == entry.method


def test_names_in_any_order_give_the_autoequivariant_network():
    method = RunOptions(baseline="group", generators="hflip,rotation").plan().method
    assert (method.name, method.label) == ("group:hflip,rotation", "group-hflip-rotation")
    assert RunOptions(baseline="group", generators="d4").plan().method.name == "group:rotation,hflip"


def test_generators_and_the_baseline_group_go_together():
    for options in ({"baseline": "group"}, {"baseline": "mlp", "generators": "d4"}):
        with pytest.raises(InvalidArgumentError, match="go together"):
            RunOptions(**options).plan()


@pytest.mark.parametrize(
    "array", [np.array([[0.0, 1.0]]), np.array([{}], dtype=object), np.array([[0, 0]]), np.arange(3)], ids=str
)
def test_a_file_that_holds_no_permutations_is_refused_in_one_line(tmp_path, array):
    path = tmp_path / "bad.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(InvalidArgumentError, match=r"bad\.npy") as caught:
        read_generators(path)
    assert "\n" not in str(caught.value)
