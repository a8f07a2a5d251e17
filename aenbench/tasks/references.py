"""What is published about datasets: the best test error, and how many of the test labels are wrong.

The leaderboard compares entries with these, not with the entries that it happens to have: a first entry has nothing to
be compared with, and honest progress over weak entries is no reason for doubt. A figure is not a limit, and an entry
beyond it may well be right; it is a reason to look.

**Moved images.** `g-mnist` and its like have few published results, so the reference of their source stands in for
them. The argument: let (X, Y) be an image with its label and X' = gX, where g is drawn without regard to X and Y.
Whoever classifies X' with an error e can classify X with the same expected error: draw g, move X, classify. So an error
on moved images below the best one on unmoved images would be a record there as well. Information cannot be won by
moving either (Y, X, X' is a Markov chain, so the Bayes error of X' is at least that of X). What the argument needs is
that the test images and the images to learn from are the source's; they are. It is about expected errors, on one test
set of finite size, and about the best that is *published*. It says nothing about how near to it a method can come:
most configurations are much harder.
"""

from dataclasses import dataclass

from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalog import SOURCES


@dataclass(frozen=True)
class Published:
    """A published figure.

    Attributes:
        share: of the test images, 0..1.
        source: authors, year, and where to read it.
    """

    share: float
    source: str


@dataclass(frozen=True)
class Reference:
    """What is published about one dataset.

    Attributes:
        best_error: the lowest test error; None where none is known to this table.
        wrong_labels: test labels that people found to be wrong.
    """

    best_error: Published | None
    wrong_labels: Published


_NORTHCUTT = "Northcutt, Athalye, Mueller 2021, arXiv:2103.14749, table 1"
FEWEST_WRONG_LABELS = Published(0.0015, f"{_NORTHCUTT}: MNIST, the fewest of ten test sets")
"""For datasets whose labels nobody has checked: 15 of MNIST's 10,000, the cleanest of the ten that were."""

REFERENCES: dict[str, Reference] = {
    "mnist": Reference(
        Published(0.0009, "An, Lee, Park, Yang, So 2020, arXiv:2008.10400, an ensemble"),
        Published(0.0015, f"{_NORTHCUTT}: 15 of 10,000"),
    ),
    "rotmnist": Reference(
        Published(0.00682, "Weiler, Cesa 2019, arXiv:1911.08251"),
        FEWEST_WRONG_LABELS,
    ),
    "fashion-mnist": Reference(
        Published(0.0309, "Tanveer, Khan, Kyung 2020, arXiv:2006.09042"),
        FEWEST_WRONG_LABELS,
    ),
    "cifar10": Reference(
        Published(0.005, "Dosovitskiy et al. 2021, arXiv:2010.11929"),
        Published(0.0054, f"{_NORTHCUTT}: 54 of 10,000"),
    ),
    "kmnist": Reference(
        Published(0.0093, "Park, Lee, Seo 2020, doi:10.6109/jkiice.2020.24.3.355"),
        FEWEST_WRONG_LABELS,
    ),
    "svhn": Reference(
        Published(0.0099, "Foret, Kleiner, Mobahi, Neyshabur 2021, arXiv:2010.01412"),
        FEWEST_WRONG_LABELS,
    ),
    "emnist-letters": Reference(
        Published(0.0404, "Jeevan et al. 2022, arXiv:2205.14375"),
        FEWEST_WRONG_LABELS,
    ),
}
"""By the name of a source. H-Nets (1.69 %: Worrall et al. 2017, arXiv:1612.04642) and E(2)-CNNs without augmentation
(0.705 %: Weiler, Cesa 2019) lie above the error given for `rotmnist`; they raise no flag."""

_SAME_TASK = {"mnist-rot": "rotmnist"}  # digits of MNIST at any angle, 12,000 to learn from and 50,000 for the test

UNKNOWN = Reference(None, FEWEST_WRONG_LABELS)


def reference_of(dataset: str) -> Reference:
    """What is published about a dataset, by its name; of moved images, about their source."""
    name = _SAME_TASK.get(dataset, dataset)
    if name not in REFERENCES and name in DATASETS:
        name = DATASETS[name].source_name
    if name not in REFERENCES and name in SOURCES:
        original = SOURCES[name].original
        name = original.name if original is not None else name
    return REFERENCES.get(name, UNKNOWN)
