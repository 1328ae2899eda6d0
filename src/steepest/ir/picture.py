"""A graph as a picture: layers from left to right, values in green, derivatives in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.text import literal

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 132, 64, 56, 22, 16
_STYLE = """
<style>
  .node { fill: #f6f8fa; stroke: #57606a } .input { fill: #ddf4ff; stroke: #0969da }
  .output { stroke-width: 2.5 } .edge { fill: none; stroke: #8c959f; marker-end: url(#arrow) }
  text { font: 12px ui-monospace, Menlo, Consolas, monospace; text-anchor: middle; fill: #1f2328 }
  text.type { font-size: 10px; fill: #57606a }
  text.value { fill: #1a7f37 } text.derivative { fill: #cf222e }
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
 orient="auto"><path d="M0 0L8 4L0 8z" fill="#8c959f"/></marker></defs>
"""


@final
@dataclass(frozen=True)
class _Box:
    node: Node
    x: float
    y: float


def picture(
    nodes: Sequence[Node],
    outputs: Sequence[Node],
    *,
    values: Mapping[Node, str] | None = None,
    derivatives: Mapping[Node, str] | None = None,
) -> str:
    """Draw a graph as SVG.

    Args:
        nodes: inputs before consumers.
        outputs: drawn with a thicker frame.
        values: what to write in green beneath a node.
        derivatives: what to write in red beneath a node.
    """
    boxes = _place(nodes)
    width = max((box.x for box in boxes.values()), default=0) + _WIDTH + _MARGIN
    height = max((box.y for box in boxes.values()), default=0) + _HEIGHT + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        _STYLE,
    ]
    parts += [_edge(boxes[each], boxes[node]) for node in nodes for each in node.inputs]
    shown = set(outputs)
    parts += [
        _box(
            box, box.node in shown, (values or {}).get(box.node), (derivatives or {}).get(box.node)
        )
        for box in boxes.values()
    ]
    return "\n".join([*parts, "</svg>"])


def _place(nodes: Sequence[Node]) -> dict[Node, _Box]:
    """A column per distance from the inputs; in it, nodes as high as what they read."""
    depth: dict[Node, int] = {}
    for node in nodes:
        depth[node] = 1 + max((depth[each] for each in node.inputs), default=-1)
    readers: dict[Node, int] = {}
    for node in nodes:
        for each in node.inputs:
            readers[each] = min(readers.get(each, depth[node]), depth[node])
    for node, first in readers.items():  # an input stands just left of its first consumer
        if not node.inputs:
            depth[node] = first - 1
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(depth[node], []).append(node)
    boxes: dict[Node, _Box] = {}
    for column in sorted(columns):
        wanted = {node: _wanted_height(node, boxes) for node in columns[column]}
        y = float(_MARGIN)
        for node in sorted(columns[column], key=wanted.__getitem__):
            y = max(y, wanted[node])
            boxes[node] = _Box(node, _MARGIN + column * (_WIDTH + _GAP_X), y)
            y += _HEIGHT + _GAP_Y
    return boxes


def _wanted_height(node: Node, boxes: Mapping[Node, _Box]) -> float:
    heights = [boxes[each].y for each in node.inputs if each in boxes]
    return sum(heights) / len(heights) if heights else 0.0


def _edge(start: _Box, end: _Box) -> str:
    x1, y1 = start.x + _WIDTH, start.y + _HEIGHT / 2
    x2, y2 = end.x, end.y + _HEIGHT / 2
    bend = max(24.0, (x2 - x1) / 2)
    path = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return f'<path class="edge" d="{path}"/>'


def _box(box: _Box, is_output: bool, value: str | None, derivative: str | None) -> str:
    node = box.node
    style = ("input" if node.op is INPUT else "node") + (" output" if is_output else "")
    rows = [("", _title(node)), ("type", str(node.type))]
    rows += [("value", value)] if value is not None else []
    rows += [("derivative", derivative)] if derivative is not None else []
    step = _HEIGHT / (len(rows) + 1)
    lines = [
        f'<text class="{css}" x="{box.x + _WIDTH / 2:.0f}" y="{box.y + step * (i + 1) + 4:.0f}">'
        f"{escape(words[:20])}</text>"
        for i, (css, words) in enumerate(rows)
    ]
    origin = f"<title>{escape(str(node.origin))}</title>" if node.origin else ""
    frame = (
        f'<rect class="{style}" x="{box.x:.0f}" y="{box.y:.0f}" rx="8" '
        f'width="{_WIDTH}" height="{_HEIGHT}">{origin}</rect>'
    )
    return "\n".join([frame, *lines])


def _title(node: Node) -> str:
    if node.op is INPUT:
        return node.name or "input"
    return literal(node.attributes["value"]) if node.op is CONSTANT else node.op.name
