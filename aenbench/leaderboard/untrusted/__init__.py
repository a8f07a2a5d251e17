"""Every byte that a stranger may have written is read here, within bounds, and never executed."""
