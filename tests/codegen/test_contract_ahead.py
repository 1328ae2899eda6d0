"""What is asked for while products are summed: each request is written down, and looked at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np
import pytest

from codegen.contractions import Product, buffer, load
from codegen.native import TARGETS, Native, aligned, widths
from codegen.test_contract_epilogue import adaptive_update
from schedule.simulate import places_of, poisoned
from steepest.codegen import contract_panels, contract_tile
from steepest.codegen.contract import contraction
from steepest.codegen.contract_plan import planned
from steepest.codegen.text import Text
from steepest.ir.types import Array, Shape, float32
from steepest.schedule.kernels import Access, Buffer, Kernel, Store

_LINE = 64
_SHAPE = (630, 252, 256)  # tiles are of one size, and columns one strip, on each width


@dataclass
class Asked:
    """Addresses in the order in which they were asked for, and where buffers were."""

    addresses: Array
    memory: Mapping[Buffer, Array]

    def lines(self, where: Buffer) -> set[int]:
        """The lines of a buffer, counted from its start, that were asked for."""
        distances = self.addresses - self.memory[where].ctypes.data
        inside = (distances >= 0) & (distances < self.memory[where].nbytes)
        return set((distances[inside] // _LINE).tolist())


class Ask(Protocol):
    """Runs a kernel whose requests, of one of the modules, become a list."""

    def __call__(self, kernel: Kernel, lanes: int, module: ModuleType = contract_tile) -> Asked: ...


@pytest.fixture(name="ask")
def _ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    def ask(kernel: Kernel, lanes: int, module: ModuleType = contract_tile) -> Asked:
        asked = np.zeros(4_000_000, np.int64)

        def note(text: Text, place: str) -> None:
            where = f"inttoptr (i64 {asked.ctypes.data} to ptr)"
            count = text.define(f"load i64, ptr {where}, align 8")
            number = text.define(f"add i64 {count}, 1")
            slot = text.define(f"getelementptr i64, ptr {where}, i64 {number}")
            address = text.define(f"ptrtoint ptr {place} to i64")
            text.line(f"store i64 {address}, ptr {slot}, align 8")
            text.line(f"store i64 {number}, ptr {where}, align 8")

        for each in (contract_tile, contract_panels):
            monkeypatch.setattr(each, "fetch", note if each is module else lambda *_: None)
        memory: dict[Buffer, Array] = {}
        code = contraction(kernel, TARGETS[lanes])
        for word in code.words:
            if not isinstance(word, int) and word.buffer not in memory:
                memory[word.buffer] = aligned(poisoned(word.buffer))
        with np.errstate(all="ignore"):
            assert Native(code, lanes)(memory) == 0
        return Asked(asked[1 : asked[0] + 1], memory)

    return ask


def _all_lines(where: Buffer) -> set[int]:
    """Those that hold elements."""
    return set((places_of(where).ravel() * where.dtype.itemsize // _LINE).tolist())


def _large(count: int) -> list[Buffer]:
    return [buffer(f"value{i}", (630, 256), (0, 1), float32) for i in range(count)]


def _sum_of(product: Product, reads: Sequence[Access]) -> list[Store]:
    total = product.result
    for each in reads:
        total = total + load(each.buffer, each.strides)
    return [Store(Access(product.c, product.c.strides), total)]


def _whole(where: Buffer) -> Access:
    return Access(where, where.strides)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize(
    "shape", [(400, 90, 400), (400, 200, 400), (400, 256, 400), (2, *_SHAPE)], ids=str
)
def test_nearly_all_that_an_update_reads_is_asked_for(shape: Shape, lanes: int, ask: Ask) -> None:
    product = Product(shape, "tn")
    stores, _ = adaptive_update(product)
    asked = ask(product.kernel(stores), lanes)
    read = [each.access.buffer for each in stores]
    assert len(read) == 3
    for each in (*read, product.a):  # rows in a strip's last panel, instead of what stores read
        needed = _all_lines(each)
        assert len(needed & asked.lines(each)) > 0.8 * len(needed), each.name


@pytest.mark.parametrize("lanes", widths())
def test_a_tile_asks_for_its_own_lines_all_the_time(lanes: int, ask: Ask) -> None:
    """Requests that come all at once would wait for each other."""
    product = Product(_SHAPE, "tn")
    stores, _ = adaptive_update(product)
    kernel = product.kernel(stores)
    plan, asked = planned(kernel, TARGETS[lanes]), ask(kernel, lanes)
    needed: set[int] = set()
    for each in (store.access.buffer for store in stores):
        places = places_of(each)[: plan.tallest, : plan.widest].ravel() * 4
        needed |= set(((asked.memory[each].ctypes.data + places) // _LINE).tolist())
    first_tile = asked.addresses[: plan.summed] // _LINE
    assert set(first_tile.tolist()) == needed
    in_half_the_time = np.unique(first_tile[: plan.summed // 2])
    assert abs(len(in_half_the_time) - len(needed) / 2) <= 1


@pytest.mark.parametrize("lanes", widths())
def test_rows_are_asked_for_one_tile_ahead(lanes: int, ask: Ask) -> None:
    """Only the last of them: the first share a line with this tile's last."""
    product = Product(_SHAPE, "tn")
    kernel = product.kernel()
    plan, asked = planned(kernel, TARGETS[lanes]), ask(kernel, lanes)
    numbers = (asked.addresses - asked.memory[product.a].ctypes.data) // 4
    rows = numbers - np.arange(len(numbers)) % plan.summed * product.a.strides[1]
    (heights,) = plan.heights
    in_turn = rows[np.flatnonzero(np.diff(rows, prepend=-1))]
    assert (in_turn + 1).tolist() == [heights.size * (2 + tile) for tile in range(heights.count)]


