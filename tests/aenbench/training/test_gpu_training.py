"""Training on a device, which is pretended: the same values, the same order, no waiting, nothing on the wrong side.

What a real GPU does otherwise is not seen here; docs/gpu.md lists it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from aenbench.execution.device import CPU, Device
from aenbench.execution.threads import one_thread
from aenbench.models.registry import find_offer
from aenbench.tasks.images import LabeledImages
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import AUGMENTATIONS, Augmentation
from aenbench.training.candidate import Candidate
from aenbench.training.checkpoint import Checkpoint
from aenbench.training.fit import compute_logits, derive_seed, device_of, dropout_seeded, fit
from aenbench.training.recipe import Recipe
from aenbench.training.trial import Trained, Training, train

SIZE = 12
FAMILIES = ("full", "gcnn:d4", "z2cnn", "p4m", "cnn", "resnet:c4")


def images(count: int, seed: int, size: int = 28) -> LabeledImages:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(count, 1, size, size, generator=generator)
    return LabeledImages(pixels, torch.randint(10, (count,), generator=generator), (-0.5,))


class Small(nn.Module):
    """Convolution, batch norm, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten())
        self.head = nn.Linear(4 * (SIZE - 2) ** 2, 10)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(pixels))
        return logits


class Mixing(Small):
    """Keeps a table that does not follow it to a device."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.ones(10)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return super().forward(pixels) + self.table


class Made:
    """A network that a class makes."""

    def __init__(self, kind: type[nn.Module] = Small) -> None:
        self.kind, self.facts = kind, {}  # type: ignore[var-annotated]

    def build(self, generator: torch.Generator) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            return self.kind()


def trained(candidate: Candidate, recipe: Recipe, device: Device, size: int, **other: Any) -> Trained:
    with one_thread():
        job = Training(candidate, recipe, 3, "final", device)
        return train(job, images(48, 0, size), images(20, 1, size), **other)


def assert_equal(one: nn.Module, other: nn.Module) -> None:
    state = {name: value.cpu() for name, value in other.state_dict().items()}
    assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_trains_on_a_device_as_on_the_cpu(
    name: str, pretended_gpu: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aenbench.nn.batchnorm._FEW", 0)  # batch norm by PyTorch's own kernels, as on a GPU
    offer = find_offer(name)
    candidate = Candidate(offer.baseline.network(TaskShape(), offer.part, False))  # type: ignore[union-attr]
    recipe = Recipe(32, 1, 16)
    here = trained(candidate, recipe, CPU, 28)
    with pretended_gpu() as (device, seen):
        there = trained(candidate, recipe, device, 28)
        assert {parameter.device for parameter in there.model.parameters()} == {device.torch}
        assert seen["reads"] == 3
        assert here.history == there.history
        assert_equal(here.model, there.model)


@pytest.mark.parametrize("name", ["gcnn:d4", "p4cnn", "resnet:c4"])
def test_the_layout_of_a_gpu_gives_the_same_up_to_rounding(name: str, pretended_gpu: Callable[..., Any]) -> None:
    """The control is another seed."""
    offer = find_offer(name)
    candidate = Candidate(offer.baseline.network(TaskShape(), offer.part, False))  # type: ignore[union-attr]
    learn, choose_by = images(32, 0), images(8, 1)

    def losses(device: Device, seed: int = 3) -> list[float]:
        with one_thread():
            job = Training(candidate, Recipe(32, 2, 16), seed, "child", device)
            return [each.loss for each in train(job, learn, choose_by).history]

    here, control = losses(CPU), losses(CPU, seed=4)
    with pretended_gpu(says_cuda=True) as (device, _):
        assert torch.ones(2, device=device.torch).is_cuda
        there = losses(device)
    assert there == pytest.approx(here, rel=1e-4)
    assert control != pytest.approx(here, rel=1e-3)


@pytest.mark.parametrize(
    ("optimizer", "schedule"), [("adam", "constant"), ("adamw", "one-cycle"), ("sgd", "one-cycle"), ("adamw", "cosine")]
)
def test_order_and_augmentation_are_drawn_on_the_cpu_and_no_step_waits(
    optimizer: Any, schedule: Any, pretended_gpu: Callable[[], Any]
) -> None:
    """Three readings a pass: the sum of its losses, and the logits and labels of the images to choose by."""
    candidate = Candidate(Made(), Augmentation(AUGMENTATIONS))
    recipe = Recipe(48, 3, 8, optimiser=optimizer, schedule=schedule, label_smoothing=0.1)
    here = trained(candidate, recipe, CPU, SIZE)
    with pretended_gpu() as (device, seen):
        there = trained(candidate, recipe, device, SIZE)
        assert seen["reads"] == 3 * 3
        torch.ones(3, device=device.torch).sum().item()  # what is counted
        assert seen["reads"] == 3 * 3 + 1
        assert here.history == there.history
        assert_equal(here.model, there.model)


def test_a_network_that_stays_behind_fails_as_on_a_gpu(pretended_gpu: Callable[[], Any]) -> None:
    trained(Candidate(Made(Mixing)), Recipe(16, 1, 8), CPU, SIZE)
    with pretended_gpu() as (device, _), pytest.raises(RuntimeError, match="same device"):
        trained(Candidate(Made(Mixing)), Recipe(16, 1, 8), device, SIZE)


def test_logits_come_back_to_the_cpu(pretended_gpu: Callable[[], Any]) -> None:
    model, data = Small(), images(7, 2, SIZE)
    expected = compute_logits(model, data.images, 3)
    with pretended_gpu() as (device, _):
        from aenbench.training import fit as where

        model.to(device.torch)
        assert device_of(model) == device.torch
        for pixels in (data.images, data.images.to(device.torch)):
            logits = where.compute_logits(model, pixels, 3)
            assert logits.device.type == "cpu"
            assert torch.equal(logits, expected)


@pytest.mark.filterwarnings("ignore:.*from a non-meta parameter:UserWarning")  # it takes the pretended one for `meta`
@pytest.mark.parametrize(("first", "second"), [("gpu", "gpu"), ("gpu", "cpu"), ("cpu", "gpu")])
def test_a_checkpoint_of_a_device_is_taken_up(
    first: str, second: str, tmp_path: Path, pretended_gpu: Callable[[], Any]
) -> None:
    """The file knows no device: `Plan.final_identity` is what keeps them apart."""
    recipe, candidate = Recipe(48, 4, 8, schedule="one-cycle", optimiser="adamw"), Candidate(Made())
    whole = trained(candidate, recipe, CPU, SIZE)

    def stop(done: int, *_: object) -> None:
        if done == 2:
            raise InterruptedError

    with pretended_gpu() as (device, _):
        by_name = {"cpu": CPU, "gpu": device}
        kept = Checkpoint(tmp_path / "state", "plan", interval=0)
        with pytest.raises(InterruptedError):
            trained(candidate, recipe, by_name[first], SIZE, on_pass=stop, checkpoint=kept)
        again = trained(candidate, recipe, by_name[second], SIZE, checkpoint=kept)
        assert again.history == whole.history
        assert_equal(whole.model, again.model)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_of_a_pass_is_the_sum_in_python_bit_for_bit(precision: Any) -> None:
    """The loop as it was, which read the loss at each step, is the oracle."""
    recipe, data = Recipe(45, 3, 8, precision=precision), images(45, 5, SIZE)
    oracle, model = (Made().build(torch.Generator().manual_seed(0)) for _ in range(2))
    generator, expected = torch.Generator().manual_seed(derive_seed(7, "order")), []
    optimizer = recipe.optimiser_of(oracle)
    with one_thread():
        fitted = fit(model, data, data.first(2), recipe, 7)
        for number in range(3):
            total, order = 0.0, torch.randperm(45, generator=generator)
            oracle.train()
            with dropout_seeded(derive_seed(7, "dropout", str(number)), torch.device("cpu")):
                for chosen in recipe.batches(order):
                    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                        logits = oracle(data.images[chosen])
                    loss = nn.functional.cross_entropy(logits.float(), data.labels[chosen])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item() * len(chosen)
            expected.append(total / 45)
    assert list(fitted.losses) == expected
    assert_equal(oracle, model)


def test_dropout_leaves_the_global_generator_as_it_was() -> None:
    before = torch.random.get_rng_state()
    with dropout_seeded(5, torch.device("cpu")):
        drawn = torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(5)))


def test_dropout_on_a_gpu_seeds_that_gpu_and_puts_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []

    class Current:
        def __init__(self, number: int) -> None:
            self.number = number

        def __enter__(self) -> None:
            said.append(f"use {self.number}")

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(torch.cuda, "device", Current)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: said.append(f"seed {seed}"))
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda gpu: said.append(f"keep {gpu}") or gpu)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, *_: said.append(f"put back {state}"))
    for device, number in (("cuda:1", 1), ("cuda", 2)):
        said.clear()
        with dropout_seeded(5, torch.device(device)):
            pass
        assert [word for word in said if "use" not in str(word)] == [f"keep {number}", "seed 5", f"put back {number}"]
        assert f"use {number}" in said
