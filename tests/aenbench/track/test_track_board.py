"""The board of the track: scores from the answers alone, and nothing that a stranger writes changes the rest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.leaderboard.entry_folder import find_entries
from aenbench.track.submission import read_submission
from aenbench.track.task_scores import Elements
from aenbench.track.tasks import PIXELS
from aenbench.track.track_board import read_track
from aenbench.track.track_folder import find_submissions
from aenbench.track.track_tables import render_track, track_drifted, track_section, write_track

Spoil = Callable[[Path], object]


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the description of a submission."""
    said = json.loads((path / "submission.json").read_text())
    edit(said)
    (path / "submission.json").write_text(json.dumps(said))


def answer(path: Path, task: str, **more: object) -> None:
    change(path, lambda said: said["answers"].setdefault(task, {}).update(more))


def save(path: Path, array: np.ndarray, task: str = "g-digits.c4") -> None:
    np.save(path / f"{task}.npy", array)


@pytest.mark.slow
def test_honest_submissions_are_scored_and_ordered(track: Path) -> None:
    board = read_track(track)
    assert board.problems == ()
    right, wrong = board.cards
    assert (right.submission.name, right.exact, right.false_discoveries, right.nulls) == ("right", 3, 0, 1)
    assert (wrong.submission.name, wrong.exact) == ("wrong", 2)
    assert right.mean_of("jaccard") == pytest.approx(3 / 41)
    assert wrong.mean_of("jaccard") == pytest.approx(2.25 / 41)
    assert right.degrees == pytest.approx(120)  # one of three tasks answered, exactly
    assert right.seconds == 6
    assert right.auroc is None
    assert right.lost is None


def test_what_is_written_is_up_to_date_and_the_same_again(track: Path) -> None:
    board = read_track(track)
    assert track_drifted(track, board) == [track / "README.md"]
    assert write_track(track, board) == [track / "README.md"]
    assert track_drifted(track, read_track(track)) == []
    text = (track / "README.md").read_text()
    assert "| [right](right/) | by hand | 5 of 53 | 3 |" in text
    assert "4 exact" in text
    (track / "README.md").write_text(text.replace("| 3 |", "| 9 |"))
    assert track_drifted(track, board) == [track / "README.md"]
    section = track_section(board)
    assert section.rows[0][:4] == ("right", "by hand", "5 of 53", "3")
    assert all(len(row) == len(section.headings) for row in section.rows)


def pickled(path: Path) -> None:
    np.save(path / "g-digits.c4.npy", np.array([{}], dtype=object), allow_pickle=True)


