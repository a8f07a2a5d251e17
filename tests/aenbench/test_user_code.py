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
def fails(): raise RuntimeError("no\\nluck")
def leaves(): raise SystemExit(1)
class Plain(nn.Linear):
    def __init__(self, classes): super().__init__(4, classes)
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
        (
            "own_networks:fails",
            r"Cannot make .* \(RuntimeError: no luck\); name an nn.Module, or what makes",
        ),
        ("own_networks:leaves", r"Cannot make .* \(SystemExit: 1\)"),
        ("own_networks:Plain", r"Cannot make .* \(TypeError: .*'classes'\)"),
    ],
)
@pytest.mark.usefixtures("own_module")
def test_mistakes_are_one_line(path, message):
    """3130c15 called a factory bare, so what it raised was a traceback of `check` and of `discover`."""
    with pytest.raises(InvalidArgumentError, match=message) as raised:
        load_module(path)
    assert "\n" not in str(raised.value)
