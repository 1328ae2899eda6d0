"""Values as Python source: text, names, lists and arrays, in lines of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from steepest.ir.types import Array

WIDTH = 100
_PIECE = 80  # of a long text, which is written as several


def text_literal(text: str) -> str:
    r"""A text as a literal: double quotes, what cannot be printed escaped.

    >>> print(text_literal("it's"), text_literal('say "a"'), text_literal("a\nb"))
    "it's" 'say "a"' "a\nb"
    """
    written = _quoted(text)
    if len(written) <= _PIECE:
        return written
    pieces = [""]
    for letter in text:  # one may take ten: "\\U0002ebe1"
        if len(_quoted(pieces[-1] + letter)) > _PIECE:
            pieces.append("")
        pieces[-1] += letter
    return "(" + "\n".join(map(_quoted, pieces)) + ")"


def _quoted(text: str) -> str:
    written = repr(text)
    if written.startswith("'") and '"' not in text:
        return f'"{written[1:-1]}"'
    return written


def wrapped(opening: str, items: Iterable[str], closing: str) -> list[str]:
    """Items between brackets: in a line if they fit, else in lines as full as may be.

    >>> wrapped("x = [", ["1", "2"], "]")
    ['x = [1, 2]']
    """
    every = list(items)
    line = f"{opening}{', '.join(every)}{closing}"
    if len(line) <= WIDTH and "\n" not in line:
        return [line]
    lines = [opening]
    indent = "    " + " " * (len(opening) - len(opening.lstrip()))
    current = ""
    for item in every:
        longer = f"{current} {item}," if current else f"{item},"
        if current and len(indent) + len(longer) > WIDTH:
            lines += textwrap.indent(current, indent).split("\n")
            longer = f"{item},"
        current = longer
    lines += textwrap.indent(current, indent).split("\n")
    return [*lines, " " * (len(indent) - 4) + closing]


def array_literal(name: str, array: Array) -> list[str]:
    """A one-dimensional array, each number in the digits that give it back exactly."""
    kind = "" if array.dtype.name in ("float64", "int64") else f", np.{array.dtype}"
    values = [str(value) if value == value else "np.nan" for value in array.ravel().tolist()]
    values = [value.replace("inf", "np.inf") for value in values]
    shape = "" if array.ndim == 1 else f".reshape({array.shape})"
    return wrapped(f"{name} = np.array([", values, f"]{kind}){shape}")
