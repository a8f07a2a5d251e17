"""What a layer makes of its free parameters, kept during evaluation."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class EvaluationCache:
    """One tensor made from one parameter; in evaluation on a CPU it is remade only when the parameter has changed.

    What has changed is found by comparing values: version counters miss changes made through `.data`, and addresses
    are used again. Under `torch.compile` and function transforms nothing is kept, nor in copies and pickles.
    """

    def __init__(self) -> None:
        self.kept: tuple[Tensor, Tensor] | None = None

    def fetch(self, parameter: Tensor, make: Callable[[], Tensor], training: bool) -> Tensor:
        """What `make` returns, or returned for a parameter of the same values, dtype and device."""
        if (
            training
            or torch.is_grad_enabled()
            or torch.compiler.is_compiling()
            or type(parameter) is not nn.Parameter
            or parameter.device.type != "cpu"
        ):
            return make()
        if self.kept is None or not _same(self.kept[0], parameter):
            self.kept = (parameter.detach().clone(), make())
        return self.kept[1]

    def clear(self) -> None:
        self.kept = None

    def __getstate__(self) -> dict[str, Any]:
        return {"kept": None}


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)