def endless(path: Path) -> None:
    (path / "g-digits.c4.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + b"9" * (6 << 20))


def announced(path: Path) -> None:
    header = "{'descr': '<i8', 'fortran_order': False, 'shape': (64, 784), }".ljust(117) + "\n"
    (path / "g-digits.c4.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + b"1234")


def linked(path: Path) -> None:
    (path / "g-digits.c4.npy").unlink()
    (path / "g-digits.c4.npy").symlink_to(path / "g-digits.v4.npy")


def said_linked(path: Path) -> None:
    (path / "submission.json").rename(path.parent.parent / "elsewhere.json")
    (path / "submission.json").symlink_to(path.parent.parent / "elsewhere.json")


def weigh(path: Path, weights: list[float], task: str = "g-digits.c4", rows: int = 0, **more: object) -> None:
    """Answer a task by weighted elements, honest ones but for what is given."""
    save(path, np.tile(np.arange(PIXELS, dtype=np.uint16), (rows or len(weights), 1)), task)
    answer(path, task, kind="elements", weights=weights, **more)


def announced_elements(path: Path) -> None:
    weigh(path, [1.0])
    header = "{'descr': '<u2', 'fortran_order': False, 'shape': (2000000000, 784), }".ljust(117) + "\n"
    (path / "g-digits.c4.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + b"1234")


ONE_ANGLE = {"kind": "angles", "angles": [0.0], "weights": [1.0]}
HOSTILE: dict[str, tuple[Spoil, str]] = {
    "no permutation": (lambda p: save(p, np.zeros((1, PIXELS), dtype=int)), "row 0 is no permutation of 0..783"),
    "negative": (lambda p: save(p, np.arange(PIXELS)[None] - 1), "row 0 is no permutation"),
    "too large numbers": (lambda p: save(p, np.full((1, PIXELS), 2**63, dtype=np.uint64)), "row 0 is no permutation"),
    "floats": (lambda p: save(p, np.arange(PIXELS)[None] * 1.0), "expected integers"),
    "too many": (lambda p: save(p, np.tile(np.arange(PIXELS), (65, 1))), "expected integers (at most 64, 784)"),
    "another size": (lambda p: save(p, np.arange(10)[None]), "expected integers"),
    "pickled": (pickled, "holds"),
    "endless": (endless, "larger than"),
    "announced only": (announced, "holds 4 bytes of numbers"),
    "linked": (linked, "is a symbolic link"),
    "description linked": (said_linked, "is a symbolic link"),
    "missing": (lambda p: (p / "g-digits.c4.npy").unlink(), "cannot be read"),
    "more files": (lambda p: (p / "score.txt").write_text("100"), "does not name"),
    "no JSON": (lambda p: (p / "submission.json").write_text("{"), "submission.json"),
    "a score of its own": (lambda p: change(p, lambda said: said.update(exact=53)), "exact: Extra inputs"),
    "another name": (lambda p: change(p, lambda said: said.update(name="best")), "rename the folder"),
    "no such task": (lambda p: answer(p, "d5", kind="generators"), "d5 is no task"),
    "NaN": (lambda p: answer(p, "g-digits.c4", seconds=float("nan")), "submission.json"),
    "no such candidate": (lambda p: answer(p, "g-digits.c4", confidences={"turn": 1.0}), "turn is no candidate"),
    "weights of more than one": (lambda p: answer(p, "g-digits.within-45", weights=[1.0] * 901), "do not sum to 1"),
    "angles where generators answer": (
        lambda p: (answer(p, "g-digits.c4", **ONE_ANGLE), (p / "g-digits.c4.npy").unlink()),
        "is answered by generators",
    ),
    "generators where angles answer": (
        lambda p: change(p, lambda said: said["answers"].update({"g-digits.within-45": {"kind": "generators"}})),
        "is answered by angles",
    ),
    "classes where there is one group": (lambda p: answer(p, "g-digits.c4", by_class=[1]), "leave by_class out"),
    "more weights than elements": (lambda p: weigh(p, [0.5, 0.5], rows=1), "holds 1 elements, and there are 2 weights"),
    "fewer weights than elements": (lambda p: weigh(p, [1.0], rows=2), "holds 2 elements, and there are 1 weights"),
    "too many elements": (lambda p: weigh(p, [0.1] * 2_001), "expected integers (at most 2000, 784)"),
    "too many weights": (lambda p: weigh(p, [0.1] * 3_601, rows=1), "weights: Tuple should have at most 3600 items"),
    "no weights": (lambda p: weigh(p, [], rows=1), "one at least is above 0"),
    "weights of 0": (lambda p: weigh(p, [0.0, 0.0]), "one at least is above 0"),
    "negative weights": (lambda p: weigh(p, [-0.5, 0.5]), "weights.0: Input should be greater than or equal to 0"),
    "weights above 1": (lambda p: weigh(p, [1e308]), "weights.0: Input should be less than or equal to 1"),
    "weights that are no numbers": (lambda p: weigh(p, [float("nan")]), "submission.json"),
    "weights of generators": (lambda p: answer(p, "g-digits.c4", weights=[1.0]), "generators and partitions have none"),
    "elements announced only": (announced_elements, "expected integers (at most 2000, 784)"),
    "elements that are none": (
        lambda p: (weigh(p, [1.0]), save(p, np.zeros((1, PIXELS), dtype=int))),
        "row 0 is no permutation",
    ),
    "elements of classes where there is one group": (
        lambda p: weigh(p, [1.0], by_class=[1]),
        "leave by_class out",
    ),
    "elements of other classes than rows": (
        lambda p: weigh(p, [0.5, 0.5], "g-digits.even-classes", by_class=[1]),
        "holds 2 elements, and by_class has 1",
    ),
    "elements where angles answer": (
        lambda p: change(
            p, lambda said: said["answers"].update({"g-digits.within-45": {"kind": "elements", "weights": [1.0]}})
        ),
        "is answered by angles",
    ),
    "an escape in its description": (lambda p: change(p, lambda said: said.update(description="\u202e")), "U+202E"),
    "an escape in its method": (
        lambda p: change(p, lambda said: said.update(method="\x1b[2J")),
        "U+001B",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_submission_is_refused_in_one_line_and_changes_nothing_else(
    track: Path, write_honest: Callable[..., Path], what: str
) -> None:
    before = render_track(read_track(track))
    spoil, reason = HOSTILE[what]
    bad = write_honest(track, "bad")
    assert read_track(track).problems == ()
    spoil(bad)
    board = read_track(track)
    assert len(board.problems) == 1
    assert str(bad) in board.problems[0]
    assert reason in board.problems[0]
    assert "\n" not in board.problems[0]
    assert "\x1b" not in board.problems[0]
    assert render_track(board) == before


def test_what_is_no_submission_is_named(track: Path) -> None:
    (track / "notes.txt").write_text("hello")
    (track / "empty").mkdir()
    lines = read_track(track).problems
    assert len(lines) == 2
    assert all("no submission" in line for line in lines)


def test_a_submission_outside_the_track_is_refused(track: Path) -> None:
    shutil.copytree(track / "right", track.parent / "g-mnist/right")
    assert len(find_submissions(track.parent)) == 3
    board = read_track(track.parent / "g-mnist")
    assert "lies outside the track" in board.problems[0]


def test_entries_of_datasets_and_submissions_are_told_apart(track: Path) -> None:
    """Each is looked for by one of the two, and a folder that is neither by `verify` as before."""
    entry = track.parent / "g-digits/aug1/one"
    both = track.parent / "g-digits/aug1/both"
    forgotten = track / "forgotten"
    for folder in (entry, both, forgotten):
        folder.mkdir(parents=True)
    for path in (entry / "entry.json", both / "entry.json", both / "submission.json", forgotten / "g-digits.c4.npy"):
        path.write_text("{}")
    assert find_entries(track.parent) == [forgotten, both, entry]
    assert find_submissions(track.parent) == [track / "right", track / "wrong", both]


def test_seconds_are_the_only_number_that_is_taken_from_a_submission(track: Path) -> None:
    said = json.loads((track / "right/submission.json").read_text())
    for answer in said["answers"].values():
        answer["seconds"] = 1_000.0
    before = read_track(track).cards[0]
    (track / "right/submission.json").write_text(json.dumps(said))
    after = read_track(track).cards[0]
    assert before.seconds != after.seconds
    assert [score.exact for score in before.scores.values()] == [score.exact for score in after.scores.values()]


def test_weighted_elements_are_read_scored_and_shown(track: Path, write_honest: Callable[..., Path]) -> None:
    path = write_honest(track, "weighed")
    weigh(path, [1.0])  # the identity alone, of four elements
    weigh(path, [1e-300] * 2_000, "g-digits.none")
    board = read_track(track)
    assert board.problems == ()
    card = next(card for card in board.cards if card.submission.name == "weighed")
    assert card.scores["g-digits.c4"].elements == Elements(1, exact=False, precision=1, recall=0.25, jaccard=0.25)
    assert card.scores["g-digits.none"].exact
    assert "| 1: 0.25 |" in render_track(board)


def test_descriptions_are_shown_as_plain_text(track: Path) -> None:
    change(track / "right", lambda said: said.update(description="By <b>hand</b>,\n| [twice](http://x)"))
    text = render_track(read_track(track))
    assert r"right: By &lt;b&gt;hand&lt;\/b&gt;\, \| \[twice\]" in text
    assert text.count("\nwrong:") == 0


def test_what_was_written_is_read_back(track: Path) -> None:
    submission, found = read_submission(track / "right")
    assert set(found) == set(submission.answers)
    rows = found["g-digits.c4"].generators
    assert rows is not None
    assert np.load(track / "right/g-digits.c4.npy").dtype == np.uint16
    assert rows.dtype == np.int64
