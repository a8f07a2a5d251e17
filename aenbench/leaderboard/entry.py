"""What an entry says of itself: the model behind `entry.json`, and its published JSON Schema."""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from aenbench.execution.device import Kind, Precision
from aenbench.leaderboard.untrusted.text import LINE_PATTERN, TEXT_PATTERN, plain_line, plain_name, plain_text
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.tasks.protocol import PROTOCOLS, ProtocolName
from aenbench.tasks.task import Task
from aenbench.training.augmentation import ALL_AUGMENTATIONS
from gdatasets.groups.actions import ACTIONS

SCHEMA_VERSION = 2
MAX_SEEDS = 1_000
_COUNTS = ("epochs", "images")

# Numbers are numbers: no text and no boolean that could be read as one.
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 53)]
Size = Annotated[int, Field(strict=True, ge=2, le=4096)]
Parameters = Annotated[int, Field(strict=True, ge=0, le=10**13)]
Networks = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=10 * 366 * 86_400)]  # ten years
Passes = Annotated[int, Field(strict=True, ge=1, le=10**9)]
Rate = Annotated[float, Field(strict=True, ge=0, le=10**6)]
Flag = Annotated[bool, Field(strict=True)]
Word = Annotated[str, Field(pattern="^[a-z0-9-]{1,30}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

# Windows keeps these names for itself, with any ending.
_NAME = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))(?=.{1,100}$)[a-z0-9](?:[a-z0-9._-]*[a-z0-9_-])?"
_DATASET = rf"(?!.*\.zip$){_NAME}"  # an entry names a dataset, never a file


def safe_name(name: str) -> str:
    """The name, if every system takes it for a folder and none reads it as a path; raises ValueError."""
    if not re.fullmatch(_NAME, name):
        raise ValueError(
            "is not a safe name: 1 to 100 of a-z, 0-9, '.', '_' and '-', a letter or digit first, no '.' last, "
            "none of Windows' own (con, nul, ...)"
        )
    return name


def _dataset_name(name: str) -> str:
    if not re.fullmatch(_DATASET, safe_name(name)):
        raise ValueError("names a .zip file; name a dataset")
    return name


def _one_of(kind: str, names: Sequence[str]) -> tuple[Any, AfterValidator]:
    """What makes a text one of these."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"is no {kind}; choose from: {', '.join(names)}")
        return name

    return Field(json_schema_extra={"enum": list(names)}), AfterValidator(check)


SafeName = Annotated[str, Field(json_schema_extra={"pattern": f"^{_NAME}$"}), AfterValidator(safe_name)]
DatasetName = Annotated[str, Field(json_schema_extra={"pattern": f"^{_DATASET}$"}), AfterValidator(_dataset_name)]
Line = Annotated[str, Field(max_length=200, json_schema_extra={"pattern": LINE_PATTERN}), AfterValidator(plain_line)]
Name = Annotated[Line, AfterValidator(plain_name)]
Text = Annotated[str, Field(max_length=2_000, json_schema_extra={"pattern": TEXT_PATTERN}), AfterValidator(plain_text)]
Url = Annotated[
    str, Field(max_length=500, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?$")
]
Links = Annotated[dict[Name, Url], Field(max_length=10, json_schema_extra={"additionalProperties": False})]
Versions = Annotated[dict[Line, Line], Field(max_length=50, json_schema_extra={"additionalProperties": False})]
Authors = Annotated[tuple[Name, ...], Field(max_length=100)]
Action = Annotated[str, *_one_of("action", ACTIONS)]
Group = Annotated[str, *_one_of("group", ("", *SQUARE_GROUPS))]
AugmentationName = Annotated[str, *_one_of("augmentation", ALL_AUGMENTATIONS)]
Origin = Literal["baseline", "model", "submission"]


class Strict(BaseModel):
    """A frozen model that takes no unknown field, no infinity and no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SeedResult(Strict):
    """One independent repetition of the whole procedure: search, training, test."""

    seed: Count
    actions: tuple[Action, ...] = Field(default=(), description="actions that a dense network is equivariant to")
    group: Group = Field(default="", description="group of a group convolutional network; empty for others")
    large: Flag = Field(default=False, description="whether it is the large one")
    augmentations: tuple[AugmentationName, ...] = Field(default=(), description="of its training images")
    parameters: Parameters = Field(
        description="free parameters; counted again by `aenbench verify` for networks of this package"
    )
    networks_trained: Networks = Field(default=0, description="distinct networks trained by the search")
    states_visited: Networks = Field(default=0, description="distinct states asked for by the search")
    search_seconds: Seconds | None = Field(default=None, description="wall time of the search, s; null if not known")
    training_seconds: Seconds | None = Field(
        default=None, description="wall time of the final training, s; null if not known"
    )
    chosen_by: Share | None = Field(
        default=None, description="accuracy 0..1 on the images that the choices were made by; null if not known"
    )
    accuracy: Share = Field(description="share of right test predictions, 0..1; recomputed by `aenbench verify`")
    weights_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of seed-N.safetensors, the weights that predicted; null if not kept"
    )


