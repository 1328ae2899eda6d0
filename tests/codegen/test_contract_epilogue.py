"""Contractions that end with other stores than the sums: held against the kernel language's oracle.

Numbers are whole and small, so that the order of sums does not matter.
"""

from collections.abc import Callable

import numpy as np
import pytest

from codegen.contractions import Product, buffer, load, run
from codegen.native import TARGETS, widths
from schedule.simulate import Memory, simulate
from steepest.codegen.contract import contraction
from steepest.ir.scalar import Scalar, multiply_add, number, select, sqrt
from steepest.ir.types import Array, bool_, float32, float64, int64
from steepest.schedule.kernels import Access, Buffer, Kernel, Store

Values = dict[Buffer, Array]
Case = Callable[[Product], tuple[list[Store], Values]]


def _random(where: Buffer, seed: int) -> Array:
    return np.random.default_rng(seed).integers(-4, 5, where.extents).astype(where.dtype)


def _to(product: Product, value: Scalar) -> Store:
    return Store(Access(product.c, product.c.strides), value)


def bias_and_relu(product: Product) -> tuple[list[Store], Values]:
    bias = buffer("bias", product.space[-1:], [0], float32)
    strides = (*(0 for _ in product.space[:-1]), *bias.strides)
    total = product.result + load(bias, strides)
    return [_to(product, select(total < 0, 0.0, total))], {bias: _random(bias, 5)}


def bias_of_a_table(product: Product) -> tuple[list[Store], Values]:
    bias = buffer("bias", product.space[-1:], [0], float32, "table")
    strides = (*(0 for _ in product.space[:-1]), *bias.strides)
    return [_to(product, product.result + load(bias, strides))], {bias: _random(bias, 5)}


def weight_of_a_row(product: Product) -> tuple[list[Store], Values]:
    weight = buffer("weight", product.space[-2:-1], [0], float32)
    strides = (*(0 for _ in product.space[:-2]), *weight.strides, 0)
    return [_to(product, product.result * load(weight, strides))], {weight: _random(weight, 6)}


def mask_and_two_stores(product: Product) -> tuple[list[Store], Values]:
    order = range(len(product.space))
    mask = buffer("mask", product.space, order, bool_)
    other = buffer("other", product.space, order, float64)
    kept = select(load(mask, mask.strides), product.result, 0.0)
    wide = product.result.cast(float64) * 3.0
    values = {mask: _random(mask, 7)}
    return [_to(product, kept), Store(Access(other, other.strides), wide)], values


def added_in_place(product: Product) -> tuple[list[Store], Values]:
    before = load(product.c, product.c.strides)
    return [_to(product, before - product.result * 2.0)], {product.c: _random(product.c, 8)}


def adaptive_update(product: Product) -> tuple[list[Store], Values]:
    """Three places read and written; more than is done in registers."""
    order = range(len(product.space))
    first, second = (buffer(name, product.space, order, float32) for name in ("m", "v"))
    rate = buffer("rate", (1,), [0], float32)
    g = product.result
    m = multiply_add(load(first, first.strides), 0.5, g * 0.5)
    v = multiply_add(load(second, second.strides), 0.25, g * g * 0.75)
    step = load(rate, [0] * len(product.space)) * m / (sqrt(v * v) + 1.0)
    weight = load(product.c, product.c.strides)
    stores = [
        Store(Access(first, first.strides), m),
        Store(Access(second, second.strides), v),
        _to(product, weight - step),
    ]
    memory = {each: _random(each, 9) for each in (first, second, product.c)}
    return stores, {**memory, rate: np.array([0.5], np.float32)}


def positions(product: Product) -> tuple[list[Store], Values]:
    row, column = (Scalar("index", (), int64, axis) for axis in range(len(product.space))[-2:])
    upper = row < column
    return [_to(product, select(upper, product.result, number(-1, float32)))], {}


def rows_looked_up(product: Product) -> tuple[list[Store], Values]:
    """A dynamic row index, as embeddings have."""
    rows = buffer("rows", product.space[-2:-1], [0], int64)
    table = buffer("table", (5, product.space[-1]), [0, 1], float32)
    lead = [0] * (len(product.space) - 2)
    index = load(rows, (*lead, *rows.strides, 0))
    access = Access(table, (*lead, 0, table.strides[1]), 0, (table.strides[0],))
    found = Scalar("load", (index,), float32, access)
    values = {rows: np.arange(product.space[-2]) % 5, table: _random(table, 10)}
    return [_to(product, product.result + found)], values


def part_of_a_wider_row(product: Product) -> tuple[list[Store], Values]:
    """What follows the stored columns are other elements, which stay."""
    *lead, m, n = product.space
    wide = buffer("wide", (*lead, m, n + 30), range(len(product.space)), float32)
    access = Access(wide, wide.strides, 5 if n > 1 else 5 * wide.strides[-1])
    return [Store(access, product.result, exact=True)], {wide: _random(wide, 11)}


CASES: list[Case] = [
    bias_and_relu,
    bias_of_a_table,
    weight_of_a_row,
    mask_and_two_stores,
    added_in_place,
    adaptive_update,
    positions,
    rows_looked_up,
    part_of_a_wider_row,
]


def _compare(kernel: Kernel, values: Values, lanes: int) -> None:
    memory = Memory(values)
    assert simulate(kernel, memory) == 0
    for where, found in run(kernel, values, lanes).items():
        np.testing.assert_array_equal(found, memory.get(where), str(where))


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize(
    ("shape", "form"),
    [((33, 20, 50), "nn"), ((9, 300, 17), "nt"), ((2, 5, 4, 16), "tn")],
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_stores_see_the_sums(case: Case, shape: tuple[int, ...], form: str, lanes: int) -> None:
    product = Product(shape, form)
    stores, more = case(product)
    _compare(product.kernel(stores), {**product.values(), **more}, lanes)


@pytest.mark.parametrize("case", [bias_and_relu, adaptive_update], ids=lambda case: case.__name__)
@pytest.mark.parametrize("shape", [(1, 3, 1), (1, 300, 5), (5, 0, 5), (7, 2, 1), (70, 600, 300)])
def test_small_and_large_ones(case: Case, shape: tuple[int, ...]) -> None:
    product = Product(shape, "nt")
    stores, more = case(product)
    _compare(product.kernel(stores), {**product.values(), **more}, widths()[0])


def test_a_check_that_fails_returns_1() -> None:
    product = Product((5, 20, 30))
    kernel = product.kernel()
    limit = Kernel(
        kernel.name,
        kernel.space,
        kernel.stores,
        kernel.lanes,
        kernel.reduction,
        (product.result < 1000.0,),
    )
    values = product.values()
    _compare(limit, values, widths()[0])
    values[product.a][4, 3], values[product.b][3, 29] = 4000, 1
    with pytest.raises(AssertionError):
        run(limit, values, widths()[0])


def test_rows_that_lie_along_the_lanes_of_the_other_operand() -> None:
    """Lanes along m: the left operand is the one in vectors."""
    product = Product((40, 30, 20), "tn")
    turned = buffer("turned", product.space, [1, 0], float32)
    kernel = product.kernel([Store(Access(turned, turned.strides), product.result)])
    kernel = Kernel(kernel.name, kernel.space, kernel.stores, 0, kernel.reduction)
    for lanes in widths():
        _compare(kernel, product.values(), lanes)


def test_only_what_is_needed_is_declared() -> None:
    code = contraction(Product((8, 8, 16)).kernel(), TARGETS[16])
    assert all("declare" in each for each in code.declarations)
    assert "@KERNEL" in code.body
