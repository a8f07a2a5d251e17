"""Index tables of a layer: buffers that follow it to a device, and that `state_dict` leaves out."""

from torch import Tensor, nn


def keep_buffer(module: nn.Module, name: str, table: Tensor | None) -> None:
    """Store a table as a buffer, or None as a plain attribute.

    A buffer that is None would make `torch.export` look for an input that does not exist (torch 2.14, `strict=False`).
    """
    if table is None:
        setattr(module, name, None)
    else:
        module.register_buffer(name, table, persistent=False)
