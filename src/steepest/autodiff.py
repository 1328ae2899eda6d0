"""Reverse-mode differentiation: from nodes to the nodes of their gradients.

The backward pass is a graph like the forward one, so it can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence

from steepest.errors import GradientError
from steepest.ir.graph import order
from steepest.ir.node import Node
from steepest.ir.op import NotDifferentiable, PiecewiseConstant, Stopped
from steepest.ir.types import is_floating
from steepest.ops.elementwise import add


def gradients(
    outputs: Sequence[Node], seeds: Sequence[Node], wrt: Sequence[Node]
) -> list[Node | None]:
    """The gradient of Σ ⟨seed, output⟩ with respect to each node of ``wrt``.

    In reverse topological order, summing over consumers: ∂ℓ/∂v = Σ_u ∂ℓ/∂u · ∂f_u/∂v, where f_u is
    the operation at u alone (for a v that is used directly and through u, ∂f_u/∂v ≠ ∂u/∂v).

    Args:
        outputs: the nodes to differentiate.
        seeds: for each a node of its type: the gradient that comes in.
        wrt: the nodes to differentiate by.

    Returns:
        For each node of ``wrt`` a node of its type, or None where the outputs do not depend on it.

    Raises:
        GradientError: where a derivative must pass through an op that has none.
    """
    nodes = order(outputs)
    active = _active(nodes, wrt)
    arrived: dict[Node, Node] = {}

    def arrive(node: Node, gradient: Node) -> None:
        arrived[node] = add(arrived[node], gradient) if node in arrived else gradient

    for output, seed in zip(outputs, seeds, strict=True):
        if output in active:
            arrive(output, seed)
    for node in reversed(nodes):
        if node not in arrived or not any(each in active for each in node.inputs):
            continue
        for each, gradient in zip(node.inputs, _pulled_back(node, arrived[node]), strict=True):
            if gradient is not None and each in active:
                _check(node, each, gradient)
                arrive(each, gradient)
    return [arrived.get(node) for node in wrt]


def _active(nodes: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """The nodes whose value changes, to first order, with one of ``wrt``."""
    active = set(wrt)
    for node in nodes:
        if (
            any(each in active for each in node.inputs)
            and is_floating(node.dtype)
            and not isinstance(node.op.pullback, PiecewiseConstant | Stopped)
        ):
            active.add(node)
    return active


def _pulled_back(node: Node, gradient: Node) -> Sequence[Node | None]:
    pullback = node.op.pullback
    if isinstance(pullback, NotDifferentiable):
        where = f"\n  at {node.origin}" if node.origin else ""
        raise GradientError(f"{node.op.name} has no derivative: {pullback.reason}{where}")
    if isinstance(pullback, PiecewiseConstant | Stopped):
        return [None] * len(node.inputs)
    return pullback(gradient, node, *node.inputs, **node.attributes)


def _check(node: Node, to: Node, gradient: Node) -> None:
    if gradient.type != to.type:
        raise AssertionError(
            f"the pullback of {node.op.name} gives {gradient.type} for an input of type {to.type}"
        )
