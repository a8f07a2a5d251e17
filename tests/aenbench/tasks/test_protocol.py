"""Protocols: what each answers, and that it is its name wherever it is written down."""

import json
import pickle
from dataclasses import replace

import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PAPER, PROTOCOLS, STANDARD, as_protocol
from aenbench.tasks.task import Task, TaskShape
from gdatasets.errors import UnknownNameError


def test_a_protocol_is_its_name_in_keys_and_texts() -> None:
    assert [f"{protocol}" for protocol in PROTOCOLS.values()] == list(PROTOCOLS) == ["standard", "paper"]
    assert repr(Task("g-digits", "none", "paper")) == "Task(dataset='g-digits', configuration='none', protocol='paper')"
    assert json.dumps(PAPER.file_name) == '"paper"'


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=str)
def test_names_and_values_are_taken_alike_and_survive_a_process(protocol) -> None:
    assert as_protocol(protocol.name) is as_protocol(protocol) is protocol
    assert Task("g-digits", "none", protocol.name) == Task("g-digits", "none", protocol)
    task = pickle.loads(pickle.dumps(Task("g-digits", "none", protocol)))
    assert task == Task("g-digits", "none", protocol)
    assert hash(task) == hash(Task("g-digits", "none", protocol))
    assert TaskShape(protocol.name) == TaskShape(protocol)


def test_the_value_of_a_trial_is_the_last_pass_or_the_best_one() -> None:
    assert (STANDARD.value([0.2, 0.6, 0.5]), PAPER.value([0.2, 0.6, 0.5])) == (0.5, 0.6)


def test_choices_never_see_the_test_images_but_under_paper() -> None:
    for protocol, overlap in ((STANDARD, 0), (PAPER, 360)):
        images = Images(Task("g-digits", "none", protocol))
        test = {image.numpy().tobytes() for image in images.test().images}
        chosen = {image.numpy().tobytes() for image in images.training()[1].images}
        assert len(test & chosen) == overlap, protocol


def test_a_protocol_of_ones_own_needs_no_change_of_the_package() -> None:
    mine = PROTOCOLS.register("best", replace(STANDARD, name="best", takes_best_pass=True, budgets="standard"))
    try:
        assert Task("g-digits", "none", "best").protocol is mine
        assert len(AENSpace(TaskShape(mine)).networks) == len(AENSpace().networks)
        with pytest.raises(InvalidArgumentError, match='Entries and tables are of protocol standard or paper; "best"'):
            _ = mine.file_name
    finally:
        PROTOCOLS.unregister("best")


def test_other_protocols_are_refused() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "paper"'):
        as_protocol("papier")
    with pytest.raises(InvalidArgumentError, match='Expected "mine" to be an aenbench Protocol, got str'):
        PROTOCOLS.register("mine", "standard")
