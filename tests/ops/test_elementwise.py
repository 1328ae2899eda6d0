"""The elementwise ops against Python's own arithmetic, math and SciPy, and at their corners."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import steepest as st
from steepest.errors import DTypeError
from steepest.ops import elementwise
from steepest.ops.composite import clip, norm, softplus
from steepest.tensor.tensor import Tensor

GRID = [-3.7, -2.0, -1.5, -0.9, -0.5, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.3, 0.5, 0.9, 1.0, 2.5, 7.3]
POSITIVE = [1e-9, 1e-3, 0.3, 0.5, 1.0, 1.5, 2.0, 7.3, 1e5]
UNIT = [-0.99, -0.5, -1e-6, 0.0, 1e-6, 0.3, 0.7, 0.999]

UNARY: dict[str, tuple[Callable[[float], Any], list[float]]] = {
    "abs": (operator.abs, GRID),
    "acos": (math.acos, UNIT),
    "acosh": (math.acosh, [1.0, 1.001, 1.5, 20.0]),
    "asin": (math.asin, UNIT),
    "asinh": (math.asinh, GRID),
    "atan": (math.atan, GRID),
    "atanh": (math.atanh, UNIT),
    "ceil": (math.ceil, GRID),
    "cos": (math.cos, GRID),
    "cosh": (math.cosh, GRID),
    "erf": (scipy.special.erf, GRID),
    "exp": (math.exp, GRID),
    "expm1": (math.expm1, GRID),
    "floor": (math.floor, GRID),
    "identity": (lambda x: x, GRID),
    "isfinite": (math.isfinite, [*GRID, math.nan, math.inf, -math.inf]),
    "isinf": (math.isinf, [*GRID, math.nan, math.inf, -math.inf]),
    "isnan": (math.isnan, [*GRID, math.nan, math.inf, -math.inf]),
    "log": (math.log, POSITIVE),
    "log10": (math.log10, POSITIVE),
    "log1p": (math.log1p, [*POSITIVE, -0.5, -1e-9]),
    "log2": (math.log2, POSITIVE),
    "negative": (operator.neg, GRID),
    "reciprocal": (lambda x: 1 / x, POSITIVE),
    "relu": (lambda x: max(x, 0.0), GRID),
    "round": (round, [*GRID, 3.5, 4.5, -0.5]),
    "sigmoid": (scipy.special.expit, [*GRID, -1e4, 1e4, -80.0, 80.0]),
    "sign": (lambda x: (x > 0) - (x < 0), GRID),
    "signbit": (lambda x: math.copysign(1, x) < 0, [*GRID, -0.0, math.inf]),
    "sin": (math.sin, GRID),
    "sinh": (math.sinh, GRID),
    "sqrt": (math.sqrt, POSITIVE),
    "square": (lambda x: x * x, GRID),
    "stop_gradient": (lambda x: x, GRID),
    "tan": (math.tan, GRID),
    "tanh": (math.tanh, [*GRID, -50.0, 50.0]),
    "trunc": (math.trunc, GRID),
}

BINARY: dict[str, tuple[Callable[[float, float], Any], list[float], list[float]]] = {
    "add": (operator.add, GRID, GRID),
    "atan2": (math.atan2, GRID, GRID),
    "copysign": (math.copysign, GRID, [*GRID, -0.0]),
    "divide": (operator.truediv, GRID, POSITIVE),
    "equal": (operator.eq, GRID, GRID),
    "floor_divide": (operator.floordiv, GRID, [0.7, -1.3, 3.0]),
    "greater": (operator.gt, GRID, GRID),
    "greater_equal": (operator.ge, GRID, GRID),
    "hypot": (math.hypot, GRID, GRID),
    "less": (operator.lt, GRID, GRID),
    "less_equal": (operator.le, GRID, GRID),
    "logaddexp": (lambda x, y: scipy.special.logsumexp([x, y]), GRID, [*GRID, 500.0, -500.0]),
    "maximum": (max, GRID, GRID),
    "minimum": (min, GRID, GRID),
    "multiply": (operator.mul, GRID, GRID),
    "nextafter": (math.nextafter, GRID, GRID),
    "not_equal": (operator.ne, GRID, GRID),
    "pow": (math.pow, POSITIVE, [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0]),
    "remainder": (lambda x, y: x - y * math.floor(x / y), GRID, [0.7, -1.3, 3.0]),
    "subtract": (operator.sub, GRID, GRID),
}

BITS: dict[str, Callable[[int, int], int]] = {
    "bitwise_and": operator.and_,
    "bitwise_left_shift": operator.lshift,
    "bitwise_or": operator.or_,
    "bitwise_right_shift": operator.rshift,
    "bitwise_xor": operator.xor,
}
LOGIC: dict[str, Callable[[bool, bool], bool]] = {
    "logical_and": lambda x, y: x and y,
    "logical_or": lambda x, y: x or y,
    "logical_xor": lambda x, y: x != y,
}


def function(name: str) -> Callable[..., Tensor]:
    return getattr(st, name)


def test_every_elementwise_op_is_compared_here() -> None:
    compared = {*UNARY, *BINARY, *BITS, *LOGIC, "logical_not", "bitwise_invert", "where"}
    assert compared == set(elementwise.__all__)


@pytest.mark.parametrize("name", UNARY)
def test_of_one_number(name: str) -> None:
    of_one, points = UNARY[name]
    found = function(name)(st.tensor(points, dtype=st.float64)).numpy()
    np.testing.assert_allclose(found, [of_one(x) for x in points], rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("name", UNARY)
def test_of_one_number_in_float32(name: str) -> None:
    of_one, points = UNARY[name]
    single = [float(np.float32(x)) for x in points]
    found = function(name)(st.tensor(single, dtype=st.float32))
    expected = [of_one(x) for x in single]
    assert found.dtype in (st.float32, st.bool_)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", BINARY)
def test_of_two_numbers(name: str) -> None:
    of_two, left, right = BINARY[name]
    x = st.tensor([[a] for a in left], dtype=st.float64)
    y = st.tensor([right], dtype=st.float64)
    expected = [[of_two(a, b) for b in right] for a in left]
    np.testing.assert_allclose(function(name)(x, y).numpy(), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", BITS)
def test_of_bits(name: str) -> None:
    left, right = [-13, -1, 0, 1, 5, 1023], [0, 1, 2, 7]
    found = function(name)(st.tensor([[a] for a in left]), st.tensor([right]))
    assert found.tolist() == [[BITS[name](a, b) for b in right] for a in left]


@pytest.mark.parametrize("name", LOGIC)
def test_of_truth(name: str) -> None:
    x, y = [False, False, True, True], [False, True, False, True]
    expected = [LOGIC[name](a, b) for a, b in zip(x, y, strict=True)]
    assert function(name)(st.tensor(x), st.tensor(y)).tolist() == expected


def test_of_nothing_but_not() -> None:
    assert st.logical_not(st.tensor([True, False])).tolist() == [False, True]
    assert st.bitwise_invert(st.tensor([0, 5, -1])).tolist() == [-1, -6, 0]
    assert (~st.tensor([True, False])).tolist() == [False, True]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", [-4, 5, 12]),
        ("subtract", [-10, 9, 2]),
        ("multiply", [-21, -14, 35]),
        ("floor_divide", [-3, -4, 1]),
        ("remainder", [2, -1, 2]),
        ("maximum", [3, 7, 7]),
        ("minimum", [-7, -2, 5]),
    ],
)
def test_integers_stay_integers(name: str, expected: list[int]) -> None:
    found = function(name)(st.tensor([-7, 7, 7]), st.tensor([3, -2, 5]))
    assert found.dtype == st.int64
    assert found.tolist() == expected


def test_a_quotient_of_integers_is_a_float() -> None:
    found = st.tensor([1, 2]) / st.tensor([2, 4])
    assert found.dtype == st.float32
    assert found.tolist() == [0.5, 0.5]


def test_integers_to_negative_powers_are_refused() -> None:
    assert (st.tensor([2, 3]) ** 2).tolist() == [4, 9]
    with pytest.raises(DTypeError, match=r"pow\(int64\[1\], -1\): .*astype\(st.float32\)"):
        _ = st.tensor([2]) ** -1


OPERATORS: list[tuple[Callable[[Any, Any], Any], list[Any], list[Any]]] = [
    (operator.add, [5.0], [2.0]),
    (operator.sub, [5.0], [2.0]),
    (operator.mul, [5.0], [2.0]),
    (operator.truediv, [5.0], [2.0]),
    (operator.floordiv, [5.0], [2.0]),
    (operator.mod, [5.0], [2.0]),
    (operator.pow, [5.0], [2.0]),
    (operator.lt, [5.0], [2.0]),
    (operator.le, [5.0], [5.0]),
    (operator.gt, [5.0], [2.0]),
    (operator.ge, [5.0], [5.0]),
    (operator.eq, [5.0], [5.0]),
    (operator.ne, [5.0], [5.0]),
    (operator.and_, [5], [3]),
    (operator.or_, [5], [3]),
    (operator.xor, [5], [3]),
    (operator.lshift, [5], [3]),
    (operator.rshift, [50], [3]),
]


@pytest.mark.parametrize(("symbol", "left", "right"), OPERATORS)
def test_operators(symbol: Callable[[Any, Any], Any], left: list[Any], right: list[Any]) -> None:
    expected = [symbol(left[0], right[0])]
    x, y = st.tensor(left), st.tensor(right)
    assert symbol(x, y).tolist() == expected
    assert symbol(x, right[0]).tolist() == expected
    assert symbol(x, np.asarray(right, x.dtype)).tolist() == expected
    if symbol not in (operator.lshift, operator.rshift):
        assert symbol(left[0], y).tolist() == expected
        assert symbol(np.asarray(left, x.dtype), y).tolist() == expected


def test_signs_in_front() -> None:
    x = st.tensor([-1.0, 2.0])
    assert (-x).tolist() == [1.0, -2.0]
    assert (+x) is x
    assert abs(x).tolist() == [1.0, 2.0]


# -------------------------------------------------------------------------------------- corners


def test_not_a_number_is_not_hidden() -> None:
    x = st.tensor([math.nan])
    for each in (
        st.relu(x),
        st.maximum(x, 0.0),
        st.minimum(0.0, x),
        clip(x, 0.0, 1.0),
        st.sigmoid(x),
        st.sign(x),
        softplus(x),
        st.max(x),
        st.min(x),
    ):
        assert np.isnan(each.numpy()).all()
    assert st.where(x > 0.0, 1.0, 2.0).tolist() == [2.0]


def test_infinities_where_mathematics_has_them() -> None:
    assert st.log(st.tensor([0.0])).tolist() == [-math.inf]
    assert (st.tensor([1.0]) / 0.0).tolist() == [math.inf]
    assert np.isnan(st.sqrt(st.tensor([-1.0])).numpy()).all()
    assert st.logaddexp(st.tensor([-math.inf]), -math.inf).tolist() == [-math.inf]
    assert st.hypot(st.tensor([3e200], dtype=st.float64), 4e200).item() == pytest.approx(5e200)


def gradient_at(f: Callable[[Tensor], Tensor], *points: float) -> list[float]:
    x = st.tensor(list(points), dtype=st.float64)
    return st.grad(lambda x: st.sum(f(x)))(x).tolist()


def test_derivatives_at_kinks() -> None:
    assert gradient_at(st.abs, -1.0, 0.0, 1.0) == [-1.0, 0.0, 1.0]
    assert gradient_at(st.relu, -1.0, 0.0, 1.0) == [0.0, 0.0, 1.0]
    assert gradient_at(lambda x: st.maximum(x, 1.0), 0.0, 1.0, 2.0) == [0.0, 0.5, 1.0]
    assert gradient_at(lambda x: st.maximum(1.0, x), 0.0, 1.0, 2.0) == [0.0, 0.5, 1.0]
    assert gradient_at(lambda x: st.minimum(x, 1.0), 0.0, 1.0, 2.0) == [1.0, 0.5, 0.0]
    assert gradient_at(lambda x: st.minimum(1.0, x), 0.0, 1.0, 2.0) == [1.0, 0.5, 0.0]
    assert gradient_at(lambda x: clip(x, -1.0, 1.0), -2.0, 0.3, 2.0) == [0.0, 1.0, 0.0]
    assert gradient_at(norm, 0.0, 0.0) == [0.0, 0.0]
    assert gradient_at(norm, 3.0, 4.0) == pytest.approx([0.6, 0.8], rel=1e-15)


def test_both_sides_of_a_tie_share_the_gradient() -> None:
    by_both = st.grad(lambda x, y: st.sum(st.maximum(x, y)), (0, 1))
    x, y = by_both(st.tensor([1.0, 2.0, 3.0]), st.tensor([1.0, 5.0, 0.0]))
    assert x.tolist() == [0.5, 0.0, 1.0]
    assert y.tolist() == [0.5, 1.0, 0.0]


def test_derivatives_of_powers_at_zero() -> None:
    by_both = st.grad(lambda x, y: st.sum(st.pow(x, y)), (0, 1))
    x, y = by_both(st.tensor([0.0, 0.0, 2.0]), st.tensor([2.0, 3.0, 3.0]))
    assert x.tolist() == [0.0, 0.0, 12.0]
    assert y.tolist()[:2] == [0.0, 0.0]
    assert y.tolist()[2] == pytest.approx(8 * math.log(2))
    assert gradient_at(lambda x: x**2, -3.0) == [-6.0]
    assert gradient_at(lambda x: x**0, 0.0, 2.0) == [0.0, 0.0]
    assert gradient_at(lambda x: 2.0**x, 3.0) == pytest.approx([8 * math.log(2)])


@pytest.mark.parametrize(
    ("exponent", "derivatives"),
    [
        (0.0, [0.0, 0.0, 0.0]),
        (1.0, [1.0, 0.0, 0.0]),
        (2.0, [0.0, 2.0, 0.0]),
        (3.0, [0.0, 0.0, 6.0]),
    ],
)
@pytest.mark.parametrize("is_given", [True, False])
def test_higher_derivatives_of_powers_at_zero(
    exponent: float, derivatives: list[float], is_given: bool
) -> None:
    """Whether the exponent is a number of the function or one of its arguments."""
    y = exponent if is_given else st.tensor(exponent)
    found, power = [], lambda x: st.pow(x, y)
    for _ in derivatives:
        power = st.grad(power)
        found.append(power(st.tensor(0.0)).item())
        assert st.jit(power)(st.tensor(0.0)).item() == found[-1]
    assert found == derivatives


def test_powers_have_mixed_derivatives_at_exponent_zero() -> None:
    """∂²/∂x∂y x^y = x^(y − 1) (1 + y log x), which is 1/x at y = 0."""
    mixed = st.grad(st.grad(st.pow, 0), 1)
    assert mixed(st.tensor(2.0), st.tensor(0.0)).item() == 0.5


def test_the_branch_not_taken_passes_nothing() -> None:
    """Also where its own derivative is infinite."""
    safe = gradient_at(lambda x: st.where(x > 0.0, st.log(st.where(x > 0.0, x, 1.0)), x), 2.0, 0.0)
    assert safe == [0.5, 1.0]
    by_branches = st.grad(lambda x, y: st.sum(st.where(x > y, x, y)), (0, 1))
    x, y = by_branches(st.tensor([1.0, 4.0]), st.tensor([3.0, 2.0]))
    assert (x.tolist(), y.tolist()) == ([0.0, 1.0], [1.0, 0.0])


def test_where_of_numbers_and_broadcast() -> None:
    condition = st.tensor([[True], [False]])
    assert st.where(condition, 1.0, 2.0).tolist() == [[1.0], [2.0]]
    assert st.where(condition, st.arange(2), -1).tolist() == [[0, 1], [-1, -1]]
    assert st.where(condition, 1, st.tensor([0.5])).dtype == st.float32
    assert st.where(True, st.tensor([1.0]), st.tensor([2.0])).tolist() == [1.0]
    assert st.where(condition, 1, 2).dtype == st.int64
    with pytest.raises(DTypeError, match="takes booleans; compare with 0"):
        st.where(st.tensor([1.0]), st.tensor([1.0]), 2.0)


def test_stop_gradient_stops() -> None:
    assert gradient_at(lambda x: x * st.stop_gradient(x), 3.0) == [3.0]
    assert gradient_at(lambda x: st.identity(x) * x, 3.0) == [6.0]


def test_logistic_and_softplus_far_out() -> None:
    x = st.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=st.float64)
    np.testing.assert_allclose(softplus(x).numpy(), np.logaddexp(0, x.numpy()), rtol=1e-15)
    assert gradient_at(softplus, -1e4, 0.0, 1e4) == [0.0, 0.5, 1.0]
    assert gradient_at(st.sigmoid, -1e4, 0.0, 1e4) == [0.0, 0.25, 0.0]
    assert gradient_at(st.tanh, -1e4, 0.0, 1e4) == [0.0, 1.0, 0.0]
