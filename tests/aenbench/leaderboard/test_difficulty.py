"""Labels with errors put in are told from networks by where the errors are; entries near chance are left alone."""

import numpy as np
import pytest

from aenbench.leaderboard.difficulty import concentration, distance


def board(task, *more):
    return [*(task.entry(name, task.network(name)) for name in ("first", "second", "third")), *more]


@pytest.mark.parametrize("noise", [0.05, 0.15])
def test_labels_with_noise_are_found_and_shield_nobody(invent, noise: float) -> None:
    task = invent(360)
    generator = np.random.default_rng(1)
    wrong = generator.random((2, 360)) < noise
    leaked = np.where(wrong, (task.labels + 1) % 10, task.labels).astype(np.uint8)
    assert task.codes(*board(task, task.entry("leak", leaked))) == {("leak", "label-leak")}


@pytest.mark.parametrize("errors", [100, 400, 900])
def test_labels_with_errors_on_the_hardest_images_are_found(invent, errors: int) -> None:
    """929b5b9: z was far above 3, so labels with some hundred errors on images that others get wrong passed."""
    task = invent(10_000)
    others = board(task)
    difficulty = np.mean([(each.predictions != task.labels).mean(axis=0) for each in others], axis=0)
    hardest = np.argsort(-difficulty, kind="stable")[: errors + 20]
    leak = task.entry("leak", task.with_errors(hardest[:errors], hardest[10 : errors + 10], hardest[20:]))
    flags = [flag for flag in task.flags(*others, leak) if flag.code == "label-leak"]
    assert [flag.key for flag in flags] == ["g-digits/aug1/leak"]
    assert "most difficult images only" in flags[0].message


@pytest.mark.parametrize("skill", [1.2, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("images", [360, 10_000])
def test_honest_progress_is_no_leak(invent, images: int, skill: float) -> None:
    """929b5b9: `implausible-jump` for skill 4 and 8."""
    task = invent(images)
    assert task.codes(*board(task, task.entry("better", task.network("better", skill, seeds=3)))) == set()


def test_two_honest_entries_that_share_a_network_do_not_look_like_a_leak(invent) -> None:
    """Their common errors were each other's difficulty, so the better one seemed to err on difficult images only."""
    task = invent(10_000)
    shared = task.network("shared", 1.3, seeds=1)
    weak = [task.entry("weak", task.network("weak", 0.8)), task.entry("weaker", task.network("weaker", 0.7))]
    for others in (weak[:1], weak):
        codes = task.codes(*others, task.entry("one", shared), task.entry("two", shared))
        assert "label-leak" not in {code for _, code in codes}


def test_a_copy_of_a_leak_does_not_hide_it(invent) -> None:
    task = invent(360)
    wrong = np.random.default_rng(1).random((2, 360)) < 0.1
    leaked = np.where(wrong, (task.labels + 1) % 10, task.labels).astype(np.uint8)
    copies = [task.entry(name, leaked) for name in ("leak", "copy")]
    assert {("leak", "label-leak"), ("copy", "label-leak")} <= task.codes(*board(task, *copies))


def test_guesses_are_no_leak(invent) -> None:
    task = invent(360)
    guessed = np.random.default_rng(2).integers(0, 10, (2, 360)).astype(np.uint8)
    assert task.codes(*board(task, task.entry("guess", guessed))) == set()


def constant(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return np.full(len(labels), generator.integers(10))


def guesses(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return generator.integers(0, 10, len(labels))


def two_classes(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return generator.choice(generator.choice(10, 2, replace=False), len(labels))


def a_little_right(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return np.where(generator.random(len(labels)) < 0.1, labels, generator.integers(0, 10, len(labels)))


@pytest.mark.parametrize("kind", [constant, guesses, two_classes, a_little_right])
def test_boards_of_entries_near_chance_raise_no_flag(invent, kind) -> None:
    """929b5b9: `label-leak` on 93 to 100 % of such boards of three, for whoever guessed best."""
    task = invent(360)
    generator = np.random.default_rng(3)
    for entries in (3, 4) * 5:
        rows = [np.stack([kind(generator, task.labels) for _ in range(2)]).astype(np.uint8) for _ in range(entries)]
        assert task.codes(*(task.entry(f"toy-{number}", each) for number, each in enumerate(rows))) == set()


def test_an_honest_entry_among_entries_near_chance_is_no_leak(invent) -> None:
    """929b5b9: `label-leak` and `implausible-jump`, of the honest entry."""
    task = invent(360)
    generator = np.random.default_rng(4)
    toys = [task.entry(f"toy-{k}", generator.integers(0, 10, (2, 360)).astype(np.uint8)) for k in range(3)]
    assert task.codes(*toys, task.entry("honest", task.network("honest"))) == set()


def test_distance_is_that_of_sampling_within_classes() -> None:
    """The exact mean and variance over all samples of one wrong image of class 0 and two of class 1."""
    difficulty = np.array([0.0, 0.5, 1.0, 0.2, 0.4, 0.9, 0.1])
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    sums = [
        difficulty[one] + difficulty[two] + difficulty[three]
        for one in range(3)
        for two in range(3, 7)
        for three in range(two + 1, 7)
    ]
    wrong = np.array([False, False, True, True, False, True, False])
    assert distance(difficulty, wrong, labels) == pytest.approx((2.1 - np.mean(sums)) / np.std(sums))
    assert concentration(difficulty, wrong, labels) == pytest.approx((2.1 - np.mean(sums)) / (2.3 - np.mean(sums)))


def test_nothing_is_told_by_images_that_are_all_equally_difficult() -> None:
    labels, wrong = np.array([0, 0, 1, 1]), np.array([True, False, True, False])
    for measure in (distance, concentration):
        assert np.isnan(measure(np.array([1.0, 1.0, 0.0, 0.0]), wrong, labels))
        assert np.isnan(measure(np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4, bool), labels))
