"""A track's folder with honest submissions to a few tasks of G-Digits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aenbench.track.submission import Answer, Submission, write_submission
from aenbench.track.tasks import tasks
from aenbench.track.truth import true_angles, true_group

ANSWERED = ("g-digits.c4", "g-digits.v4", "g-digits.none", "g-digits.aug1")


def _write(track: Path, name: str, wrong: tuple[str, ...] = ()) -> Path:
    """A submission with the truth of a few tasks, and no symmetry for those in `wrong`."""
    answers = {task: Answer(kind="generators", seconds=1.0) for task in ANSWERED}
    arrays = {task: true_group(tasks()[task]).generators for task in ANSWERED}
    arrays |= {task: np.zeros((0, 784), dtype=np.int64) for task in wrong}
    angles, weights = true_angles()
    turned = Answer(kind="angles", angles=tuple(angles.tolist()), weights=tuple(weights.tolist()), seconds=2.0)
    answers["g-digits.within-45"] = turned
    submission = Submission(name=name, method="by hand", answers=answers, created="2026-01-01T00:00:00+00:00")
    write_submission(track / name, submission, arrays)
    return track / name


@pytest.fixture
def write_honest() -> Callable[..., Path]:
    return _write


@pytest.fixture
def track(tmp_path: Path) -> Path:
    """The folder, with `right`, which is right everywhere, and `wrong`, which misses C4."""
    folder = tmp_path / "board/discovery"
    folder.mkdir(parents=True)
    _write(folder, "right")
    _write(folder, "wrong", ("g-digits.c4",))
    return folder
