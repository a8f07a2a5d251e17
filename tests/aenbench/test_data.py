"""Which images a protocol shows to whom."""

from pathlib import Path

import pytest
import torch

from aenbench.data import Task, load_test, load_training
from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError
from gdatasets.load import load_arrays


def test_standard_chooses_by_the_tail_of_the_training_split() -> None:
    train, choose_by = load_training(Task("g-digits", "d4"))
    arrays = load_arrays("g-digits", "d4", "train")
    assert (len(train), len(choose_by)) == (1_137, 300)
    assert torch.equal(choose_by.labels, torch.from_numpy(arrays.labels[-300:]))
    assert torch.equal(train.labels, torch.from_numpy(arrays.labels[:-300]))


def test_paper_chooses_by_the_first_test_images() -> None:
    task = Task("g-digits", "aug1", "paper")
    train, choose_by = load_training(task)
    assert len(train) == 1_437
    assert torch.equal(choose_by.images, load_test(task).images)
    assert len(choose_by) == task.test_images == 360


def test_unmoved_images_are_normalised_to_zero_mean_and_unit_deviation() -> None:
    train, _ = load_training(Task("g-digits", "none"))
    assert train.images.shape == (1_137, 1, 28, 28)
    assert float(train.images.mean()) == pytest.approx(0, abs=0.02)
    assert float(train.images.std()) == pytest.approx(1, abs=0.02)


def test_real_sources_keep_ten_thousand_images_for_choices(data_root: Path) -> None:
    train, choose_by = load_training(Task("g-fashion-mnist", "none"), data_root)
    assert (len(train), len(choose_by)) == (50_000, 10_000)
    assert float(train.images.std()) == pytest.approx(1, abs=0.01)
    assert Task("g-fashion-mnist", "none", "paper").test_images == 1_000


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown dataset "g-mnis". Choose from: g-mnist'):
        Task("g-mnis", "aug2")
    with pytest.raises(UnknownNameError, match=r'Unknown configuration "aug9"'):
        Task("g-mnist", "aug9")
    with pytest.raises(InvalidArgumentError, match="standard, paper"):
        Task("g-mnist", "aug2", "fast")  # type: ignore[arg-type]
