"""The state of a training in one file, so that what ends the process loses a pass at most.

A checkpoint holds the module, the optimizer, the best pass so far and what was measured. That is all that decides the
passes to come, for their random numbers depend on the seed and the number of the pass alone. So a training that is
taken up again ends bit for bit as one that was never interrupted. Where the code of the network has been edited in
between, it would be neither the old nor the new one: such a file is refused.

The file is safetensors, with the SHA-256 of all before it as its last 32 bytes: what is damaged or cut is found before
it is parsed.
"""

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from aenbench.errors import StoreError
from aenbench.user_code import modules_sha256
from gdatasets.files import read_whole, write_whole

INTERVAL_S = 2.0
"""Wall seconds between two checkpoints: passes that are shorter share one, so that writing costs little beside them."""

_LISTS = ("accuracies", "losses", "rates")
_DIGEST_BYTES = 32
_FIXED_BYTES = 4 << 20  # names, shapes, and a row of numbers for each pass
_COPIES = 4  # of the module's tensors: itself, its best pass, and two moments of the optimizer


@dataclass(eq=False)
class Course:
    """How far a training has come.

    Attributes:
        accuracies: after each pass, on the images to choose by.
        losses: of each pass.
        rates: the learning rate at the end of each pass.
        best: the module's state after the best pass, where that is to be kept.
        seconds: wall time of the passes.
    """

    accuracies: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    best: dict[str, Any] | None = None
    seconds: float = 0.0


@dataclass(eq=False)
class Checkpoint:
    """The file of one training.

    A module whose state holds more than tensors has no checkpoints: its training starts over.

    Attributes:
        path: the file; there is none before the first pass.
        plan: what decides the outcome; a file of another plan, or of a module whose code was another, is refused.
        interval: seconds between two files; the last pass is always written.
    """

    path: Path
    plan: str
    interval: float = field(default_factory=lambda: INTERVAL_S)
    _saved: float = field(default_factory=time.monotonic)

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer, course: Course) -> None:
        """Take up the training that the file holds; without a file, or with a module that has none, nothing changes.

        Raises:
            StoreError: the file is damaged, of another plan or other code; it is left as it is.
        """
        expected = model.state_dict()
        if not _is_plain(expected) or not self.path.exists():
            return
        tensors = self._read(sum(tensor.nbytes for tensor in expected.values()))
        if not torch.equal(tensors.pop("plan", torch.empty(0)), self._identity(model)):
            raise StoreError(
                f"{self.path} holds a training of another plan, or of code that has changed since; move it away to "
                "start over."
            )
        parts = _by_part(tensors)
        try:
            model.load_state_dict(_fitting(parts["model"], expected))
            if course.best is not None:
                course.best = _fitting(parts["best"], expected)
            course.accuracies, course.losses, course.rates = (parts["course"][name].tolist() for name in _LISTS)
            course.seconds = float(parts["course"]["seconds"])
            optimizer.load_state_dict(
                {**optimizer.state_dict(), "state": _moments(parts.get("optimizer", {}), optimizer)}
            )
        except (KeyError, ValueError, IndexError, RuntimeError) as error:
            raise self._damaged() from error

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, course: Course, is_last: bool) -> None:
        """Write the state after a pass, if it is the last one or the file is old enough.

        Raises:
            OutputError: the file cannot be written.
        """
        state = model.state_dict()
        if not _is_plain(state) or not (is_last or time.monotonic() - self._saved >= self.interval):
            return
        tensors = {f"model/{name}": tensor for name, tensor in state.items()}
        tensors |= {f"best/{name}": tensor for name, tensor in (course.best or {}).items()}
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer/{number}/{name}": value for name, value in moments.items() if isinstance(value, Tensor)
            }
        numbers = {name: getattr(course, name) for name in (*_LISTS, "seconds")}
        tensors |= {f"course/{name}": torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
        tensors["plan"] = self._identity(model)
        apart = {  # safetensors refuses tensors that share memory
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
        }
        content = safetensors.torch.save(apart)
        write_whole(self.path, content + hashlib.sha256(content).digest())
        self._saved = time.monotonic()

    def _identity(self, model: nn.Module) -> Tensor:
        """Digest of the plan, and of the files that the module's classes are in, but for those of PyTorch."""
        names = {type(part).__module__ for part in model.modules()}
        code = modules_sha256(name for name in names if name.partition(".")[0] != "torch")
        return torch.tensor(list(hashlib.sha256(f"{code} {self.plan}".encode()).digest()), dtype=torch.uint8)

    def _read(self, module_bytes: int) -> dict[str, Tensor]:
        """The tensors of a file that is as it was written."""
        try:
            content = read_whole(self.path, _COPIES * module_bytes + _FIXED_BYTES)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read ({error.strerror}); move it away to start over.") from error
        content, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            raise self._damaged()
        try:
            return safetensors.torch.load(content)
        except SafetensorError as error:
            raise self._damaged() from error

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path} is damaged and left as it is; move it away to start this training over.")


def _is_plain(state: dict[str, Any]) -> bool:
    return all(isinstance(value, Tensor) for value in state.values())


def _by_part(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """What stands before the first slash, then the rest of the name."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = tensor
    return parts


def _fitting(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, if they have the names, shapes and types that are expected; else a ValueError."""
    same = found.keys() == expected.keys() and all(
        tensor.shape == expected[name].shape and tensor.dtype == expected[name].dtype for name, tensor in found.items()
    )
    if not same:
        raise ValueError("other tensors")
    return found


def _moments(found: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """The optimizer's state by parameter, laid out in memory as the parameters are."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in found.items():
        number, _, moment = name.partition("/")
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape and tensor.dim():
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        elif tensor.dim():
            raise ValueError("another shape")
        moments.setdefault(int(number), {})[moment] = tensor
    return moments
