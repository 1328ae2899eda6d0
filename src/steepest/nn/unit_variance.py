"""Initial weights by looking at data: pre-activations of variance 1 in every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import is_floating
from steepest.methods import implements
from steepest.nn.layers import Linear
from steepest.nn.mode import evaluating
from steepest.nn.module import Module, watching
from steepest.tensor.modes import no_grad
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import flatten


@implements("I5")
def unit_variance(model: Module, x: Any) -> dict[str, float]:
    """Scale each Linear so that its outputs have variance 1 on a batch: W ← W / √Var(W z + b).

    From the first layer to the last, as they are called; the bias is scaled along (it is 0 at
    first). The variance is over rows and units together, so what an initialiser drew keeps its
    directions. Starting from ``orthogonal`` this is layer-sequential unit-variance initialisation,
    whose iterations one exact division replaces.

    Source: Mishkin, Matas 2016.

    Args:
        model: changed in place.
        x: some hundred rows or more, as ``Trainer.fit`` takes them.

    Returns:
        By layer, the factor that its weights were multiplied with.

    Raises:
        ConfigurationError: no Linear is called; a layer whose outputs are all equal, or not finite:
            its inputs are dead, or its weights 0.

    >>> import numpy as np
    >>> import steepest as st
    >>> x = np.random.default_rng(0).normal(size=(200, 3)) * 50
    >>> net = st.nn.MLP(3, [8, 8], 1, initialise="orthogonal")
    >>> factors = st.nn.unit_variance(net, x)
    >>> list(factors)
    ['layers.0', 'layers.2', 'layers.4']
    >>> abs(float(st.var(net(st.tensor(x, dtype=st.float32)))) - 1.0) < 1e-4
    True
    """
    names = {module: name for name, module in model.named()}
    structured = isinstance(x, Tensor | Mapping | list | tuple)
    flat = flatten([cast("Any", x) if structured else np.asarray(x)], what="x")
    dtype = model.dtype
    rows = flat.call(
        [leaf.astype(dtype) if is_floating(leaf.dtype) else leaf for leaf in flat.leaves]
    )[0]
    factors: dict[str, float] = {}
    for layer in dict.fromkeys(layer for layer, _ in _outputs(model, rows)):
        values = next(value for its, value in _outputs(model, rows) if its is layer)
        with np.errstate(invalid="ignore"):
            deviation = float(values.data.astype(np.float64).std())
        name = names[layer] or "the layer"
        if not 0.0 < deviation < np.inf:
            how = "all equal" if deviation == 0.0 else "not finite"
            raise ConfigurationError(
                f"unit_variance: the outputs of {name}, {layer!r}, are {how} on this batch: either "
                "its weights are 0, or what comes into it is dead (units that are 0 for every "
                "row); draw the weights again, or give other rows"
            )
        factors[name] = 1.0 / deviation
        for cell in (layer.weight, layer.bias):
            if cell is not None:
                cell.assign(cell.value.detach() * factors[name])
    if not factors:
        raise ConfigurationError("unit_variance: the model calls no Linear, so nothing is scaled")
    return factors


def _outputs(model: Module, x: Any) -> list[tuple[Linear, Tensor]]:
    """What each Linear gives, in the order of the calls."""
    with no_grad(), evaluating(), watching() as calls, np.errstate(invalid="ignore"):
        model(x)
    return [(module, value) for module, value in calls if isinstance(module, Linear)]
