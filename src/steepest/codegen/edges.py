"""Which vectors may run over the end of an axis, into padding, and which need a mask there."""

from __future__ import annotations

from collections.abc import Sequence

from steepest.schedule.kernels import Access


def load_may_run_over(access: Access, extents: Sequence[int], axis: int, lanes: int) -> bool:
    """Whether the last vector along an axis may be loaded whole.

    Args:
        access: what is loaded, with stride 1 along the axis.
        extents: of all axes of the kernel.
        axis: the lanes' axis.
        lanes: of a vector; vectors begin at its multiples.
    """
    spill = -extents[axis] % lanes
    return spill == 0 or (
        access.buffer.role != "table" and _last(access, extents) + spill < (access.buffer.size)
    )


def store_may_run_over(access: Access, extents: Sequence[int], axis: int, lanes: int) -> bool:
    """Whether the last vector along an axis may be stored whole: behind it lies padding only."""
    spill = -extents[axis] % lanes
    if spill == 0:
        return True
    buffer, extent = access.buffer, extents[axis]
    row = min((stride for stride in buffer.strides if stride > 1), default=buffer.size)
    columns = [
        count for count, stride in zip(buffer.extents, buffer.strides, strict=True) if stride == 1
    ]
    others = [*access.strides[:axis], *access.strides[axis + 1 :], *access.dynamic]
    if len(columns) != 1 or any(stride % row for stride in others):
        return False
    behind = access.offset % row + extent
    return (
        behind == columns[0]
        and behind + spill <= row
        and _last(access, extents) + spill < buffer.size
    )


def _last(access: Access, extents: Sequence[int]) -> int:
    """The last element that is meant, as far as dynamic terms are 0."""
    steps = zip(access.strides, extents, strict=False)
    return access.offset + sum(stride * (extent - 1) for stride, extent in steps if stride > 0)
