"""The mathematics: actions, permutation groups, partitions."""
