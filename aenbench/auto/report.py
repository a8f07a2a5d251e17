"""The report: what is symmetric and how sure, what a network gains that knows it, what it cost, how to use it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aenbench.auto.gain import Gain
from aenbench.auto.inquiry import Inquiry
from aenbench.auto.square_group import IN_WORDS, ChosenGroup
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.markdown import format_accuracy
from aenbench.leaderboard.site.render import page_style
from aenbench.models.family import DEFAULT_BUDGET
from aenbench.reports.figures import COLORS, encode_png
from aenbench.reports.page import Code, Heading, Paragraph, Part, Picture, Table, to_html, to_markdown
from aenbench.scoring import Scored
from aenbench.statistics.intervals import Estimate, points_cell
from aenbench.tasks.datasets import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HTML_FILE, MARKDOWN_FILE, JSON_FILE, CLASSES_FILE = "report.html", "report.md", "report.json", "classes.txt"

_EFFECTS = (
    "Effects of the seven moves with their intervals, in units of the margin, and of a control that spoils each image"
)
_PAIRS = "Images beside what a move made of them, where the two are told apart most easily"
_GAIN = "Test accuracy of the plain network and of the one that knows the group, seed by seed"


@dataclass(frozen=True, eq=False)
class Network:
    """A network that was trained.

    Attributes:
        group: that it knows, of `SQUARE_GROUPS`.
        entry: what it left.
        predictions: uint8 (seeds, n).
        scored: recomputed from them.
        command: the `aenbench run` that makes the entry again.
    """

    group: str
    entry: Entry
    predictions: NDArray[np.uint8]
    scored: Scored
    command: str

    @property
    def name(self) -> str:
        """As `aenbench.load_model` takes it."""
        return f"{self.entry.dataset}/{self.entry.configuration}/{self.entry.name}"

    @property
    def seconds(self) -> float:
        """Of training, of all seeds together."""
        return sum(seed.training_seconds or 0.0 for seed in self.entry.seeds)

    @property
    def best_seed(self) -> int:
        """The seed that does best on the images to choose by."""
        return max(self.entry.seeds, key=lambda seed: seed.chosen_by or 0.0).seed


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything that is reported.

    Attributes:
        images: what was typed.
        dataset: that was made of them.
        notes: what was done to the images.
        inquiry: what they said.
        pictures: of that, PNG files by name.
        group: that was chosen.
        networks: the plain one, and that of the group where there is one.
        gain: of the latter; None where there is none.
        budget: of the trainings.
        out: the folder of everything.
        read_seconds: of reading the images.
        wall_seconds: of the whole call; None where it continued another one.
    """

    images: str
    dataset: Dataset
    notes: tuple[str, ...]
    inquiry: Inquiry
    pictures: Mapping[str, bytes]
    group: ChosenGroup
    networks: tuple[Network, ...]
    gain: Gain | None
    budget: str
    out: Path
    read_seconds: float
    wall_seconds: float | None

    @property
    def advised(self) -> Network:
        """The network to use: that of the group where it pays, else the plain one."""
        return self.networks[-1 if self.gain is not None and self.gain.outcome == "pays" else 0]

    @property
    def answer(self) -> str:
        """Whether symmetry pays, in one or two sentences."""
        if self.gain is None:
            return f"{self.group.reason} So there is nothing that could pay, and only the plain network was trained."
        plain, symmetric = self.networks
        times = f"{symmetric.seconds / max(plain.seconds, 0.01):.1f} times the training time"
        known = f"the network that knows {self.group.name} ({IN_WORDS[self.group.name]})"
        gain = f"{_points(self.gain.points)}{_test(self.gain)}"
        more = "" if self.group.is_found else " The images alone did not decide on this symmetry; it was tried."
        if self.budget != DEFAULT_BUDGET:
            more += f" These are the short trainings of budget {self.budget}."
        if self.gain.outcome == "pays":
            return f"Symmetry pays: {known} is better by {gain}, for {times}.{more}"
        if self.gain.outcome == "costs":
            return f"Symmetry does not pay: {known} is worse; the difference is {gain}, at {times}.{more}"
        again = "One seed tells nothing of chance; give --seeds 3 or more." if self.gain.p_value is None else ""
        return (
            f"It is undecided whether symmetry pays: {known} differs from the plain one by {gain}, at {times}. "
            f"{again or 'Use the plain network, or give more --seeds.'}{more}"
        )


