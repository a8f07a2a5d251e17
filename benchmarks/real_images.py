"""What `discover` says of real images: the seven moves of the square, pixel by pixel and up to shifts of three pixels.

python benchmarks/real_images.py ask FOLDER --root data   # JSON and pictures of each; skips what exists
python benchmarks/real_images.py table FOLDER             # as in docs/real-images.md
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from aenbench import discover
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("ask", "table"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path)
    given = parser.parse_args()
    if given.part == "table":
        table(given.folder)
    elif given.root is None:
        parser.error("give --root, the folder of the datasets")
    else:
        ask(given.folder, given.root)


if __name__ == "__main__":
    main()
