"""Weights of a network as a file: safetensors, with a description in its metadata that is data, never code.

The description names the family, the facts that an entry states of the network, and what the network fits; from these
the package builds it again. It also holds the normalization of the images. Nothing in a file is run, and a file gives
no more memory than it has bytes: its tensors must be those of the network that the description names.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError, WeightsError
from aenbench.models.registry import FAMILIES
from aenbench.tasks.images import Normalization
from aenbench.tasks.protocol import PROTOCOLS
from aenbench.tasks.task import TaskShape
from gdatasets.errors import GDatasetsError
from gdatasets.visible_text import visible

MAX_WEIGHTS_BYTES = 256 << 20
"""The largest file of weights that is written or read."""

_KEY, _FORMAT = "aenbench", 1
_NORMALIZATION = "normalisation"  # so the files spell it, which have digests
_MAX_HEADER = 1 << 20
_TOLERANCE = 1e-3  # of the spread of an image's logits
_BYTES = 4  # of a parameter
_LARGEST = TaskShape(classes=256, image_size=4_096, channels=4)


@dataclass(frozen=True)
class Description:
    """What a network is, without its weights.

    Attributes:
        family: of `aenbench.models.registry`; empty for a network that the package does not build: one of a user's own,
            or of a group that is given as a file.
        facts: what an entry states of the network, in the fields of the family.
        shape: what it fits.
        normalization: of the images that it takes.
    """

    family: str
    facts: Mapping[str, Any]
    shape: TaskShape
    normalization: Normalization

    @property
    def text(self) -> str:
        """As JSON; equal descriptions give equal texts."""
        shape = {**asdict(self.shape), "protocol": self.shape.protocol.name}
        values = {"format": _FORMAT, "family": self.family, "facts": dict(self.facts), "shape": shape}
        return json.dumps(values | {_NORMALIZATION: asdict(self.normalization)}, sort_keys=True)

    def names(self, family: str, facts: Mapping[str, Any]) -> bool:
        """Whether it is of the network that is stated elsewhere."""
        return (self.family, _plain(self.facts)) == (family, _plain(facts))


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON gives them: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(facts)))
    return plain


def encode_weights(model: nn.Module, description: Description, limit: int = MAX_WEIGHTS_BYTES) -> bytes:
    """The state of a model as a file of no more than so many bytes.

    Raises:
        InvalidArgumentError: the state holds more than tensors, or the file would be larger.
    """
    state = model.state_dict()
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise InvalidArgumentError("The state of this network holds more than tensors; run it without --weights.")
    apart = {  # safetensors refuses tensors that share memory
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()
    }
    content = safetensors.torch.save(apart, {_KEY: description.text})
    if len(content) > limit:
        instead = (
            "give --weights another folder than --out" if limit < MAX_WEIGHTS_BYTES else "run it without --weights"
        )
        raise InvalidArgumentError(
            f"The weights of this network take {len(content):,} bytes, and at most {limit:,} are kept there; {instead}."
        )
    return content


def read_description(content: bytes, where: str) -> Description:
    """What a file says of its network.

    Args:
        content: of the file.
        where: names it in errors.

    Raises:
        WeightsError: it is cut, malformed, or says nothing that is understood here.
    """
    try:
        (length,) = struct.unpack_from("<Q", content)
        if length > min(_MAX_HEADER, len(content) - 8):
            raise ValueError("its header is cut, or too long")
        header = json.loads(content[8 : 8 + length].decode())
        about = json.loads(header["__metadata__"][_KEY])
        if about.pop("format") != _FORMAT:
            raise ValueError("its format is not known here")
        shape, normalization = about.pop("shape"), about.pop(_NORMALIZATION)
        found = Description(
            shape=_shape(**shape),
            normalization=_normalization(shape["channels"], **normalization),
            **about,
        )
        if not isinstance(found.family, str) or not isinstance(found.facts, dict):
            raise ValueError("its description is malformed")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error, GDatasetsError) as error:
        raise WeightsError(f"{where} is no file of weights ({_said(error)}); download or make it again.") from error
    return found


def _shape(protocol: str, classes: int, image_size: int, channels: int) -> TaskShape:
    for value, largest in ((classes, _LARGEST.classes), (image_size, _LARGEST.image_size), (channels, 4)):
        if type(value) is not int or not 1 <= value <= largest:
            raise ValueError(f"expected a number from 1 to {largest:,} in its shape")
    return TaskShape(PROTOCOLS[protocol], classes, image_size, channels)


def _normalization(channels: int, mean: list[float], deviation: list[float]) -> Normalization:
    values = [*mean, *deviation]
    if not all(type(value) is float and math.isfinite(value) for value in values) or min(deviation) <= 0:
        raise ValueError("its normalization is malformed")
    if not len(mean) == len(deviation) == channels:
        raise ValueError("its normalization has another number of channels")
    return Normalization(tuple(mean), tuple(deviation))


def _said(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "")
    return visible(text, 200) or type(error).__name__


def rebuild(description: Description, limit: int, where: str) -> nn.Module:
    """The network of a description, with weights of no meaning.

    Args:
        description: of the network.
        limit: bytes that its parameters may take: those of the file that is to fill it.
        where: names the file in errors.

    Raises:
        WeightsError: the package builds no such network, or the file is too short for it.
    """
    family = FAMILIES.get(description.family)
    if family is None:
        what = f'of the family "{visible(description.family, 100)}", which is' if description.family else "that is"
        raise WeightsError(
            f"{where} is of a network {what} not built by this package: nothing of a file is run. Give load_model a "
            "module to fill, `module=MyNet()`."
        )
    try:
        network = family.rebuild({**description.facts, **_as_tuples(description.facts)}, description.shape)
        if network is None:
            raise WeightsError(
                f"{where}: {family.name} builds no network for images of {description.shape.image_size} pixels from "
                "what an entry states; give load_model a module to fill, `module=...`."
            )
        if network.parameter_count * _BYTES > limit:
            raise WeightsError(f"{where} holds fewer weights than the network that it names; download it again.")
        return network.build(torch.Generator().manual_seed(0))
    except WeightsError:
        raise
    except (GDatasetsError, LookupError, TypeError, ValueError) as error:
        raise WeightsError(f"{where} names an impossible network ({_said(error)}); download it again.") from error


def _as_tuples(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}


def fill(model: nn.Module, content: bytes, where: str) -> nn.Module:
    """Load a file's tensors into a model, all or none; it is then in evaluation mode.

    Raises:
        WeightsError: the tensors are not those of the model, or the file is malformed.
    """
    expected = model.state_dict()
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{where} is malformed ({_said(error)}); download or make it again.") from error
    for name in sorted(tensors.keys() | expected.keys()):
        found, wanted = (_form(state.get(name)) for state in (tensors, expected))
        if found != wanted:
            raise WeightsError(
                f'{where} holds weights of another network: "{visible(name, 100)}" is {found}, expected {wanted}.'
            )
    model.load_state_dict(tensors)
    return model.eval()


def _form(tensor: Any) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else "missing"


def differing(logits: Tensor, predictions: Tensor) -> int:
    """Images whose stated class is not the most likely one, up to rounding.

    Another machine sums in another order, so logits that are equal up to rounding may change places. The stated class
    of an image agrees where its logit is below the largest by at most a thousandth of the spread of the image's logits.

    Args:
        logits: (n, classes).
        predictions: stated classes, integers (n,).
    """
    if int(predictions.max()) >= logits.shape[1]:
        return len(predictions)
    largest, smallest = logits.amax(dim=1), logits.amin(dim=1)
    stated = logits.gather(1, predictions.long().unsqueeze(1)).squeeze(1)
    return int((~(stated >= largest - _TOLERANCE * (largest - smallest))).sum())
