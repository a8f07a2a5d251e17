"""The learner of `aenbench.search.dqn` without the arithmetic that changes nothing, for thousands of searches.

On a table of trained networks, gradient steps are nearly all that deep Q-learning costs, and judging takes hundreds of
runs. In exact arithmetic this learner is `dqn.Learner`. That one stays the one to read, and the one that searches while
networks are trained, since results found by it are published: sums are taken in another order here, so that last bits,
and after some hundred steps moves, may differ. What is left out:

- *Repeats.* A batch holds many states more than once. Each is put through the network once; its gradients are added up.
- *Known values.* The target network is fixed between two refreshes, and each state is put through it once.
- *Units that are off.* States times 0.1 move a unit's input little, so that half of the rectified units are zero for a
  whole batch. They add nothing to the layer above, and their weights have no gradient. Those of the first layer that
  are zero for every state never learn, and are dropped for good.
- *Denormal numbers.* Adam's means of a gradient that has been zero for long fall below 1e-38, where a CPU takes many
  times as long; they are rounded to zero. Such a mean moves no weight of float32.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aenbench.search.dqn import DQNSettings, Learner


class _Layer(NamedTuple):
    """One layer for one batch, without the units below it that are off.

    Attributes:
        inputs: of the units on, (batch, units on).
        weight: (units on, units above).
        units: places of the units on among those below, (units on,).
    """

    inputs: Tensor
    weight: Tensor
    units: Tensor


class _Network:
    """Layers, rectified but for the last; a weight is kept as (in, out), so that what one unit gives is one row."""

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        self.weights, self.biases = tuple(weights), tuple(biases)

    def copy(self) -> "_Network":
        return _Network([weight.clone() for weight in self.weights], [bias.clone() for bias in self.biases])

    def layers(self, inputs: Tensor) -> tuple[list[_Layer], Tensor]:
        """How a batch (batch, bits) goes through, and its values (batch, bits)."""
        found: list[_Layer] = []
        outputs, units = inputs, torch.arange(inputs.shape[1])
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if found:
                outputs.relu_()
                units = outputs.sum(dim=0).nonzero()[:, 0]
                outputs, weight = outputs.index_select(1, units), weight.index_select(0, units)
            found.append(_Layer(outputs, weight, units))
            outputs = torch.addmm(bias, outputs, weight)
        return found, outputs

    def set_gradients(self, layers: Sequence[_Layer], by_outputs: Tensor) -> None:
        """The gradient of every parameter, by that of the values (batch, bits)."""
        above = torch.arange(by_outputs.shape[1])  # places of the units on in the layer above
        for weight, bias, layer in reversed(list(zip(self.weights, self.biases, layers, strict=True))):
            bias.grad = torch.zeros_like(bias).index_copy_(0, above, by_outputs.sum(dim=0))
            rows = torch.zeros_like(layer.weight).index_copy_(1, above, layer.inputs.T @ by_outputs)
            weight.grad = torch.zeros_like(weight).index_copy_(0, layer.units, rows)
            by_inputs = by_outputs @ layer.weight.index_select(1, above).T
            by_outputs, above = by_inputs.mul_(layer.inputs.sign()), layer.units


class LeanLearner(Learner):
    """`dqn.Learner`, whose gradient steps take .5 to .7 of the time (`python benchmarks/judging.py learner`).

    Args:
        bits: of a state; there is memory for all 2**bits of them.
        settings: hyperparameters.
        seed: of the initialization.
        dtype: of all numbers.
    """

    def __init__(self, bits: int, settings: DQNSettings, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(bits, settings, seed)
        self._powers = 2 ** torch.arange(bits)
        every = torch.arange(2**bits)[:, None] // self._powers % 2
        self._inputs = every.to(dtype) * settings.state_scale  # (states, bits)
        weights, biases = (
            [tensor.detach().to(dtype) for tensor in list(self._network.parameters())[first::2]] for first in (0, 1)
        )
        lives = biases[0] + settings.state_scale * weights[0].clamp(min=0).sum(dim=1) > 0
        weights[0], biases[0], weights[1] = weights[0][lives], biases[0][lives], weights[1][:, lives]
        self._lean = _Network([weight.T.contiguous() for weight in weights], biases)
        parameters = [*self._lean.weights, *self._lean.biases]
        self._optimiser = torch.optim.Adam(parameters, lr=settings.learning_rate, fused=True)
        self._best = torch.empty(2**bits, dtype=dtype)  # the highest value of each state by the target network
        self._refresh()

    def values(self, observation: NDArray[np.int8]) -> Tensor:
        torch.set_flush_denormal(True)
        try:
            return super().values(observation)
        finally:
            torch.set_flush_denormal(False)

    def _values(self, observation: NDArray[np.int8]) -> Tensor:
        return self._lean.layers(self._inputs[self._places(torch.from_numpy(observation)[None])])[1][0]

    def _refresh(self) -> None:
        self._lean_target = self._lean.copy()
        self._best.fill_(torch.nan)

    @torch.no_grad()
    def _step(self, observations: Tensor, actions: Tensor, rewards: Tensor, following: Tensor) -> None:
        settings = self._settings
        targets = rewards * settings.reward_scale + settings.discount * self._best_following(self._places(following))
        states, rows = self._places(observations).unique(return_inverse=True)  # type: ignore[no-untyped-call]
        layers, values = self._lean.layers(self._inputs[states])
        taken = rows * values.shape[1] + actions  # their places among all values
        errors = values.view(-1)[taken] - targets
        by_values = torch.zeros_like(values)
        by_values.view(-1).index_add_(0, taken, errors.clamp(-1, 1) / len(targets))  # the gradient of smooth L1
        self._lean.set_gradients(layers, by_values)
        self._optimiser.step()

    def _best_following(self, states: Tensor) -> Tensor:
        """The highest value of each state (batch,) by the target network."""
        unknown = states[self._best[states].isnan()].unique()  # type: ignore[no-untyped-call]
        if len(unknown):
            self._best[unknown] = self._lean_target.layers(self._inputs[unknown])[1].amax(dim=1)
        return self._best[states]

    def _places(self, observations: Tensor) -> Tensor:
        """States (batch, bits) as places among all states (batch,)."""
        return observations.long() @ self._powers
