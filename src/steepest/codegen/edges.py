"""Which vectors may run over the end of an axis, into padding, and which need a mask there."""

from __future__ import annotations

from collections.abc import Sequence

from steepest.schedule.kernels import Access


def may_run_over(access: Access, extents: Sequence[int], axis: int, lanes: int) -> bool:
    """Whether the last vector along an axis may be loaded or stored whole.

    A load may where there are elements behind, of whatever meaning. What a store writes there
    must mean nothing: that the scheduler knows.

    Args:
        access: has stride 1 along the axis.
        extents: of all axes of the kernel.
        axis: the lanes' axis.
        lanes: of a vector; vectors begin at its multiples.
    """
    spill = -extents[axis] % lanes
    if spill == 0:
        return True
    end = access.buffer.size
    if access.dynamic:  # any slice may be the last: a vector must stay inside of it
        end = min(map(abs, access.dynamic))
    steps = zip(access.strides, extents, strict=False)
    last = sum(stride * (extent - 1) for stride, extent in steps if 0 < stride < end)
    return access.offset + last + spill < end
