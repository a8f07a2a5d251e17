"""The verdict on the boards: above the tasks, over those that all of its methods are on, as the results have it."""

import base64
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aenbench import load_leaderboard
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.render import drifted, write_generated
from aenbench.leaderboard.task_outcomes import outcomes_of
from aenbench.leaderboard.training_marks import TrainingMarks
from aenbench.leaderboard.verdict_section import draw_ranks, verdict_markdown, verdict_section
from aenbench.scoring.verdict import Outcome, Verdict, judge

NO_MARKS = TrainingMarks(0, 0, 0)


@pytest.fixture
def verdict(comparable_board: Path) -> Verdict:
    found = judge(outcomes_of(read_board(comparable_board)))
    assert found is not None
    return found


def test_it_is_over_the_tasks_that_all_methods_are_on_and_says_what_it_leaves_out(verdict: Verdict) -> None:
    assert verdict.tasks == ("g-digits / aug1", "g-digits / d4")
    assert {each.method for each in verdict.judged} == {"best", "as-good", "worst"}
    assert verdict.absent == {"rare": 1}
    text = verdict_markdown(verdict, NO_MARKS)
    assert "Over the 2 tasks that all 3 methods have an entry on: g-digits / aug1, g-digits / d4." in text
    assert "Left out, with the number of tasks that they are on: rare (1)." in text
    assert "The brackets and the test take the tasks for independent. Configurations of one dataset are not" in text
    assert re.search(r"\| worst \| 3\.00 \[3\.00, 3\.00\] \| .* \| 0, 0, 4 \|", text)
    assert re.search(r"\| best \| 1\.\d\d \[.*\] \| .* \| 2, 2, 0 \|", text)


def test_it_stands_above_the_tasks_on_both_boards(comparable_board: Path) -> None:
    write_generated(comparable_board)
    readme, page = (comparable_board / "README.md").read_text(), (comparable_board / "index.html").read_text()
    assert readme.index("## The verdict over tasks") < readme.index("## g-digits / aug1")
    assert '"title":"The verdict over tasks"' in page
    assert '"is_first":true' in page
    assert drifted(comparable_board) == ([], ())


def test_without_two_methods_on_two_tasks_there_is_none(tmp_path: Path, make_entry) -> None:
    for name in ("one", "two"):
        make_entry(tmp_path, name, 40)
    verdict = judge(outcomes_of(read_board(tmp_path)))
    assert verdict is None
    assert verdict_markdown(verdict, NO_MARKS) == ""
    assert verdict_section(verdict, NO_MARKS) == []
    write_generated(tmp_path)
    assert "verdict" not in (tmp_path / "README.md").read_text()


def test_the_picture_places_every_method_at_its_mean_rank(verdict: Verdict) -> None:
    [section] = verdict_section(verdict, NO_MARKS)
    assert section.is_first
    drawn = base64.b64decode(section.picture.removeprefix("data:image/svg+xml;base64,")).decode()
    assert drawn == draw_ranks(verdict)
    tree = ElementTree.fromstring(drawn)
    circles = [float(each.attrib["cx"]) for each in tree.iter("{http://www.w3.org/2000/svg}circle")]
    ranks = [each.rank for each in verdict.judged]
    assert len(circles) == len(ranks)
    scale = (circles[-1] - circles[0]) / (ranks[-1] - ranks[0])
    assert circles == pytest.approx([circles[0] + scale * (rank - ranks[0]) for rank in ranks], abs=0.2)
    for each in verdict.judged:
        assert f"{each.method} {each.rank:.2f}" in section.alternative


def test_the_picture_shows_long_names_whole_and_names_its_bars() -> None:
    names = ("mlp-rotate360-hflip-vflip-translate", "a", "b" * 100)
    outcomes = {
        task: {name: Outcome((0.9 - place / 10,), frozenset(), 10, 5) for place, name in enumerate(names)}
        for task in ("x / a", "x / b")
    }
    verdict = judge(outcomes)
    assert verdict is not None
    assert verdict.groups
    tree = ElementTree.fromstring(draw_ranks(verdict))
    names_in = [each for each in tree.iter("{http://www.w3.org/2000/svg}text") if each.attrib["x"] == "10"]
    texts = [each.text or "" for each in names_in]
    assert texts[1:3] == ["mlp-rotate360-hflip-", "vflip-translate"]
    assert texts[4:] == ["b" * 20, "b" * 20, "b" * 19 + "…", "not separated"]
    heights = [float(each.attrib["y"]) for each in names_in]
    assert heights == sorted(heights)
    assert min(low - high for high, low in pairwise(heights)) >= 13
    assert heights[-1] < float(tree.attrib["height"])


def test_the_front_of_each_task_is_in_the_results(tmp_path: Path, make_entry) -> None:
    fast = {"search_seconds": 0.0, "training_seconds": 1.0}
    make_entry(tmp_path, "best", 20)
    make_entry(tmp_path, "fast", 40, stated=fast)
    make_entry(tmp_path, "slow", 60)
    make_entry(tmp_path, "silent", 10, stated={"search_seconds": None})
    front = load_leaderboard(tmp_path).groupby("entry").front.first().to_dict()
    assert front == {"silent": "parameters", "best": "seconds", "fast": "seconds", "slow": ""}
