"""Each instruction of the scalar language does in machine code what it does in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import DTypeLike

from codegen.native import TARGETS, Native, aligned, flat, run_elementwise, widths
from steepest.codegen.elementwise import elementwise
from steepest.codegen.expressions import constant, expanded
from steepest.ir import scalar as language
from steepest.ir.scalar import INSTRUCTIONS, Scalar, argument, call, evaluate, number, select
from steepest.ir.types import (
    DTYPES,
    Array,
    DType,
    bool_,
    float32,
    float64,
    int8,
    int32,
    int64,
    is_floating,
    uint8,
    uint64,
)

FLOATS = [float32, float64]
INTEGERS = [dtype for dtype in DTYPES if dtype.kind in "iu"]
ALL = list(DTYPES)
BITS = [*INTEGERS, bool_]

_ARITHMETIC = ("add", "subtract", "multiply")
_OF_FLOATS = ("sqrt", "floor", "ceil", "trunc", "round_even")
_LOGIC = ("and", "or", "xor")
_COMPARISONS = ("equal", "not_equal", "less", "less_equal")
_SHIFTS = ("shift_left", "shift_right")

# instruction → (operands, element types)
TABLE: dict[str, tuple[int, list[DType]]] = {
    **{name: (2, [*FLOATS, *INTEGERS]) for name in _ARITHMETIC},
    **dict.fromkeys(_OF_FLOATS, (1, FLOATS)),
    **dict.fromkeys(_LOGIC, (2, BITS)),
    **dict.fromkeys(_COMPARISONS, (2, ALL)),
    **dict.fromkeys(("divide", "copysign"), (2, FLOATS)),
    **dict.fromkeys(("quotient", *_SHIFTS), (2, INTEGERS)),
    "negate": (1, [*FLOATS, *INTEGERS]),
    "absolute": (1, [*FLOATS, *INTEGERS]),
    "invert": (1, BITS),
    "multiply_add": (3, [*INTEGERS]),
}
ROWS = [(name, dtype) for name, (_, dtypes) in TABLE.items() for dtype in dtypes]


def pairs_of(values: Array) -> tuple[Array, Array]:
    """Each with each."""
    a, b = np.meshgrid(values, values)
    return a.ravel(), b.ravel()


def interesting(dtype: DType) -> Array:
    """Numbers at which formulas go wrong."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind == "f":
        info = np.finfo(dtype)
        some = [0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 7.0, 1e9, 2.1e9, 1e15, np.inf, np.nan]
        some += [float(info.max), float(info.tiny), float(info.smallest_subnormal)]
        return np.array([*some, *(-each for each in some)], dtype)
    limits = np.iinfo(dtype)
    near = [0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100]
    near += [int(limits.max), int(limits.max) - 1, int(limits.min), int(limits.min) // 2]
    near += [-each for each in (1, 2, 9, 100)] if dtype.kind == "i" else []
    return np.array([each for each in near if limits.min <= each <= limits.max], dtype)


def judge(root: Scalar, lanes: int, *given: Array) -> None:
    found = run_elementwise(root, lanes, *given)
    wanted = evaluate(root, *given)
    np.testing.assert_array_equal(found, wanted)
    if is_floating(root.dtype):
        numbers = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(wanted)[numbers])


def applied(name: str, *inputs: Scalar) -> Scalar:
    return Scalar(name, inputs, bool_ if name in _COMPARISONS else inputs[0].dtype)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize(("name", "dtype"), ROWS, ids=str)
def test_instructions(name: str, dtype: DType, lanes: int) -> None:
    count = TABLE[name][0]
    a, b = pairs_of(interesting(dtype))
    given = (a, b, b[::-1].copy())[:count]
    if name in _SHIFTS:
        b %= np.array(8 * dtype.itemsize, dtype)
    judge(applied(name, *(argument(i, dtype) for i in range(count))), lanes, *given)


