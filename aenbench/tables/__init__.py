"""The tabular benchmark: every network of a search space, trained, in one file."""
