"""A training that is cut anywhere and taken up again ends bit for bit as one that was never cut."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from aenbench.errors import StoreError
from aenbench.execution.threads import one_thread
from aenbench.tasks.images import LabeledImages
from aenbench.training.augmentation import Augmentation
from aenbench.training.checkpoint import Checkpoint
from aenbench.training.fit import Fit, fit
from aenbench.training.recipe import Recipe

PASSES = 5
LEARN, CHOOSE_BY = (
    LabeledImages(torch.randn(n, 1, 12, 12, generator=torch.Generator().manual_seed(n)), torch.arange(n) % 3)
    for n in (96, 60)
)


class Tied(nn.Module):
    """Convolution (channels last), batch norm, dropout, and one weight that is used under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten())
        self.features.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = nn.Linear(400, 3)
        self.same = self.head

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


class Talkative(Tied):
    """A module whose state is more than tensors."""

    def get_extra_state(self) -> object:
        return {"words": "more"}

    def set_extra_state(self, state: object) -> None:
        assert state


def train(
    checkpoint: Checkpoint | None = None,
    *,
    stop_after: int = 0,
    optimizer: str = "adam",
    schedule: str = "constant",
    keep_best: bool = True,
    make: Callable[[], nn.Module] = Tied,
    seed: int = 0,
    measured_every: int = 1,
) -> tuple[nn.Module, Fit]:
    """Train from the same start; end as a killed process does where `stop_after` says."""

    def stop(done: int, *_: object) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(7)
        model = make()
        recipe = Recipe(
            96,
            PASSES,
            16,
            1e-2,
            optimizer,  # type: ignore[arg-type]
            schedule=schedule,  # type: ignore[arg-type]
            measured_every=measured_every,
        )
        augmentation = Augmentation(("rotate", "hflip"))
        return model, fit(model, LEARN, CHOOSE_BY, recipe, seed, keep_best, stop, augmentation, checkpoint)


def equal(one: tuple[nn.Module, Fit], other: tuple[nn.Module, Fit]) -> bool:
    states = one[0].state_dict(), other[0].state_dict()
    same = all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    return same and one[1].accuracies == other[1].accuracies and one[1].history == other[1].history


@pytest.mark.parametrize(
    ("optimizer", "schedule"), [("adam", "constant"), ("sgd", "one-cycle"), ("adamw", "one-cycle"), ("sgd", "cosine")]
)
@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize("cuts", [[1], [2, 4], [1, 2, 3, 4, 5]])
def test_a_training_that_is_cut_ends_as_one_that_is_not(
    tmp_path: Path, optimizer: str, schedule: str, keep_best: bool, cuts: list[int]
) -> None:
    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=0)
    recipe = {"optimizer": optimizer, "schedule": schedule, "keep_best": keep_best}
    for cut in cuts:
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint, stop_after=cut, **recipe)
    resumed = train(checkpoint, **recipe)
    assert equal(resumed, train(**recipe))
    assert not equal(resumed, train(**recipe, seed=1))  # what `equal` can say


@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_passes_that_share_a_measurement_change_neither_the_training_nor_its_resumption(
    tmp_path: Path, cut: int, schedule: str
) -> None:
    """Of five passes the second, the fourth and the last are measured."""
    each = train(schedule=schedule, keep_best=False)
    every_two = train(schedule=schedule, keep_best=False, measured_every=2)
    for name, values in each[0].state_dict().items():
        assert torch.equal(values, every_two[0].state_dict()[name])
    assert every_two[1].accuracies == tuple(each[1].accuracies[number] for number in (1, 3, 4))
    assert every_two[1].rates == tuple(each[1].rates[number] for number in (1, 3, 4))
    losses = each[1].losses
    assert every_two[1].losses == pytest.approx(((losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2, losses[4]))

    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=0)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, stop_after=cut, schedule=schedule, measured_every=2)
    resumed = train(checkpoint, schedule=schedule, measured_every=2)
    assert equal(resumed, train(schedule=schedule, measured_every=2))
    assert not equal(resumed, train(schedule=schedule))


def test_only_the_passes_that_are_missing_are_trained(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=0)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, stop_after=3)
    trained: list[int] = []
    with one_thread():
        fit(
            Tied(),
            LEARN,
            CHOOSE_BY,
            Recipe(96, PASSES, 16, 1e-2),
            0,
            True,
            lambda done, *_: trained.append(done),
            checkpoint=checkpoint,
        )
    assert trained == [4, 5]


def test_short_passes_share_a_checkpoint_and_the_last_is_written(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=3_600)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, stop_after=4)
    assert not checkpoint.path.exists()
    train(checkpoint)
    assert checkpoint.path.exists()


def test_a_module_with_more_than_tensors_is_trained_without(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=0)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, stop_after=2, make=Talkative)
    assert not checkpoint.path.exists()


def test_another_plan_is_refused(tmp_path: Path) -> None:
    train(Checkpoint(tmp_path / "one", "a plan", interval=0))
    before = (tmp_path / "one").read_bytes()
    with pytest.raises(StoreError, match=r"one holds a training of another plan, or of code .* since; move it away"):
        train(Checkpoint(tmp_path / "one", "another plan", interval=0))
    assert (tmp_path / "one").read_bytes() == before


def test_a_network_whose_code_was_edited_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights would be neither those of the old code nor those of the new."""
    source = """
from torch import nn

class Edited(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(144, 3)

    def forward(self, images):
        return self.dense(images.flatten(1)).relu()
"""
    monkeypatch.syspath_prepend(tmp_path)

    def module(text: str) -> Any:
        (tmp_path / "edited_network.py").write_text(text)
        sys.modules.pop("edited_network", None)
        importlib.invalidate_caches()
        return importlib.import_module("edited_network").Edited

    checkpoint = Checkpoint(tmp_path / "one", "a plan", interval=0)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, stop_after=2, make=module(source))
    with pytest.raises(StoreError, match="code that has changed since"):
        train(checkpoint, make=module(source.replace("relu", "tanh")))
    assert len(train(checkpoint, make=module(source))[1].accuracies) == PASSES
    sys.modules.pop("edited_network", None)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "one"
    train(Checkpoint(path, "a plan", interval=0))
    return path.read_bytes()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_damaged_file_is_taken_up(
    content: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                content[:place],
                content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
                content + b"\0",
            ]
        )
    )
    path = tmp_path_factory.mktemp("damaged") / "one"
    path.write_bytes(changed)
    with pytest.raises(StoreError, match="is damaged and left as it is; move it away"):
        train(Checkpoint(path, "a plan"))
    assert path.read_bytes() == changed


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "one"
    with path.open("wb") as stream:
        stream.truncate(1 << 33)
    with pytest.raises(StoreError, match="larger than"):
        train(Checkpoint(path, "a plan"))
