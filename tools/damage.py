"""Damage to good files, drawn at random: bytes of text, options in TOML, model files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, cast

import tomli_w

from steepest.tabular.files import MODEL_FILE
from steepest.tabular.options import options

Tree: TypeAlias = dict[str, Any] | list[Any]

_TOKENS = (
    *(b'"', b'""', b"'", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b",", b";", b"\t", b"|", b"#"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xc3\x28", b"\xf0\x9f\x92\xa9", b"\xe4"),
    b"\x1f\x8b",
    *(b"nan", b"NA", b"inf", b"-inf", b"1e400", b"-1e-400", b"9" * 40, b"1_000", b"0x10", b"1e5"),
    *(b"$1,000.50", b"1.609,13", b"12 %", b"(5)", b"2024-02-30", b"31/12/99", b"true", b"yes"),
    *(b"x" * 5000, "ß∂ \u202e\u2028".encode(), b"=1+1", b"   ", b"%s%n", b"{}", b"[]", b"\\"),
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 2**31, 2**63, -(2**64), 10**30, 0.0, -0.5, 1e308, 1e-320, True, False, ""),
    *("auto", "x", "adamw", "\n", "ä" * 300, [], [1], [-1, 0], ["a"], [[1]], {}, {"a": 1}),
    *({"a": {"b": [1]}}, "1e5", "nan"),
)  # fmt: skip


def damaged_bytes(good: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Damage bytes in one to four places, or cut, double, or mix them."""
    data = bytearray(good)
    for _ in range(random.choice((1, 1, 2, 4))):
        _DAMAGES[random.randrange(len(_DAMAGES))](data, others, random)
    return bytes(data)


def _place(data: bytearray, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + int(random.expovariate(1 / 8)) + 1)


def _flip(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _token(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    start, end = _place(data, random)
    data[start : random.choice((start, end))] = random.choice(_TOKENS)


def _remove(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    start, end = _place(data, random)
    del data[start:end]


def _cut(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    start, _ = _place(data, random)
    del data[start:]


def _double(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    start, end = _place(data, random)
    data[start:start] = data[start:end] * random.choice((1, 2, 50))


def _mix(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    start, _ = _place(data, random)
    other = random.choice(others)
    data[start:] = other[random.randrange(len(other)) :]


def _lines(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    lines = bytes(data).splitlines(keepends=True)
    random.shuffle(lines)
    data[:] = b"".join(lines[: random.randrange(len(lines) + 1)])


def _recode(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    encoding = random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp500"))
    data[:] = bytes(data).decode("latin-1").encode(encoding, "replace")


_DAMAGES = (_flip, _flip, _token, _token, _token, _remove, _cut, _double, _mix, _lines, _recode)


def damaged_toml(random: Random) -> bytes:
    """Options with names and values drawn, some as they should be; perhaps damage to the text."""
    names = [*options()]
    document: dict[str, Any] = {}
    for _ in range(random.randrange(1, 5)):
        section, _, leaf = random.choice(names).partition(".")
        if random.random() < 0.1:
            leaf += random.choice(("s", "", "_x", " "))
        value = deepcopy(random.choice(_VALUES))  # tables get keys: not for the next case
        if random.random() < 0.3:
            value = random.choice([*options()[random.choice(names)].names, "auto", 3, 0.5])
        inside = document.setdefault(section if random.random() < 0.97 else "datas", {})
        if isinstance(inside, dict):
            cast("dict[str, Any]", inside)[leaf] = value
        if random.random() < 0.02:
            document[section] = value
    text = tomli_w.dumps(document).encode()
    return damaged_bytes(text, [text], random) if random.random() < 0.4 else text


def damaged_model(good: bytes, random: Random) -> bytes:
    """Bytes changed anywhere, or values changed inside of the document, its checksum fitting."""
    if random.random() < 0.3:
        return damaged_bytes(good, [good], random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "good"
        path.write_bytes(good)
        tensors, document = MODEL_FILE.read(path)
    for _ in range(random.choice((1, 1, 1, 3))):
        _change(document, random)
    if random.random() < 0.1:
        name = random.choice([*tensors])
        array = tensors.pop(name)
        spoilt = random.choice((array.T, array[:-1], array.astype("f8"), array))
        tensors[random.choice((name, f"{name}s"))] = spoilt
    try:
        return MODEL_FILE.bytes_of(tensors, document)
    except (TypeError, ValueError, AttributeError):  # what no file can hold
        return good


def _change(tree: Tree, random: Random) -> None:
    """Change, remove or add one thing somewhere in nested lists and dictionaries."""
    while True:
        keys: list[Any] = [*tree] if isinstance(tree, dict) else [*range(len(tree))]
        if not keys:
            return
        key = random.choice(keys)
        inner: Any = tree[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.15:
            break
        tree = cast("Tree", inner)
    way = random.random()
    if way < 0.2:
        del tree[key]
    elif way < 0.3 and isinstance(tree, list):
        tree.append(inner)
    elif way < 0.5 and isinstance(inner, int | float):
        tree[key] = random.choice((inner + 1, -inner, inner * 2, 0, 1e300, 10**12))
    else:
        values: list[Any] = [*_VALUES, None, inner]
        tree[key] = random.choice(values)
