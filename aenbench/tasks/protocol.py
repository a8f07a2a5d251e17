"""Protocols: which images choose, which are reported, and how networks are made."""

from typing import Literal, get_args

Protocol = Literal["standard", "paper"]


PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


PAPER_TEST_IMAGES = 1_000
