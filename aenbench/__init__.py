"""Equivariant networks built and searched from group generators, as baselines on the G- datasets."""
