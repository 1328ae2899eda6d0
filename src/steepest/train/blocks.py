"""Training rows that memory does not hold at once, as a user hands them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from steepest.errors import ConfigurationError
from steepest.train.samplers import Draw

__all__ = ["Blocks"]

# (x, y) or (x, y, sample_weight), with any number of rows.
Chunk: TypeAlias = "tuple[Any, ...]"


@final
@dataclass(frozen=True)
class Blocks:
    """Rows to train on that are read anew each epoch, a block of them in memory at a time.

    Goes into :meth:`Trainer.fit` in the place of ``x``. An epoch is a sequence of blocks: the
    chunks that ``read`` gives are put together to blocks of ``block_rows`` rows, and the rows of a
    block come in a drawn order, each once. While the steps of a block run, a thread reads the next
    one, so that two are in memory. Where one block holds all rows they are read once and stay.

    The result depends on the seed and on what is read, in its order; never on how the rows are cut
    into chunks, nor on how long reading takes.

    Args:
        read: of an epoch's :class:`steepest.samplers.Draw` gives its chunks, each (x, y) or
            (x, y, sample_weight) with any number of rows. Equal draws should give equal chunks.
            Rows mix within a block alone: let the chunks of an epoch come in an order that is
            drawn too, from all over the data. Called in a thread of its own.
        rows: of an epoch.
        block_rows: rows in memory at a time; a little less, so that batches divide it.
        contents: text that tells these data from others, for checkpoints.

    Weights are taken as they are: their mean over all rows should be 1.

    Raises:
        ConfigurationError: ``rows`` or ``block_rows`` below 1.

    Differs from PyTorch's DataLoader and from tf.data: there is no shuffle buffer that rows drip
    through but whole blocks, which the compiled step gathers its batches from.

    >>> import numpy as np
    >>> import steepest as st
    >>> def read(draw):  # ten chunks of 100 rows, in a drawn order
    ...     order = st.random.permutation(10, seed=draw.seed, draw=draw.epoch)
    ...     for number in order:
    ...         x = np.random.default_rng(number).normal(size=(100, 2))
    ...         yield x, x @ [1.0, -2.0]
    >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(0.1))
    >>> history = trainer.fit(
    ...     st.Blocks(read, rows=1000, block_rows=400), epochs=3, batch_size=20
    ... )
    >>> history.rows[-1]["loss"] < 0.01
    True
    """

    read: Callable[[Draw], Iterable[Chunk]]
    rows: int
    block_rows: int
    contents: str = ""

    def __post_init__(self) -> None:
        for name in ("rows", "block_rows"):
            value: Any = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(
                    f"Blocks: {name} is a whole number from 1 on, not {value!r}"
                )
        if not callable(self.read):
            raise ConfigurationError(
                "Blocks: read is a function of a draw that gives chunks of rows, (x, y) or "
                f"(x, y, sample_weight), not {self.read!r}"
            )
