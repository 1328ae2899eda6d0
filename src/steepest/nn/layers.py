"""Layers with weights: linear, embedding."""

from __future__ import annotations

from typing import final

import steepest.init as init
from steepest.errors import DTypeError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import int32, is_integer
from steepest.methods import implements
from steepest.nn.module import Module
from steepest.nn.sizes import size
from steepest.ops.contract import contract
from steepest.ops.elementwise import maximum, where
from steepest.ops.index import take
from steepest.ops.movement import expand_dims
from steepest.ops.rows import converted
from steepest.tensor import random
from steepest.tensor.creation import full
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor


@implements("M1", "M2")
@final
class Linear(Module):
    """An affine map of the last axis: y = x Wᵀ + b.

    The weight is (outputs, inputs), as in PyTorch and the lectures (scikit-learn and Keras keep its
    transpose), counted by an L2 penalty and by weight decay; the bias is not, and starts at 0.

    ``Linear(d, 1)`` is a single neuron. With the loss ``perceptron`` its sign is Rosenblatt's
    perceptron, with ``hinge`` and ``l2`` a support vector machine, with ``binary_logistic``
    logistic and with ``half_squared_error`` linear regression.

    Args:
        inputs: features of x, whose shape is (…, inputs).
        outputs: features of the result, whose shape is (…, outputs).
        bias: whether b is added.
        initialise: how W is drawn, a name or an :class:`steepest.init.Initialiser`.

    Source: L1.

    Raises:
        ConfigurationError: a size below 1, an unknown initialiser.
        ShapeError: x has another number of features.

    >>> import steepest as st
    >>> st.nn.Linear(3, 2)(st.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        initialise: str | init.Initialiser = init.lecun_normal,
    ) -> None:
        self.inputs = size(inputs, "Linear: inputs")
        self.outputs = size(outputs, "Linear: outputs")
        self.initialiser = init.initialiser(initialise)
        self.weight = State(self.initialiser((outputs, inputs)), penalised=True)
        self.bias = State(full((outputs,), 0.0)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis."""
        if not x.ndim or x.shape[-1] != self.inputs:
            what = f"the last axis should be {self.inputs}, the layer's number of inputs"
            raise explain(ShapeError(what), repr(self), (x,))
        rows = tuple(range(x.ndim - 1))
        summed, new = x.ndim - 1, x.ndim
        product: Tensor = contract(
            x, self.weight.value, left=(*rows, summed), right=(new, summed), result=(*rows, new)
        )
        return product if self.bias is None else product + self.bias.value


@implements("M8", option="--set network.embedding_size=N")
@final
class Embedding(Module):
    """A learned vector for each category: rows of a table, looked up by code.

    Codes 1 … levels have a vector each. Code 0 (or below) stands for a level that nobody trained:
    its vector is exactly zero, and it has no gradient. (PyTorch's codes start at 0, and
    ``padding_idx`` is optional.)

    Args:
        levels: how many categories.
        width: numbers per category.
        deviation: the vectors start as N(0, deviation²).

    Shapes: codes (…) to (…, width).

    Source: Guo, Berkhahn 2016; L3.

    Raises:
        ConfigurationError: a size below 1.
        DTypeError: codes that are no integers.
        ShapeError: a code above ``levels``.

    >>> import steepest as st
    >>> layer = st.nn.Embedding(3, 2)
    >>> layer(st.tensor([0, 3])).shape
    (2, 2)
    >>> layer(st.tensor([0])).detach()
    tensor([[0., 0.]])
    """

    def __init__(self, levels: int, width: int, *, deviation: float = 0.1) -> None:
        self.levels = size(levels, "Embedding: levels")
        self.width = size(width, "Embedding: width")
        self.weight = State(random.normal((levels, width), deviation=deviation))

    def forward(self, codes: Tensor) -> Tensor:
        """Look the codes up."""
        if not is_integer(codes.dtype):
            raise explain(DTypeError("codes are integers; use .astype"), repr(self), (codes,))
        signed = codes if codes.dtype.kind == "i" else converted(codes, int32)
        found = take(self.weight.value, maximum(signed - 1, 0), axis=0)
        return where(expand_dims(signed > 0, axis=-1), found, 0.0)
