"""Samples on disk: a Hugging Face dataset repository, built, described and verified."""
