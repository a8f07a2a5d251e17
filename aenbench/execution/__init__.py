"""Where work runs and how its results are kept; knows nothing of networks."""
