"""Images in a tensor of another library, such as torch, through NumPy and back; no such library is imported."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError
from gdatasets.groups.actions import Images


def through_numpy(images: Any, change: Callable[[Images], Images]) -> Any:
    """What `change` makes of images, as an array or a tensor of the kind, dtype and device that they came in.

    Args:
        images: an array (n, size, size) or (n, size, size, channels); a tensor with `new_tensor`, as torch's, may have
            its channels first, (n, channels, size, size); anything else with `__array__` comes back as an array.
        change: keeps the shape.

    Raises:
        InvalidArgumentError: no such images, or a tensor that NumPy cannot read, such as one that needs a gradient.
    """
    is_tensor = hasattr(images, "new_tensor")
    array = images if isinstance(images, np.ndarray) else read_array(images)
    if is_tensor and array.ndim == 4 and array.shape[1] != array.shape[2] == array.shape[3]:
        changed = np.moveaxis(change(np.moveaxis(array, 1, -1)), -1, 1)
    else:
        changed = change(array)
    return images.new_tensor(np.ascontiguousarray(changed)) if is_tensor else changed


def read_array(values: Any, what: str = "images") -> NDArray[Any]:
    """Values as an array; raises InvalidArgumentError where NumPy cannot read them."""
    try:
        array = np.asarray(values.cpu() if hasattr(values, "new_tensor") else values)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"The {what} cannot be read as a NumPy array ({str(error).splitlines()[0].rstrip('.')}); give an array, "
            f"or a tensor such as {what}.detach().cpu().float()."
        ) from error
    if array.dtype == object:
        raise InvalidArgumentError(f"Expected {what} as an array or a tensor, got {type(values).__name__}.")
    return array


def check_image_shape(images: Images) -> None:
    """Whether these are (n, size, size) or (n, size, size, channels); raises InvalidArgumentError."""
    if images.ndim in (3, 4) and images.shape[1] == images.shape[2]:
        return
    channels_first = images.ndim == 4 and images.shape[2] == images.shape[3]
    raise InvalidArgumentError(
        f"Expected images (n, size, size) or (n, size, size, channels), got {images.shape}"
        f"{'; give np.moveaxis(images, 1, -1)' if channels_first else ''}."
    )
