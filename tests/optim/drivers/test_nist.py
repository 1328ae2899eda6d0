"""Newton, BFGS and L-BFGS on 13 of NIST's certified nonlinear regressions, from start 2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import steepest as st

Array = Any
Value = Any  # a Tensor
Model = Callable[[Value, Value], Value]


class Problem(NamedTuple):
    """One of nist.txt."""

    level: str
    start: Array
    certified: Array
    squares: float
    y: Array
    x: Array


def numbers(line: str) -> Array:
    return np.array([float(each) for each in line.split()])


def read() -> dict[str, Problem]:
    text = (Path(__file__).parent / "nist.txt").read_text()
    problems: dict[str, Problem] = {}
    for block in text.split("\n", 3)[3].strip().split("\n\n"):
        title, _, start, certified, squares, y, *x = block.splitlines()
        name, level = title.split()
        problems[name] = Problem(
            level,
            numbers(start),
            numbers(certified),
            float(squares),
            numbers(y),
            np.array([numbers(line) for line in x]),
        )
    return problems


def exponential(b: Value, x: Value) -> Value:
    return b[0] * (1.0 - st.exp(-b[1] * x[0]))


def cubics(b: Value, x: Value) -> Value:
    above = b[0] + b[1] * x[0] + b[2] * x[0] ** 2 + b[3] * x[0] ** 3
    return above / (1.0 + b[4] * x[0] + b[5] * x[0] ** 2 + b[6] * x[0] ** 3)


def waves(b: Value, x: Value) -> Value:
    total = b[0]
    for period, cosine, sine in ((12.0, b[1], b[2]), (b[3], b[4], b[5]), (b[6], b[7], b[8])):
        angle = 2 * np.pi * x[0] / period
        total = total + cosine * st.cos(angle) + sine * st.sin(angle)
    return total


def bells(b: Value, x: Value) -> Value:
    first = b[2] * st.exp(-((x[0] - b[3]) ** 2) / b[4] ** 2)
    second = b[5] * st.exp(-((x[0] - b[6]) ** 2) / b[7] ** 2)
    return b[0] * st.exp(-b[1] * x[0]) + first + second


MODELS: dict[str, Model] = {
    "BoxBOD": exponential,
    "Chwirut2": lambda b, x: st.exp(-b[0] * x[0]) / (b[1] + b[2] * x[0]),
    "DanWood": lambda b, x: b[0] * x[0] ** b[1],
    "ENSO": waves,
    "Gauss1": bells,
    "Hahn1": cubics,
    "Kirby2": lambda b, x: (
        (b[0] + b[1] * x[0] + b[2] * x[0] ** 2) / (1.0 + b[3] * x[0] + b[4] * x[0] ** 2)
    ),
    "Lanczos3": lambda b, x: sum(b[i] * st.exp(-b[i + 1] * x[0]) for i in (0, 2, 4)),
    "MGH09": lambda b, x: b[0] * (x[0] ** 2 + x[0] * b[1]) / (x[0] ** 2 + x[0] * b[2] + b[3]),
    "Misra1a": exponential,
    "Nelson": lambda b, x: b[0] - b[1] * x[0] * st.exp(-b[2] * x[1]),  # of log y
    "Rat42": lambda b, x: b[0] / (1.0 + st.exp(b[1] - b[2] * x[0])),
    "Thurber": cubics,
}
PROBLEMS = read()
DIGITS = {"newton": 6.0, "bfgs": 4.0, "lbfgs": 4.0}  # that are asked for; all levels reach them


def objective(name: str) -> Callable[[Value], Value]:
    problem = PROBLEMS[name]
    y = st.tensor(np.log(problem.y) if name == "Nelson" else problem.y)
    x = [st.tensor(column) for column in problem.x]
    return lambda b: 0.5 * st.sum((MODELS[name](b, x) - y) ** 2)


@pytest.mark.row("P8", "P9", "P10")
@pytest.mark.parametrize("name", MODELS)
def test_certified_digits(name: str) -> None:
    problem, function = PROBLEMS[name], objective(name)
    at_best = float(function(st.tensor(problem.certified)))
    assert at_best == pytest.approx(problem.squares / 2, rel=1e-5)  # the model is NIST's
    for driver, digits in DIGITS.items():
        make: Any = st.optim.DRIVERS[driver]
        found = st.optim.minimise(
            function,
            problem.start,
            make(gradient_tolerance=0.0, function_tolerance=0.0),
            # Newton's method does not care for units; the others are told the size of the numbers.
            scale=None if driver == "newton" else np.abs(problem.start),
        )
        off = np.abs(found.x - problem.certified) / np.abs(problem.certified)
        assert -np.log10(np.max(off)) >= digits, (driver, found)
        assert found.evaluations < 1000


def test_all_problems_are_there() -> None:
    assert set(PROBLEMS) == set(MODELS)
    assert len(MODELS) == 13
