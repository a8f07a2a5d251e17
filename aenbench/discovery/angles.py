"""Rotations by any angle: a profile of effects over angles, although a rotation resamples and permutes no pixels.

Where rotating by t keeps the law of x, R_{t/2} x and R_{-t/2} x have one law. So images of two random halves are turned
by half the angle, one way and the other: both sides are resampled alike, and pairs can be exchanged for an exact
p-value. Pixels inside the inscribed disc are compared, so that no corner is filled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from aenbench.discovery.kernel import Measured, Pixels
from aenbench.discovery.two_samples import compare, draw_halves
from aenbench.discovery.verdicts import Verdict


@dataclass(frozen=True, eq=False)
class Disc:
    """The pixels of images that stay inside them however they are turned.

    Attributes:
        shape: (rows, columns) of the images.
    """

    shape: tuple[int, int]

    def _places(self) -> NDArray[np.float64]:
        """(row, column) from the center of each pixel of the disc, (points, 2)."""
        rows, columns = self.shape
        grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1).reshape(-1, 2)
        from_center = grid - (np.array(self.shape) - 1) / 2
        inside = np.hypot(*from_center.T) <= (min(self.shape) - 1) / 2 + 1e-9
        return np.asarray(from_center[inside])

    def turned(self, images: NDArray[np.float32], degrees: float) -> Pixels:
        """Images turned counterclockwise, bilinear: (n, rows, columns, channels) to (n, points * channels)."""
        angle, places = np.deg2rad(degrees), self._places()
        back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        where = np.clip(places @ back + (np.array(self.shape) - 1) / 2, 0, np.array(self.shape) - 1)
        corner = np.minimum(np.floor(where).astype(np.int64), np.array(self.shape) - 2)
        share = where - corner
        corners = [(down, across) for down in (0, 1) for across in (0, 1)]
        index = [(corner[:, 0] + down) * self.shape[1] + corner[:, 1] + across for down, across in corners]
        weight = [np.abs(1 - down - share[:, 0]) * np.abs(1 - across - share[:, 1]) for down, across in corners]
        into = np.tile(np.arange(len(places)), 4)
        weights = sparse.csr_array(
            (np.concatenate(weight).astype(np.float32), (np.concatenate(index), into)),
            shape=(self.shape[0] * self.shape[1], len(places)),
        )
        channels = [images[..., channel].reshape(len(images), -1) @ weights for channel in range(images.shape[3])]
        return np.ascontiguousarray(np.concatenate(channels, axis=1), dtype=np.float32)


def measure_angles(
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    angles: Mapping[str, float],
    *,
    level: float,
    generator: np.random.Generator,
) -> tuple[dict[str, Measured], Measured]:
    """Measure rotations, and the control: pixels of the disc that were shuffled.

    Args:
        images: (n, rows, columns, channels), independent images.
        labels: (n,); within each label images are compared.
        angles: degrees, by name. An angle and its negative have the same effect.
        level: of the family of tests, and of each interval.
        generator: of halves, exchanges and the control.
    """
    disc = Disc((images.shape[1], images.shape[2]))
    one, other, classes = draw_halves(labels, generator)
    left, right = images[one], images[other]

    def told(first: Pixels, second: Pixels) -> Measured:
        return compare(first, second, classes, level=level, tests=len(angles), generator=generator)

    found = {name: told(disc.turned(left, t / 2), disc.turned(right, -t / 2)) for name, t in angles.items()}
    still = disc.turned(right, 0)
    return found, told(disc.turned(left, 0), still[:, generator.permutation(still.shape[1])])


def summarize(angles: Mapping[str, float], verdicts: Mapping[str, Verdict]) -> str:
    """One line on which angles keep the law, exactly or nearly."""
    small = [angles[name] for name, verdict in verdicts.items() if verdict in ("symmetry", "approximate")]
    unsure = sum(verdict == "cannot tell" for verdict in verdicts.values())
    asked = list(angles.values())
    more = f"; {unsure} of {len(asked)} angles are undecided" if unsure else ""
    if not small:
        return f"no angle keeps the law{more}"
    if small == asked:
        return f"symmetric under all angles, asked every {asked[0]:g} degrees"
    if small == [angle for angle in asked if angle % small[0] == 0]:
        return f"symmetric under multiples of {small[0]:g} degrees only{more}"
    if small == asked[: len(small)]:
        return f"symmetric, or nearly so, up to {small[-1]:g} degrees either way{more}"
    return f"symmetric under these angles: {', '.join(f'{angle:g}' for angle in small)} degrees{more}"
