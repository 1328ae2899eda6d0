"""Weights of model files whose numeric columns stood in another order (versions 0.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from steepest.data import order_of_format_1

_FIRST_WEIGHT = "perceptron.layers.0.weight"


def reordered(
    weights: Mapping[str, NDArray[Any]], preprocessor: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    """Put the first layer's inputs in the order in which columns stand now.

    Args:
        weights: of a model file, by name.
        preprocessor: of the same file; says by itself which order it is of.
    """
    if "columns" in preprocessor:
        return dict(weights)
    order = order_of_format_1(preprocessor)
    found = dict(weights)
    for name, array in weights.items():
        if name.endswith(_FIRST_WEIGHT):
            found[name] = array.copy()
            found[name][:, : len(order)] = array[:, order]
    return found
