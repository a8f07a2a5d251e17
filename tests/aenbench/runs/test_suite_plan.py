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
from aenbench.runs import suite_run
from aenbench.runs.plan import Plan
from aenbench.runs.suite_costs import measure
from aenbench.runs.suite_file import read_suite
from aenbench.runs.suite_plan import Cell, plan_suite
from aenbench.runs.suite_run import run_suite
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
        if plan.name == "mlp-quick" and plan.task.configuration == "d4":
            raise SourceError("the disk of the source is away.")
        return write_description(out, plan.name, config=plan.task.configuration, seeds=plan.seeds)

    monkeypatch.setattr(suite_run, "run", run)
    return made


def write_description(
    base: Path, name: str, training_seconds: float = 2.5, config: str = "aug1", seeds: int = 3
) -> Path:
    """An entry of g-digits that states seeds of 1.5 s of search and so much training."""
    results = [
        SeedResult(seed=seed, parameters=1, accuracy=0.5, search_seconds=1.5, training_seconds=training_seconds)
        for seed in range(seeds)
    ]
    entry = Entry(
        name=name,
        origin="baseline",
        method="mlp",
        dataset="g-digits",
        dataset_version="1.0.0",
        configuration=config,
        test_content_sha256="0" * 64,
        protocol="standard",
        budget="quick",
        seeds=tuple(results),
        accuracy=Interval(mean=0.5, low=0.4, high=0.6),
        predictions_sha256="0" * 64,
        created="2026-01-01T00:00:00+00:00",
    )
    folder = base / "g-digits" / config / name
    folder.mkdir(parents=True)
    (folder / "entry.json").write_text(entry.model_dump_json())
    return folder


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
        (5_000, "g-digits/none n5000: skipped, there are only 1,137 images to learn from: mlp, augmented"),
        (1_137, "g-digits/none n1137: skipped, their own recipe trains on as many: mlp, augmented"),
        (0, "Expected images of at least 1"),
    ],
)
def test_numbers_that_a_task_does_not_have_or_that_change_nothing_are_refused_where_nothing_is_left(
    base: Path, images: int, said: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        sized(base, images)
    assert len(sized(base, 1_136)) == 4


def test_numbers_that_change_nothing_are_skipped_with_a_line_and_the_others_planned() -> None:
    told: list[str] = []
    sizes, methods = (100, 10_000, 50_000), ("mlp", "cnn")
    cells = plan_suite(read_suite(SUITE), SUITE.parent, "*/[ad]*", methods, train_images=sizes, told=told.append)
    planned = {(cell.task, cell.options.train_images) for cell in cells}
    assert ("g-mnist/aug2", 10_000) in planned
    assert ("mnist-rot/any-angle", 100) in planned
    assert not planned & {("mnist-rot/any-angle", 10_000), ("g-mnist/aug2", 50_000)}
    assert "mnist-rot/any-angle n10000: skipped, their own recipe trains on as many: mlp, cnn." in told
    assert "mnist-rot/any-angle n50000: skipped, there are only 10,000 images to learn from: mlp, cnn." in told
    assert "g-mnist/aug2 n50000: skipped, their own recipe trains on as many: mlp, cnn." in told


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

    monkeypatch.setattr(suite_run, "run", fail)
    whys = [why for _, why in run_cells(cells_of(base), base)]
    assert whys == ["ZeroDivisionError: boom; please report this."] * 4


def test_two_suites_at_once_are_refused(base: Path, pretended: list[str]) -> None:
    with locked(base / ".suite.running", base), pytest.raises(BusyError, match=r"is at work on .* another --dir\.$"):
        run_cells(cells_of(base), base)
    assert pretended == []
    run_cells(cells_of(base), base)
    assert len(pretended) == 4


def test_a_plan_that_the_disk_cannot_hold_is_refused(
    base: Path, pretended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    cells = cells_of(base)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 4 * suite_run.RUN_BYTES - 1))
    with pytest.raises(OutputError, match=r"The plan may take 0\.13 GB and .* has 0\.13 GB left"):
        run_cells(cells, base)
    assert pretended == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 4 * suite_run.RUN_BYTES))
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
        ('budget = "quick"', 'epochs = "many"', "methods.mlp.epochs: Input should be a valid integer, got many"),
        ('budget = "quick"', "epochs = 2.0", "methods.mlp.epochs: Input should be a valid integer, got 2.0"),
        ('budget = "quick"', "epochs = true", "methods.mlp.epochs: Input should be a valid integer, got True"),
        ('budget = "quick"', 'train_images = "x"', "methods.mlp.train_images: Input should be a valid integer"),
        ('budget = "quick"', "learning_rate = nan", "methods.mlp.learning_rate: Input should be a finite number"),
        ('budget = "quick"', "keep_logits = 1", "methods.mlp.keep_logits: Input should be a valid boolean"),
        ('budget = "quick"', "augment = true", "methods.mlp.augment: Input should be a valid string, got True"),
        ('budget = "quick"', 'augment = ["hflip"]', "methods.mlp.augment: Input should be a valid string"),
        ('baseline = "mlp"', "baseline = 3", "methods.mlp.baseline: Input should be a valid string, got 3"),
        ("[methods]", "[methodz]", "methods"),
    ],
)
def test_a_malformed_suite_is_one_line(base: Path, old: str, new: str, said: str) -> None:
    (base / "suite.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(EntryError, match=said) as raised:
        read_suite(base / "suite.toml")
    assert "\n" not in str(raised.value)


def test_an_integer_is_a_learning_rate(base: Path) -> None:
    (base / "suite.toml").write_text(TEXT.replace('budget = "quick"', "learning_rate = 1"))
    assert cells_of(base)[0].command.endswith("--learning-rate 1")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("g-nonsense/d4", 'Unknown dataset "g-nonsense"'),
        ("g-digits/nonsense", 'Unknown configuration of g-digits "nonsense"'),
        ("kmnist/d4", 'Unknown configuration of kmnist "d4"'),
    ],
)
@pytest.mark.parametrize("options", [(), ("--status",)])
def test_a_task_of_the_file_that_does_not_exist_is_refused_before_anything_is_run(
    base: Path,
    pretended: list[str],
    run_program: Run,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    said: str,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv("GDATASETS_ROOT", str(base))
    (base / "suite.toml").write_text(TEXT.replace("g-digits/d4", task))
    code, error = run_program("aenbench", "suite", "--dir", base, *options)
    assert (code, error.count("\n")) == (2, 1)
    assert said in error
    assert pretended == []


def test_own_images_of_an_absent_root_can_be_planned_but_not_run(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base / "suite.toml").write_text(TEXT.replace("g-digits/d4", "pets-7k/none"))
    suite = read_suite(base / "suite.toml")

    def planned(*, only_shown: bool) -> list[str]:
        told: list[str] = []
        assert len(plan_suite(suite, base, only_shown=only_shown, told=told.append)) == 4
        return told

    said = ["pets-7k/none: its images are not on this machine; give --root, or set $GDATASETS_ROOT."]
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    assert planned(only_shown=True) == said
    with pytest.raises(UnknownNameError, match='Unknown dataset "pets-7k"'):
        planned(only_shown=False)
    monkeypatch.setenv("GDATASETS_ROOT", str(base / "nowhere"))
    assert planned(only_shown=True) == said
    with pytest.raises(SourceError, match="is not a folder"):
        planned(only_shown=False)
    root = base / ".root"
    root.mkdir()
    monkeypatch.setenv("GDATASETS_ROOT", str(root))
    with pytest.raises(UnknownNameError):
        planned(only_shown=True)
    for name in ("mlp-quick", "mlp-hflip-quick"):
        shutil.copytree(write_description(base, name), base / "pets-7k/none" / name)
    assert planned(only_shown=True) == planned(only_shown=False) == said  # all of them are there
    shutil.rmtree(base / "pets-7k/none/mlp-quick")
    assert planned(only_shown=True) == said  # there are entries of the task
    with pytest.raises(UnknownNameError):
        planned(only_shown=False)
    (root / "pets-7k.zip").touch()
    assert planned(only_shown=False) == []


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


def broken_entries(base: Path) -> None:
    """An entry of one seed where the suite asks for two, one that cannot be read, and a folder that holds none."""
    write_description(base, "mlp-quick", config="none", seeds=1)
    unreadable = write_description(base, "mlp-hflip-quick", config="none")
    (unreadable / "entry.json").write_text("{")
    (base / "g-digits/d4/mlp-quick").mkdir(parents=True)


def test_what_is_no_entry_of_the_suite_is_not_done_and_the_status_says_what_to_do(
    base: Path, run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("aenbench.cli.suite.say", lines.append)
    broken_entries(base)
    assert run_program("aenbench", "suite", "--dir", base, "--status")[0] == 0
    assert lines[:2] == [
        "g-digits/none: to be replaced mlp, augmented",
        "g-digits/d4: missing augmented ~8 s; to be replaced mlp",
    ]
    few, unreadable, empty, whole = lines[2:]
    folder = base / "g-digits/none/mlp-quick"
    assert few.startswith(f"g-digits/none mlp: 1 of 2 seeds in {folder}; remove {folder}, or replace it: aenbench run ")
    assert few.endswith(f"--seeds 2 --out {base} --overwrite")
    assert unreadable.startswith("g-digits/none augmented: unreadable: ")
    assert empty.startswith("g-digits/d4 mlp: unreadable: ")
    assert whole.startswith("0 of 4 entries are there, 3 to be replaced. The others: 0.0 hours of one core for 1")


def test_what_is_no_entry_of_the_suite_is_left_as_it_is_and_the_code_is_1(
    base: Path, pretended: list[str], run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aenbench.cli.leaderboard.leaderboard", lambda *_, **__: None)
    broken_entries(base)
    before = {path: path.read_bytes() for path in base.rglob("*.json")}
    code, said = run_program("aenbench", "suite", "--dir", base, "--quiet")
    assert (code, said.count("\n")) == (1, 3)
    assert "g-digits/none mlp was not run: 1 of 2 seeds in " in said
    assert len(pretended) == 1
    assert before.items() <= {path: path.read_bytes() for path in base.rglob("*.json")}.items()
    write_description(base, "mlp-quick", config="roll", seeds=3)
    (base / "suite.toml").write_text(TEXT.replace('"g-digits/none", "g-digits/d4"', '"g-digits/roll"'))
    assert cells_of(base)[0].is_done  # one more than it asks for


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
