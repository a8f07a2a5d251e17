"""A full build of 70,000 images against PNG-encoding them with Pillow, and `load_arrays`, in one run.

    PYTHONPATH=. python benchmarks/build_speed.py --root ../shared/data

Issue 3, point 2: the build takes at most 1.3 times the encoding (one process; Pillow's defaults), `load_arrays` of
70,000 images under 2 s. Repeats are interleaved; medians.
"""

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

from gdatasets.build import build_dataset
from gdatasets.load import load_arrays

REPEATS = 3
CONFIGS = ("d4-roll", "aug5")


def encode(images) -> None:  # type: ignore[no-untyped-def]
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    root = parser.parse_args().root
    for config in CONFIGS:
        loading, encoding, building = [], [], []
        for _ in range(REPEATS):
            started = time.perf_counter()
            splits = [load_arrays("g-mnist", config, split, root) for split in ("train", "test")]
            loaded = time.perf_counter()
            for split in splits:
                encode(split.images)
            encoded = time.perf_counter()
            with tempfile.TemporaryDirectory() as scratch:
                build_dataset("g-mnist", [config], Path(scratch) / "out", root)
                built = time.perf_counter()
            loading.append(loaded - started)
            encoding.append(encoded - loaded)
            building.append(built - encoded)
        ratio = statistics.median(b / e for b, e in zip(building, encoding, strict=True))
        load, pillow, build = (statistics.median(times) for times in (loading, encoding, building))
        print(f"{config}: load_arrays of 70,000 images {load:.2f} s (< 2)")
        print(f"{config}: Pillow {pillow:.1f} s, build {build:.1f} s, median ratio {ratio:.2f} (<= 1.3)")


if __name__ == "__main__":
    main()
