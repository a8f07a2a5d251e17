"""Times of emlp 1.0.3 for equivariant bases under D4 between two grids: one JSON line for each pair of sizes.

Run it in an environment of its own (`pip install emlp==1.0.3 six`): python benchmarks/sharing_emlp.py 4,4 6,4 8,6
"""

import json
import sys
import time

import numpy as np
from emlp.groups import Group
from emlp.reps import Rep


class D4(Group):
    """Rotations by 90 degrees and the left-right mirror, as 2 x 2 matrices."""

    def __init__(self):
        self.d = 2
        self.discrete_generators = np.array([[[0.0, -1.0], [1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]]])
        super().__init__()


class Grid(Rep):
    """The pixels of an n x n image, moved by a 2 x 2 matrix."""

    def __init__(self, n, G=None):
        self.n, self.G, self.is_permutation = n, G, True

    def __call__(self, G):
        return Grid(self.n, G)

    def size(self):
        return self.n**2

    def rho(self, M):
        centered = np.stack(np.meshgrid(*[np.arange(self.n) * 2 - self.n + 1] * 2, indexing="ij"), -1).reshape(-1, 2)
        moved = (np.rint(centered @ np.asarray(M).T).astype(int) + self.n - 1) // 2
        P = np.zeros((self.n**2, self.n**2))
        P[moved[:, 0] * self.n + moved[:, 1], np.arange(self.n**2)] = 1
        return P

    def drho(self, _):
        return 0 * self.rho(np.eye(2))

    @property
    def T(self):  # noqa: N802
        return self

    def __eq__(self, other):
        return isinstance(other, Grid) and self.n == other.n

    def __hash__(self):
        return hash(self.n)

    def __lt__(self, other):
        return self.n < other.n

    def __str__(self):
        return f"Grid{self.n}"


for pair in sys.argv[1:]:
    size_in, size_out = map(int, pair.split(","))
    G = D4()
    start = time.process_time()
    basis = (Grid(size_in)(G) >> Grid(size_out)(G)).equivariant_basis()
    seconds = time.process_time() - start
    print(
        json.dumps({"size_in": size_in, "size_out": size_out, "orbits": basis.shape[1], "seconds": seconds}), flush=True
    )
