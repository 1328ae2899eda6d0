"""What a fit depends on, as text by name, to be compared with what it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from steepest.ir.types import Array

# Text by dotted name; what begins with DATA describes an array.
Fingerprint: TypeAlias = dict[str, str]

DATA, ABOUT = "data: ", "about: "
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
VERSION = "steepest"
COUNTS = ("rows", "validation rows")
_MOST = 3  # differences that are told


def described(name: str, value: object) -> dict[str, str]:
    """A value as text by dotted name: the fields of dataclasses apart, functions by their names."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        found = {name: type(value).__name__}
        for field, part in parts.items():
            found.update(described(f"{name}.{field}", part))
        return found
    if isinstance(value, np.ndarray):
        return {name: contents(cast("Array", value))}
    if hasattr(value, "__qualname__"):  # a function or a class
        return {name: f"{getattr(value, '__module__', '')}.{cast('Any', value).__qualname__}"}
    return {name: shown(value)}


def version() -> str:
    """That of steepest, as it is installed."""
    from importlib.metadata import PackageNotFoundError, version  # a moment that few fits need

    try:
        return version("steepest")
    except PackageNotFoundError:
        return "unknown"


def shown(value: object) -> str:
    """The repr of something, without addresses in memory."""
    return _ADDRESS.sub("", repr(value))


def contents(array: Array) -> str:
    """The type of an array and the hash of its values."""
    return f"{array.dtype} {array.shape}; {_hash(array)}"


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What has changed, in words that follow "it was made with"; nothing where nothing has."""
    names = [*now, *(name for name in then if name not in now)]
    changed = [name for name in names if then.get(name) != now.get(name)]
    if VERSION in changed:
        return [f"steepest {then.get(VERSION)}, and this is {now[VERSION]}"]
    counts = [name for name in changed if name in COUNTS and name in then and name in now]
    if counts:  # then the values differ too, and what depends on how many steps there are
        return [f"{then[name]} {name}, now {now[name]}" for name in counts]
    told = [_difference(name, then.get(name), now.get(name)) for name in changed]
    left = len(told) - _MOST
    return told[:_MOST] + ([f"{left} more differ"] if left > 0 else [])


def _difference(name: str, then: str | None, now: str | None) -> str:
    plain = name.removeprefix(ABOUT).removeprefix(DATA)
    if then is None or now is None:
        return f"no {plain}, now with it" if then is None else f"{plain}, now without"
    if name.startswith(DATA):
        shape, shape_now = then.partition(";")[0], now.partition(";")[0]
        same = shape == shape_now
        return f"other values in {plain}" if same else f"{plain} {shape}, now {shape_now}"
    if "\n" in then + now:
        lines = zip(then.splitlines(), now.splitlines(), strict=False)
        first = next(((a, b) for a, b in lines if a != b), ("less", "more"))
        then, now = (line.strip().removesuffix(",") for line in first)
    return f"{plain}={then}, now {now}"


def _hash(array: Array) -> str:
    whole = np.ascontiguousarray(array)
    return hashlib.blake2b(whole.reshape(-1).view(np.uint8).data, digest_size=16).hexdigest()
