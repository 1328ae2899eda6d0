"""Networks put together from layers: in a row, around a skip connection, as a perceptron."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, final

import steepest.init as init
from steepest.errors import ConfigurationError, ShapeError, nearest
from steepest.ir.op import explain
from steepest.methods import implements
from steepest.nn.activations import Activation, activation
from steepest.nn.dropout import Dropout
from steepest.nn.layers import Linear
from steepest.nn.module import Module, note
from steepest.nn.normalisation import BatchNorm
from steepest.nn.outputs import Bounded, Softmax
from steepest.tensor.tensor import Tensor

Layer: TypeAlias = Callable[[Any], Any]
BatchNormPlace: TypeAlias = Literal["before", "after"]


@final
class Sequential(Module):
    """Layers one after the other; modules, activations and any function of a Tensor.

    Raises:
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
        return _through(self.layers, x)


def _through(layers: Sequence[Layer], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
        if not isinstance(layer, Module | Activation):  # those note themselves
            note(layer, x)
    return x


@implements("M7")
@final
class Residual(Module):
    """A skip connection: z + f(z), so that gradients have a way around f.

    Args:
        inner: f, from a shape to the same shape.

    Source: He et al. 2016.

    Raises:
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


@implements("M2", option="--hidden-layer-sizes N,N")
@final
class MLP(Module):
    """A multi-layer perceptron: z(l) = σ(W(l) z(l−1) + b(l)), and a linear output.

    Args:
        inputs: features of x, whose shape is (batch, inputs).
        hidden: units of each hidden layer; empty for a linear model, a number for one layer.
        outputs: numbers per example; the result is (batch, outputs).
        activation: σ, by name or from ``st.nn``.
        dropout: probability of dropping each hidden unit in training.
        batch_norm: "before" or "after" the activation of each hidden layer, or None. Before it,
            the linear layer has no bias, since batch normalisation takes any away; dropout comes
            last.
        output_activation: after the last layer: a name, one of ``st.nn``, ``st.nn.Bounded(low,
            high)`` or ``st.nn.Softmax()``; None for plain scores, as the losses want them.
        initialise: how weights are drawn; by default the activation's own initialiser in hidden
            layers and Glorot's in the last (the output activation's, if there is one).

    Raises:
        ConfigurationError: a size below 1, an unknown activation, an initialiser that makes all
            units of a hidden layer equal (see :func:`steepest.init.forced`).

    With the identity activation it is a linear map however deep. Weights are (outputs, inputs).

    Source: L1; L2.

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
        batch_norm: BatchNormPlace | None = None,
        output_activation: str | Activation | Bounded | Softmax | None = None,
        initialise: str | init.Initialiser | None = None,
    ) -> None:
        sigma, last = _functions(activation, output_activation)
        _check_place(batch_norm)
        sizes = [inputs, *([hidden] if isinstance(hidden, int) else hidden)]
        layers: list[Layer] = []
        for n, m in pairwise(sizes):
            how, biased = initialise or sigma.initialiser, batch_norm != "before"
            layers.append(Linear(n, m, bias=biased, initialise=how))
            if batch_norm == "before":
                layers.append(BatchNorm(m))
            layers.append(sigma)
            if batch_norm == "after":
                layers.append(BatchNorm(m))
            if dropout:
                layers.append(Dropout(dropout))
        own = last.initialiser if isinstance(last, Activation) else init.glorot_uniform
        layers.append(Linear(sizes[-1], outputs, initialise=initialise or own))
        if last is not None:
            layers.append(last)
        self.layers = tuple(layers)
        refuse_equal_units(layers)

    def forward(self, x: Any) -> Any:
        """Pass through all layers."""
        return _through(self.layers, x)


def _functions(
    hidden: str | Activation, output: str | Activation | Bounded | Softmax | None
) -> tuple[Activation, Activation | Bounded | Softmax | None]:
    if output is None or isinstance(output, Bounded | Softmax):
        return activation(hidden), output
    return activation(hidden), activation(output)


def _check_place(place: object) -> None:
    if place not in ("before", "after", None):
        raise ConfigurationError(
            f"MLP: batch_norm is 'before' or 'after' the activation, or None, not {place!r}; "
            f"{nearest(str(place), ('before', 'after'))}"
        )


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
