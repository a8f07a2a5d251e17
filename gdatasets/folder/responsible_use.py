"""What a dataset folder says of collection, labels, biases, limits and use: the same in the card and in Croissant.

The names are those of the Croissant RAI vocabulary 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html).
"""

from gdatasets.folder.manifest import Manifest
from gdatasets.folder.own_group import FAMILY
from gdatasets.generation.specs import CONFIGURATIONS, DatasetSpec, is_pinned
from gdatasets.sources.source import Source

MOVES = {
    "paper": "every image is transformed once, actions in bit order: `rotation` by an angle uniform over 3,600 steps "
    "of 0.1 degrees (nearest neighbor, zero fill), every other action with probability 1/2, rolls by one pixel",
    "group": "every image is moved by a uniformly random element: quarter turns, each flip with probability 1/2, each "
    "cyclic roll by a random multiple of 4 pixels; pixel-exact and invertible",
    "bilinear": "every image is turned once about its center, `rotation` by an angle uniform over 3,600 steps of 0.1 "
    "degrees: bilinear interpolation in integer fixed-point arithmetic, zero fill",
    FAMILY: "every image is moved by a uniformly random element of the group that the generators in `manifest.json` "
    "generate: `out[i] = x[p[i]]` over the pixels row by row; pixel-exact, and undone by "
    "`undo_group(images, read_group(folder, configuration), elements)`",
}
"""How each family of configurations moves images."""

_LIMITS = {
    "paper": "Any-angle rotation (`rotation` in the family *paper*) loses pixels: nearest neighbor, corners cut; it "
    "cannot be undone.",
    "group": "Cyclic rolls and scrambles cut through objects: they test symmetry, they do not imitate photographs.",
    "bilinear": "Any-angle rotation blurs and cuts corners off; it cannot be undone.",
    FAMILY: "Permutations of pixels may cut through objects: they test symmetry, they do not imitate photographs.",
}


def families(spec: DatasetSpec, manifest: Manifest) -> list[str]:
    """The families of configurations that are described: the dataset's, or the folder's where it has own groups."""
    configs = manifest.configurations
    if any(config.group for config in configs.values()):
        return list(dict.fromkeys(config.family for config in configs.values()))
    return list(dict.fromkeys(CONFIGURATIONS[name].family for name in spec.configurations))


def responsible_use(spec: DatasetSpec, source: Source, manifest: Manifest) -> dict[str, list[str]]:
    """Statements by their name in the RAI vocabulary, without its prefix."""
    known, kinds = source.documentation, families(spec, manifest)
    digests = (
        "their digests are pinned in the package gdatasets" if is_pinned(spec) else "their digests are in the manifest"
    )
    return {
        "dataCollection": [known.collection],
        "dataAnnotationProtocol": [known.annotation, "Moved images have the label of their source image."],
        "dataPreprocessingProtocol": [
            *([f"Splits {source.split_rule}."] if source.split_rule else []),
            *([f"Size: {source.size_rule}."] if source.size_rule else []),
            *(f"Configurations of the family {kind}: {MOVES[kind]}." for kind in kinds),
        ],
        "dataBiases": [known.biases],
        "dataLimitations": [
            known.limitations,
            known.symmetry,
            "Errors in the labels of the source are kept.",
            *(_LIMITS[kind] for kind in kinds),
        ],
        "dataUseCases": [
            known.uses,
            f"License of the original data, which holds for moved images too: {source.terms}.",
        ],
        "personalSensitiveInformation": [known.personal],
        "dataReleaseMaintenancePlan": [
            f"Samples of a version never change, {digests}; a change of samples is a new major version."
        ],
    }


HEADINGS = {
    "dataCollection": "Collection",
    "dataAnnotationProtocol": "Labels",
    "dataBiases": "Biases",
    "dataLimitations": "Limits",
    "dataUseCases": "Intended use",
    "personalSensitiveInformation": "Personal information",
    "dataReleaseMaintenancePlan": "Maintenance",
}
"""Sections of the card, in order; how images are made has a section of its own."""


def render_sections(said: dict[str, list[str]]) -> str:
    """The statements as Markdown sections."""
    return "\n".join(
        f"## {heading}\n\n" + "".join(f"- {statement}\n" for statement in said[name])
        for name, heading in HEADINGS.items()
    )


def render_rai(said: dict[str, list[str]]) -> dict[str, str | list[str]]:
    """The statements as properties of Croissant: text where the vocabulary allows one, else a list."""
    single = {"dataCollection", "dataReleaseMaintenancePlan"}
    return {f"rai:{name}": texts[0] if name in single else texts for name, texts in said.items()}
