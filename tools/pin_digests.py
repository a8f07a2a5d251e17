"""Write the digests of every configuration of the current versions into gdatasets/pinned_digests.json.

    python tools/pin_digests.py --root ../shared/data

For maintainers, when a version is published. A digest that is pinned already is never changed: the script stops there.
"""

import argparse
import json
from pathlib import Path

import gdatasets.generation.specs
from gdatasets.generation.load import generate_arrays
from gdatasets.generation.specs import DATASETS

PINNED = Path(gdatasets.generation.specs.__file__).with_name("pinned_digests.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    root = parser.parse_args().root
    pinned = json.loads(PINNED.read_text())
    for dataset in DATASETS.values():
        configs = pinned.setdefault(dataset.name, {}).setdefault(dataset.version, {})
        for config in dataset.configurations:
            for split in dataset.source.samples:
                digest = generate_arrays(dataset.name, config, split, root).content_sha256
                if configs.setdefault(config, {}).setdefault(split, digest) != digest:
                    raise SystemExit(
                        f"{dataset.name}@{dataset.version}/{config}/{split} is published with other content"
                    )
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n")


if __name__ == "__main__":
    main()
