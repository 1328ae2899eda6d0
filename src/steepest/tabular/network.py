"""The network of a table: embeddings beside the numeric columns, then a multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Bag, Inputs, Preprocessor
from steepest.errors import ModelFileError
from steepest.losses import Loss
from steepest.nn import (
    MLP,
    Dropout,
    Embedding,
    EmbeddingBag,
    Ensemble,
    Module,
    PeriodicEmbedding,
)
from steepest.ops.joins import concat
from steepest.tabular.configuration import Configuration
from steepest.tabular.heads import head_of
from steepest.tabular.resolved import Resolved, explicit
from steepest.tabular.results import Results
from steepest.tabular.sections.network import Network
from steepest.tensor import random
from steepest.tensor.tensor import Tensor
from steepest.train.averaging import mean_for


@final
class TableNetwork(Module):
    """f(x) = MLP(numeric columns, waves of some, e_1[c_1], ..., e_q[c_q], mean_j t_1[c_j], ...).

    A category has an embedding e, a text one of its own, t, with the mean over its codes.

    Args:
        numeric: Number of numeric columns, one-hot columns among them.
        waving: Places of those that have a periodic embedding besides; none for a network without.
        levels: For each embedded category, how many levels have a vector; code 0 gives zeros.
        bags: For each text, how many codes have a vector, and how many stand in a row.
        outputs: Classes, or for a number 1, or one for each quantile.
        network: Sizes and activation.
        dropout: Probability of dropping a hidden unit.

    Shapes: {"numeric": (n, numeric), "categories": (n, q), "bags": (n, all codes of all texts)} to
    (n, outputs); an array without columns is left out of the dictionary.
    """

    def __init__(
        self,
        *,
        numeric: int,
        waving: Sequence[int] = (),
        levels: Sequence[int],
        bags: Sequence[Bag] = (),
        outputs: int,
        network: Network,
        dropout: float,
    ) -> None:
        width = network.embedding_size
        deviation = width**-0.5
        self.waving = _runs(waving)
        self.waves = PeriodicEmbedding(len(waving), deviation=0.3, speed=4.0) if waving else None
        self.embeddings = [Embedding(each, width, deviation=deviation) for each in levels]
        self.embedding_dropout = Dropout(network.embedding_dropout)
        waves = self.waves.columns * self.waves.width if self.waves else 0
        self.texts = [EmbeddingBag(each.buckets, network.text_size, speed=10.0) for each in bags]
        self.lengths = tuple(each.length for each in bags)
        inputs = numeric + waves + width * len(levels) + network.text_size * len(bags)
        self.perceptron = make_perceptron(inputs, outputs, network, dropout)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Compute logits, or standardised values."""
        parts = [inputs["numeric"]] if "numeric" in inputs else []
        if self.waves is not None:
            numbers = [inputs["numeric"][:, first:end] for first, end in self.waving]
            parts.append(self.waves(_side_by_side(numbers)))
        for place, embedding in enumerate(self.embeddings):
            parts.append(self.embedding_dropout(embedding(inputs["categories"][:, place])))
        ends = accumulate(self.lengths)
        for text, length, end in zip(self.texts, self.lengths, ends, strict=True):
            parts.append(text(inputs["bags"][:, end - length : end]))
        return self.perceptron(_side_by_side(parts))


def _side_by_side(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else concat(parts, axis=1)


def _runs(places: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Columns as slices: first, and the one after the last, of each run of neighbours.

    >>> _runs([0, 1, 2, 5, 7, 8])
    ((0, 3), (5, 6), (7, 9))
    """
    runs = groupby(enumerate(places), key=lambda each: each[1] - each[0])
    found = [[place for _, place in run] for _, run in runs]
    return tuple((run[0], run[-1] + 1) for run in found)


def make_perceptron(inputs: int, outputs: int, network: Network, dropout: float) -> MLP:
    """Make the multi-layer perceptron that the options describe.

    Args:
        inputs: Numbers of a row.
        outputs: Numbers of a prediction.
        network: Sizes, activation, batch normalisation, initial weights.
        dropout: Probability of dropping a hidden unit.
    """
    sizes = network.hidden_layer_sizes
    return MLP(
        inputs,
        (256, 128) if sizes == "auto" else sizes,
        outputs,
        activation=network.activation,
        dropout=dropout,
        batch_norm=None if network.batch_norm == "none" else network.batch_norm,
        initialise=None if network.initialiser == "auto" else network.initialiser,
    )


def build_network(
    preprocessor: Preprocessor,
    configuration: Configuration,
    resolved: Resolved,
    member: int = 0,
) -> TableNetwork:
    """Make the network that fits the preprocessed columns, its weights drawn by the seed.

    Args:
        preprocessor: gives the columns.
        configuration: says what the layers are.
        resolved: what was left on "auto" there.
        member: of an ensemble; each draws for itself.
    """
    head = head_of(preprocessor, configuration)
    with random.stream(configuration.training.seed, member):
        return TableNetwork(
            numeric=len(preprocessor.numeric_names),
            waving=preprocessor.continuous if resolved.numeric_embedding == "periodic" else (),
            levels=preprocessor.levels,
            bags=preprocessor.bags,
            outputs=head.outputs,
            network=explicit(configuration.network, resolved),
            dropout=resolved.dropout,
        ).astype(configuration.training.dtype)


def together(networks: Sequence[Module], loss: Loss, results: Results) -> Module:
    """The networks of a model file as one: their mean, if they were an ensemble."""
    return Ensemble(networks, mean_for(loss)) if results.members else networks[0]


def network_inputs(inputs: Inputs) -> dict[str, NDArray[Any]]:
    """Leave out arrays without columns, which the network does not take."""
    return {name: array for name, array in inputs.items() if array.shape[1]}


def network_weights(network: Module) -> dict[str, NDArray[Any]]:
    """Copy the network's cells by name."""
    return {name: np.array(cell.value.data) for name, cell in network.states().items()}


def set_weights(network: Module, weights: Mapping[str, NDArray[Any]]) -> None:
    """Give the network's cells the values of a model file.

    Raises:
        ModelFileError: A tensor is missing, left over or has another shape.
    """
    cells = network.states()
    if odd := sorted(set(cells) ^ set(weights)):
        raise ModelFileError(f"the weights and the options disagree about {odd[0]!r}")
    for name, cell in cells.items():
        if cell.shape != weights[name].shape or cell.dtype != weights[name].dtype:
            raise ModelFileError(
                f"{name!r} should be {cell.dtype} {cell.shape}, and is "
                f"{weights[name].dtype} {weights[name].shape}"
            )
        cell.assign(weights[name])
