"""Prints the polynomials of ``steepest.codegen.vmath``: near-best approximations.

Run it as ``python tools/coefficients.py [name ...]``. Each polynomial is fitted by least squares to
Chebyshev's points, which is within a fraction of a bit of the best. The coefficients are rounded
to the element type one after the other, lowest power first, and the others fitted again to what is
left. All arithmetic is decimal, in 60 digits.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, getcontext

getcontext().prec = 60
Number = Decimal
Function = Callable[[Decimal], Decimal]
ONE, TWO, HALF = Decimal(1), Decimal(2), Decimal("0.5")
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def rounded(value: Decimal, format: str) -> Decimal:
    """The nearest number of a binary format: ``f`` or ``d`` as in :mod:`struct`."""
    return Decimal(struct.unpack(format, struct.pack(format, float(value)))[0])


def solve(rows: list[list[Decimal]]) -> list[Decimal]:
    """The solution of linear equations, each given as its factors and then its right side."""
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column]
        for row in rows[column + 1 :]:
            factor = row[column] / head[column]
            for place in range(column, size + 1):
                row[place] -= factor * head[place]
    result = [Decimal(0)] * size
    for row in reversed(range(size)):
        known = sum(rows[row][k] * result[k] for k in range(row + 1, size))
        result[row] = (rows[row][size] - known) / rows[row][row]
    return result


def cosine(x: Decimal) -> Decimal:
    """The cosine by its series."""
    term, total, k = ONE, ONE, 0
    while abs(term) > Decimal("1e-58"):
        k += 2
        term *= -x * x / (k * (k - 1))
        total += term
    return total


def least_squares(
    values: Sequence[Decimal], columns: Sequence[Sequence[Decimal]], weights: Sequence[Decimal]
) -> list[Decimal]:
    """The factors of the columns whose sum is nearest to the values."""
    squares = [weight**2 for weight in weights]
    rows = [
        [sum(map(product, row, other, squares), Decimal(0)) for other in (*columns, values)]
        for row in columns
    ]
    return solve(rows)


def product(x: Decimal, y: Decimal, z: Decimal) -> Decimal:
    """The product of three numbers."""
    return x * y * z


@dataclass(frozen=True)
class Fit:
    """One polynomial: what it stands for, on which interval, with how many terms.

    Args:
        name: what it is for.
        formula: how the polynomial P is used.
        function: what P is near to.
        interval: where.
        terms: the number of coefficients in float32 and in float64; 0 for none.
        weight: of an error; it turns that into one relative to the result.
    """

    name: str
    formula: str
    function: Function
    interval: tuple[str, str]
    terms: tuple[int, int]
    weight: Function = lambda x: ONE

    def coefficients(self, terms: int, format: str) -> tuple[list[Decimal], Decimal]:
        """The rounded coefficients, lowest power first, and the largest weighted error."""
        low, high = map(Decimal, self.interval)
        count = 10 * (terms + 1)
        grid = [
            (low + high) / 2 + (low - high) / 2 * cosine(PI * (2 * k + 1) / (2 * count))
            for k in range(count)
        ]
        left, weights = [self.function(x) for x in grid], [self.weight(x) for x in grid]
        columns = [[x**power for x in grid] for power in range(terms)]
        result: list[Decimal] = []
        for place, column in enumerate(columns):
            head = rounded(least_squares(left, columns[place:], weights)[0], format)
            result.append(head)
            left = [value - head * x for value, x in zip(left, column, strict=True)]
        return result, max(abs(e * weight) for e, weight in zip(left, weights, strict=True))


def sine(x: Decimal) -> Decimal:
    """The sine by its series."""
    term, total, k = x, x, 1
    while abs(term) > Decimal("1e-58") * abs(x):
        k += 2
        term *= -x * x / (k * (k - 1))
        total += term
    return total


def error_function(x: Decimal) -> Decimal:
    """The error function by its series."""
    term, total, k = x, x, 0
    while abs(term) > Decimal("1e-58") * abs(total):
        k += 1
        term *= -x * x / k
        total += term / (2 * k + 1)
    return total * TWO / PI.sqrt()


def of_square(function: Function) -> Function:
    """A function of x as a function of z = x²."""
    return lambda z: function(z.sqrt())


def hyperbolic_tangent(x: Decimal) -> Decimal:
    """The hyperbolic tangent."""
    square = (2 * x).exp()
    return (square - 1) / (square + 1)


def arc_sine(x: Decimal) -> Decimal:
    """The arc sine by its series, for |x| ≤ ½."""
    power, total, k = x, x, 0
    while abs(power) > Decimal("1e-58") * abs(x):
        k += 1
        power *= x * x * (2 * k - 1) / (2 * k)
        total += power / (2 * k + 1)
    return total


def arc_tangent(x: Decimal) -> Decimal:
    """The arc tangent by its series, for |x| < 0.5."""
    power, total, k = x, x, 1
    while abs(power) > Decimal("1e-58") * abs(x):
        k += 2
        power *= -x * x
        total += power / k
    return total


def hyperbolic_sine(x: Decimal) -> Decimal:
    """The hyperbolic sine."""
    return (x.exp() - (-x).exp()) / 2


def logarithm_rest(base: int, format: str) -> Function:
    """What is left of log (1 + f) / f to a base beside the rounded 1 / log base."""
    scale = ONE / Decimal(base).ln()
    return lambda f: (1 + f).ln() * scale / f - rounded(scale, format)


SMALL_ANGLE = ("1e-9", "0.6173")
MANTISSA = ("-0.29290", "0.41422")
FITS = (
    Fit(
        "exponential",
        "e^r = 1 + r + r²·P(r)",
        lambda r: (r.exp() - 1 - r) / r**2,
        ("-0.347", "0.347"),
        (5, 10),
        abs,
    ),
    Fit(
        "power of two for float32",  # which is computed in float64
        "2^r = 1 + r·P(r)",
        lambda r: (TWO**r - 1) / r,
        ("-0.5001", "0.5001"),
        (0, 6),
        abs,
    ),
    Fit(
        "power of two for float64",
        "2^r = 1 + r·P(r)",
        lambda r: (TWO**r - 1) / r,
        ("-0.5001", "0.5001"),
        (0, 11),
        abs,
    ),
    Fit(
        "natural logarithm",
        "log (1 + f) = f − f²/2 + f³·P(f)",
        lambda f: ((1 + f).ln() - f + f**2 / 2) / f**3,
        MANTISSA,
        (8, 19),
        lambda f: f**3 / (1 + f).ln(),
    ),
    Fit(
        "logarithm of a power for float32",  # which is computed in float64
        "log₂ (1 + f) = f·P(f)",
        lambda f: (1 + f).ln() / TWO.ln() / f,
        MANTISSA,
        (0, 13),
    ),
    Fit(
        "logarithm of a power for float64",
        "3/2 · log ((1 + s) / (1 − s)) = s·(3 + s² + s⁴·P(s²))",
        of_square(lambda s: (((1 + s) / (1 - s)).ln() * 3 / 2 - 3 * s - s**3) / s**5),
        ("1e-9", "0.02945"),
        (0, 7),
        lambda z: z**2,
    ),
    *(
        Fit(
            f"logarithm to base {base}",
            "log (1 + f) = f·(1 / log base) + f·P(f), the factor rounded",
            logarithm_rest(base, format),
            MANTISSA,
            terms,
        )
        for base in (2, 10)
        for format, terms in [("f", (10, 0)), ("d", (0, 21))]
    ),
    Fit(
        "hyperbolic tangent",
        "tanh x = x + x³·P(x²)",
        of_square(lambda x: (hyperbolic_tangent(x) - x) / x**3),
        ("1e-9", "0.0729"),
        (3, 7),
        lambda z: z,
    ),
    Fit(
        "hyperbolic sine",
        "sinh x = x + x³·P(x²)",
        of_square(lambda x: (hyperbolic_sine(x) - x) / x**3),
        ("1e-9", "1.0"),
        (4, 7),
        of_square(lambda x: x**3 / hyperbolic_sine(x)),
    ),
    Fit(
        "small error function",
        "erf x = x + x·P(x²)",
        of_square(lambda x: error_function(x) / x - 1),
        ("1e-9", "1.0"),
        (7, 12),
        of_square(lambda x: x / error_function(x)),
    ),
    *(
        Fit(
            "large error function",
            "erf x = 1 − exp P(x)",
            lambda x: (1 - error_function(x)).ln(),
            ("1.0", end),
            terms,
            lambda x: (1 - error_function(x)) / error_function(x),
        )
        for end, terms in [("4.0", (7, 0)), ("6.0", (0, 17))]
    ),
    Fit(
        "sine",
        "sin r = r + r³·P(r²)",
        of_square(lambda r: (sine(r) - r) / r**3),
        SMALL_ANGLE,
        (3, 6),
        lambda z: z,
    ),
    Fit(
        "cosine",
        "cos r = 1 − r²/2 + r⁴·P(r²)",
        of_square(lambda r: (cosine(r) - 1 + r**2 / 2) / r**4),
        SMALL_ANGLE,
        (3, 6),
        lambda z: z**2,
    ),
    Fit(
        "tangent",
        "tan r = r + r³·P(r²)",
        of_square(lambda r: (sine(r) / cosine(r) - r) / r**3),
        SMALL_ANGLE,
        (7, 14),
        of_square(lambda r: r**3 / sine(r)),
    ),
    Fit(
        "arc tangent",
        "atan t = t + t³·P(t²)",
        of_square(lambda t: (arc_tangent(t) - t) / t**3),
        ("1e-9", "0.1716"),
        (5, 11),
        lambda z: z,
    ),
    Fit(
        "arc sine",
        "asin t = t + t³·P(t²)",
        of_square(lambda t: (arc_sine(t) - t) / t**3),
        ("1e-9", "0.3025"),
        (6, 13),
        lambda z: z,
    ),
)


def main(names: Sequence[str]) -> None:
    """Print the fits whose names contain one of ``names``; all of them if none is given."""
    for fit in FITS:
        for type_name, format, terms in zip(("float32", "float64"), "fd", fit.terms, strict=True):
            if not terms or (names and not any(each in fit.name for each in names)):
                continue
            coefficients, error = fit.coefficients(terms, format)
            bits = float(error.ln() / TWO.ln())
            print(f"{fit.name} in {type_name}: {fit.formula}, error 2^{bits:.1f}")
            for coefficient in coefficients:
                print(f"    {float(coefficient)!r},")


if __name__ == "__main__":
    main(sys.argv[1:])
