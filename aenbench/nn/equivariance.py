"""Whether a module commutes with a group: `f(g x) = g f(x)`, measured for each generator or element."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.nn.pairing import Representation, pair, permutations_of
from gdatasets.groups.group import Group

Elements = Literal["generators", "all"]


@dataclass(frozen=True)
class EquivarianceReport:
    """How far a module is from commuting with each element.

    Attributes:
        errors: for each element, `max |f(g x) - g f(x)| / max |f(x)|` over the inputs; nan if an output is not finite.
        tolerance: the largest error that passes.
    """

    errors: Mapping[str, float]
    tolerance: float

    @property
    def error(self) -> float:
        """The largest error; nan if any is."""
        return max(self.errors.values(), key=lambda error: (math.isnan(error), error), default=0.0)

    @property
    def failing(self) -> tuple[str, ...]:
        """The elements that the module does not commute with."""
        return tuple(name for name, error in self.errors.items() if not error <= self.tolerance)

    @property
    def passed(self) -> bool:
        return not self.failing


def check_equivariance(
    module: nn.Module,
    group: Representation,
    out_group: Representation | None = None,
    *,
    joint: bool = False,
    inputs: Tensor | None = None,
    channels: int = 1,
    elements: Elements = "generators",
    limit: int = 10_000,
    tolerance: float | None = None,
    generator: torch.Generator | None = None,
) -> EquivarianceReport:
    """Measure `f(g x) = g f(x)` for each generator, or each element, of a group.

    Commuting with the generators is commuting with the group, so `"generators"` decides; `"all"` tells how large the
    error is at each element. The module is called in evaluation mode, without gradients, and its mode is restored.

    Args:
        module: takes a batch (batch, ...) and returns (batch, ...).
        group: how the inputs move: a `Group`, a mapping from name to gather indices (degree,), or gather indices
            (generators, degree). They act on the flattened input, on each of its channels where it holds several times
            `degree` values.
        out_group: how the outputs move: the same generators, paired by name where both sides have names, else row by
            row; None where they must not change (invariance).
        joint: accept generators that satisfy other relations on the outputs than on the inputs.
        inputs: the batch to test on; by default 4 normal random inputs of the group's degree, in the dtype and on
            the device of the module's first floating-point parameter: shape (4, channels, rows, columns)
            for a `Group` on a grid, unless the module is a dense layer (`in_features`), else (4, channels * degree).
        channels: of the default inputs; the group moves each alike.
        elements: `"generators"` or `"all"`.
        limit: the largest group order that `"all"` enumerates.
        tolerance: the largest relative error that passes; by default 1e-5 for float32, 1e-12 for float64, and
            8 units in the last place for shorter ones.
        generator: source of the default inputs; by default one with seed 0.

    Raises:
        InvalidArgumentError: the sizes or generators do not fit, or the group has more than `limit` elements.
    """
    into, out, names = _elements(group, out_group, joint, elements, limit)
    x = _default_inputs(module, group, into.shape[1], channels, generator) if inputs is None else inputs
    with _evaluating(module), torch.no_grad():
        y = module(x)
        scale = float(y.abs().max()) or 1.0
        errors = {}
        for name, p, q in zip(names, into, out if out is not None else [None] * len(into), strict=True):
            moved = module(_move(x, p))
            expected = y if q is None else _move(y, q)
            errors[name] = float((moved.double() - expected.double()).abs().max()) / scale
    return EquivarianceReport(errors, _default_tolerance(y.dtype) if tolerance is None else tolerance)


def assert_equivariant(module: nn.Module, group: Representation, *args: object, **options: object) -> None:
    """Raise AssertionError, naming the failing elements, unless `check_equivariance` with these arguments passes."""
    report = check_equivariance(module, group, *args, **options)  # type: ignore[arg-type]
    if not report.passed:
        worst = max(report.failing, key=lambda name: report.errors[name])
        raise AssertionError(
            f"Not equivariant to {len(report.failing)} of {len(report.errors)} elements: "
            f"{', '.join(report.failing[:8])}; largest error {report.errors[worst]:.3g} at {worst}, "
            f"tolerance {report.tolerance:.3g}."
        )


def _elements(
    group: Representation, out_group: Representation | None, joint: bool, elements: Elements, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, list[str]]:
    """Input and output permutations of the elements to test, and a name for each."""
    into = permutations_of(group)
    paired = pair(group, np.tile(np.arange(1), (len(into), 1)) if out_group is None else out_group, joint)
    out, names = None if out_group is None else paired.outputs, list(paired.names)
    if elements == "generators":
        return into, out, names
    degree = into.shape[1]
    both = into if out is None else np.concatenate([into, out + degree], axis=1)
    found, words = _enumerate_with_words(both, names, limit)
    return found[:, :degree], None if out is None else found[:, degree:] - degree, words


def _enumerate_with_words(
    generators: NDArray[np.int64], names: list[str], limit: int
) -> tuple[NDArray[np.int64], list[str]]:
    """Every element, each with the shortest product of generators that makes it, first factor first."""
    identity = np.arange(generators.shape[1])
    found: dict[bytes, tuple[NDArray[np.int64], str]] = {identity.tobytes(): (identity, "identity")}
    queue = [identity]
    for element in queue:
        word = found[element.tobytes()][1]
        for generator, name in zip(generators, names, strict=True):
            product = element[generator]
            if product.tobytes() not in found:
                found[product.tobytes()] = (product, name if word == "identity" else f"{word} {name}")
                queue.append(product)
                if len(found) > limit:
                    raise InvalidArgumentError(
                        f'The group has more than {limit:,} elements; check its generators (elements="generators").'
                    )
    return np.array(queue), [word for _, word in found.values()]


def _move(x: Tensor, permutation: NDArray[np.int64]) -> Tensor:
    """`g x` for a batch (batch, ...): each run of `degree` values of an item is gathered by the permutation."""
    degree, values = len(permutation), x[0].numel()
    if values % degree:
        raise InvalidArgumentError(f"A group that moves {degree} units cannot act on {tuple(x.shape[1:])}.")
    index = torch.tensor(permutation, device=x.device)
    return x.reshape(len(x), -1, degree).index_select(2, index).reshape(x.shape)


def _default_inputs(
    module: nn.Module, group: Representation, degree: int, channels: int, generator: torch.Generator | None
) -> Tensor:
    reference = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    shape: tuple[int, ...] = (4, channels * degree)
    if isinstance(group, Group) and len(group.shape) == 2 and getattr(module, "in_features", None) != shape[1]:
        shape = (4, channels, *group.shape)
    return torch.randn(shape, generator=generator).to(reference.device, reference.dtype)


def _default_tolerance(dtype: torch.dtype) -> float:
    return {torch.float32: 1e-5, torch.float64: 1e-12}.get(dtype, 8 * torch.finfo(dtype).eps)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, each submodule's own mode afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
