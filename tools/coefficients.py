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
    """cos x by its series."""
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
    """x · y · z."""
    return x * y * z


@dataclass(frozen=True)
class Fit:
    """One polynomial: what it stands for, on which interval, weighted how, in which powers."""

    function: Function
    low: str
    high: str
    powers: range
    format: str
    weight: Function = lambda x: ONE  # noqa: E731
    points: int = 10

    def coefficients(self) -> tuple[list[Decimal], Decimal]:
        """The rounded coefficients, lowest power first, and the largest weighted error."""
        low, high = Decimal(self.low), Decimal(self.high)
        count = self.points * (len(self.powers) + 1)
        grid = [
            (low + high) / 2 + (low - high) / 2 * cosine(PI * (2 * k + 1) / (2 * count))
            for k in range(count)
        ]
        left, weights = [self.function(x) for x in grid], [self.weight(x) for x in grid]
        columns = [[x**power for x in grid] for power in self.powers]
        result: list[Decimal] = []
        for place, column in enumerate(columns):
            head = rounded(least_squares(left, columns[place:], weights)[0], self.format)
            result.append(head)
            left = [value - head * x for value, x in zip(left, column, strict=True)]
        return result, max(abs(e * weight) for e, weight in zip(left, weights, strict=True))


def sine(x: Decimal) -> Decimal:
    """sin x by its series."""
    term, total, k = x, x, 1
    while abs(term) > Decimal("1e-58") * abs(x):
        k += 2
        term *= -x * x / (k * (k - 1))
        total += term
    return total


def error_function(x: Decimal) -> Decimal:
    """erf x by its series."""
    term, total, k = x, x, 0
    while abs(term) > Decimal("1e-58") * abs(total):
        k += 1
        term *= -x * x / k
        total += term / (2 * k + 1)
    return total * TWO / PI.sqrt()


def of_square(function: Function) -> Function:
    """A function of x as a function of z = x²."""
    return lambda z: function(z.sqrt())


def tangent(x: Decimal) -> Decimal:
    """tanh x."""
    square = (2 * x).exp()
    return (square - 1) / (square + 1)


def arithmetic_tangent(s: Decimal) -> Decimal:
    """2 artanh s = log ((1 + s) / (1 − s))."""
    return ((1 + s) / (1 - s)).ln()


FITS = (
    {
        # exp r = 1 + r + r²·P(r)
        f"exponential {name}": Fit(
            lambda r: (r.exp() - 1 - r) / r**2,
            "-0.347",
            "0.347",
            range(degree),
            format,
            lambda r: abs(r),
        )
        for name, format, degree in [("float32", "f", 5), ("float64", "d", 10)]
    }
    | {
        # log (1 + f) = f − f²/2 + f³·P(f)
        f"logarithm {name}": Fit(
            lambda f: ((1 + f).ln() - f + f**2 / 2) / f**3,
            "-0.29290",
            "0.41422",
            range(degree),
            format,
            lambda f: abs(f**3 / (1 + f).ln()),
        )
        for name, format, degree in [("float32", "f", 8), ("float64", "d", 19)]
    }
    | {
        # log ((1 + s) / (1 − s)) = 2 s + s³·P(s²)
        f"artanh {name}": Fit(
            lambda z: ((1 + z.sqrt()).ln() - (1 - z.sqrt()).ln() - 2 * z.sqrt()) / z.sqrt() ** 3,
            "1e-9",
            "0.02945",
            range(degree),
            format,
            lambda z: z,
        )
        for name, format, degree in [("float64", "d", 7)]
    }
    | {
        # tanh x = x + x³·P(x²)
        f"tangent {name}": Fit(
            of_square(lambda x: (tangent(x) - x) / x**3),
            "1e-9",
            "0.0729",
            range(degree),
            format,
            lambda z: z,
        )
        for name, format, degree in [("float32", "f", 3), ("float64", "d", 7)]
    }
    | {
        # erf x = x + x·P(x²)
        f"small erf {name}": Fit(
            of_square(lambda x: error_function(x) / x - 1),
            "1e-9",
            "1.0",
            range(degree),
            format,
            of_square(lambda x: x / error_function(x)),
        )
        for name, format, degree in [("float32", "f", 7), ("float64", "d", 12)]
    }
    | {
        # erf x = 1 − exp P(x)
        f"large erf {name}": Fit(
            lambda x: (1 - error_function(x)).ln(),
            "1.0",
            high,
            range(degree),
            format,
            lambda x: (1 - error_function(x)) / error_function(x),
        )
        for name, format, high, degree in [("float32", "f", "4.0", 7), ("float64", "d", "6.0", 17)]
    }
    | {
        # 3/2 · log ((1 + s) / (1 − s)) = s·(3 + s² + s⁴·P(s²))
        "power tail": Fit(
            of_square(lambda s: (arithmetic_tangent(s) * 3 / 2 - 3 * s - s**3) / s**5),
            "1e-9",
            "0.02945",
            range(7),
            "d",
            lambda z: z * z,
        ),
        # 2^r = 1 + r·P(r)
        "power of two float32": Fit(
            lambda r: (TWO**r - 1) / r, "-0.5001", "0.5001", range(6), "d", lambda r: abs(r)
        ),
        "power of two float64": Fit(
            lambda r: (TWO**r - 1) / r, "-0.5001", "0.5001", range(11), "d", lambda r: abs(r)
        ),
        # log₂ (1 + f) = f·P(f)
        "binary logarithm": Fit(
            lambda f: (1 + f).ln() / TWO.ln() / f,
            "-0.29290",
            "0.41422",
            range(13),
            "d",
        ),
    }
    | {
        # sin r = r + r³·P(r²)
        f"sine {name}": Fit(
            of_square(lambda r: (sine(r) - r) / r**3),
            "1e-9",
            "0.6173",
            range(degree),
            format,
            lambda z: z,
        )
        for name, format, degree in [("float32", "f", 3), ("float64", "d", 6)]
    }
    | {
        # cos r = 1 − r²/2 + r⁴·P(r²)
        f"cosine {name}": Fit(
            of_square(lambda r: (cosine(r) - 1 + r**2 / 2) / r**4),
            "1e-9",
            "0.6173",
            range(degree),
            format,
            lambda z: z * z,
        )
        for name, format, degree in [("float32", "f", 3), ("float64", "d", 6)]
    }
)


def main(names: Sequence[str]) -> None:
    """Print the fits whose names contain one of ``names``; all of them if none is given."""
    for name, fit in FITS.items():
        if not names or any(each in name for each in names):
            coefficients, error = fit.coefficients()
            print(f"{name}: error {float(error):.2g}, 2^{float(error.ln() / TWO.ln()):.1f}")
            for coefficient in coefficients:
                print(f"    {float(coefficient)!r},")


if __name__ == "__main__":
    main(sys.argv[1:])
