"""Part e: group convolutional networks; what explains their accuracy, and what the best of them have in common.

<out>/e/
├── convolutions.md     shares of the variance on every dataset, and how to get the images that are missing
├── shares.csv          the same as numbers
├── tables/             the tables that were not published: <dataset>/<configuration>/gcnn-<protocol>-<networks>.parquet
└── <dataset>-<protocol>/
    └── analysis.md, effects.csv, effects.png    as of `aenbench analyze`

The paper looks at the networks that deep Q-learning visits. Which these are depends on what they reach, and until late
the search is a random walk. Here the networks are a balanced part of the space, or all of it, the same on every
dataset and under both protocols. A published table of the same trainings is used instead of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from aenbench.analysis.anova import MIN_R_SQUARED, Analysis
from aenbench.analysis.report import ABOVE_CHANCE, ANALYSIS_FILES, analyze_table
from aenbench.analysis.top_networks import Level, Top
from aenbench.errors import InvalidArgumentError
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.paper.availability import how_to_get
from aenbench.paper.context import Setting
from aenbench.paper.searches import has_trainings_of
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.runs.progress import Step
from aenbench.statistics.intervals import NOTHING, Estimate, percent_cell, points_cell, share_cell
from aenbench.tables.build import TablePlan, tabulate
from aenbench.tables.parquet import read_table, table_path
from aenbench.tables.table import Table
from aenbench.tasks.datasets import default_configuration
from aenbench.tasks.protocol import PAPER, STANDARD
from aenbench.tasks.task import Task
from aenbench.training.trial import load_images
from gdatasets.files import make_folder, write_whole

IMAGE_DATASETS = ("cifar10", "svhn", "rotmnist", "asl", "emnist-letters", "kmnist")
"""The six of the paper."""

FAMILIES = ("group", "augmentation", "size")
_FOLLOWED = 2_000  # test images that a training under `standard` is followed on, which choose nothing


@dataclass(frozen=True, eq=False)
class OnDataset:
    """The networks on one dataset, under one protocol.

    Attributes:
        table: what they reach.
        chance: the share, 0..1, of the most frequent class among the images to choose by.
        analysis: what explains it, or why that is undecided.
        top: the best tenth of the networks; None where there are too few.
    """

    table: Table
    chance: float
    analysis: Analysis | str
    top: Top | None

    @property
    def title(self) -> str:
        """The dataset, and its configuration unless it has one only."""
        name, configuration = self.table.info.dataset, self.table.info.configuration
        return name if configuration == "none" else f"{name} / {configuration}"

    @property
    def above_chance(self) -> int:
        """How many networks have learned something, in the mean over seeds."""
        values = self.table.final("validation").mean(axis=1)
        return int((values > self.chance + ABOVE_CHANCE).sum())


def run(setting: Setting) -> Path:
    """Train what is missing, on the available datasets, and write the part's folder.

    Raises:
        UnknownNameError: a dataset does not exist.
        InvalidArgumentError: two datasets have one name, or images have a size that the networks cannot read.
        SourceError: available images are damaged, or a folder or .zip file of one's own cannot be read.
        TableError: a table that is used is damaged.
    """
    names = tuple(dict.fromkeys(setting.image_datasets or IMAGE_DATASETS))
    missing = {name: how for name in names if (how := how_to_get(name, setting.root)) is not None}
    plans = _plans(setting, [name for name in names if name not in missing])
    folder = setting.out / "e"
    found = [_on_dataset(plan, _table(plan, setting, folder), folder) for plan in plans]
    make_folder(folder)
    write_whole(folder / "shares.csv", _csv(found).encode())
    lines = [f"- `{name}`: {how}" for name, how in missing.items()]
    write_whole(folder / "convolutions.md", markdown(found, lines, f"scale {setting.scale.name}").encode())
    return folder


def _plans(setting: Setting, datasets: Sequence[str]) -> list[TablePlan]:
    """The tables that are needed; every image is asked for its size before any work."""
    plans: list[TablePlan] = []
    named: dict[str, str] = {}
    for dataset, protocol in product(datasets, (PAPER, STANDARD)):
        plan = TablePlan(
            Task(dataset, default_configuration(dataset), protocol),
            GCNN_FAMILY.name,
            setting.scale.gcnn_seeds,
            setting.root,
            fraction=setting.scale.gcnn_networks,
            given=setting.scale.budgets[GCNN_FAMILY.name, protocol].child,
            precision=None if protocol.chooses_on_test else "bfloat16",
            test_images=None if protocol.chooses_on_test else _FOLLOWED,
        )
        plan.search_space.candidate(plan.search_space.start)
        if named.setdefault(plan.images.dataset.name, dataset) != dataset:
            name = plan.images.dataset.name
            raise InvalidArgumentError(f'"{named[name]}" and "{dataset}" are both named {name}; rename one of them.')
        plans.append(plan)
    return plans


def _table(plan: TablePlan, setting: Setting, folder: Path) -> Table:
    """The published table of these trainings; where there is none, they are made."""
    task, name = plan.task, plan.images.dataset.name
    if setting.tables is not None:
        path = table_path(setting.tables, name, task.configuration, plan.space, task.protocol, plan.fraction)
        table = read_table(path) if path.is_file() else None
        if table is not None and has_trainings_of(table, plan.images, plan.recipe, range(plan.seeds)):
            return table

    def report(done: int, trainings: int) -> None:
        setting.report(Step(None, f"e: {name}, {task.protocol}", done, trainings))

    kept = setting.out / f".e-{setting.scale.name}-{name}-{task.configuration}-{task.protocol}.trials"
    return read_table(tabulate(plan, folder / "tables", kept, setting.executor, report))


def _on_dataset(plan: TablePlan, table: Table, folder: Path) -> OnDataset:
    labels = load_images(plan.task, plan.root, plan.recipe).choose_by.labels.numpy()
    chance = np.bincount(labels).max() / len(labels)
    place = folder / f"{table.info.dataset}-{table.protocol}"
    try:
        analysis, top = analyze_table(table, place)
    except InvalidArgumentError as error:  # too few networks, or all alike
        for name in ANALYSIS_FILES:  # of fewer seeds, which were not alike
            (place / name).unlink(missing_ok=True)
        return OnDataset(table, float(chance), str(error), None)
    return OnDataset(table, float(chance), analysis, top)


def verdict(analysis: Analysis | str, above_chance: int) -> str:
    """Whether the group explains more of the variance than augmentations and size do.

    Where no network is above chance there is nothing to explain, and a share can be large all the same: on the hands of
    ASL the group explains 46 % of a deviation of .2 points.

    Networks of one seed with the same group and size begin with the same weights. What these happen to do is not told
    from what the group does, and the interval of the lead does not hold it: other seeds do.
    """
    if isinstance(analysis, str):
        return f"undecided: {analysis}"
    if not above_chance:
        return "undecided: no network is above chance"
    if not analysis.effects:
        return f"undecided: R² of the surrogate is {analysis.r_squared:.2f}, below {MIN_R_SQUARED}"
    lead = next(lead for lead in analysis.leads if lead.kind == "family")
    if lead.low is None or lead.high is None:
        return "undecided: one seed of all networks has no interval"
    if lead.low <= 0:
        return "undecided: the interval of the lead contains 0"
    return "yes" if lead.first == "group" else f"no: {lead.first} leads"


def markdown(found: Sequence[OnDataset], missing: Sequence[str], title: str) -> str:
    """What was found, as text with tables.

    Args:
        found: by dataset and protocol.
        missing: a line for each dataset whose images are not available.
        title: of the scale.
    """
    parts = [f"# Group convolutional networks, {title}"]
    if found:
        parts += [
            f"## What explains accuracy\n\n{_SHARES_NOTE}\n\n{_shares_table(found)}",
            f"## The best tenth\n\n{_TOP_NOTE}\n\n{_top_table(found)}",
        ]
    if missing:
        parts.append(f"## Not available\n\n{_missing(missing)}")
    return "\n\n".join(parts) + "\n"


_SHARES_NOTE = (
    "Percent of the variance of accuracy, on the images to choose by, that the choice of the group explains, the six "
    "augmentations with what they do together, and the size. Equivariance dominates where the group's share is the "
    "largest, and the 95 % interval of its lead is above 0. A network is above chance if it exceeds the share of the "
    f"most frequent class by {100 * ABOVE_CHANCE:.0f} points. Each folder has the factors one by one.\n\n"
    "**What this cannot tell:** networks of one seed with one group and size begin with the same weights. What these "
    "happen to do counts as the group's or the size's, and no interval here holds it; where most networks stay near "
    "chance, it can be all there is. More seeds tell (`--seeds`)."
)
_TOP_NOTE = (
    "How many of the best tenth have each group, and what it gains over none on average over all networks, points. "
    "p: share of the permutations in which the groups of the best differ as much from those of all networks (blocks of "
    "networks that begin with the same weights are permuted; adjusted for the number of factors)."
)


def _shares_table(found: Sequence[OnDataset]) -> str:
    rows = []
    for on in found:
        info, analysis = on.table.info, on.analysis
        cells, r_squared = [NOTHING] * (len(FAMILIES) + 1), NOTHING
        if isinstance(analysis, Analysis):
            r_squared = NOTHING if analysis.r_squared is None else f"{analysis.r_squared:.2f}"
            cells = _family_cells(analysis) or cells
        networks = len(on.table.networks)
        trained = f"{info.recipe.images:,} x {info.recipe.epochs}"
        first = [on.title, str(on.table.protocol), f"{networks} x {len(info.seeds)}", trained]
        rows.append([*first, f"{on.above_chance} of {networks}", r_squared, *cells, verdict(analysis, on.above_chance)])
    what = ["dataset", "protocol", "networks x seeds", "images x epochs", "above chance", "R²"]
    return markdown_table([*what, *FAMILIES, "lead, points", "does equivariance dominate?"], rows)


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


def _top_table(found: Sequence[OnDataset]) -> str:
    rows, names = [], []
    for on in found:
        if on.top is not None:
            group = next(factor for factor in on.top.factors if factor.name == "group")
            names = [level.name for level in group.levels]
            cells = [_level_cell(level) for level in group.levels]
            rows.append([on.title, str(on.table.protocol), str(on.top.best), f"{group.p_value:.4f}", *cells])
    return markdown_table(["dataset", "protocol", "the best", "p", *names], rows)


def _level_cell(level: Level) -> str:
    among = f"{level.best} of {level.networks}"
    return among if level.gain is None else f"{among}; {points_cell(_in_percent(level.gain, level.low, level.high))}"


def _missing(lines: Sequence[str]) -> str:
    told = list(lines)
    if any(line.startswith("- `rotmnist`") for line in told):
        told.append(
            "- `mnist-rot` can stand for `rotmnist`: not the archive of 2007, but made by `gdatasets` of MNIST in the "
            "same way, 12,000 images to learn from and 50,000 to test on, each turned by an angle of its own."
        )
    told.append("\nRun the same command again when they are there: what is finished is kept.")
    return "\n".join(told)


def _csv(found: Sequence[OnDataset]) -> str:
    what = ["dataset", "configuration", "protocol", "networks", "seeds", "chance", "above_chance"]
    lines: list[list[object]] = [[*what, "part", "share", "low", "high"]]
    for on in found:
        info = on.table.info
        of = [info.dataset, info.configuration, info.protocol, len(on.table.networks), len(info.seeds)]
        shares = on.analysis.of("family") if isinstance(on.analysis, Analysis) else []
        for effect in shares:
            numbers = [effect.share, effect.low, effect.high]
            cells = ["" if number is None else share_cell(number) for number in numbers]
            lines.append([*of, share_cell(on.chance), on.above_chance, effect.name, *cells])
        if not shares:
            lines.append([*of, share_cell(on.chance), on.above_chance, "", "", "", ""])
    return csv_text(lines)
