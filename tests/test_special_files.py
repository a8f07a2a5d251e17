"""A pipe, a socket, a device or a folder where a file belongs: one line, and nobody waits for it."""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gdatasets import load_dataset
from gdatasets.errors import GDatasetsError
from gdatasets.files import read_whole, reading
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import NAME

Make = Callable[[Path], object]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the names of sockets are short
        server.bind(path.name)
        os.chdir(here)


KINDS: dict[str, Make] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to a pipe": lambda path: (
        os.mkfifo(path.with_name(f"{path.name}.fifo")),
        path.symlink_to(f"{path.name}.fifo"),
    ),
}
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files"),
    pytest.mark.usefixtures("alarm"),
]


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run_program: Run) -> Run:
    return run_program


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "a"
    build_dataset("g-digits", ["none"], folder)
    return folder


def put(kind: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    KINDS[kind](path)


@pytest.mark.parametrize("kind", KINDS)
def test_only_plain_files_are_read(kind: str, tmp_path: Path) -> None:
    put(kind, tmp_path / "x")
    with pytest.raises(OSError, match=r"plain file|No such file|No such device"), reading(tmp_path / "x"):
        pass
    (tmp_path / "plain").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("plain")
    assert read_whole(tmp_path / "plain", 4) == read_whole(tmp_path / "link", 4) == b"1234"
    with pytest.raises(OSError, match="larger than 3 bytes"):
        read_whole(tmp_path / "plain", 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["manifest.json", "README.md", "croissant.json", "none/test-00000-of-00001.parquet"])
def test_a_build_with_one_of_them_is_refused(name: str, kind: str, built: Path, run: Run, tmp_path: Path) -> None:
    """929b5b9: `verify`, `build`, `publish` and `load_dataset` waited for ever on a pipe as manifest.json."""
    folder = tmp_path / "a"
    shutil.copytree(built, folder)
    put(kind, folder / name)
    code, err = run("gdatasets", "verify", folder, "--quiet")
    assert (code, err.count("\n")) == (1, 1)
    code, err = run("gdatasets", "publish", folder, "--repo", "me/mine", "--dry-run", "--quiet")
    assert (code, err.count("\n")) == (2, 1)
    if name.endswith((".parquet", NAME)):
        with pytest.raises(GDatasetsError) as refused:
            load_dataset(str(folder))
        assert "\n" not in str(refused.value)
    code, err = run("gdatasets", "build", "g-digits", "none", "--out", folder, "--quiet")
    assert code in {0, 2}  # a whole file in its place, or one line that says why not
    assert err.count("\n") == (code == 2)
    if code == 0 and kind != "link to a pipe":  # the pipe beside it stays
        assert run("gdatasets", "verify", folder, "--quiet")[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_an_option_names_are_refused(kind: str, run: Run, tmp_path: Path) -> None:
    """929b5b9: `build --source images.zip` waited for ever on a pipe."""
    put(kind, tmp_path / "g.npy")
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    for split in ("train", "test"):
        (tmp_path / "images" / split / "a").mkdir(parents=True)
        shutil.copy(tmp_path / "1.png", tmp_path / "images" / split / "a")
    images, out = tmp_path / "images", tmp_path / "out"
    assert run("gdatasets", "build", "mine", "--source", images, "--out", tmp_path / "whole", "--quiet") == (
        0,
        "",
    )
    said = [run("gdatasets", "build", "own", "--source", images, "--generators", tmp_path / "g.npy", "--out", out)]
    put(kind, tmp_path / "images.zip")
    said += [run("gdatasets", "build", "mine", "--source", tmp_path / "images.zip", "--out", out)]
    said += [run("aenbench", "run", "--baseline", "mlp", "--dataset", tmp_path / "images.zip")]
    said += [run("aenbench", "run", "--baseline", "group", "--generators", tmp_path / "g.npy", "--dataset", images)]
    put(kind, images / "train" / "a" / "0.png")
    if kind != "folder":  # a folder in a class folder may hold images
        said += [run("gdatasets", "build", "mine", "--source", images, "--out", out)]
    for code, err in said:
        assert (code, err.count("\n")) == (2, 1), err


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_file_is_refused(kind: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    put(kind, tmp_path / "no_model.py")
    code, err = run("aenbench", "check", "no_model:Net")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_or_its_card_is_refused(kind: str, run: Run, tmp_path: Path) -> None:
    """929b5b9: `tables`, `search` and `analyze` waited for ever on a pipe."""
    table = tmp_path / "g-mnist" / "aug2" / "aen-standard.parquet"
    table.parent.mkdir(parents=True)
    put(kind, table)
    for arguments in (["tables", "--dir", tmp_path, "--check"], ["search", "--table", table], ["analyze", table]):
        code, err = run("aenbench", *arguments)
        assert code in {1, 2}
        assert err.count("\n") == 1
