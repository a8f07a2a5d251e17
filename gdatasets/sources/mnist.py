"""The files of MNIST and Fashion-MNIST."""

from gdatasets.sources.source import RawFile


def _idx_files(images: dict[str, str], labels: dict[str, str]) -> dict[str, tuple[RawFile, RawFile]]:
    """The four IDX files of an MNIST-like source, from their SHA-256 by split."""
    return {
        split: (
            RawFile(f"{stem}-images-idx3-ubyte", 16 + count * 784, images[split]),
            RawFile(f"{stem}-labels-idx1-ubyte", 8 + count, labels[split]),
        )
        for split, stem, count in (("train", "train", 60_000), ("test", "t10k", 10_000))
    }


_MNIST_FILES = _idx_files(
    images={
        "train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    labels={
        "train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)


_MNIST_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")


_MNIST_CITATION = (
    "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P.: Gradient-based learning applied to document recognition. "
    "Proceedings of the IEEE 86(11), 2278-2324, 1998."
)
