"""The value of a state's network: trained, or remembered in a store; `aenbench.tables` looks it up in a table.

All of them are an `Evaluate`, what a search calls: it cannot tell them apart.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

from aenbench.execution.device import CPU, Device
from aenbench.execution.store import TrialStore
from aenbench.models.space import SearchSpace
from aenbench.models.stacked import stack_networks
from aenbench.search.evidence import Evidence, ask_images, evidence_of
from aenbench.search.record import Evaluate
from aenbench.tasks.images import LabeledImages
from aenbench.training.recipe import Recipe
from aenbench.training.side_by_side import CHUNK, train_side_by_side
from aenbench.training.trial import Training, train


class TrainedEvaluation:
    """Trains the network of a state and gives its accuracy on the images to choose by.

    Under `standard` that is the accuracy after the last pass; under `paper` the best of all passes, as in the released
    code. All networks of a seed see the same images in the same order.

    Attributes:
        seed: the seed.
    """

    def __init__(
        self,
        space: SearchSpace,
        learn: LabeledImages,
        choose_by: LabeledImages,
        recipe: Recipe,
        seed: int,
        device: Device = CPU,
    ) -> None:
        self._space, self._learn, self._choose_by, self._recipe = space, learn, choose_by, recipe
        self.seed, self._device = seed, device

    def __call__(self, state: str) -> float:
        training = Training(self._space.candidate(state), self._recipe, self.seed, "child", self._device)
        accuracies = train(training, self._learn, self._choose_by).accuracies
        return self._space.protocol.value(accuracies)

    @property
    def trains_together(self) -> bool:
        """Whether `together` is worth it: on a processor one by one is as fast, and exact."""
        return self._device.is_gpu

    def together(self, states: Sequence[str]) -> list[float]:
        """The values of several states' networks, trained side by side: equal up to rounding."""
        trainings = [
            Training(self._space.candidate(state), self._recipe, self.seed, "child", self._device) for state in states
        ]
        trained = train_side_by_side(trainings, stack_networks, self._learn, self._choose_by)
        return [self._space.protocol.value(each.accuracies) for each in trained]

    def evidence(self) -> Evidence:
        """What the images to learn from say of the space's moves."""
        available = len(self._choose_by)
        return ask_images(self._space, self._learn, min(available, self._recipe.chosen_by or available), self.seed)


class StoredEvaluation:
    """Gives what another evaluation gives, each state's network once, whatever interrupts it.

    A value is in the store as `<key>/<state>` the moment it is known, evidence as `<key>/evidence`.

    Args:
        evaluate: what is remembered.
        store: where.
        key: what the keys begin with.
        timed: keep the seconds that each value took beside it.
        report: called with (networks asked for, the best value so far in words).

    Attributes:
        networks: networks asked for so far.
        best: the best value so far.
        earlier_seconds: what those that were in the store had taken.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        store: TrialStore,
        key: str,
        timed: bool = False,
        report: Callable[[int, str], None] = lambda _networks, _note: None,
    ) -> None:
        self._evaluate, self._store, self._key, self._timed, self._report = evaluate, store, key, timed, report
        self.networks = 0
        self.best = 0.0
        self.earlier_seconds = 0.0
        self._prepared: set[str] = set()

    @property
    def note(self) -> str:
        return f"best {100 * self.best:.1f} %"

    def prepare(self, states: Sequence[str]) -> None:
        """Put the values of states that are asked for next into the store, where they are trained side by side.

        Those that another process is on are left to it.
        """
        if not getattr(self._evaluate, "trains_together", False):
            return
        evaluate = cast("TrainedEvaluation", self._evaluate)
        for start in range(0, len(states), CHUNK):
            chunk = {f"{self._key}/{state}": state for state in states[start : start + CHUNK]}
            with self._store.claimed(list(chunk)) as held:
                began = time.perf_counter()
                values = evaluate.together([chunk[key] for key in held]) if held else []
                seconds = round((time.perf_counter() - began) / max(1, len(held)), 3)
                for key, value in zip(held, values, strict=True):
                    self._store.finish(key, {"value": value, **({"seconds": seconds} if self._timed else {})})
                self._prepared.update(held)

    def __call__(self, state: str) -> float:
        key = f"{self._key}/{state}"
        is_new = key in self._prepared

        def evaluate() -> dict[str, object]:
            nonlocal is_new
            is_new, started = True, time.perf_counter()
            value = self._evaluate(state)
            seconds = round(time.perf_counter() - started, 3)
            return {"value": value, "seconds": seconds} if self._timed else {"value": value}

        stored = self._store.value(key, evaluate)
        value = float(stored["value"])
        self.earlier_seconds += 0.0 if is_new else float(stored.get("seconds", 0.0))
        self.networks += 1
        self.best = max(self.best, value)
        self._report(self.networks, self.note)
        return value

    def evidence(self) -> Evidence:
        """What the other evaluation's images say, asked once.

        Raises:
            InvalidArgumentError: it has none.
        """
        is_new = False

        def ask() -> dict[str, object]:
            nonlocal is_new
            is_new = True
            return asdict(evidence_of(self._evaluate))

        stored = self._store.value(f"{self._key}/evidence", ask)
        found = Evidence(**stored)
        self.earlier_seconds += 0.0 if is_new else found.seconds
        return found
