"""Damaged tables, options and model files end in words: a short part of tools/fuzz.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import Bench, judge

SEED = 5
CASES = 40


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", ["csv", "toml", "model"])
def test_damage_is_told_in_words(bench: Bench, kind: str) -> None:
    assert [found for case in range(CASES) if (found := judge(kind, case, SEED, bench))] == []


def test_a_traceback_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise TypeError("an int where a list was")

    monkeypatch.setattr("steepest.data.readers.delimited.find_dialect", broken)
    assert any(judge("csv", case, SEED, bench) for case in range(3))
