"""Decisions about contractions: which panels and tiles, for what reason."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from codegen.contractions import Product
from codegen.native import TARGETS
from steepest.codegen.contract_plan import Panel, planned, tile
from steepest.ir.types import DType, Shape, float32, float64, int32
from steepest.schedule.kernels import Access, Contraction, Role

# 128 · 512 numbers take 256 KiB, 128 · 256 take 128 KiB.
PANELS: list[tuple[str, Shape, str, DType, Role, Panel]] = [
    ("read where they lie", (128, 256, 128), "nn", float32, "scratch", "none"),
    ("just too small for a copy", (128, 511, 128), "nn", float32, "scratch", "none"),
    ("large enough for a copy", (128, 512, 128), "nn", float32, "scratch", "copied"),
    (
        "half as many numbers of twice the bytes",
        (128, 256, 128),
        "nn",
        float64,
        "scratch",
        "copied",
    ),
    ("too few rows use it", (63, 4096, 128), "nn", float32, "scratch", "none"),
    ("enough rows use it", (64, 4096, 128), "nn", float32, "scratch", "copied"),
    ("beside rows turned, just too small", (128, 255, 128), "tn", float32, "scratch", "none"),
    ("beside rows turned", (128, 256, 128), "tn", float32, "scratch", "copied"),
    ("a table's last vector would run over", (128, 10, 17), "nn", float32, "table", "copied"),
    ("a table of whole vectors", (128, 10, 48), "nn", float32, "table", "none"),
    ("turned", (5, 100, 64), "nt", float32, "scratch", "transposed"),
    ("turned, 8 bytes each", (5, 100, 64), "nt", float64, "scratch", "transposed"),
    ("turned, whole numbers", (5, 100, 64), "nt", int32, "scratch", "transposed"),
    ("turned, of a size that cannot", (5, 100, 64), "nt", np.dtype("int16"), "scratch", "gathered"),
    ("so few rows that turning takes longer", (4, 100, 64), "nt", float32, "scratch", "dots"),
    ("few rows, but both turned", (4, 100, 64), "tt", float32, "scratch", "transposed"),
]


@pytest.mark.parametrize("lanes", TARGETS)
@pytest.mark.parametrize(
    ("shape", "form", "dtype", "role", "panel"),
    [each[1:] for each in PANELS],
    ids=[each[0] for each in PANELS],
)
def test_where_columns_are_read(
    shape: Shape, form: str, dtype: DType, role: Role, panel: Panel, lanes: int
) -> None:
    product = Product(shape, form, dtype, ("scratch", role))
    assert planned(product.kernel(), TARGETS[lanes]).panel == panel


def test_columns_that_lie_side_by_side_neither_way_are_gathered() -> None:
    product = Product((20, 30, 40))
    kernel = product.kernel()
    assert isinstance(kernel.reduction, Contraction)
    sparse = Access(product.b, (0, 2, product.b.strides[0]))
    apart = dataclasses.replace(kernel.reduction, right=sparse)
    assert planned(dataclasses.replace(kernel, reduction=apart), TARGETS[16]).panel == "gathered"


@pytest.mark.parametrize("registers", [32, 16])
def test_a_tile_fits_the_registers(registers: int) -> None:
    """Sums, a row of vectors (which a single row of sums has in memory) and a number."""
    rows, vectors = (*range(1, 33), 1000), (*range(1, 13), 100)
    for each in itertools.product(rows, vectors, (1, 64, 256, 5000)):
        height, width = tile(*each, registers)
        assert 0 < height * width + (width if height > 1 else 0) + 1 <= registers, each


@pytest.mark.parametrize("registers", [32, 16])
@pytest.mark.parametrize("vectors", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("summed", [64, 5000])
def test_with_rows_enough_two_thirds_of_the_registers_are_sums(
    registers: int, vectors: int, summed: int
) -> None:
    height, width = tile(10_000, vectors, summed, registers)
    assert height * width >= 2 / 3 * registers


# Lanes; then rows and vectors of the largest tile.
TILES: list[tuple[str, Shape, str, int, tuple[int, int]]] = [
    ("two vectors: 28 sums, three loads a product", (256, 1024, 1024), "nn", 16, (14, 2)),
    ("two vectors of 8", (256, 1024, 1024), "nn", 8, (6, 2)),
    ("three, if the first cache holds them", (64, 64, 100), "nn", 16, (8, 3)),
    ("never three of 8", (64, 64, 144), "nn", 8, (6, 2)),
    ("64 KiB are in the first cache", (64, 128, 128), "nn", 16, (8, 3)),
    ("more is not", (64, 129, 128), "nn", 16, (13, 2)),
    ("one vector: tall tiles", (512, 128, 10), "tn", 16, (22, 1)),
    ("one vector, and equal tiles", (50, 32, 1), "tn", 16, (10, 1)),
    ("equal tiles of 8 lanes", (100, 64, 10), "tn", 8, (5, 2)),
    ("few rows: wide tiles", (2, 32, 50), "tn", 16, (2, 4)),
    ("a single row", (1, 64, 256), "nn", 16, (1, 8)),
]


@pytest.mark.parametrize(
    ("shape", "form", "lanes", "size"),
    [each[1:] for each in TILES],
    ids=[each[0] for each in TILES],
)
def test_tiles(shape: Shape, form: str, lanes: int, size: tuple[int, int]) -> None:
    plan = planned(Product(shape, form).kernel(), TARGETS[lanes])
    assert (plan.tallest, plan.widest // lanes) == size
