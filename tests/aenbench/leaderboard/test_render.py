"""The generated files: together, equal for equal entries, and their drift is seen."""

from pathlib import Path

from aenbench.leaderboard.render import drifted, write_generated
from aenbench.leaderboard.site.payload import Section

NAMES = {"README.md", "index.html", "entry.schema.json", "results.json", "results.parquet"}


def names(paths: list[Path]) -> set[str]:
    return {path.name for path in paths}


def test_drift_is_seen_in_each_file(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "one", 40)
    assert names(drifted(tmp_path)[0]) == NAMES
    assert names(write_generated(tmp_path)[0]) == NAMES
    assert drifted(tmp_path) == ([], ())
    for name in sorted(NAMES):
        path = tmp_path / name
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"a", b"f", 1))
        assert drifted(tmp_path) == ([path], ())
        path.write_bytes(kept)
    make_entry(tmp_path, "two", 50)
    assert names(drifted(tmp_path)[0]) == NAMES - {"entry.schema.json"}


def test_equal_entries_give_equal_bytes(tmp_path: Path, make_entry) -> None:
    contents = []
    for place, order in (("a", ("one", "two")), ("b", ("two", "one"))):
        for name in order:
            make_entry(tmp_path / place, name, 40)
        contents.append([path.read_bytes() for path in write_generated(tmp_path / place)[0]])
    assert contents[0] == contents[1]


def test_an_entry_that_is_wrong_is_named_and_left_out(tmp_path: Path, make_entry) -> None:
    """929b5b9: nothing was written while one entry was wrong."""
    make_entry(tmp_path, "one", 40)
    before = {path.name: path.read_bytes() for path in write_generated(tmp_path)[0]}
    folder = make_entry(tmp_path, "broken", 40, extras={"trials.csv": b"no table"})
    paths, [problem] = write_generated(tmp_path)
    assert problem.startswith(f"{folder / 'trials.csv'} is malformed")
    assert {path.name: path.read_bytes() for path in paths} == before
    assert drifted(tmp_path) == ([], (problem,))


def test_a_section_that_is_made_elsewhere_stands_on_the_page_and_ends_no_script(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "one", 40)
    section = Section("Elsewhere", "A note.", ("name",), (("</script><b>",),))
    plain = {path.name: path.read_bytes() for path in write_generated(tmp_path)[0]}
    assert names(drifted(tmp_path, sections=[section])[0]) == {"index.html"}
    page = {path.name: path.read_bytes() for path in write_generated(tmp_path, sections=[section])[0]}["index.html"]
    assert b'"sections":[{"title":"Elsewhere"' in page
    assert page.count(b"</script>") == plain["index.html"].count(b"</script>")
    assert drifted(tmp_path, sections=[section]) == ([], ())


def test_nothing_is_written_where_no_entry_is_left(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "broken", 40, extras={"trials.csv": b"no table"})
    assert write_generated(tmp_path)[0] == []
    assert {path.name for path in tmp_path.iterdir()} == {"g-digits"}


def test_the_committed_page_stays_within_its_budget() -> None:
    page = Path(__file__).parents[3] / "leaderboards" / "index.html"
    assert page.stat().st_size < 3_000_000
