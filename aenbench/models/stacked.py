"""Autoequivariant networks side by side: train K architectures in one process, as one module."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AutoequivariantNetwork
from aenbench.nn.stacked import StackedLinear


class StackedNetworks(nn.Module):
    """K autoequivariant networks of one protocol and size, each with its own actions and weights, as one module.

    The networks do not touch each other: the gradient of a sum of their losses is each one's own, and an optimizer
    that treats every value by itself (SGD, Adam, AdamW) trains them as it would one by one, up to rounding.

    Args:
        networks: at least one; their values are copied, and written back by `unstack`.

    Shape: images (batch, ...) for all of them, or (K, batch, pixels), one batch for each; to logits
    (K, batch, classes).

    Raises:
        InvalidArgumentError: the networks differ in more than their actions and weights.
    """

    def __init__(self, networks: Sequence[AutoequivariantNetwork]) -> None:
        super().__init__()
        kinds = {network.architecture.shape for network in networks}
        if len(kinds) != 1:
            raise InvalidArgumentError(f"Expected networks of one protocol and size, got {len(kinds)} kinds.")
        self._networks = tuple(networks)  # a tuple, so that their parameters are not this module's
        self.first = StackedLinear([network.first for network in networks])
        self.second = StackedLinear([network.second for network in networks])
        self.head = StackedLinear([network.head for network in networks])
        self.shifts = nn.ParameterList(
            torch.stack([shift.detach() for shift in shifts])
            for shifts in zip(*(network.shifts for network in networks), strict=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        each = (
            images.dim() == 3 and images.shape[0] == len(self._networks) and images.shape[2] == self.first.in_features
        )
        x = torch.relu(self.first(images if each else images.flatten(1)))
        x = torch.relu(self.second(x + self.shifts[0][:, None, None] if len(self.shifts) else x))
        logits: Tensor = self.head(x + self.shifts[1][:, None, None] if len(self.shifts) else x)
        return logits

    @torch.no_grad()
    def unstack(self) -> tuple[AutoequivariantNetwork, ...]:
        """The networks that were stacked, with the present values written into them."""
        self.first.copy_to([network.first for network in self._networks])
        self.second.copy_to([network.second for network in self._networks])
        self.head.copy_to([network.head for network in self._networks])
        for k, network in enumerate(self._networks):
            for shift, values in zip(network.shifts, self.shifts, strict=True):
                shift.copy_(values[k])
        return self._networks


def stack_networks(networks: Sequence[nn.Module]) -> StackedNetworks | None:
    """Networks side by side; None where they are no autoequivariant networks of one protocol and size."""
    dense = [network for network in networks if isinstance(network, AutoequivariantNetwork)]
    if len(dense) < len(networks) or len({network.architecture.shape for network in dense}) != 1:
        return None
    return StackedNetworks(dense)
