"""The catalog: what is registered, what is refused, and that reading it is light."""

import subprocess
import sys
from dataclasses import replace

import pytest

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.published import PublishedSource, load_source

DIGITS = SOURCES["digits"]


def test_every_source_is_under_its_name_and_can_be_read() -> None:
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.editions or source.original is not None
        for edition in source.editions:
            for file in (file for files in edition.files.values() for file in files):
                assert name == "asl" or len(file.sha256) == 64 or len(file.md5) == 32
                assert not file.path.startswith("/")


def test_digests_of_sources_in_published_manifests_are_what_they_were() -> None:
    assert PublishedSource("mnist").digest().startswith("ca679089cd9dd461")
    assert PublishedSource("mnist-resplit").digest() == PublishedSource("mnist").digest()
    assert PublishedSource("fashion-mnist").digest().startswith("697249e9d1e87d6b")
    assert PublishedSource("digits").digest().startswith("2b3d3549463d19ac")


def test_a_source_without_published_digests_is_named_by_its_contents() -> None:
    SOURCES.register("toy", replace(DIGITS, name="toy", array_sha256=()))
    try:
        assert SOURCES["toy"].digest is None
        first = PublishedSource("toy").digest()
        assert first == PublishedSource("toy").digest()
        SOURCES.unregister("toy")
        SOURCES.register("toy", replace(DIGITS, name="toy", array_sha256=(), samples={"test": 360}))
        assert PublishedSource("toy").digest() != first
    finally:
        SOURCES.unregister("toy")


def test_unknown_sources_are_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "kmnist"'):
        load_source("knist")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("text", "expected a gdatasets Source, got str"),
        (DIGITS, 'named "digits"'),
        (replace(DIGITS, name="toy", editions=()), "nothing to read"),
        (replace(DIGITS, name="toy", image_shape=(27, 27)), "even size"),
        (replace(DIGITS, name="toy", image_shape=(28, 14)), "even size"),
        (replace(DIGITS, name="toy", image_shape=(28, 28, 4)), "even size"),
        (replace(SOURCES["asl"], name="toy", samples={"train": 1}), "has files for train, test; expected train"),
    ],
)
def test_what_is_no_source_is_not_registered(value: object, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        SOURCES.register("toy", value)
    assert "toy" not in SOURCES


def test_reading_the_catalog_imports_nothing_heavy() -> None:
    heavy = ("torch", "torchvision", "pandas", "pyarrow", "matplotlib", "sklearn", "scipy", "PIL")
    code = (
        "import sys; from gdatasets.generation.specs import DATASETS; from gdatasets.sources.published import *\n"
        f"[source_is_local(spec.source_name) for spec in DATASETS.values()]; print({heavy!r} & sys.modules.keys())"
    )
    code = code.replace(f"{heavy!r} &", f"set({heavy!r}) &")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
