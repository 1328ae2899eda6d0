"""Exact statistics for batch normalisation: those of all training rows, after training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, final

import numpy as np

from steepest.errors import ConfigurationError, DataError, TrainingError
from steepest.ir.types import Array, is_floating
from steepest.methods import implements
from steepest.nn.mode import evaluating
from steepest.nn.module import Module
from steepest.nn.normalisation import BatchNorm, noting_inputs
from steepest.tensor.modes import no_grad
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import Flat, flatten
from steepest.transform.executable import Backend
from steepest.transform.jit import jit


@implements("N3")
def recompute_statistics(
    model: Module, x: Any, *, batch_size: int = 256, backend: Backend = "native"
) -> None:
    """Give each BatchNorm the mean and unbiased variance of its inputs over all rows of ``x``.

    m = (1/N) Σ a, v = (1/(N − 1)) Σ (a − m)². Layer by layer, from the first: the inputs of one
    are computed with the exact statistics of those before it, in a pass of its own. So the result
    depends neither on the batches' size nor on their order. Running averages, which it replaces,
    lag behind the weights.

    Source: Ioffe, Szegedy 2015, Algorithm 2, there with averages over mini-batches.

    Args:
        model: in use, as in predicting.
        x: the training rows, as ``Trainer.fit`` takes them.
        batch_size: rows that go through at once.
        backend: ``native`` or ``reference``, as the Trainer's.

    Raises:
        ConfigurationError: the model has no BatchNorm.
        DataError: fewer than two rows.
        TrainingError: what comes to a layer is not finite.

    >>> import numpy as np
    >>> import steepest as st
    >>> net = st.nn.MLP(3, [8], 1, batch_norm="before")
    >>> st.nn.recompute_statistics(net, np.random.default_rng(0).normal(size=(1000, 3)))
    """
    ExactStatistics(model, batch_size=batch_size, backend=backend).gather(x)


@final
class ExactStatistics:
    """What :func:`recompute_statistics` does, compiled once for several calls.

    Args:
        model: with BatchNorm layers.
        batch_size: rows that go through at once.
        backend: ``native`` or ``reference``.

    Raises:
        ConfigurationError: the model has no BatchNorm.
    """

    def __init__(
        self, model: Module, *, batch_size: int = 256, backend: Backend = "native"
    ) -> None:
        if not has_batch_norm(model):
            raise ConfigurationError("the model has no BatchNorm, so there are no statistics")
        self._model = model
        self._size = batch_size
        self._backend: Backend = backend
        self._programs: dict[BatchNorm, Callable[..., list[Tensor]]] = {}

    def gather(self, x: Any) -> None:
        """Set the statistics to those over all rows of ``x``; see :func:`recompute_statistics`."""
        structured = isinstance(x, Tensor | Mapping | list | tuple)
        flat = flatten([cast("Any", x) if structured else np.asarray(x)], what="x")
        dtype = self._model.dtype
        arrays = [
            leaf.data.astype(dtype) if is_floating(leaf.dtype) else leaf.data
            for leaf in flat.leaves
        ]
        rows = len(arrays[0])
        if rows < 2:
            raise DataError("recompute_statistics: x has fewer than two rows, so no variance")
        size = min(self._size, rows)
        for layer in self._layers(_built(flat, [array[:1] for array in arrays])):
            moments = Moments()
            for block, count in _blocks(arrays, size):
                for found in self._program(layer)(_built(flat, block)):
                    _check_finite(layer, found.data)
                    moments.add(found.data[:count].reshape(-1, layer.features))
            layer.mean.assign(moments.mean.astype(dtype))
            layer.variance.assign((moments.squares / (moments.rows - 1)).astype(dtype))

    def _layers(self, one: Any) -> list[BatchNorm]:
        """Those that are called, in the order of their first call."""
        with no_grad(), evaluating(), noting_inputs() as noted:
            self._model(one)
        return list(dict.fromkeys(layer for layer, _ in noted))

    def _program(self, layer: BatchNorm) -> Callable[..., list[Tensor]]:
        """From rows to what comes to a layer, at each of its calls."""

        def inputs(x: Any) -> list[Tensor]:
            with evaluating(), noting_inputs() as noted:
                self._model(x)
            return [value for its, value in noted if its is layer]

        if layer not in self._programs:
            self._programs[layer] = jit(inputs, backend=self._backend)
        return self._programs[layer]


@final
@dataclass
class Moments:
    """Count, mean, and sum of squared deviations of rows, merged block by block in float64.

    Source: Chan, Golub, LeVeque 1983.
    """

    rows: int = 0
    mean: Array = field(default_factory=lambda: np.zeros(()))
    squares: Array = field(default_factory=lambda: np.zeros(()))

    def add(self, block: Array) -> None:
        """Count the rows of a block."""
        values = block.astype(np.float64)
        mean = values.mean(axis=0)
        apart = mean - self.mean
        rows = self.rows + len(values)
        self.squares = (
            self.squares
            + ((values - mean) ** 2).sum(axis=0)
            + apart**2 * (self.rows * len(values) / rows)
        )
        self.mean = self.mean + apart * (len(values) / rows)
        self.rows = rows


def has_batch_norm(model: Module) -> bool:
    """Whether a model's predictions depend on statistics of batches."""
    return any(isinstance(module, BatchNorm) for _, module in model.named())


def _check_finite(layer: BatchNorm, values: Array) -> None:
    if not np.isfinite(values).all():
        raise TrainingError(
            f"recompute_statistics: what comes to {layer!r} is not finite: training has blown up; "
            "train again with a smaller learning rate (a tenth, say)"
        )


def _built(flat: Flat, arrays: list[Array]) -> Any:
    """The structure of x with other arrays in it."""
    return flat.call([Tensor(array, None) for array in arrays])[0]


def _blocks(arrays: list[Array], size: int) -> Iterator[tuple[list[Array], int]]:
    """So many rows at once, with how many of them count: the last ones are filled up."""
    rows = len(arrays[0])
    for start in range(0, rows, size):
        count = min(size, rows - start)
        order = np.minimum(np.arange(start, start + size), rows - 1)
        yield [array[order] for array in arrays], count
