"""Which symmetries a set of labeled images has: moves that leave the law of each class as it is."""
