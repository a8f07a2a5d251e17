import math

import pytest
import torch
from torch import nn

from aenbench.nn import assert_equivariant, check_equivariance
from gdatasets.groups.group import Group

D4 = Group(("rotation", "hflip"), 6)


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return torch.full((len(x), 3), self.value)


def test_report_names_the_elements_that_fail():
    class LeftHalf(nn.Module):  # invariant to vflip, not to hflip
        def forward(self, x):
            return x[..., :3].sum((1, 2, 3))[:, None]

    report = check_equivariance(LeftHalf().double(), Group(("hflip", "vflip"), 6), elements="all", tolerance=1e-6)
    assert set(report.errors) == {"identity", "hflip", "vflip", "hflip vflip"}
    assert report.failing == ("hflip", "hflip vflip")
    with pytest.raises(AssertionError, match="2 of 4 elements: hflip, hflip vflip"):
        assert_equivariant(LeftHalf(), Group(("hflip", "vflip"), 6), elements="all", tolerance=1e-6)


def test_all_elements_of_d4_are_eight_words():
    assert len(check_equivariance(Constant(1.0), D4, elements="all").errors) == 8


def test_convolution_with_a_symmetric_filter_commutes_with_d4():
    conv = nn.Conv2d(1, 2, 3, padding=1)
    nn.init.constant_(conv.weight, 0.5)
    assert_equivariant(conv, D4, D4, elements="all")
    nn.init.normal_(conv.weight, generator=torch.Generator().manual_seed(0))
    assert not check_equivariance(conv, D4, D4).passed


def test_outputs_that_are_not_finite_never_pass():
    report = check_equivariance(Constant(math.nan), D4)
    assert math.isnan(report.error)
    assert not report.passed


def test_mode_of_every_submodule_is_restored():
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Dropout())
    module[2].eval()
    check_equivariance(module, D4)
    assert [part.training for part in module.modules()] == [True, True, True, False]
