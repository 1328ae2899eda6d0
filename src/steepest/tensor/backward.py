"""What ``backward()`` does: differentiate the recorded graph, run that, keep the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from steepest.autodiff import gradients
from steepest.errors import GradientError, ShapeError, TraceError
from steepest.ir.graph import order
from steepest.ir.interpret import Program
from steepest.ir.node import INPUT, Node, Record
from steepest.ir.origin import origin
from steepest.ir.types import Array, Shape, TensorType

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


def check_backward(
    of: TensorType, gradient: Shape | None, *, is_traced: bool, is_recorded: bool
) -> None:
    """Refuse what ``backward()`` cannot do, and say what can be done instead."""
    if is_traced:
        raise TraceError("backward() of a traced value: use st.grad(f) inside of traced functions")
    if not is_recorded:
        raise GradientError(
            "backward(): nothing was recorded, because nothing this was computed from requires "
            "grad; make the inputs with st.tensor(…, requires_grad=True)"
        )
    if gradient is None and of.size != 1:
        raise GradientError(
            f"backward() of a Tensor of shape {of.shape}: only a single number has a gradient; "
            "take sum() or mean(), or pass the gradient that comes in: backward(gradient)"
        )
    if gradient is not None and gradient != of.shape:
        raise ShapeError(f"backward(): gradient {gradient} for a Tensor of {of.shape}")


def refuse_leaving(what: str) -> NoReturn:
    """Inside of ``grad(f)``: a value turned into a plain number would silently be a constant."""
    line = origin()
    raise GradientError(
        f"{what} of a value that is being differentiated would lose its derivative; use st.sin(x), "
        "not math.sin(x) or np.sin(x), or write x.detach() where a constant is meant"
        + (f"\n  at {line}" if line else "")
    )


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
