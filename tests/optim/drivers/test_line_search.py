"""The line search: what it returns satisfies both conditions, on Moré and Thuente's functions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steepest.optim.drivers import Point, Surface
from steepest.optim.drivers.line_search import CURVATURE, DECREASE, search

Array = Any
Curve = Callable[[float], tuple[float, float]]  # φ(α), φ′(α)


def first(a: float) -> tuple[float, float]:
    return -a / (a * a + 2), (a * a - 2) / (a * a + 2) ** 2


def second(a: float) -> tuple[float, float]:
    return (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4, 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3


def third(a: float) -> tuple[float, float]:
    beta, waves = 0.01, 39
    if a <= 1 - beta:
        value, slope = 1 - a, -1.0
    elif a >= 1 + beta:
        value, slope = a - 1, 1.0
    else:
        value, slope = (a - 1) ** 2 / (2 * beta) + beta / 2, (a - 1) / beta
    angle = waves * math.pi * a / 2
    more = 2 * (1 - beta) / (waves * math.pi) * math.sin(angle)
    return value + more, slope + (1 - beta) * math.cos(angle)


def valley(one: float, two: float) -> Curve:
    """Yanai, Ozawa and Kaneko's functions: hard where β₁ and β₂ are small."""

    def gamma(beta: float) -> float:
        return math.sqrt(1 + beta**2) - beta

    def curve(a: float) -> tuple[float, float]:
        left, right = math.sqrt((1 - a) ** 2 + two**2), math.sqrt(a**2 + one**2)
        value = gamma(one) * left + gamma(two) * right
        return value, gamma(one) * (a - 1) / left + gamma(two) * a / right

    return curve


def kink(a: float) -> tuple[float, float]:
    """Falls to a wall without a value."""
    return (-a - 0.05 * math.log(1 - a), -1 + 0.05 / (1 - a)) if a < 1 else (math.nan, math.nan)


CURVES: dict[str, Curve] = {
    "1": first,
    "2": second,
    "3": third,
    "4": valley(0.001, 0.001),
    "5": valley(0.01, 0.001),
    "6": valley(0.001, 0.01),
    "wall": kink,
    "parabola": lambda a: ((a - 3.0) ** 2, 2 * (a - 3.0)),
}


class Line(Surface):
    """A surface of one dimension."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self.evaluations = 0

    @property
    def precision(self) -> float:
        return 2.0**-52

    def at(self, x: Array) -> Point:
        self.evaluations += 1
        value, slope = self._curve(float(x[0]))
        return Point(x, value, np.array([slope]))

    def hessian(self, x: Array) -> Array:
        raise NotImplementedError


@pytest.mark.row("P9", "P10")
@pytest.mark.parametrize("length", [1e-3, 1e-1, 1e1, 1e3])
@pytest.mark.parametrize("name", CURVES)
def test_both_wolfe_conditions_hold(name: str, length: float) -> None:
    curve = CURVES[name]
    line = Line(curve)
    start = line.at(np.zeros(1))
    found = search(line, start, np.ones(1), length)
    assert found is not None
    alpha, point = found
    assert point.x[0] == alpha
    assert (point.value, point.gradient[0]) == curve(alpha)
    slope = float(start.gradient[0])
    assert point.value <= start.value + DECREASE * alpha * slope
    assert abs(point.gradient[0]) <= CURVATURE * abs(slope)
    assert line.evaluations <= 22


def test_the_direction_has_its_part_in_the_length() -> None:
    line = Line(CURVES["parabola"])
    found = search(line, line.at(np.zeros(1)), np.array([0.01]), 1.0)
    assert found is not None
    assert found[1].x[0] == pytest.approx(0.01 * found[0])
    assert found[0] > 10


def test_no_descent_no_step() -> None:
    line = Line(CURVES["parabola"])
    assert search(line, line.at(np.zeros(1)), -np.ones(1), 1.0) is None
    assert search(line, line.at(np.array([3.0])), np.ones(1), 1.0) is None


def test_rounding_does_not_stop_it_where_slopes_can_tell() -> None:
    """Values of ½a² + 1e9 are all equal near 0 in float64; slopes are not."""
    line = Line(lambda a: (1e9 + 0.5 * (a - 1e-5) ** 2, a - 1e-5))
    found = search(line, line.at(np.zeros(1)), np.ones(1), 1e-5)
    assert found is not None
    assert found[1].x[0] == pytest.approx(1e-5)
