"""Equivariant networks built and searched from group generators, as baselines on the G- datasets.

    from aenbench import load_table

    table = load_table("g-mnist", "aug2")                    # every network of the search space, trained already
    table.query("011000000000")

    from aenbench import load_leaderboard

    load_leaderboard().groupby(["dataset", "configuration", "entry"]).accuracy.mean()

Importing this reads nothing and asks nobody: each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from gdatasets import __version__ as __version__
from gdatasets.deferred import deferred_names

if TYPE_CHECKING:
    from aenbench.discovery.discover import discover as discover
    from aenbench.discovery.findings import Discovery as Discovery
    from aenbench.leaderboard.frames import load_history as load_history
    from aenbench.leaderboard.frames import load_leaderboard as load_leaderboard
    from aenbench.leaderboard.frames import load_predictions as load_predictions
    from aenbench.leaderboard.saved_models import load_model as load_model
    from aenbench.tables.parquet import load_table as load_table
    from aenbench.tables.table import Table as Table
    from aenbench.training.loaders import data_loader as data_loader

_HOMES = {
    "Discovery": "discovery.findings",
    "Table": "tables.table",
    "data_loader": "training.loaders",
    "discover": "discovery.discover",
    "load_model": "leaderboard.saved_models",
    "load_history": "leaderboard.frames",
    "load_leaderboard": "leaderboard.frames",
    "load_predictions": "leaderboard.frames",
    "load_table": "tables.parquet",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = deferred_names(__name__, _HOMES)
