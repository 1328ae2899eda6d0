"""`steepest cache` shows what is kept of compiled programs, and clears it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from steepest.runtime.cache import Entry, ObjectCache, default_folder


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectCache:
    """A cache of two entries where the command looks for it."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = ObjectCache(default_folder())
    for key in (b"a" * 32, b"b" * 32):
        cache.put(key, Entry(b"", bytes(1000)))
    return cache


def test_it_shows_folder_entries_and_size(
    command: Command, kept: ObjectCache, tmp_path: Path
) -> None:
    ran = command("cache")
    assert (ran.code, ran.err) == (0, "")
    assert str(tmp_path / "steepest") in ran.out
    assert "entries  2\n" in ran.out
    assert "KiB (at most 256.0 MiB)" in ran.out


def test_it_clears(command: Command, kept: ObjectCache) -> None:
    ran = command("cache", "--clear")
    assert ran.code == 0
    assert "removed  2 entries" in ran.out
    assert "entries  0\n" in ran.out
    assert kept.usage().entries == 0


def test_it_writes_json(command: Command, kept: ObjectCache, tmp_path: Path) -> None:
    size = kept.usage().size
    shown = {"folder": str(tmp_path / "steepest"), "entries": 2, "bytes": size}
    assert json.loads(command("cache", "--json").out) == shown
    cleared = json.loads(command("cache", "--clear", "--json").out)
    assert cleared["removed"] == {"entries": 2, "bytes": size}
    assert cleared["entries"] == 0


def test_an_empty_cache_is_no_mistake(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not there"))
    for arguments in ((), ("--clear",)):
        ran = command("cache", *arguments)
        assert ran.code == 0
        assert "entries  0\n" in ran.out
    assert not (tmp_path / "not there").exists()
