import numpy as np
import pytest

from aenbench.discovery.randomization import RandomMoves, p_value

CYCLES = {
    2: [1, 0, 3, 2, 4, 5],
    3: [1, 2, 0, 4, 5, 3],
    4: [1, 2, 3, 0, 5, 4],
    5: [1, 2, 3, 4, 0, 5],
}


def power(images: np.ndarray, permutation: list[int], times: int) -> np.ndarray:
    for _ in range(times):
        images = images[..., permutation]
    return images


def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A Gaussian kernel of all pairs of different images."""
    return np.exp(-((left[:, None] - right[None]) ** 2).sum(-1) / 6) * (1 - np.eye(len(left)))


@pytest.mark.parametrize("order", CYCLES)
def test_all_random_moves_at_once_are_those_made_one_by_one(order: int) -> None:
    generator = np.random.default_rng(order)
    images, moves = generator.normal(size=(20, 6)), RandomMoves(order, 3)
    codes = moves.codes(len(images), generator)
    index = moves.differences(codes).ravel()
    sums = [
        np.bincount(index, kernel(images, power(images, CYCLES[order], m)).ravel(), moves.number)
        for m in range(order // 2 + 1)
    ]
    found = moves.statistics(sums)
    digits = np.array(np.unravel_index(np.arange(moves.number), (order,) * 3)).T
    for number in range(moves.number):
        powers = digits[codes] @ digits[number] % order
        moved = np.stack([power(x, CYCLES[order], int(k)) for x, k in zip(images, powers, strict=True)])
        expected = (kernel(moved, moved) - kernel(moved, power(moved, CYCLES[order], 1))).sum()
        assert found[number] == pytest.approx(expected)


def test_there_are_as_many_moves_as_asked_for() -> None:
    assert [RandomMoves.at_least(order, 1_000).number for order in (2, 3, 4, 7)] == [1_024, 2_187, 1_024, 2_401]


def test_differences_are_digit_by_digit() -> None:
    moves = RandomMoves(3, 4)
    codes = np.array([0, 1, 5, 80, 40], dtype=np.int32)
    assert moves.differences(codes)[0].tolist() == codes.tolist()
    assert np.diag(moves.differences(codes)).tolist() == [0] * 5
    assert moves.differences(codes)[1, 0] == 2  # 0 - 1 = 2 modulo 3
    assert moves.differences(codes)[3, 0] == 40  # 2222 taken from 0000 is 1111


def test_the_p_value_counts_the_observed_one() -> None:
    assert p_value(np.array([[5.0, 1, 2, 3]])) == 0.25
    assert p_value(np.array([[1.0, 5, 2, 3]])) == 1
    assert p_value(np.array([[5.0, 1, 2, 5]])) == 0.5
    assert p_value(np.zeros((2, 4))) == 1
