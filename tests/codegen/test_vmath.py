"""Vector mathematics, held against the C library in a wider type, in units in the last place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy import special as special_functions

from codegen.native import run_elementwise, widths
from steepest.codegen.vmath import EXPANSIONS
from steepest.ir.scalar import Scalar, argument, call, evaluate
from steepest.ir.types import Array, DType, float32, float64

Function = Callable[..., Array]
LIMITS = {float32: 2.5, float64: 4.0}
# Where multiply_add is rounded twice the last digits may suffer more.
WITHOUT_FUSION = {float32: 3.5, float64: 5.0}
SAMPLE = {float32: 1 << 20, float64: 1 << 17}
SEED = 2027

Interval = tuple[float, float]
WHERE_IT_MATTERS: Mapping[str, tuple[Interval, ...]] = {
    "exp": ((-1, 1), (-88, 89), (-104, -86), (-709, -707), (-746, -700), (700, 710)),
    "expm1": ((-1e-3, 1e-3), (-1, 1), (-40, 20), (88, 89), (700, 710)),
    "log": ((0.5, 2), (0.99, 1.01), (0, 1e-300), (0, 1e-38), (1, 1e30)),
    "log1p": ((-1e-3, 1e-3), (-1, 1), (-1, -0.99), (1, 100), (1, 1e18)),
    "sin": ((-4, 4), (-1e-3, 1e-3), (-33000, 33000), (-1.1e6, 1.1e6), (1e9, 1e15)),
    "cos": ((-4, 4), (-1e-3, 1e-3), (-33000, 33000), (-1.1e6, 1.1e6), (1e9, 1e15)),
    "tanh": ((-0.3, 0.3), (-2, 2), (-20, 20)),
    "sigmoid": ((-2, 2), (-20, 40), (-104, -86), (-709, -707), (-746, -700)),
    "erf": ((-1, 1), (-1e-3, 1e-3), (0.99, 1.1), (-6, 6)),
    "call:log2": ((0.5, 2), (0.99, 1.01), (0, 1e-38), (1, 1e30)),
    "call:log10": ((0.5, 2), (0.99, 1.01), (0, 1e-38), (1, 1e30)),
    "call:tan": ((-4, 4), (-1e-3, 1e-3), (-33000, 33000), (-1.1e6, 1.1e6), (1e9, 1e15)),
    "call:sinh": ((-1, 1), (-3, 3), (88, 90), (709, 711)),
    "call:cosh": ((-1, 1), (-3, 3), (88, 90), (709, 711)),
    "call:asin": ((-1, 1), (-0.1, 0.1), (0.5, 0.6), (0.999, 1)),
    "call:acos": ((-1, 1), (-0.1, 0.1), (0.5, 0.6), (0.999, 1), (-0.6, -0.5)),
    "call:atan": ((-1, 1), (0.4, 0.43), (1, 3), (2.3, 2.5), (-100, 100)),
}
# Functions of angles, whose remainder after whole quarters of a turn needs many digits of π.
OF_ANGLES = ("sin", "cos", "call:tan")


# ------------------------------------------------------------------------------ the reference


def sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def erf(x: Array) -> Array:
    """2/√π · e^−x² · Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 · … · (2n + 1)), whose terms have one sign."""
    if x.dtype == np.float64:
        return special_functions.erf(x)
    near = np.clip(x, -7, 7)
    term = total = near * np.exp(-near * near) * 2 / np.sqrt(np.arctan(np.longdouble(1)) * 4)
    for n in range(1, 160):
        term = term * (2 * near * near / (2 * n + 1))
        total = total + term
    return total


REFERENCE: dict[str, Function] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "erf": erf,
    "call:log2": np.log2,
    "call:log10": np.log10,
    "call:tan": np.tan,
    "call:sinh": np.sinh,
    "call:cosh": np.cosh,
    "call:asin": np.arcsin,
    "call:acos": np.arccos,
    "call:atan": np.arctan,
}
OF_TWO: dict[str, Function] = {"power": np.power, "call:atan2": np.arctan2}


def wide(dtype: DType) -> type[np.floating]:
    return np.float64 if dtype == float32 else np.longdouble


def test_the_reference_of_float64_is_wider() -> None:
    assert np.finfo(np.longdouble).nmant >= 63, "these tests need a wider type than float64"


def units(found: Array, reference: Array) -> Array:
    """|found − reference| in units in the last place; infinite where a NaN or ∞ is misplaced."""
    kind = np.finfo(found.dtype)
    with np.errstate(all="ignore"):
        exponent = np.frexp(np.abs(reference))[1] - 1
        unit = np.ldexp(np.ones_like(reference), np.maximum(exponent, kind.minexp) - kind.nmant)
        error = np.abs(found.astype(reference.dtype) - reference) / unit
        same = (found == reference.astype(found.dtype)) | (np.isnan(found) & np.isnan(reference))
        error = np.where(same & ~(error < np.inf), 0, error)
    return np.where(np.isnan(error), np.inf, error)


def check(name: str, found: Array, reference: Array, limit: float, *inputs: Array) -> None:
    error = units(found, reference)
    worst = int(np.argmax(error))
    at = [each[worst] for each in inputs]
    assert error[worst] <= limit, f"{name}{at} is {reference[worst]}, not {found[worst]!r}"
    numbers = ~np.isnan(found)
    signs = np.signbit(found) != np.signbit(reference)
    wrong = np.flatnonzero(numbers & signs)
    assert not wrong.size, f"{name}: sign at {[each[wrong[0]] for each in inputs]}"


def same_bits(*found: Array) -> None:
    for one, other in itertools.pairwise(found):
        natural = np.dtype(f"u{one.dtype.itemsize}")
        np.testing.assert_array_equal(one.view(natural), other.view(natural), strict=True)


def limit_of(dtype: DType, lanes: int) -> float:
    return (WITHOUT_FUSION if lanes == 4 else LIMITS)[dtype]


# --------------------------------------------------------------------------------- the numbers


def special(dtype: DType) -> Array:
    kind = np.finfo(dtype)
    sizes = [0.0, np.inf, kind.smallest_subnormal, kind.smallest_normal, kind.max, 1.0, 0.5, 2.0]
    sizes += [kind.smallest_normal * 0.75, 3 * kind.smallest_subnormal, np.pi, np.sqrt(0.5), 1e5]
    return np.array([*sizes, *(-size for size in sizes), np.nan], dtype)


def every_size(dtype: DType, count: int, rng: np.random.Generator) -> Array:
    """One random number out of each of ``count`` equal stretches of the bit patterns."""
    natural = np.dtype(f"u{dtype.itemsize}")
    stretch = (1 << (8 * dtype.itemsize)) // count
    patterns = np.arange(count, dtype=natural) * natural.type(stretch)
    return (patterns + rng.integers(0, stretch, count, dtype=natural)).view(dtype)


def points(name: str, dtype: DType, rng: np.random.Generator) -> Array:
    count = SAMPLE[dtype]
    parts = [special(dtype), every_size(dtype, count, rng)]
    for low, high in WHERE_IT_MATTERS[name]:
        parts.append(rng.uniform(low, high, count // 8).astype(dtype))
    if name in OF_ANGLES:  # where only the last digits of π/2 decide
        multiples = rng.integers(0, 20_000 if dtype == float32 else 600_000, count // 8)
        parts.append((multiples * (np.pi / 2)).astype(dtype))
    return np.concatenate(parts)


def expression(name: str, dtype: DType, arguments: int = 1) -> Scalar:
    given = [argument(position, dtype) for position in range(arguments)]
    if name.startswith("call:"):
        return call(name.removeprefix("call:"), *given)
    return Scalar(name, tuple(given), dtype)


# ------------------------------------------------------------------------------------ the tests


def test_every_expansion_is_tested() -> None:
    assert set(EXPANSIONS) == {*REFERENCE, *OF_TWO}


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("name", REFERENCE)
def test_a_function_is_right_to_the_last_digits(name: str, dtype: DType) -> None:
    x = points(name, dtype, np.random.default_rng(SEED))
    root = expression(name, dtype)
    with np.errstate(all="ignore"):
        reference = REFERENCE[name](x.astype(wide(dtype)))
    fused = [run_elementwise(root, lanes, x) for lanes in widths() if lanes > 4]
    same_bits(*fused)
    for found in fused[:1]:
        check(name, found, reference, LIMITS[dtype], x)
    x, reference = x[::4], reference[::4]
    found = run_elementwise(root, 4, x)
    if dtype == float32 and name in OF_ANGLES:
        # Without fused multiply-add the remainder r is known to 2⁻²⁸, not to a share of r.
        slope = 1 + reference**2 if name == "call:tan" else 1
        near = np.abs(found - reference) < slope * 2.0**-28
        found = np.where(near, reference.astype(dtype), found)
    check(name, found, reference, WITHOUT_FUSION[dtype], x)


def bases_and_exponents(dtype: DType, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pairs whose power is a number of the type, some near its ends, and special ones."""
    count = 1 << 17
    kind = np.finfo(dtype)
    low, high = kind.minexp - kind.nmant - 2, kind.maxexp + 1
    sizes = np.exp2(rng.uniform(low, high, count))
    near_one = 1 + rng.normal(size=count) * 0.01
    usual = rng.normal(size=2 * count) * 3
    bases = np.concatenate([sizes, near_one, usual, usual]).astype(dtype)
    logarithms = np.log2(np.abs(bases[: 2 * count].astype(np.float64)))
    logarithms[logarithms == 0] = 1
    exponents = np.concatenate(
        [
            rng.uniform(low, high, 2 * count) / logarithms,
            rng.normal(size=2 * count) * 3,
            rng.integers(-4, 5, 2 * count) / 2,
        ]
    ).astype(dtype)
    edges = [*special(dtype), 3, -3, 2.5, 2.0**24 + 2, 2.0**53, 2.0**53 + 2, -(3.0**15)]
    x, y = np.meshgrid(np.array(edges, dtype), np.array(edges, dtype))
    return np.concatenate([bases, x.ravel()]), np.concatenate([exponents, y.ravel()])


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_a_power_is_right_to_the_last_digits(dtype: DType) -> None:
    with np.errstate(all="ignore"):
        x, y = bases_and_exponents(dtype, np.random.default_rng(SEED))
        reference = np.power(x.astype(wide(dtype)), y.astype(wide(dtype)))
    results = {
        lanes: run_elementwise(expression("power", dtype, 2), lanes, x, y) for lanes in widths()
    }
    for lanes, found in results.items():
        check("power", found, reference, limit_of(dtype, lanes), x, y)
    same_bits(*(results[lanes] for lanes in widths() if lanes > 4))


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_an_angle_of_a_point_is_right_to_the_last_digits(dtype: DType) -> None:
    rng = np.random.default_rng(SEED)
    count = 1 << 16
    y, x = (
        np.concatenate([rng.normal(size=count).astype(dtype), every_size(dtype, count, rng)])
        for _ in range(2)
    )
    rng.shuffle(x[count:])
    edges = np.meshgrid(special(dtype), special(dtype))
    y, x = (np.concatenate([a, b.ravel()]) for a, b in zip((y, x), edges, strict=True))
    with np.errstate(all="ignore"):
        reference = np.arctan2(y.astype(wide(dtype)), x.astype(wide(dtype)))
    results = {
        lanes: run_elementwise(expression("call:atan2", dtype, 2), lanes, y, x)
        for lanes in widths()
    }
    for lanes, found in results.items():
        check("atan2", found, reference, limit_of(dtype, lanes), y, x)


