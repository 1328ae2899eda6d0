"""Rounding errors: how they are measured, and what is compared with what."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steepest.bench.conversation import Conversation
from steepest.bench.rounding import PROGRAM, Compared, Error, groups
from steepest.bench.rounding_cases import products, reductions
from steepest.bench.rounding_steps import Stepper, clear_rows, steps
from steepest.bench.training import Plain, Training
from steepest.bench.workloads import WORKLOADS, Workload
from steepest.ir.types import float32, float64

SMALL = {
    "momentum": replace(WORKLOADS["tiny"], sizes=(3, 8, 1), batch=6),
    "adam": replace(WORKLOADS["digits"], sizes=(5, 8, 7, 3), batch=6),
    "regular": replace(WORKLOADS["regular"], sizes=(5, 8, 6, 3), batch=16),
}


@pytest.fixture(scope="module")
def numpy_peer() -> Generator[Conversation]:
    with Conversation(Path(sys.executable), PROGRAM, "numpy", threads=1) as peer:
        yield peer


def test_an_error_is_relative_to_the_largest_number_of_its_array() -> None:
    exact = [np.array([3.0, -4.0]), np.array([[0.5, 0.0], [0.0, 0.0]])]
    found = [np.array([3.0, -3.6]), np.array([[0.5, 0.0], [0.0, 0.1]])]
    error = Error.of(found, exact)
    assert error.largest == pytest.approx(0.2)
    assert error.rms == pytest.approx(math.sqrt((0.1**2 + 0.2**2) / 6))
    assert Error.of(exact, exact) == Error(0.0, 0.0)
    assert Error.of([np.array([0.1])], [np.array([0.0])]) == Error(0.1, 0.1)


def test_the_median_error() -> None:
    found = Error.median([Error(1.0, 9.0), Error(50.0, 2.0), Error(2.0, 3.0)])
    assert found == Error(2.0, 3.0)


@pytest.mark.parametrize(("ours", "theirs", "ratio"), [(3, 2, 1.5), (0, 0, 1), (1, 0, math.inf)])
def test_ratios(ours: float, theirs: float, ratio: float) -> None:
    compared = Compared("", "", Error(ours, ours + 1), {"other": Error(theirs, theirs + 1)})
    assert compared.ratio("other") == ratio
    assert compared.largest_ratio("other") == (ours + 1) / (theirs + 1)


def test_products_of_every_form(numpy_peer: Conversation) -> None:
    found = list(products([numpy_peer], [(3, 70, 20)]))
    assert [each.case for each in found] == ["A B", "Aᵀ B", "A Bᵀ", "Aᵀ Bᵀ"]
    for each in found:
        assert each.group == "3×70×20"
        for error in (each.ours, each.peers["numpy"]):
            assert 1e-8 < error.rms < error.largest < 1e-6


def test_reductions_of_every_kind(numpy_peer: Conversation) -> None:
    found = list(reductions([numpy_peer], [(40, 30), (50,)]))
    assert len(groups(found)) == 5 * 3
    assert {each.case for each in found} == {
        f"{shape} {numbers}" for shape in ("40×30", "50") for numbers in ("normal", "uniform")
    }
    for each in found:
        for error in (each.ours, each.peers["numpy"]):
            assert 1e-9 < error.rms <= error.largest < 1e-6


def test_steps_are_compared_only_with_who_takes_them(numpy_peer: Conversation) -> None:
    found = list(steps([numpy_peer], SMALL["adam"], batches=3, runs=2))
    assert [each.case for each in found] == [
        "losses of first steps",
        "gradients",
        "parameters after a step",
        "losses of 3 steps",
        "parameters after 3",
    ]
    for each in found:
        assert each.peers == {}
        assert 1e-9 < each.ours.rms < 1e-6


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_gradients_are_those_of_the_losses(name: str) -> None:
    stepper = Stepper(replace(SMALL[name], batches=2), float64)
    assert isinstance(stepper.training.trained, Plain)
    cells = list(stepper.training.trained.step.slots)
    generator = np.random.default_rng(0)
    ways = [generator.normal(size=cell.shape) for cell in cells]
    gradients = stepper.take([1]).gradients
    expected = sum(np.sum(g * way) for g, way in zip(gradients, ways, strict=True))
    starts = [cell.value.data for cell in cells]
    losses: list[float] = []
    for sign in (1, -1):
        for cell, start, way in zip(cells, starts, ways, strict=True):
            cell.assign(start + sign * 1e-6 * way)
        losses.append(float(stepper.take([1]).losses[0]))
    assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("workload", SMALL.values(), ids=SMALL)
def test_steps_begin_at_the_start_each_time(workload: Workload) -> None:
    stepper = Stepper(replace(workload, batches=3), float32)
    first = stepper.take([1])
    assert not np.array_equal(stepper.take([2, 0]).losses[:1], first.losses)
    again = stepper.take([1, 2])
    assert again.losses[0] == first.losses[0]
    assert again.losses.shape == (2,)
    given = stepper.given(2)
    for position, parameter in enumerate(first.parameters):
        start = given[f"parameter{position}"]
        assert 0 < np.abs(parameter - start).max() < 0.1
    hidden = sum(workload.sizes[1:-1])
    shapes = {given[name].shape for name in given if name.startswith("masks")}
    assert shapes == ({(16, hidden)} if workload.is_regular else set())


def test_rows_with_a_unit_that_is_as_good_as_zero_are_left_out() -> None:
    training = Training(replace(SMALL["adam"], batches=3), float32)
    training.x[[2, 7]] = 0.0  # biases are 0 at first
    rows = clear_rows(training)
    assert rows.shape == (2, 6)
    assert not {2, 7} & set(rows.flatten().tolist())
    assert len(set(rows.flatten().tolist())) == 12
