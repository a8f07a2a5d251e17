"""Files of weights: what is written is built again exactly, and hostile files are refused in one line."""

import io
import json
import pickle
import struct
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError, WeightsError
from aenbench.models.aen import Architecture
from aenbench.models.family import Fixed
from aenbench.models.registry import FAMILIES
from aenbench.models.weights import Description, differing, encode_weights, fill, read_description, rebuild
from aenbench.tasks.images import Normalization
from aenbench.tasks.task import TaskShape

BY = Normalization((0.5,), (0.25,))


def all_networks() -> list[Any]:
    """Every fixed baseline of every family, one part of each, and the start of every space."""
    shape, found = TaskShape(), []
    for family in FAMILIES.values():
        if family.name == "escnn":  # built by another library: `test_escnn_c8.py`
            continue
        for name, each in family.baselines.items():
            if isinstance(each, Fixed):
                part = each.parts[-1] if each.parts else ""
                found.append(pytest.param(family, each.network(shape, part, False), id=f"{family.name}-{name}"))
        for protocol in ("standard", "paper") if family.space is not None else ():
            space = family.space(TaskShape(protocol))
            network = space.candidate(space.start).architecture
            found.append(pytest.param(family, network, id=f"{family.name}-start-{protocol}"))
    return found


def described(family: str = "aen", **facts: Any) -> Description:
    return Description(family, facts, TaskShape(), BY)


def written(network: Any, description: Description, seed: int = 1) -> tuple[nn.Module, bytes]:
    model = network.build(torch.Generator().manual_seed(seed)).eval()
    return model, encode_weights(model, description)


@pytest.fixture(scope="module")
def file() -> bytes:
    return written(Architecture(("hflip",)), described(actions=("hflip",)))[1]


def with_header(file: bytes, change: Any) -> bytes:
    """The file with its parsed header changed in place."""
    (length,) = struct.unpack_from("<Q", file)
    header = json.loads(file[8 : 8 + length])
    header = change(header) or header
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + file[8 + length :]


def with_description(file: bytes, change: Any) -> bytes:
    def changed(header: dict[str, Any]) -> None:
        about = json.loads(header["__metadata__"]["aenbench"])
        about = change(about) or about
        header["__metadata__"]["aenbench"] = about if isinstance(about, str) else json.dumps(about)

    return with_header(file, changed)


@pytest.mark.parametrize(("family", "network"), all_networks())
def test_every_network_is_built_again_from_its_file(family: Any, network: Any) -> None:
    """Logits equal bit for bit, though the new network began with other weights."""
    model, content = written(network, Description(family.name, network.facts, network.shape, BY))
    about = read_description(content, "here")
    assert about.names(family.name, network.facts)
    assert about.normalization == BY
    again = rebuild(about, len(content), "here")
    images = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(images)
        assert not torch.equal(again.eval()(images), expected)  # until it is filled
        assert torch.equal(fill(again, content, "here")(images), expected)
    assert not again.training


def test_the_same_network_gives_the_same_bytes(file: bytes) -> None:
    again = written(Architecture(("hflip",)), described(actions=("hflip",)))[1]
    assert again == file
    assert written(Architecture(("hflip",)), described(actions=("hflip",)), seed=2)[1] != file


def test_weights_of_another_network_are_refused(file: bytes) -> None:
    model = Architecture(("rotation",)).build(torch.Generator())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(WeightsError, match=r'here holds weights of another network: "first.bias" is torch.float32 \('):
        fill(model, file, "here")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_state_that_is_more_than_tensors_has_no_file() -> None:
    class Odd(nn.Linear):
        def get_extra_state(self) -> Any:
            return {"code": "os.system"}

    with pytest.raises(InvalidArgumentError, match="more than tensors"):
        encode_weights(Odd(2, 2), described(""))
    encode_weights(nn.Linear(2, 2), described(""))


@pytest.mark.parametrize("length", [0, 7, 8, 100, 700, -1])
def test_a_cut_file_is_refused(file: bytes, length: int) -> None:
    with pytest.raises(WeightsError, match=r"here (is no file of weights|is malformed)") as refused:
        fill(rebuild(read_description(file[:length], "here"), len(file), "here"), file[:length], "here")
    assert "\n" not in str(refused.value)


