"""The toy trials as a fixture, which this process and its workers import by name; pictures of reports."""

import importlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def toy() -> Iterator[Any]:
    """The module `toy_trials`, which workers can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])]))
        yield importlib.import_module("toy_trials")


@pytest.fixture
def shows_its_pictures() -> Callable[[Path], None]:
    """Sees that a report shows every PNG file beside it, and no other, and says in words what is on it."""

    def check(report: Path) -> None:
        shown = re.findall(r"^!\[(.+)\]\((.+)\)$", report.read_text(), re.MULTILINE)
        assert sorted(file for _, file in shown) == sorted(path.name for path in report.parent.glob("*.png"))

    return check
