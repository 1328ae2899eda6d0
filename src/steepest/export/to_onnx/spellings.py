"""The texts that stand for a level, one by one: ONNX looks texts up as they are."""

from __future__ import annotations

from collections.abc import Mapping

from steepest.data.table import number_text, parse_number
from steepest.export.columns import Cell


def spellings(codes: Mapping[str, int], cell: Cell) -> dict[str, int]:
    """Each text with its code: of numbers with or without a point, of words in capitals.

    >>> spellings({"": 0, "1": 1, "true": 2}, "text")
    {'': 0, '1': 1, 'true': 2, '1.0': 1, 'True': 2, 'TRUE': 2}

    Args:
        codes: of the levels, "" for a missing one.
        cell: "text" or "word".
    """
    found = dict(codes)
    for text, code in codes.items():
        number = parse_number(text)
        if cell == "word" or text.lower() in {"true", "false"}:
            others = [text.lower(), text.capitalize(), text.upper()]
        elif number is not None:
            others = [number_text(number, whole) for whole in (True, False)[number % 1 != 0 :]]
        else:
            others = []
        for other in others:
            found.setdefault(other, code)
    return found
