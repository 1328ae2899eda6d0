"""What stands out in watched steps: vanishing and exploding gradients, dead and saturated units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias, final

from steepest.methods import Registry

_FALL = 1e3  # of the gradient's norm, from one end of the network to the other
_MOST = 0.5  # of units or outputs
_SLOW, _FAST = 1e-4, 1e-1  # of a step, in lengths of the weights


@final
@dataclass(frozen=True)
class Finding:
    """Something that stands out, and what to do about it.

    Args:
        name: of the kind of finding.
        layers: where, the one that the text is about first.
        text: what was seen, with its numbers.
        remedy: what to do.
    """

    name: str
    layers: tuple[str, ...]
    text: str
    remedy: str

    def __str__(self) -> str:
        others = len(self.layers) - 1
        more = f" and {others} other layer{'s' * (others > 1)}" if others else ""
        return f"{self.name} in {self.layers[0]}{more}: {self.text}; {self.remedy}"


@final
@dataclass(frozen=True)
class Seen:
    """A layer in the watched steps.

    Args:
        name: the layer's.
        kind: Linear, relu and so on.
        is_weighted: whether a penalty counts parameters of it: weights.
        columns: by quantity, one number for each watched step.
    """

    name: str
    kind: str
    is_weighted: bool
    columns: Mapping[str, Sequence[float]]

    def typical(self, what: str) -> float:
        """The median of the later half of the watched steps; NaN where nothing is known.

        >>> Seen("layers.0", "Linear", True, {"mean": [9.0, 1.0, 2.0, 3.0]}).typical("mean")
        2.5
        """
        values = self.columns.get(what, ())
        known = [each for each in values[len(values) // 2 :] if not math.isnan(each)]
        return median(known) if known else math.nan


Look: TypeAlias = Callable[[Sequence[Seen]], Iterator[Finding]]
FINDINGS = Registry[Look]("finding", option="--watch N", place="history.watched.findings")


def find(layers: Sequence[Seen]) -> list[Finding]:
    """All that stands out.

    Args:
        layers: in the order in which they are called.
    """
    return [each for look in FINDINGS.values() for each in look(layers)]


@FINDINGS.register("vanishing gradients", "W2")
def vanishing_gradients(layers: Sequence[Seen]) -> Iterator[Finding]:
    """The first layer's gradient is tiny beside the last one's: ‖g₁‖ < ‖g_L‖ / 1000.

    Source: Hochreiter 1991; Glorot, Bengio 2010.
    """
    for first, last, share in _ends(layers):
        if share < 1 / _FALL:
            yield Finding(
                "vanishing gradients",
                (first.name,),
                f"the gradient's norm is {first.typical('gradient_norm'):.1e}, {share:.0e} of that "
                f"in {last.name}",
                "draw the weights to suit the activation (he_normal for relu, glorot_uniform for "
                "tanh), take relu, batch normalisation or skip connections, or fewer layers",
            )


@FINDINGS.register("exploding gradients", "W2")
def exploding_gradients(layers: Sequence[Seen]) -> Iterator[Finding]:
    """The first layer's gradient is huge beside the last one's: ‖g₁‖ > 1000 ‖g_L‖.

    Source: Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013.
    """
    for first, last, share in _ends(layers):
        if share > _FALL:
            yield Finding(
                "exploding gradients",
                (first.name,),
                f"the gradient's norm is {first.typical('gradient_norm'):.1e}, {share:.0e} times "
                f"that in {last.name}",
                "draw smaller weights (glorot_uniform, he_normal for relu), clip the gradients' "
                "norm, or take batch normalisation",
            )


def _ends(layers: Sequence[Seen]) -> Iterator[tuple[Seen, Seen, float]]:
    """The first and the last layer with weights, and how their gradients' norms compare."""
    weighted = [layer for layer in layers if layer.is_weighted]
    if len(weighted) < 2:
        return
    first, last = weighted[0], weighted[-1]
    mine, other = first.typical("gradient_norm"), last.typical("gradient_norm")
    if other > 0:
        yield first, last, mine / other


def _worst(
    layers: Sequence[Seen], what: str, is_bad: Callable[[float], bool], *, largest: bool = True
) -> list[tuple[Seen, float]]:
    """The layers in which a quantity is bad, the worst first."""
    bad = [(layer, value) for layer in layers if is_bad(value := layer.typical(what))]
    return sorted(bad, key=lambda pair: pair[1], reverse=largest)


def _names(found: Sequence[tuple[Seen, float]]) -> tuple[str, ...]:
    return tuple(layer.name for layer, _ in found)


@FINDINGS.register("dead units", "W2")
def dead_units(layers: Sequence[Seen]) -> Iterator[Finding]:
    """Most units of an activation are 0 for every row of the batch, so that no gradient passes.

    Source: Lu, Shin, Su, Karniadakis 2019, on dying ReLU.
    """
    found = _worst(layers, "dead", lambda share: share > _MOST)
    if found:
        layer, share = found[0]
        yield Finding(
            "dead units",
            _names(found),
            f"{share:.0%} of the {layer.kind} units are 0 for every row of the batch",
            "lower the learning rate, standardise the inputs, or take leaky_relu or elu",
        )


@FINDINGS.register("saturated units", "W2")
def saturated_units(layers: Sequence[Seen]) -> Iterator[Finding]:
    """Most outputs of an activation lie on its flat ends, where its derivative is about 0.

    Source: Glorot, Bengio 2010.
    """
    found = _worst(layers, "saturated", lambda share: share > _MOST)
    if found:
        layer, share = found[0]
        yield Finding(
            "saturated units",
            _names(found),
            f"{share:.0%} of the outputs lie on the flat ends of {layer.kind}",
            "draw smaller weights (glorot_uniform), standardise the inputs, lower the learning "
            "rate, or take relu",
        )


@FINDINGS.register("small updates", "W2")
def small_updates(layers: Sequence[Seen]) -> Iterator[Finding]:
    """A step hardly changes the weights: ‖Δw‖ / ‖w‖ < 10⁻⁴, where about 10⁻³ is usual.

    Source: Karpathy, CS231n: Ratio of weights:updates.
    """
    found = _worst(layers, "update_ratio", lambda ratio: ratio < _SLOW, largest=False)
    if found:
        yield Finding(
            "small updates",
            _names(found),
            f"a step is {found[0][1]:.0e} as long as the weights; about 1e-03 is usual",
            "raise the learning rate, unless the loss has settled or the gradients vanish",
        )


@FINDINGS.register("large updates", "W2")
def large_updates(layers: Sequence[Seen]) -> Iterator[Finding]:
    """A step changes the weights a lot: ‖Δw‖ / ‖w‖ > 10⁻¹, where about 10⁻³ is usual.

    Source: Karpathy, CS231n: Ratio of weights:updates.
    """
    found = _worst(layers, "update_ratio", lambda ratio: ratio > _FAST)
    if found:
        yield Finding(
            "large updates",
            _names(found),
            f"a step is {found[0][1]:.2g} times as long as the weights; about 1e-03 is usual",
            "lower the learning rate, or warm up into it",
        )
