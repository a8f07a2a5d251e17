"""Published image datasets by name."""
