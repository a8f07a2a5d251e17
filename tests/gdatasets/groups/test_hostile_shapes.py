"""Shapes, sizes and numbers that no group, file or option can have: one line, never a traceback."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.cli import main as aenbench
from gdatasets.cli import main as gdatasets
from gdatasets.errors import InvalidArgumentError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import NAME, Manifest, read_manifest, write_manifest
from gdatasets.groups.group import Group

HUGE = 10**20


@pytest.mark.parametrize("size", [0, -4, HUGE, 4_097, 10**6, 4.0, True, "4", None, [4], float("nan")])
def test_a_group_has_a_size_from_1_to_4096(size: object) -> None:
    """929b5b9: ValueError of numpy for 10**20, MemoryError for 10**6, TypeError for 4.0, "4" and True."""
    with pytest.raises(InvalidArgumentError, match="size must be at least 1"):
        Group(["rotation"], size)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [HUGE, -HUGE, 4.0, True, "4", None])
def test_a_group_has_an_integer_step(step: object) -> None:
    for make in (lambda: Group(["htrans"], 4, step), lambda: Group.from_permutations([[1, 0]], step=step)):  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="step must be an integer"):
            make()


@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        ([[0, 1, 2]], (3, -1)),
        ([[0, 1]], (-1, -2)),
        ([[1, 0]], (0,)),
        ([[1, 0]], (HUGE,)),
        ([[1, 0]], (2.0,)),
        ([[1, 0]], (True, 2)),
        ([[1, 0]], ()),
        ([[1, 0]], (1, 1, 2)),
        ([[1, 0]], "ab"),
        ([[]], None),
        (np.zeros((0, 0), dtype=int), None),
        (np.zeros((3, 0), dtype=int), (0, 0)),
        ([[0, -1]], None),
        ([[0, HUGE]], None),
        ([[0.5, 1]], None),
        ([[True, False]], None),
        ([[1, 0], [0]], None),
        (None, None),
        (3, None),
    ],
)
def test_impossible_permutations_are_refused(rows: object, shape: object) -> None:
    """929b5b9 had no groups of permutations; its successor made groups on no points."""
    with pytest.raises(InvalidArgumentError) as refused:
        Group.from_permutations(rows, shape)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_numbers_of_numpy_are_numbers() -> None:
    assert Group(["rotation"], np.int64(4), np.int32(2)) == Group(["rotation"], 4, 2)  # type: ignore[arg-type]
    assert Group.from_permutations([[1, 0]], (np.int64(1), 2)).shape == (1, 2)  # type: ignore[arg-type]


def call(program: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        {"gdatasets": gdatasets, "aenbench": aenbench}[program].main()
    return int(ended.value.code or 0)


def _photos(folder: Path) -> Path:
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (folder / place).mkdir(parents=True)
        Image.new("L", (4, 4)).save(folder / place / "1.png")
    return folder


@pytest.mark.parametrize(
    "shape", ["(-1, 16)", "(1, -16)", "(1, 0)", "()", "(16,)", f"({HUGE}, 1)", f"({2**63 - 1}, {2**63 - 1})", "(1, 1)"]
)
def test_headers_of_generator_files_are_not_believed(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    (tmp_path / "g.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)
    )
    words = ("build", "mine", "--source", _photos(tmp_path / "photos"), "--generators", tmp_path / "g.npy")
    assert call("gdatasets", monkeypatch, *words, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("number", [0, -1, HUGE])
@pytest.mark.parametrize(
    "words",
    [
        ["gdatasets", "build", "mine", "--source", "PHOTOS", "--out", "OUT", "--size"],
        ["gdatasets", "build", "g-digits", "none", "--out", "OUT", "--workers"],
        ["gdatasets", "preview", "g-digits", "c4", "--out", "OUT", "--rows"],
        ["aenbench", "check", "torch.nn:Flatten", "--size"],
        ["aenbench", "run", "--baseline", "mlp", "--dataset", "g-digits", "--workers"],
        ["aenbench", "tabulate", "--dataset", "g-digits", "--workers"],
    ],
    ids=lambda words: f"{words[1]} {words[-1]}",
)
def test_numbers_in_options(
    words: list[str],
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """929b5b9: OverflowError for `--workers`, ValueError for `check --size`, and `--size 0` was passed over."""
    places = {"OUT": str(tmp_path / "out"), "PHOTOS": str(_photos(tmp_path / "photos"))}
    monkeypatch.chdir(tmp_path)
    program, *rest = [places.get(word, word) for word in words]
    assert call(program, monkeypatch, *rest, number) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "a"
    build_dataset("g-digits", ["none"], folder)
    return folder


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("image_shape", shape)
            for shape in ([-28, -28], [0, 0], [HUGE, HUGE], [5_000, 5_000], ["28", "28"], [28.0, 28.0])
        ),
        *(("image_shape", shape) for shape in ([True, True], [28], [28, 28, 3, 1], [])),
        *(("version", version) for version in ("１.0.0", "1.0.0\n", "1" * 20 + ".0.0", 1.0)),
    ],
)
def test_a_sealed_manifest_with_an_impossible_value_is_refused(
    field: str,
    value: object,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """929b5b9: ended in a traceback of numpy for negative and huge shapes."""
    whole = read_manifest(built)
    forged = Manifest.model_construct(**{name: getattr(whole, name) for name in Manifest.model_fields} | {field: value})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of a value that it would not have taken
        write_manifest(tmp_path, forged)
    assert call("gdatasets", monkeypatch, "verify", tmp_path, "--quiet") == 1
    said = capsys.readouterr()
    assert f"{NAME} is not a manifest: {field}" in said.out
    assert said.err.count("\n") == 1
