"""Write the digests of every configuration of the current version of a dataset into gdatasets/pinned_digests.json.

    python tools/pin_digests.py g-emnist-letters --root ../shared/data

For maintainers, when a version is published. By default all datasets that have pins already. A digest that is pinned is
never changed: the script stops there.
"""

import argparse
import json
from pathlib import Path

import gdatasets
from gdatasets.generation.arrays import SplitPlan
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.specs import DATASETS, dataset_spec
from gdatasets.sources.published import PublishedSource

PINNED = Path(gdatasets.__file__).with_name("pinned_digests.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="*", metavar="NAME", help=f"of {', '.join(DATASETS)}")
    parser.add_argument("--root", type=Path)
    given = parser.parse_args()
    pinned = json.loads(PINNED.read_text())
    for name in given.datasets or list(pinned):
        spec = dataset_spec(name)
        source = PublishedSource(spec.source_name, given.root)
        configs = pinned.setdefault(spec.name, {}).setdefault(spec.version, {})
        for config in spec.configurations:
            for split in spec.source.samples:
                digest = content_digest(SplitPlan(spec, spec.configuration(config), source, split))
                if configs.setdefault(config, {}).setdefault(split, digest) != digest:
                    raise SystemExit(f"{spec.name}@{spec.version}/{config}/{split} is published with other content")
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n")


def content_digest(plan: SplitPlan) -> str:
    hasher = ContentHasher(plan.source.image_shape)
    for piece in plan.pieces(0, len(plan)):
        hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
    return hasher.hexdigest()


if __name__ == "__main__":
    main()
