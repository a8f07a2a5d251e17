"""How fast a whole training step is, as ratios within one run: against escnn, and against plain convolutions.

    pip install --no-deps --target FOLDER escnn==1.0.11 pymanopt autograd joblib
    python benchmarks/gconv.py --escnn FOLDER       # without it: against the plain network only

A step is forward, loss, backward and optimizer of the network of `GCNNArchitecture`, protocol `standard`, on 64 images
1 x 28 x 28. escnn has the same regular fields, its batch norm, ReLU and pooling, and the same head. The plain network
has as many planes in every layer, in PyTorch's usual layout and in its channels-last one; the faster one is the
reference. Every round takes one step of each network, in turn, and a ratio is the median over rounds. Times are
processor time of this process, on one thread.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.models.escnn_c8 import import_escnn
from aenbench.models.gcnn import GCNNArchitecture, build_gcnn
from aenbench.nn.pooling import InvariantPooling

BATCH = 64
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def build_head(inputs: int) -> nn.Module:
    """That of `GCNN`."""
    dense = (nn.Linear(inputs, 100), nn.ReLU(), nn.Dropout(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
    return nn.Sequential(nn.Flatten(), *dense)


def build_plain(width: int) -> nn.Module:
    """The same layers as plain convolutions of `width` planes."""
    layers: list[nn.Module] = []
    for k in range(4):
        layers += [nn.Conv2d(width if k else 1, width, 3, bias=False), nn.BatchNorm2d(width)]
        layers += [nn.MaxPool2d(2), nn.ReLU()] if k % 2 else [nn.ReLU()]
    return nn.Sequential(*layers, build_head(16 * width))


def build_escnn(group: str, width: int) -> Any:
    """The same layers by escnn 1.0.11: regular fields."""
    from escnn import gspaces
    from escnn import nn as enn

    space = gspaces.rot2dOnR2(4) if group == "c4" else gspaces.flipRot2dOnR2(4)
    fields = enn.FieldType(space, width * [space.regular_repr])
    image = enn.FieldType(space, [space.trivial_repr])

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[Any] = []
            for k in range(4):
                layers += [enn.R2Conv(fields if k else image, fields, 3, bias=False, initialize=False)]
                nn.init.normal_(layers[-1].weights, std=0.1)
                layers += [enn.InnerBatchNorm(fields)]
                layers += [enn.PointwiseMaxPool2D(fields, 2)] if k % 2 else []
                layers += [enn.ReLU(fields)]
            self.layers = enn.SequentialModule(*layers)
            self.invariants = InvariantPooling(group, 4)
            self.head = build_head(16 * width)

        def forward(self, images: Tensor) -> Tensor:
            planes = self.layers(enn.GeometricTensor(images, image)).tensor
            invariants = self.invariants(planes.unflatten(1, (width, -1)))
            return self.head(invariants)  # type: ignore[no-any-return]

    return Network()


def training_step(network: nn.Module, images: Tensor, labels: Tensor, precision: str) -> Callable[[], None]:
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    dtype = PRECISIONS[precision]

    def step() -> None:
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            logits = network(images)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, each network beginning a round in turn."""
    for call in calls.values():
        for _ in range(3):
            call()
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            times[name].append(seconds(calls[name]))
    return times


def ratio(times: dict[str, list[float]], name: str, reference: str) -> float:
    return statistics.median(one / other for one, other in zip(times[name], times[reference], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of a training step to escnn's and to a plain network's.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--escnn", metavar="FOLDER", help="where escnn 1.0.11 is installed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.escnn:
        sys.path.append(options.escnn)
        import_escnn()
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))
    for group in ("c4", "d4"):
        architecture = GCNNArchitecture(group)
        planes = architecture.width * architecture.order
        for precision in PRECISIONS:
            networks = {"plain": build_plain(planes), "ours": build_gcnn(architecture, 0)}
            networks["plain, channels last"] = build_plain(planes).to(memory_format=torch.channels_last)
            if options.escnn:
                networks["escnn"] = build_escnn(group, architecture.width)
            calls = {
                name: training_step(network, last(images) if "last" in name else images, labels, precision)
                for name, network in networks.items()
            }
            times = measure(calls, options.rounds)
            for name in times:
                print(
                    f"{group} {architecture.width} x {architecture.order} {precision:8} {name:20} "
                    f"{1e3 * statistics.median(times[name]) / BATCH:6.3f} ms an image; "
                    f"ours is {ratio(times, 'ours', name):.3f} of it"
                )


def last(images: Tensor) -> Tensor:
    """Channels-last images, for one channel too: PyTorch tells by the strides."""
    rows: Tensor = images.flatten(1).unflatten(1, (*images.shape[2:], 1))  # type: ignore[no-untyped-call]
    return rows.permute(0, 3, 1, 2)


if __name__ == "__main__":
    main()
