"""Every search can make an entry: by name, and a function of one's own by its import path, on workers too."""

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aenbench.cli import main as cli
from aenbench.errors import EntryError, InvalidArgumentError
from aenbench.leaderboard.entry_folder import read_description
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.runs.baselines import Baseline
from aenbench.runs.foresight import foresee
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.rerun import recorded_plan
from aenbench.search.registry import SEARCHES
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import bits_from_actions

SOURCE = """
from aenbench.search.record import Record

def last_bits(space, evaluate, budget, seed):
    record = Record(space, evaluate)
    for bit in reversed(range(space.bits)):
        if budget.is_spent(record):
            break
        record.value(space.toggle(space.start, bit))
    return record
"""


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    search = SearchBudget(states=12, networks=3, episode_steps=6)
    monkeypatch.setitem(
        AEN_FAMILY.budgets, ("standard", "quick"), Budget("quick", search, Recipe(64, 1), Recipe(64, 1))
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "own_searches.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_searches", None)


def call(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["aenbench", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def run(search: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    options = ["--dataset", "g-digits", "--config", "d4", "--budget", "quick", "--seeds", "1", "--out", "board"]
    return call(["run", "--baseline", "aen", "--search", search, *options, "--quiet", *more], monkeypatch)


@pytest.mark.parametrize(
    "search",
    [
        "greedy",
        "own_searches:last_bits",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("evolution", "random", "exhaustive", "dqn")),
    ],
)
def test_every_search_makes_an_entry_that_says_which(
    search: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(search, monkeypatch) == 0, capsys.readouterr().err
    [line] = [line for line in capsys.readouterr().out.splitlines() if "images alone" in line]
    assert re.fullmatch(
        r"The images alone say rotation\+hflip: aen --search discover chooses that after \d+\.\d s of a core, with no "
        "network trained.",
        line,
    )
    name = {"dqn": "aen-quick", "own_searches:last_bits": "aen-own_searches-last_bits-quick"}.get(
        search, f"aen-{search}-quick"
    )
    folder = here / "board/g-digits/d4" / name
    entry = read_description(folder)
    assert (entry.name, entry.method) == (name, "aen" if search == "dqn" else f"aen:{search}")
    assert entry.seeds[0].networks_trained == 3
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert len(rows) == 3
    assert (folder / "search.png").is_file()
    assert call(["verify", "board"], monkeypatch) == 0
    assert call(["leaderboard", "--dir", "board"], monkeypatch) == 0
    assert f"[{name}]" in (here / "board/README.md").read_text()


def test_discover_makes_an_entry_without_training_a_network_on_the_way(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("discover", monkeypatch) == 0, capsys.readouterr().err
    folder = here / "board/g-digits/d4/aen-discover-quick"
    entry = read_description(folder)
    seed = entry.seeds[0]
    assert (entry.method, seed.networks_trained, seed.states_visited) == ("aen:discover", 0, 0)
    assert seed.actions == ("rotation", "hflip", "vflip"), "d4 moved the digits"
    assert not (folder / "trials.csv").exists()
    assert not (folder / "search.png").exists()
    assert call(["verify", "board"], monkeypatch) == 0
    assert call(["leaderboard", "--dir", "board"], monkeypatch) == 0
    assert "images alone" not in capsys.readouterr().out, "it has just said so itself"


def test_methods_that_do_not_search_or_ask_the_images_themselves_have_nothing_to_foresee() -> None:
    for method in ("mlp", "single", "aen:discover", "aen:guided"):
        assert foresee(Plan(Baseline(method), Task("g-digits", "d4"))) == ""
    assert "gcnn-aen --search discover" in foresee(Plan(Baseline("gcnn-aen"), Task("g-digits", "d4")))


def test_a_guided_entry_of_a_network_that_was_not_tried_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may settle on another network than that of the highest accuracy, but on none that it did not train."""
    assert run("guided", monkeypatch) == 0
    file = here / "board/g-digits/d4/aen-guided-quick/trials.csv"
    assert call(["verify", "board"], monkeypatch) == 0
    chosen = bits_from_actions(read_description(file.parent).seeds[0].actions)
    trials = file.read_text()
    assert chosen in trials
    file.write_text(trials.replace(chosen, "000000100000"))
    capsys.readouterr()
    assert call(["verify", "board"], monkeypatch) == 1
    said = capsys.readouterr()
    assert "which is no trial of trials.csv" in said.out + said.err


@pytest.mark.slow
def test_the_searches_differ(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the option is not just a name."""
    for search in ("exhaustive", "own_searches:last_bits"):
        assert run(search, monkeypatch) == 0
    one, other = (
        (here / f"board/g-digits/d4/aen-{name}-quick/trials.csv").read_text()
        for name in ("exhaustive", "own_searches-last_bits")
    )
    assert one != other


@pytest.mark.usefixtures("here")
def test_workers_find_a_search_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("own_searches:last_bits", monkeypatch, "--seeds", "2", "--workers", "2") == 0


def test_a_registered_search_makes_an_entry(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(here))
    try:
        import own_searches

        SEARCHES.register("last", own_searches.last_bits)
        assert run("last", monkeypatch, "--workers", "1") == 0, "a name is known in this process only"
        assert read_description(here / "board/g-digits/d4/aen-last-quick").method == "aen:last"
    finally:
        sys.path.remove(str(here))
        SEARCHES.unregister("last")
    assert run("last", monkeypatch, "--workers", "1", "--overwrite") == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"baseline": "aen", "search": "greedi"}, 'Unknown search "greedi". Did you mean "greedy"?'),
        ({"baseline": "mlp", "search": "greedy"}, "mlp takes no --search"),
        ({"baseline": "single", "search": "greedy"}, "single takes no --search"),
        ({"baseline": "gcnn:c4", "search": "greedy"}, "gcnn:c4 takes no --search"),
        ({"baseline": "aen:random", "search": "greedy"}, "aen:random takes no --search"),
        ({"model": "a:B", "search": "greedy"}, "--search is for baselines that search"),
        ({"baseline": "group", "generators": "d4", "search": "greedy"}, "takes no --search"),
        ({"baseline": "aen", "search": "missing_module:f"}, 'Cannot import "missing_module:f"'),
    ],
)
def test_what_does_not_search_takes_no_search(options: dict[str, str], says: str) -> None:
    with pytest.raises((InvalidArgumentError, UnknownNameError)) as caught:
        RunOptions(**options).plan()
    assert says in str(caught.value)


def test_a_search_in_the_name_is_the_same_baseline() -> None:
    assert RunOptions(baseline="gcnn-aen", search="greedy")._method() == Baseline("gcnn-aen:greedy")
    assert RunOptions(baseline="aen", search="dqn")._method() == Baseline("aen")


def test_a_recorded_search_of_somebodys_own_is_not_imported(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("own_searches:last_bits", monkeypatch) == 0
    entry = read_description(here / "board/g-digits/d4/aen-own_searches-last_bits-quick")
    sys.modules.pop("own_searches", None)
    from aenbench.cli.reproduce import parse_run

    with pytest.raises(EntryError, match="imports code, own_searches:last_bits"):
        recorded_plan(entry, parse_run, None)
    assert "own_searches" not in sys.modules
