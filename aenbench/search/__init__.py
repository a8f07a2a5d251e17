"""Search over sets of actions: one Gymnasium environment, several algorithms with one signature."""
