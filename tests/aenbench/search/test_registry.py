"""What holds of every search algorithm, on rewards that cost nothing; and finding one by name or import path."""

import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import LocalExecutor, ordered
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.evidence import Evidence
from aenbench.search.guided import NETWORKS
from aenbench.search.record import Evaluate, Record, Search
from aenbench.search.registry import SEARCHES, OwnSearch
from aenbench.training.candidate import Candidate
from gdatasets.errors import UnknownNameError

SPACES = (AENSpace(), GCNNSpace())
RANDOM = ("dqn", "random", "evolution")
PAGE = Path(__file__).parents[3] / "docs" / "search.md"


class Told:
    """Values with what the images would say: each move has an effect, the earlier ones below the margin."""

    def __init__(self, space: SearchSpace, value: Evaluate) -> None:
        self._value = value
        moves = sorted({move for state in space.networks for move in space.moves_of(state)})
        self._evidence = Evidence({move: 0.01 * number for number, move in enumerate(moves)}, 0.5, 1_000, 0.2)

    def __call__(self, state: str) -> float:
        return self._value(state)

    def evidence(self) -> Evidence:
        return self._evidence


def agreement(space: SearchSpace) -> Evaluate:
    """Three points for each bit on which a state agrees with an alternating one."""
    target = ("01" * space.bits)[: space.bits]
    return Told(space, lambda state: 0.4 + 0.03 * sum(a == b for a, b in zip(state, target, strict=True)))


@dataclass(frozen=True)
class SmallSpace(SearchSpace):
    """A few states, which of them are one network being given: `labels` has one label for each state, in order."""

    labels: tuple[int, ...] = (0, 1)

    @property
    def bits(self) -> int:
        return (len(self.labels) - 1).bit_length()

    def canonical(self, state: str) -> str:
        label = self.labels[int(state, 2)]
        return max(other for other, its in zip(self._states, self.labels, strict=True) if its == label)

    def candidate(self, state: str) -> Candidate:
        raise AssertionError(f"{state} is never trained")

    def moves_of(self, state: str) -> frozenset[str]:
        return frozenset(f"bit {place}" for place, bit in enumerate(self.canonical(state)) if bit == "1")

    def state_of(self, moves: Collection[str]) -> str:
        return self.canonical("".join("01"[f"bit {place}" in moves] for place in range(self.bits)))

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(sorted({self.canonical(state) for state in self._states}))

    @property
    def _states(self) -> list[str]:
        return ["".join(bits) for bits in product("01", repeat=self.bits)]


@st.composite
def small_spaces(draw: st.DrawFn) -> SmallSpace:
    bits = draw(st.integers(1, 4))
    return SmallSpace(labels=tuple(draw(st.lists(st.integers(0, 15), min_size=2**bits, max_size=2**bits))))


each_algorithm = pytest.mark.parametrize("name", [name for name in SEARCHES if name != "discover"])  # it trains none
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)


@each_algorithm
@each_space
def test_a_search_ends_with_its_budget(name, space) -> None:
    record = SEARCHES[name](space, agreement(space), SearchBudget(states=40), 0)
    assert len(record.visited) == (NETWORKS if name == "guided" else 40)
    record = SEARCHES[name](space, agreement(space), SearchBudget(states=2**space.bits, networks=7), 0)
    assert len(record.trials) == 7


@each_algorithm
@each_space
def test_a_search_starts_at_the_zero_state_and_trains_each_network_once(name, space) -> None:
    trained = []

    def evaluate(state: str) -> float:
        trained.append(state)
        return agreement(space)(state)

    record = SEARCHES[name](space, Told(space, evaluate), SearchBudget(states=60), 0)
    assert name == "guided" or record.trials[0].state == space.start, "guided begins where the images say"
    assert trained == [trial.canonical for trial in record.trials]
    assert len(set(trained)) == len(trained)
    assert set(trained) <= set(space.networks)


@each_algorithm
@each_space
def test_the_seed_decides_the_search(name, space) -> None:
    budget = SearchBudget(states=40, episode_steps=20)
    first, second, other = (SEARCHES[name](space, agreement(space), budget, seed).trials for seed in (1, 1, 2))
    assert first == second
    assert (first != other) == (name in RANDOM)


@each_algorithm
@given(space=small_spaces(), data=st.data())
@hypothesis_settings(max_examples=25)
def test_it_ends_although_there_is_nothing_left_to_train(name, space, data) -> None:
    values = {state: data.draw(st.floats(0, 1), label=state) for state in space.networks}
    budget = SearchBudget(
        states=data.draw(st.integers(1, 20)),
        networks=data.draw(st.none() | st.integers(1, 20)),
        episodes=3,
        episode_steps=10,
    )
    record = SEARCHES[name](space, Told(space, values.__getitem__), budget, 0)
    assert 1 <= len(record.visited) <= budget.states
    assert len(record.trials) <= (budget.networks or len(values))
    networks = [trial.canonical for trial in record.trials]
    assert len(set(networks)) == len(networks)
    assert record.best.value <= max(values.values())
    assert all(record.visited[state] == values[space.canonical(state)] for state in record.visited)


