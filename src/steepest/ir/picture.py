"""A graph as a picture: layers from left to right, values in green, derivatives in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from steepest.ir.layout import HEIGHT, WIDTH, Place, place
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.text import literal

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
    layout = place(nodes)
    width, height = layout.extent
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        _STYLE,
    ]
    parts += [
        _edge(layout.path(each, node), (position + 1) / (len(node.inputs) + 1))
        for node in nodes
        for position, each in enumerate(node.inputs)
    ]
    shown = set(outputs)
    parts += [
        _box(node, there, node in shown, (values or {}).get(node), (derivatives or {}).get(node))
        for node, there in layout.boxes.items()
    ]
    return "\n".join([*parts, "</svg>"])


def _edge(places: Sequence[Place], port: float) -> str:
    """An arrow through the lanes of the columns it passes; ``port`` is where it arrives, 0 to 1."""
    x, y = places[0].right, places[0].middle
    path = f"M{x:.0f} {y:.0f}"
    for there in places[1:]:
        is_end = there is places[-1]
        to = there.middle + (port - 0.5) * HEIGHT if is_end else there.middle
        bend = (there.left - x) / 2
        path += (
            f"C{x + bend:.0f} {y:.0f} {there.left - bend:.0f} {to:.0f} {there.left:.0f} {to:.0f}"
        )
        path += "" if is_end else f"H{there.right:.0f}"
        x, y = there.right, to
    return f'<path class="edge" d="{path}"/>'


def _box(
    node: Node, there: Place, is_output: bool, value: str | None, derivative: str | None
) -> str:
    top = there.middle - HEIGHT / 2
    style = ("input" if node.op is INPUT else "node") + (" output" if is_output else "")
    rows = [("", _title(node)), ("type", str(node.type))]
    rows += [("value", value)] if value is not None else []
    rows += [("derivative", derivative)] if derivative is not None else []
    step = HEIGHT / (len(rows) + 1)
    lines = [
        f'<text class="{css}" x="{there.left + WIDTH / 2:.0f}" y="{top + step * (i + 1) + 4:.0f}">'
        f"{escape(words[:20])}</text>"
        for i, (css, words) in enumerate(rows)
    ]
    origin = f"<title>{escape(str(node.origin))}</title>" if node.origin else ""
    frame = (
        f'<rect class="{style}" x="{there.left:.0f}" y="{top:.0f}" rx="8" '
        f'width="{WIDTH}" height="{HEIGHT}">{origin}</rect>'
    )
    return "\n".join([frame, *lines])


def _title(node: Node) -> str:
    if node.op is INPUT:
        return node.name or "input"
    return literal(node.attributes["value"]) if node.op is CONSTANT else node.op.name
