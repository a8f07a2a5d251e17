"""A probability for each move, learned together with a network: learned augmentation.

Benton, Finzi, Izmailov and Wilson, "Learning Invariances in Neural Networks from Training Data", NeurIPS 2020
(Augerino), for moves that are permutations. Each candidate c has a gate that opens with probability p_c, drawn for each
image. An open gate moves the image by a uniformly random power of the move: that is the augmentation under which a
network becomes invariant to all of the cyclic group, whatever its order. The open gates' moves are multiplied in an
order that is drawn for each batch. The network and the p_c are trained together on

    E cross-entropy(network(moved image), label) - REWARD * sum over c of p_c,

where the last term, as there, rewards wide augmentation; the logits of several moved copies are averaged in the end.

What differs from the paper, and why:

- A gate is open or closed. A blend of an image and its moved image is no image, so gates are not relaxed; their
  gradient is DisARM's (Dong, Mnih and Tucker, NeurIPS 2020): unbiased, from two copies with antithetic gates.
- The gates' gradient is of images that the network does not learn from. On its own images every move costs once it
  knows them by heart: then no gate stays open, or with a reward that outweighs it, many of the wrong ones do.
- The gates wait for half of the training: to a network that knows nothing no move costs anything, and all would open.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aenbench.discovery.candidates import Moves
from aenbench.discovery.kernel import powers
from aenbench.discovery.plain_network import Halves, build_plain_network, move_images
from aenbench.training.fit import derive_seed

STEPS = 1_600
"""Of the optimizer, whatever the number of images: the time of a training is bounded."""
REWARD = 0.03
"""Nats that opening a gate from 0 to 1 is worth. Fixed on G-Digits."""
START = 0.1
"""Probability that a gate begins with: few moves at once, or nothing is learned."""
THRESHOLD = 2 * START
"""Gates that end more than twice as often open as they began are chosen. Fixed on G-Digits."""
MAX_POWERS = 32
"""Of a move of a larger order only the first powers are drawn."""
COPIES = 8
"""Moved copies of an image whose logits are averaged."""
_GATE_RATE = 0.05


@dataclass(frozen=True)
class Learned:
    """What was learned.

    Attributes:
        probabilities: of each gate, by candidate.
        accuracy: share of right answers on the images to be asked on, by averaged logits.
    """

    probabilities: dict[str, float]
    accuracy: float


class _Gates:
    """Gates with their moves.

    Args:
        permutations: gather indices (points,) by name.
        generator: of gates, powers and order.
    """

    def __init__(self, permutations: dict[str, NDArray[np.int64]], generator: torch.Generator) -> None:
        self.powers = [torch.from_numpy(np.stack(powers(row, MAX_POWERS))) for row in permutations.values()]
        self.logits = nn.Parameter(torch.full((len(self.powers),), math.log(START / (1 - START))))
        self.generator = generator

    @property
    def probabilities(self) -> Tensor:
        return torch.sigmoid(self.logits.detach())

    def draw(self, images: int) -> tuple[Tensor, Tensor]:
        """Gates of two copies of each image, antithetic, bool (images, gates) each."""
        uniform = torch.rand(images, len(self.powers), generator=self.generator)
        return uniform < self.probabilities, 1 - uniform < self.probabilities

    def move(self, images: Tensor, is_open: Tensor) -> Tensor:
        """Images moved through their open gates; a new tensor."""
        moved = images.clone()
        for number in torch.randperm(len(self.powers), generator=self.generator).tolist():
            chosen = torch.nonzero(is_open[:, number])[:, 0]
            powers = self.powers[number]
            drawn = torch.randint(len(powers), (len(chosen),), generator=self.generator)
            if len(chosen):
                moved[chosen] = move_images(moved[chosen], powers[drawn])
        return moved

    def set_gradient(self, losses: Tensor, other: Tensor, gates: tuple[Tensor, Tensor]) -> None:
        """DisARM's estimate, from the losses (images,) of both copies, and the reward's exact gradient."""
        logits, probabilities = self.logits.detach(), self.probabilities
        is_open, other_open = gates
        signs = torch.where(other_open, -1.0, 1.0) * (is_open != other_open)
        cost = 0.5 * (losses - other)[:, None] * signs * torch.sigmoid(logits.abs())
        self.logits.grad = cost.mean(dim=0) - REWARD * probabilities * (1 - probabilities)


def learn_augmentation(
    halves: Halves,
    moves: Moves,
    seed: int = 0,
    on_pass: Callable[[int, int], None] | None = None,
    steps: int = STEPS,
) -> Learned:
    """Train one network and the gates.

    Args:
        halves: images; the network learns from one half, the gates from the other.
        moves: the candidates.
        seed: of all random draws.
        on_pass: called with (passes done, passes in all).
        steps: of the optimizer, about.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "learned augmentation"))
    gates = _Gates(dict(moves.permutations), generator)
    learn, ask, recipe = halves.learn, halves.ask, halves.recipe(steps)
    model = build_plain_network(learn.images, halves.classes, derive_seed(seed, "weights"))
    optimizer = recipe.optimiser_of(model)
    gate_optimizer = torch.optim.Adam([gates.logits], lr=_GATE_RATE)
    passes = recipe.passes(len(learn))
    steps_to_wait = passes * -(-len(learn) // recipe.batch) // 2
    for number in range(passes):
        for chosen in torch.split(torch.randperm(len(learn), generator=generator), recipe.batch):
            is_open = torch.cat(gates.draw(len(chosen)))
            images = gates.move(learn.images[chosen].repeat(2, 1, 1, 1), is_open)
            loss = cross_entropy(model(images), learn.labels[chosen].repeat(2))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            steps_to_wait -= 1
            if steps_to_wait < 0:
                drawn = torch.randint(len(ask), (recipe.batch,), generator=generator)
                both = gates.draw(len(drawn))
                with torch.no_grad():
                    images = gates.move(ask.images[drawn].repeat(2, 1, 1, 1), torch.cat(both))
                    losses = cross_entropy(model(images), ask.labels[drawn].repeat(2), reduction="none")
                    halved = losses.chunk(2)
                gates.set_gradient(halved[0], halved[1], both)
                gate_optimizer.step()
        if on_pass is not None:
            on_pass(number + 1, passes)
    probabilities = torch.sigmoid(gates.logits.detach().double()).tolist()
    return Learned(dict(zip(moves.permutations, probabilities, strict=True)), _accuracy(model, gates, halves))


@torch.inference_mode()
def _accuracy(model: nn.Module, gates: _Gates, halves: Halves) -> float:
    right = 0
    batches = torch.split(halves.ask.images, 500), torch.split(halves.ask.labels, 500)
    for images, labels in zip(*batches, strict=True):
        logits = sum(model(gates.move(images, gates.draw(len(images))[0])) for _ in range(COPIES))
        right += int((torch.as_tensor(logits).argmax(dim=1) == labels).sum())
    return right / len(halves.ask)
