"""What a build leaves behind when it is killed, raced, or out of disk."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gdatasets.folder.build import BuildOptions, build_dataset
from gdatasets.folder.manifest import NAME, read_manifest
from gdatasets.folder.verify import verify_folder
from gdatasets.generation.specs import pinned_digest

CONFIGS = ("aug2", "c4", "d4-roll")
KILLS = 30
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
COMMAND = "import sys; from gdatasets.cli.main import main\nif __name__ == '__main__': main()"


def start(out: Path, *options: str) -> subprocess.Popen[str]:
    script = out.parent / "gdatasets_command.py"  # a file, since workers import the main module
    script.write_text(COMMAND)
    arguments = [sys.executable, str(script), "build", "g-digits", *CONFIGS, "--out", str(out), "--quiet", *options]
    return subprocess.Popen(arguments, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said on standard error."""
    error = process.communicate()[1]
    return process.returncode, error


def assert_nothing_half_written(out: Path) -> None:
    """Outside `.partial`, all that a manifest lists is right, and no name promises what is not there."""
    if (out / NAME).exists():
        manifest = read_manifest(out)
        shards = [s for c in manifest.configurations.values() for split in c.splits.values() for s in split.shards]
        assert all((out / shard.path).stat().st_size == shard.bytes for shard in shards)
    for shard in out.glob("[!.]*/*.parquet"):
        content = shard.read_bytes()
        assert content[:4] == content[-4:] == b"PAR1"


def assert_complete(out: Path) -> None:
    assert verify_folder(out).findings == []
    manifest = read_manifest(out)
    assert set(manifest.configurations) == set(CONFIGS)
    for name, config in manifest.configurations.items():
        for split, record in config.splits.items():
            assert record.content_sha256 == pinned_digest("g-digits", name, split)
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


@pytest.mark.slow
def test_a_build_killed_at_thirty_random_moments_resumes_every_time(tmp_path: Path, warm_python: Any) -> None:
    """Some builds may end before they are killed, since their time is only guessed."""

    def start(out: Path) -> Any:
        options = ["build", "g-digits", *CONFIGS, "--out", str(out), "--quiet", "--shard-size", "200"]
        return warm_python.start(COMMAND, options)

    def timed(name: str) -> float:
        began = time.monotonic()
        process = start(tmp_path / name)
        assert (process.wait(), process.stderr) == (0, "")
        return time.monotonic() - began

    whole = min(timed("first"), timed("second"))
    rng = random.Random(0)
    killed = 0
    for trial in range(3 * KILLS):
        out = tmp_path / str(trial)
        process = start(out)
        try:
            process.wait(rng.uniform(0.02, 0.95) * whole)
        except TimeoutError:
            killed += 1
        process.kill()
        assert_nothing_half_written(out)
        build_dataset("g-digits", CONFIGS, out, options=BuildOptions(shard_size=200))
        assert_complete(out)
        if killed == KILLS:
            return
    pytest.fail(f"Of {trial + 1} builds only {killed} were still running when they were to be killed.")


@pytest.mark.slow
def test_workers_end_when_their_build_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path / "a", "--shard-size", "50", "--workers", "2")
    workers: set[int] = set()
    while process.poll() is None and len(workers) < 2:
        workers = children(process.pid)
        time.sleep(0.02)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if psutil.pid_exists(pid)]
    build_dataset("g-digits", CONFIGS, tmp_path / "a", options=BuildOptions(shard_size=50))
    assert_complete(tmp_path / "a")


def children(pid: int) -> set[int]:
    try:
        return {child.pid for child in psutil.Process(pid).children()}
    except psutil.NoSuchProcess:
        return set()


@pytest.mark.slow
def test_of_two_builds_into_one_folder_one_wins_or_both_agree(tmp_path: Path) -> None:
    out = tmp_path / "a"
    processes = [start(out, "--shard-size", "200"), start(out, "--shard-size", "500")]
    ended = [finish(process) for process in processes]
    assert 0 in [code for code, _ in ended]
    for code, error in ended:
        assert code in (0, 2)
        if code:
            assert "Another process (number " in error
            assert error.count("\n") == 1
    assert_complete(out)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_the_build_resumes(small_disk: Path) -> None:
    out = small_disk / "a"
    code, error = finish(start(out, "--shard-size", "200"))
    assert code == 2
    assert error.count("\n") == 1
    assert "No space left" in error
    assert_nothing_half_written(out)
    assert not list(out.rglob("*.part"))
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert finish(start(out, "--shard-size", "200")) == (0, "")
    assert_complete(out)
