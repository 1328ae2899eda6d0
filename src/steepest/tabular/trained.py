"""A trained network in use: its outputs for rows, from a program that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.errors import TrainingError
from steepest.ir.types import is_floating
from steepest.nn import Module
from steepest.tabular.threads import suitable_threads
from steepest.train.arrays import Tables, mapped
from steepest.train.predict import (
    BLOCK,
    Predictor,
    SampledPredictor,
    check_samples,
    make_seed,
)
from steepest.transform.executable import Backend
from steepest.transform.memory import Memory


@final
class TrainedNetwork:
    """Computes what a network gives for rows, on its weights of now.

    Args:
        network: The module.
        backend: ``native`` or ``reference``; may be replaced until outputs are first asked for.
    """

    def __init__(self, network: Module, backend: Backend = "native") -> None:
        self.network = network
        self.backend: Backend = backend
        self._predictor: Predictor | None = None
        self._sampler: SampledPredictor | None = None

    def __getstate__(self) -> dict[str, Any]:
        """All but the machine code, which is this process's."""
        return {**self.__dict__, "_predictor": None, "_sampler": None}

    def outputs(self, inputs: Tables) -> NDArray[Any]:
        """Compute the raw outputs of the network, (n, outputs), in its element type.

        Raises:
            TrainingError: They are not finite, because training went wrong.
        """
        with suitable_threads(self.network, BLOCK, self.backend):
            return _finite(self._run(self._cast(inputs)))

    def samples(self, inputs: Tables, samples: int, seed: int) -> Iterator[NDArray[Any]]:
        """Draw raw outputs with dropout left on, each (n, outputs), again and again.

        Raises:
            ConfigurationError: The network has no dropout; fewer than two samples.
            TrainingError: Outputs are not finite, because training went wrong.
        """
        check_samples(samples)
        seed, inputs = make_seed(seed), self._cast(inputs)
        with suitable_threads(self.network, BLOCK, self.backend):
            if self._sampler is None:
                memory = Memory(self.network.states().values())
                self._sampler = SampledPredictor(self.network, inputs, memory, self.backend)
            self._sampler.memory.load()
            for outputs in self._sampler(inputs, samples, seed):
                yield _finite(outputs)

    def _cast(self, inputs: Tables) -> Tables:
        """Numbers in the network's element type; codes and bytes as they are."""
        dtype = self.network.dtype
        return mapped(
            inputs,
            lambda array: array.astype(dtype, copy=False) if is_floating(array.dtype) else array,
        )

    def _run(self, inputs: Tables) -> NDArray[Any]:
        if self._predictor is None:
            memory = Memory(self.network.states().values())
            self._predictor = Predictor(self.network, inputs, memory, self.backend)
        self._predictor.memory.load()
        return self._predictor(inputs)


def _finite(outputs: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(outputs).all():
        raise TrainingError(
            "the network's outputs are not finite: its training has blown up; fit it again "
            "with a smaller learning rate (a tenth, say)"
        )
    return outputs
