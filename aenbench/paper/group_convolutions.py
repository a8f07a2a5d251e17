"""Part e: group convolutional networks; what a search finds, and what explains the accuracy of what it trained.

<out>/e/
├── convolutions.md     what was found, and how to get the images that are missing
├── trainings.csv       every final training
└── <dataset>/
    ├── trials.csv      every network that the searches trained, in order
    └── analysis.md, effects.csv, effects.png    as of `aenbench analyze`, where there are networks enough

Protocol `standard`: everything is chosen on validation images. A search is what `aenbench run --baseline gcnn-aen`
makes of the same budget. Trials are kept under the contents of their images, so that a dataset that is got later is
added to what is there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from aenbench.analysis.anova import MIN_R_SQUARED, Analysis, analyze
from aenbench.analysis.report import TRIALS_FILE, write_analysis
from aenbench.errors import InvalidArgumentError
from aenbench.execution.store import Result
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNN_FAMILY, GROUP_BITS, GCNNSpace
from aenbench.paper.availability import how_to_get
from aenbench.paper.context import Setting
from aenbench.paper.gcnn_searches import GCNNSearch, GCNNTraining, search, space_of, train, trials_of
from aenbench.paper.trainings import measured
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.search.record import Trial, trials_csv
from aenbench.statistics.intervals import (
    NOTHING,
    Estimate,
    estimate,
    percent_cell,
    points_cell,
    share_cell,
    wilson_interval,
)
from aenbench.tasks.datasets import default_configuration
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from gdatasets.files import make_folder, write_whole

IMAGE_DATASETS = ("cifar10", "svhn", "rotmnist", "asl", "emnist-letters", "kmnist")
"""The six of the paper."""

PROTOCOL = STANDARD
Role = Literal["plain", "group", "found"]
ROLES: tuple[Role, ...] = get_args(Role)
TITLES: Mapping[Role, str] = {"plain": "plain network", "group": "best group alone", "found": "found"}
FAMILIES = ("group", "augmentation", "size")
_ANALYSIS_FILES = ("analysis.md", "effects.csv", "effects.png")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Searched:
    """What one seed searched and trained.

    Attributes:
        trials: networks of the search, in order.
        trained: results of the final trainings, by canonical state.
    """

    trials: Sequence[Trial]
    trained: Mapping[str, Result]


@dataclass(frozen=True, eq=False)
class OnDataset:
    """The searches on one dataset.

    Attributes:
        name: fit for a folder.
        configuration: of the dataset.
        space: the networks.
        test_images: how many the accuracies rest on.
        seeds: repetitions.
    """

    name: str
    configuration: str
    space: GCNNSpace
    test_images: int
    seeds: Sequence[Searched]

    @property
    def title(self) -> str:
        return self.name if self.configuration == "none" else f"{self.name} / {self.configuration}"

    def states(self, role: Role) -> list[str | None]:
        """The network of a role, one a seed; None where there is none."""
        return [final_states(self.space, of.trials).get(role) for of in self.seeds]

    def accuracy(self, role: Role) -> Floats:
        """On test images, (seeds,), 0..1; NaN where a seed has no network of this role."""
        return np.array(
            [
                np.nan if state is None else measured(of.trained[state], PROTOCOL)
                for of, state in zip(self.seeds, self.states(role), strict=True)
            ]
        )

    def estimate(self, role: Role) -> Estimate:
        """Mean accuracy in percent, with its 95 % interval: of Student's t over seeds, of Wilson for a single one."""
        values = self.accuracy(role)
        if len(values) > 1 or np.isnan(values).any():
            return estimate(100 * values)
        low, high = wilson_interval(round(values[0] * self.test_images), self.test_images)
        return Estimate(100 * float(values[0]), 100 * low, 100 * high)

    @property
    def values(self) -> dict[str, list[float]]:
        """Validation accuracies of each network that was searched, one for each seed that trained it."""
        found: dict[str, list[float]] = {}
        for of in self.seeds:
            for trial in of.trials:
                found.setdefault(trial.canonical, []).append(trial.value)
        return found