def report_files(outcome: Outcome) -> dict[str, bytes]:
    """The files of the report's folder, by name."""
    title = f"Symmetry of {outcome.dataset.name}"
    parts = _parts(outcome)
    note = "Made by aenbench auto. This page loads nothing and stores nothing."
    pictures = {part.file: part.content for part in parts if isinstance(part, Picture)}
    return {
        HTML_FILE: to_html(title, parts, page_style(), note).encode(),
        MARKDOWN_FILE: to_markdown(title, parts).encode(),
        JSON_FILE: (json.dumps(_values(outcome), indent=1) + "\n").encode(),
        CLASSES_FILE: "".join(f"{name}\n" for name in outcome.dataset.classes).encode(),
        **pictures,
    }


def _parts(outcome: Outcome) -> list[Part]:
    parts = [Paragraph(outcome.answer), *_symmetry(outcome), *_networks(outcome), *_costs(outcome), *_use(outcome)]
    return [*parts, *_making(outcome)]


def _symmetry(outcome: Outcome) -> list[Part]:
    inquiry = outcome.inquiry
    rows = [
        (
            each.move,
            f"{each.effect:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.p_value:.4f}",
            each.verdict,
            f"{each.method}, {each.margin:g}",
        )
        for each in inquiry.moves
    ]
    parts: list[Part] = [
        Heading("What is symmetric, and how sure"),
        *([] if outcome.gain is None else [Paragraph(outcome.group.reason)]),
        Table(("move", "effect", "interval", "p", "verdict", "asked by, margin"), rows),
        Paragraph(
            "Effect: how far moved images are from images of their class, 0 for a symmetry, near 1 where they have "
            "nothing in common, with its 97.5 % interval. p: of the hypothesis that the move is a symmetry, adjusted "
            "for all tests. symmetry: nothing was detected, and the interval ends below the margin. approximate: "
            "something was detected, below the margin. broken: the interval begins above it. "
            f"{inquiry.control} {inquiry.how}"
        ),
    ]
    texts = {"effects.png": _EFFECTS, "pairs.png": _PAIRS}
    return parts + [Picture(name, texts[name], outcome.pictures[name]) for name in texts if name in outcome.pictures]


def _networks(outcome: Outcome) -> list[Part]:
    rows = [
        (
            "plain" if network.group == outcome.networks[0].group else f"knows {network.group}",
            format_accuracy(network.scored),
            f"{round(fmean(seed.parameters for seed in network.entry.seeds)):,}",
            f"{network.seconds / len(network.entry.seeds):,.1f}",
        )
        for network in outcome.networks
    ]
    parts: list[Part] = [
        Heading("What it gains"),
        Table(("network", "test accuracy, % [interval]", "parameters", "seconds a training"), rows),
    ]
    if outcome.gain is None:
        return [*parts, Paragraph("No second network was trained, because no symmetry was found that it could know.")]
    cell, seeds = points_cell(outcome.gain.points), len(outcome.networks[0].entry.seeds)
    said = f"Gain in percentage points of test accuracy: {cell}, over {seeds} seed{'s' if seeds > 1 else ''}"
    if outcome.gain.p_value is None:
        said += "; a single seed has no interval."
    else:
        said += (
            f"; p {outcome.gain.p_value:.4f}. The interval pairs each seed with itself, and says what training again "
            "would change. p says how likely such a difference is if both networks are equally good, trained again and "
            "tested on other images. Symmetry is said to pay where the interval is above zero and p below .05."
        )
    if outcome.budget != DEFAULT_BUDGET:
        said += f" These are short trainings (budget {outcome.budget}): long ones may differ either way."
    parts.append(Paragraph(said))
    return [*parts, Picture("gain.png", _GAIN, encode_png(_draw_gain(outcome)))] if seeds > 1 else parts


def _draw_gain(outcome: Outcome) -> "Figure":
    """A line for each seed, from the plain network's accuracy to that of the group's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    values = [[100 * share for share in network.scored.per_seed] for network in outcome.networks]
    for left, right in zip(*values, strict=True):
        axes.plot([0, 1], [left, right], "o-", color=COLORS[0])
    axes.set_xticks([0, 1], ["plain", f"knows {outcome.group.name}"])
    axes.set_xlim(-0.3, 1.3)
    axes.set_ylabel("test accuracy, %")
    axes.grid(axis="y", color="0.9")
    return figure


def _costs(outcome: Outcome) -> list[Part]:
    rows = [
        ("reading the images", f"{outcome.read_seconds:,.1f}"),
        ("asking them, processor time", f"{outcome.inquiry.seconds:,.1f}"),
    ]
    for network in outcome.networks:
        seeds = len(network.entry.seeds)
        times = f"{seeds} time{'s' if seeds > 1 else ''}"
        rows.append((f"training {network.entry.name}, {times}, by the clock", f"{network.seconds:,.1f}"))
    if outcome.wall_seconds is not None:
        rows.append(("the whole command, by the clock", f"{outcome.wall_seconds:,.1f}"))
    return [Heading("What it cost"), Table(("step", "seconds"), rows)]


def _use(outcome: Outcome) -> list[Part]:
    network = outcome.advised
    said = f"{network.entry.name} is the network to use"
    if outcome.gain is not None and outcome.gain.outcome == "cannot tell":
        other = outcome.networks[-1].name
        said = f"Nothing measured prefers one of the two. {network.entry.name} is the cheaper one; the other is {other}"
    if len(network.entry.seeds) > 1:
        said += f"; of its seeds the one that does best on validation images, {network.best_seed}"
    return [
        Heading("Use it"),
        Paragraph(f"{said}. From the folder where the command was typed:"),
        Code(example(outcome), "python"),
    ]


def example(outcome: Outcome) -> str:
    """Ten lines of Python that classify an image by the network that is advised."""
    network, out = outcome.advised, outcome.out
    size, colors = outcome.dataset.image_shape[0], "RGB" if len(outcome.dataset.image_shape) == 3 else "L"
    return f"""import numpy as np
