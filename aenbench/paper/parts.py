"""The parts by letter."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from aenbench.paper import actions, construction, convolutions, networks, progress
from aenbench.paper.setting import Setting

PARTS: Mapping[str, Callable[[Setting], Path]] = MappingProxyType(
    {"a": actions.run, "b": networks.run, "c": progress.run, "d": construction.run, "e": convolutions.run}
)
