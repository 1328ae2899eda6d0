"""The oracle of kernels, on kernels small enough to be right by eye; and what it has to refuse."""

import dataclasses

import numpy as np
import pytest

from schedule.simulate import KernelError, Memory, simulate
from steepest.ir.scalar import Scalar, number
from steepest.ir.types import DType, bool_, float32, float64, int64, uint32
from steepest.ops.philox import philox4x32
from steepest.schedule.kernels import (
    Access,
    Buffer,
    Contraction,
    Draw,
    Finite,
    Folded,
    Folds,
    Kernel,
    Role,
    Scanned,
    Scattered,
    Store,
)


def buffer(*extents: int, dtype: DType = float32, role: Role = "scratch") -> Buffer:
    """Rows padded to 16 elements, as schedules have them."""
    strides: list[int] = []
    size = 1
    for place, extent in enumerate(reversed(extents)):
        strides.append(size if extent > 1 else 0)
        size *= extent if place else -(-extent // 16) * 16
    return Buffer("b", dtype, extents, tuple(reversed(strides)), role, size)


def load(access: Access, *dynamic: Scalar) -> Scalar:
    return Scalar("load", dynamic, access.buffer.dtype, access)


def whole(which: Buffer) -> Access:
    return Access(which, which.strides)


X = np.arange(15, dtype=float32).reshape(3, 5) - 4


def test_pointwise_with_an_index_and_a_broadcast() -> None:
    x, row, y = buffer(3, 5), buffer(5), buffer(3, 5)
    value = (
        load(whole(x)) * 2 + load(Access(row, (0, 1))) + Scalar("index", (), int64, 0).cast(float32)
    )
    memory = Memory({x: X, row: np.arange(5)})
    kernel = Kernel("k", (3, 5), (Store(whole(y), value),), 1)
    assert simulate(kernel, memory) == 0
    np.testing.assert_array_equal(memory.get(y), X * 2 + np.arange(5) + np.arange(3)[:, None])


def test_folds_then_stores() -> None:
    x, total, peak = buffer(3, 5), buffer(3), buffer(3)
    here = load(Access(x, (16, 1)))
    folds = Folds((5,), (Folded("sum", here), Folded("max", here * here)))
    first, second = (Scalar("result", (), float32, i) for i in range(2))
    stores = (Store(Access(total, (1,)), first / 5), Store(Access(peak, (1,)), second))
    memory = Memory({x: X})
    assert simulate(Kernel("k", (3,), stores, 1, folds), memory) == 0
    np.testing.assert_allclose(memory.get(total), X.mean(1))
    np.testing.assert_array_equal(memory.get(peak), (X * X).max(1))


def test_a_contraction_with_a_bias() -> None:
    a, b, bias, y = buffer(3, 5), buffer(4, 5), buffer(4), buffer(3, 4)
    random = np.random.default_rng(0)
    left, right, added = random.normal(size=(3, 5)), random.normal(size=(4, 5)), np.arange(4)
    reduction = Contraction(5, Access(a, (16, 0, 1)), Access(b, (0, 16, 1)))
    value = Scalar("result", (), float32, 0) + load(Access(bias, (0, 1)))
    memory = Memory({a: left, b: right, bias: added})
    assert simulate(Kernel("k", (3, 4), (Store(whole(y), value),), 1, reduction), memory) == 0
    np.testing.assert_allclose(memory.get(y), left @ right.T + added, rtol=1e-5)


def test_rows_gathered() -> None:
    x, rows, y = buffer(3, 5), buffer(4, dtype=int64), buffer(4, 5)
    value = load(Access(x, (0, 1), 0, (16,)), load(Access(rows, (1, 0))))
    memory = Memory({x: X, rows: [2, 0, 2, 1]})
    kernel = Kernel("k", (4, 5), (Store(whole(y), value),), 1)
    assert simulate(kernel, memory) == 0
    np.testing.assert_array_equal(memory.get(y), X[[2, 0, 2, 1]])
    memory.put(rows, [2, 3, 0, 1])
    with pytest.raises(KernelError, match="outside"):
        simulate(kernel, memory)


def test_a_check_that_fails_stores_nothing() -> None:
    x, y = buffer(3, 5), buffer(3, 5)
    kernel = Kernel(
        "k", (3, 5), (Store(whole(y), load(whole(x))),), 1, checks=(load(whole(x)) < 10.0,)
    )
    memory = Memory({x: X})
    assert simulate(kernel, memory) == 1
    with pytest.raises(KernelError, match="never written"):
        memory.get(y)
    assert simulate(dataclasses.replace(kernel, checks=(load(whole(x)) < 11.0,)), memory) == 0


def test_in_place_is_allowed_where_a_point_reads_only_itself() -> None:
    x = buffer(3, 5)
    memory = Memory({x: X})
    doubled = Kernel("k", (3, 5), (Store(whole(x), load(whole(x)) * 2),), 1)
    assert simulate(doubled, memory) == 0
    np.testing.assert_array_equal(memory.get(x), 2 * X)
    reversed_rows = Access(x, (-16, 1), 32)
    with pytest.raises(KernelError, match="another overwrites"):
        simulate(Kernel("k", (3, 5), (Store(whole(x), load(reversed_rows)),), 1), memory)
    row = load(Access(x, (16, 0)))  # every column reads the first, which one of them overwrites
    with pytest.raises(KernelError, match="another overwrites"):
        simulate(Kernel("k", (3, 5), (Store(whole(x), row),), 1), memory)


def test_what_is_refused() -> None:
    x, y, table = buffer(3, 5), buffer(3, 5), buffer(3, 5, role="table")
    memory = Memory({x: X, table: X})

    def run(access: Access, value: Scalar, space: tuple[int, ...] = (3, 5)) -> None:
        simulate(Kernel("k", space, (Store(access, value),), 1), memory)

    with pytest.raises(KernelError, match="never written"):
        run(whole(x), load(whole(y)))
    with pytest.raises(KernelError, match="never written"):
        run(whole(y), load(whole(x)), (3, 6))  # padding
    with pytest.raises(KernelError, match="outside"):
        run(whole(y), load(Access(x, (16, 1), 16)))
    with pytest.raises(KernelError, match="only read"):
        run(whole(table), load(whole(x)))
    with pytest.raises(KernelError, match="written twice"):
        run(Access(y, (0, 1)), load(whole(x)))
    with pytest.raises(KernelError, match="on the lanes"):
        run(Access(y, (1, 16)), load(whole(x)), (3, 3))
    with pytest.raises(KernelError, match="more strides"):
        run(whole(y), load(Access(x, (16, 1, 0))))
    with pytest.raises(KernelError, match="holds float32"):
        run(whole(y), load(whole(x)).cast(float64))


@pytest.mark.parametrize(("combine", "expected"), [("sum", 0.0), ("all", True), ("any", False)])
def test_folds_of_nothing(combine: str, expected: float) -> None:
    dtype = float32 if combine == "sum" else bool_
    y = buffer(dtype=dtype)
    folds = Folds((0,), (Folded(combine, number(1, dtype)),))  # pyright: ignore[reportArgumentType]
    memory = Memory()
    store = Store(Access(y, ()), Scalar("result", (), dtype, 0))
    assert simulate(Kernel("k", (), (store,), 0, folds), memory) == 0
    assert memory.get(y) == expected


def test_random_words_additions_running_sums_and_finiteness() -> None:
    key, step, bits = buffer(2, dtype=uint32), buffer(dtype=uint32), buffer(2, 6, dtype=uint32)
    memory = Memory({key: [7, 8], step: 9})
    draw = Draw("d", Access(key, ()), Access(step, ()), 3, whole(bits), 2, 6)
    assert simulate(draw, memory) == 0
    assert memory.get(bits)[1, 5] == philox4x32((1, 1, 9, 3), (7, 8))[1]

    updates, rows, total = buffer(3, 5), buffer(3, dtype=int64), buffer(4, 5)
    memory.put(updates, X)
    memory.put(rows, [1, 3, 1])
    scattered = Scattered(
        "s",
        (1, 3, 5),
        4,
        Access(updates, (0, 16, 1)),
        Access(rows, (1,)),
        Access(total, (0, 16, 1)),
    )
    assert simulate(scattered, memory) == 0
    np.testing.assert_array_equal(memory.get(total), [0 * X[0], X[0] + X[2], 0 * X[0], X[1]])

    assert simulate(Finite("f", updates), memory) == 0
    scanned = Scanned("c", (3, 5, 1), Access(updates, (16, 1, 0)), Access(updates, (16, 1, 0)))
    assert simulate(scanned, memory) == 0
    np.testing.assert_array_equal(memory.get(updates), np.cumsum(X, 1))
    memory.put(updates, np.where(X == 0, np.inf, X))
    assert simulate(Finite("f", updates), memory) == 1