@pytest.mark.parametrize("name", SEARCHES)
def test_algorithms_are_found_by_name(name) -> None:
    assert SEARCHES.find(name) is SEARCHES[name]


OWN = """
from aenbench.search.evidence import Evidence
from aenbench.search.record import Record
def search(space, evaluate, budget, seed):
    record = Record(space, evaluate)
    record.value(space.start)
    return record
def named(space, evaluate, *, budget, seed): return search(space, evaluate, budget, seed)
def short(space, evaluate): return search(space, evaluate, None, 0)
def wrong(space, evaluate, budget, seed): return [0.5]
def idle(space, evaluate, budget, seed): return Record(space, evaluate)
number = 3
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_searches.py").write_text(OWN)
    (tmp_path / "broken_searches.py").write_text("def search(:")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_searches", None)


def run(path: str) -> Record:
    return SEARCHES.find(path)(SPACES[0], agreement(SPACES[0]), SearchBudget(), 0)


@pytest.mark.usefixtures("own_module")
def test_a_users_own_algorithm_is_found_by_its_import_path() -> None:
    assert [trial.state for trial in run("own_searches:search").trials] == [SPACES[0].start]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("annealing", 'Unknown search "annealing".*Choose from: dqn, .*, "package.module:name" of your own.'),
        ("own_searches:", 'Expected a search as "package.module:name", got "own_searches:".'),
        ("no_such_module:search", 'Cannot import "no_such_module:search": ModuleNotFoundError: No module named'),
        ("own_searches:missing", "Cannot import .*AttributeError: module 'own_searches' has no attribute 'missing'"),
        ("broken_searches:search", "Cannot import .*SyntaxError"),
        ("own_searches:number", 'Expected "own_searches:number" to be a function, got int.'),
        ("own_searches:short", r"to take \(space, evaluate, budget, seed\), got \(space, evaluate\)."),
        ("own_searches:named", r"to take \(space, evaluate, budget, seed\), got \(space, evaluate, \*, budget, seed\)"),
        ("own_searches:wrong", "to return an aenbench.search.record.Record, got list"),
        ("own_searches:idle", "evaluated no network"),
    ],
)
@pytest.mark.usefixtures("own_module")
def test_mistakes_are_one_line(path, message) -> None:
    with pytest.raises((UnknownNameError, InvalidArgumentError), match=message) as caught:
        run(path)
    assert "\n" not in caught.value.args[0]


def test_the_example_of_the_page_is_an_algorithm(tmp_path, monkeypatch) -> None:
    [example] = re.findall(r"```python\n(# hill_climbing.py\n.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (tmp_path / "hill_climbing.py").write_text(example)
    monkeypatch.chdir(tmp_path)
    record = SEARCHES.find("hill_climbing:search")(SPACES[1], agreement(SPACES[1]), SearchBudget(states=80), 0)
    assert len(record.visited) <= 80
    assert record.best.value == max(map(agreement(SPACES[1]), SPACES[1].networks))
    sys.modules.pop("hill_climbing")


def test_a_search_is_registered_by_name_for_this_process() -> None:
    SEARCHES.register("two", only_the_start)
    try:
        assert [
            trial.state for trial in SEARCHES["two"](SPACES[0], agreement(SPACES[0]), SearchBudget(), 0).trials
        ] == [SPACES[0].start]
        with pytest.raises(InvalidArgumentError, match='There is a search "two" already'):
            SEARCHES.register("two", only_the_start)
        with pytest.raises(UnknownNameError, match=r"tow.*two"):
            SEARCHES.find("tow")
    finally:
        SEARCHES.unregister("two")
    with pytest.raises(InvalidArgumentError, match=r"to take \(space, evaluate, budget, seed\)"):
        SEARCHES.register("two", agreement)


def only_the_start(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    record = Record(space, evaluate)
    record.value(space.start)
    return record


def visited_by(search: Search) -> list[str]:
    return list(search(SPACES[0], len, SearchBudget(), 0).visited)


@pytest.mark.usefixtures("own_module")
def test_workers_find_a_search_in_the_current_folder() -> None:
    """929b5b9 sent the function itself, which workers without the current folder on their path could not import."""
    search = SEARCHES.find("own_searches:search")
    assert isinstance(search, OwnSearch)
    assert search.__reduce__()[1] == ("own_searches:search",), "by its path, which a worker looks up for itself"
    with LocalExecutor(2) as executor:
        assert ordered(executor.map(visited_by, [search, search])) == [[SPACES[0].start]] * 2