@dataclass(frozen=True, eq=False)
class Convolutions:
    """What part e found.

    Attributes:
        datasets: those that are available.
        analyses: of each of them, by name; where there is none, why.
        missing: how to get the others' images.
        budget: of each seed.
    """

    datasets: Sequence[OnDataset]
    analyses: Mapping[str, Analysis | str]
    missing: Mapping[str, str]
    budget: Budget


def run(setting: Setting) -> Path:
    """Search and train what is missing, on the available datasets, and write the part's folder.

    Raises:
        UnknownNameError: a dataset does not exist.
        InvalidArgumentError: two datasets have one name, or images have a size that the networks cannot read.
        SourceError: available images are damaged, or a folder or .zip file of one's own cannot be read.
    """
    names = tuple(dict.fromkeys(setting.image_datasets or IMAGE_DATASETS))
    missing = {name: how for name in names if (how := how_to_get(name, setting.root)) is not None}
    tasks = _tasks(setting, [name for name in names if name not in missing])
    budget, store = setting.scale.budgets[GCNN_FAMILY.name, PROTOCOL], setting.store("e", ())
    searches = {
        (name, seed): GCNNSearch(images.task, setting.root, budget, seed, store, _fingerprint(images))
        for name, images in tasks.items()
        for seed in range(setting.scale.gcnn_seeds)
    }
    results = setting.evaluate(store, "e: searches", search, {each.key: each for each in searches.values()})
    trials = {of: trials_of(space_of(tasks[of[0]]), results[each.key]) for of, each in searches.items()}
    trainings = {
        (of, state): GCNNTraining(searches[of], state)
        for of, searched in trials.items()
        for state in final_states(space_of(tasks[of[0]]), searched).values()
    }
    trained = setting.evaluate(store, "e: trainings", train, {each.key: each for each in trainings.values()})
    seeds = {
        of: Searched(searched, {state: trained[each.key] for (by, state), each in trainings.items() if by == of})
        for of, searched in trials.items()
    }
    datasets = [
        _on_dataset(images, [found for (on, _), found in seeds.items() if on == name]) for name, images in tasks.items()
    ]
    analyses = {on.name: _analysis(on) for on in datasets}
    return write(Convolutions(datasets, analyses, missing, budget), setting.out / "e", f"scale {setting.scale.name}")


def _on_dataset(images: Images, seeds: Sequence[Searched]) -> OnDataset:
    name, configuration = images.dataset.name, images.task.configuration
    return OnDataset(name, configuration, space_of(images), images.test_images, seeds)


def _tasks(setting: Setting, datasets: Sequence[str]) -> dict[str, Images]:
    """The images of each dataset, by its name, which is fit for a folder where the dataset was given as a path."""
    tasks: dict[str, Images] = {}
    for dataset in datasets:
        images = setting.images(dataset, default_configuration(dataset), PROTOCOL)
        space_of(images)
        other = tasks.setdefault(images.dataset.name, images)
        if other is not images:
            raise InvalidArgumentError(
                f'"{other.task.dataset}" and "{dataset}" are both named {images.dataset.name}; rename one of them.'
            )
    return tasks


def _fingerprint(images: Images) -> str:
    """Names the images of a task by their contents."""
    digests = "\n".join(images.dataset.digest(split) for split in ("train", "test"))
    return f"{images.dataset.name}-{hashlib.sha256(digests.encode()).hexdigest()}"


def final_states(space: GCNNSpace, trials: Sequence[Trial]) -> dict[Role, str]:
    """Canonical states of the networks that are trained in the end.

    `plain`: no group, no augmentation, small. `found`: the best network of the search. `group`: the group of the best
    one that has a group, alone: without augmentation, small; it is left out where no network has one.
    """
    ranked = sorted(trials, key=lambda trial: -trial.value)  # the earliest of equals stays first
    states: dict[Role, str] = {"plain": space.canonical(space.start), "found": ranked[0].canonical}
    groups = [alone for trial in ranked if (alone := _group_alone(space, trial.canonical)) != states["plain"]]
    if groups:
        states["group"] = groups[0]
    return states


def _group_alone(space: GCNNSpace, state: str) -> str:
    """The small network of a state's group, without augmentation."""
    return space.canonical(state[: len(GROUP_BITS)].ljust(space.bits, "0"))


