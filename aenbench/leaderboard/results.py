"""A board as data: a row for each task, entry and seed, with every number that the board shows of it.

`aenbench leaderboard` writes the rows beside the page, as `results.json` and `results.parquet`. Both name the entries
that they were made of with a digest of their files, so that whoever reads them sees whether they fit.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aenbench.errors import EntryError
from aenbench.leaderboard.entry_folder import MAX_BYTES, read_file
from aenbench.leaderboard.flags import MAX_REVIEWS_BYTES, REVIEWS_FILE, entry_key
from aenbench.leaderboard.task_outcomes import fronts
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.scoring.scores import SCORES, Score

if TYPE_CHECKING:
    from aenbench.leaderboard.board import Board, Row, Standing

SCHEMA_VERSION = 1

_DECIMALS = 12
"""Of numbers whose last bits differ between machines: interval ends, and scores that rest on exponentials."""

Value = str | int | float | bool | None
Record = Mapping[str, Value]


class Place(NamedTuple):
    """One seed of an entry: where a column takes its value from."""

    standing: "Standing"
    row: "Row"
    seed: int
    front: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column of the rows.

    Attributes:
        name: of the column.
        kind: of its values: str, int, float or bool.
        text: what it holds, with the unit.
        value: of one seed.
        is_stated: whether the authors state it; otherwise `aenbench verify` recomputes it.
        is_optional: whether an integer may be missing; floats and booleans always may.
    """

    name: str
    kind: type
    text: str
    value: Callable[[Place], Value]
    is_stated: bool = False
    is_optional: bool = False

    @property
    def may_be_missing(self) -> bool:
        """Whether a row may have None here."""
        return self.is_optional or self.kind in (float, bool)


