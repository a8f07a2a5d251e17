"""The baselines: each is a way to choose the actions that a network is made equivariant to."""

from dataclasses import dataclass

from aenbench.errors import InvalidArgumentError
from aenbench.models import Architecture, Protocol
from aenbench.search import dqn
from aenbench.search.environment import REWARDS
from aenbench.search.space import Evaluate, Record, SearchBudget, SearchSpace
from gdatasets.errors import UnknownNameError
from gdatasets.groups import ACTIONS, bits_from_actions

_FIXED = {"mlp": (), "full": ACTIONS}
BASELINES: tuple[str, ...] = ("mlp", "full", "single", "single:<action>", "aen")


@dataclass(frozen=True)
class Choice:
    """The actions a baseline settled on, and what it looked at to get there.

    Attributes:
        state: canonical state of the chosen network.
        record: the networks trained on the way; None where nothing was searched.
    """

    state: str
    record: Record | None = None


def check_baseline(name: str) -> str:
    """The name itself.

    Raises:
        InvalidArgumentError: no such baseline.
        UnknownNameError: `single:` with an action that does not exist.
    """
    kind, colon, action = name.partition(":")
    if kind == "single" and colon:
        if action not in ACTIONS:
            raise UnknownNameError("action", action, ACTIONS)
    elif name not in ("mlp", "full", "single", "aen"):
        raise InvalidArgumentError(f'Unknown baseline "{name}". Choose from: {", ".join(BASELINES)}.')
    return name


def networks_ahead(name: str, protocol: Protocol, budget: SearchBudget) -> int:
    """How many networks a baseline may train before its final one, at most."""
    if name == "single":
        return len(ACTIONS)
    return budget.networks or min(budget.states, SearchSpace(protocol).networks) if name == "aen" else 0


def choose(name: str, protocol: Protocol, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:
    """Settle on the actions of a baseline.

    `mlp`: none. `full`: all twelve. `single:<action>`: that one. `single`: of the twelve networks with one action, the
    one with the best value. `aen`: the best network that deep Q-learning finds.
    """
    space = SearchSpace(protocol)
    if check_baseline(name) == "aen":
        record = dqn.search(space, evaluate, budget, seed, reward=REWARDS[protocol])
        return Choice(record.best.canonical, record)
    if name == "single":
        record = Record(space, evaluate)
        for action in ACTIONS:
            record.value(bits_from_actions([action]))
        return Choice(record.best.canonical, record)
    actions = _FIXED.get(name, (name.partition(":")[2],))
    return Choice(Architecture(actions, protocol).canonical().bits)
