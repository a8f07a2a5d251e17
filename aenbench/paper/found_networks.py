"""Part b: the plain network, the best single action, all twelve, and the network that deep Q-learning finds.

<out>/b/
├── networks.md         what was found
├── networks.csv        every training, with the network and what its search did
└── accuracy.png, .svg  accuracies under both protocols

Each seed searches by itself and trains what it chose again on more images, as `aenbench run` does with its baselines
`mlp`, `single`, `full` and `aen`: accuracies under protocol `standard` are those of such entries. Under `paper` the
four networks are trained with the initialization and the bias of `standard` too, to see what of the gains they make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from aenbench.execution.store import Result
from aenbench.models.aen import AEN_FAMILY
from aenbench.paper.context import CONFIGURATIONS, Setting
from aenbench.paper.figures import Bars, grouped_bars
from aenbench.paper.searches import SearchOf, best_single, fitting_table, replay, search, space_of
from aenbench.paper.trainings import (
    MEASURES,
    VARIANTS,
    By,
    Training,
    Variant,
    architecture,
    measured,
    train,
    variants_of,
)
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.statistics.intervals import NOTHING, estimate, percent_cell, points_cell, share_cell
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PAPER, STANDARD, Protocol
from gdatasets.files import make_folder, write_whole
from gdatasets.groups.actions import actions_from_bits

Method = Literal["plain", "single", "full", "aen"]
METHODS: tuple[Method, ...] = get_args(Method)
PROTOCOLS: tuple[Protocol, ...] = (PAPER, STANDARD)
TITLES: Mapping[Method, str] = {"plain": "no sharing", "single": "best single", "full": "all twelve", "aen": "AEN"}
_PAIRS: tuple[tuple[Method, Method], ...] = (("aen", "plain"), ("aen", "single"), ("aen", "full"), ("single", "plain"))
Floats = NDArray[np.float64]


class TaskName(NamedTuple):
    """A dataset and a configuration of it."""

    dataset: str
    configuration: str


@dataclass(frozen=True)
class Place:
    """What a network's rank is in the table of all of them, where there is one.

    Attributes:
        rank: by mean test accuracy over the table's seeds, from 1.
        regret: how far that accuracy is below the best one, share.
        best: the actions of the network with the best one, in words.
    """

    rank: int
    regret: float
    best: str


@dataclass(frozen=True)
class Found:
    """What one seed chose for one task, and how.

    Attributes:
        states: the canonical state of each method's network.
        names: its actions in words, none of which can be left out.
        networks: distinct networks that the search trained.
        visited: distinct states that it asked for: the models that the released code would train.
        place: of the network that the search found; None without a table.
    """

    states: Mapping[Method, str]
    names: Mapping[Method, str]
    networks: int
    visited: int
    place: Place | None


@dataclass(frozen=True, eq=False)
class Networks:
    """The trainings of part b.

    Attributes:
        tasks: in the order of the report.
        seeds: repetitions.
        found: by task, protocol and seed.
        trained: results by task, protocol, variant, method and seed.
    """

    tasks: Sequence[TaskName]
    seeds: int
    found: Mapping[tuple[TaskName, Protocol, int], Found]
    trained: Mapping[tuple[TaskName, Protocol, Variant, Method, int], Result]

    def accuracy(
        self, task: TaskName, protocol: Protocol, method: Method, by: By = "reported", variant: Variant = "released"
    ) -> Floats:
        """Of one method, (seeds,), in percent; NaN where no image is unseen."""
        results = [self.trained[task, protocol, variant, method, seed] for seed in range(self.seeds)]
        return 100 * np.array([measured(result, protocol, by) for result in results])

    def gain(
        self, method: Method, over: Method, protocol: Protocol, by: By = "reported", variant: Variant = "released"
    ) -> Floats:
        """Of one method over another, mean over all tasks, (seeds,), in points."""
        each = [
            self.accuracy(task, protocol, method, by, variant) - self.accuracy(task, protocol, over, by, variant)
            for task in self.tasks
        ]
        mean: Floats = np.mean(each, axis=0)
        return mean

    def parameters(self, protocol: Protocol, method: Method) -> NDArray[np.int64]:
        """Free parameters of one method's networks, (tasks, seeds)."""
        return np.array(
            [
                [self.trained[task, protocol, "released", method, seed]["parameters"] for seed in range(self.seeds)]
                for task in self.tasks
            ]
        )

    @property
    def has_unseen(self) -> bool:
        """Whether every task has test images that nothing was chosen by under `paper`."""
        return all(np.isfinite(self.accuracy(task, PAPER, "plain", "unseen")).all() for task in self.tasks)


