"""Random numbers from a stream: a key, a step, and the order of the draws."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike

from steepest.errors import ConfigurationError
from steepest.ir.types import Array, Shape, dtype_of, float32, uint32
from steepest.ops.elementwise import minimum
from steepest.ops.philox import philox4x32
from steepest.ops.random import normal_bits, random_bits, uniform_bits
from steepest.tensor.tensor import Tensor

__all__ = [
    "Stream",
    "bernoulli",
    "bits",
    "choices",
    "make_key",
    "normal",
    "permutation",
    "stream",
    "uniform",
]

_AT_ONCE = 1 << 16  # numbers of an order that are drawn


@final
class Stream:
    """Where draws take their bits from: (key, step), and a number that counts the draws.

    A training step has a stream of its own whose key and step are inputs of its graph; the same
    program then draws new numbers at each step, and equal ones for an equal key and step.
    """

    def __init__(self, key: Tensor, step: Tensor) -> None:
        self.key = key
        self.step = step
        self._sites = 0

    def site(self) -> int:
        """The number of the next draw."""
        self._sites += 1
        return self._sites - 1

    @property
    def has_drawn(self) -> bool:
        """Whether anything was drawn from it."""
        return self._sites > 0


def make_key(seed: int, member: int = 0) -> Tensor:
    """The key of a stream: (seed, ensemble member).

    Raises:
        ConfigurationError: a seed outside of 0 … 2³² − 1.
    """
    if not 0 <= seed < 2**32:
        raise ConfigurationError(f"a seed is a whole number from 0 to {2**32 - 1}, not {seed}")
    return Tensor(np.array([seed, member], uint32), None)


_stream: ContextVar[Stream | None] = ContextVar("stream", default=None)


@contextmanager
def stream(of: int | Stream, member: int = 0) -> Generator[None]:
    """Within this block draws come from a stream of their own; a number is taken as its seed.

    Args:
        of: the stream, or a seed.
        member: which member of an ensemble draws from this seed.

    >>> import steepest as st
    >>> with st.random.stream(7):
    ...     first = st.random.uniform((2,))
    >>> with st.random.stream(7):
    ...     again = st.random.uniform((2,))
    >>> bool(st.all(first == again))
    True
    """
    token = _stream.set(of if isinstance(of, Stream) else Stream(make_key(of, member), _zero()))
    try:
        yield
    finally:
        _stream.reset(token)


def _zero() -> Tensor:
    return Tensor(np.zeros((), uint32), None)


def _current() -> Stream:
    current = _stream.get()
    if current is None:  # a first draw outside of any stream: like a stream with seed 0
        current = Stream(make_key(0), _zero())
        _stream.set(current)
    return current


def bits(shape: Shape) -> Tensor:
    """Random 32-bit words."""
    of = _current()
    return random_bits(of.key, of.step, site=4 * of.site(), shape=tuple(shape))


def uniform(
    shape: Shape, *, low: float = 0.0, high: float = 1.0, dtype: DTypeLike = float32
) -> Tensor:
    """Random numbers, uniform in [low, high).

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     x = st.random.uniform((1000,))
    >>> bool(st.all(x >= 0.0)), bool(st.all(x < 1.0))
    (True, True)
    """
    of = _current()
    unit = uniform_bits(
        of.key, of.step, site=2 * of.site(), shape=tuple(shape), dtype=dtype_of(dtype)
    )
    if (low, high) == (0.0, 1.0):
        return unit
    below = np.nextafter(unit.dtype.type(high), unit.dtype.type(low))
    return minimum(unit * (high - low) + low, float(below))  # the sum may be rounded up to high


def normal(
    shape: Shape, *, mean: float = 0.0, deviation: float = 1.0, dtype: DTypeLike = float32
) -> Tensor:
    """Random numbers from the normal distribution.

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     x = st.random.normal((10000,))
    >>> abs(float(st.mean(x))) < 0.05
    True
    """
    of = _current()
    unit = normal_bits(of.key, of.step, site=of.site(), shape=tuple(shape), dtype=dtype_of(dtype))
    return unit if (mean, deviation) == (0.0, 1.0) else unit * deviation + mean


def bernoulli(probability: float, shape: Shape) -> Tensor:
    """True with the given probability; an integer comparison, so that every back end agrees.

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     bool(st.all(st.random.bernoulli(1.0, (100,))))
    True
    """
    if not 0.0 <= probability <= 1.0:
        raise ConfigurationError(f"a probability is from 0 to 1, not {probability}")
    words = bits(shape)
    limit = round(probability * 2**32)
    if limit >= 2**32:
        return words >= 0
    return words < np.asarray(limit, uint32)


def permutation(n: int, *, seed: int, draw: int = 0, member: int = 0, part: int = 0) -> Array:
    """A random order of 0 … n − 1, drawn on the host by the same generator.

    Args:
        n: how many.
        seed: of the stream.
        draw: which permutation of the stream: the epoch, say.
        member: which member of an ensemble.
        part: which of several that are drawn at once: the block of an epoch, say.

    >>> import steepest as st
    >>> sorted(int(i) for i in st.random.permutation(4, seed=0))
    [0, 1, 2, 3]
    """
    key = make_key(seed, member).data
    order = np.empty(n, np.uint64)
    for first in range(0, n, _AT_ONCE):  # so that millions of rows need no more than their order
        places = np.arange(first, min(n, first + _AT_ONCE))
        words: Any = philox4x32((places, 0, draw, 0xFFFFFFFF - part), (key[0], key[1]))
        order[first : first + _AT_ONCE] = words[0].astype(np.uint64) << np.uint64(32) | words[1]
    return np.argsort(order, stable=True)


def choices(
    n: int, shape: tuple[int, int], *, seed: int, draw: int = 0, member: int = 0, first: int = 0
) -> Array:
    """Numbers of 0 … n − 1, each as likely, drawn on the host by the same generator.

    Args:
        n: how many there are to choose from.
        shape: (rows, columns) of the result; more columns leave the first ones as they are.
        seed: of the stream.
        draw: which of the stream's draws: the epoch, say.
        member: which member of an ensemble.
        first: the number of the first row.

    >>> import steepest as st
    >>> st.random.choices(6, (2, 5), seed=0).tolist()  # two times five dice
    [[...], [...]]
    """
    key = make_key(seed, member).data
    rows, columns = shape
    row, column = np.indices((rows, columns))
    # A permutation's second word is 0.
    words = philox4x32((column, row + first + 1, draw, 0xFFFFFFFF), (key[0], key[1]))
    high, low = (words[place].astype(np.uint64) for place in (0, 1))
    count, half = np.uint64(n), np.uint64(32)
    return (high * count + (low * count >> half) >> half).astype(np.int64)
