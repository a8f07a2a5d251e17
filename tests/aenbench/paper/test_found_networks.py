from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aenbench.execution.executors import LocalExecutor
from aenbench.paper import found_networks as networks
from aenbench.paper import learning_curves as progress
from aenbench.paper.context import Setting
from aenbench.paper.found_networks import METHODS, Found, Networks, Place, TaskName, markdown
from aenbench.paper.trainings import Training, architecture, measured, train, variants_of
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.tables.build import TablePlan, tabulate
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from gdatasets.groups.actions import actions_from_bits

TASKS = (TaskName("g-mnist", "none"), TaskName("g-mnist", "aug2"))


def made() -> Networks:
    """The AEN gains 4 points over no sharing as reported, 1 of which is due to choosing on the test images."""
    score = {"plain": 0.5, "single": 0.52, "full": 0.3, "aen": 0.54}
    sizes = {"plain": 1_000, "single": 500, "full": 10, "aen": 200}
    states = {"plain": "0" * 12, "single": "01" + "0" * 10, "full": "1" * 12, "aen": "11" + "0" * 10}
    names = {"plain": "none", "single": "hflip", "full": "all twelve", "aen": "rotation, hflip"}
    found, trained = {}, {}
    for task in TASKS:
        for protocol in networks.PROTOCOLS:
            for seed in range(3):
                place = Place(7, 0.012, "hflip") if protocol == STANDARD else None
                found[task, protocol, seed] = Found(states, names, 200, 1_000, place)
                for variant in variants_of(protocol):
                    for method in METHODS:
                        reached = score[method] + 0.01 * seed
                        chosen = 0.01 if method == "aen" else 0.0
                        trained[task, protocol, variant, method, seed] = {
                            "accuracies": [reached - 0.03, reached, reached - chosen],
                            "unseen": reached - chosen,
                            "parameters": sizes[method],
                            "seconds": 2.0,
                        }
    return Networks(TASKS, 3, found, trained)


def rows(text: str, *start: str) -> list[list[str]]:
    every = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return [cells for cells in every if tuple(cells[: len(start)]) == start]


def test_gains_are_told_by_every_measure() -> None:
    text = markdown(made(), "made")
    expected = {"reported": "+4.00", "last": "+3.00", "unseen": "+3.00"}
    for by, gain in expected.items():
        assert rows(text, "paper", "as released", by)[0][3].split()[0] == gain
    assert rows(text, "standard", "–", "reported")[0][3].split()[0] == "+3.00"
    assert rows(text, "AEN")[0][2:] == ["+1.00 [+1.00, +1.00]", "+1.00 [+1.00, +1.00]"]
    assert rows(text, "no sharing")[0][2] == "+0.00 [+0.00, +0.00]"


def test_sizes_ranks_and_duplicates_are_told() -> None:
    text = markdown(made(), "made")
    assert rows(text, "paper", "1,000")[0][1:] == ["1,000", "500", "10", "200", "6 of 6"]
    line = next(cells for cells in rows(text, "g-mnist", "aug2", "0", "rotation, hflip") if cells[7] != "–")
    assert line[5:] == ["200", "800 of 1000", "7", "1.20", "hflip"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "CONFIGURATIONS", ("none", "aug2"))


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_parts_b_and_c_on_real_digits(
    make_setting: Callable[..., Setting],
    table: Any,
    tmp_path: Path,
    tiny,
    monkeypatch: pytest.MonkeyPatch,
    shows_its_pictures: Callable[[Path], None],
) -> None:
    with LocalExecutor(1) as executor:
        plan = TablePlan(Task("g-digits", "aug2"), seeds=2)
        tabulate(plan, tmp_path / "tables", tmp_path / "tabulated", executor, lambda *_: None)
    setting = make_setting(tables=tmp_path / "tables")
    folder = networks.run(setting)
    lines = table(folder / "networks.csv")
    assert len(lines) == 2 * 2 * 4 * (4 + 1)
    line = next(
        each
        for each in lines
        if (each["configuration"], each["protocol"], each["network"], each["seed"]) == ("aug2", "standard", "aen", "1")
    )
    assert 1 <= int(line["rank"]) <= 3
    task = Task("g-digits", "aug2")
    network = architecture(Images(task), actions_from_bits(line["actions"]))
    again = train(Training(task, None, network, tiny.final, 1))
    assert float(line["reported"]) == pytest.approx(measured(again, STANDARD), abs=1e-6)

    monkeypatch.setattr(TrainedEvaluation, "__call__", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(networks, "train", lambda _: pytest.fail("trained again"))
    assert networks.run(replace(setting)) == folder
    walked = progress.run(setting)
    assert sorted(path.name for path in walked.iterdir()) == [
        "paper.png",
        "paper.svg",
        "progress.csv",
        "progress.md",
        "standard.png",
        "standard.svg",
    ]
    trials = table(walked / "progress.csv")
    asked = [each for each in trials if each["configuration"] == "aug2" and each["protocol"] == "standard"]
    assert len(asked) == sum(
        int(each["networks_trained"] or 0)
        for each in lines
        if each["protocol"] == "standard" and each["configuration"] == "aug2"
    )
    shows_its_pictures(folder / "networks.md")
    shows_its_pictures(walked / "progress.md")
    cells = rows((walked / "progress.md").read_text(), "g-digits", "aug2")
    assert [each[5] == "–" for each in cells] == [True, False]  # a table is there under `standard` only