def test_the_table_has_every_instruction() -> None:
    elsewhere = {"multiply_add", "select", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh"}
    elsewhere |= {"sigmoid", "erf", "power"}
    assert set(TABLE) | elsewhere == set(INSTRUCTIONS)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", [int8, int32, int64, uint8, uint64], ids=str)
def test_a_shift_by_the_width_or_more_moves_everything_out(dtype: DType, lanes: int) -> None:
    bits = 8 * dtype.itemsize
    values, amounts = pairs_of(np.array([0, 1, bits - 1, bits, bits + 1, 100], dtype))
    if dtype.kind == "i":
        values = -values
        amounts = np.where(amounts == 100, -1, amounts).astype(dtype)  # no shift the other way
    x, n = argument(0, dtype), argument(1, dtype)
    out = (amounts >= bits) | (amounts < 0)
    inside = np.where(out, 0, amounts).astype(dtype)
    left = np.where(out, 0, values << inside)
    right = np.where(out, np.where(values < 0, -1, 0) if dtype.kind == "i" else 0, values >> inside)
    np.testing.assert_array_equal(run_elementwise(x << n, lanes, values, amounts), left)
    np.testing.assert_array_equal(run_elementwise(x >> n, lanes, values, amounts), right)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_constants_as_the_second_operand(dtype: DType, lanes: int) -> None:
    values = interesting(dtype)
    x = argument(0, dtype)
    for divisor in (0, 1, 3, *([-1, -7] if dtype.kind == "i" else [])):
        judge(language.quotient(x, divisor), lanes, values)
    for amount in (0, 3, 8 * dtype.itemsize - 1):
        judge(x << amount, lanes, values)
        judge(x >> amount, lanes, values)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("source", ALL, ids=str)
def test_casts(source: DType, lanes: int) -> None:
    for dtype in ALL:
        values = interesting(source)
        if source.kind == "f" and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = values[np.isfinite(values)]
            inside = (values >= limits.min) & (values < float(limits.max))
            values = values[inside]
        judge(argument(0, source).cast(dtype), lanes, values)


@pytest.mark.parametrize("lanes", widths())
def test_the_same_bits_as_another_type(lanes: int) -> None:
    for source, dtype in ((float32, int32), (float64, int64)):
        there = argument(0, source).bits(dtype)
        judge(there, lanes, interesting(source))
        judge((there ^ 1).bits(source), lanes, np.array([1.5, -2.0], source))


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_select(dtype: DType, lanes: int) -> None:
    a, b = pairs_of(interesting(dtype))
    condition = np.arange(len(a)) % 3 == 0
    root = select(argument(0, bool_), argument(1, dtype), argument(2, dtype))
    judge(root, lanes, condition, a, b)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_multiply_add_is_rounded_once_where_the_machine_can(dtype: DType, lanes: int) -> None:
    x = np.array([1 + np.finfo(dtype).eps] * 3, dtype)
    root = language.multiply_add(*(argument(i, dtype) for i in range(3)))
    found = run_elementwise(root, lanes, x, x, -(x * x))
    exact = float(np.finfo(dtype).eps) ** 2 if lanes > 4 else 0.0
    np.testing.assert_array_equal(found, np.array([exact] * 3, dtype))


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_functions_of_the_c_library(dtype: DType, lanes: int) -> None:
    given = np.linspace(0.1, 0.9, 21).astype(dtype)
    rounded = 1e-6 if dtype == float32 else 1e-14
    for name, count in (("atanh", 1), ("hypot", 2), ("nextafter", 2), ("fmod", 2)):
        root = call(name, *(argument(i, dtype) for i in range(count)))
        operands = (given, given[::-1].copy())[:count]
        found = run_elementwise(root, lanes, *operands)
        np.testing.assert_allclose(found, evaluate(root, *operands), rtol=rounded)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_constants_are_exact(dtype: DType, lanes: int) -> None:
    values = interesting(dtype)
    for value in values if lanes == widths()[0] else values[-2:]:  # the text is nearly the same
        root = select(argument(0, bool_), number(value, dtype), number(0, dtype))
        judge(root, lanes, np.array([True, False]))


def test_numbers_that_look_alike() -> None:
    zeros = [number(zero, float32) for zero in (0.0, -0.0)]
    shared = expanded([zeros[0] + zeros[1], number(0.0, float32)])
    assert shared[0].inputs[0] is shared[1]
    assert shared[0].inputs[1] is not shared[1]
    assert constant(-0.0, float32).text == "0x8000000000000000"


def test_equal_parts_are_computed_once() -> None:
    def product() -> Scalar:
        return argument(0, float32) * argument(1, float32)

    root = product() + product()
    buffers = tuple(flat(name, 16, float32) for name in "xy")
    body = elementwise(root, TARGETS[16], buffers, flat("z", 16, float32)).body
    assert body.count("fmul") == 1


@pytest.mark.parametrize("lanes", widths())
def test_division_by_what_padding_holds_does_not_trap(lanes: int) -> None:
    x, y, z = (flat(name, 16, int32) for name in "xyz")
    root = language.quotient(argument(0, int32), argument(1, int32))
    lowest = np.iinfo(np.int32).min
    memory = {
        x: aligned(np.full(16, lowest, np.int32)),
        y: aligned(np.array([0, -1] * 8, np.int32)),
        z: aligned(np.ones(16, np.int32)),
    }
    assert Native(elementwise(root, TARGETS[lanes], (x, y), z), lanes)(memory) == 0
    assert memory[z].tolist() == [0, lowest] * 8


@pytest.mark.parametrize("divisor", [0, -1])
def test_no_division_whose_result_is_open(divisor: int) -> None:
    x, z = (flat(name, 16, int32) for name in "xz")
    root = language.quotient(argument(0, int32), divisor)
    body = elementwise(root, TARGETS[16], (x,), z).body
    (division,) = [line for line in body.splitlines() if "sdiv" in line]
    assert "splat" not in division


_CALLS: list[tuple[Callable[[Scalar], Scalar], DTypeLike]] = [
    (language.floor, int32),
    (language.round_even, uint8),
]


@pytest.mark.parametrize(("function", "dtype"), _CALLS)
def test_integers_are_whole(function: Callable[[Scalar], Scalar], dtype: DTypeLike) -> None:
    values = interesting(np.dtype(dtype))
    root = function(argument(0, np.dtype(dtype)))
    np.testing.assert_array_equal(run_elementwise(root, widths()[0], values), values)
