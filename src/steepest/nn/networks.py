"""Networks put together from layers: in a row, around a skip connection, as a perceptron."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, final

import steepest.init as init
from steepest.errors import ConfigurationError, ShapeError
from steepest.ir.op import explain
from steepest.nn.activations import Activation, activation
from steepest.nn.layers import Dropout, Linear
from steepest.nn.module import Module
from steepest.tensor.tensor import Tensor

Layer: TypeAlias = Callable[[Any], Any]


@final
class Sequential(Module):
    """Layers one after the other; modules, activations and any function of a Tensor.

    Errors:
        ConfigurationError: a linear layer before the last one whose units all start equal; a list
            of layers, or something else that cannot be called.

    >>> import steepest as st
    >>> net = st.nn.Sequential(st.nn.Linear(2, 4), st.nn.tanh, st.nn.Linear(4, 1))
    >>> net(st.ones((3, 2))).shape
    (3, 1)
    """

    def __init__(self, *layers: Layer) -> None:
        for position, layer in enumerate(layers):
            _refuse_what_is_no_layer(layer, position)
        self.layers = layers
        refuse_equal_units(layers)

    def forward(self, x: Any) -> Any:
        """Pass through all layers."""
        for layer in self.layers:
            x = layer(x)
        return x


@final
class Residual(Module):
    """A skip connection: z + f(z), so that gradients have a way around f.

    Args:
        inner: f, from a shape to the same shape.

    Source: He et al. 2016.

    Errors:
        ShapeError: f changes the shape.

    >>> import steepest as st
    >>> st.nn.Residual(st.nn.Linear(4, 4))(st.ones((3, 4))).shape
    (3, 4)
    """

    def __init__(self, inner: Layer) -> None:
        self.inner = inner

    def forward(self, z: Tensor) -> Tensor:
        """Add f(z) to z."""
        change: Tensor = self.inner(z)
        if change.shape != z.shape:
            error = ShapeError(f"f(z) has shape {change.shape}, which cannot be added to z")
            raise explain(error, "Residual", (z,))
        return z + change


@final
class MLP(Module):
    """A multi-layer perceptron: z(l) = σ(W(l) z(l−1) + b(l)), and a linear output.

    Args:
        inputs: features of x, whose shape is (batch, inputs).
        hidden: units of each hidden layer; empty for a linear model, a number for one layer.
        outputs: numbers per example; the result is (batch, outputs).
        activation: σ, by name or from ``st.nn``.
        dropout: probability of dropping each hidden unit in training.
        output_activation: after the last layer; None for plain scores, as the losses want them.
        initialise: how weights are drawn; by default the activation's own initialiser in hidden
            layers and Glorot's in the last (the output activation's, if there is one).

    Errors:
        ConfigurationError: a size below 1, an unknown activation, an initialiser that makes all
            units of a hidden layer equal (see :func:`steepest.init.forced`).

    With the identity activation it is a linear map however deep. Weights are (outputs, inputs).

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     net = st.nn.MLP(2, [16, 16], 3, activation="tanh", dropout=0.1)
    >>> net(st.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        inputs: int,
        hidden: int | Sequence[int],
        outputs: int,
        *,
        activation: str | Activation = "relu",
        dropout: float = 0.0,
        output_activation: str | Activation | None = None,
        initialise: str | init.Initialiser | None = None,
    ) -> None:
        sigma, last = _functions(activation, output_activation)
        sizes = [inputs, *([hidden] if isinstance(hidden, int) else hidden)]
        layers: list[Layer] = []
        for n, m in pairwise(sizes):
            layers += [Linear(n, m, initialise=initialise or sigma.initialiser), sigma]
            if dropout:
                layers.append(Dropout(dropout))
        own = init.glorot_uniform if last is None else last.initialiser
        layers.append(Linear(sizes[-1], outputs, initialise=initialise or own))
        if last is not None:
            layers.append(last)
        self.layers = tuple(layers)
        refuse_equal_units(layers)

    def forward(self, x: Any) -> Any:
        """Pass through all layers."""
        for layer in self.layers:
            x = layer(x)
        return x


def _functions(
    hidden: str | Activation, output: str | Activation | None
) -> tuple[Activation, Activation | None]:
    return activation(hidden), None if output is None else activation(output)


def _refuse_what_is_no_layer(layer: object, position: int) -> None:
    if isinstance(layer, list | tuple):
        raise ConfigurationError(
            "Sequential takes the layers themselves, not a list: Sequential(a, b), or "
            "Sequential(*layers)"
        )
    if isinstance(layer, type) or not callable(layer):
        hint = "; make one: write its parentheses" if isinstance(layer, type) else ""
        raise ConfigurationError(
            f"Sequential: layer {position} is {_short(layer)}, which is no layer{hint}"
        )


def _short(layer: object) -> str:
    return f"the class {layer.__name__}" if isinstance(layer, type) else reprlib.repr(layer)


def refuse_equal_units(layers: Sequence[object]) -> None:
    """Refuse hidden layers whose units all start equal, with the reason."""
    linear = [layer for layer in layers if isinstance(layer, Linear)]
    for layer in linear[:-1]:
        if layer.initialiser.gives_equal_units and layer.outputs > 1:
            name = repr(layer.initialiser)
            raise ConfigurationError(
                f"{layer!r} is a hidden layer that starts with {name}: all its units are then "
                "equal, get equal gradients and stay equal, as if there were one. Draw them "
                f"(he_normal, glorot_uniform …), or insist with init.forced({name})"
            )
