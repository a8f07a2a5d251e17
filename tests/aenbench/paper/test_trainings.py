from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aenbench.execution.store import TrialStore
from aenbench.models.aen import build_aen
from aenbench.paper.trainings import VARIANTS, Training, architecture, measured, train, variants_of
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.seed import run_seed
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PAPER, PROTOCOLS, STANDARD
from aenbench.tasks.task import Task

ACCURACIES = {"accuracies": [0.2, 0.6, 0.5], "unseen": 0.4, "parameters": 3, "seconds": 1.0}


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("name", ["mlp", "single:hflip"])
def test_it_is_the_final_training_of_a_run(tiny, tmp_path: Path, protocol, name) -> None:
    task = Task("g-digits", "aug2", protocol)
    plan = Plan(Baseline(name), task, seeds=1)
    outcome = run_seed(plan, TrialStore(tmp_path / "store", "plan"), lambda _: None, 0)
    images = Images(task)
    actions = () if name == "mlp" else ("hflip",)
    found = train(Training(task, None, architecture(images, actions), tiny.final, 0))
    right = float((outcome.predictions == images.test_labels()).mean())
    if protocol == "standard":
        assert measured(found, PROTOCOLS[protocol]) == pytest.approx(right, abs=1e-12)
    assert measured(found, PAPER) == outcome.result.chosen_by
    assert found["parameters"] == outcome.result.parameters


def test_scores_are_what_they_are_called() -> None:
    assert [measured(ACCURACIES, PAPER, by) for by in ("reported", "last", "unseen")] == [0.6, 0.5, 0.4]
    assert [measured(ACCURACIES, STANDARD, by) for by in ("reported", "unseen")] == [0.4, 0.4]
    assert np.isnan(measured(ACCURACIES, STANDARD, "last"))
    assert np.isnan(measured({**ACCURACIES, "unseen": None}, PAPER, "unseen"))


def test_unseen_images_are_those_that_the_score_does_not_rest_on() -> None:
    every = Images(Task("g-digits", "none")).test()
    images = Images(Task("g-digits", "none", replace(PAPER, reported_images=100)))
    assert (len(images.test()), len(images.unseen())) == (100, 260)
    assert torch.equal(torch.cat([images.test().labels, images.unseen().labels]), every.labels)
    assert len(Images(Task("g-digits", "none")).unseen()) == 360


def test_where_every_test_image_chooses_none_is_unseen(tiny) -> None:
    task = Task("g-digits", "none", "paper")
    assert train(Training(task, None, architecture(Images(task), ()), tiny.final, 0))["unseen"] is None


def test_each_variant_is_another_network_and_has_a_key_of_its_own(tiny) -> None:
    images = Images(Task("g-digits", "none", "paper"))
    networks = [architecture(images, ("hflip",), variant) for variant in VARIANTS]
    assert len({Training(images.task, None, network, tiny.final, 0).key for network in networks}) == len(VARIANTS)
    spread = [float(build_aen(network, 0).first.weight.std().detach()) for network in networks]
    assert spread[0] == pytest.approx(spread[2])
    assert spread[1] == pytest.approx(spread[3])
    assert spread[1] > 5 * spread[0]  # 1/28 against 1/sqrt(orbits)
    assert [len(build_aen(network, 0).shifts) for network in networks] == [2, 2, 0, 0]


def test_only_networks_of_the_paper_vary() -> None:
    assert variants_of(PAPER) == tuple(VARIANTS)
    assert variants_of(STANDARD) == ("released",)
