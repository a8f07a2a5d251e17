"""Which symmetries a set of labelled images has: moves that leave the law of each class as it is."""
