"""From a folder to a report: what is written, what is resumed, what is refused, and that the ten lines run."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from aenbench.auto import pipeline
from aenbench.auto.pipeline import AutoOptions, run_auto
from aenbench.auto.report import Outcome, example
from aenbench.cli import main as cli
from aenbench.discovery import classifier
from aenbench.execution.executors import LocalExecutor
from aenbench.leaderboard.saved_models import load_model
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.runs.progress import Step
from gdatasets.errors import OutputError, UnknownNameError
from gdatasets.sources.image_folder import FolderSource

MakeFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of a second: a fortieth of the quick one, and a classifier that hardly learns."""
    quick = GCNN_FAMILY.budgets["standard", "quick"]
    short = Budget("quick", quick.search, quick.child, replace(quick.final, images=200, epochs=1))
    monkeypatch.setitem(GCNN_FAMILY.budgets, ("standard", "quick"), short)  # type: ignore[index]
    monkeypatch.setattr(classifier, "STEPS", 5)


def run(folder: Path, out: Path, seeds: int = 1) -> Outcome:
    return run_auto(AutoOptions(str(folder), seeds, "quick"), out, lambda _: None, LocalExecutor(1))


def files(base: Path) -> set[str]:
    return {str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()}


def test_symmetric_images_give_two_networks_and_a_report_that_says_so(make_folder: MakeFolder, tmp_path: Path) -> None:
    outcome = run(make_folder(count=800), tmp_path / "out", seeds=2)
    assert outcome.group.name == "d4", outcome.group.reason
    names = ("gcnn-trivial-quick", "gcnn-d4-quick")
    assert tuple(network.entry.name for network in outcome.networks) == names
    counts = [network.entry.seeds[0].parameters for network in outcome.networks]
    assert counts[1] == pytest.approx(counts[0], rel=0.1)
    written = files(tmp_path / "out")
    assert {f"entries/shapes/none/{name}/entry.json" for name in names} < written
    assert {f"weights/shapes/none/{name}/seed-{seed}.safetensors" for name in names for seed in (0, 1)} < written
    pictures = {"effects.png", "gain.png", *outcome.pictures}
    report = {"report.html", "report.md", "report.json", "classes.txt", *pictures}
    assert {path.name for path in (tmp_path / "out/report").iterdir()} == report
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report", "entries", "weights", "images"}
    text, values = (tmp_path / "out/report" / name for name in ("report.md", "report.json"))
    told = json.loads(values.read_text())
    assert told["group"]["name"] == "d4"
    plain, symmetric = (np.mean(each["accuracies"]) for each in told["networks"])
    assert told["gain"]["mean"] == pytest.approx(100 * (symmetric - plain))
    assert f"{told['gain']['mean']:+.2f}" in text.read_text()
    assert all(f"]({name})" in text.read_text() for name in pictures)


