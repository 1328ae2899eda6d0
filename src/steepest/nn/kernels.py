"""Kernel machines as networks: feature maps, and the dual form, a hidden layer of kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Protocol, final

import numpy as np

from steepest.errors import ConfigurationError, DataError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import float32
from steepest.methods import implements
from steepest.nn.module import Module
from steepest.nn.sizes import size
from steepest.ops.contract import contract
from steepest.ops.elementwise import cos, exp, maximum, square
from steepest.ops.index import take
from steepest.ops.joins import concat
from steepest.ops.movement import expand_dims
from steepest.ops.reduce import sum
from steepest.tensor import random
from steepest.tensor.creation import full
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor

_MOST_FEATURES = 100_000


class Kernel(Protocol):
    """A similarity: rows (n, d) and (m, d) to (n, m)."""

    def __call__(self, x: Tensor, points: Tensor, /) -> Tensor:
        """K(x, p) of each row of x with each point."""
        ...


@implements("M5")
@final
@dataclass(frozen=True)
class RadialKernel:
    """The radial kernel, RBF: K(x, p) = exp(−γ ‖x − p‖²).

    Args:
        gamma: γ, one over twice the squared distance at which points are alike.

    Source: L1.

    >>> import steepest as st
    >>> st.nn.RadialKernel(0.5)(st.tensor([[0.0, 0.0]]), st.tensor([[0.0, 0.0], [0.0, 2.0]]))
    tensor([[1.        , 0.13533528]])
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        _check_above_zero(self.gamma, "RadialKernel: gamma")

    def __call__(self, x: Tensor, points: Tensor, /) -> Tensor:
        """K of each row with each point."""
        # ‖x‖² − 2⟨x, p⟩ + ‖p‖² would cancel for rows far from 0.
        apart = expand_dims(x, axis=1) - expand_dims(points, axis=0)
        return exp(-self.gamma * sum(square(apart), axis=-1))


@implements("M5")
@final
@dataclass(frozen=True)
class PolynomialKernel:
    """The polynomial kernel: K(x, p) = (⟨x, p⟩ + c)^d.

    Args:
        degree: d.
        constant: c, which weighs lower degrees.

    Source: L1.

    >>> import steepest as st
    >>> st.nn.PolynomialKernel(2, 1.0)(st.tensor([[1.0, 2.0]]), st.tensor([[3.0, 4.0]]))
    tensor([[144.]])
    """

    degree: int = 2
    constant: float = 1.0

    def __post_init__(self) -> None:
        _check_polynomial(self.degree, self.constant, "PolynomialKernel")

    def __call__(self, x: Tensor, points: Tensor, /) -> Tensor:
        """K of each row with each point."""
        power = product = _inner(x, points) + self.constant
        for _ in range(self.degree - 1):
            power = power * product
        return power


