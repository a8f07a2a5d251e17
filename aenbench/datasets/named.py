from dataclasses import dataclass
@dataclass(frozen=True)
class NamedDataset:
    name: str
    classes: tuple[str, ...]
    image_shape: tuple[int, ...]
    samples: dict[str, int]
    validation: int
    def load(self, split: str, root: object) -> object: ...
NAMED: dict[str, NamedDataset] = {}
