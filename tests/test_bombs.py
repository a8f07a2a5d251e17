"""Files under 10 kB that unpack to gigabytes, given to the commands: one line, an exit code, little memory and time.

At 929b5b9 a table of 2,847 bytes took 5.5 GB, a shard of 9,016 bytes 13.5 GB, and an archive of 1.9 MB 2.2 GB.
"""

import bz2
import json
import os
import shutil
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import indent

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from gdatasets.files import file_sha256
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import read_manifest, write_manifest
from gdatasets.folder.shards import schema

ROOT = Path(__file__).resolve().parents[1]
GIGABYTE = 1 << 30

pytestmark = pytest.mark.slow


ZEROS_OF_A_BLOCK = 45_899_235  # as many as bzip2 packs at a time: 179,997 runs of 255


def packed_zeros(size: int) -> bytes:
    """So many zeros or a few more as bzip2, which packs a gigabyte into less than a kilobyte.

    Only one block is packed, and its bits are repeated: packing eight gigabytes would take half a minute.
    """
    bits = "".join(f"{byte:08b}" for byte in bz2.compress(bytes(ZEROS_OF_A_BLOCK)))
    end = f"{0x177245385090:048b}"  # bzip2's mark
    head, block = bits[:32], bits[32 : bits.index(end)]
    check, blocks = 0, -(-size // ZEROS_OF_A_BLOCK)
    for _ in range(blocks):  # of all blocks: turned by a bit, and the next block's
        check = ((check << 1 | check >> 31) & 0xFFFFFFFF) ^ int(block[48:80], 2)
    whole = head + block * blocks + end + f"{check:032b}"
    return bytes(int(whole[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(whole), 8))


def test_repeated_blocks_unpack_to_zeros() -> None:
    assert bz2.decompress(packed_zeros(ZEROS_OF_A_BLOCK + 1)) == bytes(2 * ZEROS_OF_A_BLOCK)


def zip_with(path: Path, name: str, packed: bytes, declared: int) -> Path:
    """An archive with one bzip2 member that declares a length of its own."""
    crc = 0
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 46, 0, 12, 0, 33, crc, len(packed), declared, len(name), 0)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 46, 46, 0, 12, 0, 33, crc, len(packed), declared, len(name), 0, 0, 0, 0, 0, 0
    )
    body = head + name.encode() + packed
    directory = entry + name.encode()
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def png(width: int, height: int, *, rows: int = 0, text: bytes = b"") -> bytes:
    """A gray PNG that declares a size, with some rows of zeros, and perhaps a packed text."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress(bytes(rows * (width + 1)), 9)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + text + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def table_of(column: pa.Array, folder: Path) -> list[str]:
    folder.mkdir()
    pq.write_table(pa.table({"accuracy": column}), folder / "t.parquet", compression="zstd", compression_level=19)
    return ["aenbench", "tables", "--check", "--dir", str(folder)]


def table_of_numbers(place: Path) -> list[str]:
    numbers = pa.array(np.zeros(300_000_000, np.int8))
    return table_of(pa.ListArray.from_arrays([0, len(numbers)], numbers), place / "tables")


def table_of_texts(place: Path) -> list[str]:
    texts = pa.DictionaryArray.from_arrays(np.zeros(4_096, np.int32), pa.array(["x" * (8 << 20)]))
    return table_of(texts, place / "tables")


def folder_with(image: bytes, rows: int, place: Path) -> list[str]:
    """A built dataset one shard of which is a bomb, and whose manifest agrees."""
    folder = place / "g-digits"
    build_dataset("g-digits", ["c4"], folder)
    path = next((folder / "c4").glob("test-*"))
    wanted = schema(tuple(map(str, range(10))))
    numbers = pa.array(np.zeros(rows, np.int64))
    images = pa.StructArray.from_arrays([pa.array([image] * rows), pa.nulls(rows, pa.string())], ["bytes", "path"])
    small = [pa.array(np.zeros(rows, np.int16))] * 3
    columns = [images, numbers, numbers, pa.array(["0" * 12] * rows), *small]
    pq.write_table(pa.table(columns, schema=wanted), path, compression="zstd", compression_level=19)
    manifest = read_manifest(folder)
    config = manifest.configurations["c4"]
    now = {"bytes": path.stat().st_size, "sha256": file_sha256(path), "samples": rows}
    shard = config.splits["test"].shards[0].model_copy(update=now)
    split = config.splits["test"].model_copy(update={"shards": [shard], "samples": rows})
    splits = {**config.splits, "test": split}
    shape = {"image_shape": [4_096, 4_096]} if image.startswith(png(4_096, 4_096)[:24]) else {}
    forged = {"configurations": {"c4": config.model_copy(update={"splits": splits})}, **shape}
    write_manifest(folder, manifest.model_copy(update=forged))
    shutil.copy(path, place / "bomb")
    return ["gdatasets", "verify", str(folder)]


def submission(predictions: Path, place: Path) -> list[str]:
    meta = {
        "name": "mine",
        "method": "mine",
        "authors": ["A"],
        "dataset": "g-digits",
        "configuration": "c4",
        "budget": "none",
        "seeds": [{"seed": 0, "parameters": 1}],
    }
    (place / "entry.yaml").write_text(yaml.safe_dump(meta))
    where = ["--predictions", str(predictions), "--meta", str(place / "entry.yaml"), "--out", str(place / "board")]
    return ["aenbench", "submit", *where]


def huge_npy_header(place: Path) -> list[str]:
    text = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 10000000000), }".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    with zipfile.ZipFile(place / "p.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("predictions.npy", array)
    return submission(place / "p.npz", place)


def images_from(source: Path) -> list[str]:
    return ["gdatasets", "build", "--source", str(source), "--config", "c4", "--out", str(source.parent / "out")]


def image_folder(image: bytes, place: Path) -> list[str]:
    for split in ("train", "test"):
        for label in ("a", "b"):
            (place / "images" / split / label).mkdir(parents=True)
            (place / "images" / split / label / "0.png").write_bytes(image)
    return images_from(place / "images")


def packed_text(place: Path) -> list[str]:
    """A comment of 9 MB, packed into 9 kB; then pixels that are too few."""
    data = b"Comment\x00\x00" + zlib.compress(bytes(9 << 20), 9)
    text = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    return image_folder(png(28, 28, rows=3, text=text), place)


def entry_text(text: str) -> Callable[[Path], list[str]]:
    def make(place: Path) -> list[str]:
        folder = place / "g-digits" / "c4" / "mine"
        folder.mkdir(parents=True)
        (folder / "entry.json").write_text(text)
        return ["aenbench", "verify", str(place)]

    return make


def nested_manifest(place: Path) -> list[str]:
    (place / "g-digits").mkdir()
    (place / "g-digits" / "manifest.json").write_text("[" * 9_000)
    return ["gdatasets", "verify", str(place / "g-digits")]


def nested_yaml(place: Path) -> list[str]:
    """Nine levels of nine aliases: 387 million strings."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    np.savez(place / "p.npz", predictions=np.zeros((1, 360), np.int64))
    command = submission(place / "p.npz", place)
    (place / "entry.yaml").write_text("\n".join(lines))
    return command


