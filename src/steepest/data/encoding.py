"""Which encoding a file of text is in: its own mark, or what its bytes can be.

Text that is no UTF-8 is taken for cp1252 (Latin-1 with typographic signs, as Windows writes it)
where its bytes look like words of western European languages; everything else is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, final

from steepest.data.packing import open_bytes
from steepest.errors import ConfigurationError, DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE = 1 << 20

_VALID = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LETTERS = rb"\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xfd"
# A letter with an accent stands beside plain ones, or alone as in "à"; never three in a row.
_WORD = re.compile(
    rb"(?<=[A-Za-z'-])[" + _LETTERS + rb"]{1,2}(?![" + _LETTERS + rb"])"
    rb"|(?<![" + _LETTERS + rb"])[" + _LETTERS + rb"]{1,2}(?=[A-Za-z'-])"
    rb"|(?<= )[\xc0\xc9\xe0\xe9\xd3\xf3](?= )"
)
# Signs stand at the edge of a word or of a number, but for the apostrophe.
_SIGN = re.compile(
    rb"[\x80\x84\x85\x91\x93-\x97\x99\xa0-\xbf\xd7](?![A-Za-z" + _LETTERS + rb"])"
    rb"|(?<![A-Za-z" + _LETTERS + rb"])[\x80\x84\x8b\x91\x93\x95-\x97\x9b\xa0-\xbf\xd7]|\x92"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_UNUSED = re.compile(rb"[\0\x81\x8d\x8f\x90\x9d]")


@final
@dataclass(frozen=True)
class Encoding:
    """The encoding of a file.

    Args:
        name: as Python knows it.
        note: for people, where it is neither UTF-8 nor what was asked for.
    """

    name: str
    note: str = ""


def find_encoding(path: Path, asked: str) -> Encoding:
    """Find the encoding out; a byte-order mark overrules what was asked for.

    Args:
        path: of the file, which may be packed.
        asked: a name, or "" to find it out, which reads the whole file once.

    Raises:
        DataError: bytes that are no text in UTF-8 and not clearly in cp1252; names the line.
        ConfigurationError: `asked` is no encoding of text.
    """
    with open_bytes(path) as file:
        start = file.read(1 << 16)
        for mark, name in _MARKS:
            if start.startswith(mark):
                told = "" if name == "utf-8-sig" else f"{path} is {name.upper()} text"
                return Encoding(name, told)
        if asked:
            _check(asked)
            return Encoding(asked)
        if wide := _without_mark(start):
            return Encoding(wide, f"{path} is {wide.upper()} text without a byte-order mark")
        return _narrow(path, start, file)


def _check(name: str) -> None:
    try:
        "x".encode(name).decode(name)
    except (LookupError, ValueError):
        raise ConfigurationError(
            f"{name!r} is no encoding of text; there are utf-8, latin-1, cp1252, utf-16, …"
        ) from None


def _without_mark(start: bytes) -> str:
    """UTF-16, where every other byte of the beginning is 0."""
    pairs = len(start) // 2
    if pairs < 2:
        return ""
    first, second = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if 10 * second > 7 * pairs and 50 * first < pairs:
        return "utf-16-le"
    if 10 * first > 7 * pairs and 50 * second < pairs:
        return "utf-16-be"
    return ""


def _narrow(path: Path, start: bytes, file: IO[bytes]) -> Encoding:
    """UTF-8 if all of it is, else cp1252 or an error."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, is_ascii = 1, True
    rest = _pieces(start, file)
    for piece in rest:
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            at = line + max(before.count(b"\n"), 0 if b"\n" in before else before.count(b"\r"))
            if is_ascii and before.isascii() and _is_western(error.object, rest):
                return Encoding(
                    "cp1252",
                    f"{path}, line {at}: this is not UTF-8; the file is read as cp1252 (Latin-1): "
                    "name another encoding if words look wrong (--encoding)",
                )
            raise _refusal(path, at, "utf-8", error.object[error.start]) from None
        is_ascii = is_ascii and piece.isascii()
        line += piece.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _refusal(path, line, "utf-8", error.object[error.start]) from None
    return Encoding("utf-8")


def _refusal(path: Path, line: int, encoding: str, byte: int) -> DataError:
    return DataError(
        f"{path}, line {line}: this is not {encoding} text (byte 0x{byte:02x}); if it is text, "
        "name its encoding: --encoding latin-1, or cp1252"
    )


def not_text(path: Path, encoding: str, error: UnicodeDecodeError, count: int) -> DataError:
    """Say where bytes are that the encoding asked for does not have.

    Args:
        path: of the file.
        encoding: that was asked for.
        error: from decoding, which runs ahead of the lines that were handed out.
        count: of those.
    """
    line = count
    with open_bytes(path) as binary:
        for number, text in enumerate(binary, start=1):
            try:
                text.decode(encoding)
            except UnicodeDecodeError:
                line = number
                break
    return _refusal(path, line, encoding, error.object[error.start])


def _pieces(start: bytes, file: IO[bytes]) -> Iterator[bytes]:
    piece = start
    while piece:
        yield piece
        piece = file.read(_PIECE)


def _is_western(start: bytes, rest: Iterator[bytes]) -> bool:
    """Whether nearly all bytes beyond ASCII make sense as cp1252, and none could be UTF-8."""
    high = sensible = 0
    for piece in chain((start,), rest):
        if _UNUSED.search(piece) or _VALID.search(piece):
            return False
        high += len(_HIGH.findall(piece))
        words = sum(len(found) for found in _WORD.findall(piece))
        sensible += words + len(_SIGN.findall(piece))
    return sensible >= 0.95 * high
