"""Galaxy10 DECaLS: galaxies of the Legacy Surveys by the shape that Galaxy Zoo's volunteers saw, 256x256, in HDF5."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gdatasets.errors import SourceError
from gdatasets.sources.documentation import Documentation
from gdatasets.sources.hdf5_rows import open_hdf5, reordered
from gdatasets.sources.source import Edition, MovedDataset, Pieces, PublishedFile, Source
from gdatasets.sources.splits import CUT_RULE, cut_each_class

_SHAPE = (256, 256, 3)
_FILE = PublishedFile(
    "galaxy10/Galaxy10_DECals.h5",
    "19aefc477c41bb7f77ff07599a6b82a038dc042f889a111b0d4d98bb755c1571",
    urls=(
        "https://zenodo.org/records/10845026/files/Galaxy10_DECals.h5",
        "https://www.astro.utoronto.ca/~hleung/shared/Galaxy10/Galaxy10_DECals.h5",
    ),
)


@dataclass(frozen=True)
class GalaxyFile:
    """`images` (n, 256, 256, 3) and `ans` (n,); the splits are those of `cut_each_class`.

    A split is copied to a temporary file in the cache, 196,608 bytes an image, in its own order.
    """

    def open(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> Pieces:
        with closing(open_hdf5(root / files[0].path)) as file:
            images = file.images("images", _SHAPE)
            labels = file.labels("ans", len(images))
            order = cut_each_class("galaxy10", labels)[split]
            if len(images) != len(labels) or len(order) != count:
                raise SourceError(
                    f"{file.where} has {len(images):,} images and {len(labels):,} labels, {len(order):,} of them for "
                    f"{split}, expected {count:,}; fetch it again."
                )
            return reordered(images, labels, order)


GALAXY10 = Source(
    name="galaxy10",
    title="Galaxy10 DECaLS",
    classes=(
        "disturbed",
        "merging",
        "round smooth",
        "in-between round smooth",
        "cigar shaped smooth",
        "barred spiral",
        "unbarred tight spiral",
        "unbarred loose spiral",
        "edge-on without bulge",
        "edge-on with bulge",
    ),
    samples={"train": 14_194, "test": 3_542},
    license="none stated",
    homepage="https://github.com/henrysky/Galaxy10",
    citation="Leung, H. W., Bovy, J.: Deep learning of multi-element abundances from high-resolution spectroscopic "
    "data. MNRAS 483(3), 3255-3277, 2019 (astroNN, which published the dataset). Labels: Walmsley, M. et al.: Galaxy "
    "Zoo DECaLS. MNRAS 509(3), 3966-3988, 2022; Lintott, C. et al.: Galaxy Zoo. MNRAS 389(3), 1179-1189, 2008. "
    "Images: Dey, A. et al.: Overview of the DESI Legacy Imaging Surveys. AJ 157(5), 168, 2019.",
    image_shape=_SHAPE,
    validation=1_769,
    held_out="consecutive images of each class",
    split_rule=CUT_RULE,
    editions=(Edition(dict.fromkeys(("train", "test"), (_FILE,)), GalaxyFile()),),
    documentation=Documentation(
        collection="Color cutouts of 256x256 pixels of the DESI Legacy Imaging Surveys around galaxies of Galaxy Zoo; "
        "published 2021.",
        annotation="By volunteers of Galaxy Zoo: galaxies on whose shape enough of them agreed.",
        biases="Bright, near galaxies; agreement of volunteers leaves hard shapes out. Cigar shapes are an eighth as "
        "frequent as others.",
        limitations="No split was published. Whether a galaxy occurs twice was not checked here, for the file was "
        "not at "
        "hand.",
        symmetry="Seen in the sky: all turns and mirrors keep these ten classes, none of which has a sense of "
        "rotation.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known symmetries.",
        personal="None.",
    ),
    moved=MovedDataset("g-galaxy10", "G-Galaxy10"),
)
