"""Equal output variance at initialisation, whatever the orbit sizes."""

import torch

from aenbench.nn import EquivariantLinear
from aenbench.nn.representations import grid

DRAWS, BATCH = 60, 50


def variance_ratio(layer, generator):
    """Output variance over draws of weights, biases and white inputs, relative to `nn.Linear`'s (4/3 per n_in 3)."""
    x = torch.randn(DRAWS, BATCH, layer.in_features, generator=generator)
    squares = torch.zeros(())
    for batch in x:
        layer.reset_parameters(generator)
        squares += layer(batch).detach().square().mean()
    n = layer.in_features
    return float(squares / DRAWS) / (1 / 3 + 1 / (3 * n))  # nn.Linear: n weights and a bias, each of variance 1/(3n)


def check(architecture, **options):
    ratios = []
    (size, step), (hidden, hidden_step), _ = architecture.grids
    units = grid(architecture.actions, hidden, hidden_step, architecture.hidden_channels)
    for into in (grid(architecture.actions, size, step), units):
        generator = torch.Generator().manual_seed(0)
        ratios.append(variance_ratio(EquivariantLinear(into, units, generator=generator, **options), generator))
    return ratios
