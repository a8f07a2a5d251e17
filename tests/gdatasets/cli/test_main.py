import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets.cli import main as cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gdatasets", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def is_one_line(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


def test_list_names_every_dataset_and_configuration(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    for name in ("g-mnist", "g-fashion-mnist", "g-digits", "mnist-rot", "aug5", "scramble7", "d4-roll", "any-angle"):
        assert name in out


def test_info_shows_sizes_digests_group_orders_and_citation(run: Run) -> None:
    code, out, _ = run("info", "g-mnist")
    assert code == 0
    for text in ("60,000", "order 392", "287fecb9e9c394d2", "@misc{g-mnist-1.0.0"):
        assert text in out


def test_info_takes_a_version(run: Run) -> None:
    """3d14f30, later than 929b5b9: printed the sizes, and then `Unknown dataset "g-digits@1.0.0"`."""
    code, out, err = run("info", "g-digits@1.0.0")
    assert (code, err) == (0, "")
    assert out == run("info", "g-digits")[1]
    assert run("info", "aen/g-digits@v1.0.0")[1] == out


def test_a_build_without_out_goes_into_a_folder_of_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3130c15 asked for --out, also in the commands of its own hints."""
    monkeypatch.chdir(tmp_path)
    assert run("build", "g-digits", "d4", "--quiet")[0] == 0
    assert run("build", "g-digits", "d4", "--size", "14", "--quiet")[0] == 0
    assert run("build", "mine", "d4", "--source", "digits", "--quiet")[0] == 0
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} >= {"g-digits", "g-digits-14", "mine"}


def test_build_then_verify(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "a"
    code, _, err = run("build", "g-digits", "c4", "--out", out)
    assert code == 0
    assert "c4/train: 1,437 of 1,437" in err
    assert run("verify", out, "--quiet")[0] == 0
    assert run("verify", out, "--rebuild", "--quiet")[0] == 0
    (out / "README.md").write_text("tampered")
    code, said, err = run("verify", out, "--quiet")
    assert code == 1
    assert "README.md differs" in said
    assert is_one_line(err)


def test_quiet_says_nothing(run: Run, tmp_path: Path) -> None:
    assert run("build", "g-digits", "none", "--out", tmp_path / "a", "--quiet") == (0, "", "")


def test_verify_a_version_generates_it_and_compares_with_the_pins(run: Run) -> None:
    code, out, _ = run("verify", "g-digits@1.0.0", "--config", "d4", "--quiet")
    assert code == 0
    assert "1,797 samples in 2 splits" in out


def test_a_preview_makes_its_folders(run: Run, tmp_path: Path) -> None:
    """929b5b9 made one folder too; here that holds for any depth, and for what cannot be made (below)."""
    out = tmp_path / "new" / "deep" / "c4.png"
    assert run("preview", "g-digits", "c4", "--out", out)[0] == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in out.parent.iterdir()] == ["c4.png"], "no unfinished file stays"


def test_a_preview_is_written_whole_or_not_at_all(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "old.png").write_bytes(b"old")
    for out in (tmp_path / "file" / "x.png", tmp_path / "folder.png"):
        code, said, err = run("preview", "g-digits", "c4", "--out", out)
        assert (code, said, is_one_line(err), str(tmp_path) in err) == (2, "", True, True)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run("preview", "g-digits", "c4", "--out", tmp_path / "old.png")
    assert (code, is_one_line(err), "No space left on device" in err) == (2, True, True)
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png", "old.png"]


@pytest.mark.skipif(not Path("/proc/1").exists(), reason="needs a folder that even root cannot write to: /proc")
def test_a_preview_in_an_impossible_folder_is_one_line(run: Run) -> None:
    code, _, err = run("preview", "g-digits", "c4", "--out", "/proc/nope/x.png")
    assert (code, is_one_line(err), "/proc/nope" in err) == (2, True, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["info", "g-nothing"], "g-fashion-mnist"),
        (["info", "g-mnist@7.0.0"], "1.0.0"),
        (["build", "g-digits", "aug9", "--out", "OUT"], "d4-roll"),
        (["build", "--out", "OUT"], "Name a dataset"),
        (
            ["build", "g-digits", "--out", "OUT", "--license", "MIT", "--gray"],
            "--color or --gray and --license: only your",
        ),
        (["build", "g-digits", "--out", "OUT", "--version", "2.0.0"], "--version: only your own images take this"),
        (["build", "x", "--source", "digits", "--out", "OUT", "--subset-of", "eurosat"], "digits has its own"),
        (["build", "g-svhn", "--source", "digits", "--out", "OUT"], "is not the published g-svhn"),
        (["duplicates", "g-digits", "--size", "8"], "--size is for class folders"),
        (["build", "g-digits", "--out", "OUT", "--workers", "0"], "at least 1 worker"),
        (["build", "g-digits", "--out", "OUT", "--shard-size", "0"], "at least 1 sample"),
        (["build", "g-mnist", "--root", "/nowhere", "--out", "OUT"], "/nowhere"),
        (["verify", "no/such/folder"], "not a folder"),
        (["verify", "nowhere"], "nowhere is not a folder; give a build's, or NAME@VERSION of g-mnist, "),
        (["list", "--bogus"], ". See --help."),
        (["verify", "g-digits@9.9.9"], "1.0.0"),
        (["verify", "g-digits@1.0.0", "--config", "aug9"], "aug9"),
        (["cite", "g-mnist@0.0.1"], "1.0.0"),
        (["cite", "g-mnist", "--format", "docx"], "bibtex"),
        (["preview", "g-digits", "d4", "--out", "OUT", "--rows", "0"], "rows"),
        (["build", "g-digits", "any-angle", "--out", "OUT"], "d4-roll"),
        (["build", "mnist-rot", "d4", "--out", "OUT"], "Choose from: any-angle"),
        (["preview", "g-digits", "any-angle", "--out", "OUT"], "d4-roll"),
        (["verify", "mnist-rot@1.0.0", "--config", "d4"], "Choose from: any-angle"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run: Run, tmp_path: Path, arguments: list[str], says: str) -> None:
    out = tmp_path / "out"
    code, _, err = run(*[str(out) if argument == "OUT" else argument for argument in arguments])
    assert code == 2
    assert is_one_line(err)
    assert says in err
    assert not out.exists()


def test_a_missing_companion_file_is_named(run: Run, tmp_path: Path, data_root: Path) -> None:
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").symlink_to(data_root.resolve() / "MNIST/raw/train-images-idx3-ubyte")
    code, _, err = run("build", "g-mnist", "d4", "--root", tmp_path / "root", "--out", tmp_path / "out")
    assert code == 2
    assert "train-labels-idx1-ubyte is missing" in err
    assert is_one_line(err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "grow"])
def test_a_corrupted_source_file_is_refused(run: Run, tmp_path: Path, data_root: Path, damage: str) -> None:
    shutil.copytree(data_root / "MNIST", tmp_path / "root" / "MNIST", copy_function=shutil.copyfile)
    for folder in (tmp_path / "root").rglob("*"):
        folder.chmod(0o755 if folder.is_dir() else 0o644)
    path = tmp_path / "root/MNIST/raw/t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[5_000] ^= 1
    path.write_bytes({"flip": bytes(content), "truncate": bytes(content[:-1]), "grow": bytes(content) + b"x"}[damage])
    code, _, err = run("build", "g-mnist", "d4", "--root", tmp_path / "root", "--out", tmp_path / "out")
    assert code == 2
    assert "t10k-labels-idx1-ubyte" in err
    assert is_one_line(err)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc/1").exists(), reason="needs a folder that even root cannot write to: /proc")
def test_an_unwritable_output_folder_is_one_line(run: Run) -> None:
    code, _, err = run("build", "g-digits", "d4", "--out", "/proc/1/out")
    assert code == 2
    assert is_one_line(err)
    assert "cannot be written" in err


@pytest.mark.parametrize(("command", "more"), [("--help", {"numpy"}), ("list", set())])
def test_help_and_list_answer_at_once_and_import_nothing_heavy(command: str, more: set[str]) -> None:
    heavy = {"torch", "datasets", "pandas", "pyarrow", "matplotlib", "scipy", "sklearn", "sympy", "PIL"} | more
    code = (
        "import sys; from gdatasets.cli.main import main\n"
        f"sys.argv = ['gdatasets', '{command}']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"heavy = set({sorted(heavy)}) & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 5  # under one second on an idle machine; generous where others work


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no image"),
    "flipped bytes": lambda path: path.write_bytes(path.read_bytes()[:60] + bytes(200)),
}


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_source_image_is_named(run: Run, tmp_path: Path, damage: str, packed: bool) -> None:
    """929b5b9: "o/.partial/d4-roll/train-....parquet cannot be written (...); free space or choose another folder"."""
    random = np.random.default_rng(0)
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        for number in range(3):
            pixels = random.integers(0, 256, (16, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / place / f"{number}.png")
    _DAMAGES[damage](tmp_path / "photos/train/b/2.png")
    source = (
        shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "photos") if packed else tmp_path / "photos"
    )
    code, _, err = run("build", "mine", "--source", source, "--out", tmp_path / "out", "--quiet")
    assert code == 2
    assert is_one_line(err)
    assert f"{source}: train/b/2.png is damaged" in err
    assert "cannot be written" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_still_called_that(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, _, err = run("build", "g-digits", "none", "--out", tmp_path / "out", "--quiet")
    tmp_path.chmod(0o700)
    assert code == 2
    assert "cannot be written" in err
