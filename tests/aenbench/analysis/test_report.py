"""An analysis as files, and the trials that it is made of."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.analysis.anova import Analysis, analyze
from aenbench.analysis.report import MAX_TRIALS_BYTES, analyze_table, markdown, picture, read_trials, write_analysis
from aenbench.errors import EntryError
from aenbench.models.gcnn import GCNNSpace
from aenbench.search.record import Trial
from aenbench.tables.parquet import read_table

ROOT = Path(__file__).parents[3]
SPACE = GCNNSpace()
HEADER = "seed,network," + ",".join(field.name for field in fields(Trial))  # as a run writes it


def values(seeds: int) -> dict[str, list[float]]:
    generator = np.random.default_rng(0)
    return {n: (0.5 + 0.2 * int(n[0]) + 0.01 * generator.normal(size=seeds)).tolist() for n in SPACE.networks}


def trials(folder: Path, *lines: str) -> Path:
    (folder / "trials.csv").write_text("\n".join([HEADER, *lines, ""]))
    return folder


def test_trials_of_all_seeds_are_read(tmp_path: Path) -> None:
    folder = trials(tmp_path, "0,1,0000000001,0000000001,0.5,1,1.0,", "1,1,0000000001,0000000001,0.75,1,1.0,2.5")
    assert read_trials(folder) == {"0000000001": [0.5, 0.75]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0,1,0000000001,0000000001,nan,1,1.0,", "malformed"),
        ("0,1,0000000001,0000000001,1.5,1,1.0,", "malformed"),
        ("0,1,0000000001,0000000001,much,1,1.0,", "malformed"),
        ("0,1,0000000001", "malformed"),
    ],
)
def test_a_damaged_line_is_said_in_one_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(EntryError, match=message) as caught:
        read_trials(trials(tmp_path, line))
    assert "\n" not in str(caught.value)


def test_a_folder_without_trials_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match="name the folder of a run that searched"):
        read_trials(tmp_path)
    with pytest.raises(EntryError, match="holds no trials"):
        read_trials(trials(tmp_path))
    (tmp_path / "trials.csv").write_text("a,b\n1,2\n")
    with pytest.raises(EntryError, match="expected columns canonical and value"):
        read_trials(tmp_path)
    (tmp_path / "trials.csv").write_bytes(b"canonical,value\n\xff\xfe,1\n")
    with pytest.raises(EntryError, match="malformed"):
        read_trials(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "trials.csv").open("wb") as stream:
        stream.truncate(MAX_TRIALS_BYTES + 1)
    with pytest.raises(EntryError, match="larger than"):
        read_trials(tmp_path)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyze(SPACE, values(2))


def test_the_files_hold_every_share(
    analysis: Analysis, tmp_path: Path, shows_its_pictures: Callable[[Path], None]
) -> None:
    write_analysis(analysis, tmp_path / "new", "mnist-rot")
    rows = list(csv.DictReader((tmp_path / "new" / "effects.csv").read_text().splitlines()))
    assert len(rows) == len(analysis.effects) == 8 + 28 + 2 + 8 + 3
    assert sum(float(row["share"]) for row in rows if row["kind"] in ("main", "pair", "higher", "noise")) == (
        pytest.approx(1, abs=1e-4)
    )
    assert (tmp_path / "new" / "effects.png").read_bytes().startswith(b"\x89PNG")
    shows_its_pictures(tmp_path / "new" / "analysis.md")


def test_a_long_title_is_within_the_picture(analysis: Analysis) -> None:
    drawn = picture(analysis, "svhn-10k own-0123456789abcdef / none, paper, space gcnn, 96 networks")
    pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("L"))
    assert (pixels[:, [0, 1, -2, -1]] == 255).all()
    assert (pixels[:40] < 128).any()


def test_the_text_names_the_factor_that_leads(analysis: Analysis) -> None:
    text = markdown(analysis, "mnist-rot")
    assert "Of single factors, **group** explains most: 98.9 %" in text
    assert "so it leads" in text
    assert "neither leads" not in text
    assert text.count("| group |") == 2  # as a factor and as a family


def test_one_seed_tells_no_certainty() -> None:
    text = markdown(analyze(SPACE, values(1)), "mnist-rot")
    assert "one seed does not tell" in text
    assert not re.search(r"\[-?\d", text)  # no interval


def test_a_surrogate_that_predicts_nothing_leaves_no_table_or_picture(analysis: Analysis, tmp_path: Path) -> None:
    write_analysis(analysis, tmp_path, "mnist-rot")
    nothing = Analysis((), deviation=0.01, networks=40, cells=768, seeds=1, r_squared=-0.02)
    write_analysis(nothing, tmp_path, "mnist-rot")
    assert [path.name for path in tmp_path.iterdir()] == ["analysis.md"]
    text = (tmp_path / "analysis.md").read_text()
    assert "No effect can be told" in text.replace("\n", " ")
    assert "| group |" not in text


def test_a_surrogate_says_how_well_it_predicts() -> None:
    chosen = dict(list(values(1).items())[::16])
    text = markdown(analyze(SPACE, chosen), "mnist-rot")
    assert "48 networks; a Gaussian process" in text
    assert "five-fold cross-validated R^2" in text


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "has_learned"), [("asl-alphabet-14k", False), ("emnist-letters", True)])
def test_of_networks_that_guess_nothing_is_said_to_lead(dataset: str, has_learned: bool, tmp_path: Path) -> None:
    """677def1 said that the group leads, with a p-value, where the best of 96 networks has 4 % of 29 classes."""
    table = read_table(ROOT / "leaderboards/tables" / dataset / "none/gcnn-paper-96.parquet")
    _, top = analyze_table(table, tmp_path)
    text = (tmp_path / "analysis.md").read_text()
    assert ("No network has learned anything" in text) != has_learned
    assert ("explains most" in text) == has_learned
    assert (top is not None) == has_learned == ("## The best networks" in text)
