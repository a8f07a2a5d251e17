"""The stand-in for the Hub and forged folders, as fixtures; modules are loaded by path, since tests are no package."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def _beside(name: str) -> Any:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A stand-in for the Hugging Face Hub (not the Hub), which the libraries are pointed to; pauses take no time."""
    from huggingface_hub import constants

    with _beside("hub_stand_in").running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "hf_stand_in")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(time, "sleep", lambda _seconds: None)
        yield running


@pytest.fixture
def fault() -> Any:
    """The class `Fault` of the stand-in."""
    return _beside("hub_stand_in").Fault


@pytest.fixture(scope="session")
def forged() -> Any:
    """The module `forged_folder.py`."""
    return _beside("forged_folder")
