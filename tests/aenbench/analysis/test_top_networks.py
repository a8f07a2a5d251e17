"""The best networks against all, and gains: known cases, and none where there is nothing."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from aenbench.analysis.anova import analyze
from aenbench.analysis.report import write_analysis
from aenbench.analysis.top_networks import Top, _Blocks, matches, top_networks
from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace
from aenbench.models.fraction import balanced_fraction
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import Factor

SPACE = GCNNSpace()


def reached(worth: Callable[[str], float], networks: int | None = 96, noise: float = 0.01) -> dict[str, list[float]]:
    """Accuracies of two seeds: what a state is worth, and noise."""
    random = np.random.default_rng(0)
    states = SPACE.networks if networks is None else balanced_fraction(SPACE, networks)
    return {state: [0.5 + worth(state) + noise * random.normal() for _ in range(2)] for state in states}


def has_group(state: str) -> bool:
    return state[:3] != "000"


def test_what_all_the_best_have_in_common_is_found() -> None:
    top = top_networks(SPACE, reached(lambda state: 0.1 * (state[3] == "1")))
    assert [factor.name for factor in top.telling] == ["rotate"]
    without, with_it = top.telling[0].levels
    assert (top.best, top.networks, without.best, with_it.best) == (10, 96, 0, 10)
    assert (without.expected, with_it.expected) == (5, 5)
    assert without.at_most == pytest.approx(0.0006, abs=0.0003)  # 10 of 10 among half: (48 choose 10) / (96 choose 10)


def test_that_the_best_have_a_group_is_told_from_all_networks_but_not_from_96() -> None:
    """Sixteen of 96 have none: ten that all have one are no wonder."""
    few, all_of_them = (top_networks(SPACE, reached(lambda s: 0.1 * has_group(s), n)) for n in (96, None))
    for top, can_tell in ((few, False), (all_of_them, True)):
        group = top.factors[0]
        assert (group.levels[0].name, group.levels[0].best) == ("trivial", 0)
        assert (group.levels[0].at_most < 0.05) == can_tell
    assert few.factors[0].levels[0].at_most > 0.05


def test_noise_alone_has_no_common_level() -> None:
    assert top_networks(SPACE, reached(lambda _: 0.0)).telling == ()


def test_gains_are_those_that_were_put_in() -> None:
    top = top_networks(SPACE, reached(lambda state: 0.1 * has_group(state) - 0.03 * (state[-1] == "1")))
    levels = {(factor.name, level.name): level for factor in top.factors for level in factor.levels}
    for name in ("c4", "hflip", "vflip", "v4", "d4"):
        level = levels["group", name]
        assert level.gain == pytest.approx(0.1, abs=0.01)
    assert levels["size", "large"].gain == pytest.approx(-0.03, abs=0.005)
    assert levels["group", "trivial"].gain is None


def tables_without_effect(count: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Top]:
    """Networks that begin with the same weights have luck in common; no level is worth anything."""
    monkeypatch.setattr("aenbench.analysis.top_networks._PERMUTATIONS", 200)
    random = np.random.default_rng(1)
    states = balanced_fraction(SPACE, 96)
    for _ in range(count):
        luck = {state[:3] + state[-1]: 0.03 * random.normal() for state in states}
        yield top_networks(SPACE, {s: [0.5 + luck[s[:3] + s[-1]] + 0.01 * random.normal()] for s in states})


@pytest.mark.parametrize("in_blocks", [True, False])
def test_luck_that_networks_have_in_common_is_no_effect_of_their_group(
    in_blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control permutes networks, and takes intervals over them, as if none shared its first weights."""
    if not in_blocks:
        of = _Blocks.of

        def alone(factors: Sequence[Factor], codes: Sequence[Sequence[str]]) -> _Blocks:
            found = of(factors, codes)
            return _Blocks(found.factors, found.levels, np.zeros_like(found.of_network), ())

        monkeypatch.setattr(_Blocks, "of", alone)
    tops = list(tables_without_effect(60, monkeypatch))
    found = np.mean([any(factor.name == "group" for factor in top.telling) for top in tops])
    gains = [level for top in tops for level in top.factors[0].levels[1:]]
    covered = np.mean(
        [level.low is not None and level.high is not None and level.low < 0 < level.high for level in gains]
    )
    if in_blocks:
        assert found <= 0.1
        assert covered > 0.9
    else:
        assert found > 0.3
        assert covered < 0.6


def test_too_few_blocks_have_no_interval() -> None:
    values = {state: worth for state, worth in reached(lambda _: 0.0, None).items() if state[-1] == "0"}
    assert {level.low for level in top_networks(SPACE, values).factors[0].levels} == {None}


def test_an_augmentation_that_helps_only_without_the_move_is_found() -> None:
    def worth(state: str) -> float:
        return 0.05 * (state[4] == "1" and "left-right flip" not in SPACE.moves_of(state))

    found = {match.augmentation: match for match in matches(SPACE, reached(worth))}
    assert found["hflip"].difference == pytest.approx(-0.05, abs=0.01)
    assert found["hflip"].high < 0
    assert found["hflip"].without == pytest.approx(0.05, abs=0.01)
    assert found["vflip"].low < 0 < found["vflip"].high
    assert matches(AENSpace(), {"0" * 12: [0.5]}) == ()


def test_too_few_networks_are_refused() -> None:
    values = dict(list(reached(lambda _: 0.0).items())[:19])
    with pytest.raises(InvalidArgumentError, match="at least 20 networks"):
        top_networks(SPACE, values)


def test_the_text_says_who_is_at_the_top(tmp_path: Path) -> None:
    values = reached(lambda state: 0.1 * (state[3] == "1"))
    write_analysis(analyze(SPACE, values), tmp_path, "a test", top_networks(SPACE, values), matches(SPACE, values))
    text = (tmp_path / "analysis.md").read_text()
    assert "The best tenth: 10 of 96 networks, by the mean over seeds. They differ from all networks in rotate" in text
    assert "| rotate: with | 10 of 48 | 5.0 | +" in text
    assert "| rotate, quarter turn |" in text
