"""Variance split between factors: laws of the functional ANOVA, and known cases."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.analysis.design import Design
from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.registry import factors_of
from aenbench.models.space import Factor, SearchSpace
from aenbench.training.candidate import Candidate
from gdatasets.groups.actions import ACTIONS

DISJOINT = ("main", "pair", "higher", "noise")


class Cube(SearchSpace):
    """Five bits, every state a network of its own."""

    @property
    def bits(self) -> int:
        return 5

    def canonical(self, state: str) -> str:
        return state

    def candidate(self, state: str) -> Candidate:
        raise AssertionError(f"nothing is trained, least of all {state}")

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(format(number, "05b") for number in range(32))


def cube(families: str = "vwxyz") -> Design:
    return Design(Cube(), [Factor(f"f{place}", family) for place, family in enumerate(families)])


def bits_of(design: Design) -> np.ndarray:
    return np.array([[int(bit) for bit in network] for network in design.networks])


def parts(design: Design, values: np.ndarray) -> dict[tuple[str, str], float]:
    """By kind and name, of values (networks,) or (networks, seeds)."""
    shaped = values.reshape(len(values), 1, -1)
    numbers = design.variances(shaped)[:, 0]
    return {(term[0], design.name_of(term)): float(number) for term, number in zip(design.terms, numbers, strict=True)}


def walsh_variances(values: np.ndarray) -> dict[tuple[int, ...], float]:
    """Squared Walsh coefficients by the set of bits, by the definition."""
    signs = 1 - 2 * np.array([[int(bit) for bit in format(cell, "05b")] for cell in range(32)])
    return {
        chosen: float((values * signs[:, chosen].prod(axis=1)).mean() ** 2)
        for size in range(1, 6)
        for chosen in combinations(range(5), size)
    }


def test_parts_are_sums_of_squared_walsh_coefficients() -> None:
    design = cube("aabbb")
    values = np.random.default_rng(0).normal(size=32)
    exact, found = walsh_variances(values), parts(design, values)
    for place in range(5):
        assert found["main", f"f{place}"] == pytest.approx(exact[(place,)])
        total = sum(size for chosen, size in exact.items() if place in chosen)
        assert found["total", f"f{place}"] == pytest.approx(total)
    for a, b in combinations(range(5), 2):
        assert found["pair", f"f{a} x f{b}"] == pytest.approx(exact[a, b])
    assert found["higher", "higher"] == pytest.approx(sum(exact[c] for c in exact if len(c) > 2))
    assert found["family", "b"] == pytest.approx(sum(exact[c] for c in exact if set(c) <= {2, 3, 4}))


@given(st.lists(st.floats(0, 1), min_size=64, max_size=64))
@settings(max_examples=25)
def test_parts_sum_to_the_variance_under_one_seed(numbers: list[float]) -> None:
    values = np.array(numbers).reshape(32, 2)
    found = parts(cube(), values)
    whole = sum(size for (kind, _), size in found.items() if kind in DISJOINT)
    assert whole == pytest.approx(values.var(axis=0).mean(), abs=1e-12)


def test_a_function_of_one_bit_is_that_bit_alone() -> None:
    design = cube()
    found = parts(design, 0.3 + 0.2 * bits_of(design)[:, 3])
    assert found["main", "f3"] == found["total", "f3"] == found["family", "y"] == pytest.approx(0.01)
    others = [size for (kind, name), size in found.items() if name not in ("f3", "y")]
    np.testing.assert_allclose(others, 0, atol=1e-15)


def test_a_known_interaction_is_found() -> None:
    design = cube()
    bits = bits_of(design)
    found = parts(design, 0.2 * bits[:, 0] + 0.4 * (bits[:, 1] ^ bits[:, 4]))
    assert found["main", "f0"] == pytest.approx(0.01)
    assert found["main", "f1"] == pytest.approx(0.0)
    assert found["pair", "f1 x f4"] == pytest.approx(0.04)
    assert found["total", "f1"] == pytest.approx(0.04)


def test_permuting_factors_permutes_their_parts() -> None:
    design = cube()
    values = np.random.default_rng(1).normal(size=32)
    order = [3, 0, 4, 1, 2]
    moved = np.array([values[int("".join(network[place] for place in order), 2)] for network in design.networks])
    before, after = parts(design, values), parts(design, moved)
    for place, source in enumerate(order):
        assert after["main", f"f{source}"] == pytest.approx(before["main", f"f{place}"])


def test_what_differs_between_seeds_is_noise_not_an_effect() -> None:
    """A main effect of deviation .1 and noise of .1: unbiased in the mean of 400 tables; with one seed it is not."""
    design, generator = cube(), np.random.default_rng(2)
    exact = 0.2 * bits_of(design)[:, 0, None, None]
    values = exact + 0.1 * generator.normal(size=(32, 400, 3)) + generator.normal(size=(1, 400, 3))
    by_term = dict(zip([design.name_of(term) for term in design.terms], design.variances(values), strict=True))
    kinds = [kind for kind, _ in design.terms]
    assert by_term["noise"].mean() == pytest.approx(0.01 * 31 / 32, rel=0.05)
    mains = design.variances(values)[[place for place, kind in enumerate(kinds) if kind == "main"]].mean(axis=1)
    np.testing.assert_allclose(mains, [0.01, 0, 0, 0, 0], atol=3e-4)
    higher = kinds.index("higher")
    assert abs(design.variances(values)[higher].mean()) < 5e-4
    assert design.variances(values[:, :, :1])[higher].mean() > 3e-3


def test_the_group_is_one_factor_of_six_levels() -> None:
    design = Design(GCNNSpace(), factors_of(GCNNSpace()))
    assert [len(factor.codes) for factor in design.factors] == [6, 2, 2, 2, 2, 2, 2, 2]
    assert set(design.networks) == set(GCNNSpace().networks)
    assert design.features.shape == (768, 6 + 7)
    of_group = {"000": 0.1, "001": 0.2, "010": 0.2, "011": 0.5, "100": 0.6, "111": 0.9}
    found = parts(design, np.array([of_group[network[:3]] for network in design.networks]))
    assert found["main", "group"] == found["family", "group"] == pytest.approx(np.var(list(of_group.values())))
    assert found["family", "augmentation"] == pytest.approx(0, abs=1e-15)


def test_a_dense_network_counts_once_for_each_set_that_is_it() -> None:
    space = AENSpace()
    design = Design(space, factors_of(space))
    assert [factor.name for factor in design.factors] == list(ACTIONS)
    assert set(design.networks) == set(space.networks)
    values = np.random.default_rng(3).random(len(design.networks))
    of_network = dict(zip(design.networks, values, strict=True))
    of_state = np.array([of_network[space.canonical(format(number, "012b"))] for number in range(4_096)])
    averages = design.averages([0])
    np.testing.assert_allclose(averages @ values, [of_state[:2_048].mean(), of_state[2_048:].mean()])
    whole = sum(size for (kind, _), size in parts(design, values).items() if kind in DISJOINT)
    assert whole == pytest.approx(of_state.var())


def test_a_space_of_unknown_factors_is_said_so() -> None:
    with pytest.raises(InvalidArgumentError, match="factors of Cube are not known"):
        factors_of(Cube())
