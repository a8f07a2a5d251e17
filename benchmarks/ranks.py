"""How often ranks are wrong and how often they find a difference, on simulated entries whose true accuracy is known.

python benchmarks/ranks.py            all scenarios and the speed, about two minutes on one core
python benchmarks/ranks.py --quick    a tenth of the repetitions

A prediction is right where `skill - difficulty of the image - the entry's own trouble with it - luck` is positive: luck
is logistic (an item response model; Rasch, 1960), difficulty is shared by all entries, and skill is drawn for each
seed around the entry's true accuracy. Entries come in groups of five of the same true accuracy.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm, t

from aenbench.scoring.ranking import Separations, p_values, rank, separate

DIFFICULTY, OWN_TROUBLE = 2.5, 1.0  # standard deviations, in units of skill
TRUE = np.repeat([0.90, 0.905, 0.91, 0.92, 0.95], 5)  # ties, and gaps of .5 to 5 points
GAPS = (0.005, 0.01, 0.02, 0.03, 0.05)

Floats = NDArray[np.float64]
Test = Callable[[list[Separations]], Separations]


@dataclass(frozen=True)
class Scenario:
    """Entries of one task.

    Attributes:
        name: for the table.
        true: accuracy expected over trainings and images, of each entry.
        spread: standard deviation of accuracy over trainings: drawn log-uniformly between the two for each entry, or
            the second for the first entry and the first for all others.
        outlier: which of the two.
        seeds: numbers of seeds, taken in turn.
        images: in the test split.
        repetitions: of everything.
    """

    name: str
    true: Floats
    spread: tuple[float, float]
    seeds: tuple[int, ...]
    images: int = 10_000
    repetitions: int = 50
    outlier: bool = False


SCENARIOS = (
    Scenario("3 seeds", TRUE, (0.002, 0.02), (3,)),
    Scenario("5 seeds", TRUE, (0.002, 0.02), (5,)),
    Scenario("3 seeds, steady trainings", TRUE, (0.0005, 0.002), (3,)),
    Scenario("5 seeds, steady trainings", TRUE, (0.0005, 0.002), (5,)),
    Scenario("1, 2, 3 and 5 seeds", TRUE, (0.002, 0.02), (1, 2, 3, 5)),
    Scenario(
        "3 seeds, the worst varies by 6 points, the others by .1",
        np.array([0.80, 0.93, 0.93, 0.96, 0.96, 0.97, 0.98]),
        (0.001, 0.06),
        (3,),
        outlier=True,
    ),
    Scenario("3 seeds, all of one accuracy", np.full(20, 0.92), (0.002, 0.02), (3,)),
    Scenario(
        "3 seeds, all of one accuracy, one varies seven times as much as the others",
        np.full(20, 0.92),
        (0.003, 0.02),
        (3,),
        repetitions=200,
        outlier=True,
    ),
    Scenario(
        "3 seeds, all of one accuracy, one varies by 6 points, the others by .1",
        np.full(7, 0.92),
        (0.001, 0.06),
        (3,),
        repetitions=300,
        outlier=True,
    ),
    Scenario("3 seeds, all of one accuracy, 2,000 images", np.full(100, 0.92), (0.002, 0.02), (3,), images=2_000),
    Scenario("2 seeds, all of one accuracy", np.full(20, 0.92), (0.002, 0.02), (2,)),
    Scenario(
        "2 seeds, all of one accuracy, one varies seven times as much as the others",
        np.full(20, 0.92),
        (0.003, 0.02),
        (2,),
        repetitions=100,
        outlier=True,
    ),
    Scenario("2 seeds, two entries of one accuracy", np.full(2, 0.92), (0.002, 0.02), (2,), repetitions=500),
    Scenario("3 seeds, two entries of one accuracy", np.full(2, 0.92), (0.002, 0.02), (3,), repetitions=500),
)


def skill_of(accuracy: Floats) -> Floats:
    """The skill that gives an accuracy, 0..1, over the population of images."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    deviation = np.hypot(DIFFICULTY, OWN_TROUBLE)
    skills = np.linspace(-15, 15, 3_001)
    accuracies = expit(np.subtract.outer(skills, deviation * nodes)) @ weights / weights.sum()
    return np.interp(accuracy, accuracies, skills)


def simulate(scenario: Scenario, generator: np.random.Generator) -> list[Separations]:
    """Whether each prediction is right, bool (seeds, images), for each entry."""
    true = scenario.true
    low, high = scenario.spread
    spread = np.exp(generator.uniform(np.log(low), np.log(high), len(true)))
    if scenario.outlier:
        spread = np.where(np.arange(len(true)) == 0, high, low)
    difficulty = DIFFICULTY * generator.standard_normal(scenario.images, dtype=np.float32)
    right = []
    for number, (accuracy, deviation) in enumerate(zip(true, spread, strict=True)):
        seeds = scenario.seeds[number % len(scenario.seeds)]
        drawn = np.clip(accuracy + deviation * generator.standard_normal(seeds), 0.01, 0.99)
        trouble = difficulty + OWN_TROUBLE * generator.standard_normal(scenario.images, dtype=np.float32)
        uniform = generator.random((seeds, scenario.images), dtype=np.float32)
        right.append(uniform < expit(skill_of(drawn).astype(np.float32)[:, None] - trouble))
    return right


def ours(right: list[Separations]) -> Separations:
    """`aenbench.scoring.ranking`."""
    return separate(p_values(right))


def by_the_mean(right: list[Separations]) -> Separations:
    """Ranking by mean accuracy: whatever differs is called different."""
    means = [rows.mean() for rows in right]
    return np.not_equal.outer(means, means)