def test_images_without_a_symmetry_give_the_plain_network_alone(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder, steps = make_folder(symmetric=False, splits=True), list[Step]()
    outcome = run_auto(AutoOptions(str(folder), 1, "quick"), tmp_path / "out", steps.append, LocalExecutor(1))
    assert {step.stage for step in steps} == {"gcnn-trivial-quick training"}
    assert (len(outcome.networks), outcome.gain, outcome.advised) == (1, None, outcome.networks[0])
    assert "only the plain network was trained" in outcome.answer
    assert not (tmp_path / "out/images").exists()


@pytest.mark.slow
def test_the_lines_of_python_classify_as_the_entry_does(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run(make_folder(symmetric=False), Path("out"))
    lines = (tmp_path / "out/report/report.md").read_text().split("```python\n")[1].split("\n```")[0]
    assert lines == example(outcome)
    assert len([line for line in lines.splitlines() if line]) <= 10
    stated = outcome.advised.predictions[outcome.advised.best_seed]
    told = []
    for number in (0, len(stated) - 1):
        Image.fromarray(outcome.dataset.read("test").images[number]).save("photo.png")
        done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
        shares = json.loads(done.stdout.replace("'", '"'))
        assert set(shares) == {"bar", "block"}
        told.append(sorted(shares).index(max(shares, key=shares.__getitem__)))
    assert told == [stated[0], stated[-1]]


def test_the_lines_of_python_read_a_photo_as_training_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """417c847 did not turn photographs as their camera says, and resized them in another way."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 61, 3), dtype=np.uint8)
    pixels[:, :20] //= 4
    photo = Image.fromarray(pixels)
    turned = photo.getexif()
    turned[0x0112] = 6
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    for path in ("photo.png", "photos/cat/photo.png"):
        photo.save(path, exif=turned)
    source = FolderSource(tmp_path / "photos", size=16, color=True)
    network = SimpleNamespace(name="photos/none/x", best_seed=0)
    dataset = SimpleNamespace(image_shape=source.image_shape, classes=("cat", "dog"))
    lines = example(SimpleNamespace(advised=network, out=Path("out"), dataset=dataset))  # type: ignore[arg-type]
    named: dict[str, object] = {}
    exec(
        "\n".join(
            line
            for line in lines.splitlines()
            if line.startswith(("import numpy", "from PIL", "from gdatasets", "photo =", "image ="))
        ),
        named,
    )
    assert np.array_equal(named["image"], source.read("train", 0, 1).images[0])


def test_where_nothing_is_decided_no_network_is_preferred(make_folder: MakeFolder, tmp_path: Path) -> None:
    """417c847 called the plain network "the network to use, by what was measured", whatever had been measured."""
    outcome = run(make_folder(count=800), tmp_path / "out")
    assert outcome.gain is not None
    assert outcome.gain.outcome == "cannot tell"
    text = (tmp_path / "out/report/report.md").read_text()
    assert "Nothing measured prefers one of the two. gcnn-trivial-quick is the cheaper one" in text
    assert "the other is shapes/none/gcnn-d4-quick" in text


def test_the_weights_are_those_of_the_entry(make_folder: MakeFolder, tmp_path: Path) -> None:
    outcome = run(make_folder(symmetric=False), tmp_path / "out")
    model = load_model(outcome.advised.name, weights=tmp_path / "out/weights")
    images = outcome.dataset.read("test").images
    found = model(model.normalization.apply(images)).argmax(dim=1).numpy()  # type: ignore[union-attr, operator]
    assert np.array_equal(found, outcome.advised.predictions[0])


@pytest.mark.slow
def test_an_interrupted_call_continues_without_asking_again(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    whole = run(folder, tmp_path / "whole")
    trained: list[str] = []
    original = pipeline.run

    def stopping(plan, *arguments, **named):  # type: ignore[no-untyped-def]
        trained.append(plan.name)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return original(plan, *arguments, **named)

    monkeypatch.setattr(pipeline, "run", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(folder, out)
    assert not (out / "report").exists(), "a report appears whole or not at all"
    monkeypatch.setattr(pipeline, "ask", lambda *_, **__: pytest.fail("asked again"))
    resumed = run(folder, out)
    names = [network.entry.name for network in whole.networks]
    assert trained == [*names, names[1]], "what was finished is not trained again"
    assert resumed.wall_seconds is None
    assert files(out) == files(tmp_path / "whole")
    for one, other in zip(whole.networks, resumed.networks, strict=True):
        assert np.array_equal(one.predictions, other.predictions)
    assert whole.inquiry.moves == resumed.inquiry.moves


def test_another_question_does_not_continue_an_interrupted_one(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = make_folder(symmetric=False), tmp_path / "out"
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(folder, out)
    before = files(out)
    with pytest.raises(OutputError, match="interrupted call with other images or options"):
        run(folder, out, seeds=2)
    shutil.copyfile(folder / "bar/0000.png", folder / "bar/0002.png")
    with pytest.raises(OutputError, match="interrupted call with other images or options"):
        run(folder, out)
    assert files(out) == before
    (out / ".asked/state.json").write_text("{")
    with pytest.raises(OutputError, match="is damaged"):
        run(folder, out)


def test_what_is_there_is_not_touched(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder, out = make_folder(symmetric=False), tmp_path / "out"
    run(folder, out)
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    with pytest.raises(OutputError, match="report exists already"):
        run(folder, out)
    assert {name: (out / name).stat().st_mtime_ns for name in files(out)} == before
    (tmp_path / "board/entries").mkdir(parents=True)
    with pytest.raises(OutputError, match="by another command"):
        run(folder, tmp_path / "board")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder belongs"):
        run(folder, tmp_path / "file" / "out")


def test_options_that_do_not_exist_write_nothing(make_folder: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="budget"):
        run_auto(AutoOptions(str(make_folder()), 1, "huge"), tmp_path / "out", lambda _: None, LocalExecutor(1))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing"], "Unknown dataset"),
        (["./missing"], "does not exist"),
        (["shapes", "--seeds", "0"], "Expected 1 to 1,000 seeds"),
        (["shapes", "--budget", "huge"], "Unknown budget"),
        (["shapes", "--device", "gpu"], "Unknown device"),
        (["bad"], "repair or remove it"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    arguments: list[str],
    says: str,
    make_folder: MakeFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder()
    (make_folder("bad", 40) / "bar/0000.png").write_bytes(b"\x89PNG")
    monkeypatch.setattr("sys.argv", ["aenbench", "auto", *arguments, "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n"), says in said) == (2, 1, True), said
    assert {path.name for path in tmp_path.iterdir()} == {"shapes", "bad"}


@pytest.mark.slow
def test_the_command_says_its_answer_and_where_the_report_is(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder(symmetric=False)
    monkeypatch.setattr("sys.argv", ["aenbench", "auto", "shapes", "--seeds", "1", "--budget", "quick", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out = capsys.readouterr().out
    assert (ended.value.code, "Report: auto/report/report.html" in out, "No symmetry was found" in out) == (
        0,
        True,
        True,
    )
    assert (tmp_path / "auto/report/report.html").is_file()
