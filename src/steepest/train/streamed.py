"""Rows that are read while training goes on: a thread fills one block as steps use another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, final

import numpy as np

from steepest.errors import ConfigurationError, DataError
from steepest.ir.types import Array
from steepest.train.arrays import leaves_of, mapped, rows_of
from steepest.train.blocks import Blocks, Chunk
from steepest.train.fingerprint import DATA, Fingerprint
from steepest.train.rows import Block, Examples, Reader, ResidentRows, RowSource
from steepest.train.samplers import Draw

Prepare: TypeAlias = Callable[[Any, Any, Any], Examples]
_LOOKING_UP = 0.05  # seconds between looks at whether to wait on
_SOME = 65_536  # rows that statistics are taken of


def row_source(blocks: Blocks, prepare: Prepare, batch_size: int, draw: Draw) -> RowSource:
    """The rows that a user hands in as blocks; all of them in memory where one block holds them.

    Args:
        blocks: which.
        prepare: checks and casts x, y and weights of a chunk.
        batch_size: rows of a step.
        draw: of the epoch whose first rows are looked at.

    Raises:
        ConfigurationError: batches larger than a block.
        DataError: no rows, or another number of them than was said.
    """
    if blocks.rows <= blocks.block_rows:
        return ResidentRows(_all_rows(blocks, prepare, draw))
    if batch_size > blocks.block_rows:
        raise ConfigurationError(
            f"batch_size={batch_size:,} is more than the {blocks.block_rows:,} rows of a block: "
            "give fewer, or more memory"
        )
    return StreamedRows(blocks, prepare, _block_rows(blocks, batch_size), draw)


def _block_rows(blocks: Blocks, batch_size: int) -> int:
    """Whole batches, so that each epoch has the batches of arrays; no last block of one row."""
    size = blocks.block_rows // batch_size * batch_size
    while blocks.rows % size == 1 and batch_size > 1:
        size += -batch_size if size > batch_size else 2 * batch_size
    return size


@final
class StreamedRows(RowSource):
    """Blocks that are read anew in every epoch, into two sets of arrays in turn.

    Args:
        blocks: what is read.
        prepare: checks and casts a chunk.
        block_rows: of all blocks but the last.
        draw: of the epoch whose first rows are looked at.
    """

    def __init__(self, blocks: Blocks, prepare: Prepare, block_rows: int, draw: Draw) -> None:
        self._blocks = blocks
        self._prepare = prepare
        self._block_rows = block_rows
        self._some = _first_rows(blocks, prepare, draw)
        self._buffers = [_longer(self._some, block_rows) for _ in range(2)]

    @property
    def rows(self) -> int:
        """See :class:`RowSource`."""
        return self._blocks.rows

    @property
    def like(self) -> Examples:
        """See :class:`RowSource`."""
        return self._buffers[0]

    @property
    def some(self) -> Examples:
        """See :class:`RowSource`."""
        return self._some

    @property
    def about(self) -> Fingerprint:
        """See :class:`RowSource`."""
        return {
            "rows": f"{self.rows:,}",
            "rows of a block": f"{self._block_rows:,}",
            f"{DATA}the rows": f"{self.rows:,}; {self._blocks.contents}",
        }

    def reader(self, draws: Iterable[Draw], first: int) -> AbstractContextManager[Reader]:
        """See :class:`RowSource`."""
        return self._reader(draws, first // self._block_rows)

    @contextmanager
    def _reader(self, draws: Iterable[Draw], first: int) -> Generator[Reader]:
        reader = _Background(lambda: self._epochs(draws, first), self._buffers)
        try:
            yield reader
        finally:
            reader.end()

    def _epochs(self, draws: Iterable[Draw], first: int) -> Generator[_Part, None, None]:
        """The parts of all blocks, from the first one's block ``first`` on."""
        for draw in draws:
            with closing(self._parts(draw)) as parts:
                for part in parts:
                    if part.number >= first:
                        yield part
            first = 0

    def _parts(self, draw: Draw) -> Generator[_Part, None, None]:
        return _parts(_chunks(self._blocks, self._prepare, draw, self._some), self._block_rows)


@final
@dataclass(frozen=True)
class _Part:
    """Rows of one block, in their place there; the last ones complete it."""

    examples: Examples
    number: int
    start: int
    block_rows: int
    ends_epoch: bool = False

    def put(self, into: Examples) -> Block | None:
        """Copy the rows to their place; the block, if it is complete."""
        end = self.start + rows_of(self.examples.x)
        for of, array in zip(_arrays(self.examples), _arrays(into), strict=True):
            array[self.start : end] = of
        if end < self.block_rows and not self.ends_epoch:
            return None
        return Block(into, end, self.number, self.number * self.block_rows)


def _parts(
    chunks: Generator[Examples, None, None], block_rows: int
) -> Generator[_Part, None, None]:
    """Cut chunks where blocks end."""
    place = 0
    last: _Part | None = None
    with closing(chunks):
        for examples in chunks:
            taken, rows = 0, rows_of(examples.x)
            while taken < rows:
                number, start = divmod(place, block_rows)
                count = min(rows - taken, block_rows - start)
                if last is not None:
                    yield last
                last = _Part(_slice(examples, taken, taken + count), number, start, block_rows)
                taken, place = taken + count, place + count
    if last is not None:
        yield replace(last, ends_epoch=True)


