"""Entries made for tests: truthful, small, on G-Digits, which needs no download."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry import Entry, Interval, SeedResult
from aenbench.leaderboard.entry_arrays import encode_logits, encode_predictions
from aenbench.leaderboard.entry_folder import write_entry
from aenbench.leaderboard.flags import Flag
from aenbench.leaderboard.ground_truth import Answers
from aenbench.leaderboard.rescoring import Checked
from aenbench.scoring import score
from aenbench.search.record import Trial, trials_csv
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task, TaskShape
from gdatasets.groups.actions import ACTIONS, bits_from_actions

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

    Open = Callable[..., Page]

TASK = Task("g-digits", "aug1")

HFLIP = {"standard": 234_818, "paper": 240_812}
"""Free parameters of the network that is equivariant to `hflip`, on images of 28 x 28 and with ten classes."""

MakeEntry = Callable[..., Path]


def _make(
    base: Path,
    name: str,
    wrong: int,
    task: Task = TASK,
    seeds: int = 3,
    extras: Mapping[str, bytes] | None = None,
    with_logits: bool = False,
    searches: Sequence[Sequence[float]] = (),
    stated: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """An entry with about `wrong` mistakes a seed, which differ between names and seeds; `changes` replace fields.

    `searches` are the accuracies of the networks that each seed's search trained; the best one is that of `hflip`.
    `stated` replaces fields of every seed.
    """
    images = Images(task)
    labels = images.test_labels()
    generator = np.random.default_rng(list(name.encode()))
    predictions = np.tile(labels, (seeds, 1)).astype(np.uint8)
    hard = np.argsort(labels * 7 % 11 + np.arange(len(labels)) / 1e3)[: 2 * wrong + 2]  # everybody errs on these
    for seed in range(seeds):
        chosen = generator.choice(hard, wrong + seed, replace=False)
        predictions[seed, chosen] = (predictions[seed, chosen] + 1 + seed) % 10
    result, encoded = score(predictions, labels), encode_predictions(predictions)
    files = dict(extras or {})
    if with_logits:
        files["logits.npy"] = encode_logits(3 * np.eye(10, dtype=np.float32)[predictions])
        changes["logits_sha256"] = hashlib.sha256(files["logits.npy"]).hexdigest()
    facts = {"actions": ("hflip",), "parameters": HFLIP[task.protocol.name], "networks_trained": wrong % 7}
    trained = [len(values) for values in searches] + [0] * (seeds - len(searches))
    if searches:
        files["trials.csv"] = _trials(searches)
    times = {"search_seconds": 1.5, "training_seconds": 2.5, "chosen_by": 0.5}
    entry = Entry(
        name=name,
        origin="baseline",
        method="single",
        dataset=task.dataset,
        dataset_version=images.dataset.version,
        configuration=task.configuration,
        test_content_sha256=images.dataset.digest("test"),
        protocol=task.protocol.name,
        budget="quick",
        seeds=tuple(
            SeedResult(
                seed=seed,
                accuracy=accuracy,
                **{
                    **facts,
                    **times,
                    **({"networks_trained": trained[seed], "states_visited": trained[seed]} if searches else {}),
                    **(stated or {}),
                },
            )
            for seed, accuracy in enumerate(result.per_seed)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=hashlib.sha256(encoded).hexdigest(),
        created="2026-01-01T00:00:00+00:00",
    )
    folder = base / task.dataset / task.configuration / name
    write_entry(folder, entry.model_validate(entry.model_dump() | changes), encoded, files)
    return folder


def _trials(searches: Sequence[Sequence[float]]) -> bytes:
    """The content of `trials.csv`; a seed's networks have one action each."""
    records = []
    for values in searches:
        best = max(range(len(values)), key=lambda number: values[number])
        others = iter([action for action in ACTIONS if action != "hflip"])
        states = [bits_from_actions(["hflip" if number == best else next(others)]) for number in range(len(values))]
        records.append(
            [Trial(state, state, value, k + 1) for k, (state, value) in enumerate(zip(states, values, strict=True))]
        )
    return trials_csv(records)


@pytest.fixture(scope="session")
def make_entry() -> MakeEntry:
    """Writes a truthful entry: `make_entry(base, name, wrong, ...)`; see `_make`."""
    return _make


