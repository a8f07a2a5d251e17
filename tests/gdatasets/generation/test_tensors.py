"""`undo` and `undo_group` of what users hold: torch tensors in both layouts, and what else has `__array__`.

929b5b9: `undo(torch.tensor(...), elements)` ended in "AttributeError: 'Tensor' object has no attribute 'copy'" and
`undo_group` in a TypeError; arrays with their channels first were moved along the wrong axes without a word.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch

from gdatasets import Group, undo, undo_group
from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.group_moves import move_by_group
from gdatasets.generation.moves import draw_elements, move
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS

D4 = Group(("rotation", "hflip"), 8)
N = 40


def gray(dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, (N, 8, 8)).astype(dtype)


def color():
    return np.random.default_rng(1).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)


def moved_with_actions(images):
    elements = draw_elements(DATASETS["g-digits"], CONFIGURATIONS["d4-roll"], "train", 0, N, 8)
    return move(images, elements), lambda given: undo(given, elements)


def moved_by_a_group(images):
    numbers = np.random.default_rng(2).integers(0, D4.order, N)
    return move_by_group(images, D4, numbers), lambda given: undo_group(given, D4, numbers)


both = pytest.mark.parametrize("moved", [moved_with_actions, moved_by_a_group])


@both
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_a_tensor_comes_back_as_a_tensor_of_its_dtype(moved, dtype):
    images = gray(dtype)
    given, put_back = moved(images)
    tensor = torch.from_numpy(given)
    restored = put_back(tensor)
    assert isinstance(restored, torch.Tensor)
    assert (restored.dtype, restored.device) == (tensor.dtype, tensor.device)
    assert torch.equal(restored, torch.from_numpy(images))
    assert torch.equal(tensor, torch.from_numpy(given)), "the input stays as it is"
    assert not torch.equal(restored, tensor), "negative control: something was moved"


@both
@pytest.mark.parametrize("images", [gray()[..., None], color()], ids=["gray", "color"])
@pytest.mark.parametrize("contiguous", [True, False])
def test_a_tensor_may_have_its_channels_first_or_last(moved, images, contiguous):
    given, put_back = moved(images)
    last = torch.from_numpy(given)
    first = last.movedim(-1, 1)
    first = first.contiguous() if contiguous else first
    assert torch.equal(put_back(last), torch.from_numpy(images))
    assert torch.equal(put_back(first), torch.from_numpy(images).movedim(-1, 1))


@both
def test_whatever_has_an_array_comes_back_as_an_array(moved):
    class Wrapped:
        def __init__(self, images):
            self.images = images

        def __array__(self, dtype=None, copy=None):
            return self.images

    given, put_back = moved(gray())
    for form in (given, Wrapped(given)):
        restored = put_back(form)
        assert type(restored) is np.ndarray
        assert np.array_equal(restored, gray())


def test_the_numbers_of_the_elements_may_be_a_tensor():
    numbers = torch.arange(N) % D4.order
    moved = move_by_group(gray(), D4, numbers.numpy())
    assert np.array_equal(undo_group(moved, D4, numbers), gray())


@both
@pytest.mark.parametrize(
    ("form", "says"),
    [
        (lambda x: torch.tensor(x, dtype=torch.float32, requires_grad=True), r"give an array, or a tensor such as"),
        (lambda x: torch.tensor(x, dtype=torch.bfloat16), r"give an array, or a tensor such as"),
        (lambda x: torch.tensor(x).to("meta"), r"give an array, or a tensor such as"),
        (lambda x: torch.tensor(x).to_sparse(), r"give an array, or a tensor such as"),
        (lambda x: torch.tensor(x)[:-1], r"Expected (one element for each of 39|40 images of shape)"),
        (lambda x: torch.tensor(x)[0], "Expected"),
        (lambda x: torch.tensor(x)[:, None, None], "Expected"),
        (lambda x: x[:, None], "Expected"),
        (lambda x: x[:, :, :4], "Expected"),
        (lambda x: object(), "Expected"),  # noqa: ARG005
        (lambda x: 3, "Expected"),  # noqa: ARG005
        (lambda x: None, "Expected"),  # noqa: ARG005
    ],
)
def test_what_cannot_be_undone_is_one_line_that_says_what_to_give(moved, form, says):
    given, put_back = moved(gray())
    with pytest.raises(InvalidArgumentError, match=says) as caught:
        put_back(form(given))
    assert "\n" not in str(caught.value)


def test_channels_first_in_an_array_names_the_way_out():
    given, put_back = moved_with_actions(color())
    with pytest.raises(InvalidArgumentError, match=r"give np.moveaxis\(images, 1, -1\)"):
        put_back(np.moveaxis(given, -1, 1))


@pytest.mark.parametrize("elements", [torch.zeros(N, dtype=torch.int64), [1] * N, None])
def test_elements_that_are_no_array_are_one_line(elements):
    with pytest.raises(InvalidArgumentError, match="Expected the elements as a NumPy array"):
        undo(gray(), elements)


def test_undoing_imports_no_torch():
    code = (
        "import sys, numpy as np, gdatasets, gdatasets.generation.moves as m;"
        "gdatasets.undo(np.zeros((2, 8, 8), 'u1'), np.zeros(2, m.ELEMENT_DTYPE));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