BOMBS: dict[str, Callable[[Path], list[str]]] = {
    "a table with one long list": table_of_numbers,
    "a table that names one long text often": table_of_texts,
    "a shard that names one long image often": lambda place: folder_with(bytes(1 << 20), 500, place),
    "a shard of images of 16 million pixels": lambda place: folder_with(png(4_096, 4_096, rows=10), 500, place),
    "a .npz of 8 GB": lambda place: submission(
        zip_with(place / "p.npz", "predictions.npy", packed_zeros(8 * GIGABYTE), 2**32 - 2), place
    ),
    "a .npz whose header says 80 GB": huge_npy_header,
    "an archive of 8 GB that says so": lambda place: images_from(
        zip_with(place / "x.zip", "train/a/0.png", packed_zeros(8 * GIGABYTE), 2**32 - 2)
    ),
    "an archive of 8 GB that says 100 bytes": lambda place: images_from(
        zip_with(place / "x.zip", "train/a/0.png", packed_zeros(8 * GIGABYTE), 100)
    ),
    "a PNG of 3,600 million pixels": lambda place: image_folder(png(60_000, 60_000), place),
    "a PNG with a packed text": packed_text,
    "JSON nested 9,000 deep": entry_text("[" * 9_000),
    "a number of 9,000 digits": entry_text('{"seed": ' + "9" * 9_000 + "}"),
    "a manifest nested 9,000 deep": nested_manifest,
    "YAML of 387 million strings": nested_yaml,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_takes_little_memory_and_time(name: str, tmp_path: Path) -> None:
    command = BOMBS[name](tmp_path)
    bomb = tmp_path / "bomb"
    sizes = [path.stat().st_size for path in ([bomb] if bomb.exists() else tmp_path.rglob("*")) if path.is_file()]
    assert max(sizes) < 10_000
    code, lines, peak, seconds = measured(command, tmp_path)
    assert code in (1, 2), lines
    assert 1 <= len(lines) <= (12 if "shard" in name else 2), lines  # `verify` names all that differs
    assert "Traceback" not in "".join(lines)
    assert peak <= GIGABYTE
    assert seconds <= 10


def measured(command: list[str], place: Path) -> tuple[int, list[str], int, float]:
    """Exit code, lines, highest memory of all its processes together in bytes, their seconds of processor time."""
    program = f"from {command[0]}.cli.main import main; import sys; sys.argv = {json.dumps(command)}; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    start, before, peak, output = time.monotonic(), os.times(), 0, place / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=place
        ) as running,
    ):
        watched = psutil.Process(running.pid)
        while running.poll() is None:
            with suppress(psutil.Error):
                if memory(watched, exactly=False) > peak:
                    peak = max(peak, memory(watched, exactly=True))
            if time.monotonic() - start > 60:
                for process in [*watched.children(recursive=True), watched]:
                    process.kill()
            time.sleep(0.01)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return running.returncode, output.read_text(encoding="utf-8").splitlines(), peak, seconds