class Interval(Strict):
    """A mean over seeds with its 95 % interval, as shares 0..1."""

    mean: Share
    low: Share
    high: Share


class OpenRecipe(Strict):
    """What the final training of an entry of the open track differs in from the fixed recipe of its budget."""

    epochs: Passes | None = Field(default=None, description="passes over the images that were trained on")
    batch: Passes | None = Field(default=None, description="images a step")
    learning_rate: Rate | None = Field(default=None, description="the highest one of the schedule")
    weight_decay: Rate | None = None
    schedule: Word | None = Field(default=None, description="of the learning rate")
    optimizer: Word | None = None
    label_smoothing: Share | None = None
    images: Passes | None = Field(default=None, description="that were trained on, the first so many")
    all_images: Flag = Field(
        default=False, description="whether these are all images to learn from; checked by `aenbench verify`"
    )

    @property
    def changes(self) -> dict[str, Any]:
        """What differs."""
        return self.model_dump(exclude_none=True, exclude={"all_images"})

    def __str__(self) -> str:
        """Such as `30 epochs, learning rate 0.01, all 50,000 images`: plain text, in Markdown too."""
        words = [f"{name.replace('_', ' ')} {value}" for name, value in self.changes.items() if name not in _COUNTS]
        epochs = [f"{self.epochs:,} epochs"] if self.epochs else []
        images = [f"{self.images:,} images"] if self.images else []
        if self.all_images:
            images = [f"all {images[0]}" if images else "all images"]
        return ", ".join([*epochs, *words, *images])


def format_recipe(recipe: OpenRecipe | None) -> str:
    """`fixed`, or such as `open: 30 epochs`."""
    return "fixed" if recipe is None else f"open: {recipe}"


class Entry(Strict):
    """What an entry says of itself. Scores in it are compared with the predictions, and never shown unchecked."""

    schema_version: Literal[2] = Field(default=2, description="of this description")
    name: SafeName = Field(description="of the entry, and of its folder")
    origin: Origin = Field(
        description="baseline: `aenbench run --baseline`; model: `aenbench run --model`; "
        "submission: predictions that were made elsewhere"
    )
    method: Name = Field(description="a baseline's name, a model's import path, or the submitter's name for it")
    description: Text = Field(default="", description="what it is, in plain text")
    authors: Authors = ()
    links: Links = Field(default_factory=dict, description="paper, code, ...: https addresses")
    dataset: DatasetName
    dataset_version: Line = Field(description="MAJOR.MINOR.PATCH, or as-published")
    configuration: SafeName
    test_content_sha256: Sha256 = Field(description="content_sha256 of the test split")
    image_size: Size = Field(default=28, description="pixels along one side")
    protocol: ProtocolName = Field(description="only entries of one protocol are compared")
    budget: Line = Field(description="quick or standard for what `aenbench run` trained; else free text")
    open_recipe: OpenRecipe | None = Field(
        default=None, description="of the open track: what differs from the fixed recipe; left out for the fixed one"
    )
    seeds: Annotated[tuple[SeedResult, ...], Field(min_length=1, max_length=MAX_SEEDS)]
    accuracy: Interval
    predictions_sha256: Sha256 = Field(description="SHA-256 of predictions.npy")
    logits_sha256: Sha256 | None = Field(default=None, description="SHA-256 of logits.npy, where there is one")
    moved_sha256: Sha256 | None = Field(default=None, description="SHA-256 of moved.npy, where there is one")
    command: Text = Field(default="", description="the command that made it")
    code_revision: Line = Field(
        default="",
        description="commit of the code, with +changes where its files had been edited; empty if not known",
    )
    device: Kind = Field(default="cpu", description="kind of device that trained it; left out where it is cpu")
    precision: Precision | None = Field(
        default=None, description="of the final training's forward passes; left out if not known"
    )
    outside_data: Line = Field(
        default="",
        description="images beyond the training split that it has seen, pretraining included, and whether test images "
        "or what they were made from may be among them; none where there are none, left out if not known",
    )
    hardware: Line = ""
    software: Versions = Field(default_factory=dict, description="versions by name")
    created: Line = Field(description="UTC, ISO 8601")

    @model_serializer(mode="wrap")
    def _leave_out_usual(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Entries from before there were devices, open recipes and precisions keep their text."""
        fields: dict[str, Any] = serialize(self)
        if self.device == "cpu":
            fields.pop("device", None)
        if self.open_recipe is None:
            fields.pop("open_recipe", None)
        if self.precision is None:
            fields.pop("precision", None)
        if not self.outside_data:
            fields.pop("outside_data", None)
        return fields

    @property
    def task(self) -> Task:
        return Task(self.dataset, self.configuration, PROTOCOLS[self.protocol])


def json_schema() -> str:
    """The JSON Schema (draft 2020-12) of `entry.json`, as published in `leaderboards/entry.schema.json`."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Entry.model_json_schema(),
        "title": "Entry of an aenbench leaderboard",
    }
    return json.dumps(schema, indent=1) + "\n"