@pytest.fixture
def comparable_board(tmp_path: Path, make_entry: MakeEntry) -> Path:
    """Three methods on two tasks, one of them plainly worse; one on one task only, one under `paper`, an open one."""
    tasks = (Task("g-digits", "aug1"), Task("g-digits", "d4"))
    for task in tasks:
        for name, wrong in (("best", 20), ("as-good", 21), ("worst", 150)):
            make_entry(tmp_path, name, wrong, task)
    make_entry(tmp_path, "rare", 5, tasks[1])
    make_entry(tmp_path, "best", 5, Task("g-digits", "aug2", "paper"))
    make_entry(tmp_path, "opened", 1, tasks[0], open_recipe={"epochs": 300})
    return tmp_path


Records = Callable[[Mapping[str, Any]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def entries_of() -> Records:
    """The entries in the page's data, which hold them as a table, by the names of its columns."""
    return lambda data: [dict(zip(data["entries"]["columns"], row, strict=True)) for row in data["entries"]["rows"]]


@dataclass(frozen=True, eq=False)
class Invented:
    """A task of any size, and entries about it that never were files.

    Attributes:
        labels: (n,), of ten classes.
        difficulty: (n,), the chance that a network of skill 1 gets an image wrong.
        confused: (n,), the wrong class that most networks give.
        task: what it is called.
    """

    labels: np.ndarray
    difficulty: np.ndarray
    confused: np.ndarray
    task: Task = TASK
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        images: Any = SimpleNamespace(shape=TaskShape())
        object.__setattr__(self, "answers", Answers(images, self.labels, "0" * 64, ()))

    @classmethod
    def of(cls, images: int, task: Task = TASK) -> "Invented":
        generator = np.random.default_rng(images)
        labels = generator.integers(0, 10, images)
        difficulty = generator.beta(0.5, 2, images)
        return cls(labels, difficulty, (labels + generator.integers(1, 10, images)) % 10, task)

    def network(self, name: str, skill: float = 1.0, seeds: int = 2) -> np.ndarray:
        """Predictions (seeds, n) of one that errs on difficult images, the less the greater its skill, in half of the
        cases as most networks do; each name and seed draws for itself."""
        generator = np.random.default_rng(list(name.encode()))
        wrong = generator.random((seeds, len(self.labels))) < self.difficulty**skill
        alone = (self.labels + generator.integers(1, 10, wrong.shape)) % 10
        given = np.where(generator.random(wrong.shape) < 0.5, self.confused, alone)
        return np.where(wrong, given, self.labels).astype(np.uint8)

    def with_errors(self, *images: Sequence[int] | np.ndarray) -> np.ndarray:
        """The labels with errors on these images, a list for each seed."""
        predictions = np.tile(self.labels, (len(images), 1)).astype(np.uint8)
        for row, chosen in zip(predictions, images, strict=True):
            row[chosen] = (row[chosen] + 1) % 10
        return predictions

    def entry(self, name: str, predictions: np.ndarray, **changes: Any) -> Checked:
        result = score(predictions, self.labels)
        entry = Entry(
            name=name,
            origin="submission",
            method="a test",
            dataset=self.task.dataset,
            dataset_version="1.0.0",
            configuration=self.task.configuration,
            test_content_sha256=self.answers.digest,
            protocol=self.task.protocol.name,
            budget="quick",
            seeds=tuple(SeedResult(seed=k, parameters=1, accuracy=value) for k, value in enumerate(result.per_seed)),
            accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
            predictions_sha256="0" * 64,
            created="2026-01-01T00:00:00+00:00",
        ).model_copy(update=changes)
        return Checked(Path("a") / self.task.dataset / self.task.configuration / name, entry, predictions, result, ())

    def flags(self, *entries: Checked) -> list[Flag]:
        book: Any = SimpleNamespace(of=lambda _: self.answers)
        return find_flags(entries, book)

    def codes(self, *entries: Checked) -> set[tuple[str, str]]:
        """(entry, code) of the flags."""
        return {(flag.key.rpartition("/")[2], flag.code) for flag in self.flags(*entries)}


@pytest.fixture(scope="session")
def invent() -> Callable[..., Invented]:
    """Makes a task: `invent(images)` or `invent(images, Task("g-mnist", "aug2"))`."""
    return Invented.of


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: "Browser", index: Path) -> Iterator["Open"]:
    """Opens the page of the module's fixture `index`.

    Afterwards nothing was said on the console, and nothing but the file was asked for.
    """
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def opened(address: str = "", width: int = 1280, theme: Any = "light", **options: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(_address(request)))
        page.goto(index.as_uri() + address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert set(asked) <= {index.as_uri()}


def _address(request: "Request") -> str:
    return "" if request.url.startswith("data:image/") else request.url.partition("#")[0]
