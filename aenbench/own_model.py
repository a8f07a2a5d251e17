"""A user's own network, by import path: built, checked and trained as the baselines are."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from aenbench.augmentation import Augmentation
from aenbench.budgets import Kind
from aenbench.candidates import Candidate
from aenbench.data import Images
from aenbench.errors import InvalidArgumentError
from aenbench.imports import current_folder_importable, load_object
from aenbench.leaderboard import Origin, SafeName
from aenbench.methods import Choice, Method
from aenbench.models import Protocol
from aenbench.search.space import Evaluate, SearchBudget, SearchSpace
from aenbench.training import count_parameters

_MAX_PATH = 200
_SAFE_NAME = TypeAdapter(SafeName)
_DRY_RUN = 2  # images
_Kind = inspect.Parameter
_BY_NAME = (_Kind.POSITIONAL_OR_KEYWORD, _Kind.KEYWORD_ONLY)


@dataclass(frozen=True)
class OwnNetwork:
    """A network that a user's factory makes: an `nn.Module` class, or a function that returns a new one.

    The factory is called with those of the keyword arguments `classes`, `channels` and `image_size` that it names. It
    maps images float32 (batch, channels, image_size, image_size) to logits (batch, classes).

    Attributes:
        path: of the factory, as `package.module:name`; the current folder is searched too.
        classes: outputs.
        image_size: pixels along one side of the images.
        channels: image channels.
    """

    path: str
    classes: int = 10
    image_size: int = 28
    channels: int = 1

    @property
    def facts(self) -> Mapping[str, Any]:
        """An entry names the path, and knows nothing else of it."""
        return {}

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network, drawn from PyTorch's global generator, which has the given one's seed for that time only.

        It has seen two blank images in evaluation mode: so parameters that are made on the first call are there.

        Raises:
            InvalidArgumentError: the factory cannot be imported or called, gives no `nn.Module`, or one that does not
                map the images to logits, or has nothing to train.
        """
        factory = self._factory()
        with torch.random.fork_rng(devices=[]), self._explained("cannot be built"), current_folder_importable():
            torch.manual_seed(generator.initial_seed())
            model = factory(**self._arguments(factory))
            if not isinstance(model, nn.Module):
                raise self._unfit(f"gives no torch.nn.Module, but {type(model).__name__}")
            self._dry_run(model.eval())
            if not count_parameters(model):
                raise self._unfit("has no parameters to train")
            return model.train()

    def check(self) -> None:
        """Build it twice, and take one step of training without an optimiser: what fails there would fail later.

        Raises:
            InvalidArgumentError: as of `build`; or it cannot be trained, or the factory gives the same network twice.
        """
        first, second = (self.build(torch.Generator().manual_seed(0)) for _ in range(2))
        if first is second:
            raise self._unfit("gives one network again and again, so its seeds would share weights; make a new one")
        with torch.random.fork_rng(devices=[]):
            loss = self._dry_run(first).sum()
            if not loss.requires_grad:
                raise self._unfit("lets no gradient through to its parameters")
            with self._explained("cannot be trained"):
                loss.backward()  # type: ignore[no-untyped-call]

    def _factory(self) -> Callable[..., Any]:
        factory = load_object(self.path, "a network")
        if isinstance(factory, nn.Module) or not callable(factory):
            raise self._unfit(
                f"is {type(factory).__name__}, which makes no new network for each seed; name a class or a function"
            )
        made: Callable[..., Any] = factory
        return made

    def _arguments(self, factory: Callable[..., Any]) -> dict[str, int]:
        """Those of the keyword arguments that the factory names."""
        try:
            parameters = inspect.signature(factory).parameters
        except (TypeError, ValueError):  # it does not say
            return {}
        offered = {"classes": self.classes, "channels": self.channels, "image_size": self.image_size}
        taken = [name for name, parameter in parameters.items() if parameter.kind in _BY_NAME]
        return {name: value for name, value in offered.items() if name in taken}

    def _dry_run(self, model: nn.Module) -> Tensor:
        """Logits of blank images, checked."""
        shape = (_DRY_RUN, self.channels, self.image_size, self.image_size)
        with self._explained(f"cannot be called on images float32 {shape}"):
            logits = model(torch.zeros(shape))
        expected = (_DRY_RUN, self.classes)
        found = f"{logits.dtype} {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        if not isinstance(logits, Tensor) or logits.shape != expected or not logits.is_floating_point():
            raise self._unfit(f"maps images {shape} to {found}, expected logits float32 {expected}")
        return logits

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """The user's code may raise anything."""
        try:
            yield
        except InvalidArgumentError:
            raise
        except (Exception, SystemExit) as error:
            why = next(iter(str(error).splitlines()), "") or "no reason given"
            raise self._unfit(f"{what}: {type(error).__name__}: {why}") from error

    def _unfit(self, what: str) -> InvalidArgumentError:
        return InvalidArgumentError(f'--model "{self.path}" {what}.')


