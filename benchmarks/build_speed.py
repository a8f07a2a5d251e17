"""A full build of 70,000 images against PNG-encoding them with Pillow, and `load_arrays`, in one run.

    PYTHONPATH=. python benchmarks/build_speed.py --root ../shared/data [--images 70000]

Issue 3, point 2: the build takes at most 1.3 times the encoding (one process; Pillow's defaults), `load_arrays` of
70,000 images under 2 s. Repeats are interleaved and printed as they come; CPU time of this process, since other work on
the machine would count otherwise. Fewer images than 70,000 are the first ones of the train split, as a dataset of their
own.
"""

import argparse
import io
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from gdatasets.folder.build import build
from gdatasets.generation.load import load_arrays
from gdatasets.generation.specs import DATASETS
from gdatasets.groups.actions import Images
from gdatasets.sources.published import PublishedSource
from gdatasets.sources.source import ImageSource, Source, SourceArrays

REPEATS = 3
ALL = 70_000


@dataclass(frozen=True)
class First:
    """The first images of MNIST's train split."""

    whole: PublishedSource
    images: int

    @property
    def about(self) -> Source:
        return replace(self.whole.about, samples={"train": self.images})

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.whole.image_shape

    def digest(self) -> str:
        return self.whole.digest()

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        return self.whole.read(split, start, stop)


def encode(images: Images) -> None:
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--images", type=int, default=ALL)
    parser.add_argument("--config", default="d4-roll")
    given = parser.parse_args()
    spec = DATASETS["g-mnist"]
    source: ImageSource = PublishedSource("mnist", given.root)
    if given.images < ALL:
        spec, source = replace(spec, name="g-mnist-part"), First(PublishedSource("mnist", given.root), given.images)
    for _ in range(REPEATS):
        started = time.process_time()
        moved = [load_arrays("g-mnist", given.config, split, given.root).images for split in ("train", "test")]
        loaded = time.process_time()
        encode(moved[0][: given.images])
        if given.images == ALL:
            encode(moved[1])
        encoded = time.process_time()
        with tempfile.TemporaryDirectory() as scratch:
            build(spec, source, [given.config], Path(scratch) / "out")
        built = time.process_time()
        pillow, building = encoded - loaded, built - encoded
        print(f"load_arrays of 70,000 images: {loaded - started:.2f} s (< 2)", flush=True)
        print(
            f"{given.images:,} images of {given.config}: Pillow {pillow:.2f} s, build {building:.2f} s, "
            f"ratio {building / pillow:.2f} (<= 1.3)",
            flush=True,
        )


if __name__ == "__main__":
    main()
