"""Copies are found, exact or changed a little; honest trainings that share mistakes are not."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from aenbench.leaderboard.near_copies import Mistakes, shared_mistakes
from aenbench.models.aen import AEN_FAMILY, Architecture
from aenbench.models.family import Fixed, Searched
from aenbench.models.registry import FAMILIES

BOTH = ("same-predictions", "unknown-method")
PART = Fixed(lambda shape, *_: Architecture((), shape), "part", ("wide",))
ROTATION = {"actions": ("rotation",), "parameters": 119_374}


def of_network(checked, **facts):
    """The same entry, whose seeds state these facts of their networks."""
    seeds = tuple(seed.model_copy(update=facts) for seed in checked.entry.seeds)
    entry = checked.entry.model_copy(update={"seeds": seeds})
    return type(checked)(checked.folder, entry, checked.predictions, checked.score, checked.differences)


def changed(predictions: np.ndarray, number: int) -> np.ndarray:
    """So many predictions of each row changed, anywhere."""
    generator, copy = np.random.default_rng(number), predictions.copy()
    for row in copy:
        chosen = generator.choice(len(row), number, replace=False)
        row[chosen] = (row[chosen] + generator.integers(1, 10, number)) % 10
    return copy


@pytest.mark.parametrize(("seed", "its"), [(0, 0), (0, 1)])
def test_predictions_of_another_entry_are_found_in_any_seed(invent, seed: int, its: int) -> None:
    task = invent(400)
    predictions = task.network("copy")
    predictions[seed] = task.network("first")[its]
    flags = task.flags(task.entry("first", task.network("first")), task.entry("copy", predictions))
    assert [flag.code for flag in flags] == ["same-predictions"] * 2
    assert flags[0].others == ("g-digits/aug1/copy",)
    assert f"seed {seed}" in flags[1].message


@pytest.mark.parametrize(
    ("method", "others", "is_copy"),
    [
        ("aen", "single", False),
        ("aen", "single:rotation", False),
        ("aen:greedy", "aen", False),
        ("single", "aen:invented", True),
        ("aen", "aen:my.module:search", True),
        ("aen", "invented", True),
        ("aen", "invented:aen", True),
        ("aen", "mlp", True),
        ("aen", "single:hflip", True),
        ("aen", "gcnn:c4", True),
        ("aen", "group:rotation", True),
        ("aen", "aen", True),
        ("toy", "toy:wide", True),
    ],
)
def test_only_registered_methods_may_have_settled_on_one_network(
    invent, method: str, others: str, is_copy: bool
) -> None:
    """929b5b9: `aen:invented`, `invented` and `mlp` passed, since only the names of methods had to differ."""
    task = invent(400)
    one, other = (
        of_network(task.entry(name, task.network("same"), origin="baseline", method=its), **ROTATION)
        for name, its in (("one", method), ("other", others))
    )
    copies = {(name, code) for name, code in task.codes(one, other) if code != "unknown-method"}
    assert copies == ({("one", "same-predictions"), ("other", "same-predictions")} if is_copy else set())


@pytest.mark.parametrize(
    "change", [{"origin": "submission"}, {"origin": "model"}, {"budget": "standard"}, {"method": "aen"}]
)
def test_two_baselines_that_settled_on_one_network_have_to_be_alike_in_all_else(invent, change: dict[str, str]) -> None:
    task = invent(400)
    one = of_network(task.entry("one", task.network("same"), origin="baseline", method="aen"), **ROTATION)
    changes = {"origin": "baseline", "method": "single", **change}
    other = of_network(task.entry("other", task.network("same"), **changes), **ROTATION)
    assert task.codes(one, other) == {("one", "same-predictions"), ("other", "same-predictions")}


@pytest.mark.parametrize(
    ("method", "others", "is_copy"),
    [
        ("mine:TOY", "mine:TOY:wide", False),
        ("mine:TOY", "mine:GAME", True),
        ("mine:TOY", "yours:TOY", True),
        ("mine:TOY", "mine:TOY", True),
    ],
)
def test_methods_of_one_family_at_an_import_path_are_believed(invent, method: str, others: str, is_copy: bool) -> None:
    """Nothing is imported to look whether they exist; 929b5b9 had no such families."""
    task = invent(400)
    for origin in ("model", "submission"):
        one, other = (
            task.entry(name, task.network("same"), origin=origin, method=its)
            for name, its in (("one", method), ("other", others))
        )
        found = {("one", "same-predictions"), ("other", "same-predictions")}
        assert task.codes(one, other) == (found if is_copy or origin == "submission" else set())


def test_a_registered_family_that_states_nothing_is_believed(invent) -> None:
    toy = replace(AEN_FAMILY, name="toy", facts=(), baselines={"toy": Searched(), "toy:<part>": PART})
    task = invent(400)
    one, other = (
        task.entry(name, task.network("same"), origin="baseline", method=its)
        for name, its in (("one", "toy"), ("other", "toy:wide"))
    )
    assert task.codes(one, other) == {(name, code) for name in ("one", "other") for code in BOTH}
    FAMILIES.register("toy", toy)
    try:
        assert task.codes(one, other) == set()
    finally:
        FAMILIES.unregister("toy")


@pytest.mark.parametrize("number", [1, 5, 20, 100])
def test_a_copy_with_some_predictions_changed_is_found(invent, number: int) -> None:
    """929b5b9: one changed prediction of a row, and no flag."""
    task = invent(2_000)
    copy = task.entry("copy", changed(task.network("first"), number), method="an invention")
    flags = task.flags(task.entry("first", task.network("first")), task.entry("other", task.network("other")), copy)
    assert {(flag.key[-5:], flag.code) for flag in flags} == {("first", "near-copy"), ("/copy", "near-copy")}
    assert flags[0].others == ("g-digits/aug1/copy",)
    assert re.search(r"seed 0, 1 shares (9\d\.\d|100\.0)% of its mistakes with g-digits/aug1/copy,", flags[0].message)


@pytest.mark.parametrize("skill", [2.0, 6.0])
def test_a_copy_is_found_at_high_accuracy_where_any_two_entries_agree(invent, skill: float) -> None:
    task = invent(10_000)
    first, other = task.network("first", skill), task.network("other", skill)
    assert (first == other).mean() > 0.8
    copy = changed(first, 100)
    assert task.codes(task.entry("first", first), task.entry("other", other)) == set()
    found = task.codes(task.entry("first", first), task.entry("other", other), task.entry("copy", copy))
    assert found == {("first", "near-copy"), ("copy", "near-copy")}


def test_a_copy_that_was_corrected_is_found(invent) -> None:
    """Half of the mistakes became right answers: what is left is all the other entry's."""
    task = invent(2_000)
    first = task.network("first")
    corrected = np.where(np.random.default_rng(1).random(first.shape) < 0.5, task.labels, first).astype(np.uint8)
    assert task.codes(task.entry("first", first), task.entry("better", corrected)) == {
        ("first", "near-copy"),
        ("better", "near-copy"),
    }


