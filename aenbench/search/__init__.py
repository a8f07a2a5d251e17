"""Search over sets of actions: one Gymnasium environment, several algorithms with one signature.

Importing this package makes the environment known to Gymnasium:
`gymnasium.make("aen/EquivarianceSearch-v0", space=..., evaluate=...)`.
"""

import gymnasium

gymnasium.register("aen/EquivarianceSearch-v0", "aenbench.search.environment:make_environment")
