"""Search algorithms compared on tables of every network: runs, statistics, reports."""
