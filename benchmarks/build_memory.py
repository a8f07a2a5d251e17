"""Peak memory of building a dataset from a million images that are made on the fly and never kept.

    PYTHONPATH=. python benchmarks/build_memory.py [--images 1000000] [--workers 1] [--size 28]

Prints the peak of this process (and of its largest worker) above the bare interpreter's, in MB. Issue 3, point 3: at
most 600 MB.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.folder.build import BuildOptions, build
from gdatasets.generation.specs import DatasetSpec
from gdatasets.sources.source import Source, SourceArrays


@dataclass(frozen=True)
class MadeSource:
    """Images that are a function of their number: smooth blobs, about as compressible as digits."""

    images: int
    size: int

    @property
    def about(self) -> Source:
        classes = tuple(str(number) for number in range(10))
        return Source("made", "Made images", classes, {"train": self.images}, "CC0-1.0", "", "")

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (self.size, self.size)

    def digest(self) -> str:
        return "0" * 64

    def read(self, _split: str, start: int, stop: int) -> SourceArrays:
        number = np.arange(start, stop)
        axis = np.linspace(-1, 1, self.size)
        center = (number * 0.61803 % 1 - 0.5)[:, None, None]
        distance = (axis[None, :, None] - center) ** 2 + (axis[None, None, :] + center) ** 2
        return SourceArrays((255 * np.exp(-8 * distance)).astype(np.uint8), number % 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--size", type=int, default=28)
    given = parser.parse_args()
    bare = subprocess.run(
        [sys.executable, "-c", "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"],
        capture_output=True,
        text=True,
        check=True,
    )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        spec = DatasetSpec("made", "Made", "1.0.0", "made")
        source = MadeSource(given.images, given.size)
        build(spec, source, ["d4-roll"], Path(scratch) / "out", BuildOptions(given.workers))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - int(bare.stdout)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - int(bare.stdout)
    seconds = time.perf_counter() - started
    print(f"{given.images:,} images of {given.size}x{given.size}, {given.workers} workers, {seconds:.0f} s")
    print(f"peak above the interpreter: {peak / 1024:.0f} MB; largest child {max(0, children) / 1024:.0f} MB")


if __name__ == "__main__":
    main()
