"""Which element type a combination has: the array API standard's tables, written out."""

from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError, ShapeError
from steepest.ir.types import DTYPES, is_floating, promote

NAMES = [str(dtype) for dtype in DTYPES]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]

# The standard's table of mixed signs; its tables of one sign are "the wider one".
MIXED = {
    "uint8": ["int16", "int16", "int32", "int64"],
    "uint16": ["int32", "int32", "int32", "int64"],
    "uint32": ["int64", "int64", "int64", "int64"],
}


def expected(first: str, second: str) -> str | None:
    """The common type, or None where there is none."""
    if first == second:
        return first
    for a, b in ((first, second), (second, first)):
        if a.startswith("float"):
            return max(first, second) if b.startswith("float") else a
        if a == "bool":  # beyond the standard: a truth value counts as 0 or 1
            return b
        if a in SIGNED and b in SIGNED:
            return SIGNED[max(SIGNED.index(a), SIGNED.index(b))]
        if a in UNSIGNED and b in UNSIGNED:
            return UNSIGNED[max(UNSIGNED.index(a), UNSIGNED.index(b))]
        if a in MIXED and b in SIGNED:
            return MIXED[a][SIGNED.index(b)]
    return None


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_two_types(first: str, second: str) -> None:
    wanted = expected(first, second)
    x, y = st.ones((2,), dtype=first), st.ones((2,), dtype=second)
    if wanted is None:
        with pytest.raises(DTypeError, match=r"no common integer type; use \.astype"):
            x == y  # noqa: B015  # pyright: ignore
        return
    assert str(promote(x.dtype, y.dtype)) == wanted
    assert str(st.where(x == y, x, y).dtype) == wanted
    if wanted != "bool":
        assert str((x + y).dtype) == wanted
    assert str(st.concat([x, y]).dtype) == wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("number", "kind"), [(True, "bool"), (1, "int"), (1.5, "float")], ids=["bool", "int", "float"]
)
def test_a_type_and_a_number(name: str, number: Any, kind: str) -> None:
    """A Python number takes the Tensor's type, where the Tensor's kind can hold it."""
    x = st.zeros((2,), dtype=name)
    result = st.maximum(x, number) if name != "bool" or kind != "bool" else x == number
    if kind == "float" and not is_floating(x.dtype):
        assert result.dtype == st.float32
    elif kind == "int" and name == "bool":
        assert result.dtype == st.int64
    else:
        assert str(result.dtype) == name


def test_numbers_that_do_not_fit_are_refused() -> None:
    x = st.zeros((2,), dtype=st.uint8)
    for number in (-1, 256):
        with pytest.raises(
            DTypeError, match=rf"add\(uint8\[2\], {number}\): {number} does not fit"
        ):
            x + number  # pyright: ignore
    assert (x + 255).tolist() == [255, 255]
    assert (st.zeros((1,), dtype=st.int8) + -128).tolist() == [-128]


def test_an_array_of_no_axes_has_a_type_of_its_own() -> None:
    x = st.ones((2,), dtype=st.float32)
    assert (x * np.float64(2)).dtype == st.float32, "a number of Python, though NumPy made it"
    assert (x * np.array(2.0)).dtype == st.float64
    assert (x * st.tensor(2.0, dtype=st.float64)).dtype == st.float64


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ((2, 3), (3,), (2, 3)),
        ((2, 1), (1, 3), (2, 3)),
        ((), (2, 0), (2, 0)),
        ((1,), (0,), (0,)),
        ((4, 1, 2), (3, 1), (4, 3, 2)),
    ],
)
def test_shapes_stretch(
    left: tuple[int, ...], right: tuple[int, ...], result: tuple[int, ...]
) -> None:
    assert (st.ones(left) + st.ones(right)).shape == result
    by_left, by_right = st.grad(lambda x, y: st.sum(x * y), (0, 1))(st.ones(left), st.ones(right))
    size = float(np.prod(result))
    np.testing.assert_array_equal(by_left.numpy(), np.full(left, size / max(np.prod(left), 1)))
    np.testing.assert_array_equal(by_right.numpy(), np.full(right, size / max(np.prod(right), 1)))


def test_shapes_that_do_not_stretch() -> None:
    with pytest.raises(ShapeError) as caught:
        _ = st.ones((2, 3)) * st.ones((2,))
    assert str(caught.value) == (
        "multiply(float32[2, 3], float32[2]): shapes (2, 3) and (2,) do not broadcast: from the "
        "right, extents must be equal or 1\n"
        f"  at line {caught.traceback[0].lineno + 1} of test_promotion.py: "
        "_ = st.ones((2, 3)) * st.ones((2,))"
    )
