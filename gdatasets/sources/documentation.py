"""What a reader must know of images before using them: how they came about, who labeled them, what they are not "
"for."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from gdatasets.errors import InvalidArgumentError
from gdatasets.files import read_whole

_MAX_FILE_BYTES = 64 << 10
_NOT_STATED = "Not stated by the author of the dataset."


@dataclass(frozen=True)
class Documentation:
    """Short statements about a source, each of one or two sentences.

    Attributes:
        collection: where and how the images were taken.
        annotation: who gave the labels, and how.
        biases: what is over- or under-represented.
        limitations: what conclusions the images do not carry.
        symmetry: what rotations and mirrors do to the labels.
        uses: what the images are meant for.
        personal: personal or sensitive information in them.
    """

    collection: str = _NOT_STATED
    annotation: str = "The name of the folder that an image lies in is its class; who chose it was not stated."
    biases: str = _NOT_STATED
    limitations: str = "Whether images of one recording or place are in two splits was not stated."
    symmetry: str = "Whether a moved image still belongs to its class was not stated."
    uses: str = "Measuring how well networks learn from images that are moved by known symmetries."
    personal: str = _NOT_STATED


NOT_STATED = Documentation()
"""Of images about which nothing but their classes is known."""

WRITTEN_BY_HAND = (
    "Upright characters: a quarter or half turn or a mirror makes another character of some, 6 and 9 for example; "
    "labels "
    "stay those of the source."
)


def read_documentation(path: Path, known: Documentation = NOT_STATED) -> Documentation:
    """The statements of a YAML file, `collection: ...`, one a line or more; what it leaves out is as in `known`.

    Raises:
        InvalidArgumentError: it cannot be read, or states something else.
    """
    import yaml  # the catalog imports this module, and reads no file

    names = [field.name for field in fields(Documentation)]
    try:
        stated = yaml.safe_load(read_whole(path, _MAX_FILE_BYTES))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise InvalidArgumentError(f"{path} is no readable YAML file of {', '.join(names)} ({why}).") from error
    if not isinstance(stated, dict) or not all(
        name in names and isinstance(text, str) and text.strip() for name, text in stated.items()
    ):
        raise InvalidArgumentError(f"{path} must state a text for some of {', '.join(names)}, and nothing else.")
    return replace(known, **{name: " ".join(text.split()) for name, text in stated.items()})
