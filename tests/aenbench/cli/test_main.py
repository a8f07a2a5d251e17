"""The command line, as its users meet it: one clear line and an exit code for every mistake."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aenbench.cli import main as cli
from aenbench.cli.run import default_dataset
from aenbench.execution.device import CPU, Device
from aenbench.tables.parquet import home_of, write_table
from aenbench.tables.table import Table
from aenbench.training.recipe import Recipe, slow_precision


def call(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and everything printed."""
    monkeypatch.setattr(sys, "argv", ["aenbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["run", "--baseline", "mlp", "--dataset", "mnits"],
            'Unknown dataset "mnits". Did you mean "mnist"?',
        ),
        (
            ["run", "--baseline", "mlp", "--config", "aug7"],
            'Unknown configuration of g-digits "aug7". Did you mean "aug5"? Choose from: none',
        ),
        (["run", "--baseline", "z3cnn", "--dataset", "g-digits"], 'Unknown baseline "z3cnn". Did you mean "z2cnn"?'),
        (["run", "--baseline", "single:turn", "--dataset", "g-digits"], 'Unknown action "turn". Choose from'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--protocol", "old"], 'Unknown protocol "old"'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--budget", "all"], 'Unknown budget "all"'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--seeds", "0"], "give --seeds 3"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--workers", "0"], "at least one worker"),
        (["run", "--baseline", "mlp", "--seeds", "many"], "--seeds"),
        (["run"], "either --baseline or --model"),
        (["run", "--baseline", "mlp", "--model", "a:B"], "either --baseline or --model"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--name", "mine"], "are for --model"),
        (["run", "--model", "mynet.py", "--dataset", "g-digits"], 'Expected --model as "package.module:name"'),
        (["run", "--model", "mynet:Net", "--dataset", "g-digits"], 'Cannot import "mynet:Net"'),
        (["run", "--model", "mynet:Net", "--dataset", "g-digits", "--size", "large"], "takes no --size"),
        (["run", "--model", "mynet:Net", "--dataset", "g-digits", "--recipe", "sgd"], 'Unknown recipe "sgd"'),
        (["run", "--model", "mynet:Net", "--dataset", "g-digits", "--name", "../x"], 'No entry can be named "../x"'),
        (["reproduce", "/nowhere"], "/nowhere"),
        (["reproduce", "--quiet", "/nowhere"], "/nowhere"),
        (["reproduce", "entry", "/nowhere"], "/nowhere"),
        (["reproduce", "paper", "--part", "f"], 'Unknown part "f". Choose from: a, b, c'),
        (["reproduce", "paper", "--scale", "huge"], 'Unknown scale "huge". Choose from: quick, two-cores, paper'),
        (["reproduce", "paper", "--seeds", "0"], "Expected --seeds from 1 to 100, got 0"),
        (["reproduce", "paper", "--part", "a", "--dataset", "mnist"], 'Unknown configuration of mnist "rotation"'),
        (
            ["reproduce", "paper", "--part", "a", "--dataset", "mnist-rot"],
            'Unknown configuration of mnist-rot "rotation"',
        ),
        (["run", "--baseline", "mlp", "--fast"], "--fast"),
        (["run", "--baseline", "mlp", "--dataset", "g-mnist", "--root", "/nowhere"], "/nowhere is not a folder"),
        (["run", "--baseline", "gcnn:c4", "--dataset", "g-digits", "--size", "huge"], 'Unknown size "huge"'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--augment", "blur"], 'Unknown augmentation "blur"'),
        (
            ["run", "--baseline", "mlp", "--dataset", "g-digits", "--epochs", "0"],
            "Expected epochs of at least 1, got 0",
        ),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--epochs", "many"], "--epochs"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--schedule", "fast"], 'Unknown schedule "fast"'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--learning-rate", "nan"], "above 0, got nan"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--train-images", "99999"], "at most 1,137 images"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--batch", "2000000000"], "at most 1,000,000,000"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--epochs", "99999"], "give at most --epochs 33,333"),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--executor", "slurm"], 'Unknown executor "slurm"'),
        (["run", "--baseline", "mlp", "--dataset", "g-digits", "--address", "here:1"], "have no address"),
        (["run", "--baseline", "mlp", "--dataset", "pets.zip"], "pets.zip does not exist"),
        (
            ["tabulate", "--dataset", "g-digits", "--space", "gcn"],
            'Unknown space "gcn". Did you mean "gcnn"?',
        ),
        (["tabulate", "--dataset", "g-digits", "--config", "aug7"], 'Unknown configuration of g-digits "aug7"'),
        (["tabulate", "--dataset", "g-digits", "--seeds", "0"], "give --seeds 3"),
        (["search", "--table", "/nowhere.parquet"], "make it with `aenbench tabulate`"),
        (["tables", "--dir", "/nowhere"], "/nowhere holds no tables; make one with `aenbench tabulate"),
        (["tables", "--dir", "/nowhere", "--check"], "/nowhere holds no tables; make one with `aenbench tabulate"),
        (["analyze", "/nowhere.parquet"], "make it with `aenbench tabulate`"),
        (["verify", "/nowhere"], "/nowhere is not a folder"),
        (["leaderboard", "--dir", "/nowhere"], "/nowhere is not a folder"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = call(arguments, monkeypatch, capsys)
    assert code == 2
    assert said in printed
    assert printed.startswith("aenbench: ")
    assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_is_a_file_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    arguments = ["run", "--baseline", "aen", "--dataset", "g-digits", "--out", str(tmp_path / "file")]
    started = time.monotonic()
    code, printed = call(arguments, monkeypatch, capsys)
    assert (code, printed.count("\n")) == (2, 1)
    assert "Cannot write to" in printed
    assert time.monotonic() - started < 30
    assert (tmp_path / "file").read_text() == "kept"


def test_a_read_only_system_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--baseline", "aen", "--dataset", "g-digits", "--out", "/proc/aenbench"]
    code, printed = call(arguments, monkeypatch, capsys)
    assert (code, printed.count("\n")) == (2, 1)
    assert "choose another --out" in printed


def test_a_corrupted_source_is_never_replaced_by_another_dataset(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (data_root / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes())
    damaged = bytearray((raw / "train-images-idx3-ubyte").read_bytes())
    damaged[1_000_000] ^= 1
    (raw / "train-images-idx3-ubyte").write_bytes(damaged)
    for named in ([], ["--dataset", "g-mnist"]):
        arguments = ["run", "--baseline", "mlp", "--root", str(tmp_path), "--out", str(tmp_path / "out"), *named]
        code, printed = call(arguments, monkeypatch, capsys)
        assert code == 2
        assert "is not the published file" in printed
    assert not list((tmp_path / "out").rglob("entry.json"))


def test_without_a_source_and_a_network_the_default_is_g_digits_with_a_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    monkeypatch.setattr("gdatasets.network.REACH_TIMEOUT_S", 0.2)
    monkeypatch.setattr("gdatasets.network._answers", lambda _: False)
    assert default_dataset(None) == "g-digits"
    assert "Using G-Digits instead" in capsys.readouterr().err
    arguments = ["run", "--baseline", "mlp", "--dataset", "g-mnist", "--out", str(tmp_path)]
    code, printed = call(arguments, monkeypatch, capsys)
    assert code == 2
    assert "is in none of" in printed


def test_run_verify_and_leaderboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--dataset", "g-digits", "--budget", "quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    code, printed = call(["run", "--baseline", "single:hflip", *common], monkeypatch, capsys)
    assert code == 0
    assert "single-hflip-quick" in printed
    assert "training: 88 of 88" in printed
    assert call(["run", "--baseline", "single:hflip", *common], monkeypatch, capsys)[0] == 2
    assert call(["verify", str(tmp_path)], monkeypatch, capsys) == (0, "1 entry verified.\n")
    assert call(["leaderboard", "--dir", str(tmp_path), "--check"], monkeypatch, capsys)[0] == 1
    assert call(["leaderboard", "--dir", str(tmp_path)], monkeypatch, capsys)[0] == 0
    assert call(["leaderboard", "--dir", str(tmp_path), "--check"], monkeypatch, capsys)[0] == 0
    predictions = tmp_path / "g-digits" / "aug2" / "single-hflip-quick" / "predictions.npy"
    predictions.write_bytes(predictions.read_bytes()[:-5])
    code, printed = call(["verify", str(tmp_path)], monkeypatch, capsys)
    assert code == 1
    assert "predictions.npy was changed" in printed


@pytest.mark.usefixtures("brief")
def test_quiet_says_nothing_but_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["aenbench", "run", "--baseline", "mlp", "--dataset", "g-digits", "--quiet"])
    sys.argv += ["--budget", "quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("package", ["aenbench", "gdatasets"])
def test_help_loads_nothing_heavy(package: str) -> None:
    script = (
        f"import sys; sys.argv = ['x', '--help']\nfrom {package}.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'datasets', 'scipy', 'sklearn', 'pyarrow') if name in sys.modules])"
    )
    path = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr


MODELS = """
import torch
from torch import nn

class Mean(nn.Module):
    def forward(self, x):
        return x.mean(dim=(1, 2, 3))[:, None]

class Corner(nn.Module):
    def forward(self, x):
        return x[:, :, 0, 0]

class Color(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 2, 1)
    def forward(self, x):
        return super().forward(x).mean(dim=(2, 3))

class Fails(nn.Module):
    def forward(self, x):
        return x.mean() + self.missing

def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(100, 2))

def needs(classes):
    return dense()

number = 3
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usermodels.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "usermodels", raising=False)


@pytest.mark.usefixtures("models")
def test_check_tells_invariant_networks_from_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call(["check", "usermodels:Mean", "--group", "d4", "--elements"], monkeypatch, capsys)
    assert code == 0
    assert printed.count("holds") == 8
    assert "is invariant under d4 (order 8)" in printed
    code, printed = call(["check", "usermodels:Corner", "--group", "rotation,scramble2"], monkeypatch, capsys)
    assert code == 1
    assert "not invariant under 2 of 2 elements" in printed
    code, printed = call(["check", "usermodels:Color", "--channels", "3", "--group", "rotation"], monkeypatch, capsys)
    assert (code, "is invariant under rotation" in printed) == (0, True)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["usermodels"], 'Expected a network as "package.module:name"'),
        (["usermodels:nothing"], 'Cannot import "usermodels:nothing"'),
        (["usermodels:number"], "to give a torch.nn.Module, got int"),
        (["usermodels:dense"], "cannot be called on a batch (4, 1, 28, 28)"),
        (["usermodels:Color"], "Give its --size and --channels."),
        (["usermodels:Fails"], "(4, 1, 28, 28): 'Fails' object has no attribute 'missing'"),
        (["usermodels:Color", "--channels", "0"], "--channels"),
        (["usermodels:needs"], "Cannot make"),
        (["usermodels:Mean", "--group", "d5"], "d5"),
        (["usermodels:Mean", "--group", "scramble1", "--size", "27"], "size must be even"),
    ],
)
def test_check_refuses_what_it_cannot_check(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call(["check", *arguments], monkeypatch, capsys)
    assert (code, printed.count("\n")) == (2, 1)
    assert said in printed


@pytest.mark.parametrize("is_fast", [False, True])
def test_every_command_that_trains_says_that_bfloat16_is_slow_here(
    is_fast: bool,
    make_table: Callable[..., Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """3130c15 said it in `run` and `tabulate` only. Each command ends here before it trains, as it gets no worker."""
    monkeypatch.setattr("aenbench.training.recipe.has_fast_bfloat16", lambda: is_fast)
    table = make_table(space="gcnn")
    write_table(table, tmp_path / home_of(table))
    entry = Path(__file__).parents[1] / "leaderboard" / "small_board" / "g-digits" / "c4" / "p4cnn-quick"
    dataset = ["--dataset", "g-digits"]
    commands = {
        True: (["run", "--baseline", "p4cnn", *dataset], ["tabulate", "--space", "gcnn", "--final", *dataset]),
        False: (["reproduce", str(entry)], ["tables", "--dir", str(tmp_path), "--converge", "2"]),
    }
    for can_choose, each in commands.items():
        for words in each:
            code, printed = call([*words, "--workers", "0"], monkeypatch, capsys)
            *notices, error = printed.splitlines()
            assert (code, "at least one worker" in error) == (2, True), printed
            advice = " --precision float32 is faster here." if can_choose else ""
            slow = f"This processor has no bfloat16 arithmetic: training is slow.{advice}"
            assert notices == ([] if is_fast else [slow])
    recipe = replace(Recipe(1, 1), precision="bfloat16")
    assert slow_precision(recipe, Device("cuda")) is None
    assert (slow_precision(recipe, CPU) is None) == is_fast
    assert slow_precision(Recipe(1, 1), CPU) is None


def test_datasets_says_what_is_on_this_machine(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call(["datasets", "--root", str(data_root)], monkeypatch, capsys)
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in printed.splitlines() if line)
    assert lines["mnist-rot"].endswith("on this machine")
    assert lines["cifar10"].startswith("50,000 / 10,000")
    assert lines["svhn"].endswith("to be fetched")
    assert lines["asl"].endswith("to be fetched by hand, with an account")


def test_datasets_lists_the_archives_and_builds_of_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run --dataset photos` finds them there by name."""
    (tmp_path / "photos.zip").write_bytes(b"")
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "manifest.json").write_text('{"format": "gdatasets-manifest-1"')
    (tmp_path / "other").mkdir()
    printed = call(["datasets", "--root", str(tmp_path)], monkeypatch, capsys)[1]
    assert [line.split()[0] for line in printed.splitlines() if str(tmp_path) in line] == ["pets", "photos"]


def test_a_search_is_analysed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The committed search on real images; what its effects are is for the analysis' own tests."""
    entry = Path(__file__).parents[3] / "leaderboards" / "g-mnist" / "aug2" / "aen"
    code, _ = call(["analyze", str(entry), "--out", str(tmp_path / "found")], monkeypatch, capsys)
    assert code == 0
    assert "# What explains accuracy on g-mnist 1.0.0 / aug2" in (tmp_path / "found" / "analysis.md").read_text()
    code, printed = call(["analyze", str(entry.parent / "mlp"), "--out", str(tmp_path / "none")], monkeypatch, capsys)
    assert code == 2
    assert "name the folder of a run that searched" in printed
    assert not (tmp_path / "none").exists()
