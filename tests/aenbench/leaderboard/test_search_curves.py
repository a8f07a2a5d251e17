"""A search's progress, from a file that nobody vouches for."""

from pathlib import Path

import pytest

from aenbench.errors import EntryError
from aenbench.leaderboard.search_curves import MAX_POINTS, MAX_SEARCHES, read_progress


def write(folder: Path, *rows: str) -> Path:
    (folder / "trials.csv").write_text("\n".join(["seed,network,value", *rows]))
    return folder


def test_the_best_so_far_never_falls(tmp_path: Path) -> None:
    write(tmp_path, "1,1,0.5", "0,1,0.2", "0,2,0.6", "0,3,0.4")
    assert read_progress(tmp_path) == {0: [(1, 0.2, 0.2), (2, 0.6, 0.6), (3, 0.4, 0.6)], 1: [(1, 0.5, 0.5)]}


def test_no_search_no_progress(tmp_path: Path) -> None:
    assert read_progress(tmp_path) == {}


def test_long_searches_are_thinned_and_keep_their_ends(tmp_path: Path) -> None:
    write(tmp_path, *(f"{seed},{n},{n / 5_000}" for seed in range(12) for n in range(5_000)))
    progress = read_progress(tmp_path)
    assert list(progress) == list(range(MAX_SEARCHES))
    points = progress[0]
    assert len(points) <= MAX_POINTS + 2
    assert (points[0].networks, points[-1].networks, points[-1].best) == (1, 5_000, 4_999 / 5_000)


@pytest.mark.parametrize("row", ["0,1,nan", "0,1,1.5", "0,1,x", "-1,1,0.5", "0", f"{'9' * 99},1,0.5", '0,1,"0.5'])
def test_other_rows_are_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(EntryError, match=r"trials\.csv is malformed"):
        read_progress(write(tmp_path, row))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_bytes(b"seed,value\n0,\xff")
    with pytest.raises(EntryError, match=r"trials\.csv is malformed"):
        read_progress(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("seed,value\n0,0.5")
    (tmp_path / "trials.csv").symlink_to("real.csv")
    with pytest.raises(EntryError, match="symbolic link"):
        read_progress(tmp_path)
