"""Entries and their leaderboard: described, kept as files, recomputed, shown."""

from aenbench.leaderboard.checks import rescore, verify
from aenbench.leaderboard.entry import Entry, Interval, SeedResult, json_schema
from aenbench.leaderboard.files import (
    check_free,
    encode_logits,
    encode_predictions,
    entry_folder,
    find_entries,
    read_description,
    read_entry,
    read_logits,
    write_entry,
)
from aenbench.leaderboard.submission import submit
from aenbench.leaderboard.tables import (
    cost_cells,
    format_accuracy,
    format_networks,
    render,
    table_drifted,
    write_table,
)

__all__ = [
    "Entry",
    "Interval",
    "SeedResult",
    "check_free",
    "cost_cells",
    "encode_logits",
    "encode_predictions",
    "entry_folder",
    "find_entries",
    "format_accuracy",
    "format_networks",
    "json_schema",
    "read_description",
    "read_entry",
    "read_logits",
    "render",
    "rescore",
    "submit",
    "table_drifted",
    "verify",
    "write_entry",
    "write_table",
]
