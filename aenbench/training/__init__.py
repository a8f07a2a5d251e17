"""How a candidate network is trained: recipe, augmentation, fit, trial."""
