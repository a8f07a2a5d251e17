"""What the images of a table say of its moves, as a small file beside it: `<space>-<protocol>.effects.json`.

Searches that ask the images (`discover`, `guided`) are judged on tables by it, on machines without the images too.
For each training seed it holds the effects, and the processor seconds that measuring them took.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aenbench.errors import TableError
from aenbench.search.evidence import Evidence, ask_images
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root, Task
from gdatasets.files import read_whole, write_whole

_MAX_BYTES = 256 << 10
_Real = Annotated[float, Field(ge=-1_000, le=1_000)]
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class SeedEffects(BaseModel):
    """What one training seed's look at the images gave; see `Evidence`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    seed: Annotated[int, Field(ge=0, lt=1 << 53)]
    effects: Annotated[dict[_Name, _Real], Field(max_length=1_000)]
    control: _Real
    seconds: Annotated[float, Field(ge=0, le=1e6)]


class TableEffects(BaseModel):
    """The file: which images, and what each seed's look at them gave."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    train_content_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    candidates: _Name
    seeds: Annotated[list[SeedEffects], Field(min_length=1, max_length=100)]


def effects_path(table: Path) -> Path:
    """Where the effects of a table's file belong."""
    return table.with_suffix(".effects.json")


def measure_effects(table: Table, root: Root = None, images: Images | None = None) -> TableEffects:
    """Ask the images that the networks of a table learn from, once for each of its seeds.

    Args:
        table: names its dataset.
        root: a folder to look for images in first.
        images: those of the table; by default the dataset is found by its name, which a folder of one's own may not be.

    Raises:
        SourceError: the images are not on this machine.
        TableError: they are others than those of the table.
        InvalidArgumentError: the table's space names no moves.
    """
    info = table.info
    images = images or Images(Task(info.dataset, info.configuration, table.protocol), root)
    if images.dataset.digest("train") != info.train_content_sha256:
        raise TableError(f"The training images of {info.dataset} / {info.configuration} are not those of the table.")
    learn, _ = images.training()
    looks = {seed: ask_images(table.space, learn, info.validation_images, seed) for seed in table.seeds}
    rounded = {
        seed: {name: round(effect, 6) for name, effect in evidence.effects.items()} for seed, evidence in looks.items()
    }
    return TableEffects(
        train_content_sha256=info.train_content_sha256,
        candidates=table.space.candidates,
        seeds=[
            SeedEffects(
                seed=seed, effects=rounded[seed], control=round(look.control, 6), seconds=round(look.seconds, 3)
            )
            for seed, look in looks.items()
        ],
    )


def write_effects(effects: TableEffects, table: Path) -> Path:
    """Write the file beside a table's; returns its path."""
    path = effects_path(table)
    write_whole(path, (effects.model_dump_json(indent=1) + "\n").encode())
    return path


def read_evidence(table: Table, path: Path) -> tuple[Evidence, ...]:
    """What is beside a table's file, by seed in the order of the table; nothing where there is no such file.

    Raises:
        TableError: the file cannot be read, is damaged, or of other images, moves or seeds.
    """
    file, again = effects_path(path), "make it again with `aenbench tables --effects`"
    try:
        content = read_whole(file, _MAX_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise TableError(f"{file} cannot be read ({error.strerror}); {again}.") from error
    try:
        found = TableEffects.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TableError(f"{file} holds no effects ({where}: {first['msg']}); {again}.") from error
    if (found.train_content_sha256, found.candidates) != (table.info.train_content_sha256, table.space.candidates):
        raise TableError(f"{file} holds the effects of other images or moves; {again}.")
    by_seed = {each.seed: each for each in found.seeds}
    if missing := [seed for seed in table.seeds if seed not in by_seed]:
        raise TableError(f"{file} has no effects for the table's seed {missing[0]}; {again}.")
    chosen = [by_seed[seed] for seed in table.seeds]
    return tuple(Evidence(each.effects, each.control, table.info.validation_images, each.seconds) for each in chosen)