def memory(watched: psutil.Process, exactly: bool) -> int:
    """Bytes of memory of a process and its children together.

    Exactly (on Linux) a page that several processes share counts as one page; this takes longer to read. A child that
    has not yet begun its own program still runs in its parent's memory (vfork): its numbers are its parent's, and are
    not added. A share of pages (PSS) would not tell them: it falls whenever another process opens the same library. A
    process that ended while it was read has no address space left and is not added either. Only numbers of one moment
    are compared: a process may end between two readings.
    """

    def numbers(process: psutil.Process) -> tuple[tuple[int, int], int]:
        info = process.memory_full_info() if exactly and psutil.LINUX else process.memory_info()
        return (info.vms, info.rss), getattr(info, "pss", info.rss)

    found = {process: numbers(process) for process in (watched, *watched.children(recursive=True))}
    sizes = {process: size for process, (size, _) in found.items()}
    return sum(
        taken for process, (size, taken) in found.items() if size != (0, 0) and size != sizes.get(process.parent())
    )


def program(place: Path, text: str) -> list[str]:
    """A command whose `main` is this text."""
    (place / "other" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py"):
        (place / "other" / name).touch()
    (place / "other/cli/main.py").write_text(f"def main():\n{indent(text, '    ')}")
    return ["other"]


no_fork = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@pytest.mark.parametrize("forks", [0, pytest.param(1, marks=no_fork)])
def test_memory_is_seen(forks: int, tmp_path: Path) -> None:
    """Negative control: a command that takes 1.1 gigabytes, itself or in two processes."""
    text = f"""
import os, time
forked = {forks} and os.fork()
held = bytearray(b'x') * ({1100 >> forks} << 20)
time.sleep(1.5)
forked and os.wait()
"""
    assert measured(program(tmp_path, text), tmp_path)[2] > GIGABYTE


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Python starts processes in another way")
def test_memory_before_a_program_begins_counts_once(tmp_path: Path) -> None:
    """A process of 800 MB whose child, still in its parent's memory, looks for its program in many folders."""
    text = """
import contextlib, subprocess
held = bytearray(b'x') * (800 << 20)
with contextlib.suppress(FileNotFoundError):
    subprocess.run(['no-program'], env={'PATH': ':'.join(['/no-folder'] * 200_000)})
"""
    assert 800 << 20 < measured(program(tmp_path, text), tmp_path)[2] < 900 << 20
