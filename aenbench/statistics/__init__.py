"""Intervals and hypothesis tests, on arrays alone."""
