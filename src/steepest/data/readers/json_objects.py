"""JSON: an object on each line, or one array of objects; each object is a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from steepest.data.encoding import find_encoding
from steepest.data.lines import Lines, open_text
from steepest.data.options import ReadOptions
from steepest.data.readers.format import Format, Opening, check_names
from steepest.data.records import Cells, Piece, Records
from steepest.errors import DataError

_BLANKS = " \t\r\n"


def open_json(path: Path, options: ReadOptions) -> Records:
    """Read the names of all keys; a key that an object lacks is a missing value there.

    Numbers keep the digits that the file has, true and false are text, null is missing.

    Raises:
        DataError: damaged, not made of objects, or nested: with file and line.
    """
    encoding = find_encoding(path, options.encoding)
    objects = partial(_objects, path, encoding.name)
    keys: dict[str, int] = {}
    rows = 0
    for line, found in objects():
        rows += 1
        for key, value in found.items():
            keys[key] = keys.get(key, 0) + 1
            if isinstance(value, dict | list):
                raise _nested(path, line, key, cast("object", value))
    if not rows:
        raise DataError(f"{path} has no rows: no object is in it")
    if not keys:
        raise DataError(f"{path} has {rows} objects without any key: there are no columns")
    names = tuple(key.strip() for key in keys)
    check_names(names, path)
    notes = [encoding.note] if encoding.note else []
    lacking = [key for key, count in keys.items() if count < rows]
    if lacking:
        shown = ", ".join(map(repr, lacking[:5])) + ", …" * (len(lacking) > 5)
        notes.append(f"{path}: not every object has {shown}: missing values")

    def pieces(sizes: Iterator[int]) -> Iterator[Piece]:
        records = ((line, [_text(found.get(key)) for key in keys]) for line, found in objects())
        while block := list(islice(records, next(sizes))):
            yield Cells.of(block)

    return Records(
        names=names, pieces=pieces, options=options, source=str(path), notes=tuple(notes)
    )


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each object with the line it begins in."""
    with open_text(path, encoding) as text:
        lines = Lines(text, path)
        head = next((line for line in lines if line.strip()), "")
        rest = (line for line in lines if line != Lines.SENTINEL)
        first = lines.count
        if head.lstrip().startswith("["):
            yield from _of_array(path, head + "".join(rest), first)
            return
        yield first, _parsed(path, head, first)
        for line in rest:
            if line.strip():
                yield lines.count, _parsed(path, line, lines.count)


def _parsed(path: Path, line: str, number: int) -> dict[str, Any]:
    try:
        return _checked(path, number, _DECODER.decode(line))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {number}: this is no JSON ({error.msg}, character {error.pos + 1}); "
            "each line is one object, or the file is one array of objects"
        ) from None
    except RecursionError:
        raise DataError(f"{path}, line {number}: too many brackets, one in the other") from None


def _of_array(path: Path, text: str, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of one array, read one after the other."""
    place, seen, line = text.index("[") + 1, 0, first
    separator = ""
    while True:
        place = _after_blanks(text, place)
        line, seen = line + text.count("\n", seen, place), place
        if text[place : place + 1] == "]" and separator != "after a comma":
            break
        if separator == "expected":
            if text[place : place + 1] != ",":
                raise _unfinished(path, line)
            place, separator = place + 1, "after a comma"
            continue
        try:
            value, place = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            at = line + text.count("\n", seen, error.pos)
            raise DataError(f"{path}, line {at}: this is no JSON ({error.msg})") from None
        except RecursionError:
            raise DataError(f"{path}, line {line}: too many brackets, one in the other") from None
        yield line, _checked(path, line, value)
        separator = "expected"
    rest = _after_blanks(text, place + 1)
    if rest < len(text):
        at = first + text.count("\n", 0, rest)
        raise DataError(f"{path}, line {at}: something follows the end of the array")


def _unfinished(path: Path, line: int) -> DataError:
    return DataError(
        f"{path}, line {line}: a comma or ] is wanted between the objects of the array; is the "
        "file complete?"
    )


def _after_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANKS:
        place += 1
    return place


def _checked(path: Path, line: int, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = "an array" if isinstance(value, list) else "a single value"
        raise DataError(
            f"{path}, line {line}: {kind} stands where an object is wanted, as in "
            '{"age": 31, "job": "cook"}: each object is a row, its keys are the columns'
        )
    return cast("dict[str, Any]", value)


def _nested(path: Path, line: int, key: str, value: object) -> DataError:
    kind = "an object" if isinstance(value, dict) else "an array"
    return DataError(
        f"{path}, line {line}: {key!r} holds {kind}; only numbers, text, true, false and null make "
        "a table: write each inner value under a key of its own (pandas: json_normalize, and "
        "to_json(orient='records', lines=True))"
    )


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise json.JSONDecodeError(f"the key {twice!r} stands twice in one object", "", 0)
    return found


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return "true" if value else "false"  # numbers are text already


# Numbers stay as they are written: 1.50 as a label is not 1.5.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unlike, parse_float=str, parse_int=str, parse_constant=str
)


def _is_json(opening: Opening) -> bool:
    start = opening.text
    if start.startswith(b"["):  # a header may begin so too: [id],[name]
        return start[1:].lstrip(_BLANKS.encode())[:1] in (b"{", b"]", b"[", b"")
    return start.startswith(b"{") and start[1:].lstrip(_BLANKS.encode())[:1] in (b'"', b"}")


FORMAT = Format(
    name="JSON", suffixes=(".json", ".jsonl", ".ndjson"), recognises=_is_json, open=open_json
)
