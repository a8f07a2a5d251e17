"""The network that tells which move an image went through: it gets the image and its label."""

import torch
from torch import Tensor, nn

CHANNELS = (24, 32, 48, 64)
HIDDEN = 64
SIDE = 32
"""Larger images are reduced to about this size by the stride of the first layer."""


class MoveNetwork(nn.Module):
    """Four convolutions, a grid of 4x4 that keeps places, and the label as a bias in two layers.

    The absolute differences of neighbors, along rows and along columns, are two more channels of an image: of textures
    they tell the direction at once, which convolutions of pixels of mean 0 learn slowly.

    Args:
        shape: (rows, columns) of the images.
        channels: of the images.
        classes: number of labels.
        moves: number of predicted moves, the identity included.
        heads: whether each label has a last layer of its own. Where a move exchanges classes, what tells it apart in
            one class speaks against it in the other: a bias learns that late, or of a few hundred images never.
    """

    def __init__(self, shape: tuple[int, int], channels: int, classes: int, moves: int, *, heads: bool = False) -> None:
        super().__init__()
        self._heads = classes if heads else 1
        stride = max(1, round(max(shape) / SIDE))
        one, two, three, four = CHANNELS
        self.stem = nn.Sequential(
            nn.BatchNorm2d(channels + 2, affine=False),
            nn.Conv2d(channels + 2, one, 2 * stride + 1, stride, stride, bias=False),
            nn.BatchNorm2d(one),
            nn.ReLU(),
        )
        self.early = nn.Sequential(nn.Conv2d(one, two, 3, 2, 1, bias=False), nn.BatchNorm2d(two))
        self.label_early = nn.Embedding(classes, two)
        self.late = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(two, three, 3, 2, 1, bias=False),
            nn.BatchNorm2d(three),
            nn.ReLU(),
            nn.Conv2d(three, four, 3, 1, 1, bias=False),
            nn.BatchNorm2d(four),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * four, HIDDEN, bias=False),
            nn.BatchNorm1d(HIDDEN),
        )
        self.label_late = nn.Embedding(classes, HIDDEN)
        self.out = nn.Linear(HIDDEN, self._heads * moves)
        for embedding in (self.label_early, self.label_late):
            nn.init.zeros_(embedding.weight)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits (n, moves) of images (n, channels, rows, columns) with labels int64 (n,)."""
        across = nn.functional.pad(images.diff(dim=3).abs().mean(1, keepdim=True), (0, 1))
        down = nn.functional.pad(images.diff(dim=2).abs().mean(1, keepdim=True), (0, 0, 0, 1))
        together = torch.cat([images, across, down], 1).contiguous(memory_format=torch.channels_last)
        early = self.early(self.stem(together)) + self.label_early(labels)[:, :, None, None]
        hidden = torch.relu(self.late(early) + self.label_late(labels))
        with torch.autocast(hidden.device.type, enabled=False):  # bfloat16 would make many scores equal
            logits: Tensor = self.out(hidden.float())
        if self._heads == 1:
            return logits
        of_label: Tensor = logits.view(len(labels), self._heads, -1)[torch.arange(len(labels)), labels]
        return of_label
