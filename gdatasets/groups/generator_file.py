"""Generators in a .npy file: permutations (generators, points), as `numpy.save` writes integers."""

import io
from pathlib import Path

import numpy as np

from gdatasets.errors import InvalidArgumentError
from gdatasets.files import read_whole
from gdatasets.groups.permutation_groups import Permutations, check_permutations

MAX_BYTES = 64 << 20


def encode_generators(permutations: Permutations) -> bytes:
    """A .npy file that `read_generators` reads, of permutations (generators, points)."""
    body = io.BytesIO()
    np.lib.format.write_array(body, check_permutations(permutations), version=(1, 0), allow_pickle=False)
    return body.getvalue()


def read_generators(path: Path) -> Permutations:
    """The permutations in a .npy file, int64 (generators, points); nothing in it is unpickled.

    Raises:
        InvalidArgumentError: no such file, larger than 64 MiB, no .npy file of integers (k, n), or no permutations.
    """
    try:
        content = read_whole(path, MAX_BYTES)
    except OSError as error:
        raise InvalidArgumentError(
            f"{path} cannot be read ({error.strerror}); give a .npy file of permutations of at most "
            f"{MAX_BYTES >> 20} MiB."
        ) from error
    body = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(body) != (1, 0):
            raise ValueError("not format 1.0")
        shape, _, dtype = np.lib.format.read_array_header_1_0(body)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or size != len(content) - body.tell():
            raise ValueError("objects, or a length that is not its header's")
        rows = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise InvalidArgumentError(f"{path} is no .npy file of integers (generators, points).") from error
    try:
        return check_permutations(rows)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{path}: {error}") from error