def _chunks(
    blocks: Blocks, prepare: Prepare, draw: Draw, like: Examples | None = None
) -> Generator[Examples, None, None]:
    """The chunks of an epoch, checked.

    Raises:
        DataError: other rows than was said: more, fewer, or of another form than the first ones.
    """
    count, form = 0, None if like is None else _form(like)
    chunks = iter(blocks.read(draw))
    try:
        for chunk in chunks:
            examples = prepare(*_three(chunk))
            form = form or _form(examples)
            if _form(examples) != form:
                raise DataError(
                    f"Blocks: after {count:,} rows of epoch {draw.epoch + 1} a chunk has other "
                    "types, shapes or weights than the first one"
                )
            count += rows_of(examples.x)
            if count > blocks.rows:
                break
            yield examples
    finally:
        if isinstance(chunks, Generator):
            chunks.close()
    if count != blocks.rows:
        more = "more" if count > blocks.rows else f"{count:,}"
        raise DataError(
            f"Blocks: {blocks.rows:,} rows were announced, and epoch {draw.epoch + 1} has {more}: "
            "every epoch should give the same rows"
        )


def _form(examples: Examples) -> list[object]:
    return [(array.dtype, array.shape[1:]) for array in _arrays(examples)]


def _three(chunk: Chunk) -> tuple[Any, Any, Any]:
    given: Any = chunk
    if not isinstance(given, tuple | list) or len(chunk) not in (2, 3):
        raise DataError(f"Blocks: a chunk is (x, y) or (x, y, sample_weight), not {given!r:.80}")
    return chunk[0], chunk[1], chunk[2] if len(chunk) == 3 else None


@final
class _Background(Reader):
    """A thread that fills arrays ahead of those in use.

    Args:
        parts: what to fill them with; called in the thread.
        buffers: arrays to be filled in turn.
    """

    def __init__(
        self, parts: Callable[[], Generator[_Part, None, None]], buffers: list[Examples]
    ) -> None:
        self._parts = parts
        self._free: SimpleQueue[Examples | None] = SimpleQueue()
        self._ready: SimpleQueue[Block | BaseException] = SimpleQueue()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._in_use: Examples | None = None
        for each in buffers:
            self._free.put(each)

    def next(self, is_over: Callable[[], bool]) -> Block | None:
        """See :class:`Reader`."""
        if self._thread is None:
            run = copy_context().run
            self._thread = threading.Thread(
                target=run, args=(self._fill,), name="steepest reads ahead", daemon=True
            )
            self._thread.start()
        if self._in_use is not None:
            self._free.put(self._in_use)
            self._in_use = None
        while not is_over():
            try:
                found = self._ready.get(timeout=_LOOKING_UP)
            except Empty:
                continue
            if isinstance(found, BaseException):
                raise found
            self._in_use = found.examples
            return found
        return None

    def end(self) -> None:
        """Wait until the thread is over: it ends after the part under way."""
        self._ended.set()
        self._free.put(None)
        if self._thread is not None:
            self._thread.join()

    def _fill(self) -> None:
        try:
            with closing(self._parts()) as parts:
                buffer: Examples | None = None
                for part in parts:
                    if buffer is None:
                        buffer = self._free.get()
                    if buffer is None or self._ended.is_set():
                        return
                    block = part.put(buffer)
                    if block is not None:
                        self._ready.put(block)
                        buffer = None
        except BaseException as error:
            self._ready.put(error)


def _all_rows(blocks: Blocks, prepare: Prepare, draw: Draw) -> Examples:
    """Everything that one epoch reads."""
    whole: Examples | None = None
    for part in _parts(_chunks(blocks, prepare, draw), blocks.rows):
        whole = whole or _longer(part.examples, blocks.rows)
        part.put(whole)
    assert whole is not None, "there is at least one row"
    return whole


def _first_rows(blocks: Blocks, prepare: Prepare, draw: Draw) -> Examples:
    """A copy of the first rows that are read."""
    with closing(_chunks(blocks, prepare, draw)) as chunks:
        first = next(chunks)
    return _mapped(_slice(first, 0, _SOME), np.array)


def _longer(examples: Examples, rows: int) -> Examples:
    """Room for so many rows of the same form."""
    return _mapped(examples, lambda array: np.empty((rows, *array.shape[1:]), array.dtype))


def _slice(examples: Examples, start: int, end: int) -> Examples:
    """Some rows, without a copy."""
    return _mapped(examples, lambda array: array[start:end])


def _mapped(examples: Examples, function: Callable[[Array], Array]) -> Examples:
    """The function of each array."""
    weights = examples.weights
    return Examples(
        mapped(examples.x, function),
        function(examples.y),
        None if weights is None else function(weights),
    )


def _arrays(examples: Examples) -> list[Array]:
    weights = [] if examples.weights is None else [examples.weights]
    return [*leaves_of(examples.x), examples.y, *weights]