def pooled_images(right: list[Separations]) -> Separations:
    """The naive test: every image of every seed as an independent one, two shares compared."""
    totals = np.array([rows.size for rows in right])
    shares = np.array([rows.mean() for rows in right])
    pooled = np.add.outer(shares * totals, shares * totals) / np.add.outer(totals, totals)
    error = np.sqrt(pooled * (1 - pooled) * np.add.outer(1 / totals, 1 / totals))
    return separate(2 * norm.sf(np.abs(np.subtract.outer(shares, shares)) / error))


def paired_images(right: list[Separations]) -> Separations:
    """Images paired and seeds averaged, as if training again changed nothing."""
    means = np.stack([rows.mean(axis=0) for rows in right])
    covariance = np.cov(means) / means.shape[1]
    own = np.diag(covariance)
    error = np.sqrt(np.maximum(np.add.outer(own, own) - 2 * covariance, 1e-12))
    gap = np.subtract.outer(means.mean(axis=1), means.mean(axis=1))
    return separate(2 * norm.sf(np.abs(gap) / error))


def welch(right: list[Separations]) -> Separations:
    """Welch's t-test of the seeds' accuracies; a single seed is never told apart."""
    seeds = np.array([len(rows) for rows in right])
    means = np.array([rows.mean() for rows in right])
    own = np.array([rows.mean(axis=1).var(ddof=1) / len(rows) if len(rows) > 1 else np.nan for rows in right])
    of_squares = own**2 / np.maximum(seeds - 1, 1)
    variance = np.maximum(np.add.outer(own, own), 1e-18)
    freedom = variance**2 / np.maximum(np.add.outer(of_squares, of_squares), 1e-36)
    p = 2 * t.sf(np.abs(np.subtract.outer(means, means)) / np.sqrt(variance), freedom)
    return separate(np.nan_to_num(p, nan=1.0))


TESTS: dict[str, Test] = {
    "aenbench.scoring.ranking": ours,
    "by the mean": by_the_mean,
    "naive: all images pooled": pooled_images,
    "images paired, seeds averaged": paired_images,
    "Welch over seeds": welch,
}


@dataclass(frozen=True)
class Rates:
    """What a test did, as shares 0..1.

    Attributes:
        false_pairs: of the pairs of equal true accuracy, those separated.
        family: of the repetitions, those with any pair of equal accuracy separated, or any other the wrong way round.
        found: of the pairs with this gap, those separated the right way round.
    """

    false_pairs: float
    family: float
    found: dict[float, float]


def measure(scenario: Scenario, tests: dict[str, Test], seed: int = 0) -> dict[str, Rates]:
    """The rates of each test over the repetitions of a scenario."""
    generator = np.random.default_rng(seed)
    above = np.triu_indices(len(scenario.true), 1)
    gaps = np.subtract.outer(scenario.true, scenario.true)[above].astype(np.float64).round(6)
    said: dict[str, list[NDArray[np.int64]]] = {name: [] for name in tests}
    for _ in range(scenario.repetitions):
        right = simulate(scenario, generator)
        means = np.array([rows.mean() for rows in right])
        direction = np.sign(np.subtract.outer(means, means)).astype(np.int64)
        for name, test in tests.items():
            said[name].append((test(right) * direction)[above])
    return {name: _rates(np.stack(rows), gaps) for name, rows in said.items()}


def _rates(said: NDArray[np.int64], gaps: Floats) -> Rates:
    """Rates of what was said, (repetitions, pairs): 0 for tied, otherwise the sign of the first one's lead."""
    wrong = (said != 0) & (said != np.sign(gaps))
    right, sizes = said == np.sign(gaps), np.abs(gaps)
    found = {gap: float(right[:, sizes == gap].mean()) for gap in np.unique(sizes).tolist() if gap}
    return Rates(float(wrong[:, gaps == 0].mean()), float(wrong.any(axis=1).mean()), found)


def time_ranks() -> None:
    """Print how long the entries of a task take."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 10_000)
    wrong = generator.random((200, 5, 10_000)) < 0.1
    entries = [(f"{number}", (labels + rows).astype(np.uint8)) for number, rows in enumerate(wrong)]
    for count in (2, 200):
        rank(entries[:2], labels)  # imports are not part of it
        started = time.perf_counter()
        rank(entries[:count], labels)
        print(f"ranking {count} entries x 5 seeds x 10,000 images: {1e3 * (time.perf_counter() - started):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(
        "All figures in %. `false`: of pairs of equal accuracy, separated; `any`: of tables, with a wrong separation;"
    )
    print("the rest: of pairs with this gap in true accuracy (points), separated the right way round.\n")
    for scenario in SCENARIOS:
        if quick:
            scenario = replace(scenario, repetitions=scenario.repetitions // 10)
        wanted = [gap for gap in GAPS if gap in np.round(np.subtract.outer(scenario.true, scenario.true), 6)]
        print(f"{scenario.name}: {len(scenario.true)} entries, {scenario.repetitions} repetitions")
        print("".join([f"  {'':32}{'false':>8}{'any':>8}", *(f"{100 * gap:8.1f}" for gap in wanted)]))
        for name, rates in measure(scenario, TESTS).items():
            shares = [rates.false_pairs, rates.family, *(rates.found[gap] for gap in wanted)]
            print("".join([f"  {name:32}", *(f"{100 * share:8.1f}" for share in shares)]))
        print()
    time_ranks()


if __name__ == "__main__":
    main()
