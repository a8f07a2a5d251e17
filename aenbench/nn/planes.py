"""Functions on a group as the planes of one image, and back.

A feature (batch, channels, order, height, width) is kept in memory as planes in the order (element, channel), the
channel fastest. On a CPU the planes are the last axis in memory (`torch.channels_last`), the much faster layout for its
convolutions; there batch norm, too, is one of channels-last images (batch, channels, height, width * order), without a
copy. Elsewhere the pixels are last, and batch norm is one of images (batch * order, channels, height, width). The shape
of a feature never tells: features in any other memory layout are copied once, and give the same values.
"""

from torch import Tensor


def to_planes(features: Tensor, blocks: int = 1) -> Tensor:
    """(batch, channels, order, height, width) to (batch, order * channels, height, width), the channel faster.

    The channels of `blocks` equal blocks stay apart: (batch, blocks * order * channels of a block, height, width).
    """
    batch, channels, order, height, width = features.shape
    if blocks > 1:
        features = features.reshape(batch, blocks, channels // blocks, order, height, width).transpose(2, 3)
    else:
        features = features.transpose(1, 2)
    return in_layout(features.reshape(batch, order * channels, height, width))


def from_planes(planes: Tensor, order: int, blocks: int = 1) -> Tensor:
    """The inverse of `to_planes`, a view for one block."""
    batch, count, height, width = planes.shape
    if blocks == 1:
        return planes.view(batch, order, count // order, height, width).transpose(1, 2)
    apart = planes.view(batch, blocks, order, count // (blocks * order), height, width).transpose(2, 3)
    return apart.reshape(batch, count // order, order, height, width)


def in_layout(planes: Tensor) -> Tensor:
    """Images (batch, planes, height, width) in the memory layout of their device; themselves where they are in it."""
    if planes.is_cuda:
        return planes.contiguous()
    # not `contiguous(memory_format=...)`, which `torch.func.vmap` does not know
    last = planes.permute(0, 2, 3, 1).contiguous()
    if planes.shape[1] == 1:  # both layouts at once: say which one by the strides, so that the convolution keeps it
        last = last.flatten(2).unsqueeze(3)
    return last.permute(0, 3, 1, 2)


def to_channel_images(features: Tensor) -> Tensor:
    """Features (batch, channels, order, height, width) as one image a channel, with the pixels of all elements.

    (batch, channels, height, width * order) on a CPU, (batch * order, channels, height, width) elsewhere.
    """
    batch, channels, order, height, width = features.shape
    if features.is_cuda:
        return features.transpose(1, 2).reshape(batch * order, channels, height, width)
    rows = features.permute(0, 3, 4, 2, 1).reshape(batch, height, width * order, channels)
    return rows.permute(0, 3, 1, 2)


def from_channel_images(images: Tensor, order: int) -> Tensor:
    """The inverse of `to_channel_images`."""
    if images.is_cuda:
        batch, channels, height, width = images.shape
        return images.view(batch // order, order, channels, height, width).transpose(1, 2)
    batch, channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1).view(batch, height, width // order, order, channels)
    return rows.permute(0, 4, 3, 1, 2)
