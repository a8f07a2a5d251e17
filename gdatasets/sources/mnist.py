"""MNIST and the datasets that were made in its image, in IDX files: Fashion-MNIST and Kuzushiji-MNIST."""

import string

from gdatasets.sources.documentation import WRITTEN_BY_HAND, Documentation
from gdatasets.sources.idx import IdxFiles
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source

_STEMS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}
_PARTS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def _unpacked(folder: str, mirrors: tuple[str, ...], digests: dict[str, tuple[tuple[str, str], ...]]) -> Edition:
    """The four unpacked files: for each split SHA-256 and MD5 of the packed file, of images and of labels."""
    files = {
        split: tuple(
            PublishedFile(
                f"{folder}/raw/{stem}-{part}",
                sha256,
                size=16 + count * 784 if part == _PARTS[0] else 8 + count,
                urls=tuple(f"{mirror}{stem}-{part}.gz" for mirror in mirrors),
                archive_md5=packed_md5,
            )
            for part, (sha256, packed_md5) in zip(_PARTS, digests[split], strict=True)
        )
        for split, (stem, count) in _STEMS.items()
    }
    return Edition(files, IdxFiles())


_MNIST_CITATION = (
    "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P.: Gradient-based learning applied to document recognition. "
    "Proceedings of the IEEE 86(11), 2278-2324, 1998."
)

MNIST = Source(
    name="mnist",
    title="MNIST handwritten digits",
    classes=tuple(string.digits),
    samples={"train": 60_000, "test": 10_000},
    license="CC-BY-SA-3.0",
    homepage="http://yann.lecun.com/exdb/mnist/",
    citation=_MNIST_CITATION,
    validation=10_000,
    editions=(
        _unpacked(
            "MNIST",
            ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
            {
                "train": (
                    (
                        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    ),
                    (
                        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                        "d53e105ee54ea40749a09fcbcd1e9432",
                    ),
                ),
                "test": (
                    (
                        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                        "9fb629c4189551a2d022fa330f9573f3",
                    ),
                    (
                        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                        "ec29112dd5afa0611ce80d1b7f02629c",
                    ),
                ),
            },
        ),
    ),
    documentation=Documentation(
        collection="Digits on forms that employees of the US Census Bureau and high-school students filled in (NIST "
        "special "
        "databases 1 and 3), normalized in size and centered by mass in 28x28 pixels; published 1998.",
        annotation="By NIST, from the forms: writers were told which digit to write.",
        biases="American writers of about 1990. Training and test images are of different writers, from both groups.",
        limitations="Nearly solved: differences between good networks are within label errors. A few labels are "
        "wrong or "
        "ambiguous.",
        symmetry=WRITTEN_BY_HAND,
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for judging character recognition in use.",
        personal="Handwriting without names; writers are not identified.",
    ),
    moved=MovedDataset("g-mnist", "G-MNIST", released="2026-11-23"),
)

MNIST_RESPLIT = Source(
    name="mnist-resplit",
    title="MNIST handwritten digits, 12,000 for training and 50,000 for test",
    classes=MNIST.classes,
    samples={"train": 12_000, "test": 50_000},
    license=MNIST.license,
    homepage=MNIST.homepage,
    citation=f"{_MNIST_CITATION} Sizes of the splits after: Larochelle, H., Erhan, D., Courville, A., "
    "Bergstra, J., Bengio, Y.: An empirical evaluation of deep architectures on problems with many factors of "
    "variation. ICML 2007.",
    validation=2_000,
    original=MNIST,
    documentation=MNIST.documentation,
    ranges={"train": (range(12_000),), "test": (range(12_000, 52_000), range(60_000, 70_000))},
    moved=MovedDataset(
        "mnist-rot",
        "MNIST-rot",
        released="2026-11-23",
        configurations=("any-angle",),
        default_configuration="any-angle",
    ),
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    title="Fashion-MNIST article images",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    samples={"train": 60_000, "test": 10_000},
    license="MIT",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    citation="Xiao, H., Rasul, K., Vollgraf, R.: Fashion-MNIST: a novel image dataset for benchmarking "
    "machine learning algorithms. arXiv:1708.07747, 2017.",
    validation=10_000,
    editions=(
        _unpacked(
            "FashionMNIST",
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
            {
                "train": (
                    (
                        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    ),
                    (
                        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                        "25c81989df183df01b3e8a0aad5dffbe",
                    ),
                ),
                "test": (
                    (
                        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                        "bef4ecab320f06d8554ea6380940ec79",
                    ),
                    (
                        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                        "bb300cfdad3c16e7a12a480ee83cd310",
                    ),
                ),
            },
        ),
    ),
    documentation=Documentation(
        collection="Product photographs of the shop Zalando, made gray, inverted and reduced to 28x28 pixels; "
        "published "
        "2017.",
        annotation="From the shop's catalogue, by its own experts; one class an article.",
        biases="One European shop and its taste in clothes; plain backgrounds, one article a picture.",
        limitations="Shirt, T-shirt, pullover and coat are hardly told apart at this size; some labels are wrong.",
        symmetry="Articles are photographed upright; a mirror keeps nearly all classes, shoes look one way.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for recognizing clothes in use.",
        personal="None: articles without people.",
    ),
    moved=MovedDataset("g-fashion-mnist", "G-Fashion-MNIST", released="2026-11-23"),
)

_KMNIST_SHA256 = {
    "train-images-idx3-ubyte": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    "train-labels-idx1-ubyte": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    "t10k-images-idx3-ubyte": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    "t10k-labels-idx1-ubyte": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
}

KMNIST = Source(
    name="kmnist",
    title="Kuzushiji-MNIST",
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    samples={"train": 60_000, "test": 10_000},
    license="CC-BY-SA-4.0",
    homepage="http://codh.rois.ac.jp/kmnist/",
    citation="Clanuwat, T., Bober-Irizar, M., Kitamoto, A., Lamb, A., Yamamoto, K., Ha, D.: Deep learning for "
    "classical Japanese literature. arXiv:1812.01718, 2018.",
    validation=10_000,
    editions=(
        Edition(  # of the unpacked files, which torchvision leaves beside these, no digest was published
            {
                split: tuple(
                    PublishedFile(
                        f"KMNIST/raw/{stem}-{part}.gz",
                        _KMNIST_SHA256[f"{stem}-{part}"],
                        urls=(f"http://codh.rois.ac.jp/kmnist/dataset/kmnist/{stem}-{part}.gz",),
                    )
                    for part in _PARTS
                )
                for split, (stem, _) in _STEMS.items()
            },
            IdxFiles(packed=True),
        ),
    ),
    documentation=Documentation(
        collection="Cursive Japanese characters cut out of scanned books of the Edo period (Kuzushiji dataset), "
        "reduced to "
        "28x28 pixels; published 2018.",
        annotation="By experts in classical Japanese, character by character.",
        biases="35 books of the 18th century; ten characters, one of each row of the syllabary.",
        limitations="One class holds several quite different forms of a character.",
        symmetry="Upright, chiral characters: a turn or a mirror makes none of the alphabet.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for reading historical texts.",
        personal="None.",
    ),
    moved=MovedDataset("g-kmnist", "G-KMNIST"),
)
