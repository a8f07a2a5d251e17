"""A table of a search space: what every network of it reaches on one task, trained once for each of several seeds.

A search that asks a table sees exactly what it would see live, in microseconds. The form of the API follows
NAS-Bench-201 and NATS-Bench (Dong et al., arXiv 2009.00437); the file is described in `docs/table.md`.
"""

import hashlib
import json
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_serializer,
)

from aenbench.errors import InvalidArgumentError, TableError
from aenbench.execution.device import Kind
from aenbench.models.fraction import balanced_fraction
from aenbench.models.registry import space_of
from aenbench.models.space import SearchSpace
from aenbench.search.record import Evaluate
from aenbench.statistics.hypothesis_tests import Floats
from aenbench.tasks.protocol import PROTOCOLS, Protocol, ProtocolName
from aenbench.tasks.task import TaskShape
from aenbench.training.recipe import Recipe
from aenbench.training.trial import Role
from gdatasets.errors import UnknownNameError

By = Literal["validation", "test"]
Values = NDArray[np.float64]

VERSION = "1.0.0"
"""Of the published tables. MAJOR when a value changes, MINOR for more tables, PATCH for another way to write them."""


def _known_space(name: str) -> str:
    try:
        space_of(name)
    except UnknownNameError as error:
        raise ValueError(f"{error} Or name its import path, --space package.module:family") from None
    return name


_Text = Annotated[str, Field(max_length=200)]
_Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,99}$")]
SpaceName = Annotated[_Name, AfterValidator(_known_space)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]


class TableInfo(BaseModel):
    """What a table is about. The fields above `software` are part of its identity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    dataset: _Name
    dataset_version: _Text
    configuration: _Name
    train_content_sha256: _Sha256
    test_content_sha256: _Sha256
    protocol: ProtocolName
    space: SpaceName
    classes: _Count
    image_size: Annotated[int, Field(ge=2, le=4_096)]
    channels: Annotated[int, Field(ge=1, le=4)]
    recipe: Recipe
    epochs: Annotated[int, Field(ge=1, le=1_000)] = Field(description="passes over the training images that were made")
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=1 << 53)], ...], Field(min_length=1, max_length=100)]
    validation_images: _Count
    test_images: _Count
    fraction: _Count | None = Field(
        default=None, description="networks of a balanced part of the space; left out where the table holds all"
    )
    role: Role = Field(
        default="child",
        description="final where each network was trained as a run trains its chosen one; left out where as a search "
        "trains those it compares",
    )
    device: Kind = Field(default="cpu", description="kind of device of the trainings; left out where it is cpu")
    software: Annotated[dict[_Text, _Text], Field(max_length=20)] = Field(default_factory=dict)
    hardware: _Text = ""
    created: _Text = Field(default="", description="UTC, ISO 8601")

    @field_serializer("recipe")
    def _state_recipe(self, recipe: Recipe) -> dict[str, Any]:
        return dict(recipe.stated)

    @model_serializer(mode="wrap")
    def _leave_out_usual(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A table from before there were devices, fractions and roles keeps its identity, and so its digest."""
        fields: dict[str, Any] = serialize(self)
        if self.device == "cpu":
            fields.pop("device", None)
        if self.fraction is None:
            fields.pop("fraction", None)
        if self.role == "child":
            fields.pop("role", None)
        return fields

    @property
    def title(self) -> str:
        """The task and the networks, in words."""
        part = "" if self.fraction is None else f", {self.fraction} networks"
        task = f"{self.dataset} {self.dataset_version} / {self.configuration}, {self.protocol}"
        return f"{task}, space {self.space}{part}{', trained to convergence' if self.role == 'final' else ''}"

    @property
    def identity(self) -> str:
        """The fields that decide the values, as JSON in one canonical form."""
        return self._canonical_json()

    @property
    def training_identity(self) -> str:
        """The fields that decide the values of one training: all but which networks and seeds there are."""
        return self._canonical_json("seeds", "fraction")

    def _canonical_json(self, *left_out: str) -> str:
        fields = self.model_dump(mode="json", exclude={"software", "hardware", "created", *left_out})
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


class Result(NamedTuple):
    """What a network reaches: accuracies 0..1, and its free parameters."""

    validation: float
    test: float
    parameters: int


