"""Entries and their leaderboard: described, kept as files, recomputed, shown."""

from aenbench.leaderboard.board import Board, read_board
from aenbench.leaderboard.checks import rescore
from aenbench.leaderboard.entry import Entry, Interval, Origin, SafeName, SeedResult, json_schema
from aenbench.leaderboard.files import (
    LOGITS_FILE,
    MOVED_FILE,
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
from aenbench.leaderboard.generated import drifted, write_generated
from aenbench.leaderboard.submission import submit
from aenbench.leaderboard.tables import cost_cells, format_accuracy, format_networks, render
from aenbench.leaderboard.trust import Agreement, Reproduction, Trust, compare, trust_of, write_reproduction
from aenbench.leaderboard.verification import verify

__all__ = [
    "LOGITS_FILE",
    "MOVED_FILE",
    "PREDICTIONS_FILE",
    "Agreement",
    "Board",
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
    "drifted",
    "encode_logits",
    "encode_predictions",
    "entry_folder",
    "find_entries",
    "format_accuracy",
    "format_networks",
    "json_schema",
    "read_board",
    "read_description",
    "read_entry",
    "read_logits",
    "render",
    "rescore",
    "submit",
    "trust_of",
    "verify",
    "write_entry",
    "write_generated",
    "write_reproduction",
]