def drop(*names: str) -> Any:
    return lambda about: {name: value for name, value in about.items() if name not in names}


def put(**values: Any) -> Any:
    return lambda about: about | values


def shape(**values: Any) -> Any:
    return lambda about: about | {"shape": about["shape"] | values}


@pytest.mark.parametrize(
    "change",
    [
        drop("family"),
        drop("shape"),
        drop("normalisation"),
        drop("format"),
        put(format=2),
        put(code="import os"),
        put(family=["aen"]),
        put(facts="actions"),
        put(shape=[]),
        shape(protocol="mine"),
        shape(classes=True),
        shape(classes=0),
        shape(classes=10**9),
        shape(image_size=10**9),
        shape(channels=-1),
        shape(more=1),
        put(normalisation={"mean": [0.5], "deviation": [0.0]}),
        put(normalisation={"mean": [float("nan")], "deviation": [1.0]}),
        put(normalisation={"mean": [0.5] * 3, "deviation": [0.5] * 3}),
        put(normalisation={"mean": "0.5", "deviation": [0.5]}),
        lambda _: "[" * 100_000,
        lambda _: "null",
        lambda _: "\x1b[2J",
    ],
)
def test_a_description_that_is_malformed_is_refused(file: bytes, change: Any) -> None:
    read_description(with_description(file, lambda _: None), "here")  # the honest one
    with pytest.raises(WeightsError, match="here is no file of weights") as refused:
        read_description(with_description(file, change), "here")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"first.weight": 1}),
        b"PK\x03\x04" + bytes(1_000),  # what torch.save writes
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 2) + b"\xff\xff",
    ],
)
def test_what_is_no_file_of_weights_is_refused(content: bytes) -> None:
    with pytest.raises(WeightsError, match="here is no file of weights") as refused:
        read_description(content, "here")
    assert str(refused.value).isprintable()


def test_a_pickled_network_is_never_unpickled() -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was unpickled",))

    stream = io.BytesIO()
    torch.save({"first.weight": Trap()}, stream)
    for content in (pickle.dumps(Trap()), stream.getvalue()):
        with pytest.raises(WeightsError):
            read_description(content, "here")
        with pytest.raises(WeightsError):
            fill(nn.Linear(2, 2), content, "here")


@pytest.mark.parametrize(
    ("family", "facts", "size", "says"),
    [
        ("gcnn", {"group": "d4", "large": True}, 4_096, "fewer weights"),
        ("aen", {"actions": []}, 64, "fewer weights"),
        ("aen", {"actions": []}, 128, "give load_model a module"),
        ("p4cnn", {"group": "so3"}, 28, "impossible network"),
        ("p4cnn", {"group": "c4"}, 27, "impossible network"),
        ("p4cnn", {"group": ["c4"]}, 28, "impossible network"),
        ("p4cnn", {}, 28, "impossible network"),
        ("aen", {"actions": [["hflip"]]}, 28, "impossible network"),
        ("aen", {"actions": 5}, 28, "impossible network"),
        ("mine", {}, 28, 'of the family "mine", which is not built by this package'),
        ("", {}, 28, "not built by this package"),
    ],
)
def test_an_impossible_or_huge_network_is_refused_before_it_is_built(
    family: str, facts: dict[str, Any], size: int, says: str
) -> None:
    about = replace(described(family, **facts), shape=TaskShape(image_size=size))
    tracemalloc.start()
    with pytest.raises(WeightsError, match=says):
        rebuild(about, 10_000, "here")
    assert tracemalloc.get_traced_memory()[1] < 400 << 20
    tracemalloc.stop()


def test_a_stated_class_agrees_where_rounding_could_have_chosen_it() -> None:
    logits = torch.tensor([[0.0, 10.0, 10.0 - 1e-3], [0.0, 10.0, 9.9], [1.0, 1.0, 1.0]])
    assert differing(logits, torch.tensor([1, 1, 2])) == 0
    assert differing(logits, torch.tensor([2, 1, 0])) == 0
    assert differing(logits, torch.tensor([1, 2, 0])) == 1
    assert differing(logits, torch.tensor([0, 0, 0])) == 2
    assert differing(logits, torch.tensor([1, 1, 3])) == 3  # there is no such class
    nan: Tensor = torch.full((1, 3), float("nan"))
    assert differing(nan, torch.tensor([0])) == 1
