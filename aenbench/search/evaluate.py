"""The value of a state's network: trained, or taken from a store."""

import time
from collections.abc import Callable

from aenbench.execution.store import TrialStore
from aenbench.models.space import SearchSpace
from aenbench.search.record import Evaluate
from aenbench.tasks.images import LabelledImages
from aenbench.training.fit import derive_seed, fit
from aenbench.training.recipe import Recipe


class StoredSearch:
    """Gives the value of a state's network from the store, where it is trained and put if it is not there yet.

    Attributes:
        networks: networks asked for so far.
        best: the best value so far.
        earlier_seconds: what the training of those that were in the store had taken.
    """

    def __init__(self, evaluator: "Evaluator", store: TrialStore, report: Callable[[int, str], None]) -> None:
        self._evaluator, self._store, self._report = evaluator, store, report
        self.networks = 0
        self.best = 0.0
        self.earlier_seconds = 0.0

    @property
    def note(self) -> str:
        return f"best {100 * self.best:.1f} %"

    def __call__(self, state: str) -> float:
        is_new = False

        def train() -> dict[str, object]:
            nonlocal is_new
            is_new, started = True, time.perf_counter()
            value = self._evaluator(state)
            return {"value": value, "seconds": round(time.perf_counter() - started, 3)}

        trial = self._store.value(f"{self._evaluator.seed}/{state}", train)
        value = float(trial["value"])
        self.earlier_seconds += 0.0 if is_new else float(trial["seconds"])
        self.networks += 1
        self.best = max(self.best, value)
        self._report(self.networks, self.note)
        return value


class Evaluator:
    """Trains the network of a state and gives its accuracy on the images to choose by.

    Under `standard` that is the accuracy after the last pass; under `paper` the best of all passes, as in the released
    code. All networks of a seed see the same images in the same order.

    Attributes:
        seed: the seed.
    """

    def __init__(
        self, space: SearchSpace, train: LabelledImages, choose_by: LabelledImages, recipe: Recipe, seed: int
    ) -> None:
        self._space, self._train, self._choose_by, self._recipe = space, train, choose_by, recipe
        self.seed = seed

    def __call__(self, state: str) -> float:
        candidate, seed = self._space.candidate(state), derive_seed(self.seed, "child")
        fitted = fit(
            candidate.build(seed),
            self._train,
            self._choose_by,
            self._recipe,
            seed,
            augmentation=candidate.augmentation,
        )
        return self._space.protocol.value(fitted.accuracies)


def remembered(evaluator: Evaluator, store: TrialStore, key: str) -> Evaluate:
    """What an evaluator gives, each state's network trained once whatever interrupts it; kept as `<key>/<state>`."""

    def evaluate(state: str) -> float:
        return float(store.value(f"{key}/{state}", lambda: {"value": evaluator(state)})["value"])

    return evaluate
