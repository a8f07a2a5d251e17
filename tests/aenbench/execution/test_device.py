"""Devices by name, what is said where there is none, and what PyTorch is set to while a GPU is in use."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from aenbench.errors import ExecutorError, InvalidArgumentError
from aenbench.execution import executors
from aenbench.execution.device import CPU, Device
from aenbench.execution.executors import RayExecutor, executor_from


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets PyTorch say that there are so many."""

    def there_are(count: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return there_are


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1\n", "cpu:0", "cuda:0001", "mps"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Unknown device"):
        Device.parse(name)


def test_auto_takes_a_gpu_only_where_there_is_one(gpus: Any) -> None:
    gpus(0)
    assert Device.parse("auto") == CPU
    gpus(1)
    assert Device.parse("auto") == Device("cuda")


def test_which_gpu_it_is_decides_nothing_and_the_processor_leaves_identities_as_they_were() -> None:
    assert Device("cuda:1").kind == Device("cuda").kind == "cuda"
    assert Device("cuda:1").identity == Device("cuda").identity != CPU.identity == ""


@pytest.mark.parametrize(("count", "name"), [(0, "cuda"), (0, "cuda:1"), (1, "cuda:1"), (2, "cuda:7")])
def test_a_gpu_that_does_not_exist_is_one_line(gpus: Any, count: int, name: str) -> None:
    gpus(count)
    with pytest.raises(ExecutorError) as raised:
        executor_from("local", device=Device(name))
    assert f"--device {name}" in str(raised.value)
    assert "--device auto" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_gpu_has_one_worker(gpus: Any) -> None:
    gpus(2)
    assert executor_from("local", device=Device("cuda:1")).workers == 1
    assert executor_from("local", 1, device=Device("cuda")).workers == 1
    assert executor_from("local", 2, device=CPU).workers == 2
    with pytest.raises(InvalidArgumentError, match="one worker for a GPU"):
        executor_from("local", 2, device=Device("cuda"))


class _Ray:
    """What of Ray an executor asks for its resources."""

    def __init__(self, gpus: int) -> None:
        self.gpus, self.wanted, self.is_over = gpus, {}, False  # type: ignore[var-annotated]

    def is_initialized(self) -> bool:
        return False

    def init(self, **_: object) -> None:
        pass

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 16.0, **({"GPU": float(self.gpus)} if self.gpus else {})}

    def remote(self, **wanted: object) -> Any:
        self.wanted = wanted
        return lambda function: SimpleNamespace(remote=function)

    def shutdown(self) -> None:
        self.is_over = True


def test_a_task_of_ray_asks_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = _Ray(gpus=3)
    monkeypatch.setattr(executors, "_import_ray", lambda: ray)
    with executor_from("ray", device=Device("cuda")) as executor:
        assert (executor.workers, ray.wanted["num_gpus"]) == (3, 1)
    with RayExecutor() as executor:
        assert (executor.workers, ray.wanted["num_gpus"]) == (16, 0)


def test_a_cluster_without_gpus_is_one_line_and_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = _Ray(gpus=0)
    monkeypatch.setattr(executors, "_import_ray", lambda: ray)
    with pytest.raises(ExecutorError, match="Ray has no GPU"):
        executor_from("ray", device=Device("cuda"))
    assert ray.is_over
    with pytest.raises(InvalidArgumentError, match="Ray chooses"):
        executor_from("ray", device=Device("cuda:1"))


def _settings() -> tuple[object, ...]:
    backends = torch.backends
    return (
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        backends.cudnn.benchmark,
        backends.cudnn.deterministic,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def test_settings_hold_while_a_gpu_is_in_use_and_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = _settings()
    seen = []

    def fail() -> None:
        with Device("cuda").in_use():
            seen.append(_settings())
            with Device("cuda:1").in_use():
                pass
            seen.append(_settings())
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert seen == 2 * [(False, False, False, True, True, True)]
    assert _settings() == before != seen[0]


def test_nothing_is_set_for_the_processor() -> None:
    before = _settings()
    with CPU.in_use():
        assert _settings() == before


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--baseline", "mlp", "--dataset", "g-digits"),
        ("tabulate", "--dataset", "g-digits"),
        ("discover", "g-digits"),
    ],
)
def test_a_command_without_its_gpu_ends_in_one_line_before_anything_is_written(
    command: tuple[str, ...], gpus: Any, run_program: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(0)
    monkeypatch.chdir(tmp_path)
    code, said = run_program("aenbench", *command, "--device", "cuda")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "finds no GPU here" in said
    assert list(tmp_path.iterdir()) == []
