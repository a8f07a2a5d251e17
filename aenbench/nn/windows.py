"""Sliding windows, of convolutions and poolings, that commute with a group, or an error that says why they do not."""

from dataclasses import dataclass

from aenbench.errors import InvalidArgumentError
from aenbench.nn.square_groups import SquareGroup

Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    """One value for rows and columns, or the two that are given."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


@dataclass(frozen=True)
class Window:
    """Where a window is laid on an image; every pair is (rows, columns).

    A window that is moved by a stride starts at the top left corner. Where the last one does not end at the opposite
    edge, the flipped image is read at other pixels than the image was: the output is not the flipped output, nor any
    other one. So along each axis that some element of the group reverses, the windows have to fit exactly.

    Attributes:
        group: the symmetries to commute with.
        kernel: extent in pixels.
        stride: pixels from one window to the next.
        padding: pixels added on each side of the image.
        dilation: pixels from one place of the window to the next.

    Raises:
        InvalidArgumentError: a value is too small, or differs between rows and columns although the group exchanges
            them.
    """

    group: SquareGroup
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            rows, columns = value = getattr(self, name)
            if min(value) < least:
                raise InvalidArgumentError(f"Expected a {name} of at least {least}, got {value}.")
            if rows != columns and self.group.exchanges_axes:
                raise InvalidArgumentError(
                    f"{self.group.name} turns rows into columns, so the {name} must be the same for both; "
                    f"got {value}. Use {rows} or {columns}."
                )

    @property
    def spans(self) -> Pair:
        """Pixels from the first to the last place of one window."""
        return self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1

    def check(self, height: int, width: int) -> None:
        """Whether the windows on an image of this size commute with the group.

        Raises:
            InvalidArgumentError: they do not, or no window fits; the error names the nearest sizes that do.
        """
        for axis, size in enumerate((height, width)):
            name, span, stride = ("rows", "columns")[axis], self.spans[axis], self.stride[axis]
            room = size + 2 * self.padding[axis] - span
            if room < 0:
                raise InvalidArgumentError(
                    f"A window of {span} {name} does not fit into {size} with padding {self.padding[axis]}; "
                    f"use at least {span - 2 * self.padding[axis]} {name}."
                )
            rest = room % stride
            if rest and self.group.reverses[axis]:
                raise InvalidArgumentError(
                    f"Windows of {span} at stride {stride}, padding {self.padding[axis]}, leave {rest} of {size} "
                    f"{name} unread at one edge only, so {self.group.name} equivariance would be lost. "
                    f"Use {size - rest} or {size - rest + stride} {name} (steps of {stride}), or another kernel, "
                    f"stride or padding."
                )
