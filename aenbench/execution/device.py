"""The device that networks are trained on, as a frozen value, and how PyTorch is set while one is in use.

Only `cpu` is the default: the same command then gives the same entry on every machine, with a GPU or without. `auto`
takes a GPU where PyTorch finds one.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aenbench.errors import ExecutorError, InvalidArgumentError

if TYPE_CHECKING:
    import torch

Kind = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]

_NAME = re.compile(r"cpu|cuda(?::([0-9]{1,3}))?")
_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # without it cuBLAS has no deterministic algorithms


@dataclass(frozen=True)
class Device:
    """Where the numbers of a training are computed. What a GPU gives is not bit for bit what a processor gives.

    Attributes:
        name: `cpu`, `cuda` (PyTorch's current GPU) or `cuda:1` (the second one). A GPU of AMD is `cuda`, too, to
            PyTorch.

    Raises:
        InvalidArgumentError: another name.
    """

    name: str = "cpu"

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise InvalidArgumentError(f'Unknown device "{self.name:.40}". Choose from: auto, cpu, cuda, cuda:1.')

    @classmethod
    def parse(cls, text: str) -> "Device":
        """The device of a name; of `auto`, the GPU that PyTorch finds, otherwise the processor."""
        if text == "auto":
            import torch

            return cls("cuda" if torch.cuda.is_available() else "cpu")
        return cls(text)

    @property
    def kind(self) -> Kind:
        """What decides the outcome, and so is part of the identity of what was trained: which GPU it was does not."""
        return "cuda" if self.is_gpu else "cpu"

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"

    @property
    def identity(self) -> str:
        """What a plan's text ends with; empty for the processor, so that plans of before are still the same."""
        return f", on {self.kind}" if self.is_gpu else ""

    @property
    def torch(self) -> "torch.device":
        """PyTorch's name for it."""
        import torch

        return torch.device(self.name)

    @property
    def card(self) -> str:
        """What the GPU is called, for the record; empty for a processor, and where there is none here."""
        import torch

        return torch.cuda.get_device_name(self.torch) if self.is_gpu and torch.cuda.is_available() else ""

    def check(self, executor: str = "local") -> None:
        """Fail in one line where the device does not exist; on Ray the workers' machines have it, or not.

        Raises:
            ExecutorError: there is no such GPU.
            InvalidArgumentError: a GPU by its number, of Ray, which gives each task one.
        """
        if not self.is_gpu:
            return
        if executor == "ray":
            if self.name != "cuda":
                raise InvalidArgumentError(f"Ray chooses the GPU of each task, got --device {self.name}; give cuda.")
            return
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        number = int(self.name.partition(":")[2] or 0)
        if number >= count:
            found = "no GPU" if not count else f"{count} GPU{'s' if count > 1 else ''}, cuda:0 to cuda:{count - 1}"
            is_built = torch.version.cuda or torch.version.hip
            why = "" if is_built else ", as it is built without CUDA; install another build"
            other = "--device cpu" if not count else "another number"
            raise ExecutorError(
                f"--device {self.name}: PyTorch {torch.__version__} finds {found} here{why}. Give {other}, or --device "
                "auto, which takes a GPU only where there is one."
            )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let PyTorch repeat itself on a GPU: deterministic algorithms, no TF32, no choice of algorithms by time.

        All settings are put back afterwards. On the processor nothing is set, and nothing changes. An operation that
        has no deterministic algorithm is computed all the same, and PyTorch warns of it.
        """
        if not self.is_gpu:
            yield
            return
        import torch

        with ExitStack() as stack:
            for owner, name, value in _settings():
                stack.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, value)
            was, warned = (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            )
            stack.callback(torch.use_deterministic_algorithms, was, warn_only=warned)
            os.environ.setdefault(_WORKSPACE, ":4096:8")  # it stays: cuBLAS reads it once
            torch.use_deterministic_algorithms(True, warn_only=True)
            yield


CPU = Device()


def _settings() -> list[tuple[Any, str, object]]:
    """What is set: an object of PyTorch, its attribute, and the value."""
    from torch import backends

    # Not by `fp32_precision` (PyTorch 2.9 on): after that PyTorch refuses to be asked for `allow_tf32`.
    exact: list[tuple[Any, str, object]] = [
        (part, "allow_tf32", False) for part in (backends.cuda.matmul, backends.cudnn)
    ]
    return [*exact, (backends.cudnn, "benchmark", False), (backends.cudnn, "deterministic", True)]
