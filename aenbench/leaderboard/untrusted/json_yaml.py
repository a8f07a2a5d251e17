"""JSON and YAML that are not trusted: parsed without surprises into a model, or refused in one line."""

import json
from collections.abc import Hashable
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.text import printable

Model = TypeVar("Model", bound=BaseModel)


def parse_json(content: bytes, model: type[Model], where: str) -> Model:
    """A model from JSON in UTF-8, in which no key appears twice.

    Raises:
        EntryError: it is malformed, nested too deeply or not what the model expects; `where` names the file.
    """
    try:
        json.loads(_decode(content, where), object_pairs_hook=_object)
        return model.model_validate_json(content)
    except ValidationError as error:
        raise _not_the_model(error, where) from error
    except RecursionError as error:
        raise EntryError(f"{where} is nested too deeply.") from error
    except ValueError as error:
        raise _malformed(error, where) from error


def parse_yaml(content: bytes, model: type[Model], where: str) -> Model:
    """A model from one YAML document in UTF-8 without anchors, aliases, tags and keys that appear twice.

    Raises:
        EntryError: as `parse_json`.
    """
    try:
        return model.model_validate(yaml.load(_decode(content, where), Loader=_PlainLoader))
    except ValidationError as error:
        raise _not_the_model(error, where) from error
    except RecursionError as error:
        raise EntryError(f"{where} is nested too deeply.") from error
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise EntryError(f"{where}: {printable(error.problem or error.context or 'no YAML')}{line}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise _malformed(error, where) from error


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EntryError(f"{where} is not UTF-8 (byte {error.start:,}).") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'the key "{key}" appears twice')
        found[key] = value
    return found


def _malformed(error: Exception, where: str) -> EntryError:
    if isinstance(error, EntryError):
        return error
    return EntryError(f"{where}: {printable(error)}.")


def _not_the_model(error: ValidationError, where: str) -> EntryError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    return EntryError(f"{where}: {printable(field)}: {printable(first['msg'].removeprefix('Value error, '))}.")


class _PlainLoader(yaml.SafeLoader):
    """YAML's plain part: mappings with text keys, lists, text, numbers, true, false and null."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not read", problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(problem="tags are not read", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                problem = f"a key is text, and {printable(key.value, 40)} is not; put it in quotes"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if key.value in seen:
                problem = f'the key "{printable(key.value, 40)}" appears twice'
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
