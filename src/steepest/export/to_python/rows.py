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
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.data.dates import Order, moments
from steepest.data.ngrams import bags_of_codes
from steepest.data.table import parse_number
from steepest.data.written import Sign, parse_written

MISSING: set[str] = {""}
MISSING_NUMBERS: set[float] = set()
DECIMAL = ""


Table: TypeAlias = Mapping[str, Sequence[Any]]
Rows: TypeAlias = Table | Sequence[Mapping[str, Any]]


class TableError(ValueError):
    """A table that the model cannot take; says where."""


def columns_of(rows: Rows, names: Sequence[str]) -> dict[str, list[Any]]:
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


def text_of(cell: object) -> str:
    """A cell as text without blanks around it, "" where the value is missing."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(cell, float | np.floating) and np.isnan(cell):
        return ""
    text = str(cell).strip()
    return "" if text in MISSING else text


def numbers_of(table: Table, names: Sequence[str], lines: Sequence[str]) -> NDArray[np.float64]:
    """Columns of numbers: (rows, columns), NaN where one is missing."""
    columns: list[NDArray[np.float64]] = []
    for name in names:
        sign = DECIMAL or decimal_sign(table[name])
        columns.append(column_of(table, name, lines, partial(parse_number, decimal=sign)))
    return np.stack(columns, axis=1)


def written_of(
    table: Table, names: Sequence[str], lines: Sequence[str], sign: Sign
) -> NDArray[np.float64]:
    """Columns of numbers that are written for people, with this sign before decimals."""
    read = partial(parse_written, sign=sign)
    return np.stack([column_of(table, name, lines, read) for name in names], axis=1)


def column_of(
    table: Table, name: str, lines: Sequence[str], read: Callable[[str], float | None]
) -> NDArray[np.float64]:
    """A column of numbers, NaN where one is missing; read says what number a text is."""
    found = np.empty(len(table[name]))
    for row, cell in enumerate(table[name]):
        value = number_of(cell, read)
        if value is None or abs(value) > 1e300:
            raise TableError(f"{place(lines, row, name)}: {cell!r} is no number, or too large")
        found[row] = math.nan if value in MISSING_NUMBERS else value
    return found


def number_of(cell: object, read: Callable[[str], float | None]) -> float | None:
    """A cell as a number, NaN where it is missing, None where it is none."""
    if isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
        return float(cell)
    text = text_of(cell)
    return read(text) if text else math.nan


def seconds_of(
    table: Table, orders: Mapping[str, Order], lines: Sequence[str]
) -> NDArray[np.float64]:
    """Columns of dates and times as seconds since 1970: (rows, columns), NaN where missing."""
    columns: list[NDArray[np.float64]] = []
    for name, order in orders.items():
        texts = [text_of(cell) for cell in table[name]]
        levels = sorted({*texts} - {""})
        read = dict(zip(levels, moments(levels, order), strict=True))
        for row, text in enumerate(texts):
            if text and np.isnat(read[text]):
                raise TableError(f"{place(lines, row, name)}: {text!r} is no date or time")
        found = np.array([read.get(text, "NaT") for text in texts], "datetime64[us]")
        seconds = (found - np.datetime64(0, "us")) / np.timedelta64(1, "s")
        columns.append(np.where(np.isnat(found), np.nan, seconds))
    return np.stack(columns, axis=1)


def decimal_sign(cells: Sequence[Any]) -> str:
    """A comma where numbers are written "2,5" (and none "2.5", and not all "1,234")."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    commas = [text.strip() for text in texts if "," in text]
    decisive = [text for text in commas if not re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+", text)]
    return "," if decisive and not any("." in text for text in texts) else "."


def codes_of(table: Table, levels: Mapping[str, Mapping[str, int]]) -> NDArray[np.int64]:
    """Columns of levels as their numbers: (rows, columns), 0 for a level that is not known."""
    found = [
        [number_of_level(text_of(cell), known) for cell in table[name]]
        for name, known in levels.items()
    ]
    return np.array(found, np.int64).T


def words_of(table: Table, levels: Mapping[str, Mapping[str, int]]) -> NDArray[np.int64]:
    """Columns of words as their numbers, be they in capitals or not: (rows, columns)."""
    found = [
        [known.get(text_of(cell).casefold(), 0) for cell in table[name]]
        for name, known in levels.items()
    ]
    return np.array(found, np.int64).T


def number_of_level(text: str, levels: Mapping[str, int]) -> int:
    """The number of a level, 0 if it is not known."""
    if text in levels:
        return levels[text]
    key = loosely(text)
    alike = (code for level, code in levels.items() if loosely(level) == key)
    return 0 if key is None else next(alike, 0)


def loosely(text: str) -> float | str | None:
    """What a level is besides its text: "1" and "1.0" are one, "True" and "true" too."""
    number = parse_number(text)
    if number is not None:
        return number
    return text.lower() if text.lower() in ("true", "false") else None


def grams_of(table: Table, names: Sequence[str], buckets: int, length: int) -> NDArray[np.int64]:
    """Columns of free text as codes of their grams: (rows, codes of all), −1 where missing."""
    columns: list[NDArray[np.int64]] = []
    for name in names:
        texts = [text_of(cell) for cell in table[name]]
        codes = bags_of_codes(texts, buckets, length).astype(np.int64)
        codes[[not text for text in texts]] = -1
        columns.append(codes)
    return np.concatenate(columns, axis=1)


def place(lines: Sequence[str], row: int, column: str) -> str:
    """Where a cell stands, for a message."""
    return f"{lines[row] if lines else f'row {row + 1}'}, column {column!r}"


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


# By what stands in the cells of a column, and by the op that NumPy lacks.
CELLS: Mapping[str, Callable[..., NDArray[Any]]] = {
    "number": numbers_of,
    "point": written_of,
    "comma": written_of,
    "moment": seconds_of,
    "text": codes_of,
    "word": words_of,
    "grams": grams_of,
}
FUNCTIONS: Mapping[str, Callable[..., NDArray[Any]]] = {"sigmoid": sigmoid, "erf": erf}
