"""Initial weights: how a layer's parameters are drawn, by name.

A weight has shape (outputs, inputs); fan_in is its number of inputs, fan_out of outputs. Draws come
from the current random stream: ``with st.random.stream(seed): …``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import final

import numpy as np

from steepest.ir.types import DType, Shape, float32, float64
from steepest.methods import Registry
from steepest.tensor import random
from steepest.tensor.creation import full
from steepest.tensor.tensor import Tensor

__all__ = [
    "INITIALISERS",
    "Initialiser",
    "constant",
    "forced",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "initialiser",
    "lecun_normal",
    "naive_normal",
    "orthogonal",
    "zeros",
]


@final
@dataclass(frozen=True)
class Initialiser:
    """A way to draw a weight; called with a shape it gives a Tensor.

    Args:
        name: in the registry.
        summary: one sentence with the formula.
        deviation: (fan_in, fan_out) to the standard deviation of each element.
        draw: (shape, standard deviation, element type) to the weight.
        gives_equal_units: all units of a layer start equal, so hidden layers refuse it.
        source: where it was proposed.

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     st.init.he_normal((3, 2)).shape
    (3, 2)
    """

    name: str
    summary: str
    deviation: Callable[[int, int], float]
    draw: Callable[[Shape, float, DType], Tensor]
    gives_equal_units: bool = False
    source: str = ""

    def __call__(self, shape: Shape, *, dtype: DType = float32) -> Tensor:
        """Draw a weight of this shape."""
        fan_in, fan_out = fans(shape)
        return self.draw(shape, self.deviation(fan_in, fan_out), dtype)

    def __repr__(self) -> str:
        return self.name


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of shape (outputs, inputs, …); further axes are a kernel's.

    >>> fans((3, 2))
    (2, 3)
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _normal(shape: Shape, deviation: float, dtype: DType) -> Tensor:
    return random.normal(shape, deviation=deviation, dtype=dtype)


def _uniform(shape: Shape, deviation: float, dtype: DType) -> Tensor:
    bound = math.sqrt(3.0) * deviation  # the variance of U(−a, a) is a²/3
    return random.uniform(shape, low=-bound, high=bound, dtype=dtype)


def _filled(value: float, shape: Shape, deviation: float, dtype: DType) -> Tensor:
    return full(shape, value, dtype=dtype)


def _none(fan_in: int, fan_out: int) -> float:
    return 0.0


def _per_input(gain: float, fan_in: int, fan_out: int) -> float:
    return math.sqrt(gain / max(fan_in, 1))


def _per_both(fan_in: int, fan_out: int) -> float:
    return math.sqrt(2.0 / max(fan_in + fan_out, 1))


def _per_larger(fan_in: int, fan_out: int) -> float:
    return math.sqrt(1.0 / max(fan_in, fan_out, 1))


def _naive(fan_in: int, fan_out: int) -> float:
    return 0.01


def _orthogonal(shape: Shape, deviation: float, dtype: DType) -> Tensor:
    """Of the QR decomposition of a normal matrix, with the signs that make it uniform."""
    rows, columns = shape[0] if shape else 1, math.prod(shape[1:])
    tall = (max(rows, columns), min(rows, columns))
    drawn = random.normal(tall, dtype=float64)
    orthonormal, triangular = np.linalg.qr(drawn.data)
    turned = orthonormal * np.where(np.diag(triangular) < 0, -1.0, 1.0)
    square = turned if rows >= columns else turned.T
    return Tensor(square.reshape(shape).astype(dtype), None)


def constant(value: float) -> Initialiser:
    """Every element is ``value``; hidden layers refuse it, see :func:`forced`.

    >>> import steepest as st
    >>> st.init.constant(0.5)((2,))
    tensor([0.5, 0.5])
    """
    return Initialiser(
        "constant",
        f"Every element is {value}.",
        _none,
        partial(_filled, value),
        gives_equal_units=True,
    )


INITIALISERS = Registry[Initialiser]("initialiser", option="--set network.initialiser=NAME")


def _registered(row: str, each: Initialiser, *others: str) -> Initialiser:
    return INITIALISERS.register(each.name, row, *others)(each)


zeros = _registered(
    "I1",
    replace(
        constant(0.0), name="zeros", summary="Every element is 0; for biases.", source="L1, L3"
    ),
    "I4",
)
lecun_normal = _registered(
    "I3",
    Initialiser(
        "lecun_normal",
        "N(0, 1/fan_in): keeps the variance through linear units and tanh near 0 (L1 calls it "
        "Xavier).",
        partial(_per_input, 1.0),
        _normal,
        source="LeCun et al. 1998",
    ),
)
glorot_normal = _registered(
    "I3",
    Initialiser(
        "glorot_normal",
        "N(0, 2/(fan_in + fan_out)): a compromise between forward and backward.",
        _per_both,
        _normal,
        source="Glorot, Bengio 2010",
    ),
)
glorot_uniform = _registered(
    "I3",
    Initialiser(
        "glorot_uniform",
        "U(−a, a), a = √(6/(fan_in + fan_out)): the variance of glorot_normal.",
        _per_both,
        _uniform,
        source="Glorot, Bengio 2010",
    ),
)
he_normal = _registered(
    "I3",
    Initialiser(
        "he_normal",
        "N(0, 2/fan_in): keeps the variance through ReLU, which drops half of it (L3 derives "
        "this, then prints Glorot's).",
        partial(_per_input, 2.0),
        _normal,
        source="He et al. 2015",
    ),
)
he_uniform = _registered(
    "I3",
    Initialiser(
        "he_uniform",
        "U(−a, a) with a = √(6/fan_in), the variance of he_normal.",
        partial(_per_input, 2.0),
        _uniform,
        source="He et al. 2015",
    ),
)


naive_normal = _registered(
    "I2",
    Initialiser(
        "naive_normal",
        "N(0, 0.01²) whatever the fans: fine for one hidden layer; through many, signals and "
        "gradients vanish.",
        _naive,
        _normal,
        source="L1",
    ),
)
orthogonal = _registered(
    "I3",
    Initialiser(
        "orthogonal",
        "W Wᵀ = I, or Wᵀ W = I for more outputs than inputs, uniform among such matrices: keeps "
        "the length of signals, exactly, through linear units.",
        _per_larger,
        _orthogonal,
        source="Saxe, McClelland, Ganguli 2014",
    ),
)


def initialiser(which: str | Initialiser) -> Initialiser:
    """The initialiser of this name.

    Raises:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.init.initialiser("he_normal")
    he_normal
    """
    if isinstance(which, Initialiser):
        return which
    return INITIALISERS.find(which)


def forced(which: str | Initialiser) -> Initialiser:
    """The same initialiser, accepted by hidden layers although all their units will stay equal.

    For demonstrations: the units of a layer that start equal get equal gradients for ever.

    >>> import steepest as st
    >>> st.nn.MLP(2, [3], 1, initialise=st.init.forced("zeros")).states()["layers.0.weight"].shape
    (3, 2)
    """
    return replace(initialiser(which), gives_equal_units=False)
