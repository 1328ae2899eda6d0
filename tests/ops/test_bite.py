"""The table of ops bites: an op spoilt in one place is caught by the checks of test_every_op."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from kit.draw import generator
from kit.judge import check_batch, check_pullback, check_second_pullback, check_type
from steepest.ir.node import Node
from steepest.ir.op import OPS, Case, NotDifferentiable, Op, PiecewiseConstant, Stopped
from steepest.ir.types import TensorType, bool_, float32, float64
from steepest.ops.movement import flip
from steepest.ops.rows import converted

SEEDS = (0, 1, 2)
WITHOUT = NotDifferentiable | PiecewiseConstant | Stopped


def is_caught(check: Callable[[Op, Case, np.random.Generator], None], spoilt: Op) -> bool:
    for case in spoilt.cases:
        for seed in SEEDS:
            try:
                check(spoilt, case, generator(seed))
            except (AssertionError, ValueError, TypeError):  # what went wrong is not the question
                return True
    return False


def components() -> Iterator[Any]:
    """Each gradient of each op that has one."""
    for op in OPS.values():
        if not isinstance(op.pullback, WITHOUT):
            for at, sample in enumerate(op.cases[0].inputs):
                if sample.dtype == "floating" and (op.name, at) != ("copysign", 1):
                    yield pytest.param(op, at, id=f"{op.name}-{at}")


def with_gradient(op: Op, at: int, change: Callable[[Node], Node | None]) -> Op:
    pullback = op.pullback
    assert not isinstance(pullback, WITHOUT)

    def spoilt(*arguments: Node, **attributes: Any) -> tuple[Node | None, ...]:
        found = list(pullback(*arguments, **attributes))
        if found[at] is not None:
            found[at] = change(found[at])
        return tuple(found)

    return dataclasses.replace(op, pullback=spoilt)


@pytest.mark.parametrize(("op", "at"), list(components()))
def test_a_pullback_off_by_a_thousandth_is_caught(op: Op, at: int) -> None:
    spoilt = with_gradient(op, at, lambda gradient: gradient * 1.001)
    assert is_caught(check_pullback, spoilt)


@pytest.mark.parametrize(("op", "at"), list(components()))
def test_a_missing_gradient_is_caught(op: Op, at: int) -> None:
    assert is_caught(check_pullback, with_gradient(op, at, lambda gradient: None))


@pytest.mark.parametrize("name", ["sin", "multiply", "contract", "divide", "pow", "reduce_max"])
def test_a_pullback_that_is_no_op_of_its_inputs_is_caught(name: str) -> None:
    """A gradient right in value, but cut off from what it depends on, fails at second order."""
    op = OPS[name]
    spoilt = with_gradient(op, 0, OPS["stop_gradient"])
    assert not is_caught(check_pullback, spoilt)
    assert is_caught(check_second_pullback, spoilt)


@pytest.mark.parametrize("op", list(OPS.values()), ids=lambda op: op.name)
def test_a_wrong_shape_rule_is_caught(op: Op) -> None:
    def longer(*types: TensorType, **attributes: Any) -> TensorType:
        right = op.infer(*types, **attributes)
        return TensorType((*right.shape, 1), right.dtype)

    def turned(*types: TensorType, **attributes: Any) -> TensorType:
        right = op.infer(*types, **attributes)
        return TensorType(right.shape[::-1], right.dtype)

    def check(spoilt: Op, case: Case, random: np.random.Generator) -> None:
        check_type(spoilt, case, random, float64)

    assert is_caught(check, dataclasses.replace(op, infer=longer))
    if any(len(case.inputs) and len(case.inputs[0].shape) > 1 for case in op.cases):
        assert is_caught(check, dataclasses.replace(op, infer=turned))


@pytest.mark.parametrize("op", list(OPS.values()), ids=lambda op: op.name)
@pytest.mark.parametrize("always", [float32, float64, bool_], ids=str)
def test_a_wrong_element_type_is_caught(op: Op, always: np.dtype[Any]) -> None:
    def infer(*types: TensorType, **attributes: Any) -> TensorType:
        return TensorType(op.infer(*types, **attributes).shape, always)

    def check(spoilt: Op, case: Case, random: np.random.Generator) -> None:
        check_type(spoilt, case, random, float32)
        check_type(spoilt, case, random, float64)

    kinds = {str(infer_of(op, case)) for case in op.cases}
    right = kinds == {str(always)} and not any(
        sample.dtype == "floating" for case in op.cases for sample in case.inputs
    )
    right = right or (always == bool_ and kinds == {"bool"})
    assert is_caught(check, dataclasses.replace(op, infer=infer)) != right


def infer_of(op: Op, case: Case) -> np.dtype[Any]:
    types = [
        TensorType(s.shape, float64 if s.dtype == "floating" else np.dtype(s.dtype))
        for s in case.inputs
    ]
    return op.infer(*types, **case.attributes).dtype


def reversed_batch(op: Op) -> Op:
    def batch(this: Op, inputs: Any, mapped: Any, size: int, attributes: Any) -> Any:
        return flip(op.batch(op, inputs, mapped, size, attributes), axis=0)

    return dataclasses.replace(op, batch=batch)


def negligent_batch(op: Op) -> Op:
    """Which inputs have the new axis is taken for the opposite."""

    def batch(this: Op, inputs: Any, mapped: Any, size: int, attributes: Any) -> Any:
        return op.batch(op, inputs, mapped[::-1], size, attributes)

    return dataclasses.replace(op, batch=batch)


def flipped_input(op: Op) -> Op:
    def batch(this: Op, inputs: Any, mapped: Any, size: int, attributes: Any) -> Any:
        first = flip(inputs[0], axis=0) if mapped[0] and len(inputs) > 1 else inputs[0]
        return op.batch(op, (first, *inputs[1:]), mapped, size, attributes)

    return dataclasses.replace(op, batch=batch)


WITH_INPUTS = [op for op in OPS.values() if op.cases[0].inputs]
BINARY = [op for op in WITH_INPUTS if len(op.cases[0].inputs) == 2]


@pytest.mark.parametrize("op", WITH_INPUTS, ids=lambda op: op.name)
def test_a_batch_in_the_wrong_order_is_caught(op: Op) -> None:
    assert is_caught(check_batch, reversed_batch(op))


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_a_batch_of_the_wrong_input_is_caught(op: Op) -> None:
    assert is_caught(check_batch, flipped_input(op))
    assert is_caught(check_batch, negligent_batch(op))


@pytest.mark.parametrize("op", WITH_INPUTS, ids=lambda op: op.name)
def test_a_batch_of_the_wrong_type_is_caught(op: Op) -> None:
    def batch(this: Op, inputs: Any, mapped: Any, size: int, attributes: Any) -> Any:
        right = op.batch(op, inputs, mapped, size, attributes)
        return converted(right, float32 if right.dtype != float32 else float64)

    assert is_caught(check_batch, dataclasses.replace(op, batch=batch))


def test_the_checks_pass_where_nothing_is_spoilt() -> None:
    """Otherwise all the above would be worth nothing."""
    for op in OPS.values():
        unchanged = dataclasses.replace(op)
        if op.cases[0].inputs:
            assert not is_caught(check_batch, unchanged), op.name
        if not isinstance(op.pullback, NotDifferentiable | Stopped):
            assert not is_caught(check_pullback, unchanged), op.name