@pytest.mark.parametrize("lanes", widths())
def test_what_is_copied_is_asked_for_some_products_ahead(lanes: int, ask: Ask) -> None:
    """Each vector of columns, then the last of each tile's rows, as above."""
    product = Product(_SHAPE, "tn")
    kernel = product.kernel()
    plan, asked = planned(kernel, TARGETS[lanes]), ask(kernel, lanes, contract_panels)
    vectors = 256 // lanes
    ends = np.cumsum((0, plan.summed * vectors, plan.summed))
    of_columns, of_rows = (asked.addresses[a:b] for a, b in itertools.pairwise(ends))
    numbers = (of_columns - asked.memory[product.b].ctypes.data) // 4
    products, columns = np.divmod(numbers.reshape(plan.summed, vectors), product.b.strides[0])
    assert (columns == np.arange(0, 256, lanes)).all()
    (distance,) = set((products - np.arange(plan.summed)[:, None]).ravel().tolist())
    assert 4 <= distance <= 16
    numbers = (of_rows - asked.memory[product.a].ctypes.data) // 4
    products, rows = np.divmod(numbers, product.a.strides[1])
    assert (rows == plan.tallest - 1).all()
    assert (products == np.arange(plan.summed) + distance).all()


def _small(product: Product) -> list[Store]:
    return adaptive_update(product)[0]


def _one_large(product: Product) -> list[Store]:
    return _sum_of(product, [_whole(each) for each in _large(1)])


def _first_rows(product: Product) -> list[Store]:
    return _sum_of(product, [Access(each, (0, 1)) for each in _large(2)])


def _turned(product: Product) -> list[Store]:
    values = [buffer(name, (630, 256), (1, 0), float32) for name in "mv"]
    return _sum_of(product, [_whole(each) for each in values])


@pytest.mark.parametrize(
    ("shape", "stores_of"),
    [
        ((100, *_SHAPE[1:]), _small),
        (_SHAPE, _one_large),
        (_SHAPE, _first_rows),
        (_SHAPE, _turned),
    ],
    ids=["small values", "a single large value", "one row again and again", "turned"],
)
def test_not_for_what_stores_read(
    shape: Shape, stores_of: Callable[[Product], list[Store]], ask: Ask
) -> None:
    product = Product(shape, "tn")
    kernel = product.kernel(stores_of(product))
    asked = ask(kernel, widths()[0])
    assert asked.lines(product.a)
    for each in {*asked.memory} - {product.a}:
        assert not asked.lines(each), each.name


def test_not_for_rows_that_are_read_where_they_lie(ask: Ask) -> None:
    product = Product((400, 600, 400), "nn")
    assert planned(product.kernel(), TARGETS[widths()[0]]).panel == "copied"
    assert not len(ask(product.kernel(), widths()[0]).addresses)


def test_values_that_lie_otherwise_than_the_first_are_left_out(ask: Ask) -> None:
    product = Product(_SHAPE, "tn")
    wide = buffer("wide", (630, 300), (0, 1), float32)
    first, second = _large(2)
    reads = [*map(_whole, (first, second)), Access(wide, wide.strides)]
    asked = ask(product.kernel(_sum_of(product, reads)), widths()[0])
    for each in (first, second):
        assert len(asked.lines(each)) > 0.8 * len(_all_lines(each))
    beyond_others = 0.01 * len(_all_lines(wide))
    assert len(asked.lines(wide)) < beyond_others


@pytest.mark.parametrize("lanes", widths())
def test_no_more_values_than_a_block_of_products_has_room_for(lanes: int, ask: Ask) -> None:
    product, values = Product((630, 256, 256), "tn"), _large(12)
    kernel = product.kernel(_sum_of(product, [_whole(each) for each in values]))
    plan, asked = planned(kernel, TARGETS[lanes]), ask(kernel, lanes)
    lines = -(-plan.widest * 4 // _LINE)
    room = 256 // (plan.tallest * lines)
    parts = [len(asked.lines(each)) / len(_all_lines(each)) for each in values]
    assert all(part > 0.8 for part in parts[:room])
    assert all(part < 0.01 for part in parts[room:])
