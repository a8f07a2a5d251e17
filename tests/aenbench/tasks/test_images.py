"""Which images a protocol shows to whom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from aenbench.tasks.images import Images, LabeledImages, load_test, load_training, measure
from aenbench.tasks.task import Task
from gdatasets.errors import UnknownNameError
from gdatasets.generation.load import load_arrays


def test_standard_chooses_by_the_tail_of_the_training_split() -> None:
    train, choose_by = load_training(Task("g-digits", "d4"))
    whole = load_arrays("g-digits", "d4", "train")
    assert (len(train), len(choose_by)) == (1_137, 300)
    assert torch.equal(choose_by.labels, torch.from_numpy(whole.labels[-300:]))
    assert torch.equal(train.labels, torch.from_numpy(whole.labels[:-300]))


def test_paper_chooses_by_the_first_test_images() -> None:
    task = Task("g-digits", "aug1", "paper")
    train, choose_by = load_training(task)
    assert len(train) == 1_437
    assert torch.equal(choose_by.images, load_test(task).images)
    assert len(choose_by) == Images(task).test_images == 360


def test_unmoved_images_are_normalized_to_zero_mean_and_unit_deviation() -> None:
    train, _ = load_training(Task("g-digits", "none"))
    assert train.images.shape == (1_137, 1, 28, 28)
    assert float(train.images.mean()) == pytest.approx(0, abs=0.02)
    assert float(train.images.std()) == pytest.approx(1, abs=0.02)


def test_real_sources_keep_ten_thousand_images_for_choices(data_root: Path) -> None:
    train, choose_by = load_training(Task("g-fashion-mnist", "none"), data_root)
    assert (len(train), len(choose_by)) == (50_000, 10_000)
    assert float(train.images.std()) == pytest.approx(1, abs=0.01)
    assert Images(Task("g-fashion-mnist", "none", "paper"), data_root).test_images == 1_000


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown dataset "g-mnis". Did you mean "g-mnist"\?'):
        Images(Task("g-mnis", "none"))
    with pytest.raises(UnknownNameError, match=r'Unknown configuration of g-mnist "aug9"'):
        Images(Task("g-mnist", "aug9"))
    with pytest.raises(UnknownNameError, match="Choose from: standard, paper"):
        Task("g-mnist", "aug2", "fast")


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_normalization_is_the_mean_and_deviation_of_each_channel(images: NDArray[np.uint8]) -> None:
    found = measure(images)
    expected = (images / 255).reshape(-1, 3)
    assert found.mean == pytest.approx(expected.mean(axis=0), abs=1e-9)
    assert found.deviation == pytest.approx(np.maximum(expected.std(axis=0), 1 / 255), abs=1e-9)


def test_black_is_what_normalization_makes_of_zero(data_root: Path) -> None:
    for task in (Task("g-digits", "none"), Task("cifar10-imagefolder", "none")):
        train, _ = load_training(task, data_root)
        assert train.black == pytest.approx(train.images.amin(dim=(0, 2, 3)).tolist(), abs=1e-5)


def test_images_of_ones_own_are_normalized_by_what_is_learned_from(data_root: Path) -> None:
    train, choose_by = load_training(Task("cifar10-imagefolder", "none"), data_root)
    assert (train.images.shape, len(choose_by)) == ((9_000, 3, 32, 32), 1_000)
    assert train.images.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-4)
    assert train.images.std(dim=(0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert all(50 < count < 150 for count in torch.bincount(choose_by.labels).tolist())  # though files lie by class


def _folder_of(classes: Sequence[int], folder: Path) -> Path:
    """A folder of gray images, so many a class for training and three times as many for testing."""
    for split, times in (("train", 1), ("test", 3)):
        for label, count in enumerate(classes):
            (folder / split / f"{label:02}").mkdir(parents=True)
            for number in range(times * count):
                pixels = np.full((16, 16), (37 * number + label) % 256, np.uint8)
                Image.fromarray(pixels).save(folder / split / f"{label:02}" / f"{number:04}.png")
    return folder


def test_paper_takes_images_of_every_class_where_the_test_split_is_in_their_order(tmp_path: Path) -> None:
    """The first 1,000 of 1,200 images in class folders are of the first classes only."""
    folder = _folder_of([100] * 4, tmp_path / "own")
    images = Images(Task(str(folder), "none", "paper"))
    labels = images.dataset.read("test").labels
    assert np.bincount(labels[:900], minlength=4)[3] == 0  # what the first ones would be
    assert np.bincount(images.test_labels()).tolist() == [250] * 4
    assert torch.equal(images.test().labels, torch.from_numpy(images.test_labels()))
    assert len(images.unseen()) == 200
    seen, unseen = images.reported.tolist(), np.setdiff1d(np.arange(1_200), images.reported)
    assert sorted([*seen, *unseen.tolist()]) == list(range(1_200))
    assert torch.equal(images.unseen().labels, torch.from_numpy(labels[unseen]))
    assert Images(Task(str(folder), "none")).test_labels().tolist() == labels.tolist()


@given(st.integers(1, 50), st.integers(0, 60))
def test_spread_images_are_at_equal_distances(available: int, count: int) -> None:
    images = LabeledImages(torch.zeros(available, 1, 2, 2), torch.arange(available))
    chosen = images.spread(count).labels
    assert len(chosen) == min(count, available)
    if len(chosen) > 1:
        assert set((chosen[1:] - chosen[:-1]).tolist()) <= {available // len(chosen), available // len(chosen) + 1}
