"""Tables that are hard to read are fitted with all of their rows, or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.hostile import TABLES

Run = Callable[..., Any]


@pytest.mark.parametrize("name", TABLES)
def test_hostile_table(tmp_path: Path, command: Run, name: str) -> None:
    table = TABLES[name]
    path = tmp_path / f"table{table.suffix}"
    path.write_bytes(table.content)
    out = tmp_path / "model.safetensors"
    # Interpreted: nearly each table has a width of its own, and so would have a program.
    network = ("--max-epochs", "1", "--hidden-layer-sizes", "2", "--reference")
    words = (*network, *table.words, "--json")
    ran = command("fit", path, "--target", table.target, *words, "--out", out)
    assert "Traceback" not in ran.err
    assert len(ran.err) < 6000
    assert table.said in ran.err
    if table.rows is None:
        assert (ran.code, out.exists()) == (2, False)
        assert ran.err.startswith("steepest: ")
        return
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["training_rows"] + found["validation_rows"] == table.rows
    again = command("predict", out, path, "--quiet")
    assert again.code == 0, again.err
    assert len(again.out.splitlines()) == 1 + table.rows + table.unlabelled
