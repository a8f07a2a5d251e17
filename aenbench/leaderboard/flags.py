"""Flags: what looks wrong with an entry though its numbers add up, and what a maintainer answered.

A flag is a question, not a verdict. A maintainer who has looked answers it in `reviews.json`, beside the datasets'
folders of a board:

    {"<dataset>/<configuration>/<entry>": {"<code>": "why it is all right"}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from aenbench.leaderboard.entry import Entry, Line
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.json_yaml import parse_json

FlagCode = Literal[
    "same-predictions",
    "near-copy",
    "unknown-method",
    "repeated-seed",
    "off-grid",
    "wrong-digest",
    "label-leak",
    "below-label-noise",
    "above-published",
]

REVIEWS_FILE = "reviews.json"
MAX_REVIEWS_BYTES = 1 << 20


@dataclass(frozen=True)
class Flag:
    """One question about one entry.

    Attributes:
        key: of the entry: dataset/configuration/name.
        code: of the detector.
        message: what was found, in one line.
        others: keys of other entries that it is about.
        reason: why a maintainer holds it to be all right; None while nobody does.
    """

    key: str
    code: FlagCode
    message: str
    others: tuple[str, ...] = ()
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.code}: {self.message}"


Key = Annotated[str, Field(max_length=310, pattern=r"^[a-z0-9._-]+/[a-z0-9._-]+/[a-z0-9._-]+$")]
Reason = Annotated[Line, Field(min_length=1)]


class Reviews(RootModel[dict[Key, dict[FlagCode, Reason]]]):
    """The flags that a maintainer holds to be all right, and why."""

    model_config = ConfigDict(frozen=True)


def read_reviews(base: Path) -> Mapping[str, Mapping[FlagCode, str]]:
    """The reviews of a board, by the key of the entry; empty where there are none.

    Raises:
        EntryError: the file is too large or malformed, or names a code that does not exist.
    """
    path = base / REVIEWS_FILE
    if not path.exists():
        return {}
    with open_bounded(path, MAX_REVIEWS_BYTES) as stream:
        content = read_bounded(stream, MAX_REVIEWS_BYTES, str(path))
    return parse_json(content, Reviews, str(path)).root


def stale_reviews(flags: Sequence[Flag], reviews: Mapping[str, Mapping[FlagCode, str]]) -> list[str]:
    """One line for each review of a flag that is not raised: it would acknowledge the next one unseen."""
    raised = {(flag.key, flag.code) for flag in flags}
    return [
        f"{REVIEWS_FILE}: {key} has no flag {code}; remove the review."
        for key, codes in reviews.items()
        for code in codes
        if (key, code) not in raised
    ]


def entry_key(entry: Entry) -> str:
    """What reviews and flags call an entry: dataset/configuration/name."""
    return f"{entry.dataset}/{entry.configuration}/{entry.name}"


def listed(items: Sequence[object]) -> str:
    """The first five, and how many more there are."""
    shown = ", ".join(map(str, items[:5]))
    return shown if len(items) <= 5 else f"{shown} and {len(items) - 5} more"
