"""Typed numbers beside what the method, the network and the trials of an entry give.

929b5b9 verified every entry here, and showed its numbers as they were typed.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry_folder import read_description
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.recount import recount
from aenbench.leaderboard.search_curves import TrialRow
from aenbench.leaderboard.site.payload import payload
from aenbench.models.aen import AEN_FAMILY, AENSpace, Architecture
from aenbench.models.family import ModelFamily, Searched
from aenbench.models.gcnn import GCNNArchitecture
from aenbench.models.registry import FAMILIES
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from gdatasets.groups.actions import ACTIONS, bits_from_actions

TASKS = {name: Task("g-digits", "aug1", name) for name in ("standard", "paper")}
PLAIN, D4, DIFFERENT = {"actions": ()}, {"group": "d4"}, {"actions": ("vflip",)}

# Baselines, the facts of a network that each gives, and facts of one that it does not give.
BASELINES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any] | None]] = {
    "mlp": (PLAIN, DIFFERENT),
    "full": ({"actions": ACTIONS}, DIFFERENT),
    "single": ({"actions": ("hflip",)}, {"actions": ("hflip", "vflip")}),
    "single:hflip": ({"actions": ("hflip",)}, DIFFERENT),
    "aen": ({"actions": ("hflip", "vflip")}, D4),
    "aen:random": ({"actions": ("vflip",)}, {"actions": ("vflip", "hflip")}),  # not in the order of their bits
    "group:hflip": ({"actions": ("hflip",)}, DIFFERENT),
    "group:trivial": (PLAIN, DIFFERENT),
    "gcnn:d4": (D4, {"group": "c4"}),
    "gcnn-aen": ({"group": "c4", "large": True, "augmentations": ("scale",)}, {"group": "c4", "actions": ("hflip",)}),
}


def parameters_of(facts: Mapping[str, Any], task: Task) -> int:
    shape = Images(task).shape
    if "group" in facts:
        return GCNNArchitecture(facts["group"], facts.get("large", False), shape).parameter_count
    return Architecture(facts["actions"], shape).parameter_count


def entry_of(place: Path, make_entry, method: str, task: Task, **stated: Any):
    defaults = {"actions": (), "networks_trained": 0}
    folder = make_entry(place, "e", 60, task, seeds=1, method=method, stated={**defaults, **stated})
    return read_description(folder)


def check(entry, **trials: list[TrialRow]) -> tuple[bool, list[str]]:
    found = {int(seed.removeprefix("seed")): rows for seed, rows in trials.items()}
    return recount(entry, found, {}, Images(entry.task))


@pytest.mark.parametrize("protocol", TASKS)
@pytest.mark.parametrize("method", BASELINES)
def test_parameters_of_baselines_are_counted_again(method: str, protocol: str, tmp_path: Path, make_entry) -> None:
    task, (facts, others) = TASKS[protocol], BASELINES[method]
    right = parameters_of(facts, task)
    assert check(entry_of(tmp_path / "a", make_entry, method, task, parameters=right, **facts)) == (True, [])
    _, [difference] = check(entry_of(tmp_path / "b", make_entry, method, task, parameters=right + 1, **facts))
    assert difference.startswith(f"seed 0: parameters are {right:,} for ")
    assert difference.endswith(f", {right + 1:,} is stated")
    _, [difference] = check(entry_of(tmp_path / "c", make_entry, method, task, parameters=right, **others))
    assert difference.endswith(f"is stated, which is no network that {method} gives")


@pytest.mark.parametrize("method", ["mlp", "single:hflip", "gcnn:d4", "group:hflip"])
@pytest.mark.parametrize("field", ["networks_trained", "states_visited"])
def test_a_baseline_that_searches_nothing_trained_no_other_network(
    method: str, field: str, tmp_path: Path, make_entry
) -> None:
    task, (facts, _) = TASKS["standard"], BASELINES[method]
    stated = {**facts, "parameters": parameters_of(facts, task), field: 12}
    _, [difference] = check(entry_of(tmp_path, make_entry, method, task, **stated))
    assert "searches nothing" in difference


@pytest.mark.parametrize(
    ("origin", "method"),
    [
        ("submission", "my network"),
        ("submission", "mlp"),
        ("model", "mine:Net"),
        ("baseline", "group:sha256-00"),
        ("baseline", "group:mine:action"),
        ("baseline", "toy:of-a-registered-family"),
    ],
)
def test_numbers_of_other_networks_are_as_stated(
    origin: str, method: str, tmp_path: Path, make_entry, entries_of
) -> None:
    folder = make_entry(tmp_path, "e", 60, seeds=1, origin=origin, method=method, stated={"parameters": 12_345})
    assert check(read_description(folder)) == (False, [])
    make_entry(tmp_path, "counted", 90, seeds=1)
    board = read_board(tmp_path)
    lines = {
        name: next(line for line in render(board).splitlines() if f"[{name}]" in line) for name in ("e", "counted")
    }
    assert "| 12,345 † |" in lines["e"]
    assert "| 234,818 |" in lines["counted"]
    counted = {entry["name"]: entry["counted"] for entry in entries_of(json.loads(payload(board)))}
    assert counted == {"e": False, "counted": True}


def test_a_baseline_whose_part_does_not_exist_is_found(tmp_path: Path, make_entry) -> None:
    entry = entry_of(tmp_path, make_entry, "gcnn:so3", TASKS["standard"], parameters=1)
    _, [difference] = check(entry)
    assert "has no such network for these images" in difference


@pytest.mark.parametrize("has_rebuild", [True, False])
def test_a_registered_family_is_counted_where_it_rebuilds(has_rebuild: bool, tmp_path: Path, make_entry) -> None:
    rebuild = {"rebuild": AEN_FAMILY.rebuild} if has_rebuild else {}
    twin = ModelFamily("twin", AENSpace, baselines={"twin": Searched()}, facts=("actions",), **rebuild)
    stated = {"actions": ("hflip",), "parameters": 234_818}
    FAMILIES.register("twin", twin)
    try:
        entry = entry_of(tmp_path / "a", make_entry, "twin", TASKS["standard"], **stated)
        assert check(entry) == (has_rebuild, [])
        typed = entry_of(tmp_path / "b", make_entry, "twin", TASKS["standard"], **stated | {"parameters": 1})
        assert len(check(typed)[1]) == has_rebuild
    finally:
        FAMILIES.unregister("twin")


def trial(*actions: str, value: float = 0.5, visited: int = 1) -> TrialRow:
    return TrialRow(bits_from_actions(actions), value, visited)


def test_the_network_is_the_first_of_the_best_trials(tmp_path: Path, make_entry) -> None:
    stated = {"actions": ("hflip",), "parameters": 234_818, "networks_trained": 3, "states_visited": 5}
    entry = entry_of(tmp_path, make_entry, "aen", TASKS["standard"], **stated)
    rows = [trial("vflip", value=0.4), trial("hflip", visited=4), trial("rotation", visited=5)]
    assert check(entry, seed0=rows) == (True, [])
    _, [difference] = check(entry, seed0=[rows[2], rows[1], rows[0]])
    assert "best trial of trials.csv is actions rotation with accuracy 0.5000, actions hflip is stated" in difference


def test_augmentations_that_a_search_chose_are_those_of_the_best_trial(tmp_path: Path, make_entry) -> None:
    facts, task = BASELINES["gcnn-aen"][0], TASKS["standard"]
    stated = {**facts, "parameters": parameters_of(facts, task), "networks_trained": 1, "states_visited": 1}
    entry = entry_of(tmp_path, make_entry, "gcnn-aen", task, **stated)
    augmentations = ("rotation", "hflip", "vflip", "translation", "scale", "shear")
    chosen = "".join(str(int(name == "scale")) for name in augmentations)
    assert check(entry, seed0=[TrialRow(f"100{chosen}1", 0.5, 1)]) == (True, [])
    for state in (f"100{'0' * 6}1", f"100{chosen}0", f"111{chosen}1"):
        _, [difference] = check(entry, seed0=[TrialRow(state, 0.5, 1)])
        assert "the best trial of trials.csv is group" in difference
    _, [difference] = check(entry, seed0=[TrialRow("1", 0.5, 1)])
    assert "a state has 10 bits, trials.csv has one of 1" in difference


@pytest.mark.parametrize("origin", ["baseline", "submission", "model"])
def test_networks_and_states_are_those_of_the_trials(origin: str, tmp_path: Path, make_entry) -> None:
    stated = {"actions": ("hflip",), "parameters": 234_818, "networks_trained": 1, "states_visited": 9}
    folder = make_entry(tmp_path, "e", 60, seeds=2, origin=origin, method="single", stated=stated)
    entry = read_description(folder)
    row = trial("hflip", visited=9)
    assert check(entry, seed0=[row], seed1=[row])[1] == []
    for trials, said in (
        ({"seed0": [row]}, "seed 1: networks_trained is 0 by trials.csv, 1 is stated"),
        ({"seed0": [row], "seed1": [row], "seed2": [row]}, "trials.csv has a seed 2, which the entry has not"),
        (
            {"seed0": [row], "seed1": [trial("hflip", visited=10)]},
            "seed 1: states_visited is at least 10 by trials.csv, 9 is stated",
        ),
    ):
        assert check(entry, **trials)[1] == [said]


@pytest.mark.parametrize("budget", ["quick", "standard", "of the author's own"])
def test_the_accuracy_that_chose_is_a_share_of_the_images_that_choose(budget: str, tmp_path: Path, make_entry) -> None:
    for count, share in ((300, 0.51), (360, 0.525)):  # g-digits holds out 300; `paper` chooses on the 360 test images
        task = TASKS["standard" if count == 300 else "paper"]
        stated = {"parameters": parameters_of(PLAIN, task), "chosen_by": share, **PLAIN}
        entry = entry_of(tmp_path / str(count), make_entry, "mlp", task, **stated).model_copy(update={"budget": budget})
        assert check(entry) == (True, [])
        seed = entry.seeds[0].model_copy(update={"chosen_by": share + 0.001})
        found = check(entry.model_copy(update={"seeds": (seed,)}))[1]
        assert len(found) == (budget != "of the author's own")
        assert all(f"no share of the {count} images that choices are made by" in each for each in found)


def test_networks_for_large_images_are_as_stated_at_once(tmp_path: Path, make_entry) -> None:
    """929b5b9: describing one for images of 4,096 pixels asked for 256 TiB."""
    entry = entry_of(tmp_path, make_entry, "aen", TASKS["standard"], actions=("vflip", "hflip"), parameters=7)

    class Large(Images):
        @property
        def size(self) -> int:
            return 4_096

    started = time.process_time()
    assert recount(entry, {}, {}, Large(entry.task)) == (False, [])
    assert time.process_time() - started < 1
