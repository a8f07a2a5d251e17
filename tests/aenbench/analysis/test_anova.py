"""Which factor explains accuracy: full factorials, seeds, surrogates, and data that say nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from aenbench.analysis.anova import Analysis, analyze, table_values
from aenbench.errors import InvalidArgumentError
from aenbench.models.gcnn import GCNNSpace

SPACE = GCNNSpace()
OF_GROUP = {"000": 0.0, "001": 0.05, "010": 0.05, "011": 0.1, "100": 0.2, "111": 0.3}


def additive(network: str) -> float:
    """Variances: group .0114, rotate .0025, size .0006 of .0145."""
    return 0.3 + OF_GROUP[network[:3]] + 0.1 * int(network[3]) + 0.05 * int(network[-1])


EXACT = {"group": np.var(list(OF_GROUP.values())), "rotate": 0.05**2, "size": 0.025**2}


def table(noise: float, seeds: int, seed: int = 0) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    return {network: (additive(network) + noise * generator.normal(size=seeds)).tolist() for network in SPACE.networks}


def sample(count: int, noise: float, signal: float = 1.0, seed: int = 0) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    chosen = generator.choice(SPACE.networks, count, replace=False).tolist()
    return {network: [0.3 + signal * (additive(network) - 0.3) + noise * generator.normal()] for network in chosen}


def share(analysis: Analysis, kind: str, name: str) -> float:
    return next(effect.share for effect in analysis.effects if (effect.kind, effect.name) == (kind, name))


def test_without_noise_the_shares_are_exact() -> None:
    analysis = analyze(SPACE, table(0.0, 1))
    whole = sum(EXACT.values())
    for name, variance in EXACT.items():
        assert share(analysis, "main", name) == pytest.approx(variance / whole)
    assert share(analysis, "noise", "noise") == 0.0
    assert analysis.deviation == pytest.approx(whole**0.5)
    assert (analysis.networks, analysis.cells, analysis.seeds, analysis.r_squared) == (768, 768, 1, None)
    assert all(effect.low is None for effect in analysis.effects)  # one seed tells no interval
    assert [(lead.kind, lead.first, lead.low) for lead in analysis.leads] == [
        ("main", "group", None),
        ("family", "group", None),
    ]


def test_with_seeds_noise_is_kept_apart_and_intervals_hold_the_truth() -> None:
    analysis = analyze(SPACE, table(0.1, 3))
    whole = sum(EXACT.values()) + 0.1**2
    assert share(analysis, "noise", "noise") == pytest.approx(0.01 / whole, abs=0.03)
    assert sum(e.share for e in analysis.effects if e.kind in ("main", "pair", "higher", "noise")) == pytest.approx(1)
    true = {effect.name: EXACT.get(effect.name, 0.0) / whole for effect in analysis.of("main")}
    inside = [effect.low <= true[effect.name] <= effect.high for effect in analysis.of("main")]
    assert sum(inside) >= 7  # of 8 intervals of 95 %
    assert analysis.of("main")[0].high - analysis.of("main")[0].low < 0.1
    lead = analysis.leads[0]
    assert (lead.first, lead.second) == ("group", "rotate")
    assert lead.low > 0


def test_what_all_networks_share_under_a_seed_is_no_noise() -> None:
    values = {network: [row[0], row[0] + 0.2] for network, row in table(0.0, 1).items()}
    assert share(analyze(SPACE, values), "noise", "noise") == pytest.approx(0.0, abs=1e-12)


def test_in_pure_noise_no_factor_leads() -> None:
    generator = np.random.default_rng(1)
    analysis = analyze(SPACE, {network: generator.random(3).tolist() for network in SPACE.networks})
    assert share(analysis, "noise", "noise") > 0.9
    assert all(lead.low < 0 < lead.high for lead in analysis.leads)


def test_a_sample_of_an_additive_function_gives_its_effects() -> None:
    analysis = analyze(SPACE, sample(60, noise=0.02))
    assert analysis.r_squared > 0.8
    assert (analysis.networks, analysis.cells) == (60, 768)
    whole = sum(EXACT.values()) + 0.02**2
    for name, variance in EXACT.items():
        assert share(analysis, "main", name) == pytest.approx(variance / whole, abs=0.08)
    assert sum(e.share for e in analysis.effects if e.kind in ("main", "pair", "higher", "noise")) == pytest.approx(1)
    assert all(effect.low <= effect.share <= effect.high for effect in analysis.of("main"))
    assert analysis.leads[0].first == "group"
    assert analysis.leads[0].low > 0
    absent = [effect for effect in analysis.of("main") if effect.name not in EXACT]
    assert len(absent) == 5
    assert sum(effect.low <= 0 for effect in absent) >= 4


def test_doubt_about_the_function_is_no_noise() -> None:
    analysis = analyze(SPACE, sample(24, noise=0.02))
    (noise,) = analysis.of("noise")
    assert noise.low <= noise.share <= noise.high


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_without_signal_shows_no_effects(seed: int) -> None:
    analysis = analyze(SPACE, sample(48, noise=0.05, signal=0.0, seed=seed))
    assert analysis.r_squared < 0.1
    assert analysis.effects == ()
    assert analysis.leads == ()


def test_an_analysis_repeats_with_any_number_of_threads() -> None:
    analyses = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            analyses.append(analyze(SPACE, sample(45, 0.05)))
    assert analyses[0] == analyses[1]


def test_a_search_that_trained_everything_is_a_full_factorial() -> None:
    values = table(0.1, 1)
    assert analyze(SPACE, values).r_squared is None
    assert analyze(SPACE, {network: values[network] for network in SPACE.networks[::32]}).r_squared is not None


def test_a_table_gives_what_a_search_sees() -> None:
    accuracies = np.array([[0.1, 0.2], [0.3, 0.4]])
    stand_in = SimpleNamespace(networks=("0" * 10, "1" * 10), final={"validation": accuracies}.get)
    assert table_values(stand_in) == {"0" * 10: [0.1, 0.2], "1" * 10: [0.3, 0.4]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"1100000000": [0.5]}, '"1100000000" is no canonical state'),
        ({"0" * 10: [0.5], "1" * 10: [0.6]}, "Expected at least 20 distinct networks to fit a surrogate to, got 2"),
        ({network: [0.5] for network in SPACE.networks}, "All networks have the same value"),
        ({}, "All networks have the same value"),
    ],
)
def test_what_cannot_be_analysed_is_said_in_one_line(values: dict[str, list[float]], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        analyze(SPACE, values)
