"""How many threads NumPy's matrix products may use."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from steepest.nn import Module
from steepest.transform.executable import Backend

_WORTH_SHARING = 50_000_000


@contextmanager
def suitable_threads(network: Module, batch_size: int, backend: Backend) -> Generator[None]:
    """Within this block NumPy multiplies on one thread, unless the largest is worth sharing.

    Waking a thread costs about as much as a product of a small network's layer, and on a busy
    machine the threads wait for each other: five times slower was measured. From 5e7
    multiplications on, all threads are used. Machine code does not ask NumPy, and to enter this
    block takes 2 ms, longer than to predict a row: so it is for ``reference`` only.
    """
    largest = max((cell.type.size for cell in network.parameters().values()), default=0)
    if backend == "native" or largest * batch_size >= _WORTH_SHARING:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
