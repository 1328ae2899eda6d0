"""The weights of a table's network as scikit-learn's MLP shows its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.nn import Ensemble, Linear, Module
from steepest.tabular.network import TableNetwork


def dense_layers(network: Module) -> list[Linear]:
    """The dense layers between the columns and the outputs; of an ensemble its first member's."""
    if isinstance(network, Ensemble):
        network = network.members[0]
    if not isinstance(network, TableNetwork):
        return []
    return [each for each in network.perceptron.layers if isinstance(each, Linear)]


def coefficients(network: Module) -> list[NDArray[Any]]:
    """The weights of each layer, (inputs, outputs)."""
    return [np.array(each.weight.value.data.T) for each in dense_layers(network)]


def intercepts(network: Module) -> list[NDArray[Any]]:
    """The biases of each layer, (outputs,)."""
    return [
        np.array(each.bias.value.data) if each.bias is not None else np.zeros(each.outputs)
        for each in dense_layers(network)
    ]