@dataclass(frozen=True)
class OneNetwork(SearchSpace):
    """A space of one network, where nothing is left to be searched."""

    path: str = field(kw_only=True)
    augmentation: Augmentation = field(kw_only=True)

    @property
    def bits(self) -> int:
        return 0

    def canonical(self, state: str) -> str:
        return state

    def candidate(self, state: str) -> Candidate:  # noqa: ARG002
        network = OwnNetwork(self.path, self.classes, self.image_size, self.channels)
        return Candidate(network, self.augmentation)

    @property
    def networks(self) -> tuple[str, ...]:
        return (self.start,)


@dataclass(frozen=True)
class OwnModel(Method):
    """A network of the user's own, trained as the chosen network of a baseline is.

    Attributes:
        name: its import path, `package.module:name`.
        augmentation: of the training images.
        kind: whose recipe of the final training it is given: `dense` or `gcnn`.
        given_name: of the entry; by default it is made of the path's last part and the options.

    Raises:
        InvalidArgumentError: the path is none, or the entry's name is not fit for a file name.
    """

    origin: ClassVar[Origin] = "model"

    name: str
    augmentation: Augmentation = field(default_factory=Augmentation)
    kind: Kind = "dense"
    given_name: str = ""

    def __post_init__(self) -> None:
        module, colon, name = self.name.partition(":")
        is_path = colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))
        if not is_path or len(self.name) > _MAX_PATH:
            raise InvalidArgumentError(
                f'Expected --model as "package.module:name", of at most {_MAX_PATH} characters, got "{self.name:.210}".'
            )
        try:
            _SAFE_NAME.validate_python(self.given_name or self.label)
        except ValidationError as error:
            raise InvalidArgumentError(
                f'No entry can be named "{self.given_name or self.label:.110}"; give a --name of at most 100 of a-z, '
                '0-9, ".", "_" and "-", beginning with a letter or a digit.'
            ) from error

    @property
    def label(self) -> str:
        own = re.sub(r"[^a-z0-9]+", "-", self.name.partition(":")[2].lower()).strip("-")
        return "-".join([own, *self.augmentation.names, *(["gcnn-recipe"] if self.kind == "gcnn" else [])])

    def entry_name(self, protocol: Protocol, budget: str) -> str:
        return self.given_name or super().entry_name(protocol, budget)

    def space(self, protocol: Protocol, images: Images) -> OneNetwork:
        shape = (protocol, images.classes, images.size, images.channels)
        return OneNetwork(*shape, path=self.name, augmentation=self.augmentation)

    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:  # noqa: ARG002
        return Choice(space.candidate(space.start))

    def check(self, space: SearchSpace) -> None:
        OwnNetwork(self.name, space.classes, space.image_size, space.channels).check()

    @property
    def code(self) -> Path | None:
        module = sys.modules.get(self.name.partition(":")[0])
        file = getattr(module, "__file__", None)
        return Path(file).resolve().parent if file else None