@dataclass(frozen=True, eq=False)
class Table:
    """Every network of a search space on one task, or a balanced part of them. Arrays cannot be written to.

    Searches see `validation` only; `test` is there to judge what they chose. Under protocol `paper` both are the
    accuracy on 1,000 test images.

    Attributes:
        info: the task, the recipe, the seeds.
        networks: canonical states, in the order of the space.
        states: of each network, all states that name it, sorted.
        parameters: int64 (networks,), free parameters.
        validation: float64 (networks, seeds, epochs), accuracy 0..1 after each epoch on the images to choose by.
        test: float64 (networks, seeds, epochs), accuracy 0..1 after each epoch on the test images.
        seconds: float64 (networks, seeds), CPU seconds on one thread of training and validation.

    Raises:
        TableError: the parts do not fit together, or a value is impossible.
    """

    info: TableInfo
    networks: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    parameters: NDArray[np.int64]
    validation: Values
    test: Values
    seconds: Values

    def __post_init__(self) -> None:
        _check_states(self)
        shape = (len(self.networks), len(self.seeds), self.info.epochs)
        expected = {"parameters": shape[:1], "validation": shape, "test": shape, "seconds": shape[:2]}
        for name, lengths in expected.items():
            array: NDArray[np.generic] = getattr(self, name)
            if array.shape != lengths:
                raise TableError(f"Expected {name} of shape {lengths}, got {array.shape}.")
            array.flags.writeable = False
        if not (self.parameters > 0).all() or not ((self.seconds >= 0) & (self.seconds < np.inf)).all():
            raise TableError("Expected at least one parameter, and a time, of every network.")
        for name, images in (("validation", self.info.validation_images), ("test", self.info.test_images)):
            values: Values = getattr(self, name)
            if not ((values >= 0) & (values <= 1)).all() or (np.rint(values * images) / images != values).any():
                raise TableError(f"A {name} accuracy is not a share of {images:,} images.")

    @cached_property
    def space(self) -> SearchSpace:
        """The space that the table covers."""
        info = self.info
        return space_of(info.space)(TaskShape(self.protocol, info.classes, info.image_size, info.channels))

    @property
    def protocol(self) -> Protocol:
        """The rules that its networks were trained under."""
        return PROTOCOLS[self.info.protocol]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that each network was trained with."""
        return self.info.seeds

    def query(self, state: str, seed: int | None = None, epoch: int | None = None) -> Result:
        """What the network of a state reaches.

        Args:
            state: any state of the space.
            seed: one of `seeds`; None for the mean over all.
            epoch: number of epochs trained, from 1; None for the one that a search reports (`final`).

        Raises:
            InvalidArgumentError: no such state, seed or epoch in the table.
        """
        results = self._results.get((seed, epoch))
        if results is None:
            results = self._results[seed, epoch] = self._compute_results(seed, epoch)
        return results[self.index(state)]

    def cost(self, state: str, seed: int | None = None) -> float:
        """CPU seconds that training and validating a state's network took on one thread; the mean for no seed.

        Raises:
            InvalidArgumentError: no such state or seed in the table.
        """
        return self._costs[self.index(state)][-1 if seed is None else self._seed_index(seed)]

    def best(self, by: By = "validation") -> tuple[str, Result]:
        """The network with the highest mean over seeds of `final(by)`, the first of equals.

        Raises:
            InvalidArgumentError: neither `validation` nor `test`.
        """
        network = self.networks[int(self._right_answers(by).argmax())]
        return network, self.query(network)

    def rank(self, state: str) -> int:
        """The place of a state's network by mean test accuracy, from 1; equal networks share a place.

        Raises:
            InvalidArgumentError: no such state.
        """
        return self._ranks[self.index(state)]

    def evaluate(self, seed: int) -> Evaluate:
        """What a live search with this seed would call: the validation accuracy, 0..1, of a state's network.

        Raises:
            InvalidArgumentError: no such seed in the table.
        """
        values: list[float] = self.final("validation")[:, self._seed_index(seed)].tolist()
        return lambda state: values[self.index(state)]

    def final(self, by: By) -> Values:
        """Accuracies 0..1, (networks, seeds), at the epoch that a search reports.

        That is the last one under protocol `standard`; under `paper`, and of final trainings, the one with the best
        validation accuracy, the first of equals.

        Raises:
            InvalidArgumentError: neither `validation` nor `test`.
        """
        if by not in get_args(By):
            raise InvalidArgumentError(f'Unknown accuracy "{by}". Choose from: {", ".join(get_args(By))}.')
        values = self.validation if by == "validation" else self.test
        if not self.protocol.takes_best_pass and self.info.role == "child":
            return values[:, :, -1]
        best = self.validation.argmax(axis=2, keepdims=True)
        return np.take_along_axis(values, best, axis=2)[:, :, 0]

    def index(self, state: str) -> int:
        """Where a state's network is in `networks` and in the arrays.

        Raises:
            InvalidArgumentError: no such state.
        """
        try:
            return self._rows[state]
        except KeyError:
            bits = self.space.bits
            if self.info.fraction and len(state) == bits and not set(state) - {"0", "1"}:
                raise InvalidArgumentError(
                    f'"{state}" is not among the {self.info.fraction} networks of this table; see `networks`.'
                ) from None
            raise InvalidArgumentError(
                f'Expected a state of {bits} bits such as "{self.space.start}", got "{state}".'
            ) from None

    @cached_property
    def content_sha256(self) -> str:
        """The identity of the table, over its content but the times: no two trainings take equally long.

        SHA-256 of `aenbench-table-1 <info.identity>\\n`, then for each network `<network> <parameters>
        <states, joined by commas>\\n` and its accuracies as little-endian float64 in C order, validation before test.
        """
        digest = hashlib.sha256(f"aenbench-table-1 {self.info.identity}\n".encode())
        for row, network in enumerate(self.networks):
            digest.update(f"{network} {self.parameters[row]} {','.join(self.states[row])}\n".encode())
            digest.update(self.validation[row].astype("<f8").tobytes() + self.test[row].astype("<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {state: row for row, states in enumerate(self.states) for state in states}

    @cached_property
    def _results(self) -> dict[tuple[int | None, int | None], list[Result]]:
        return {}

    @cached_property
    def _costs(self) -> list[list[float]]:
        return np.column_stack([self.seconds, self.seconds.mean(axis=1)]).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _ranks(self) -> list[int]:
        right = self._right_answers("test")
        return [1 + int((right > own).sum()) for own in right]

    def _right_answers(self, by: By) -> NDArray[np.int64]:
        """Of each network, over all seeds; equal means are equal here, which rounding could tell apart."""
        images = self.info.validation_images if by == "validation" else self.info.test_images
        right: NDArray[np.int64] = np.rint(self.final(by) * images).astype(np.int64).sum(axis=1)
        return right

    def _compute_results(self, seed: int | None, epoch: int | None) -> list[Result]:
        if epoch is not None and not 1 <= epoch <= self.info.epochs:
            raise InvalidArgumentError(f"Expected an epoch from 1 to {self.info.epochs}, got {epoch}.")
        if epoch is None:
            every = self.final("validation"), self.final("test")
        else:
            every = self.validation[:, :, epoch - 1], self.test[:, :, epoch - 1]
        chosen = slice(None) if seed is None else slice(self._seed_index(seed), self._seed_index(seed) + 1)
        validation, test = (values[:, chosen].mean(axis=1).tolist() for values in every)
        return [Result(*row) for row in zip(validation, test, self.parameters.tolist(), strict=True)]

    def _seed_index(self, seed: int) -> int:
        if seed not in self.seeds:
            raise InvalidArgumentError(f"Expected one of the table's seeds {self.seeds}, got {seed}.")
        return self.seeds.index(seed)


def _check_states(table: Table) -> None:
    """Every state of the space, or of its part, names one network, and each network is named by its canonical state."""
    listed = [state for states in table.states for state in states]
    expected = _expected_states(table)
    if len(listed) != len(expected) or set(listed) != expected:
        raise TableError(f"Expected each of the {len(expected):,} states of the space {table.info.space} once.")
    named = len(table.networks) == len(table.states)
    if not named or not all(network in states for network, states in zip(table.networks, table.states, strict=True)):
        raise TableError("Expected each network among the states that name it.")
    if len(set(table.seeds)) != len(table.seeds):
        raise TableError(f"Expected different seeds, got {table.seeds}.")


def _expected_states(table: Table) -> set[str]:
    space, fraction = table.space, table.info.fraction
    every = {format(number, f"0{space.bits}b") for number in range(2**space.bits)}
    if fraction is None:
        return every
    try:
        chosen = set(balanced_fraction(space, fraction))
    except InvalidArgumentError as error:
        raise TableError(str(error)) from error
    return {state for state in every if space.canonical(state) in chosen}


class TrainedNetworks(typing.Protocol):
    """What a table must offer to be searched, judged on and analyzed."""

    @property
    def space(self) -> SearchSpace:
        """The states that can be asked for."""

    @property
    def networks(self) -> Sequence[str]:
        """Canonical states."""

    @property
    def seeds(self) -> Sequence[int]:
        """What each network was trained with."""

    def final(self, by: Literal["validation", "test"]) -> Floats:
        """Accuracies 0..1, (networks, seeds): what a search sees, and what the test says."""

    def cost(self, state: str, seed: int) -> float:
        """Seconds that the training took."""
