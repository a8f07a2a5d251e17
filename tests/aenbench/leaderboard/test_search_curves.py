"""A search's trials and progress, from a file that nobody vouches for."""

import csv
from pathlib import Path

import pytest

from aenbench.errors import EntryError
from aenbench.leaderboard.search_curves import COLUMNS, MAX_POINTS, MAX_SEARCHES, MAX_TRIALS, progress, read_trials
from aenbench.search.record import Trial, trials_csv

HEADER = ",".join(COLUMNS)
ROW = "0,1,01,01,0.5,1,0.3,-1.25"


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    (folder / "trials.csv").write_text("\n".join([header, *rows]))
    return folder


def search(*values: float, seed: int = 0) -> list[str]:
    return [f"{seed},{number},1,1,{value},{number},," for number, value in enumerate(values, start=1)]


def test_what_a_search_writes_is_read(tmp_path: Path) -> None:
    trials = [[Trial("010", "010", 0.5, 1), Trial("100", "110", 0.25, 7, 0.5, -3.4e38)], [Trial("", "", 1.0, 3)]]
    (tmp_path / "trials.csv").write_bytes(trials_csv(trials))
    assert read_trials(tmp_path) == {0: [("010", 0.5, 1), ("100", 0.25, 7)], 1: [("", 1.0, 3)]}


def test_the_best_so_far_never_falls(tmp_path: Path) -> None:
    write(tmp_path, *search(0.5, seed=1), *search(0.2, 0.6, 0.4))
    found = progress(read_trials(tmp_path))
    assert found == {0: [(1, 0.2, 0.2), (2, 0.6, 0.6), (3, 0.4, 0.6)], 1: [(1, 0.5, 0.5)]}


def test_no_search_no_progress(tmp_path: Path) -> None:
    assert progress(read_trials(tmp_path)) == {}


def test_long_searches_are_thinned_and_keep_their_ends(tmp_path: Path) -> None:
    values = [number / 5_000 for number in range(5_000)]
    write(tmp_path, *(row for seed in range(12) for row in search(*values, seed=seed)))
    found = progress(read_trials(tmp_path))
    assert list(found) == list(range(MAX_SEARCHES))
    points = found[0]
    assert len(points) <= MAX_POINTS + 2
    assert (points[0].number, points[-1].number, points[-1].best) == (1, 5_000, 4_999 / 5_000)


def changed(column: str, value: str) -> str:
    [row] = csv.reader([ROW])
    return ",".join(value if name == column else old for name, old in zip(COLUMNS, row, strict=True))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("value", value) for value in ("nan", "inf", "1.5", "-0.1", "x", "", "1e999", "0" * 50, '"0.5')),
        *(("seed", value) for value in ("-1", "9" * 99, "1.0", "²", "", " 1", "+1", "1_0")),
        *(("network", value) for value in ("0", "2", "-1", "", "x")),
        *(("state", value) for value in ("2", "1" * 300, "x")),
        *(("canonical", value) for value in ("=1+1", "1" * 300)),
        *(("states_visited", value) for value in ("0", "9" * 12, "", "nan")),
        *(("epsilon", value) for value in ("nan", "2", "-1", "x")),
        *(("reward", value) for value in ("nan", "inf", "1e300", "-1e39", "x")),
    ],
)
def test_a_number_out_of_its_bounds_is_refused(tmp_path: Path, column: str, value: str) -> None:
    read_trials(write(tmp_path, ROW))
    with pytest.raises(EntryError, match=r"trials\.csv is malformed \((row 2|unexpected end)"):
        read_trials(write(tmp_path, changed(column, value)))


@pytest.mark.parametrize("row", ["0", "0,1,01", ROW + ",1", "", ROW.removesuffix(",-1.25")])
def test_a_row_of_other_columns_is_refused(tmp_path: Path, row: str) -> None:
    """929b5b9: a row without its seed ended in a traceback (`NoneType` has no `isascii`)."""
    with pytest.raises(EntryError, match=r"row 3: \d of 8 values|row 3: 0 of 8 values"):
        read_trials(write(tmp_path, ROW, row, changed("network", "3")))


@pytest.mark.parametrize("header", ["", "seed,value", "value,seed", HEADER + ",more", HEADER.upper(), "no table"])
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    """929b5b9: `seed` and `value` were enough, whatever else was there or missing."""
    with pytest.raises(EntryError, match=r"trials\.csv is malformed \(its columns are .* expected columns seed,"):
        read_trials(write(tmp_path, header=header))


def test_networks_are_counted_and_states_grow(tmp_path: Path) -> None:
    for second in ("0,3,1,1,0.5,2,,", "0,1,1,1,0.5,2,,", "0,2,1,1,0.5,1,,"):
        with pytest.raises(EntryError, match=r"row 3: (network|states_visited) \d, expected"):
            read_trials(write(tmp_path, ROW, second))


def test_rows_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, *(f"0,{number},,,0.5,{number},," for number in range(1, MAX_TRIALS + 2)))
    with pytest.raises(EntryError, match="more than 100,000 rows"):
        read_trials(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_bytes(HEADER.encode() + b"\n0,\xff")
    with pytest.raises(EntryError, match=r"trials\.csv is malformed"):
        read_trials(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text(HEADER)
    (tmp_path / "trials.csv").symlink_to("real.csv")
    with pytest.raises(EntryError, match="symbolic link"):
        read_trials(tmp_path)
