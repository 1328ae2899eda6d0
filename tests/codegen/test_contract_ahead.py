"""What is asked for while products are summed: each request is written down, and looked at."""

import numpy as np
import pytest

from codegen.contractions import Product, buffer
from codegen.native import TARGETS, Native, aligned, widths
from codegen.test_contract_epilogue import adaptive_update, bias_and_relu
from schedule.simulate import poisoned
from steepest.codegen import contract_panels, contract_tile
from steepest.codegen.contract import contraction
from steepest.codegen.text import Text
from steepest.ir.types import Array, float64
from steepest.schedule.kernels import Access, Buffer, Kernel, Store

_LINE = 64


def _lines(kernel: Kernel, lanes: int, monkeypatch: pytest.MonkeyPatch) -> dict[Buffer, set[int]]:
    """The lines of each buffer's memory that were asked for, by number; requests become a list."""
    asked = np.zeros(4_000_000, np.int64)

    def note(text: Text, place: str) -> None:
        where = f"inttoptr (i64 {asked.ctypes.data} to ptr)"
        count = text.define(f"load i64, ptr {where}, align 8")
        number = text.define(f"add i64 {count}, 1")
        slot = text.define(f"getelementptr i64, ptr {where}, i64 {number}")
        address = text.define(f"ptrtoint ptr {place} to i64")
        text.line(f"store i64 {address}, ptr {slot}, align 8")
        text.line(f"store i64 {number}, ptr {where}, align 8")

    monkeypatch.setattr(contract_tile, "fetch", note)
    monkeypatch.setattr(contract_panels, "fetch", lambda *_: None)
    memory: dict[Buffer, Array] = {}
    code = contraction(kernel, TARGETS[lanes])
    for word in code.words:
        if not isinstance(word, int) and word.buffer not in memory:
            memory[word.buffer] = aligned(poisoned(word.buffer))
    with np.errstate(all="ignore"):
        assert Native(code, lanes)(memory) == 0
    places = np.unique(asked[1 : asked[0] + 1])
    found: dict[Buffer, set[int]] = {}
    for each, flat in memory.items():
        start = flat.ctypes.data
        inside = places[(places >= start) & (places < start + flat.nbytes)]
        found[each] = set(((inside - start) // _LINE).tolist())
    return found


def _all_lines(where: Buffer) -> set[int]:
    """Those that hold elements."""
    rows = np.arange(where.extents[0])[:, None] * where.strides[0]
    columns = np.arange(where.extents[1]) * where.strides[1]
    return set(((rows + columns).ravel() * where.dtype.itemsize // _LINE).tolist())


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("summed", [90, 200, 256])
def test_nearly_all_that_an_update_reads_is_asked_for(
    lanes: int, summed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = Product((400, summed, 400), "tn")
    stores, _ = adaptive_update(product)
    found = _lines(product.kernel(stores), lanes, monkeypatch)
    read = [each.access.buffer for each in stores]
    assert len(read) == 3
    for each in read:  # during a strip's last panel the next rows are asked for instead
        needed = _all_lines(each)
        assert len(needed & found[each]) > 0.8 * len(needed), each.name


def test_so_are_the_rows_of_the_next_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product((400, 256, 400), "tn")
    found = _lines(product.kernel(), widths()[0], monkeypatch)
    ours = _all_lines(product.a)
    first_tile = {line for line in ours if line * _LINE % (product.a.strides[1] * 4) < _LINE}
    assert ours - first_tile <= found[product.a]
    assert not found[product.b]
    assert not found[product.c]


@pytest.mark.parametrize(
    ("shape", "form"),
    [((100, 200, 400), "tn"), ((400, 200, 400), "nn")],
    ids=["small values", "no panel of rows"],
)
def test_nothing_is_asked_for_where_little_is_read(
    shape: tuple[int, int, int], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = Product(shape, form)
    stores, _ = bias_and_relu(product)
    found = _lines(product.kernel(stores), widths()[0], monkeypatch)
    assert not any(lines for each, lines in found.items() if each not in (product.a,))


def test_values_that_lie_otherwise_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product((400, 200, 400), "tn")
    stores, _ = adaptive_update(product)
    wide = buffer("wide", (400, 400), (0, 1), float64)
    also = Store(Access(wide, wide.strides), product.result.cast(float64))
    found = _lines(product.kernel([*stores, also]), widths()[0], monkeypatch)
    beyond_others = 0.01 * len(_all_lines(wide))
    assert len(found[wide]) < beyond_others
