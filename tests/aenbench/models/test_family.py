"""Model families from outside the package: every command takes them as it takes those that come with it."""

import csv
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import aenbench
from aenbench.cli import main as cli
from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry_folder import read_description
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.models.family import ModelFamily, Searched
from aenbench.models.registry import FAMILIES, baselines, find_family, find_offer
from aenbench.runs.baselines import Baseline
from aenbench.tables.parquet import read_table
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

SOURCE = Path(__file__).with_name("toy_family.py")
PATH = "toy_module:TOY"
TASK = ["--dataset", "g-digits", "--config", "d4", "--seeds", "1", "--quiet"]
RUN = [*TASK, "--budget", "quick", "--out", "board"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, which holds `toy_module.py`; afterwards nobody knows the family any more."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SOURCE, tmp_path / "toy_module.py")
    yield tmp_path
    sys.modules.pop("toy_module", None)
    importlib.invalidate_caches()
    if "toy" in FAMILIES:
        FAMILIES.unregister("toy")


@pytest.fixture
def registered(toy: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFamily:
    """The family, registered for this process."""
    monkeypatch.syspath_prepend(toy)
    return FAMILIES.register("toy", importlib.import_module("toy_module").TOY)


@pytest.fixture
def aenbench_says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls the command: its exit code, and everything it printed."""

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["aenbench", *arguments])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return int(code or 0), printed.out + printed.err

    return call


@pytest.mark.parametrize(
    ("name", "workers", "origin"),
    [
        pytest.param("toy", "1", "baseline", id="registered"),
        pytest.param(PATH, "2", "model", id="import-path", marks=pytest.mark.slow),
    ],
)
def test_every_command_takes_a_family_of_ones_own(
    name: str, workers: str, origin: str, toy: Path, aenbench_says: Any, request: pytest.FixtureRequest
) -> None:
    if name == "toy":
        request.getfixturevalue("registered")
    space = ["--space", name] if ":" in name else []
    for method, label in ((name, "toy"), (f"{name}:wide", "toy-wide")):
        seeds = ["--seeds", "2"] if workers == "2" else []
        code, said = aenbench_says("run", "--baseline", method, *RUN, *seeds, "--workers", workers)
        assert code == 0, said
        entry = read_description(toy / "board" / "g-digits" / "d4" / f"{label}-quick")
        assert (entry.origin, entry.method, len(entry.seeds)) == (origin, method, int(workers))
        assert entry.seeds[0].networks_trained == (4 if method == name else 0)
    trials = csv.DictReader(Path("board", "g-digits", "d4", "toy-quick", "trials.csv").read_text().splitlines())
    assert sorted(row["canonical"] for row in trials if row["seed"] == "0") == ["00", "01", "10", "11"]

    code, said = aenbench_says("tabulate", "--space", name, *TASK, "--out", "tables", "--workers", workers)
    assert code == 0, said
    table = toy / "tables" / "g-digits" / "d4" / "toy-standard.parquet"
    assert read_table(table).networks == ("00", "01", "10", "11")
    for source in (str(table), "board/g-digits/d4/toy-quick"):
        shutil.rmtree("analysis", ignore_errors=True)
        code, said = aenbench_says("analyze", source, *space)
        assert code == 0, said
        assert "bit 1" in Path("analysis", "effects.csv").read_text()
    compared = ["--compare", "random,greedy", "--runs", "2", "--networks", "3", "--workers", workers, "--quiet"]
    code, said = aenbench_says("search", "--table", str(table), *compared, *space)
    assert code == 0, said

    searched = ["--search", "random", "--out", "searched"]
    code, said = aenbench_says("run", "--baseline", name, *RUN, *searched, "--workers", workers)
    assert code == 0, said
    assert read_description(toy / "searched" / "g-digits" / "d4" / "toy-random-quick").method == f"{name}:random"
    code, said = aenbench_says("verify", "board")
    assert (code, said) == (0, "2 entries verified.\n"), said
    assert aenbench_says("leaderboard", "--dir", "board")[0] == 0
    assert "toy-wide-quick" in Path("board", "README.md").read_text()


@pytest.mark.slow
def test_entries_of_a_family_are_read_where_nobody_knows_it(toy: Path, aenbench_says: Any) -> None:
    """Another process, without the module: its code is not needed, and the page is the same."""
    assert aenbench_says("run", "--baseline", f"{PATH}:wide", *RUN, "--workers", "1")[0] == 0
    assert aenbench_says("leaderboard", "--dir", "board")[0] == 0
    (toy / "toy_module.py").unlink()
    for arguments in (["verify", "board"], ["leaderboard", "--dir", "board", "--check"]):
        command = [sys.executable, "-P", "-c", "from aenbench.cli.main import main; main()", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_recorded_import_path_waits_for_trust_and_must_be_the_entrys(toy: Path, aenbench_says: Any) -> None:
    """Importing is running: nothing is imported before the reader trusts it, and then only what the entry states."""
    assert aenbench_says("run", "--baseline", f"{PATH}:wide", *RUN, "--workers", "1")[0] == 0
    folder = toy / "board" / "g-digits" / "d4" / "toy-wide-quick"
    (toy / "evil.py").write_text("open('was here', 'w').close()\n")
    entry = read_description(folder)
    reproduce = ["reproduce", str(folder), "--workers", "1", "--quiet"]

    def recorded(command: str) -> None:
        (folder / "entry.json").write_text(entry.model_copy(update={"command": command}).model_dump_json())
        sys.modules.pop("toy_module", None)
        FAMILIES.unregister("toy")

    recorded("this is no command")
    code, said = aenbench_says(*reproduce)
    assert (code, said.splitlines()[0]) == (
        2,
        f"This imports and runs {PATH}:wide, found in {toy / 'toy_module.py'}.",
    )
    assert "give --trust-model" in said, "before the command is parsed"
    assert "no `aenbench run`" in aenbench_says(*reproduce, "--trust-model")[1]
    assert "toy_module" not in sys.modules

    find_family(PATH)
    recorded(entry.command.replace("toy_module", "evil"))
    code, said = aenbench_says(*reproduce, "--trust-model")
    assert (code, 'would import "evil:TOY:wide", which the entry does not state' in said) == (2, True), said
    assert not (toy / "was here").exists()

    find_family(PATH)
    recorded(f"{entry.command} --search evil:search")
    assert "imports code, evil:search" in aenbench_says(*reproduce, "--trust-model")[1]
    assert not (toy / "was here").exists()

    find_family(PATH)
    recorded(entry.command)
    code, said = aenbench_says(*reproduce, "--trust-model")
    assert (code, "Recorded in" in said) == (0, True), said


def test_after_it_is_unregistered_nobody_knows_it(registered: ModelFamily, aenbench_says: Any) -> None:
    """The negative control: what took it, took it from the registry."""
    assert Baseline("toy").family is registered
    FAMILIES.unregister("toy")
    assert "toy" not in baselines()
    code, said = aenbench_says("run", "--baseline", "toy", *RUN)
    assert code == 2
    assert said.startswith('aenbench: Unknown baseline "toy". ')
    assert "Choose from: mlp, full, single, single:<action>, aen, gcnn:<group>, gcnn-aen" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--baseline", "tooy", *RUN], 'Unknown baseline "tooy". Did you mean "toy"? Choose from: mlp, '),
        (
            ["run", "--baseline", "toy:large", *RUN],
            'Unknown part or search of toy "large". Choose from: wide, deep, dqn, random',
        ),
        (
            ["tabulate", "--space", "tooy", *TASK],
            'Unknown space "tooy". Did you mean "toy"? Choose from: aen, gcnn, p4cnn, cnn, resnet, escnn, toy',
        ),
        (["run", "--baseline", "toy_module:TOi", *RUN], 'Cannot import "toy_module:TOi"'),
        (
            ["run", "--baseline", "toy_module:LAYERS", *RUN],
            'Expected "toy_module:LAYERS" to be an aenbench ModelFamily',
        ),
        (["tabulate", "--space", "toy_module:ToySpace", *TASK], "to be an aenbench ModelFamily, got"),
        (
            ["run", "--baseline", f"{PATH}:large", *RUN],
            'Unknown part or search of toy "large". Choose from: wide, deep, dqn, random',
        ),
        (["run", "--baseline", f"{PATH}:wide:x", *RUN], 'Cannot import "wide:x"'),
        (["run", "--baseline", PATH, *RUN, "--size", "large"], "takes no --size"),
        (["run", "--baseline", PATH, *RUN, "--protocol", "paper"], 'has no budget under the protocol "paper"'),
        (["run", "--baseline", "elsewhere:TOY", *RUN], 'Unknown baseline "elsewhere:TOY"'),
    ],
)
@pytest.mark.usefixtures("registered")
def test_a_mistake_is_one_line(arguments: list[str], said: str, aenbench_says: Any) -> None:
    code, printed = aenbench_says(*arguments)
    assert (code, printed.count("\n")) == (2, 1), printed
    assert said in printed


def with_baseline(name: str) -> ModelFamily:
    return ModelFamily("toy", AENSpace, baselines={name: Searched()})


def test_baselines_need_a_space() -> None:
    with pytest.raises(InvalidArgumentError, match='"toy" has baselines; give it a space too'):
        ModelFamily("toy", baselines={"toy": Searched()})


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (ModelFamily("aen"), 'There is a model family "aen" already; choose another name'),
        (with_baseline("mlp"), 'There is a baseline "mlp" already; choose another name'),
        (with_baseline("single:<x>"), 'There is a baseline "single:<action>" already; choose another name'),
        (with_baseline("group"), 'There is a baseline "group" already; choose another name'),
        (AEN_FAMILY, 'There is a model family "aen" already'),
        ("toy", 'Expected "toy" to be an aenbench ModelFamily, got str'),
    ],
)
def test_a_family_with_a_taken_name_is_refused(family: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        FAMILIES.register(getattr(family, "name", "toy"), family)
    assert said in str(raised.value)
    assert FAMILIES.get("toy") is None


def test_a_family_is_registered_under_its_own_name() -> None:
    with pytest.raises(InvalidArgumentError, match='called "toy"; register it under that name'):
        FAMILIES.register("game", ModelFamily("toy"))


def test_another_family_of_the_name_at_an_import_path_is_refused(registered: ModelFamily, toy: Path) -> None:
    assert find_family(PATH) is registered
    (toy / "other_toy.py").write_text("from aenbench.models.family import ModelFamily\nTOY = ModelFamily('toy')\n")
    with pytest.raises(InvalidArgumentError, match='There is another model family "toy"; rename the one at'):
        find_family("other_toy:TOY")
    sys.modules.pop("other_toy")


@pytest.mark.parametrize(
    ("stated", "listed", "said"),
    [
        ({"actions": ()}, (), 'Networks of toy state "actions", which the family does not list among its facts'),
        ({"width": 4}, ("width",), "An entry cannot hold what networks of toy state, {'width': 4}: Extra inputs"),
    ],
)
def test_facts_that_no_entry_could_hold_are_refused_before_any_work(
    stated: Mapping[str, Any],
    listed: tuple[str, ...],
    said: str,
    registered: ModelFamily,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module: ModuleType = sys.modules["toy_module"]
    monkeypatch.setattr(module.ToyNetwork, "facts", stated)
    FAMILIES.unregister("toy")
    FAMILIES.register("toy", replace(registered, facts=listed))
    for name in ("toy", "toy:wide"):
        baseline = Baseline(name)
        with pytest.raises(InvalidArgumentError) as raised:
            baseline.check(baseline.space(TaskShape()))
        assert said in str(raised.value)


def test_a_module_may_be_called_as_its_family_is(toy: Path) -> None:
    """At first the second baseline was `Unknown layers "TOY"`, and the first no import path any more."""
    (toy / "toy_module.py").rename(toy / "toy.py")
    for name, label in (("toy:TOY", "toy"), ("toy:TOY:wide", "toy-wide"), ("toy:TOY", "toy")):
        baseline = Baseline(name)
        assert (baseline.origin, baseline.label) == ("model", label)
        assert baseline.code == toy
    assert Baseline("toy:wide").origin == "baseline"
    assert (Baseline("toy:wide").search, Baseline("toy:greedy").search, Baseline("toy").search) == ("", "greedy", "dqn")
    sys.modules.pop("toy")


@pytest.mark.usefixtures("toy")
def test_a_name_without_a_module_is_looked_for_nowhere() -> None:
    with pytest.raises(UnknownNameError, match='Unknown model family "toy_module"'):
        find_family("toy_module")
    with pytest.raises(UnknownNameError):
        find_offer("toy_module")
    assert "toy_module" not in sys.modules


NAMED = re.compile(r"""[=!]= "(gcnn|paper)"|"(gcnn|paper)" if|startswith\("gcnn|kind == \w+_FAMILY""")
AT_HOME = {"models/gcnn.py", "tasks/protocol.py"}


def test_no_module_asks_which_family_or_protocol_it_is() -> None:
    folder = Path(aenbench.__file__).parent
    found = {
        f"{path.relative_to(folder)}: {line.strip()}"
        for path in sorted(folder.rglob("*.py"))
        if path.relative_to(folder).as_posix() not in AT_HOME
        for line in path.read_text().splitlines()
        if NAMED.search(line)
    }
    assert found == set()


@pytest.mark.parametrize("line", ['if kind == "gcnn":', 'x = "gcnn" if large else ""', 'task.protocol != "paper"'])
def test_a_module_that_asks_would_be_noticed(line: str) -> None:
    assert NAMED.search(line)
