from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets import GDigits, MNISTRot, load_arrays
from gdatasets.errors import UnknownNameError


def test_items_are_pillow_images_and_class_numbers() -> None:
    data, expected = GDigits(config="aug5", train=False), load_arrays("g-digits", "aug5", "test")
    image, target = data[7]
    assert isinstance(image, Image.Image)
    assert np.array_equal(np.asarray(image), expected.images[7])
    assert target == expected.labels[7]
    assert type(target) is int
    assert len(data) == 360
    assert len(GDigits()) == 1437


def test_attributes_are_those_of_torchvision() -> None:
    data = GDigits(train=False)
    assert data.data.shape == (360, 28, 28)
    assert data.targets.shape == (360,)
    assert data.classes == list("0123456789")
    assert data.class_to_idx["7"] == 7
    assert "d4-roll" in repr(data)


def test_transforms_are_applied() -> None:
    data = GDigits(train=False, transform=lambda image: image.size, target_transform=lambda target: -target)
    assert data[3] == ((28, 28), -int(data.targets[3]))


def test_a_data_loader_takes_it() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.data import DataLoader

    data = GDigits(train=False, transform=lambda image: torch.from_numpy(np.array(image)))
    images, targets = next(iter(DataLoader(data, batch_size=32)))
    assert images.shape == (32, 28, 28)
    assert torch.equal(targets, torch.from_numpy(data.targets[:32]))


def test_mnist_rot_has_the_sizes_of_rotated_mnist(data_root: Path) -> None:
    data = MNISTRot(data_root, train=True)
    assert (len(data), data.config) == (12_000, "any-angle")
    assert data.data.shape == (12_000, 28, 28)
    with pytest.raises(UnknownNameError, match=r"mnist-rot.*any-angle"):
        MNISTRot(data_root, config="d4")


def test_an_unknown_configuration_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="d4-roll"):
        GDigits(config="aug9")
