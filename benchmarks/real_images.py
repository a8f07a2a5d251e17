"""What `discover` says of real images: the seven moves of the square, pixel by pixel and up to shifts of three pixels.

python benchmarks/real_images.py ask FOLDER --root data   # JSON and pictures of each; skips what exists
python benchmarks/real_images.py table FOLDER             # as in docs/real-images-tables.md
python benchmarks/real_images.py spirals FOLDER --root data   # do mirrors exchange the two classes of spirals?
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench import discover
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.kernel import Measured
from aenbench.reports.figures import encode_png
from aenbench.tasks.datasets import open_dataset

IMAGES = 6_000
JITTERS = (0, 3)
DATASETS = {  # by the name in the table: what `aenbench discover` is given, below the root where it is a file
    "EuroSAT": ("eurosat-7k.zip", "none"),
    "galaxies": ("galaxies-2k.zip", "none"),
    "PatchCamelyon": ("pcam-6k.zip", "none"),
    "CIFAR-10": ("cifar10-jpeg-30k.zip", "none"),
    "SVHN": ("svhn-10k.zip", "none"),
    "MNIST": ("g-mnist", "none"),
    "Fashion-MNIST": ("g-fashion-mnist", "none"),
    "EMNIST letters": ("emnist-letters", "none"),
    "KMNIST": ("kmnist-10k.zip", "none"),
    "ASL": ("asl-alphabet-14k.zip", "none"),
    "MNIST-rot": ("mnist-rot", "any-angle"),
    "G-MNIST d4-roll": ("g-mnist", "d4-roll"),
    "G-MNIST c4": ("g-mnist", "c4"),
}
MOVES = ("quarter turn", "half turn", "left-right flip", "top-bottom flip", "diagonal flip")


def ask(folder: Path, root: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (dataset, config) in DATASETS.items():
        for jitter in JITTERS:
            stem = f"{name.replace(' ', '-')}-{jitter}"
            if (folder / f"{stem}.json").exists():
                continue
            where = str(root / dataset) if dataset.endswith(".zip") else dataset
            source = open_dataset(where, config, root)
            train, start = source.read("train"), time.process_time()
            labels = np.asarray(source.classes)[train.labels]
            found = discover(train.images, labels, "d4", method="classifier", limit=IMAGES, jitter=jitter)
            pictures = {"effects": found.plot(), "confusion": found.plot_confusion(), "pairs": found.plot_pairs()}
            for kind, picture in pictures.items():
                if picture is not None:
                    (folder / f"{stem}-{kind}.png").write_bytes(encode_png(picture))
            (folder / f"{stem}.json").write_text(json.dumps(found.to_json(), indent=1) + "\n")
            print(f"{stem}: {time.process_time() - start:.0f} s of a core", flush=True)


def table(folder: Path) -> None:
    print(f"| images | control | {' | '.join(MOVES)} | not told apart from the identity |")
    print("|" + "---|" * (len(MOVES) + 3))
    for name in DATASETS:
        for jitter in JITTERS:
            path = folder / f"{name.replace(' ', '-')}-{jitter}.json"
            if not path.exists():
                continue
            found = json.loads(path.read_text())
            cells = [f"{name}, up to {jitter}" if jitter else name, f"{found['classifier']['control']['effect']:.2f}"]
            for move in MOVES:
                each = found["candidates"][move]
                verdict = "" if each["verdict"] == "broken" else f", {each['verdict']}"
                cells.append(f"{each['effect']:.3f}{verdict}")
            cells.append(", ".join(found["classifier"]["cosets"][0][1:]) or "none")
            print("| " + " | ".join(cells) + " |")


def spirals(folder: Path, root: Path) -> None:
    """Mirrors of spiral galaxies, up to shifts: as they are, and turned by random quarters (all mirrors are one)."""
    folder.mkdir(parents=True, exist_ok=True)
    source = open_dataset(str(root / "galaxies-2k.zip"), "none", root)
    train = source.read("train")
    labels = np.asarray(source.classes)[train.labels]
    kept = np.char.startswith(labels, "spiral")
    images, labels = train.images[kept], labels[kept]
    moves = find_candidates("d4", (images.shape[1] - JITTERS[1],) * 2).permutations
    mirrors = {name: move for name, move in moves.items() if "flip" in name}
    one = {"left-right flip": mirrors["left-right flip"]}
    for seed in range(2):
        quarters = np.random.default_rng(seed).integers(4, size=len(images))
        turned = np.stack([np.rot90(image, k) for image, k in zip(images, quarters, strict=True)])
        for kind, shown, names, asked in (
            ("as they are", images, labels, mirrors),
            ("turned by random quarters", turned, labels, one),
            ("drawn", *_draw_spirals(len(images), images.shape[1], seed), one),
            ("drawn, 2,000", *_draw_spirals(2_000, images.shape[1], seed), one),
        ):
            found = discover(shown, names, asked, method="classifier", jitter=JITTERS[1], seed=seed)
            path = folder / f"spirals-{kind.replace(' ', '-').replace(',', '')}-{seed}.json"
            path.write_text(json.dumps(found.to_json(), indent=1) + "\n")
            for name, each in found.measured.items():
                cells = [kind, str(seed), name, f"{_interval(each)}, {found.verdicts[name]}"]
                if (exchange := found.asked_exchanges.get(name)) is not None and exchange.control is not None:
                    p_value = f"p {exchange.measured.p_value:.3f}"
                    cells += [
                        f"{_interval(exchange.measured)}, {p_value}, {exchange.verdict}",
                        _interval(exchange.control),
                    ]
                print("| " + " | ".join(cells) + " |", flush=True)
            print(f"{found.images:,} images, {found.seconds:.0f} s of a core", flush=True)


def _draw_spirals(count: int, size: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Two arms of random pitch and direction in noise, (count, size, size), half of them clockwise."""
    generator = np.random.default_rng(seed)
    down, across = np.mgrid[:size, :size] - (size - 1) / 2
    radius, angle = np.hypot(down, across) + 1e-9, np.arctan2(down, across)
    sign = np.where(generator.random(count) < 0.5, 1, -1)
    pitch, start = generator.uniform(2, 4, count), generator.uniform(0, 2 * np.pi, count)
    turns = angle - (sign * pitch)[:, None, None] * np.log(radius) + start[:, None, None]
    light = np.exp(-radius / (size / 6)) * (1 + np.cos(2 * turns))
    return light + 0.3 * generator.normal(size=light.shape), np.where(sign > 0, "cw", "acw")


def _interval(measured: Measured) -> str:
    return f"{measured.effect:.3f} ({measured.low:.3f}..{measured.high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("ask", "table", "spirals"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path)
    given = parser.parse_args()
    if given.part == "table":
        table(given.folder)
    elif given.root is None:
        parser.error("give --root, the folder of the datasets")
    else:
        {"ask": ask, "spirals": spirals}[given.part](given.folder, given.root)


if __name__ == "__main__":
    main()
