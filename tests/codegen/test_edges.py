"""Whether a vector may run over the end of an axis, against all places it could come to."""

from itertools import product

import numpy as np
import pytest

from steepest.codegen.edges import may_run_over
from steepest.ir.types import float32
from steepest.schedule.kernels import Access, Buffer
from steepest.schedule.layout import dense


def reach(shape: tuple[int, ...], taken: int, lanes: int) -> int:
    """The last element that vectors touch, where one axis is at a computed place."""
    strides, _ = dense(shape)
    extents = [n for axis, n in enumerate(shape) if axis != taken]
    own = [stride for axis, stride in enumerate(strides) if axis != taken]
    spill = -extents[-1] % lanes
    places = product(range(shape[taken]), *(range(n) for n in extents))
    return spill + max(
        strides[taken] * at + sum(i * s for i, s in zip(rest, own, strict=True))
        for at, *rest in places
    )


@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_a_row_of_a_table_at_a_computed_place(rank: int, lanes: int) -> None:
    random = np.random.default_rng([rank, lanes])
    allowed = 0
    for _ in range(300):
        shape = tuple(int(n) for n in random.integers(2, 6, rank))
        shape = (*shape[:-1], int(random.integers(2, 3 * lanes)))
        taken = int(random.integers(0, rank - 1))
        strides, size = dense(shape)
        buffer = Buffer("x", float32, shape, strides, "table", size)
        own = tuple(stride for axis, stride in enumerate(strides) if axis != taken)
        extents = [n for axis, n in enumerate(shape) if axis != taken]
        access = Access(buffer, own, 0, (strides[taken],))
        may = may_run_over(access, extents, len(extents) - 1, lanes)
        allowed += may
        assert not may or reach(shape, taken, lanes) < size, shape
    assert allowed
