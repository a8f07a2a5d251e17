import sys

import pytest
from torch import nn

from aenbench.errors import InvalidArgumentError
from aenbench.user_code import load_module

SOURCE = """
from torch import nn
network = nn.Flatten()
def factory(): return nn.Linear(4, 2)
number = 3
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield "own_networks"
    sys.modules.pop("own_networks", None)


def test_a_factory_is_called_and_a_module_taken_as_it_is(own_module):
    assert isinstance(load_module(f"{own_module}:factory"), nn.Linear)
    assert isinstance(load_module(f"{own_module}:network"), nn.Flatten)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("own_networks", 'Expected a network as "package.module:name"'),
        ("own_networks:missing", "Cannot import"),
        ("no_such_module:factory", "Cannot import"),
        ("own_networks:number", "to give a torch.nn.Module, got int"),
    ],
)
@pytest.mark.usefixtures("own_module")
def test_mistakes_are_one_line(path, message):
    with pytest.raises(InvalidArgumentError, match=message):
        load_module(path)
