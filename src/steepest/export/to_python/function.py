"""A stage as a Python function: its nodes as expressions, the longer ones with names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.export.stage import Extents, Stage
from steepest.export.to_python.expressions import ATOM, EXPRESSIONS, Asked, Expression
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.types import Array

_LONGEST = 84  # of an expression in a line of a function, which begins with a name

# Ops whose results have names, as the textbook has them; those of others are called after nothing.
_NAMES = {"contract": "z", "concat": "x", "take": "e"}
_WITHOUT_LAYERS = "a"


@final
class FunctionWriter:
    """Writes the body of a function that computes a stage.

    Args:
        stage: what is computed.
        inputs: an expression for each of its inputs.
        parameters: from a parameter's name to an expression for it.

    Raises:
        ConfigurationError: an op that is not written in Python; it is named.
    """

    def __init__(
        self, stage: Stage, inputs: Mapping[str, str], parameters: Callable[[str], str]
    ) -> None:
        self._stage = stage
        self._rows = f"len({next(iter(inputs.values()))})"
        self._taken = Counter[str]()
        self._uses = Counter(each for node in stage.nodes for each in node.inputs)
        self._uses.update(stage.outputs.values())
        self._known: dict[Node, Expression] = {
            **{node: Expression(inputs[name]) for name, node in stage.inputs.items()},
            **{node: Expression(parameters(name)) for name, node in stage.parameters.items()},
        }
        self._named = set(self._known)
        self.functions: set[str] = set()
        self.lines: list[str] = []
        self.outputs = self._write()

    def _write(self) -> dict[str, str]:
        """Write the lines; an expression for each output."""
        for node in self._stage.nodes:
            if node.op is not INPUT:
                self._known[node] = self._expression(node)
        found: dict[str, str] = {}
        for name, node in self._stage.outputs.items():
            whole = self._stretched(node, self._stage.extents[node])
            found[name] = whole.text
        return found

    def _expression(self, node: Node) -> Expression:
        if node.op is CONSTANT:
            return _number(node.attributes["value"])
        if node.op.name == "broadcast_to":
            (source,) = node.inputs
            if self._uses[node] > 1:  # whoever uses this uses that
                self._name(source)
            return self._known[source]
        translate = EXPRESSIONS.get(node.op.name)
        if translate is None:
            raise ConfigurationError(
                f"the network computes {node.op.name!r}, which cannot be written in NumPy"
            )
        if node.op.name in ("sigmoid", "erf"):
            self.functions.add(node.op.name)
        wanted = self._stage.wanted(node)
        asked = Asked(
            node.attributes,
            node.inputs[0].dtype.kind if node.inputs else "",
            wanted,
            self._stage.carried[node],
            self._rows,
        )
        if node.op.name in ("contract", "take"):
            for each in node.inputs:
                self._name(each)
        parts = [self._stretched(*each) for each in zip(node.inputs, wanted, strict=True)]
        written = translate(asked, *parts)
        if len(written.text) > _LONGEST:
            for each in sorted(node.inputs, key=lambda each: -len(self._known[each].text)):
                self._name(each)
                parts = [self._stretched(*one) for one in zip(node.inputs, wanted, strict=True)]
                written = translate(asked, *parts)
                if len(written.text) <= _LONGEST:
                    break
        self._known[node] = written
        if self._uses[node] > 1 or _ends_a_layer(node, self._stage):
            self._name(node)
        return self._known[node]

    def _name(self, node: Node) -> None:
        """Give a node's value a name, unless what is written is one."""
        written = self._known[node]
        if node in self._named or node.op is CONSTANT or written.text.isidentifier():
            return
        if node.op.name == "broadcast_to":
            self._name(node.inputs[0])
            self._known[node] = self._known[node.inputs[0]]
            return
        kind = _NAMES.get(_maker(node).op.name, _WITHOUT_LAYERS)
        self._taken[kind] += 1
        name = f"{kind}{self._taken[kind]}"
        self.lines += assigned(name, written.text)
        self._known[node] = Expression(name)
        self._named.add(node)

    def _stretched(self, node: Node, wanted: Extents) -> Expression:
        """A value that has these extents."""
        written = self._known[node]
        if self._stage.carried[node] == wanted:
            return written
        shape = Asked({}, "", (), (), self._rows).shape(wanted)
        return Expression(f"np.broadcast_to({written.text}, {shape})")


def _maker(node: Node) -> Node:
    """The contraction that an affine map begins with, or the node itself."""
    if node.op.name == "add" and node.inputs[0].op.name == "contract":
        return node.inputs[0]
    return node


def _ends_a_layer(node: Node, stage: Stage) -> bool:
    """Whether it is an affine map: a product, and a bias that is added to it at once."""
    if node.op.name == "contract":
        users = [each for each in stage.nodes if node in each.inputs]
        return [each.op.name for each in users] != ["add"]
    return _maker(node) is not node


def _number(value: Array) -> Expression:
    """A number of the program, in as few digits as its element type needs."""
    if value.ndim:
        return Expression(f"np.array({value.tolist()}, np.{value.dtype})")
    text = str(value[()]).replace("e+", "e")
    if value.dtype.kind == "f" and not np.isfinite(value):
        text = {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}[text]
    return Expression(text, ATOM if not text.startswith("-") else ATOM - 2)


def assigned(name: str, text: str) -> list[str]:
    """An assignment in lines of at most 100 columns, indented as in a function.

    >>> assigned("x", "np.concatenate([a, b], axis=1)")
    ['    x = np.concatenate([a, b], axis=1)']
    """
    line = f"    {name} = {text}"
    opening, closing = "np.concatenate([", "], axis=1)"
    if len(line) <= 100 or not (text.startswith(opening) and text.endswith(closing)):
        return [line]
    parts = text.removeprefix(opening).removesuffix(closing).split(", ")
    lines = [f"    {name} = np.concatenate(", "        ["]
    lines += [f"            {part}," for part in parts]
    return [*lines, "        ],", "        axis=1,", "    )"]
