"""Levels of text: in which order they stand, and which one a row means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import Column, parse_number


def in_order(levels: list[str]) -> tuple[str, ...]:
    """Sort levels: by value if all are numbers, else as text.

    >>> in_order(["10", "9"]), in_order(["10", "9", "a"])
    (('9', '10'), ('10', '9', 'a'))
    """
    numbers = [parse_number(level) for level in levels]
    if all(number is not None for number in numbers):
        return tuple(sorted(levels, key=lambda level: (parse_number(level) or 0.0, level)))
    return tuple(sorted(levels))


def match_levels(column: Column, levels: tuple[str, ...]) -> NDArray[np.int32]:
    """Find each row's level: its place in `levels`, or −1 where missing or not among them.

    Text matches as text, then as a number ("1" and "1.0"), then, for booleans, without case.

    >>> from steepest.data.table import number_column
    >>> match_levels(number_column([2.0, 7.0]), ("1", "2")).tolist()
    [1, -1]
    """
    text = column.as_text()
    exact = {level: place for place, level in enumerate(levels)}
    places = [exact.get(level, -1) for level in text.levels]
    others = [code for code, place in enumerate(places) if place < 0]
    keys = [_loose_key(text.levels[code], text.decimal) for code in others]
    if any(key is not None for key in keys):  # mostly not: new words are like no level
        loose = {_loose_key(level, "."): place for place, level in reversed([*enumerate(levels)])}
        for code, key in zip(others, keys, strict=True):
            places[code] = loose.get(key, -1) if key is not None else -1
    return np.array([*places, -1], dtype=np.int32)[text.codes]  # the last serves code −1


def _loose_key(level: str, decimal: str) -> float | str | None:
    number = parse_number(level, decimal)
    if number is not None:
        return number
    lowered = level.lower()
    return lowered if lowered in {"true", "false"} else None
