"""The model families: a frozen architecture, its module and its search space, a file for each family."""
