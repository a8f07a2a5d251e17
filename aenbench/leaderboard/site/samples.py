"""A few test images of a task, as one small picture."""

import base64
from dataclasses import dataclass

from aenbench.leaderboard.ground_truth import MAX_CLASSES, ROWS, Answers
from gdatasets.folder.preview import class_sheet, sheet_png


@dataclass(frozen=True)
class Samples:
    """A picture of test images, one column a class.

    Attributes:
        source: a `data:` address of a PNG file.
        width, height: in pixels.
        classes: what the columns show.
        rows: images of each class, at most.
    """

    source: str
    width: int
    height: int
    classes: tuple[str, ...]
    rows: int


def sample_images(answers: Answers) -> Samples:
    """The first test images of each class, that the score rests on."""
    count = len(answers.labels)
    images = answers.dataset.read("test").images[:count]
    shown = min(MAX_CLASSES, len(answers.dataset.classes))
    sheet = class_sheet(images, answers.labels, shown, ROWS)
    encoded = base64.b64encode(sheet_png(sheet)).decode("ascii")
    height, width = sheet.shape[:2]
    return Samples(f"data:image/png;base64,{encoded}", width, height, answers.dataset.classes[:shown], ROWS)
