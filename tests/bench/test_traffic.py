"""Bytes that kernels move, counted for graphs whose traffic is plain to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.bench.traffic import bytes_moved
from steepest.ir.types import float32, int64, uint32
from steepest.rewrite import rewrite
from steepest.schedule.kernels import (
    Access,
    AnyKernel,
    Buffer,
    Draw,
    Finite,
    Scanned,
    Scattered,
)
from steepest.schedule.plan import InputRole, schedule
from steepest.transform.trace import record

A = st.ones((40, 100))
B = st.ones((100, 30))
TABLE = st.ones((1000, 50))
ROWS = st.tensor(np.arange(8, dtype=uint32))


def moved(function: Callable[..., Any], *arguments: st.Tensor) -> list[int]:
    """Of each kernel that there is for a function, its largest argument being a table."""
    graph = rewrite(record(function, *arguments).graph).graph
    roles: list[InputRole] = ["table" if each is TABLE else "whole" for each in arguments]
    kernels = schedule(graph, tuple(roles), guarded=False).kernels
    return [bytes_moved(kernel) for kernel in kernels]


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (lambda x: st.exp(x) * 2.0, (A,), 2 * 4 * 4000),
        (lambda x: x * x + x, (A,), 2 * 4 * 4000),  # x is counted once
        (lambda x, y: x + y, (A, st.ones((100,))), 4 * (4000 + 100 + 4000)),
        (lambda x, y: x @ y, (A, B), 4 * (40 * 100 + 100 * 30 + 40 * 30)),
        (lambda x: st.sum(x, axis=0), (A,), 4 * (4000 + 100)),
    ],
)
def test_one_kernel(
    function: Callable[..., Any], arguments: tuple[st.Tensor, ...], expected: int
) -> None:
    assert moved(function, *arguments) == [expected]


def test_a_gather_reads_the_rows_that_it_takes() -> None:
    found = moved(lambda x, rows: st.take(x, rows, axis=0), TABLE, ROWS)
    # The rows' positions are read, perhaps after a kernel that computes them; then 8 rows.
    assert found[-1] in (2 * 4 * 8 * 50 + 8 * size for size in (4, 8))


def test_an_update_in_place_counts_twice() -> None:
    cell = st.State(st.ones((40, 100)))

    def update(x: st.Tensor) -> st.Tensor:
        cell.assign(cell.value - 0.1 * x)
        return st.sum(x)

    trace = record(update, A)
    kernels = schedule(rewrite(trace.graph).graph, ("whole", "state"), guarded=False).kernels
    assert sorted(bytes_moved(kernel) for kernel in kernels) == [4 * 4001, 3 * 4 * 4000]


NUMBERS = Buffer("numbers", float32, (10, 20), (32, 1), "scratch", 320)
WORDS = Buffer("words", uint32, (10, 20), (32, 1), "scratch", 320)
INDEX = Buffer("index", int64, (6,), (1,), "scratch", 16)
PLACE = Access(NUMBERS, (0, 32, 1))


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (Draw("", Access(WORDS, ()), Access(WORDS, ()), 0, Access(WORDS, (32, 1)), 10, 20), 800),
        (Finite("", NUMBERS), 800),
        (Scanned("", (1, 10, 20), PLACE, PLACE), 2 * 800),
        # 10 rows zeroed; for each of 6 updates its row is read, and the target's read and written.
        (
            Scattered("", (1, 6, 20), 10, PLACE, Access(INDEX, (1,)), PLACE),
            800 + 3 * 6 * 20 * 4 + 6 * 8,
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_other_kinds(kernel: AnyKernel, expected: int) -> None:
    assert bytes_moved(kernel) == expected
