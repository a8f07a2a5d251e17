"""Hostile entries and submissions: each is refused with its reason, and nothing is written."""

import bz2
import hashlib
import io
import json
import os
import re
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_arrays import encode_logits, encode_predictions
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.submit import TEMPLATE, submit
from aenbench.leaderboard.verify import verify
from gdatasets.errors import GDatasetsError

SEEDS, IMAGES, CLASSES = 2, 360, 10
GUESSES = np.random.default_rng(0).integers(0, CLASSES, (SEEDS, IMAGES)).astype(np.uint8)
LOGITS = np.random.default_rng(1).normal(size=(SEEDS, IMAGES, CLASSES))
MOVED = np.random.default_rng(2).integers(0, CLASSES, (SEEDS, 12, IMAGES)).astype(np.uint8)
HUGE = 100 << 20
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>|[a](javascript:b)`*"

Attack = Callable[[Path], object]


class Payload:
    """Makes a folder where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (Path("executed"),)


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder: kind, permissions, and content or target."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content: object = path.readlink() if path.is_symlink() else about.st_size
        if path.is_file() and not path.is_symlink() and about.st_size < 1 << 20:
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (about.st_mode, content)
    return found


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def with_header(header: str, body: bytes = GUESSES.tobytes(), version: bytes = b"\x01\x00") -> bytes:
    """A .npy file with any header."""
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    return b"\x93NUMPY" + version + length + header.encode("latin-1") + body


def shaped(shape: str, body: bytes = GUESSES.tobytes(), descr: str = "|u1", fortran: str = "False") -> bytes:
    return with_header(f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n", body)


# .npy files that are no predictions of two seeds, whether they lie in an entry or in a .npz file.
ARRAYS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not a .npy file"),
    "magic only": (b"\x93NUMPY", "is not a .npy file"),
    "a pickle": (b"\x80\x04cos\nsystem\n", "is not a .npy file"),
    "objects": (npy(np.array([[Payload()] * IMAGES] * SEEDS), allow_pickle=True), "pickled Python objects"),
    "fields": (npy(np.zeros((SEEDS, IMAGES), "u1,u1")), "header is not that of an array of numbers"),
    "text": (npy(np.full((SEEDS, IMAGES), "1")), "expected integers or floats"),
    "truths": (npy(GUESSES > 3), "expected integers or floats"),
    "complex": (npy(GUESSES.astype(complex)), "expected integers or floats"),
    "dates": (npy(GUESSES.astype("M8[s]")), r"expected integers or floats"),
    "128 bits": (shaped("(2, 360)", descr="<f16"), "expected integers or floats of at most 64 bits"),
    "fortran": (npy(np.asfortranarray(GUESSES)), "Fortran order"),
    "one seed": (npy(GUESSES[:1]), r"got uint8 \(1, 360\)"),
    "too few images": (npy(GUESSES[:, :100]), r"got uint8 \(2, 100\)"),
    "one axis": (npy(GUESSES[0]), r"got uint8 \(360,\)"),
    "no axis": (npy(GUESSES[0, 0]), r"got uint8 \(\)"),
    "three axes": (npy(GUESSES[None]), r"got uint8 \(1, 2, 360\)"),
    "huge shape": (shaped("(2, 999999999999)"), r"got uint8 \(2, 999999999999\)"),
    "overflowing shape": (shaped("(4294967296, 4294967296, 4294967296)"), "got uint8"),
    "shape of 30 digits": (shaped(f"(2, {'9' * 30})"), "header is not that"),
    "negative shape": (shaped("(-2, -360)"), r"impossible shape \(-2, -360\)"),
    "empty array": (npy(GUESSES[:0]), r"got uint8 \(0, 360\)"),
    "short": (npy(GUESSES)[:-1], "holds 719 bytes of numbers; expected 720"),
    "long": (npy(GUESSES) + b"\0", "holds more than 720 bytes of numbers"),
    "floats": (npy(GUESSES.astype(float)), "got float64"),
    "code": (with_header("{'descr': __import__('os').mkdir('executed'), }"), "header is not that"),
    "nested": (with_header("(" * 900), "header is not that"),
    "large header": (with_header(" " * 60_000), "60,000; expected|with 60,000 bytes"),
    "format 2": (with_header("{}", version=b"\x02\x00"), "format 2.0"),
    "format 2 of 4 GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "format 2.0"),
}

NAMES: dict[str, str] = {
    "up": "../../../etc",
    "absolute": "/etc/passwd",
    "dots": "..",
    "hidden": ".git",
    "slash": "a/b",
    "backslash": "..\\b",
    "nul": "a\0b",
    "newline": "a\n",
    "upper case": "Guess",
    "windows": "con",
    "windows ending": "lpt1.x",
    "dot at the end": "a.",
    "long": "a" * 101,
    "empty": "",
    "markup": MARKUP,
    "another script": "аen",  # the first letter is Cyrillic
}

UNSEEN = {
    "escape": "\x1b[2J",
    "bidirectional": "a\u202eb",
    "zero width": "a\u200bb",
    "separator": "a\u2028b",
    "tag": "\U000e0041",
}

NO_NUMBERS = {
    "text": '"3"',
    "text of a fraction": '"0.5"',
    "true": "true",
    "false": "false",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "1e400": "1e400",
    "400 digits": "9" * 400,
    "a list": "[1]",
    "an object": "{}",
    "null": "null",
}

OTHER_NAMES = {
    "joiner": "deep\u200dnet",
    "filler": "deep\u3164net",
    "space at the end": "deepnet ",
    "no-break space": "deep\u00a0net",
    "full width": "ｄeepnet",
    "accent apart": "re\u0301seau",
}

LINKS = {
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "http": "http://example.org",
    "file": "file:///etc/passwd",
    "quotes": 'https://example.org/"onmouseover="alert(1)',
    "user": "https://example.org@evil.example/",
    "spaces": "https://example.org/ x",
}


@pytest.fixture(scope="module")
def truthful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with one entry that verifies: g-digits/aug2/my-network, with logits."""
    place = tmp_path_factory.mktemp("truthful")
    give(place)
    np.savez(place / "preds.npz", logits=LOGITS)
    submit(place / "preds.npz", place / "entry.yaml", place / "board")
    assert verify(place / "board")[1] == []
    return place / "board"


@pytest.fixture
def entry(truthful: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that entry's folder, in a board beside which lies something to be stolen or overwritten."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    shutil.copytree(truthful, tmp_path / "board")
    return tmp_path / "board" / "g-digits" / "aug2" / "my-network"


def give(place: Path) -> None:
    """Files that `aenbench submit` takes."""
    (place / "entry.yaml").write_text(TEMPLATE)
    np.savez_compressed(place / "preds.npz", predictions=GUESSES)


def edit(**changes: object) -> Attack:
    def attack(folder: Path) -> None:
        path = folder / "entry.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return attack


def named(name: str, content: bytes) -> Attack:
    """Another predictions.npy or logits.npy, whose digest the entry gives."""

    def attack(folder: Path) -> None:
        (folder / f"{name}.npy").write_bytes(content)
        edit(**{f"{name}_sha256": hashlib.sha256(content).hexdigest()})(folder)

    return attack


def text(change: Callable[[str], str | bytes]) -> Attack:
    """Another text of entry.json."""

    def attack(folder: Path) -> None:
        changed = change((folder / "entry.json").read_text())
        (folder / "entry.json").write_bytes(changed if isinstance(changed, bytes) else changed.encode())

    return attack


def number(key: str, raw: str) -> Attack:
    """Another value, as JSON, where entry.json has a number; as 929b5b9 took text, booleans and fractions."""

    def attack(folder: Path) -> None:
        path = folder / "entry.json"
        content = json.loads(path.read_text())
        place, *parts = content, *key.split(".")
        for part in parts[:-1]:
            place = place[int(part) if part.isdigit() else part]
        place[parts[-1]] = "@"
        path.write_text(json.dumps(content).replace('"@"', raw))

    return attack


def in_seed(**changes: object) -> Attack:
    def attack(folder: Path) -> None:
        seeds = json.loads((folder / "entry.json").read_text())["seeds"]
        edit(seeds=[seeds[0] | changes, seeds[1]])(folder)

    return attack


def sparse(name: str, size: int) -> Attack:
    def attack(folder: Path) -> None:
        with (folder / name).open("wb") as stream:
            stream.truncate(size)

    return attack


def instead(name: str, make: Callable[[Path], object]) -> Attack:
    def attack(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return attack


def linked(levels: int) -> Attack:
    """The entry's folder, or one above it, moved out of the board and linked to."""

    def attack(folder: Path) -> None:
        path = (folder, *folder.parents)[levels]
        path.rename("outside/moved")
        path.symlink_to(Path("outside/moved").absolute())

    return attack


def beside(name: str) -> Attack:
    return lambda folder: shutil.copytree(folder, folder.parent / name)


def moved_to(dataset: str) -> Attack:
    """An entry of another dataset, in that one's place."""

    def attack(folder: Path) -> None:
        edit(dataset=dataset)(folder)
        folder.parents[1].rename(folder.parents[2] / dataset)

    return attack


def of_logits(change: Callable[[np.ndarray], object], dtype: str = "float16") -> Attack:
    """Logits that were changed after they were encoded."""
    logits = np.load(io.BytesIO(encode_logits(LOGITS))).astype(dtype)
    changed = change(logits)
    return named("logits", npy(logits if changed is None else np.asarray(changed)))


def put(index: object, value: float) -> Callable[[np.ndarray], None]:
    return lambda array: array.__setitem__(index, value)


VERIFIED: dict[str, tuple[Attack, str]] = {
    **{f"predictions: {name}": (named("predictions", content), said) for name, (content, said) in ARRAYS.items()},
    **{
        f"{field}: {name}": (edit(**{field: value}), rf"entry\.json: {field}: is not a safe name")
        for field in ("name", "dataset", "configuration")
        for name, value in NAMES.items()
    },
    "dataset: a zip file": (edit(dataset="images.zip"), r"dataset: names a \.zip file"),
    **{
        f"{field}: {name}": (edit(**{field: value}), rf"{field}: holds the control or invisible character")
        for field in (
            "method",
            "description",
            "hardware",
            "command",
            "created",
            "budget",
            "code_revision",
            "outside_data",
        )
        for name, value in UNSEEN.items()
    },
    **{
        f"{kind} in {key}": (number(key, value), rf"{re.escape(key)}: Input should be")
        for kind, value in NO_NUMBERS.items()
        for key in ("seeds.0.parameters", "seeds.0.seed", "seeds.0.training_seconds", "image_size", "accuracy.mean")
        if (kind, key) != ("null", "seeds.0.training_seconds")
    },
    "text for a boolean": (in_seed(large="true"), "large: Input should be a valid boolean"),
    "a number for a boolean": (in_seed(large=1), "large: Input should be a valid boolean"),
    **{
        f"{key}: {kind}": (edit(**{key: [name] if key == "authors" else name}), rf"{key}.*: (holds the|looks like)")
        for kind, name in OTHER_NAMES.items()
        for key in ("method", "authors")
    },
    "link name: full width": (edit(links={"ｃode": "https://example.org"}), r"links\..*: looks like another name"),
    "author: escape": (edit(authors=["\x1b]0;x\x07"]), r"authors\.0: holds the control"),
    "software: bidirectional name": (edit(software={"\u2066torch": "1"}), r"software\..*: holds the control"),
    "action: newline": (in_seed(actions=["a\nb"]), r"seeds\.0\.actions\.0: is no action"),
    "unknown action": (in_seed(actions=["fly"]), r"actions\.0: is no action; choose from: rotation"),
    "unknown group": (in_seed(group="so3"), r"group: is no group; choose from: "),
    "unknown augmentation": (in_seed(augmentations=["../x"]), r"augmentations\.0: is no augmentation"),
    "link name: newline": (edit(links={"a\nb": "https://example.org"}), r"links\..*: holds the control"),
    **{
        f"link: {name}": (edit(links={"code": url}), r"links\.code: String should match") for name, url in LINKS.items()
    },
    "method: too long": (edit(method="a" * 201), "method: String should have at most 200"),
    "description: too long": (edit(description="a" * 2_001), "description: String should have at most 2000"),
    "unknown field": (edit(note="x"), "note: Extra inputs are not permitted"),
    "unknown field with escapes": (edit(**{"\x1b[2J\n": 1}), r"\\x1b\[2J\\n: Extra inputs"),
    "lone surrogate": (text(lambda t: t.replace("Ada", "\\ud800")), "Invalid JSON: unexpected end of hex escape"),
    "raw surrogate": (text(lambda t: t.encode().replace(b"Ada", b"\xed\xa0\x80")), "is not UTF-8"),
    "invalid UTF-8": (text(lambda t: t.encode().replace(b"Ada", b"\xff\xfe")), r"is not UTF-8 \(byte"),
    "UTF-16": (text(lambda t: t.encode("utf-16")), "is not UTF-8"),
    "duplicate key": (text(lambda t: t.replace('"name"', '"name": "a", "name"', 1)), 'key "name" appears twice'),
    "duplicate key below": (text(lambda t: t.replace('"mean"', '"mean": 1, "mean"')), 'key "mean" appears twice'),
    "duplicate key, escaped": (text(lambda t: t.replace('"name"', '"n\\u0061me": "a", "name"', 1)), "appears twice"),
    "deep lists": (text(lambda _: "[" * 200_000), "nested too deeply"),
    "deep objects": (text(lambda _: '{"a":' * 100_000 + "1" + "}" * 100_000), "nested too deeply"),
    "no object": (text(lambda _: "[]"), "entry.json: the file"),
    "no JSON": (text(lambda t: t[:-10]), "entry.json: "),
    "empty": (text(lambda _: ""), "entry.json: "),
    "two documents": (text(lambda t: t + t), "Extra data"),
    "number of 5,000 digits": (text(lambda t: t.replace("25450", "9" * 5_000, 1)), "digits"),
    "NaN": (edit(accuracy={"mean": float("nan"), "low": 0, "high": 1}), r"accuracy\.mean"),
    "infinity": (in_seed(search_seconds=float("inf")), r"search_seconds: Input should be a finite number"),
    "negative parameters": (in_seed(parameters=-1), r"parameters: Input should be greater"),
    "parameters beyond 2^53": (in_seed(parameters=1 << 60), r"parameters: Input should be less"),
    "no seed": (edit(seeds=[]), "seeds: Tuple should have at least 1"),
    "a seed twice": (in_seed(seed=1), "a seed appears twice"),
    "1,001 seeds": (edit(seeds=[{"seed": n, "parameters": 1, "accuracy": 0} for n in range(1001)]), "at most 1000"),
    "an older schema": (edit(schema_version=1), "schema_version"),
    "origin": (edit(origin="maintainer"), "origin"),
    "protocol": (edit(protocol="easy"), "protocol"),
    "unknown dataset": (moved_to("g-mnis"), 'Unknown dataset "g-mnis"'),
    "another dataset": (edit(dataset="g-digits", configuration="aug3"), "belongs in g-digits/aug3/my-network|digest"),
    "another name": (edit(name="other"), "belongs in g-digits/aug2/other"),
    "typed accuracy": (edit(accuracy={"mean": 0.99, "low": 0.98, "high": 1.0}), r"0\.990000 is stated"),
    "typed accuracy of a seed": (in_seed(accuracy=0.99), r"seed 0: accuracy is .*0\.990000 is stated"),
    "forged test digest": (edit(test_content_sha256="0" * 64), "test_content_sha256 is not that of g-digits"),
    "forged version": (edit(dataset_version="9.0.0"), r"g-digits 9\.0\.0 is not available"),
    "digest that is none": (edit(predictions_sha256="xyz"), "predictions_sha256: String should match"),
    "forged digest": (edit(predictions_sha256="0" * 64), r"predictions\.npy was changed"),
    "forged digest of logits": (edit(logits_sha256="0" * 64), r"logits\.npy was changed"),
    "changed predictions": (lambda f: (f / "predictions.npy").write_bytes(npy(GUESSES)), "was changed"),
    "no digest of logits": (edit(logits_sha256=None), r"logits\.npy exists, but"),
    "class that does not exist": (named("predictions", encode_predictions(GUESSES * 0 + 200)), "class 200 does not"),
    "logits: NaN": (of_logits(put((0, 0, 0), np.nan)), r"logits\.npy holds NaN or infinity"),
    "logits: infinity": (of_logits(put((0, 0, 0), -np.inf)), r"logits\.npy holds NaN or infinity"),
    "logits of other predictions": (of_logits(np.negative), "predicted class does not hold the largest logit"),
    "logits: float64": (of_logits(np.copy, "float64"), "expected float16"),
    "logits: shape": (of_logits(lambda a: a[..., :9]), r"expected float16 \(2, 360, 10\), got float16 \(2, 360, 9\)"),
    "logits: Fortran order": (of_logits(np.asfortranarray), "Fortran order"),
    "logits: objects": (named("logits", npy(np.array([Payload()] * 2), allow_pickle=True)), "pickled Python objects"),
    "moved without a digest": (lambda f: (f / "moved.npy").write_bytes(npy(MOVED)), r"moved\.npy exists, but"),
    "moved: forged digest": (
        lambda f: (named("moved", npy(MOVED))(f), (f / "moved.npy").write_bytes(npy(MOVED + 1))),
        r"moved\.npy was changed",
    ),
    "moved: shape": (named("moved", npy(MOVED[:, :5])), r"expected uint8 \(2, 12, 360\), got uint8 \(2, 5, 360\)"),
    "moved: float16": (named("moved", npy(MOVED.astype("float16"))), r"moved\.npy: expected uint8"),
    "moved: class that does not exist": (named("moved", npy(MOVED * 0 + 200)), "class 200 does not exist in g-digits"),
    "moved: objects": (named("moved", npy(np.array([Payload()] * 2), allow_pickle=True)), "pickled Python objects"),
    "huge moved.npy": (sparse("moved.npy", 1 << 40), r"moved\.npy is larger than"),
    "100 MB entry.json": (sparse("entry.json", HUGE), r"entry\.json is larger than 1,048,576 bytes"),
    "huge predictions.npy": (sparse("predictions.npy", 1 << 40), r"predictions\.npy is larger than"),
    "huge logits.npy": (sparse("logits.npy", 1 << 40), r"logits\.npy is larger than"),
    "huge trials.csv": (sparse("trials.csv", HUGE), r"trials\.csv is larger than"),
    "huge search.png": (sparse("search.png", HUGE), r"search\.png is larger than"),
    "huge reproduction.json": (sparse("reproduction.json", HUGE), r"reproduction\.json is larger than"),
    "unknown file": (
        lambda f: (f / "index.html").write_text("x"),
        r"holds index\.html, which does not",
    ),
    "hidden file": (
        lambda f: (f / ".htaccess").write_text("x"),
        r"holds \.htaccess, which does not",
    ),
    "file with escapes": (
        lambda f: (f / "\x1b[2J").write_text("x"),
        r"holds \\x1b\[2J, which does not",
    ),
    "file that is no text": (
        lambda f: Path(os.fsdecode(bytes(f) + b"/\xff")).touch(),
        r"holds \\udcff, which does not",
    ),
    "subfolder": (lambda f: (f / "more").mkdir(), "holds more, which does not"),
    "folder of a file's name": (instead("predictions.npy", Path.mkdir), r"predictions\.npy is not a plain file"),
    "pipe for entry.json": (instead("entry.json", os.mkfifo), r"entry\.json is not a plain file"),
    "pipe for predictions.npy": (instead("predictions.npy", os.mkfifo), r"predictions\.npy is not a plain file"),
    "pipe for trials.csv": (lambda f: os.mkfifo(f / "trials.csv"), r"trials\.csv is not a plain file"),
    "link for entry.json": (
        instead("entry.json", lambda path: path.symlink_to(Path("outside/secret.txt").absolute())),
        r"entry\.json is a symbolic link",
    ),
    "link for predictions.npy": (
        instead("predictions.npy", lambda path: path.symlink_to("/etc/passwd")),
        r"predictions\.npy is a symbolic link",
    ),
    "link that leads nowhere": (lambda f: (f / "search.png").symlink_to("nowhere"), r"search\.png is a symbolic link"),
    "linked entry": (linked(0), "my-network is a symbolic link"),
    "linked configuration": (linked(1), "aug2 is a symbolic link"),
    "linked dataset": (linked(2), "g-digits is a symbolic link"),
    "link to itself": (lambda f: (f.parent / "again").symlink_to("."), "again is a symbolic link"),
    "case collision": (beside("My-Network"), "My-Network and my-network differ in case only"),
    "copied entry": (beside("copy"), "belongs in g-digits/aug2/my-network"),
    "no predictions": (lambda f: (f / "predictions.npy").unlink(), r"predictions\.npy cannot be read \(No such file"),
    "no entry.json": (lambda f: (f / "entry.json").unlink(), r"entry\.json cannot be read \(No such file"),
}


@pytest.mark.parametrize("case", VERIFIED)
def test_a_hostile_entry_is_refused_with_its_reason(case: str, entry: Path, tmp_path: Path) -> None:
    attack, said = VERIFIED[case]
    attack(entry)
    before = snapshot(tmp_path)
    problems = verify(tmp_path / "board")[1]
    assert any(re.search(said, problem) for problem in problems), problems
    assert all(problem.isprintable() and "secret" not in problem.replace("secret.txt", "") for problem in problems)
    assert snapshot(tmp_path) == before
    board = read_board(tmp_path / "board")
    assert entry.name not in [row.entry.name for row in board.rows] or len(list(entry.parent.iterdir())) > 1
    assert any(re.search(said, problem) for problem in board.problems)


def archive(content: bytes = npy(GUESSES), name: str = "predictions.npy", **arguments: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **({"compression": zipfile.ZIP_DEFLATED} | arguments)) as zipped:
        zipped.writestr(name, content)
    return stream.getvalue()


def members(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name that is there twice
        for name in names:
            zipped.writestr(name, npy(GUESSES))
    return stream.getvalue()


def patched(content: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """A zip in which a record says something else."""
    start = content.index(signature) + offset
    return content[:start] + value + content[start + len(value) :]


CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
BOMB = shaped("(2, 360)", GUESSES.tobytes() + bytes(HUGE))


def savez(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def changed(index: object, value: float, dtype: str = "int64") -> bytes:
    array = GUESSES.astype(dtype)
    array[index] = value
    return savez(predictions=array)


def logits_with(value: float) -> bytes:
    logits = LOGITS.copy()
    logits[1, 7, 3] = value
    return savez(logits=logits)


SUBMITTED: dict[str, tuple[bytes, str]] = {
    **{f"predictions: {name}": (archive(content), said) for name, (content, said) in ARRAYS.items()},
    "no file content": (b"", r"is not a \.npz file"),
    "no zip": (b"x" * 1_000, r"is not a \.npz file"),
    "a .npy": (npy(GUESSES), r"is not a \.npz file"),
    "a pickle": (b"\x80\x04}\x94.", r"is not a \.npz file"),
    "truncated": (archive()[:-30], r"is not a \.npz file"),
    "start cut off": (archive()[60:], "is damaged"),
    "comment": (archive() + b"x", r"is not a \.npz file"),
    "bomb behind the array": (archive(BOMB), "holds more than 720 bytes of numbers"),
    "bomb that lies in the list": (
        patched(archive(BOMB), CENTRAL, 24, struct.pack("<L", 100)),
        "holds .* bytes of numbers|is damaged",
    ),
    "bomb that lies twice": (
        patched(
            patched(archive(BOMB), CENTRAL, 24, struct.pack("<L", len(npy(GUESSES)))),
            LOCAL,
            22,
            struct.pack("<L", len(npy(GUESSES))),
        ),
        "holds .* bytes of numbers|is damaged",
    ),
    "wrong checksum": (patched(archive(), CENTRAL, 16, b"\0\0\0\0"), r"is damaged \(Bad CRC"),
    "65,535 arrays": (patched(archive(), END, 8, b"\xff\xff\xff\xff"), "holds 65,535 arrays"),
    "list of 4 GB": (patched(archive(), END, 12, b"\xff\xff\xff\xff"), r"no \.npz as NumPy writes it"),
    "list beyond the end": (patched(archive(), END, 16, b"\xf0\xff\xff\x7f"), "is damaged|holds"),
    "zip64": (archive()[:-22] + b"PK\x06\x07" + bytes(16) + archive()[-22:], r"no \.npz as NumPy writes it"),
    "encrypted": (patched(archive(), CENTRAL, 8, b"\x01\x00"), "is encrypted or packed"),
    "bzip2": (archive(compression=zipfile.ZIP_BZIP2), "packed in an unusual way"),
    "lzma": (archive(compression=zipfile.ZIP_LZMA), "packed in an unusual way"),
    "packed otherwise than it says": (
        patched(archive(bz2.compress(npy(GUESSES)), compression=zipfile.ZIP_STORED), CENTRAL, 10, b"\x08\x00"),
        "is damaged|not a .npy",
    ),
    "two arrays": (members("predictions.npy", "logits.npy"), "holds 2 arrays; expected one, named predictions or"),
    "one array twice": (members("predictions.npy", "predictions.npy"), "holds 2 arrays"),
    "another name": (archive(name="labels.npy"), r"holds labels\.npy; expected one array"),
    "name that leads up": (archive(name="../predictions.npy"), r"holds \.\./predictions\.npy; expected one array"),
    "absolute name": (archive(name="/predictions.npy"), "expected one array"),
    "two names": (
        archive().replace(b"predictions.npy", b"predictionz.npy", 1),
        "is damaged",
    ),
    "class 10": (changed((1, 3), 10), "class 10 does not exist in predictions; the classes are 0 to 9"),
    "class -1": (changed((1, 3), -1), "class -1 does not exist"),
    "class 256, 0 in a byte": (changed((1, 3), 256), "class 256 does not exist"),
    "class 2^63": (changed((1, 3), 1 << 63, "uint64"), "class 9223372036854775808 does not exist"),
    "logits: NaN": (logits_with(np.nan), "logits hold NaN or infinity"),
    "logits: infinity": (logits_with(np.inf), "logits hold NaN or infinity"),
    "logits: 9 classes": (savez(logits=LOGITS[..., :9]), r"expected floats \(2, 360, 10\), got float64 \(2, 360, 9\)"),
    "logits: integers": (savez(logits=LOGITS.astype(int)), r"expected floats \(2, 360, 10\), got int64"),
    "logits: long doubles": (savez(logits=LOGITS.astype(np.longdouble)), "at most 64 bits"),
    "logits: huge": (
        archive(
            with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 360, 10000000000), }"), "logits.npy"
        ),
        r"expected floats \(2, 360, 10\)",
    ),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files that could be submitted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside").mkdir()
    give(tmp_path)
    return tmp_path


def refused(place: Path, said: str) -> None:
    """That these files are refused with this reason in one line, and that nothing but empty folders is written."""
    before = snapshot(place)
    with pytest.raises(GDatasetsError) as raised:
        submit(place / "preds.npz", place / "entry.yaml", place / "board")
    assert re.search(said, str(raised.value)), str(raised.value)
    assert str(raised.value).isprintable()
    after = snapshot(place)
    new = {path for path in after if path not in before}
    assert new <= {"board", "board/g-digits", "board/g-digits/aug2"}
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("case", SUBMITTED)
def test_hostile_predictions_are_refused_with_their_reason(case: str, place: Path) -> None:
    content, said = SUBMITTED[case]
    (place / "preds.npz").write_bytes(content)
    refused(place, said)


def line(old: str, new: str) -> Callable[[str], str]:
    def change(template: str) -> str:
        assert old in template
        return template.replace(old, new, 1)

    return change


def field(name: str, value: str) -> Callable[[str], str]:
    """Another value of a field that stands in one line, each of its characters escaped as YAML does."""
    escaped = "".join(f"\\U{ord(character):08x}" for character in value)
    return lambda template: re.sub(rf"^{name}:.*$", lambda _: f'{name}: "{escaped}"', template, flags=re.MULTILINE)


BILLION = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"

METAS: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    **{
        f"{name}: {kind}": (field(name, value), rf"{name}: is not a safe name")
        for name in ("name", "dataset", "configuration")
        for kind, value in NAMES.items()
    },
    "dataset: a zip file": (field("dataset", "images.zip"), r"dataset: names a \.zip file"),
    **{
        f"{name}: {kind}": (field(name, value), rf"{name}: holds the control or invisible character")
        for name in ("method", "budget", "command", "code_revision", "hardware", "outside_data")
        for kind, value in UNSEEN.items()
    },
    **{
        f"link: {kind}": (line("https://example.org/code", json.dumps(url)), r"links\.code: String should match")
        for kind, url in LINKS.items()
    },
    "billion laughs": (lambda _: BILLION, "anchors and aliases are not read in line 1"),
    "anchor": (line("name: ", "name: &x "), "anchors and aliases are not read"),
    "alias": (line("method: my network", "method: *x"), "anchors and aliases are not read"),
    "merge key": (lambda t: "<<: {name: other}\n" + t, "a key is text, and << is not"),
    "python object": (line("my network", "!!python/object/apply:os.mkdir [executed]"), "tags are not read"),
    "python name": (line("my network", "!!python/name:os.system"), "tags are not read"),
    "binary": (line("my network", "!!binary YQ=="), "tags are not read"),
    "own tag": (line("my network", "!x y"), "tags are not read"),
    "duplicate key": (lambda t: t + "name: other\n", 'the key "name" appears twice in line'),
    "duplicate key below": (
        line("    parameters: 25450 ", "    seed: 7\n    parameters: 25450 "),
        '"seed" appears twice',
    ),
    "number as key": (line("  python:", "  3:"), "a key is text, and 3 is not"),
    "list as key": (lambda t: t + "? [a]\n: b\n", "a key is text"),
    "two documents": (lambda t: t + "---\nname: other\n", "but found another document|expected a single document"),
    "deep lists": (lambda _: "[" * 20_000, "nested too deeply"),
    "deep mappings": (lambda _: "{a: " * 10_000, "nested too deeply|key"),
    "no YAML": (lambda t: t + "\t- : [", "found character|found unexpected|could not"),
    "a list": (lambda _: "[]", "the file: Input should be a valid dictionary"),
    "nothing": (lambda _: "", "the file: Input should be a valid dictionary"),
    "too large": (lambda t: t + "#" * (64 << 10), "is larger than 65,536 bytes"),
    "invalid UTF-8": (lambda t: t.encode().replace(b"Ada", b"\xff"), "is not UTF-8"),
    "UTF-16": (lambda t: t.encode("utf-16"), "is not UTF-8"),
    "escape character": (line("my network", "\x1b[2J"), "special characters are not allowed|unacceptable character"),
    "number of 5,000 digits": (line("25450", "9" * 5_000), "digits"),
    "a date": (line("10 epochs, 16 networks", "2026-01-01"), "budget: Input should be a valid string"),
    "typed accuracy": (lambda t: t + "accuracy: 0.99\n", "accuracy: Extra inputs are not permitted"),
    "typed accuracy of a seed": (line("  - seed: 0 ", "  - accuracy: 0.99\n    seed: 0 "), "accuracy: Extra inputs"),
    "typed origin": (lambda t: t + "origin: baseline\n", "origin: Extra inputs are not permitted"),
    "a seed twice": (line("seed: 1\n", "seed: 0\n"), "a seed appears twice"),
    "negative parameters": (line("25450", "-1"), "parameters: Input should be greater"),
    "text for a number": (line("25450", '"25450"'), "parameters: Input should be a valid integer"),
    "boolean for a number": (line("25450", "true"), "parameters: Input should be a valid integer"),
    "boolean for seconds": (line("61.5", "true"), "search_seconds: Input should be a valid number"),
    "text for seconds": (line("61.5", "'61.5'"), "search_seconds: Input should be a valid number"),
    "a fraction for a count": (line("25450", "25450.0"), "parameters: Input should be a valid integer"),
    **{
        f"method: {kind}": (line("my network", json.dumps(name)), "method: (holds the|looks like)")
        for kind, name in OTHER_NAMES.items()
    },
    "infinite seconds": (line("61.5", ".inf"), "search_seconds: Input should be a finite number"),
    "seconds that are none": (line("61.5", ".nan"), "search_seconds: Input should be"),
    "no method": (field("method", ""), "method: String should have at least 1"),
    "description: too long": (field("command", "a" * 2_001), "command: String should have at most 2000"),
    "unknown dataset": (field("dataset", "g-mnis"), 'Unknown dataset "g-mnis"'),
    "unknown configuration": (field("configuration", "aug9"), 'Unknown configuration of g-digits "aug9"'),
    "unknown protocol": (field("protocol", "easy"), "protocol: Input should be"),
}


@pytest.mark.parametrize("case", METAS)
def test_a_hostile_description_is_refused_with_its_reason(case: str, place: Path) -> None:
    change, said = METAS[case]
    changed = change(TEMPLATE)
    (place / "entry.yaml").write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    refused(place, said)


def link_out(*parts: str) -> Attack:
    """A part of the output folder that leads elsewhere."""

    def attack(place: Path) -> None:
        path = place.joinpath("board", *parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(place / "outside")

    return attack


PLACES: dict[str, tuple[Attack, str]] = {
    "linked dataset": (link_out("g-digits"), "g-digits is a symbolic link"),
    "linked configuration": (link_out("g-digits", "aug2"), "aug2 is a symbolic link"),
    "linked entry": (link_out("g-digits", "aug2", "my-network"), "my-network is a symbolic link"),
    "case collision": (
        lambda place: (place / "board/g-digits/aug2/My-Network").mkdir(parents=True),
        "my-network differs from My-Network in case only",
    ),
    "case collision of the dataset": (
        lambda place: (place / "board/G-Digits").mkdir(parents=True),
        "g-digits differs from G-Digits in case only",
    ),
    "taken": (lambda place: (place / "board/g-digits/aug2/my-network").mkdir(parents=True), "exists; choose another"),
    "pipe for predictions": (lambda place: instead("preds.npz", os.mkfifo)(place), "is not a plain file"),
    "pipe for the description": (lambda place: instead("entry.yaml", os.mkfifo)(place), "is not a plain file"),
    "folder for predictions": (lambda place: instead("preds.npz", Path.mkdir)(place), "is not a plain file"),
    "device for the description": (
        lambda place: instead("entry.yaml", lambda path: path.symlink_to("/dev/zero"))(place),
        "is not a plain file",
    ),
    "no predictions": (lambda place: (place / "preds.npz").unlink(), "cannot be read"),
    "huge predictions": (sparse("preds.npz", 1 << 40), "is larger than"),
    "huge description": (sparse("entry.yaml", 1 << 40), "is larger than"),
}


@pytest.mark.parametrize("case", PLACES)
def test_hostile_places_are_refused_with_their_reason(case: str, place: Path) -> None:
    attack, said = PLACES[case]
    attack(place)
    refused(place, said)


def test_the_size_that_the_archive_states_is_not_believed(place: Path) -> None:
    (place / "preds.npz").write_bytes(patched(archive(), CENTRAL, 24, b"\xfe\xff\xff\x7f"))
    folder = submit(place / "preds.npz", place / "entry.yaml", place / "board")
    assert np.array_equal(np.load(folder / "predictions.npy"), GUESSES)


def test_markup_in_every_text_field_is_kept_as_text_and_escaped_in_the_tables(entry: Path, tmp_path: Path) -> None:
    texts = ("method", "description", "budget", "command", "code_revision", "hardware", "outside_data", "created")
    edit(
        **dict.fromkeys(texts, MARKUP),
        authors=[MARKUP],
        links={MARKUP: "https://example.org/"},
        software={MARKUP: MARKUP},
    )(entry)
    assert verify(tmp_path / "board")[1] == []
    assert Entry.model_validate_json((entry / "entry.json").read_text()).method == MARKUP
    table = render(read_board(tmp_path / "board"))
    assert "alert" in table
    assert "<" not in table
    assert "](javascript" not in table
    heading, row = (next(line for line in table.splitlines() if word in line) for word in ("| rank |", "alert"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", heading))
