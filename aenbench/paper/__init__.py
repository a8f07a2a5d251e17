"""The experiments of arXiv 2104.04848, each a part that can be run, interrupted and resumed by itself."""
