import sys
from pathlib import Path

import pytest

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.registry import Registry


def whole(name: str, value: object) -> int:
    if not isinstance(value, int):
        raise InvalidArgumentError(f'Expected "{name}" to be a number, got {type(value).__name__}.')
    return value


@pytest.fixture
def numbers() -> Registry[int]:
    return Registry("number", {"one": 1, "three": 3}, whole)


def test_names_keep_their_order_and_what_was_registered_can_be_removed(numbers: Registry[int]) -> None:
    assert numbers.register("two", 2) == 2
    assert dict(numbers) == {"one": 1, "three": 3, "two": 2}
    numbers.unregister("two")
    assert list(numbers) == ["one", "three"]
    with pytest.raises(UnknownNameError, match='Unknown registered number "one"'):
        numbers.unregister("one")


def test_an_import_path_is_found_in_the_current_folder(
    numbers: Registry[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_numbers.py").write_text("four = 4\nword = 'four'\n")
    monkeypatch.chdir(tmp_path)
    try:
        assert numbers.find("own_numbers:four") == 4
        with pytest.raises(InvalidArgumentError, match='Expected "own_numbers:word" to be a number, got str'):
            numbers.find("own_numbers:word")
    finally:
        sys.modules.pop("own_numbers", None)


def test_an_unknown_name_is_answered_with_a_close_one_and_all_that_exist(numbers: Registry[int]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        numbers["Thre"]
    assert str(caught.value) == 'Unknown number "Thre". Did you mean "three"? Choose from: one, three.'
    with pytest.raises(UnknownNameError, match=r'Choose from: one, three, "package.module:name" of your own\.'):
        numbers.find("seven-hundred")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("one", 5, "already"),
        ("a:b", 5, "a colon marks an import path"),
        ("", 5, "cannot be the name"),
        ("five", "5", "to be a number, got str"),
    ],
)
def test_what_cannot_be_registered(numbers: Registry[int], name: str, value: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        numbers.register(name, value)
    assert list(numbers) == ["one", "three"]
