"""What a rewriting rule is: one small definition, in a registry, with examples it fires on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, overload

from steepest.ir.node import Node
from steepest.ir.types import TensorType, float32

Apply: TypeAlias = Callable[[Node], Node | None]
Keeps: TypeAlias = Literal["bits", "sums", "accuracy"]
ANY = "any op"


@final
@dataclass(frozen=True)
class Example:
    """An expression that a rule fires on: of one node for each type that it is given."""

    build: Callable[..., Node]
    types: tuple[TensorType, ...]


@final
@dataclass(frozen=True)
class Rule:
    """A simpler node with the same value, for nodes of some ops.

    Args:
        name: what a firing is reported as.
        summary: one sentence with the formula.
        ops: names of the ops whose nodes it is tried on, or ``(ANY,)``.
        apply: the node to its replacement, or None where the rule does not apply. The node's inputs
            are already simplified; those of the replacement are simplified afterwards.
        examples: expressions that it fires on.
        keeps: what is equal before and after: all bits (the sign and payload of NaN aside); all but
            the order in which the reference adds up; or the exact value, of which the replacement
            is the better approximation.
        absorbs: the position of an input that disappears, so that the rule only pays (and is only
            tried) where nobody else uses that input.
    """

    name: str
    summary: str
    ops: tuple[str, ...]
    apply: Apply
    examples: tuple[Example, ...]
    keeps: Keeps = "bits"
    absorbs: int | None = None


RULES: dict[str, Rule] = {}


def floats(*shape: int) -> TensorType:
    """The type of float32 numbers, for examples."""
    return TensorType(shape, float32)


@overload
def example(build: Callable[[Node], Node], /) -> Example: ...
@overload
def example(build: Callable[[Node], Node], x: TensorType, /) -> Example: ...
@overload
def example(build: Callable[[Node, Node], Node], x: TensorType, y: TensorType, /) -> Example: ...
@overload
def example(
    build: Callable[[Node, Node, Node], Node], x: TensorType, y: TensorType, z: TensorType, /
) -> Example: ...
def example(build: Callable[..., Node], /, *types: TensorType) -> Example:
    """An expression of nodes of these types; of one float32[2, 3] unless told otherwise."""
    return Example(build, types or (floats(2, 3),))


def rule(
    *ops: str, on: tuple[Example, ...], keeps: Keeps = "bits", absorbs: int | None = None
) -> Callable[[Apply], Apply]:
    """Enter a function as a rule: its name and the first line of its docstring are the rule's."""

    def enter(apply: Apply) -> Apply:
        name = apply.__name__
        if name in RULES:
            raise ValueError(f"the rule {name!r} is defined twice")
        summary = (apply.__doc__ or "").partition("\n")[0]
        RULES[name] = Rule(name, summary, ops, apply, on, keeps, absorbs)
        return apply

    return enter
