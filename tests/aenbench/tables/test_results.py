"""A table in a store of trainings, and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.execution.store import TrialStore
from aenbench.models.aen import AENSpace
from aenbench.tables.build import assemble, results_of
from aenbench.tables.parquet import encode_table, read_table, write_table


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_a_table_in_a_store_and_back_is_the_same_to_the_last_bit(
    make_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """Times with all their digits too, though a training rounds them."""
    table = make_table(protocol, change={"seconds": np.random.default_rng(0).random((8, 3))})
    write_table(table, tmp_path / "there.parquet")
    store = TrialStore(tmp_path / "store.sqlite", "test")
    for key, result in results_of(read_table(tmp_path / "there.parquet")).items():
        store.finish(key, result)
    monkeypatch.setattr(AENSpace, "networks", table.networks)
    monkeypatch.setattr(AENSpace, "canonical", lambda _, state: table.networks[table.index(state)])
    back = assemble(table.info, table.space, store.results())
    assert back.content_sha256 == table.content_sha256
    assert encode_table(back) == encode_table(table)
