"""What every exported file holds as it stands here: reading cells, and functions NumPy lacks.

These functions are copied into the file, after constants of their own: MISSING, texts of a missing
value; MISSING_NUMBERS; DECIMAL, the sign before decimals, "" if a table decides it.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING: set[str] = {""}
MISSING_NUMBERS: set[float] = set()
DECIMAL = ""


class TableError(ValueError):
    """A table that the model cannot take; says where."""


def columns_of(
    rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, list[Any]]:
    """The model's columns of a list of dictionaries, or of a dictionary of columns."""
    if not isinstance(rows, Mapping):
        rows = list(rows)
        known = {name for row in rows for name in row} if rows else set(names)
        rows = {name: [row.get(name) for row in rows] for name in names if name in known}
    absent = [name for name in names if name not in rows]
    if absent:
        raise TableError(f"there is no column {', '.join(map(repr, absent))}")
    found = {name: list(rows[name]) for name in names}
    if len({len(cells) for cells in found.values()}) > 1:
        raise TableError(f"columns differ in length: { {k: len(v) for k, v in found.items()} }")
    return found


def parsed(text: str, decimal: str = ".") -> float | None:
    """The number that a text is, or None."""
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return None if "_" in text or math.isnan(value) else value


def text_of(cell: object) -> str:
    """A cell as text without blanks around it, "" where the value is missing."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(cell, float | np.floating) and np.isnan(cell):
        return ""
    text = str(cell).strip()
    return "" if text in MISSING else text


def numbers_of(cells: Sequence[Any], column: str, lines: Sequence[str]) -> NDArray[Any]:
    """A column of numbers: float64, NaN where one is missing."""
    found = np.empty(len(cells))
    decimal = DECIMAL or decimal_sign(cells)
    for row, cell in enumerate(cells):
        if isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
            value = float(cell)
        else:
            text = text_of(cell)
            number = parsed(text, decimal) if text else math.nan
            if number is None:
                raise TableError(f"{place(lines, row)}, column {column!r}: {text!r} is no number")
            value = number
        if abs(value) > 1e300:
            raise TableError(f"{place(lines, row)}, column {column!r}: {value} is too large")
        found[row] = math.nan if value in MISSING_NUMBERS else value
    return found


def decimal_sign(cells: Sequence[Any]) -> str:
    """A comma where numbers are written "2,5" (and none "2.5", and not all "1,234")."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    commas = [text.strip() for text in texts if "," in text]
    decisive = [text for text in commas if not re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+", text)]
    return "," if decisive and not any("." in text for text in texts) else "."


def codes_of(cells: Sequence[Any], levels: Mapping[str, int]) -> NDArray[Any]:
    """A column of levels as their numbers, 0 for a level that the model does not know."""
    alike: dict[Any, int] = {}
    for level, code in levels.items():
        if (key := loosely(level)) is not None:
            alike.setdefault(key, code)
    found = np.zeros(len(cells), np.int64)
    for row, text in enumerate(map(text_of, cells)):
        key = None if text in levels else loosely(text)
        found[row] = levels[text] if text in levels else alike.get(key, 0)
    return found


def loosely(text: str) -> float | str | None:
    """What a level is besides its text: "1" and "1.0" are one, "True" and "true" too."""
    number = parsed(text)
    if number is not None:
        return number
    return text.lower() if text.lower() in ("true", "false") else None


def place(lines: Sequence[str], row: int) -> str:
    """Where a row stands, for a message."""
    return lines[row] if lines else f"row {row + 1}"


def read_csv(
    content: bytes, names: Sequence[str], encoding: str, separators: str, header: bool
) -> tuple[dict[str, list[str]], list[str]]:
    """The columns of a CSV file as texts, and the line that each row ends in."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if wide else encoding)
    except UnicodeDecodeError as error:
        raise TableError(f"the table is not written in {encoding}: {error}") from None
    first = text.lstrip("\r\n").partition("\n")[0]
    fields = {each: next(csv.reader([first], delimiter=each), []) for each in separators}
    fitting = [each for each in separators if set(names) <= {one.strip() for one in fields[each]}]
    widest = max(separators, key=lambda each: len(fields[each]))
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=(fitting or [widest])[0],
        skipinitialspace=True,
        strict=True,
    )
    rows: list[list[str]] = []
    lines: list[str] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(f"line {reader.line_num}")
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}") from None
    if not rows:
        raise TableError("the table is empty")
    if header:
        titles, rows, lines = [each.strip() for each in rows[0]], rows[1:], lines[1:]
    else:
        titles = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(titles):
            raise TableError(f"{line} has {len(row)} fields where there are {len(titles)} columns")
    columns = {title: [row[index] for row in rows] for index, title in enumerate(titles)}
    return columns, lines


def write_csv(answers: Mapping[str, NDArray[Any]], columns: Mapping[str, Sequence[str]]) -> None:
    """Print answers as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    written: dict[str, list[Any]] = {}
    for name, values in answers.items():
        if name == "probabilities":
            values = values.astype(np.float32)
        for index, title in enumerate(columns[name]):
            column = values if values.ndim == 1 else values[:, index]
            written[title] = column.astype(str).tolist()
    writer.writerow(written)
    writer.writerows(zip(*written.values(), strict=True))


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def erf(x: NDArray[Any]) -> NDArray[Any]:
    """The error function."""
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def unpacked(shapes: Mapping[str, tuple[int, ...]], content: bytes, dtype: str) -> list[Any]:
    """Weights by name, for each network in turn."""
    numbers = np.frombuffer(content, dtype).astype(dtype.lstrip("<"))
    found: list[Any] = []
    start = 0
    while start < len(numbers):
        weights: dict[str, NDArray[Any]] = {}
        for name, shape in shapes.items():
            stop = start + math.prod(shape)
            weights[name] = numbers[start:stop].reshape(shape)
            start = stop
        found.append(weights)
    return found


READING = (TableError, columns_of, parsed, text_of, place)
CELLS = {"number": (numbers_of, decimal_sign), "text": (codes_of, loosely)}
RUNNING = (read_csv, write_csv)
FUNCTIONS = {"sigmoid": sigmoid, "erf": erf}