EXACT = [
    ("exp", 0.0, 1.0),
    ("exp", -np.inf, 0.0),
    ("expm1", -np.inf, -1.0),
    ("log", 1.0, 0.0),
    ("tanh", 400.0, 1.0),
    ("tanh", -np.inf, -1.0),
    ("erf", 10.0, 1.0),
    ("sigmoid", 0.0, 0.5),
    ("sigmoid", 100.0, 1.0),
    ("cos", 0.0, 1.0),
    ("call:log2", 0.125, -3.0),
    ("call:log10", 1000.0, 3.0),
    ("call:acos", 1.0, 0.0),
    ("call:cosh", 0.0, 1.0),
]


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("lanes", widths())
def test_values_that_are_known_exactly(lanes: int, dtype: DType) -> None:
    for name, x, y in EXACT:
        found = run_elementwise(expression(name, dtype), lanes, np.array([x], dtype))
        assert found[0] == dtype.type(y), f"{name}({x})"


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_what_lies_between_bounds_stays_there(dtype: DType) -> None:
    x = every_size(dtype, 1 << 16, np.random.default_rng(SEED))
    x = x[~np.isnan(x)]
    for name, least in [("tanh", -1), ("erf", -1), ("sigmoid", 0), ("sin", -1), ("cos", -1)]:
        found = run_elementwise(expression(name, dtype), widths()[0], x)
        inside = (found >= least) & (found <= 1) | np.isinf(x)
        assert inside.all(), f"{name} at {x[~inside][:3]}"


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_formulas_also_hold_in_numpy(dtype: DType) -> None:
    """The formulas need no compiler, and no fused multiply-add."""
    rng = np.random.default_rng(SEED)
    for name, expand in EXPANSIONS.items():
        count = 2 if name in OF_TWO else 1
        given = [rng.uniform(0.1, 0.9, 1000).astype(dtype) for _ in range(count)]
        arguments = [argument(position, dtype) for position in range(count)]
        found = evaluate(expand(*arguments), *given)
        reference = (OF_TWO | REFERENCE)[name](*(each.astype(wide(dtype)) for each in given))
        check(name, found, reference, WITHOUT_FUSION[dtype], *given)
