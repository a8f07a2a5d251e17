"""A pretended device: PyTorch's `meta` device, but with values, which the CPU computes.

As on a GPU, an operation takes all its tensors from one device (a tensor of one number may be on the CPU), and only
`.cpu()`, `.to()` and `.item()` bring values back. So code that mixes devices fails here as it would there, reading of
values is counted, and what is computed can be compared with the CPU bit for bit. What a GPU computes differently (other
kernels, other rounding, its own random numbers) is not pretended.

PyTorch's own fake tensors do not help here: with the device `cuda` they cannot make a backward pass on a machine
without one (PyTorch 2.14: `hasPrimaryContext expects a valid device index`).
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from aenbench.execution.device import Device
from aenbench.training import fit

NAME = "meta"
_COPIES = ("aten::_to_copy", "aten::copy_")
_READS = ("aten::_local_scalar_dense", "aten::equal", "aten::nonzero")


class _Held(Tensor):
    """A tensor that claims to be on the device; `inner`, on the CPU, has its values."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: Tensor) -> "_Held":
        made: _Held = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=NAME,
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


class _Pretending(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().partition(".")[0]
        is_held = any(isinstance(each, _Held) for each in tree_leaves((args, kwargs)))
        comes_back = name == "aten::_to_copy" and torch.device((kwargs or {}).get("device") or NAME).type != NAME
        self.seen["reads" if is_held and (comes_back or name in _READS) else "others"] += 1
        return _compute(func, args, kwargs or {})


class _Making(TorchFunctionMode):
    """`torch.tensor(..., device=...)`, of which a dispatch mode sees nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        place = kwargs.pop("device", None) if func is torch.tensor else None
        made = func(*args, **kwargs)
        return made if place is None else made.to(place)


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    held = [each for each in tensors if isinstance(each, _Held)]
    strange = [each for each in tensors if not isinstance(each, _Held) and each.dim()]
    name = func.name().partition(".")[0]
    if held and strange and name not in _COPIES:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {name} got both.")
    stays = bool(held) and not (name == "aten::copy_" and not isinstance(args[0], _Held))
    if kwargs.get("device") is not None:
        stays = torch.device(kwargs["device"]).type == NAME
        kwargs = {**kwargs, "device": "cpu"}
    inner_args, inner_kwargs = tree_map(_inner, (args, kwargs))
    result = func(*inner_args, **inner_kwargs)
    known = {id(each.inner): each for each in held}  # what an operation in place gives back is its argument
    return tree_map(lambda each: _held(each, known) if stays and isinstance(each, Tensor) else each, result)


def _inner(each: Any) -> Any:
    return each.inner if isinstance(each, _Held) else each


def _held(each: Tensor, known: dict[int, _Held]) -> Tensor:
    return known[id(each)] if id(each) in known else _Held(each)


@contextmanager
def pretended_gpu(says_cuda: bool = False) -> Iterator[tuple[Device, Counter[str]]]:
    """A `cuda` whose tensors are pretended, and how often values were read from it.

    Args:
        says_cuda: let `tensor.is_cuda` be true, by which layers choose their layout of memory.
    """
    autocast = torch.autocast  # knows no `meta`; bfloat16 is not pretended
    inferring = fit.compute_logits
    unwrapped = inferring.__wrapped__  # type: ignore[attr-defined]
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    with pytest.MonkeyPatch.context() as patch, _Pretending() as mode, _Making():
        patch.setattr(Device, "torch", property(lambda self: torch.device(NAME if self.is_gpu else "cpu")))
        if says_cuda:
            patch.setattr(_Held, "is_cuda", True)
        patch.setattr(Device, "check", lambda *_: None)
        patch.setattr(
            torch, "autocast", lambda kind, *rest, **more: autocast("cpu" if kind == NAME else kind, *rest, **more)
        )
        # Dispatch modes and inference mode do not go together.
        for module in [each for name, each in sys.modules.items() if name.startswith("aenbench.")]:
            if getattr(module, "compute_logits", None) is inferring:
                patch.setattr(module, "compute_logits", torch.no_grad()(unwrapped))
        patch.setattr(
            sys.modules["torch.optim.optimizer"], "_get_fused_kernels_supported_devices", lambda: ["cpu", NAME]
        )
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            yield Device("cuda"), mode.seen
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(before)
