"""A network of the user's own, named by its import path, as a candidate."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import ModelFamily
from aenbench.models.space import SearchSpace
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.candidate import Candidate
from aenbench.training.fit import count_parameters
from gdatasets.user_code import current_folder_importable, load_object

MAX_PATH = 200


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
        shape: what it fits; the protocol changes nothing.
    """

    path: str
    shape: TaskShape = field(default_factory=TaskShape)

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

    def check(self, smallest_batch: int = _DRY_RUN) -> None:
        """Build it twice, and take one step of training without an optimizer: what fails there would fail later.

        Args:
            smallest_batch: images of the smallest batch that it will be trained on; a batch norm takes no single one.

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
            if smallest_batch == 1:
                size = self.shape.image_size
                with self._explained("cannot be trained on a batch of one image (see --batch and --train-images)"):
                    first(torch.zeros(1, self.shape.channels, size, size))

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
        offered = {"classes": self.shape.classes, "channels": self.shape.channels, "image_size": self.shape.image_size}
        taken = [name for name, parameter in parameters.items() if parameter.kind in _BY_NAME]
        return {name: value for name, value in offered.items() if name in taken}

    def _dry_run(self, model: nn.Module) -> Tensor:
        """Logits of blank images, checked."""
        size = self.shape.image_size
        shape = (_DRY_RUN, self.shape.channels, size, size)
        with self._explained(f"cannot be called on images float32 {shape}"):
            logits = model(torch.zeros(shape))
        expected = (_DRY_RUN, self.shape.classes)
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
        network = OwnNetwork(self.path, self.shape)
        return Candidate(network, self.augmentation)

    @property
    def networks(self) -> tuple[str, ...]:
        return (self.start,)


CUSTOM_FAMILY = ModelFamily("custom")
"""Networks of a user's own: nothing to search, and budgets of the family that `--recipe` names."""
