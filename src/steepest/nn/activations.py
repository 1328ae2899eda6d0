"""Activations: each is one definition with formula, source and the initialiser that suits it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import steepest.init as init
from steepest.methods import Registry
from steepest.nn.module import note
from steepest.ops import composite, elementwise
from steepest.ops.elementwise import erf, expm1, minimum, where
from steepest.tensor.tensor import Tensor

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


@final
@dataclass(frozen=True)
class Activation:
    """A function applied to each element; can stand among the layers of a network.

    Args:
        name: in the registry.
        formula: of an element x.
        source: where it was proposed.
        function: Tensor to Tensor of the same shape, written in ops.
        initialiser: the one that keeps the variance through layers with this activation.
        saturation: outputs below the first or above the second number are on a flat end, where the
            derivative is less than an eighth of its largest; by default there is no such end.

    >>> import steepest as st
    >>> st.nn.relu(st.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    >>> st.nn.relu.initialiser
    he_normal
    """

    name: str
    formula: str
    source: str
    function: Callable[[Any], Any]
    initialiser: init.Initialiser
    saturation: tuple[float, float] = (-math.inf, math.inf)

    def __call__(self, x: Tensor, /) -> Tensor:
        """Apply it to each element."""
        result = self.function(x)
        note(self, result)
        return result

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        """Pickled by name: a formula is code."""
        if ACTIVATIONS.get(self.name) is self:
            return activation, (self.name,)
        return Activation, (
            self.name,
            self.formula,
            self.source,
            self.function,
            self.initialiser,
            self.saturation,
        )


def _elu(x: Tensor) -> Tensor:
    return where(x > 0.0, x, expm1(minimum(x, 0.0)))  # expm1 of a large x would overflow


ACTIVATIONS = Registry[Activation]("activation", option="--activation NAME")


def _registered(
    name: str,
    formula: str,
    source: str,
    function: Callable[[Any], Any],
    initialiser: init.Initialiser,
    saturation: tuple[float, float] = (-math.inf, math.inf),
) -> Activation:
    each = Activation(name, formula, source, function, initialiser, saturation)
    return ACTIVATIONS.register(name, "M3")(each)


identity = _registered(
    "identity", "x", "a linear network stays linear however deep",
    lambda x: x, init.lecun_normal,
)  # fmt: skip
sigmoid = _registered(
    "sigmoid", "1 / (1 + exp(−x))", "Rumelhart, Hinton, Williams 1986",
    elementwise.sigmoid, init.glorot_uniform, saturation=(0.03, 0.97),
)  # fmt: skip
tanh = _registered(
    "tanh", "2 sigmoid(2x) − 1", "LeCun et al. 1998",
    elementwise.tanh, init.glorot_uniform, saturation=(-0.97, 0.97),
)  # fmt: skip
lecun_tanh = _registered(
    "lecun_tanh", "1.7159 tanh(2x/3)", "LeCun et al. 1998",
    lambda x: 1.7159 * elementwise.tanh(x * (2.0 / 3.0)), init.lecun_normal,
    saturation=(-0.97 * 1.7159, 0.97 * 1.7159),
)  # fmt: skip
relu = _registered(
    "relu", "max(x, 0); derivative 0 at 0", "Glorot, Bordes, Bengio 2011",
    elementwise.relu, init.he_normal,
)  # fmt: skip
leaky_relu = _registered(
    "leaky_relu", "x for x > 0, else 0.01 x", "Maas, Hannun, Ng 2013",
    lambda x: where(x > 0.0, x, 0.01 * x), init.he_normal,
)  # fmt: skip
elu = _registered(
    "elu", "x for x > 0, else exp(x) − 1", "Clevert, Unterthiner, Hochreiter 2016",
    _elu, init.he_normal, saturation=(-0.97, math.inf),
)  # fmt: skip
selu = _registered(
    "selu", "1.0507 · (x for x > 0, else 1.6733 (exp(x) − 1))", "Klambauer et al. 2017",
    lambda x: _SELU_SCALE * where(x > 0.0, x, _SELU_ALPHA * expm1(minimum(x, 0.0))),
    init.lecun_normal, saturation=(-0.97 * _SELU_SCALE * _SELU_ALPHA, math.inf),
)  # fmt: skip
gelu = _registered(
    "gelu", "x Φ(x) = x/2 (1 + erf(x/√2))", "Hendrycks, Gimpel 2016",
    lambda x: 0.5 * x * (1.0 + erf(x * math.sqrt(0.5))), init.he_normal,
)  # fmt: skip
silu = _registered(
    "silu", "x sigmoid(x)", "Elfwing, Uchibe, Doya 2018",
    lambda x: x * elementwise.sigmoid(x), init.he_normal,
)  # fmt: skip
mish = _registered(
    "mish", "x tanh(log(1 + exp x))", "Misra 2020",
    lambda x: x * elementwise.tanh(composite.softplus(x)), init.he_normal,
)  # fmt: skip
softplus = _registered(
    "softplus", "log(1 + exp x)", "Dugas et al. 2001",
    composite.softplus, init.he_normal, saturation=(0.03, math.inf),
)  # fmt: skip


def activation(which: str | Activation) -> Activation:
    """The activation of this name.

    Raises:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.nn.activation("tanh")(st.tensor([0.0]))
    tensor([0.])
    """
    if isinstance(which, Activation):
        return which
    return ACTIVATIONS.find(which)
