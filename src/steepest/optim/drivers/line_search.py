"""A step length with the strong Wolfe conditions, by the method of Moré and Thuente.

Along a direction d the objective is φ(α) = f(x + α d), with φ′(0) < 0. Wanted is an α with

    φ(α) ≤ φ(0) + c₁ α φ′(0)    and    |φ′(α)| ≤ c₂ |φ′(0)|.

The second one makes sᵀy > 0, without which BFGS would lose positive definiteness.

Source: Moré, Thuente: "Line search algorithms with guaranteed sufficient decrease" (1994), as in
MINPACK-2's dcsrch and dcstep, which SciPy uses as well. Where rounding hides the decrease, Hager
and Zhang's (2005) approximate condition counts: (2 c₁ − 1) φ′(0) ≥ φ′(α).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from steepest.ir.types import Array
from steepest.optim.drivers.driver import Point, Surface

DECREASE, CURVATURE = 1e-4, 0.9  # c₁ and c₂
_TRIALS = 30
_LEAST_WIDTH = 1e-14  # of the bracket, as a share of its upper end
_NEARER, _FARTHER = 1.1, 4.0  # how far a step may be extended while there is no bracket
_SHRINK = 0.66  # by how much two trials should shrink the bracket


@final
@dataclass(frozen=True)
class Trial:
    """A step length α that was tried: φ(α) and φ′(α)."""

    length: float
    value: float
    slope: float

    def less(self, line: float) -> Trial:
        """The same, of φ(α) − α · line."""
        return replace(self, value=self.value - self.length * line, slope=self.slope - line)


def search(
    surface: Surface, start: Point, direction: Array, first: float
) -> tuple[float, Point] | None:
    """The length of a step along ``direction``, and the point it leads to.

    Args:
        surface: what is evaluated.
        start: where.
        direction: of descent.
        first: the length tried first.

    Returns:
        None where no length makes f smaller: rounding has the last word, or the gradient is wrong.
    """
    slope = float(start.gradient @ direction)
    if not slope < 0:
        return None
    found: dict[float, Point] = {}

    def along(length: float) -> Trial:
        point = surface.at(start.x + length * direction)
        found[length] = point
        with np.errstate(over="ignore", invalid="ignore"):  # far out; such a length is not taken
            return Trial(length, point.value, float(point.gradient @ direction))

    trial = _search(along, Trial(0.0, start.value, slope), first, surface.precision)
    if trial is None:
        return None
    point = found[trial.length]
    moved = point.value < start.value or bool(np.any(point.x != start.x))
    return (trial.length, point) if moved else None


def _search(
    along: Callable[[float], Trial], zero: Trial, first: float, precision: float
) -> Trial | None:
    """The length that satisfies the conditions; else the best that decreases φ, if any does."""
    bracket = _Bracket(zero, zero)
    line = DECREASE * zero.slope
    best, length, is_first_stage = zero, first, True
    for _ in range(_TRIALS):
        trial = along(length)
        if not (math.isfinite(trial.value) and math.isfinite(trial.slope)):
            bracket.highest = length
            length = bracket.low.length + 0.1 * (length - bracket.low.length)
            continue
        if _satisfies(trial, zero, precision):
            return trial
        if trial.value < best.value:
            best = trial
        enough = trial.value <= zero.value + trial.length * line
        is_first_stage = is_first_stage and not (enough and trial.slope >= 0)
        if is_first_stage and trial.value <= bracket.low.value and not enough:
            length = bracket.tightened(trial, line)
        else:
            length = bracket.tightened(trial, 0.0)
        if bracket.is_closed:
            break
    return best if best.value < zero.value else None


def _satisfies(trial: Trial, zero: Trial, precision: float) -> bool:
    if abs(trial.slope) > CURVATURE * -zero.slope:
        return False
    if trial.value <= zero.value + DECREASE * trial.length * zero.slope:
        return True
    is_level = abs(trial.value - zero.value) <= 2 * precision * abs(zero.value)
    return is_level and trial.slope <= (2 * DECREASE - 1) * zero.slope


@final
class _Bracket:
    """The lengths between which a good one lies; ``low`` is the best so far."""

    def __init__(self, low: Trial, other: Trial) -> None:
        self.low = low
        self.other = other
        self.highest = math.inf
        self._is_bracket = False
        self._widths = (math.inf, math.inf)  # after the last trial, and after the one before

    @property
    def is_closed(self) -> bool:
        """Whether its ends can no longer be told apart."""
        ends = self.low.length, self.other.length
        return self._is_bracket and abs(ends[1] - ends[0]) <= _LEAST_WIDTH * max(ends)

    def tightened(self, trial: Trial, line: float) -> float:
        """Take in a trial, judged by φ(α) − α · line; the length to try next."""
        before = self.low
        low, other, trial = self.low.less(line), self.other.less(line), trial.less(line)
        following, brackets = _next_length(low, other, trial, is_bracket=self._is_bracket)
        self._is_bracket = self._is_bracket or brackets
        if trial.value > low.value:
            other = trial
        else:
            other = low if _turns(trial, low) else other
            low = trial
        self.low, self.other = low.less(-line), other.less(-line)
        return self._guarded(following, trial.length, before.length)

    def _guarded(self, length: float, tried: float, before: float) -> float:
        """Within the bracket, which has to shrink; or not too far beyond it."""
        low, other = self.low.length, self.other.length
        if not self._is_bracket:
            nearest = tried + _NEARER * (tried - before)
            farthest = tried + _FARTHER * (tried - before)
            return min(max(length, nearest), farthest, 0.5 * (tried + self.highest))
        width = abs(other - low)
        last, one_before = self._widths
        if width >= _SHRINK * one_before:
            length = low + 0.5 * (other - low)
        self._widths = (width, last)
        return min(max(length, min(low, other)), max(low, other))


def _turns(trial: Trial, low: Trial) -> bool:
    """Whether φ falls on one side and rises on the other: there is a minimum between them."""
    return trial.slope * math.copysign(1.0, low.slope) < 0


def _next_length(low: Trial, other: Trial, trial: Trial, *, is_bracket: bool) -> tuple[float, bool]:
    """The next length by interpolation, and whether ``low`` and ``trial`` enclose a minimum."""
    here = trial.length
    if trial.value > low.value:
        cubic, parabola = _cubic(low, trial), _parabola(low, trial)
        is_nearer = abs(cubic - low.length) <= abs(parabola - low.length)
        return cubic if is_nearer else 0.5 * (cubic + parabola), True
    if _turns(trial, low):
        cubic, secant = _cubic(low, trial), _secant(low, trial)
        return max(cubic, secant, key=lambda each: abs(each - here)), True
    if abs(trial.slope) < abs(low.slope):
        cubic, secant = _cubic(low, trial), _secant(low, trial)
        if (cubic - here) * (here - low.length) <= 0:  # its minimum lies behind
            cubic = math.inf
        if not is_bracket:
            return max(cubic, secant, key=lambda each: abs(each - here)), False
        length = min(cubic, secant, key=lambda each: abs(each - here))
        limit = here + _SHRINK * (other.length - here)
        return (min if here > low.length else max)(limit, length), False
    return (_cubic(trial, other) if is_bracket else math.inf), False


def _cubic(a: Trial, b: Trial) -> float:
    """The minimum of the cubic with the values and slopes of both; infinity if it has none."""
    width = b.length - a.length
    mean = 3 * (a.value - b.value) / width + a.slope + b.slope
    scale = max(abs(mean), abs(a.slope), abs(b.slope))
    radicand = (mean / scale) ** 2 - (a.slope / scale) * (b.slope / scale)
    root = math.copysign(scale * math.sqrt(max(radicand, 0.0)), width)
    below = b.slope - a.slope + 2 * root
    if below == 0:
        return math.inf
    return b.length - width * (b.slope + root - mean) / below


def _parabola(a: Trial, b: Trial) -> float:
    """The minimum of the parabola with both values and the slope of ``a``."""
    width = b.length - a.length
    return a.length + 0.5 * width * a.slope / ((a.value - b.value) / width + a.slope)


def _secant(a: Trial, b: Trial) -> float:
    """Where the line through both slopes is 0."""
    return b.length - b.slope * (b.length - a.length) / (b.slope - a.slope)
