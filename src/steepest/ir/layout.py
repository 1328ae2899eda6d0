"""Where boxes and arrows of a drawn graph go: columns from left to right, lanes for long arrows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from steepest.ir.node import Node

WIDTH, HEIGHT, MARGIN = 132, 64, 16
_GAP_X, _GAP_Y, _LANE = 56, 22, 6


@final
@dataclass(frozen=True)
class Place:
    """The left end and the middle height of a box or of a lane, which are equally wide."""

    left: float
    middle: float

    @property
    def right(self) -> float:
        """The right end."""
        return self.left + WIDTH


@final
@dataclass
class Layout:
    """The places of boxes, and of the lanes in which an arrow passes a column.

    All arrows of a node share its lane, so a value that is used far away is seen to leave once.
    """

    boxes: dict[Node, Place] = field(default_factory=dict[Node, Place])
    lanes: dict[tuple[Node, int], Place] = field(default_factory=dict[tuple[Node, int], Place])
    column: dict[Node, int] = field(default_factory=dict[Node, int])

    def path(self, start: Node, end: Node) -> list[Place]:
        """What an arrow runs through: a box, lanes, a box."""
        between = range(self.column[start] + 1, self.column[end])
        return [self.boxes[start], *(self.lanes[start, c] for c in between), self.boxes[end]]

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the whole."""
        right = max((place.right for place in self.boxes.values()), default=0.0)
        places = [*self.boxes.values(), *self.lanes.values()]
        bottom = max((place.middle for place in places), default=0.0) + HEIGHT / 2
        return right + MARGIN, bottom + MARGIN


def place(nodes: Sequence[Node]) -> Layout:
    """Place nodes (inputs before consumers): each as high as what it reads, where there is room."""
    layout = Layout(column=_columns(nodes))
    last = _last_readers(nodes, layout.column)
    items: dict[int, list[tuple[Node, bool]]] = {}  # what stands in a column: (node, is a lane)
    for node in nodes:
        items.setdefault(layout.column[node], []).append((node, False))
        for column in range(layout.column[node] + 1, last.get(node, 0)):
            items.setdefault(column, []).append((node, True))
    for column in sorted(items):
        wanted = {item: _wanted(item, column, layout) for item in items[column]}
        top = float(MARGIN)
        for node, is_lane in sorted(items[column], key=wanted.__getitem__):
            half = _LANE / 2 if is_lane else HEIGHT / 2
            middle = max(top + half, wanted[node, is_lane])
            there = Place(MARGIN + column * (WIDTH + _GAP_X), middle)
            if is_lane:
                layout.lanes[node, column] = there
            else:
                layout.boxes[node] = there
            top = middle + half + _GAP_Y
    return layout


def _columns(nodes: Sequence[Node]) -> dict[Node, int]:
    """The distance from the inputs; an input stands just left of its first consumer."""
    column: dict[Node, int] = {}
    for node in nodes:
        column[node] = 1 + max((column[each] for each in node.inputs), default=-1)
    first: dict[Node, int] = {}
    for node in nodes:
        for each in node.inputs:
            first[each] = min(first.get(each, column[node]), column[node])
    return {
        node: first[node] - 1 if not node.inputs and node in first else at
        for node, at in column.items()
    }


def _last_readers(nodes: Sequence[Node], column: dict[Node, int]) -> dict[Node, int]:
    last: dict[Node, int] = {}
    for node in nodes:
        for each in node.inputs:
            last[each] = max(last.get(each, 0), column[node])
    return last


def _wanted(item: tuple[Node, bool], column: int, layout: Layout) -> float:
    """The mean height of what a node reads, or the height at which a lane arrives."""
    node, is_lane = item
    sources = (node,) if is_lane else node.inputs
    places = [layout.lanes.get((each, column - 1)) or layout.boxes.get(each) for each in sources]
    heights = [there.middle for there in places if there is not None]
    return sum(heights) / len(heights) if heights else 0.0
