"""Invariance: an invariant network keeps every prediction under its actions, another one does not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aenbench.runs.seed import predict_moved
from aenbench.scoring.invariance import MOVES, can_be_probed, probe_shape
from aenbench.tasks.images import LabeledImages
from aenbench.training.fit import predict
from gdatasets.groups.actions import act


class Sum(nn.Module):
    """Sees the sum of the pixels: every action leaves it as it is."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.double().sum(dim=(1, 2, 3))
        return torch.stack([total, -total], dim=1)


class Corner(nn.Module):
    """Sees the top left pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, 0, 0, 0], -x[:, 0, 0, 0]], dim=1)


@pytest.fixture
def test_images() -> LabeledImages:
    images = torch.randint(-50, 51, (300, 3, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    return LabeledImages(images, torch.zeros(300, dtype=torch.int64))


def test_what_is_invariant_keeps_every_prediction(test_images: LabeledImages) -> None:
    moved = predict_moved(Sum(), test_images)
    assert moved.shape == probe_shape(1, 300)[1:] == (12, 300)
    assert (moved == predict(Sum(), test_images.images).numpy()).all()
    unlike = (predict_moved(Corner(), test_images) != predict(Corner(), test_images.images).numpy()).any(axis=1)
    assert [move for move, differs in zip(MOVES, unlike, strict=True) if not differs] == ["scramble5", "scramble7"]


def test_moves_are_those_of_the_datasets(test_images: LabeledImages) -> None:
    for move, predictions in zip(MOVES, predict_moved(Corner(), test_images), strict=True):
        corner = act(move, test_images.images[:, 0].numpy())[:, 0, 0]
        assert np.array_equal(predictions, (corner < 0).astype(np.uint8))


def test_only_so_many_images_are_moved() -> None:
    assert probe_shape(3, 50_000) == (3, 12, 1_000)
    assert can_be_probed(28)
    assert not can_be_probed(27)
