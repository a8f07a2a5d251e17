"""A network that a user wrote, from its file to an entry that is verified and reproduced."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aenbench.cli import main as cli
from aenbench.leaderboard.entry_folder import read_entry, read_logits
from aenbench.leaderboard.reproduction import trust_of
from gdatasets.generation.load import load_arrays

NETWORK = '''
"""A small convolutional network, as a user would write it."""

from torch import nn

from mypackage.layers import block


class MyNet(nn.Module):
    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.AvgPool2d(4), block(channels, 4), nn.Flatten(), nn.Dropout(0.1))
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        return self.head(self.features(images))
'''
LAYERS = """
from torch import nn


def block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3), nn.BatchNorm2d(outputs), nn.ReLU())
"""
RUN = "run --model mypackage.models:MyNet --dataset g-digits --budget quick --seeds 1 --keep-logits --workers 1 --quiet"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, which is the current one."""
    (tmp_path / "mypackage").mkdir()
    for name, source in {"__init__": "", "models": NETWORK, "layers": LAYERS}.items():
        (tmp_path / "mypackage" / f"{name}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and everything printed."""
    monkeypatch.setattr(sys, "argv", ["aenbench", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


@pytest.mark.slow
def test_a_foreign_model_is_run_scored_verified_and_reproduced(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = call(RUN, monkeypatch, capsys)
    assert code == 0, printed
    folder = package / "runs" / "g-digits" / "aug2" / "mynet-quick"
    entry, predictions = read_entry(folder)
    assert (entry.origin, entry.method) == ("model", "mypackage.models:MyNet")
    assert entry.command == f"aenbench {RUN}"
    assert entry.seeds[0].parameters == 4 * 9 + 4 + 8 + 4 * 25 * 10 + 10
    assert entry.accuracy.mean > 0.25
    logits = read_logits(folder, entry, predictions, 10)
    assert logits is not None
    assert np.array_equal(logits.argmax(axis=-1), predictions)
    assert call("verify runs", monkeypatch, capsys) == (0, "1 entry verified.\n")

    code, printed = call(f"reproduce {folder}", monkeypatch, capsys)
    assert code == 2
    assert f"found in {package / 'mypackage' / '__init__.py'}" in printed
    assert "give --trust-model" in printed
    assert not (folder / "reproduction.json").exists()

    code, printed = call(f"reproduce {folder} --trust-model --workers 1 --quiet", monkeypatch, capsys)
    assert code == 0, printed
    assert "1 of 1 seeds equal bit for bit" in printed
    assert (folder / "reproduced.npy").read_bytes() == (folder / "predictions.npy").read_bytes()
    labels = load_arrays("g-digits", "aug2", "test").labels
    assert trust_of(folder, entry, predictions, labels).level == "reproduced"
    assert call("verify runs", monkeypatch, capsys) == (0, "1 entry verified.\n")
    assert call("leaderboard --dir runs", monkeypatch, capsys)[0] == 0
    assert '"mypackage.models:MyNet"' in (package / "runs" / "index.html").read_text()
    assert "mypackage" in (package / "runs" / "README.md").read_text()


@pytest.mark.slow
def test_workers_find_the_users_package(package: Path) -> None:
    """Two workers, started by the installed command: they import the package from the current folder."""
    arguments = RUN.replace("--seeds 1", "--seeds 2").replace("--workers 1", "--workers 2").split()
    start = "import sys; sys.path.remove(''); from aenbench.cli.main import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments], cwd=package, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(read_entry(package / "runs" / "g-digits" / "aug2" / "mynet-quick")[0].seeds) == 2
