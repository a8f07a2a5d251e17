"""A suite: planned, priced by entries of the same method, resumed, refused where it cannot work."""

import json
import shlex
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from aenbench.errors import EntryError, InvalidArgumentError
from aenbench.execution.executors import executor_from
from aenbench.leaderboard.entry import Entry, Interval, SeedResult
from aenbench.leaderboard.rescoring import rescore
from aenbench.runs import suite_plan
from aenbench.runs.plan import Plan
from aenbench.runs.suite_costs import measure
from aenbench.runs.suite_plan import Cell, plan_suite, read_suite, run_suite
from gdatasets.errors import BusyError, OutputError, SourceError, UnknownNameError
from gdatasets.files import locked

TEXT = """
schema_version = 1
seeds = 2
core = ["g-digits/none", "g-digits/d4"]
more = ["g-mnist/d4"]

[methods]
mlp = { baseline = "mlp", budget = "quick" }
augmented = { baseline = "mlp", budget = "quick", augment = "hflip" }
"""
SUITE = Path(__file__).parents[3] / "leaderboards" / "suite.toml"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "suite.toml").write_text(TEXT)
    return tmp_path


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs that only write an `entry.json`; those of the plain network on d4 fail."""
    made: list[str] = []

    def run(plan: Plan, out: Path, command: str, *_: object) -> Path:
        made.append(command)
        folder = out / plan.task.dataset / plan.task.configuration / plan.name
        if plan.name == "mlp-quick" and plan.task.configuration == "d4":
            raise SourceError("the disk of the source is away.")
        folder.mkdir(parents=True)
        (folder / "entry.json").write_text("{}")
        return folder

    monkeypatch.setattr(suite_plan, "run", run)
    return made


def write_description(base: Path, name: str, training_seconds: float = 2.5) -> None:
    """An entry of g-digits / aug1 that states three seeds of 1.5 s of search and so much training."""
    seeds = [
        SeedResult(seed=seed, parameters=1, accuracy=0.5, search_seconds=1.5, training_seconds=training_seconds)
        for seed in range(3)
    ]
    entry = Entry(
        name=name,
        origin="baseline",
        method="mlp",
        dataset="g-digits",
        dataset_version="1.0.0",
        configuration="aug1",
        test_content_sha256="0" * 64,
        protocol="standard",
        budget="quick",
        seeds=tuple(seeds),
        accuracy=Interval(mean=0.5, low=0.4, high=0.6),
        predictions_sha256="0" * 64,
        created="2026-01-01T00:00:00+00:00",
    )
    (base / "g-digits/aug1" / name).mkdir(parents=True)
    (base / "g-digits/aug1" / name / "entry.json").write_text(entry.model_dump_json())


def cells_of(base: Path, tasks: str = "core", methods: tuple[str, ...] = ()) -> list[Cell]:
    return plan_suite(read_suite(base / "suite.toml"), base, tasks, methods)


def run_cells(cells: list[Cell], base: Path) -> list[tuple[Cell, str]]:
    with executor_from("local", 1, None) as executor:
        return run_suite(cells, base, lambda _: None, executor, lambda *_: None)


def test_the_plan_is_every_method_on_every_task_in_order(base: Path) -> None:
    assert [(cell.task, cell.method) for cell in cells_of(base)] == [
        ("g-digits/none", "mlp"),
        ("g-digits/none", "augmented"),
        ("g-digits/d4", "mlp"),
        ("g-digits/d4", "augmented"),
    ]
    assert {cell.task for cell in cells_of(base, "all")} == {"g-digits/none", "g-digits/d4", "g-mnist/d4"}
    assert {cell.task for cell in cells_of(base, "*/d4")} == {"g-digits/d4", "g-mnist/d4"}
    assert {cell.method for cell in cells_of(base, "all", ("mlp",))} == {"mlp"}


def test_commands_make_the_same_plan_again(base: Path) -> None:
    commands = [shlex.split(cell.command) for cell in cells_of(base)]
    assert commands[1] == shlex.split(
        "aenbench run --baseline mlp --dataset g-digits --config none --budget quick --seeds 2 --augment hflip"
    )
    assert len({tuple(each) for each in commands}) == 4


def test_costs_are_those_of_the_same_method_on_like_tasks(base: Path) -> None:
    assert [(cell.seconds, cell.exact) for cell in cells_of(base)] == [(None, False)] * 4
    write_description(base, "mlp-quick")
    write_description(base, "other")
    (base / "g-digits/aug1/broken").mkdir()
    (base / "g-digits/aug1/broken/entry.json").write_text("[")
    assert measure(base)[("g-digits", "mlp-quick")] == [4.0] * 3
    found = {(cell.task, cell.method): (cell.seconds, cell.exact) for cell in cells_of(base, "all")}
    assert found["g-digits/d4", "mlp"] == (8.0, True)
    assert found["g-mnist/d4", "mlp"] == (8.0, False)
    assert found["g-digits/d4", "augmented"] == (8.0, False)  # as without augmentation
    write_description(base, "mlp-hflip-quick", training_seconds=3.5)
    assert {cell.seconds for cell in cells_of(base) if cell.method == "augmented"} == {10.0}


def sized(base: Path, *sizes: int, tasks: str = "core") -> list[Cell]:
    return plan_suite(read_suite(base / "suite.toml"), base, tasks, train_images=sizes)


def test_numbers_of_training_images_plan_runs_of_the_open_track_in_place_of_the_others(base: Path) -> None:
    cells = sized(base, 200, 50, 200)
    assert [(cell.task, cell.label, cell.folder.name) for cell in cells[:4]] == [
        ("g-digits/none", "mlp n50", "mlp-quick-open-n50"),
        ("g-digits/none", "mlp n200", "mlp-quick-open-n200"),
        ("g-digits/none", "augmented n50", "mlp-hflip-quick-open-n50"),
        ("g-digits/none", "augmented n200", "mlp-hflip-quick-open-n200"),
    ]
    assert len(cells) == 8
    assert all(cell.plan.open_recipe is not None for cell in cells)
    assert cells[0].command.endswith("--budget quick --seeds 2 --train-images 50")
    assert all(cell.plan.open_recipe is None for cell in cells_of(base))


def test_a_run_with_fewer_images_is_priced_as_one_with_all_until_there_is_one_like_it(base: Path) -> None:
    write_description(base, "mlp-quick")
    found = {cell.label: (cell.seconds, cell.exact) for cell in sized(base, 50)}
    assert found == {"mlp n50": (8.0, False), "augmented n50": (8.0, False)}
    write_description(base, "mlp-quick-open-n50", training_seconds=0.5)
    assert next((cell.seconds, cell.exact) for cell in sized(base, 50)) == (4.0, True)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (5_000, "g-digits/none mlp: Expected at most 1,137 images to train on"),
        (1_137, "g-digits/none mlp: 1,137 images are what its own recipe trains on; leave them out of --train-images"),
        (0, "Expected images of at least 1"),
    ],
)
def test_numbers_that_a_task_does_not_have_or_that_change_nothing_are_refused(
    base: Path, images: int, said: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        sized(base, images)
    assert len(sized(base, 1_136)) == 4


@pytest.mark.parametrize("text", ["many", "1e3", "-5", "0", "100,x"])
def test_what_is_no_number_of_images_is_one_line_and_code_2(base: Path, run_program: Run, text: str) -> None:
    code, said = run_program("aenbench", "suite", "--dir", base, f"--train-images={text}")
    assert (code, said.count("\n")) == (2, 1)
    assert "Expected numbers of images such as 100,1000" in said


def test_one_failure_stops_no_other_and_what_is_there_is_kept(base: Path, pretended: list[str]) -> None:
    cells = cells_of(base)
    [(failed, why)] = run_cells(cells, base)
    assert (failed.task, failed.method, why) == ("g-digits/d4", "mlp", "the disk of the source is away.")
    assert [cell.is_done for cell in cells] == [True, True, False, True]
    assert len(pretended) == 4
    assert len(run_cells(cells_of(base), base)) == 1
    assert len(pretended) == 5  # the failed one alone runs again
    assert not (base / ".suite.running").exists()


def test_a_defect_of_one_run_is_listed_too(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(suite_plan, "run", fail)
    whys = [why for _, why in run_cells(cells_of(base), base)]
    assert whys == ["ZeroDivisionError: boom; please report this."] * 4


def test_two_suites_at_once_are_refused(base: Path, pretended: list[str]) -> None:
    with locked(base / ".suite.running", base), pytest.raises(BusyError, match="is at work on"):
        run_cells(cells_of(base), base)
    assert pretended == []
    run_cells(cells_of(base), base)
    assert len(pretended) == 4


def test_a_plan_that_the_disk_cannot_hold_is_refused(
    base: Path, pretended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    cells = cells_of(base)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 4 * suite_plan.RUN_BYTES - 1))
    with pytest.raises(OutputError, match=r"The plan may take 0\.13 GB and .* has 0\.13 GB left"):
        run_cells(cells, base)
    assert pretended == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 4 * suite_plan.RUN_BYTES))
    run_cells(cells, base)
    assert len(pretended) == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ("seeds = 2", "seeds = 0", "seeds"),
        ("seeds = 2", "seeds = ", "Invalid value"),
        ('"g-digits/none"', '"../../etc"', "core.0"),
        ("budget", "budgt", "methods.mlp: budgt is no option"),
        ("budget", "dataset", "methods.mlp: dataset is no option"),
        ("[methods]", "[methodz]", "methods"),
    ],
)
def test_a_malformed_suite_is_one_line(base: Path, old: str, new: str, said: str) -> None:
    (base / "suite.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(EntryError, match=said) as raised:
        read_suite(base / "suite.toml")
    assert "\n" not in str(raised.value)


def test_methods_that_would_make_one_entry_are_refused(base: Path) -> None:
    (base / "suite.toml").write_text(TEXT.replace(', augment = "hflip"', ""))
    with pytest.raises(InvalidArgumentError, match="make one entry, mlp-quick"):
        cells_of(base)


@pytest.mark.parametrize(
    ("tasks", "methods"), [("g-digits/c4", ""), ("mnist/*", ""), ("core", "mlp,cnn"), ("core", "nothing")]
)
def test_unknown_names_are_one_line_and_code_2(base: Path, run_program: Run, tasks: str, methods: str) -> None:
    with pytest.raises(UnknownNameError):
        cells_of(base, tasks, tuple(filter(None, methods.split(","))))
    code, said = run_program("aenbench", "suite", "--dir", base, "--tasks", tasks, "--methods", methods)
    assert (code, said.count("\n")) == (2, 1)
    assert "Unknown" in said


@pytest.mark.usefixtures("pretended")
def test_failures_are_listed_and_the_code_is_1(base: Path, run_program: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr("aenbench.cli.leaderboard.leaderboard", lambda folder, **_: shown.append(folder))
    code, said = run_program("aenbench", "suite", "--dir", base, "--quiet")
    assert code == 1
    assert said == "g-digits/d4 mlp failed: the disk of the source is away.\n"
    assert shown == [base]
    code, said = run_program("aenbench", "suite", "--dir", base, "--quiet", "--methods", "augmented")
    assert (code, said) == (0, "")


def test_status_runs_nothing_and_says_what_is_missing(
    base: Path, pretended: list[str], run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("aenbench.cli.suite.say", lines.append)
    write_description(base, "mlp-quick")
    (base / "g-digits/none").mkdir()
    (base / "g-digits/none/.mlp-quick.trials").touch()
    shutil.copytree(base / "g-digits/aug1", base / "g-digits/d4")
    assert run_program("aenbench", "suite", "--dir", base, "--status")[0] == 0
    assert lines == [
        "g-digits/none: missing mlp 8 s (started), augmented ~8 s",
        "g-digits/d4: done mlp; missing augmented ~8 s",
        "1 of 4 entries are there. The others: 0.0 hours of one core for 3, ~ by entries on other "
        "datasets or without augmentation.",
    ]
    assert pretended == []


def test_the_suite_of_this_repository_can_be_planned(tmp_path: Path) -> None:
    suite = read_suite(SUITE)
    cells = plan_suite(suite, tmp_path, "all")
    assert len(suite.core) == 14
    assert len(cells) == len(suite.methods) * (len(suite.core) + len(suite.more))
    assert len({cell.folder for cell in cells}) == len(cells)


@pytest.mark.slow
def test_a_suite_makes_entries_that_verify_and_then_the_board(base: Path, run_program: Run) -> None:
    (base / "suite.toml").write_text(TEXT.replace('"g-digits/none", ', ""))
    assert run_program("aenbench", "suite", "--dir", base, "--quiet") == (0, "")
    for cell in cells_of(base):
        entry, _, differences = rescore(cell.folder)
        assert differences == []
        assert entry.command == cell.command
    assert (base / "index.html").is_file()
    assert len(json.loads((base / "results.json").read_text())["rows"]) == 4
    assert run_program("aenbench", "verify", base) == (0, "")


@pytest.mark.slow
def test_a_suite_with_few_images_makes_the_curves_of_the_board(base: Path, run_program: Run) -> None:
    (base / "suite.toml").write_text(TEXT.replace('"g-digits/none", ', ""))
    sizes = ("--train-images", "20,200")
    assert run_program("aenbench", "suite", "--dir", base, "--quiet", *sizes) == (0, "")
    for cell in sized(base, 20, 200):
        assert cell.is_done
        assert rescore(cell.folder)[2] == []
    readme = (base / "README.md").read_text()
    assert "Compared are the 2 methods with entries of 20 and 200 training images" in readme
    rows = [line for line in readme.partition("#### Accuracy")[2].splitlines() if line.startswith("| mlp")]
    accuracies = [[float(cell.split()[0]) for cell in row.split("|")[2:5]] for row in rows]
    assert len(accuracies) == 2
    for area, few, many in accuracies:
        assert few < area < many  # of handwritten digits, ten times the images teach more
        assert area == pytest.approx((few + many) / 2, abs=0.06)
    assert run_program("aenbench", "leaderboard", "--dir", base, "--check")[0] == 0
