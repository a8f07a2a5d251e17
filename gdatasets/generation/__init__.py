"""From a source image to a sample, as pure functions: specifications, draws, moves, digests."""