@implements("M5")
@final
class PolynomialFeatures(Module):
    """The exact feature map of the polynomial kernel: ⟨φ(x), φ(p)⟩ = (⟨x, p⟩ + c)^d.

    φ holds each monomial of degree d of (x, √c), times √(d!/(i₀! … i_m!)) of its exponents: the
    multinomial theorem. ``Sequential(PolynomialFeatures(…), Linear(features, 1))`` is the machine
    in its primal form.

    Args:
        inputs: m, numbers per row.
        degree: d.
        constant: c; 0 leaves lower degrees out.

    Attributes:
        features: how many there are, (m + d choose d).

    Shapes: (batch, inputs) to (batch, features).

    Source: L1.

    Raises:
        ConfigurationError: more than 100,000 features: the dual form, :class:`KernelMachine`, does
            not make them.

    >>> import steepest as st
    >>> st.nn.PolynomialFeatures(2, 2)(st.tensor([[1.0, 2.0]])).shape
    (1, 6)
    """

    def __init__(self, inputs: int, degree: int, *, constant: float = 1.0) -> None:
        self.inputs = size(inputs, "PolynomialFeatures: inputs")
        _check_polynomial(degree, constant, "PolynomialFeatures")
        self.degree = degree
        self.constant = float(constant)
        letters = inputs + (1 if constant else 0)
        self.features = math.comb(letters + degree - 1, degree)
        if self.features > _MOST_FEATURES:
            raise ConfigurationError(
                f"PolynomialFeatures: {self.features:,} monomials of degree {degree} in {inputs} "
                "inputs are too many; use a KernelMachine with a PolynomialKernel, which gives "
                "the same without making them"
            )
        places = np.array(list(combinations_with_replacement(range(letters), degree)))
        counts = [np.unique(row, return_counts=True)[1] for row in places]
        ways = [
            math.factorial(degree) // math.prod(math.factorial(int(i)) for i in each)
            for each in counts
        ]
        self._places = places.astype(np.uint32)
        self._factors = np.sqrt(np.array(ways, np.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply what each monomial is made of."""
        _check_rows(self, x, self.inputs)
        letters = x
        if self.constant:
            root = full((x.shape[0], 1), math.sqrt(self.constant), dtype=x.dtype)
            letters = concat([x, root], axis=1)
        product = full((self.features,), 1.0, dtype=x.dtype) * self._factors.astype(x.dtype)
        for place in self._places.T:
            product = product * take(letters, Tensor(place, None), axis=1)
        return product


@implements("M5")
@final
class RandomFourierFeatures(Module):
    """Features whose inner products come near a radial kernel's: φ(x) = √(2/D) cos(W x + b).

    Rows of W are drawn from N(0, 2γ I) and b from U(0, 2π), once; then E⟨φ(x), φ(p)⟩ =
    exp(−γ ‖x − p‖²), with a deviation of about 1/√D. W and b are not trained.

    Args:
        inputs: numbers per row.
        features: D.
        gamma: γ of the kernel.

    Shapes: (batch, inputs) to (batch, features).

    Source: Rahimi, Recht 2007.

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     phi = st.nn.RandomFourierFeatures(2, 5000, gamma=0.5)
    >>> x = phi(st.tensor([[0.0, 0.0], [0.0, 2.0]]))
    >>> abs(float(x[0] @ x[1]) - 0.135) < 0.03
    True
    """

    def __init__(self, inputs: int, features: int, *, gamma: float = 1.0) -> None:
        self.inputs = size(inputs, "RandomFourierFeatures: inputs")
        self.features = size(features, "RandomFourierFeatures: features")
        _check_above_zero(gamma, "RandomFourierFeatures: gamma")
        self.gamma = float(gamma)
        drawn = random.normal((features, inputs), deviation=math.sqrt(2.0 * gamma))
        self.weight = State(drawn, trainable=False)
        shift = random.uniform((features,), low=0.0, high=2.0 * math.pi)
        self.shift = State(shift, trainable=False)

    def forward(self, x: Tensor) -> Tensor:
        """Project and take the cosine."""
        _check_rows(self, x, self.inputs)
        projected = _inner(x, self.weight.value) + self.shift.value
        return math.sqrt(2.0 / self.features) * cos(projected)


@implements("M5")
@final
class KernelMachine(Module):
    """The dual form, a hidden layer of kernels: f(x) = Σᵢ αᵢ yᵢ K(xᵢ, x) + b.

    The hidden units compare with the training rows xᵢ, which are kept and not trained; αᵢ (0 at
    first) and b are trained. With the feature map of the kernel, w = Σᵢ αᵢ yᵢ φ(xᵢ) makes a linear
    layer on φ the same function. No penalty counts α: Σ α² is not the ‖w‖² of the primal form,
    which is :meth:`squared_norm`.

    Args:
        points: xᵢ, (n, d).
        labels: yᵢ, (n,): 1 and −1, or 0 for −1; None for all 1, as for regression.
        kernel: K, a :class:`RadialKernel`, a :class:`PolynomialKernel`, or a function of rows
            (n, d) and (m, d) to (n, m).
        bias: whether b is added.

    Shapes: (batch, d) to (batch, 1).

    Source: L1; Boser, Guyon, Vapnik 1992.

    >>> import numpy as np
    >>> import steepest as st
    >>> x, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1, -1])
    >>> machine = st.nn.KernelMachine(x, y, st.nn.RadialKernel(1.0))
    >>> machine.alpha.assign(np.ones(2))
    >>> bool(st.all(st.sign(machine(st.tensor(x, dtype=st.float32))[:, 0]) == st.tensor(y)))
    True
    """

    def __init__(
        self, points: Any, labels: Any = None, kernel: Kernel | None = None, *, bias: bool = True
    ) -> None:
        rows = np.asarray(points)
        if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all():
            raise DataError(
                f"KernelMachine: points are rows of finite numbers, (n, d), not {rows.shape}"
            )
        signs = np.ones(len(rows)) if labels is None else np.asarray(labels).reshape(-1)
        if len(signs) != len(rows) or not np.isin(signs, (-1, 0, 1)).all():
            raise DataError(
                "KernelMachine: labels are one per point, 1 and −1 (or 0); for numbers leave them "
                "out"
            )
        dtype = rows.dtype if rows.dtype.kind == "f" else float32
        self.kernel = RadialKernel() if kernel is None else kernel
        self.points = State(rows.astype(dtype), trainable=False)
        self.labels = State(np.where(signs > 0, 1.0, -1.0).astype(dtype), trainable=False)
        self.alpha = State(np.zeros(len(rows), dtype))
        self.bias = State(np.zeros(1, dtype)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Weigh how alike x is to each point."""
        _check_rows(self, x, self.points.shape[1])
        similar = self.kernel(x, self.points.value)
        weighed = _inner(similar, expand_dims(self._weights(), axis=0))
        return weighed if self.bias is None else weighed + self.bias.value

    def squared_norm(self) -> Tensor:
        """‖w‖² of the primal form: Σᵢⱼ αᵢ yᵢ K(xᵢ, xⱼ) yⱼ αⱼ, at least 0."""
        weights, points = self._weights(), self.points.value
        return maximum(
            sum(expand_dims(weights, axis=1) * self.kernel(points, points) * weights), 0.0
        )

    def _weights(self) -> Tensor:
        return self.alpha.value * self.labels.value


def _inner(x: Tensor, y: Tensor) -> Tensor:
    """Inner products of rows: x yᵀ."""
    return contract(x, y, left=(0, 1), right=(2, 1), result=(0, 2))


def _check_rows(layer: Module, x: Tensor, inputs: int) -> None:
    if x.ndim != 2 or x.shape[1] != inputs:
        raise explain(ShapeError(f"it takes (batch, {inputs})"), repr(layer), (x,))


def _check_above_zero(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"{what} is a number above 0, not {value!r}")


def _check_polynomial(degree: Any, constant: Any, what: str) -> None:
    size(degree, f"{what}: degree")
    numeric = isinstance(constant, int | float) and not isinstance(constant, bool)
    if not (numeric and 0 <= constant < math.inf):
        raise ConfigurationError(f"{what}: constant is a number from 0 on, not {constant!r}")
