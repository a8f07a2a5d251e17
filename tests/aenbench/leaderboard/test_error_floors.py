"""Fewer errors than labels and published results let one expect are asked about; published results are not."""

import numpy as np
import pytest

from aenbench.tasks.task import Task

G_MNIST, G_FASHION, ROT = Task("g-mnist", "aug2"), Task("g-fashion-mnist", "aug2"), Task("mnist-rot", "any-angle")
MNIST, CIFAR = Task("mnist", "none"), Task("cifar10", "none")


def with_accuracy(task, percent: float, seeds: int = 3):
    """An entry of this accuracy; the more difficult an image, the likelier a seed gets it wrong."""
    errors = round((100 - percent) / 100 * len(task.labels))
    generator, shares = np.random.default_rng(0), task.difficulty / task.difficulty.sum()
    rows = [generator.choice(len(task.labels), errors, replace=False, p=shares) for _ in range(seeds)]
    return task.entry("entry", task.with_errors(*rows))


@pytest.mark.parametrize(
    ("where", "images", "percent"),
    [
        (ROT, 50_000, 98.31),  # H-Net: Worrall et al. 2017
        (ROT, 50_000, 99.295),  # E2CNN: Weiler, Cesa 2019
        (ROT, 50_000, 99.318),  # the same, with augmentation
        (MNIST, 10_000, 99.91),  # An et al. 2020: fewer errors than wrong labels are known
        (G_MNIST, 10_000, 99.77),
        (G_FASHION, 10_000, 96.91),  # Tanveer et al. 2020
        (CIFAR, 10_000, 99.5),  # Dosovitskiy et al. 2021
        (CIFAR, 10_000, 99.61),
    ],
)
def test_published_accuracies_raise_no_flag_over_weak_entries(invent, where: Task, images: int, percent: float) -> None:
    """929b5b9: `implausible-jump` for each, compared with the weak entries that the board happens to have."""
    task = invent(images, where)
    weak = [task.entry(name, task.network(name)) for name in ("first", "second")]
    assert task.codes(*weak, with_accuracy(task, percent)) == set()
    assert task.codes(with_accuracy(task, percent)) == set()


@pytest.mark.parametrize("images", [1, 2, 4])
@pytest.mark.parametrize("where", [G_MNIST, G_FASHION, MNIST, CIFAR, Task("somebodys-images", "none")])
def test_a_first_entry_with_an_error_for_each_seed_is_asked_about(invent, where: Task, images: int) -> None:
    """929b5b9: no flag, in tasks of fewer than three entries, unless a seed had no error at all."""
    task = invent(10_000, where)
    rows = [range(seed, seed + images) for seed in range(3)]
    [flag] = [each for each in task.flags(task.entry("leak", task.with_errors(*rows))) if "label" in each.code]
    assert (flag.code, "arXiv:2103.14749" in flag.message) == ("below-label-noise", True)
    assert f"seed 0, 1, 2 gets {images} of 10,000 images wrong" in flag.message


@pytest.mark.parametrize(("where", "images", "errors"), [(G_FASHION, 10_000, 110), (ROT, 50_000, 120)])
def test_far_fewer_errors_than_published_are_asked_about(invent, where: Task, images: int, errors: int) -> None:
    task = invent(images, where)
    [flag] = task.flags(with_accuracy(task, 100 - 100 * errors / images))
    assert flag.code == "above-published"
    assert "arXiv:" in flag.message


def test_one_seed_of_an_entry_is_enough(invent) -> None:
    task = invent(10_000, G_MNIST)
    predictions = np.concatenate([task.network("honest"), task.with_errors([7])])
    [flag] = task.flags(task.entry("mixed", predictions))
    assert (flag.code, "seed 2 gets 1 of" in flag.message) == ("below-label-noise", True)


def test_small_test_sets_tell_nothing(invent) -> None:
    """A good network has one error, or none, in 360 digits; the labels themselves are found as before."""
    task = invent(360)
    assert task.codes(task.entry("good", task.with_errors([1], [5], [9]))) == set()
    assert task.codes(task.entry("perfect", task.with_errors([1], []))) == {("perfect", "label-leak")}
