"""What is published, beside the datasets that it is about."""

import re
from pathlib import Path

import pytest

from aenbench.tasks.references import REFERENCES, UNKNOWN, reference_of
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalog import SOURCES


@pytest.mark.parametrize("name", REFERENCES)
def test_every_figure_is_a_share_with_its_source(name: str) -> None:
    assert name in SOURCES
    reference = REFERENCES[name]
    for figure in (reference.best_error, reference.wrong_labels):
        assert figure is not None
        assert 0 < figure.share < 0.1
        assert re.search(r"[A-Z].* 20\d\d, (arXiv:\d{4}\.\d{5}|doi:10\.\d+/)", figure.source)


def test_moved_images_have_the_reference_of_their_source() -> None:
    for name, spec in DATASETS.items():
        if spec.source_name in REFERENCES:
            assert reference_of(name) == REFERENCES[spec.source_name]
    assert reference_of("mnist-resplit") == REFERENCES["mnist"]


def test_mnist_rot_has_its_own() -> None:
    assert reference_of("mnist-rot") == reference_of("rotmnist") == REFERENCES["rotmnist"]
    assert REFERENCES["rotmnist"] != REFERENCES["mnist"]


def test_nothing_is_published_about_images_of_ones_own() -> None:
    for name in ("my-photos", "", "package.module:NAME", "digits", "g-digits"):
        assert reference_of(name) == UNKNOWN


def test_the_docs_give_the_figures_of_the_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "flags.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| ([0-9.]+) % \((\w+)[^|]* \|", text, flags=re.MULTILINE)
    known = [reference.best_error for reference in REFERENCES.values()]
    assert len(rows) == len(known)
    for share, author in rows:
        assert [figure for figure in known if figure and figure.source.startswith(author)], author
        assert [figure for figure in known if figure and figure.share == pytest.approx(float(share) / 100)], author
