"""What ``backward()`` does: differentiate the recorded graph, run that, keep the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from steepest.autodiff import gradients
from steepest.errors import GradientError
from steepest.ir.graph import order
from steepest.ir.interpret import Program
from steepest.ir.node import INPUT, Node, Record
from steepest.ir.types import Array

Computed = tuple[Array | None, Node | None]


def accumulate(
    root: Node,
    seed: Node,
    wrap: Callable[[Array | None, Node | None], Any],
    *,
    retain_graph: bool,
    record: bool,
) -> None:
    """Add the gradients of ``root`` to those its leaves keep, and free what was recorded."""
    nodes = order([root])
    _refuse_released(nodes)
    kept = [node for node in nodes if node.record is not None and node.record.keeps_gradient]
    found = gradients([root], [seed], kept)
    reached = [(node.record, new) for node, new in zip(kept, found, strict=True) if new is not None]
    results = run([new for _, new in reached], record=record)
    for (kept_record, _), result in zip(reached, results, strict=True):
        assert kept_record is not None
        gradient, before = wrap(*result), kept_record.gradient
        kept_record.gradient = gradient if before is None else before + gradient
    if not retain_graph:
        for node in nodes:
            if node.inputs and node.record is not None:
                node.record.release()


def run(nodes: Sequence[Node], *, record: bool) -> list[Computed]:
    """The values of ``nodes``; with ``record`` each keeps its node, for further derivatives.

    If one of them depends on an input without a value, all of them stay uncomputed nodes.
    """
    if any(_is_unbound(node) for node in order(nodes, _has_value)):
        return [(None, node) for node in nodes]
    program = Program((), nodes)
    if not record:
        return [(value, None) for value in program()]
    for node, value in program.every_value().items():
        differentiable = any(each.record and each.record.requires_grad for each in node.inputs)
        node.record = Record(value, requires_grad=differentiable)
    return [(node.value, node) for node in nodes]


def _has_value(node: Node) -> bool:
    return node.value is not None


def _is_unbound(node: Node) -> bool:
    return node.op is INPUT and node.value is None


def _refuse_released(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if node.record is not None and node.record.released:
            where = f"\n  at {node.origin}" if node.origin else ""
            raise GradientError(
                "backward(): the recorded values were freed by an earlier backward(); call that "
                f"one with retain_graph=True, or compute the loss again{where}"
            )
