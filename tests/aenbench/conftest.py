"""The toy trials as a fixture: this process and its workers import them by name."""

import importlib
import os
from collections.abc import Iterator
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
