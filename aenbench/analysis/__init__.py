"""Which factors of a search space explain accuracy: designs, variance decompositions and their report."""
