import math
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from gdatasets.errors import IntegrityError, InvalidArgumentError
from gdatasets.generation import rotation
from gdatasets.generation.rotation import sine_table, turn_bilinear, turn_nearest
from gdatasets.sources.published import load_source

PI = Decimal("3.1415926535897932384626433832795028841971693993751")


@pytest.fixture
def fresh_table() -> Iterator[None]:
    sine_table.cache_clear()
    yield
    sine_table.cache_clear()


def noise(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def exact_sine(tenths: int) -> Decimal:
    """65,536 sin, from the power series with 40 digits; no mathematical library takes part."""
    with localcontext() as context:
        context.prec = 50
        x = Decimal(tenths) * PI / 1800
        term, total, n = x, x, 1
        while abs(term) > Decimal("1e-45"):
            term *= -x * x / ((n + 1) * (n + 2))
            total, n = total + term, n + 2
        return total * 65_536


def test_the_table_is_that_of_40_digit_sines() -> None:
    exact = [exact_sine(tenths) for tenths in range(3_600)]
    assert sine_table().tolist() == [round(sine) for sine in exact]
    assert min(abs(sine % 1 - Decimal("0.5")) for sine in map(abs, exact)) > Decimal("0.0006")


@pytest.mark.usefixtures("fresh_table")
def test_a_machine_with_other_sines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sine = math.sin
    monkeypatch.setattr(rotation.math, "sin", lambda x: sine(x) * (1 + 1e-4))
    with pytest.raises(IntegrityError, match="sines"):
        turn_bilinear(noise(1, 8, 8), np.array([100], np.int16))


@pytest.mark.parametrize("shape", [(2, 2), (7, 7), (28, 28), (33, 33, 3), (64, 64)])
@pytest.mark.parametrize("quarter", range(-1, 3))
def test_quarter_turns_are_exact(shape: tuple[int, ...], quarter: int) -> None:
    images = noise(5, *shape)
    turned = turn_bilinear(images, np.full(5, 900 * quarter, np.int16))
    assert np.array_equal(turned, np.rot90(images, quarter, axes=(1, 2)))


def documented(image: np.ndarray, tenths: int) -> np.ndarray:
    """The rule of docs/rotation.md, a pixel at a time, in Python's integers."""
    n = len(image)
    sine, cosine = round(exact_sine(tenths % 3_600)), round(exact_sine((tenths + 900) % 3_600))

    def pixel(y: int, x: int) -> int:
        return int(image[y, x]) if 0 <= y < n and 0 <= x < n else 0

    out = np.empty_like(image)
    for i in range(n):
        for j in range(n):
            v, u = 2 * i - (n - 1), 2 * j - (n - 1)
            row = (v * cosine + u * sine + (n - 1) * 2**16 + 64) // 128
            column = (u * cosine - v * sine + (n - 1) * 2**16 + 64) // 128
            (y, f), (x, g) = divmod(row, 1024), divmod(column, 1024)
            total = (1024 - f) * ((1024 - g) * pixel(y, x) + g * pixel(y, x + 1)) + f * (
                (1024 - g) * pixel(y + 1, x) + g * pixel(y + 1, x + 1)
            )
            out[i, j] = (total + 2**19) // 2**20
    return out


@pytest.mark.parametrize("size", [2, 9, 28])
def test_the_documented_rule_gives_every_byte(size: int) -> None:
    angles = np.array([-1799, -1350, -451, -1, 1, 300, 449, 450, 899, 901, 1234, 1800], np.int16)
    images = noise(len(angles), size, size)
    images[0] = 255  # the largest sums
    for image, turned, angle in zip(images, turn_bilinear(images, angles), angles.tolist(), strict=True):
        assert np.array_equal(turned, documented(image, angle)), angle


def test_every_angle_is_that_of_scipy_but_for_rounding() -> None:
    angles = np.arange(-1799, 1801, dtype=np.int16)
    images = noise(len(angles), 28, 28)
    expected = [
        ndimage.rotate(image.astype(float), angle / 10, reshape=False, order=1, mode="grid-constant")
        for image, angle in zip(images, angles.tolist(), strict=True)
    ]
    assert np.abs(np.stack(expected) - turn_bilinear(images, angles)).max() < 1
    assert np.abs(np.stack(expected) - turn_nearest(images, angles)).max() > 100  # negative control


def test_digits_are_those_of_pillow_within_two_gray_levels() -> None:
    images = load_source("digits", "test").images
    angles = np.arange(-1799, 1801, 10, dtype=np.int16)
    assert len(images) == len(angles)
    for image, turned, angle in zip(images, turn_bilinear(images, angles), angles.tolist(), strict=True):
        expected = np.asarray(Image.fromarray(image).rotate(angle / 10, Image.Resampling.BILINEAR))
        assert np.abs(expected.astype(int) - turned).max() <= 2, angle


def test_an_image_turns_alike_alone_and_in_any_company() -> None:
    images, angles = noise(300, 28, 28), np.arange(0, 1800, 6, dtype=np.int16)
    together = turn_bilinear(images, angles)
    alone = [turn_bilinear(images[k : k + 1], angles[k : k + 1])[0] for k in range(len(images))]
    assert np.array_equal(together, np.stack(alone))
    assert np.array_equal(together[::-1], turn_bilinear(images[::-1], angles[::-1]))


def test_channels_turn_alike() -> None:
    images, angles = noise(20, 32, 32, 3), np.arange(0, 2000, 100, dtype=np.int16) - 900
    apart = [turn_bilinear(np.ascontiguousarray(images[..., channel]), angles) for channel in range(3)]
    assert np.array_equal(turn_bilinear(images, angles), np.stack(apart, axis=-1))


def test_memory_does_not_grow_with_the_images() -> None:
    peaks = []
    for count in (1_000, 4_000):
        images, angles = noise(count, 28, 28), np.zeros(count, np.int16) + 123
        tracemalloc.start()
        turn_bilinear(images, angles)
        peaks.append(tracemalloc.get_traced_memory()[1] - images.nbytes)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000
    assert peaks[1] < 16 << 20


def test_images_that_would_overflow_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="4096"):
        turn_bilinear(np.zeros((1, 4098, 4098), np.uint8), np.zeros(1, np.int16))
