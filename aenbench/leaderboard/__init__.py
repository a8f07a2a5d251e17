"""Entries and their leaderboard: described, kept as files, recomputed, shown."""

from aenbench.leaderboard.checks import rescore
from aenbench.leaderboard.entry import Entry, Interval, Origin, SafeName, SeedResult, json_schema
from aenbench.leaderboard.files import (
    LOGITS_FILE,
    PREDICTIONS_FILE,
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
from aenbench.leaderboard.trust import Agreement, Reproduction, Trust, compare, trust_of, write_reproduction
from aenbench.leaderboard.verification import verify

__all__ = [
    "LOGITS_FILE",
    "PREDICTIONS_FILE",
    "Agreement",
    "Entry",
    "Interval",
    "Origin",
    "Reproduction",
    "SafeName",
    "SeedResult",
    "Trust",
    "check_free",
    "compare",
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
    "trust_of",
    "verify",
    "write_entry",
    "write_reproduction",
    "write_table",
]
