"""How fast the group convolutions are, as ratios within one run: plain convolutions of the same width, and escnn.

    python benchmarks/gconv.py                      # against torch.nn.Conv2d
    /path/to/escnn/environment/bin/python benchmarks/gconv.py   # and against escnn, where it is installed

The network is the paper's large one without its head: 4 layers 3 x 3 and two poolings on 32 images 1 x 28 x 28, C4 with
10 channels and D4 with 5 (x order planes). Every round runs each network once, one after the other, in turn, and a
ratio is the median over rounds. Times are processor time of this process, on one thread: on a machine that does nothing
else, the time on the clock. escnn 1.0.11 needs an environment of its own, without scikit-learn:
`pip install numpy==1.26.4 scipy torch sympy` and
`pip install --no-deps lie-learn joblib pymanopt autograd escnn==1.0.11`.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.models.gcnn import GCNN, GCNNArchitecture, build_gcnn

BATCH = 32


class Features(nn.Module):
    """A GCNN without its head."""

    def __init__(self, network: GCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.features(images)


def build_plain(width: int) -> nn.Module:
    """The same layers as plain convolutions of `width` planes."""
    convolutions = [nn.Conv2d(1 if k == 0 else width, width, 3) for k in range(4)]
    layers: list[nn.Module] = []
    for k, convolution in enumerate(convolutions):
        layers += [convolution, nn.ReLU()] + ([nn.MaxPool2d(2)] if k % 2 else [])
    return nn.Sequential(*layers)


def build_escnn(group: str, width: int) -> Any:
    """The same layers by escnn 1.0.11: regular fields, planes pooled by PyTorch."""
    from escnn import gspaces
    from escnn import nn as enn

    space = gspaces.rot2dOnR2(4) if group == "c4" else gspaces.flipRot2dOnR2(4)
    fields = enn.FieldType(space, width * [space.regular_repr])
    image = enn.FieldType(space, [space.trivial_repr])

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = nn.ModuleList(
                enn.R2Conv(image if k == 0 else fields, fields, 3, bias=True, initialize=k < 0) for k in range(4)
            )
            for convolution in self.convolutions:
                nn.init.normal_(convolution.weights, std=0.1)
            self.relu = enn.ReLU(fields)

        def forward(self, images: Tensor) -> Tensor:
            x = enn.GeometricTensor(images, image)
            for k, convolution in enumerate(self.convolutions):
                x = self.relu(convolution(x))
                if k % 2:
                    x = enn.GeometricTensor(nn.functional.max_pool2d(x.tensor, 2), fields)
            return x.tensor

    return Network()


def train_step(network: nn.Module, images: Tensor) -> Callable[[], None]:
    network.train()

    def step() -> None:
        for parameter in network.parameters():
            parameter.grad = None
        network(images).square().mean().backward()

    return step


def evaluation(network: nn.Module, images: Tensor) -> Callable[[], None]:
    def step() -> None:
        with torch.no_grad():
            network(images)

    return step


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(title: str, calls: dict[str, Callable[[], object]], reference: str, rounds: int) -> None:
    """Median time of each, and median over rounds of its time by the reference's in the same round."""
    for call in calls.values():
        for _ in range(3):
            call()
    names, times = list(calls), {name: [] for name in calls}
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            times[name].append(seconds(calls[name]))
    for name in names:
        ratios = [one / other for one, other in zip(times[name], times[reference], strict=True)]
        print(
            f"{title:13} {name:14} {1e3 * statistics.median(times[name]):8.2f} ms, least {1e3 * min(times[name]):8.2f}"
            f"  = {statistics.median(ratios):.3f} x {reference} (least: {min(times[name]) / min(times[reference]):.3f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of group convolutions to plain ones and to escnn.")
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with_escnn = importlib.util.find_spec("escnn") is not None
    images = torch.randn(BATCH, 1, 28, 28)
    for group in ("c4", "d4"):
        architecture = GCNNArchitecture(group, large=True, protocol="paper")
        width, order = architecture.width, architecture.order
        networks = {f"plain {width * order}": build_plain(width * order)}
        ours = f"ours {group} {width} x {order}"
        networks[ours] = Features(build_gcnn(architecture, 0))
        if with_escnn:
            networks["escnn"] = build_escnn(group, width)
        plain = next(iter(networks))
        compare("train", {name: train_step(net, images) for name, net in networks.items()}, plain, rounds)
        for network in networks.values():
            network.eval()
        compare("evaluation", {name: evaluation(net, images) for name, net in networks.items()}, plain, rounds)
        builds: dict[str, Callable[[], object]] = {ours: lambda made=architecture: build_gcnn(made, 0)}
        if with_escnn:
            builds["escnn"] = lambda group=group, width=width: build_escnn(group, width)
        compare("construction", builds, ours, 10)


if __name__ == "__main__":
    main()