def _steady(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _seed(name: str, kind: type, text: str, is_stated: bool = True) -> Column:
    """A column that is a field of the entry's seed."""
    return Column(name, kind, text, lambda at: getattr(at.row.entry.seeds[at.seed], name), is_stated)


def _entry(name: str, text: str, is_stated: bool = True) -> Column:
    """A column that is a text of the entry."""
    return Column(name, str, text, lambda at: str(getattr(at.row.entry, name)), is_stated)


def _score(name: str, score: Score) -> Column:
    def value(at: Place) -> float | None:
        scored = at.row.shown.scores[name]
        return None if scored is None else _steady(scored.per_seed[at.seed])

    return Column(name.replace("-", "_"), float, f"{score.title.removesuffix(', %')} of this seed", value)


_BEFORE = (
    _entry("dataset", "its name", is_stated=False),
    _entry("dataset_version", "its version", is_stated=False),
    _entry("configuration", "how its images are moved", is_stated=False),
    Column("protocol", str, "rules of the task", lambda at: at.standing.task.protocol.name),
    Column(
        "track", str, "fixed or open: whose recipe trained it", lambda at: "open" if at.standing.is_open else "fixed"
    ),
    Column("entry", str, "its name, of its folder", lambda at: at.row.entry.name),
    _seed("seed", int, "number of the repetition", is_stated=False),
    Column("rank", int, "1 + entries of the task that a paired test finds better", lambda at: at.row.rank),
    Column("tied", str, "entries that cannot be told apart from it, between spaces", lambda at: " ".join(at.row.tied)),
    Column("accuracy", float, "share 0..1 of right test predictions", lambda at: at.row.score.per_seed[at.seed]),
    Column("accuracy_mean", float, "mean of the entry's seeds", lambda at: at.row.score.mean),
    Column("accuracy_low", float, "lower end of its 95 % interval", lambda at: _steady(at.row.score.low)),
    Column("accuracy_high", float, "upper end of its 95 % interval", lambda at: _steady(at.row.score.high)),
)
_AFTER = (
    Column("test_images", int, "images that the scores rest on", lambda at: len(at.standing.answers.labels)),
    _seed("parameters", int, "free parameters; stated where `stated` names them", is_stated=False),
    Column(
        "front",
        str,
        "parameters, seconds: at which cost no entry of the task is better for less; between spaces",
        lambda at: " ".join(at.front),
    ),
    _seed("networks_trained", int, "distinct networks that the search trained"),
    _seed("search_seconds", float, "wall time of the search, s"),
    _seed("training_seconds", float, "wall time of the final training, s"),
    _seed("chosen_by", float, "accuracy 0..1 on the images that choices are made by"),
    Column(
        "still_rising",
        float,
        "accuracy 0..1 on those that the entry's trainings gained over their last tenth",
        lambda at: _steady(at.row.shown.still_rising) if at.row.shown.training else None,
        is_stated=True,
    ),
    Column(
        "converged",
        bool,
        "whether that is little; missing without history.csv",
        lambda at: at.row.shown.has_converged if at.row.shown.training else None,
        is_stated=True,
    ),
    _entry("origin", "baseline, model or submission"),
    _entry("method", "a baseline's name, an import path, or words"),
    Column("network", str, "the networks of all seeds, in words", lambda at: at.row.shown.network, is_stated=True),
    _entry("budget", "what a seed might spend"),
    Column("recipe", str, "what an open one changed", lambda at: str(at.row.entry.open_recipe or ""), is_stated=True),
    Column(
        "train_images",
        int,
        "images that an open recipe was limited to",
        lambda at: at.row.entry.open_recipe.images if at.row.entry.open_recipe else None,
        is_stated=True,
        is_optional=True,
    ),
    _entry("outside_data", "images beyond the training split that it has seen; empty if not known"),
    _entry("device", "kind of device that trained it"),
    Column(
        "precision", str, "of the training; empty if not known", lambda at: at.row.entry.precision or "", is_stated=True
    ),
    _entry("created", "UTC, ISO 8601"),
    Column("trust", str, "scored or reproduced", lambda at: at.row.shown.trust.level),
    Column("flags", str, "what looks wrong and nobody has reviewed, between spaces", lambda at: _flags(at.row)),
    _entry("predictions_sha256", "SHA-256 of the entry's predictions.npy", is_stated=False),
)


def columns() -> tuple[Column, ...]:
    """The columns of a row, in order; scores of one's own that are registered have theirs."""
    further = (_score(name, each) for name, each in SCORES.items() if name != "accuracy")
    told = Column("stated", str, "columns of this row that nobody recomputed, between spaces", lambda _: "")
    return (*_BEFORE, *further, *_AFTER, told)


def _flags(row: "Row") -> str:
    return " ".join(flag.code for flag in row.flags if flag.reason is None)


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of a board, and what they were made of.

    Attributes:
        rows: by task, rank and seed; the values of each by column.
        entries: of each entry, by `<dataset>/<configuration>/<entry>`, the digest of its files.
        reviews: the digest of the board's `reviews.json`.
        problems: one line for each thing that is wrong with an entry that was left out; none where the rows were read
            from a file, which does not tell.
    """

    rows: tuple[Record, ...]
    entries: Mapping[str, str]
    reviews: str
    problems: tuple[str, ...] = ()

    def fits(self, base: Path, folders: Sequence[Path]) -> bool:
        """Whether the board below a folder holds exactly the entries, in these folders, that the rows were made of."""
        found = {"/".join(folder.parts[-3:]): folder for folder in folders}
        if found.keys() != self.entries.keys() or len(found) != len(folders):
            return False
        if any(base / key != folder for key, folder in found.items()) or self.reviews != reviews_digest(base):
            return False
        try:
            return all(entry_digest(folder) == self.entries[key] for key, folder in found.items())
        except (EntryError, OSError):
            return False


def collect(board: "Board", base: Path) -> Results:
    """The rows of a board that was read from a folder; raises EntryError where a file of it is gone."""
    rows = [record for standing in board.standings for record in _records(standing)]
    keys = [entry_key(row.entry) for row in board.rows]
    digests = {key: entry_digest(base / key) for key in sorted(set(keys))}
    return Results(tuple(rows), digests, reviews_digest(base), board.problems)


def _records(standing: "Standing") -> Iterator[Record]:
    shape, front = columns(), fronts(standing.rows)
    for row in standing.rows:
        stated = [each.name for each in shape if each.is_stated]
        stated += [] if row.shown.counted else ["parameters"]
        for seed in range(len(row.entry.seeds)):
            place = Place(standing, row, seed, front[row.entry.name])
            record: dict[str, Any] = {each.name: each.value(place) for each in shape}
            yield record | {"stated": " ".join(stated)}


def entry_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of an entry's files; of weights `entry.json` names the digest.

    Raises:
        EntryError: a file cannot be read as an entry's.
        OSError: the folder cannot be listed.
    """
    digest = hashlib.sha256()
    for name in sorted(os.listdir(folder)):  # noqa: PTH208
        if name in MAX_BYTES:
            digest.update(f"{name} {hashlib.sha256(read_file(folder, name)).hexdigest()}\n".encode())
    return digest.hexdigest()


def reviews_digest(base: Path) -> str:
    """SHA-256 of a board's `reviews.json`; empty where there is none."""
    path = base / REVIEWS_FILE
    if not path.exists():
        return ""
    with open_bounded(path, MAX_REVIEWS_BYTES) as stream:
        return hashlib.sha256(read_bounded(stream, MAX_REVIEWS_BYTES, str(path))).hexdigest()