from PIL import Image, ImageOps
from aenbench import load_model
from gdatasets.sources.sized import shrink
model = load_model({_quoted(network.name)}, seed={network.best_seed}, weights={_quoted(out / "weights")})
classes = open({_quoted(out / "report" / CLASSES_FILE)}, encoding="utf-8").read().splitlines()
photo = ImageOps.exif_transpose(Image.open("photo.png")).convert("{colors}")
image = np.asarray(shrink(photo, {size}, "photo.png", enlarge=True))  # as training read it
shares = model(model.normalization.apply(image[None])).softmax(dim=1)[0].tolist()
print({{name: round(share, 3) for name, share in zip(classes, shares)}})"""


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _making(outcome: Outcome) -> list[Part]:
    data = outcome.dataset
    counts = ", ".join(f"{count:,} {split}" for split, count in data.samples.items())
    size = " x ".join(map(str, data.image_shape[:2]))
    colors = "color" if len(data.image_shape) == 3 else "gray"
    about = (
        f"{outcome.images}: {len(data.classes)} classes, {size} pixels, {colors}, {counts}; choices are made by the "
        f"last {data.validation:,} training images. The images that were asked are among those learned from; the test "
        "images were used once, by the finished networks."
    )
    machine = outcome.networks[0].entry
    parts: list[Part] = [Heading("How it was made"), Paragraph(" ".join((about, *outcome.notes)))]
    if outcome.inquiry.notices:
        parts.append(Paragraph("While the images were asked: " + "; ".join(outcome.inquiry.notices) + "."))
    commands = [network.command for network in outcome.networks]
    equal = "Both networks have about equal parameters and one recipe. " if len(commands) > 1 else ""
    parts.append(Paragraph(f"{equal}The same as commands of their own:"))
    parts.append(Code("\n".join([*commands, f"aenbench verify {outcome.out / 'entries'}"]), "bash"))
    versions = ", ".join(f"{name} {version}" for name, version in machine.software.items())
    return [*parts, Paragraph(f"{machine.device}, {machine.hardware}; {versions}; {machine.created}.")]


def _values(outcome: Outcome) -> dict[str, Any]:
    """The report as plain values."""
    gain = outcome.gain
    return {
        "images": outcome.images,
        "dataset": outcome.dataset.name,
        "answer": outcome.answer,
        "outcome": None if gain is None else gain.outcome,
        "group": {"name": outcome.group.name, "reason": outcome.group.reason},
        "gain": None if gain is None else {**gain.points._asdict(), "p_value": gain.p_value, "unit": "points"},
        "inquiry": outcome.inquiry.to_json(),
        "networks": [
            {
                "entry": network.name,
                "group": network.group,
                "accuracies": list(network.scored.per_seed),
                "parameters": [seed.parameters for seed in network.entry.seeds],
                "training_seconds": round(network.seconds, 2),
            }
            for network in outcome.networks
        ],
        "advised": outcome.advised.name,
        "budget": outcome.budget,
        "notes": list(outcome.notes),
        "seconds": {
            "reading": round(outcome.read_seconds, 2),
            "whole": outcome.wall_seconds and round(outcome.wall_seconds, 2),
        },
    }


def _points(points: Estimate) -> str:
    """Such as `+1.20 points (+0.40 to +2.00)`."""
    if points.low is None or points.high is None:
        return f"{points.mean:+.2f} points"
    return f"{points.mean:+.2f} points (95 % interval {points.low:+.2f} to {points.high:+.2f})"


def _test(gain: Gain) -> str:
    return "" if gain.p_value is None else f", p {gain.p_value:.3f}"
