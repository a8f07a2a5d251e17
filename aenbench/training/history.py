"""How a training went, pass by pass."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

COLUMNS = ("seed", "epoch", "loss", "accuracy", "learning_rate")
"""Of `history.csv`."""

MAX_LOSS = 1e9
"""Nats. A training whose loss is larger has diverged, and no `history.csv` holds such a loss."""


class Pass(NamedTuple):
    """One pass over the training images.

    Attributes:
        loss: mean training cross-entropy in nats, while it was trained.
        accuracy: share of right answers 0..1 on the images to choose by, after it.
        learning_rate: of the optimizer, when it ended.
    """

    loss: float
    accuracy: float
    learning_rate: float


OnPass = Callable[[int, int, Pass], None]
"""Called after each pass with how many are done, how many there are in all, and what the last one gave."""


def history_csv(histories: Sequence[Sequence[Pass]]) -> bytes:
    """The passes of each seed's final training, in order, as the content of `history.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for seed, history in enumerate(histories):
        for epoch, each in enumerate(history, start=1):
            writer.writerow([seed, epoch, *(f"{value:.6g}" for value in each)])
    return text.getvalue().encode()
