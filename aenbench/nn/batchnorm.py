"""Batch normalization that commutes with a group."""

from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.nn.planes import from_channel_images, to_channel_images


class GroupBatchNorm2d(nn.BatchNorm2d):
    """One mean, variance, scale and shift for each function on the group, shared by its elements and pixels.

    A group only moves the values that they are computed from, so normalizing commutes with it; `nn.BatchNorm2d` on
    channels * order planes would not. Arguments and `state_dict` are those of `torch.nn.BatchNorm2d`, which this is, on
    images that lay the elements side by side (`aenbench.nn.planes`).

    Shape: (batch, channels, order, height, width), and the same out.

    Raises:
        InvalidArgumentError: when called, an input of another shape.
    """

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 5 or features.shape[1] != self.num_features:
            raise InvalidArgumentError(
                f"Expected features (batch, {self.num_features}, order, height, width), "
                f"got shape {tuple(features.shape)}."
            )
        return from_channel_images(super().forward(to_channel_images(features)), features.shape[2])