def searches_of(setting: Setting) -> tuple[dict[tuple[TaskName, Protocol, int], SearchOf], dict[str, Result]]:
    """All searches of parts b and c, and their results by key: what is missing is searched now."""
    tasks = [TaskName(dataset, configuration) for dataset in setting.datasets for configuration in CONFIGURATIONS]
    store = setting.store("searches", [setting.images(*task, protocol) for protocol in PROTOCOLS for task in tasks])
    of = {
        (task, protocol, seed): SearchOf(
            setting.images(*task, protocol).task,
            setting.root,
            setting.scale.budgets[AEN_FAMILY.name, protocol],
            seed,
            store,
            setting.tables,
        )
        for protocol in PROTOCOLS
        for task in tasks
        for seed in range(setting.scale.seeds)
    }
    return of, setting.evaluate(store, "searches", search, {each.key: each for each in of.values()})


def run(setting: Setting) -> Path:
    """Search and train what is missing and write the part's folder."""
    searches, results = searches_of(setting)
    tasks = tuple(dict.fromkeys(task for task, _, _ in searches))
    found = {key: _found(of, results[of.key]) for key, of in searches.items()}
    trainings = {
        (task, protocol, variant, method, seed): _training(searches[task, protocol, seed], state, variant)
        for (task, protocol, seed), chosen in found.items()
        for variant in (variants_of(protocol))
        for method, state in chosen.states.items()
    }
    store = setting.store("b", [setting.images(*task, protocol) for protocol in PROTOCOLS for task in tasks])
    trained = setting.evaluate(store, "b: trainings", train, {each.key: each for each in trainings.values()})
    networks = Networks(tasks, setting.scale.seeds, found, {k: trained[each.key] for k, each in trainings.items()})
    return write(networks, setting.out / "b", f"scale {setting.scale.name}")


def _found(of: SearchOf, result: Result) -> Found:
    images = Images(of.task, of.root)
    space = space_of(images)
    record = replay(space, result, of.budget)
    table = fitting_table(of, images)
    chosen = record.best.canonical
    states: dict[Method, str] = {
        "plain": space.canonical(space.start),
        "single": best_single(space, result),
        "full": space.canonical("1" * space.bits),
        "aen": chosen,
    }
    place = None if table is None else _place(table, chosen, images)
    names = {method: _name(images, state) for method, state in states.items()}
    return Found(states, names, len(record.trials), len(record.visited), place)


def _place(table: Table, network: str, images: Images) -> Place:
    best, reached = table.best("test")
    return Place(table.rank(network), reached.test - table.query(network).test, _name(images, best))


def _name(images: Images, state: str) -> str:
    """The actions of a network in words, as few as give it."""
    if "0" not in state:
        return "all twelve"
    return ", ".join(architecture(images, actions_from_bits(state)).irredundant().actions) or "none"


def _training(of: SearchOf, state: str, variant: Variant) -> Training:
    network = architecture(Images(of.task, of.root), actions_from_bits(state), variant)
    return Training(of.task, of.root, network, of.budget.final, of.seed)


