"""Entries and their leaderboard: described, kept as files, recomputed, shown."""