def _analysis(on: OnDataset) -> Analysis | str:
    """What explains accuracy, or why that is undecided."""
    try:
        return analyze(on.space, on.values)
    except InvalidArgumentError as error:  # too few networks, or all alike
        return str(error)


def verdict(analysis: Analysis | str) -> str:
    """Whether the group explains more of the variance than augmentations and size do.

    Networks of one search with the same group and size begin with the same weights. What these happen to do is not told
    from what the group does, and the interval of the lead does not hold it: other seeds of the search do.
    """
    if isinstance(analysis, str):
        return f"undecided: {analysis}"
    if not analysis.effects:
        return f"undecided: R² of the surrogate is {analysis.r_squared:.2f}, below {MIN_R_SQUARED}"
    lead = next(lead for lead in analysis.leads if lead.kind == "family")
    if lead.low is None or lead.high is None:
        return "undecided: one seed of all networks has no interval"
    if lead.low <= 0:
        return "undecided: the interval of the lead contains 0"
    said = "yes" if lead.first == "group" else f"no: {lead.first} leads"
    return f"{said}, with these initial weights"


def write(found: Convolutions, folder: Path, title: str) -> Path:
    """Write what was found into a folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    for on in found.datasets:
        make_folder(folder / on.name)
        write_whole(folder / on.name / TRIALS_FILE, trials_csv([of.trials for of in on.seeds]))
        _write_analysis(found.analyses[on.name], folder / on.name, f"{on.title}, {PROTOCOL}, gcnn-aen")
    write_whole(folder / "trainings.csv", _csv(found).encode())
    write_whole(folder / "convolutions.md", markdown(found, title).encode())
    return folder


def _write_analysis(analysis: Analysis | str, folder: Path, title: str) -> None:
    """An analysis as files; where there is none, those of an earlier run are removed."""
    if isinstance(analysis, Analysis):
        write_analysis(analysis, folder, title)
        return
    for name in _ANALYSIS_FILES:
        (folder / name).unlink(missing_ok=True)


def markdown(found: Convolutions, title: str) -> str:
    """What was found, as text with tables."""
    parts = [f"# Group convolutional networks, {title}", _basis(found.budget)]
    if found.datasets:
        parts += [
            "## The best network of each search\n\n" + _found_table(found),
            "## Test accuracy\n\n" + _accuracy_note() + "\n\n" + _accuracy_table(found),
            "## What explains accuracy\n\n" + _shares_note() + "\n\n" + _shares_table(found),
        ]
    if found.missing:
        parts.append("## Not available\n\n" + _missing(found))
    return "\n\n".join(parts) + "\n"


def _basis(budget: Budget) -> str:
    search, child, final = budget.search, budget.child, budget.final
    networks = "" if search.networks is None else f" or {search.networks:,} distinct networks"
    return (
        f"Protocol `{PROTOCOL}`: all choices are made on validation images. A search visits up to {search.states:,} "
        f"states{networks}; each network is trained on {child.images:,} images, {child.epochs} epochs, those of the "
        f"end on {final.images:,}, {final.epochs} epochs; where a dataset has fewer, they are passed more often."
    )


def _found_table(found: Convolutions) -> str:
    rows = []
    for on in found.datasets:
        for seed, (of, state) in enumerate(zip(on.seeds, on.states("found"), strict=True)):
            assert state is not None
            value = max(trial.value for trial in of.trials)
            parameters = of.trained[state]["parameters"]
            words = in_words(on.space, state)
            rows.append([on.title, str(seed), *words, f"{parameters:,}", str(len(of.trials)), f"{100 * value:.1f}"])
    headings = ["dataset", "seed", "group", "augmentations", "size", "parameters", "networks trained"]
    return markdown_table([*headings, "its validation accuracy, %"], rows)


def in_words(space: GCNNSpace, state: str) -> tuple[str, str, str]:
    """The group, the augmentations and the size of a network."""
    facts = space.candidate(state).facts
    return facts["group"], ", ".join(facts["augmentations"]) or "none", "large" if facts["large"] else "small"


def _accuracy_note() -> str:
    return (
        "In percent, of the final trainings. *Best group alone* is the small network, without augmentation, of the "
        "group that the best network with a group has; the plain one has no group either. Intervals (95 %): with "
        "several seeds Student's t, for searching and training again; with one seed Wilson's, for other test images "
        "only."
    )


def _accuracy_table(found: Convolutions) -> str:
    rows = []
    for on in found.datasets:
        cells = [percent_cell(on.estimate(role)) for role in ROLES]
        groups = (NOTHING if state is None else in_words(on.space, state)[0] for state in on.states("group"))
        gains = [100 * (on.accuracy(role) - on.accuracy("plain")) for role in ("group", "found")]
        row = [on.title, ", ".join(groups), *cells, *(points_cell(estimate(gain)) for gain in gains)]
        rows.append([*row, f"{on.test_images:,}"])
    gains_of = [f"{TITLES['group']} - plain, points", "found - plain, points"]
    return markdown_table(["dataset", "best group", *TITLES.values(), *gains_of, "test images"], rows)


def _shares_note() -> str:
    return (
        "Percent of the variance of validation accuracy that the choice of the group explains, the six augmentations "
        "with what they do together, and the size. Equivariance dominates where the group's share is the largest, and "
        "the 95 % interval of its lead is above 0. Each dataset's folder has the factors one by one.\n\n"
        "**What this cannot tell:** all networks of a search are trained with one seed, so those of one group and size "
        "begin with the same weights. What these happen to do counts as the group's or the size's, and no interval "
        "here holds it; where networks are trained so little that they stay near chance, it can be all there is. Only "
        "searches with other seeds tell whether a lead is the group's own."
    )


def _shares_table(found: Convolutions) -> str:
    rows = []
    for on in found.datasets:
        analysis = found.analyses[on.name]
        cells, r_squared = [NOTHING] * (len(FAMILIES) + 1), NOTHING
        if isinstance(analysis, Analysis):
            r_squared = NOTHING if analysis.r_squared is None else f"{analysis.r_squared:.2f}"
            cells = _family_cells(analysis) or cells
        rows.append([on.title, str(len(on.values)), r_squared, *cells, verdict(analysis)])
    headings = ["dataset", "networks", "R²", *FAMILIES, "lead, points", "does equivariance dominate?"]
    return markdown_table(headings, rows)


def _family_cells(analysis: Analysis) -> list[str]:
    """Shares of the families, and the lead of the first; nothing where no effect is reported."""
    if not analysis.effects:
        return []
    shares = {effect.name: effect for effect in analysis.of("family")}
    cells = [percent_cell(_in_percent(shares[name].share, shares[name].low, shares[name].high)) for name in FAMILIES]
    lead = next(lead for lead in analysis.leads if lead.kind == "family")
    between = points_cell(_in_percent(lead.share, lead.low, lead.high))
    return [*cells, f"{lead.first} over {lead.second}: {between}"]


def _in_percent(share: float, low: float | None, high: float | None) -> Estimate:
    return Estimate(100 * share, None if low is None else 100 * low, None if high is None else 100 * high)


def _missing(found: Convolutions) -> str:
    lines = [f"- `{name}`: {how}" for name, how in found.missing.items()]
    if "rotmnist" in found.missing:
        lines.append(
            "- `mnist-rot` can stand for `rotmnist`: not the archive of 2007, but made by `gdatasets` of MNIST in the "
            "same way, 12,000 images to learn from and 50,000 to test on, each turned by an angle of its own."
        )
    lines.append("\nRun the same command again when they are there: what is finished is kept.")
    return "\n".join(lines)


def _csv(found: Convolutions) -> str:
    what = ["dataset", "configuration", "seed", "network", "state", "group", "augmentations", "size"]
    lines: list[list[object]] = [[*what, "validation", "test", "parameters", "seconds"]]
    for on in found.datasets:
        for role in ROLES:
            for seed, (of, state) in enumerate(zip(on.seeds, on.states(role), strict=True)):
                if state is not None:
                    result = of.trained[state]
                    scores = [share_cell(max(result["accuracies"])), share_cell(measured(result, PROTOCOL))]
                    name = [on.name, on.configuration, seed, role, state, *in_words(on.space, state)]
                    lines.append([*name, *scores, result["parameters"], result["seconds"]])
    return csv_text(lines)
