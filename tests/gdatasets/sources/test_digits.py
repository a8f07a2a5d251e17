"""scikit-learn's digits: read from its file, or by its function, and never others than the published ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gdatasets.errors import SourceError
from gdatasets.sources import digits as module
from gdatasets.sources.published import load_source


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    module._digits.cache_clear()


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_file_holds_what_the_function_loads(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = load_source("digits", split)
    module._digits.cache_clear()
    monkeypatch.setattr(module, "_FILE", Path("not", "there"))
    loaded = load_source("digits", split)
    np.testing.assert_array_equal(read.images, loaded.images)
    np.testing.assert_array_equal(read.labels, loaded.labels)
    assert (read.images.dtype, read.labels.dtype) == (loaded.images.dtype, loaded.labels.dtype)


def test_scikit_learn_is_not_imported() -> None:
    program = (
        "import sys\n"
        "from gdatasets.sources.digits import _raw_digits\n"
        "_raw_digits()\n"
        "print([name for name in ('sklearn', 'scipy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_other_digits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw, labels = module._raw_digits()
    monkeypatch.setattr(module, "_raw_digits", lambda: (raw[::-1].copy(), labels))
    with pytest.raises(SourceError, match="reinstall scikit-learn"):
        load_source("digits", "train")
