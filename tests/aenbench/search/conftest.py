"""Tables with made-up values, whose networks are told apart by the first three bits of a state."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from aenbench.search.table import SPACES, Table, TableInfo
from aenbench.training import Recipe

MakeTable = Callable[..., Table]


@pytest.fixture
def make_table() -> MakeTable:
    """Makes a table of eight networks, three seeds and four epochs; `told` bits, values and info can be given."""

    def make(
        protocol: str = "standard",
        space: str = "aen",
        told: int = 3,
        change: dict[str, Any] | None = None,
        **about: Any,
    ) -> Table:
        info = {
            "dataset": "g-mnist",
            "dataset_version": "1.0.0",
            "configuration": "aug2",
            "train_content_sha256": "a" * 64,
            "test_content_sha256": "b" * 64,
            "protocol": protocol,
            "space": space,
            "classes": 10,
            "image_size": 28,
            "channels": 1,
            "recipe": Recipe(4_000, 4),
            "epochs": 4,
            "seeds": (0, 1, 5),
            "validation_images": 10_000,
            "test_images": 10_000,
            **about,
        }
        described = TableInfo(**info)
        states = ["".join(bits) for bits in product("01", repeat=SPACES[described.space]().bits)]
        prefixes = ["".join(bits) for bits in product("01", repeat=told)]
        members = tuple(tuple(state for state in states if state.startswith(prefix)) for prefix in prefixes)
        random = np.random.Generator(np.random.PCG64(0))
        shape = (len(members), len(described.seeds), described.epochs)
        columns = {
            "parameters": random.integers(1, 500_000, len(members)),
            "validation": random.integers(0, described.validation_images + 1, shape) / described.validation_images,
            "test": random.integers(0, described.test_images + 1, shape) / described.test_images,
            "seconds": random.integers(1, 5_000, shape[:2]) / 1_000,
        }
        networks = tuple(states[-1] for states in members)
        parts = {"info": described, "networks": networks, "states": members, **columns, **(change or {})}
        return Table(**parts)

    return make
