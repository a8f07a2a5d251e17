"""Searches that ask the images: the order of the effects, how accuracies are weighed, and errors without images."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.verdicts import MARGIN
from aenbench.errors import InvalidArgumentError
from aenbench.execution.store import TrialStore
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.nn.square_groups import SquareGroup
from aenbench.search.evaluate import StoredEvaluation, TrainedEvaluation
from aenbench.search.evidence import Evidence, discover
from aenbench.search.guided import NETWORKS, Belief, GuidedSettings, chain, opening, search
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import Group

SPACE, SQUARE = AENSpace(), GCNNSpace()
BROKEN = 0.3


def evidence(effects: Mapping[str, float], control: float = 0.5, chosen_by: int = 10_000) -> Evidence:
    return Evidence(dict(effects), control, chosen_by, 0.4)


def effects_of(*symmetries: str) -> dict[str, float]:
    """Small effects of the closure of some actions, large ones of all others; no two are equal."""
    closure = Group(symmetries, 28).closure
    return {name: 0.001 * k if name in closure else BROKEN + 0.01 * k for k, name in enumerate(ACTIONS)}


@pytest.mark.parametrize(
    ("control", "margin", "found"),
    [
        (0.5, 0.02, {"hflip", "scramble1"}),
        (0.032, 0.0032, {"hflip"}),
        (0.2, 0.02, {"hflip", "scramble1"}),
        (0.02, 0, set()),
    ],
)
def test_an_effect_is_small_only_against_that_of_shuffled_pixels(
    control: float, margin: float, found: set[str]
) -> None:
    """As on G-MNIST d4-roll, where a scramble has an effect of .015 and shuffled pixels have one of .032."""
    says = evidence({"hflip": 0.0001, "scramble1": 0.0146, "rotation": 0.1}, control)
    assert says.margin == pytest.approx(margin)
    assert says.symmetries() == found


class Told:
    """Accuracies by a rule, and what images say; it remembers what was asked for."""

    def __init__(self, says: Evidence, space: SearchSpace = SPACE, noise: float = 0.0) -> None:
        self.says, self.space, self.asked = says, space, list[str]()
        self._noise, self._generator, self.looks = noise, np.random.default_rng(0), 0

    def __call__(self, state: str) -> float:
        self.asked.append(state)
        return self.truth(state) + self._noise * float(self._generator.normal())

    def truth(self, state: str) -> float:
        worth = {name: 0.02 if effect < MARGIN else -0.03 for name, effect in self.says.effects.items()}
        return 0.6 + sum(worth[name] for name in self.space.moves_of(state))

    def evidence(self) -> Evidence:
        self.looks += 1
        return self.says


GROUPS = [("rotation", "hflip"), ("scramble4",), ("htrans", "vtrans"), ("hflip", "vflip", "scramble3"), ACTIONS]


@pytest.mark.parametrize("symmetries", GROUPS)
def test_the_first_network_is_the_closure_of_the_moves_below_the_margin(symmetries: tuple[str, ...]) -> None:
    told = Told(evidence(effects_of(*symmetries)))
    expected = SPACE.state_of(symmetries)
    assert search(SPACE, told, SearchBudget(networks=1), 0).choice == expected
    assert told.asked == [expected]
    record = discover(SPACE, told, SearchBudget(), 0)
    assert (record.choice, record.trials, record.visited) == (expected, [], {})
    assert told.asked == [expected], "discover asked for no accuracy"


@pytest.mark.parametrize("symmetries", GROUPS)
def test_effects_that_are_inverted_give_another_first_network(symmetries: tuple[str, ...]) -> None:
    """The negative control: the order comes from the effects, and a wrong one is a bad one."""
    right = Told(evidence(effects_of(*symmetries)))
    if set(right.says.effects.values()) <= {0.001 * k for k in range(12)}:
        inverted = {name: BROKEN - effect for name, effect in right.says.effects.items()}
    else:
        inverted = {name: BROKEN + 0.2 - effect for name, effect in right.says.effects.items()}
    wrong = Told(replace(right.says, effects=inverted))
    first, other = (discover(SPACE, told, SearchBudget(), 0).choice for told in (right, wrong))
    assert other != first
    assert right.truth(other) < right.truth(first)
    assert chain(SPACE, wrong.says) != chain(SPACE, right.says)


def test_neighbors_in_the_chain_come_next_then_toggles_of_the_best() -> None:
    told = Told(evidence(effects_of("rotation", "hflip") | {"htrans": 0.05}))
    networks = chain(SPACE, told.says)
    place = networks.index(SPACE.state_of(["rotation", "hflip"]))
    assert opening(SPACE, told.says) == [networks[place], networks[place + 1], networks[place - 1]]
    assert networks[place + 1] == SPACE.state_of(["rotation", "hflip", "htrans"])
    record = search(SPACE, told, SearchBudget(networks=8), 0)
    assert told.asked[:3] == opening(SPACE, told.says)
    for number in range(3, 8):
        names = [
            state
            for state in map("".join, product("01", repeat=12))
            if SPACE.canonical(state) == record.settled[number]
        ]
        assert told.asked[number] in {SPACE.canonical(SPACE.toggle(name, bit)) for name in names for bit in range(12)}


def test_at_either_end_of_the_chain_there_is_one_neighbor() -> None:
    assert opening(SPACE, evidence(dict.fromkeys(ACTIONS, BROKEN)))[0] == SPACE.start
    assert len(opening(SPACE, evidence(dict.fromkeys(ACTIONS, BROKEN)))) == 2
    assert len(opening(SPACE, evidence(dict.fromkeys(ACTIONS, 0.0)))) == 2


def test_it_ends_when_every_network_was_trained() -> None:
    told = Told(evidence(effects_of("hflip")))
    record = search(SPACE, told, SearchBudget(networks=4_096), 0)
    assert sorted(told.asked) == sorted(SPACE.networks)
    assert len(record.settled) == len(SPACE.networks) + 1, "it has settled on a network after each"


def test_a_budget_without_a_number_of_networks_ends_after_25() -> None:
    told = Told(evidence(effects_of("hflip")))
    search(SPACE, told, SearchBudget(states=4_096), 0)
    assert len(told.asked) == NETWORKS == 25


def test_a_lucky_accuracy_is_weighed_against_what_the_images_say() -> None:
    """A broken network that measures a little better by chance is not taken; one that is far better is."""
    says = evidence(effects_of("rotation", "hflip"))
    right, wrong = SPACE.state_of(["rotation", "hflip"]), SPACE.state_of(["rotation", "hflip", "scramble2"])
    near, far = {right: 0.8, wrong: 0.801}, {right: 0.8, wrong: 0.9}
    belief = Belief(SPACE, says, GuidedSettings())
    assert belief.best(near, near) == right
    assert belief.best(far, far) == wrong
    few = Belief(SPACE, replace(says, chosen_by=30), GuidedSettings())
    assert few.best(far, far) == right, "thirty images say little"
    mute = Belief(SPACE, replace(says, control=0.0), GuidedSettings())
    assert mute.best(near, near) == wrong, "the negative control: without effects the highest is best"


def test_noise_makes_the_weighed_choice_better_than_the_highest_accuracy() -> None:
    weighed, highest = [], []
    for seed in range(10):
        told = Told(evidence(effects_of("rotation", "hflip")), noise=0.05)
        told._generator = np.random.default_rng(seed)
        record = search(SPACE, told, SearchBudget(networks=25), 0)
        weighed.append(told.truth(record.choice))
        highest.append(told.truth(record.best.canonical))
    assert np.mean(weighed) > np.mean(highest)


def test_beliefs_are_those_of_a_gaussian_process() -> None:
    """By conditioning the whole joint normal law, noise included, in the plainest way."""
    says, settings = evidence(effects_of("hflip"), chosen_by=500), GuidedSettings()
    belief, rows = Belief(SPACE, says, settings), [0, 7, 30]
    values = {SPACE.networks[row]: value for row, value in zip(rows, (0.5, 0.6, 0.7), strict=True)}
    mean = belief.given(values)
    networks = SPACE.networks
    distance = np.array([[sum(a != b for a, b in zip(s, t, strict=True)) for t in networks] for s in networks])
    prior = 1 + settings.residual**2 * np.exp(-distance / settings.length)
    worth = {name: max(settings.gain * (1 - effect / MARGIN), -settings.loss) for name, effect in says.effects.items()}
    expected = np.array([sum(worth[name] for name in SPACE.moves_of(state)) for state in networks])
    seen = np.array(list(values.values()))
    noisy = prior[np.ix_(rows, rows)] + np.diag(settings.training**2 + seen * (1 - seen) / 500)
    gain = prior[:, rows] @ np.linalg.inv(noisy)
    np.testing.assert_allclose(mean, expected + gain @ (seen - expected[rows]), rtol=1e-8)


def test_images_that_show_nothing_choose_the_plain_network() -> None:
    """The kernel is blind where shuffled pixels have no effect either; all twelve moves would be the worst choice."""
    blind = evidence(dict.fromkeys(ACTIONS, 0.0), control=0.001)
    assert discover(SPACE, Told(blind), SearchBudget(), 0).choice == SPACE.start
    seeing = replace(blind, control=0.5)
    assert discover(SPACE, Told(seeing), SearchBudget(), 0).choice == "1" * 12


@pytest.mark.parametrize(
    ("moves", "group"),
    [
        ((), "000"),
        (("left-right flip",), "010"),
        (("top-bottom flip",), "001"),
        (("half turn",), "000"),  # the space has no group of half turns
        (("half turn", "left-right flip", "top-bottom flip"), "011"),
        (("quarter turn", "half turn", "three-quarter turn"), "100"),
        (("quarter turn", "half turn", "three-quarter turn", "left-right flip"), "100"),
        (tuple(find_candidates("d4", (28, 28)).permutations), "111"),
    ],
)
def test_group_convolutions_get_the_largest_group_whose_moves_are_all_small(moves: tuple[str, ...], group: str) -> None:
    names = find_candidates("d4", (28, 28)).permutations
    says = evidence({name: 0.001 * k if name in moves else BROKEN for k, name in enumerate(names)})
    told = Told(says, SQUARE)
    assert discover(SQUARE, told, SearchBudget(), 0).choice == group + "0000000"
    assert search(SQUARE, told, SearchBudget(networks=12), 0).trials[0].canonical == group + "0000000"


@pytest.mark.parametrize("code", ["000", "010", "001", "011", "100", "111"])
def test_the_moves_of_a_group_of_convolutions_are_its_elements(code: str) -> None:
    state = code + "0000000"
    permutations = find_candidates("d4", (4, 4)).permutations
    named = {tuple(permutations[move]) for move in SQUARE.moves_of(state)} | {tuple(range(16))}
    pixels = SquareGroup(SQUARE.candidate(state).architecture.group).pixels(4)
    assert named == {tuple(row) for row in np.asarray(pixels).tolist()}


@pytest.mark.parametrize("algorithm", [search, discover])
def test_without_images_there_is_one_line(algorithm) -> None:
    with pytest.raises(InvalidArgumentError, match="ask the images, and there are none behind these values") as caught:
        algorithm(SPACE, lambda _state: 0.5, SearchBudget(networks=3), 0)
    assert "\n" not in str(caught.value)


class Mute(AENSpace):
    """A space that names no moves."""

    @property
    def candidates(self) -> str:
        return ""


RECIPE = Recipe(64, 1)


def trained(space: SearchSpace, images: Images, seed: int = 0) -> TrainedEvaluation:
    return TrainedEvaluation(space, *images.training(), RECIPE, seed)


@pytest.fixture(scope="module")
def digits() -> Images:
    return Images(Task("g-digits", "d4", STANDARD))


def test_a_space_without_moves_is_one_line(digits: Images) -> None:
    with pytest.raises(InvalidArgumentError, match="Mute names none; choose another search"):
        discover(Mute(digits.shape), trained(Mute(digits.shape), digits), SearchBudget(), 0)


def test_turned_digits_are_found_and_only_the_images_to_learn_from_are_asked(
    digits: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `standard` the test images are never loaded, and nothing depends on those to choose by."""

    def forbidden(*_: object) -> None:
        raise AssertionError("the test images were opened")

    monkeypatch.setattr(Images, "test", forbidden)
    space = AENSpace(digits.shape)
    learn, choose_by = Images(Task("g-digits", "d4", STANDARD)).training()
    blank = replace(choose_by, images=choose_by.images * 0)
    found = TrainedEvaluation(space, learn, blank, RECIPE, 0).evidence()
    assert discover(space, TrainedEvaluation(space, learn, choose_by, RECIPE, 0), SearchBudget(), 0).choice == (
        space.state_of(["rotation", "hflip"])
    )
    assert found.effects == trained(space, digits).evidence().effects
    assert found.chosen_by == len(choose_by)


@pytest.mark.parametrize("seed", [0, 1])
def test_resumed_from_the_store_the_choice_is_the_same(digits: Images, tmp_path: Path, seed: int) -> None:
    space, store = AENSpace(digits.shape), TrialStore(tmp_path / "trials", "guided")

    def run(networks: int, evaluate: TrainedEvaluation | Told) -> tuple[list[str], str, StoredEvaluation]:
        stored = StoredEvaluation(evaluate, store, str(seed), timed=True)
        record = search(space, stored, SearchBudget(networks=networks), seed)
        return [trial.canonical for trial in record.trials], record.choice, stored

    first, _, _ = run(2, trained(space, digits, seed))  # and interrupted
    whole, choice, stored = run(4, trained(space, digits, seed))
    assert whole[:2] == first
    assert stored.earlier_seconds > 0, "the time of what was known is told"
    other = Told(evidence(effects_of("scramble4")), space)
    assert run(4, other)[:2] == (whole, choice), "all of it is in the store"
    assert (other.asked, other.looks) == ([], 0)