def test_a_copy_of_one_seed_in_another_order_is_found(invent) -> None:
    task = invent(2_000)
    mixed = np.stack([task.network("mixed")[0], changed(task.network("first"), 3)[1], task.network("mixed")[1]])
    flags = task.flags(task.entry("first", task.network("first")), task.entry("mixed", mixed))
    assert [(flag.code, "seed 1 shares" in flag.message) for flag in flags] == [("near-copy", True)] * 2


def test_seeds_of_one_entry_that_were_changed_a_little_are_found(invent) -> None:
    """929b5b9: a seed that is there twice was found only when no prediction differed."""
    task = invent(2_000)
    row = task.network("once", seeds=1)
    padded = task.entry("padded", np.concatenate([row, changed(row, 4), changed(row, 5)]))
    [flag] = task.flags(padded)
    assert flag.code == "repeated-seed"
    assert "nearly" in flag.message


@pytest.mark.parametrize("images", [360, 2_000, 10_000])
@pytest.mark.parametrize("skill", [0.3, 1.0, 4.0])
def test_two_seeds_of_one_method_as_entries_of_two_authors_are_no_copies(invent, images: int, skill: float) -> None:
    task = invent(images)
    first, second = (row[None] for row in task.network("one method", skill))
    one = task.entry("first", first, authors=("Ada",), method="a method")
    two = task.entry("second", second, authors=("Grace",), method="the same method")
    assert task.codes(one, two) == set()


def test_networks_at_chance_are_no_copies_of_each_other(invent) -> None:
    """They give one or two classes, so they agree by chance alone; 929b5b9 asked about two that gave one class."""
    task = invent(1_000)
    generator = np.random.default_rng(0)
    constant = task.entry("constant", np.full((2, 1_000), 3, np.uint8))
    again = task.entry("again", np.full((1, 1_000), 3, np.uint8))
    nearly = task.entry("nearly", np.where(generator.random((2, 1_000)) < 0.02, 7, 3).astype(np.uint8))
    guesses = task.entry("guesses", generator.integers(0, 10, (3, 1_000)).astype(np.uint8))
    assert task.codes(constant, again, nearly, guesses) == set()


def test_few_mistakes_tell_nothing(invent) -> None:
    """Two of the best share the images whose labels are wrong; there are too few of them for a question."""
    task = invent(10_000)
    one, other = range(29), range(1, 29)
    assert ("one", "near-copy") not in task.codes(
        task.entry("one", task.with_errors(one)), task.entry("other", task.with_errors(other))
    )


def test_shared_mistakes_agree_with_counting_by_hand() -> None:
    labels = np.array([0] * 6 + [1] * 4)
    one = np.array([1, 1, 2, 0, 0, 0, 0, 1, 1, 1])
    two = np.array([1, 2, 2, 0, 1, 0, 0, 0, 1, 1])
    same = 3  # images 0, 2 and 6
    chance = (2 * 2 + 1 * 2) / 6 + (1 * 2) / 4  # class 0 as 1 and as 2, class 1 as 0
    share, rests_on = shared_mistakes(Mistakes.of(np.stack([one, two, one]).astype(np.uint8), labels))
    assert rests_on[0, 1] == pytest.approx(4 - chance)
    assert share[0, 1] == share[1, 0] == pytest.approx((same - chance) / (4 - chance))
    assert share[0, 2] == share[2, 0] == pytest.approx(1)


def test_an_entry_of_a_thousand_seeds_is_compared_by_its_best(invent) -> None:
    task = invent(400)
    seeds = np.random.default_rng(0).integers(0, 10, (1_000, 400)).astype(np.uint8)
    seeds[700] = changed(task.network("first"), 1)[0]
    found = task.codes(task.entry("first", task.network("first")), task.entry("many", seeds))
    assert found == {("first", "near-copy"), ("many", "near-copy")}


def test_hostile_classes_and_sizes_take_little_memory(invent) -> None:
    """Tables of all 256 classes of 26 entries with 50 seeds would take 680 MB."""
    task = invent(5_000)
    generator = np.random.default_rng(0)
    entries = [
        task.entry(f"e{number}", generator.integers(0, 256, (50, 5_000)).astype(np.uint8)) for number in range(10)
    ]
    tracemalloc.start()
    assert task.codes(*entries) == set()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20