def write(found: Networks, folder: Path, title: str) -> Path:
    """Write what was found into a folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    for suffix, content in grouped_bars(_pictures(found)).items():
        write_whole(folder / f"accuracy.{suffix}", content)
    write_whole(folder / "networks.csv", _csv(found).encode())
    write_whole(folder / "networks.md", markdown(found, title).encode())
    return folder


def _pictures(found: Networks) -> list[Bars]:
    """One panel for each dataset and protocol."""
    panels = []
    for dataset in dict.fromkeys(task.dataset for task in found.tasks):
        tasks = [task for task in found.tasks if task.dataset == dataset]
        for protocol in PROTOCOLS:
            values = {TITLES[method]: [found.accuracy(task, protocol, method) for task in tasks] for method in METHODS}
            panels.append(Bars(f"{dataset}, {protocol}", [task.configuration for task in tasks], values))
    return panels


def markdown(found: Networks, title: str) -> str:
    """What was found, as text with tables."""
    parts = [
        f"# Networks that were chosen, {title}",
        f"{found.seeds} {'seeds' if found.seeds > 1 else 'seed'}, each with its own search. Accuracies in percent, "
        "gains in points, with 95 % intervals (Student's t) for doing everything again with other seeds. Under `paper` "
        "*reported* is the best epoch on the 1,000 test images that also chose the network, *last* the last epoch on "
        "those, *unseen* the best epoch on the other test images. Under `standard` all choices are made on validation "
        "images.",
        "![Accuracy of each network by moves, one panel for each dataset and protocol](accuracy.png)",
        "## Gains, mean over tasks\n\n" + _gains_table(found),
        "## What choosing on test images adds (`paper`)\n\n" + _selection_table(found),
        "## Size\n\n" + _size_table(found),
    ]
    for protocol in PROTOCOLS:
        parts.append(f"## Accuracy under `{protocol}`\n\n" + _accuracy_table(found, protocol, "reported"))
        if protocol.chooses_on_test and found.has_unseen:
            parts.append("The same networks on unseen test images:\n\n" + _accuracy_table(found, protocol, "unseen"))
        parts.append(f"## What the search found under `{protocol}`\n\n" + _search_table(found, protocol))
    return "\n\n".join(parts) + "\n"


def _gains_table(found: Networks) -> str:
    rows = []
    for protocol in PROTOCOLS:
        for variant in variants_of(protocol):
            for by in MEASURES if protocol.chooses_on_test else ("reported",):
                gains = [found.gain(*pair, protocol, by, variant) for pair in _PAIRS]
                if np.isfinite(gains).all():
                    change = VARIANTS[variant].title if protocol.chooses_on_test else NOTHING
                    rows.append([protocol.name, change, by, *(points_cell(estimate(gain)) for gain in gains)])
    headings = [f"{TITLES[first]} - {TITLES[second]}" for first, second in _PAIRS]
    return markdown_table(["protocol", "network", "by", *headings], rows)


def _selection_table(found: Networks) -> str:
    rows = []
    for method in METHODS:
        by = {
            each: np.mean([found.accuracy(task, PAPER, method, each) for task in found.tasks], axis=0)
            for each in MEASURES
        }
        cells = [estimate(by["reported"] - by[other]) for other in ("last", "unseen")]
        rows.append([TITLES[method], percent_cell(estimate(by["reported"])), *map(points_cell, cells)])
    return markdown_table(["network", "reported, %", "above the last epoch", "above unseen images"], rows)


def _size_table(found: Networks) -> str:
    rows = []
    for protocol in PROTOCOLS:
        sizes = {method: found.parameters(protocol, method) for method in METHODS}
        cells = [f"{np.exp(np.log(sizes[method]).mean()):,.0f}" for method in METHODS]
        between = (sizes["full"] < sizes["aen"]) & (sizes["aen"] < sizes["plain"])
        rows.append([protocol.name, *cells, f"{between.sum()} of {between.size}"])
    headings = [f"{TITLES[method]}, parameters" for method in METHODS]
    note = (
        "Geometric means over tasks and seeds; the last column counts the searches whose network is between both ends."
    )
    return f"{note}\n\n{markdown_table(['protocol', *headings, 'AEN in between'], rows)}"


def _accuracy_table(found: Networks, protocol: Protocol, by: By) -> str:
    rows = []
    for task in found.tasks:
        values = {method: found.accuracy(task, protocol, method, by) for method in METHODS}
        cells = [percent_cell(estimate(values[method])) for method in METHODS]
        rows.append([*task, *cells, points_cell(estimate(values["aen"] - values["plain"]))])
    return markdown_table(["dataset", "moves", *TITLES.values(), "AEN - no sharing"], rows)


def _search_table(found: Networks, protocol: Protocol) -> str:
    rows = []
    for task in found.tasks:
        for seed in range(found.seeds):
            of = found.found[task, protocol, seed]
            place = [NOTHING] * 3
            if of.place is not None:
                place = [str(of.place.rank), f"{100 * of.place.regret:.2f}", of.place.best]
            duplicates = f"{of.visited - of.networks} of {of.visited}"
            parameters = f"{found.trained[task, protocol, 'released', 'aen', seed]['parameters']:,}"
            rows.append([*task, str(seed), of.names["aen"], of.names["single"], parameters, duplicates, *place])
    headings = [
        "dataset",
        "moves",
        "seed",
        "AEN found",
        "best single",
        "AEN's parameters",
        "duplicates",
        "rank",
        "regret, points",
    ]
    note = (
        "Actions: the first set of which none can be left out. Duplicates: of the states visited, which the released "
        "code would train, those whose network was trained already. Rank and regret: in the table of all networks, by "
        "mean test accuracy after the search's short training, where there is a table."
    )
    return f"{note}\n\n{markdown_table([*headings, 'best of the table'], rows)}"


def _csv(found: Networks) -> str:
    what = ["dataset", "configuration", "protocol", "variant", "network", "seed", "actions"]
    lines: list[list[object]] = [
        [*what, "networks_trained", "states_visited", "rank", *MEASURES, "parameters", "seconds"]
    ]
    for (task, protocol, variant, method, seed), result in found.trained.items():
        of = found.found[task, protocol, seed]
        searched = [of.networks, of.visited, "" if of.place is None else of.place.rank] if method == "aen" else [""] * 3
        scores = [share_cell(measured(result, protocol, by)) for by in MEASURES]
        name = [*task, protocol, variant, method, seed, of.states[method]]
        lines.append([*name, *searched, *scores, result["parameters"], result["seconds"]])
    return csv_text(lines)
