"""What holds for every operation, tested over the registry: a new op is picked up with no edit."""

import dataclasses
import re

import numpy as np
import pytest

import steepest as st
from kit.draw import draw, generator, inputs
from kit.judge import (
    check_batch,
    check_gradient_types,
    check_pullback,
    check_second_pullback,
    check_type,
)
from steepest.autodiff import gradients
from steepest.errors import DTypeError, GradientError, ShapeError
from steepest.ir.node import constant, placeholder
from steepest.ir.op import (
    OPS,
    Case,
    NotDifferentiable,
    Op,
    PiecewiseConstant,
    Stopped,
    define,
)
from steepest.ir.types import DTYPES, Array, float32, float64, is_floating, type_of
from steepest.tensor.tensor import Tensor

SEEDS = (0, 1, 2)
CALLS = [(op, number, case) for op in OPS.values() for number, case in enumerate(op.cases)]


def those(*unwanted: type) -> pytest.MarkDecorator:
    """All cases of all ops, without those whose derivative is declared in one of these ways."""
    chosen = [
        pytest.param(op, case, id=f"{op.name}-{number}")
        for op, number, case in CALLS
        if not isinstance(op.pullback, unwanted)
    ]
    return pytest.mark.parametrize(("op", "case"), chosen)


def declared(kind: type) -> pytest.MarkDecorator:
    """The ops whose derivative is declared to be of this kind."""
    chosen = [op for op in OPS.values() if isinstance(op.pullback, kind)]
    return pytest.mark.parametrize("op", chosen, ids=lambda op: op.name)


@those()
def test_inferred_type_is_numpys(op: Op, case: Case) -> None:
    for dtype in (float32, float64):
        check_type(op, case, generator(), dtype)


@those()
def test_inferred_type_of_integers_is_numpys_or_refused(op: Op, case: Case) -> None:
    if op.name == "pow":  # negative powers of integers are an error of their own
        positive = tuple(dataclasses.replace(s, low=0.0, high=3.0) for s in case.inputs)
        case = dataclasses.replace(case, inputs=positive)
    for dtype in DTYPES:
        try:
            check_type(op, case, generator(), dtype)
        except DTypeError:  # its text is judged below
            assert not is_floating(dtype), op.name


@those(NotDifferentiable, Stopped)
def test_pullback_is_the_central_difference(op: Op, case: Case) -> None:
    for seed in SEEDS:
        check_pullback(op, case, generator(seed))


@those(NotDifferentiable, Stopped)
def test_pullback_of_the_pullback_is_the_central_difference(op: Op, case: Case) -> None:
    for seed in SEEDS:
        check_second_pullback(op, case, generator(seed))


@those(NotDifferentiable)
def test_gradients_have_the_types_of_their_inputs(op: Op, case: Case) -> None:
    for dtype in (float32, float64):
        check_gradient_types(op, case, generator(), dtype)


@those()
def test_vmap_is_a_stack(op: Op, case: Case) -> None:
    for size in (0, 1, 3):
        check_batch(op, case, generator(size), size)


@those()
def test_a_call_records_the_op_with_its_summary(op: Op, case: Case) -> None:
    """The reason for a case: it is a call, so nothing needs alignment first."""
    variables = [placeholder(type_of(array)) for array in inputs(case, generator(), float32)]
    if variables:
        node = op(*variables, **case.attributes)
        assert node.op is op
        assert node.inputs == tuple(variables)
    assert re.fullmatch(r"\S.*[.]", op.summary), "a summary is a sentence"
    assert repr(op) == f"<op {op.name}>"


@declared(NotDifferentiable)
def test_an_op_without_derivative_says_why(op: Op) -> None:
    assert isinstance(op.pullback, NotDifferentiable)
    arrays = inputs(op.cases[0], generator(), float32)
    result = op(*(Tensor(array, None).requires_grad_() for array in arrays))
    with pytest.raises(GradientError, match=re.escape(op.pullback.reason)) as caught:
        st.sum(result).backward()
    assert str(caught.value).startswith(f"{op.name} has no derivative")
    assert "test_every_op.py: result = op(" in str(caught.value)


@declared(Stopped)
def test_a_stopped_derivative_is_none(op: Op) -> None:
    x = placeholder(type_of(np.ones((2, 3))))
    assert gradients([op(x)], [constant(np.ones((2, 3)))], [x]) == [None]


@declared(PiecewiseConstant)
def test_a_piecewise_constant_op_records_nothing(op: Op) -> None:
    for case in op.cases:
        arrays = inputs(case, generator(), float32)
        tensors = [
            Tensor(array, None).requires_grad_()
            if is_floating(array.dtype)
            else Tensor(array, None)
            for array in arrays
        ]
        if tensors:
            assert not op(*tensors, **case.attributes).requires_grad


@those()
def test_an_op_refuses_element_types_by_name(op: Op, case: Case) -> None:
    """Whatever element type an op does not take, the error names op, types and the user's line."""
    for dtype in DTYPES:
        check_refusal(op, case, [np.zeros(sample.shape, dtype) for sample in case.inputs])


@those()
def test_an_op_refuses_shapes_by_name(op: Op, case: Case) -> None:
    """Whatever extent an op does not take, the error names op, types and the user's line."""
    for at, sample in enumerate(case.inputs):
        for axis in range(len(sample.shape)):
            arrays = inputs(case, generator(), float64)
            arrays[at] = np.repeat(arrays[at], 7, axis)
            check_refusal(op, case, arrays)


def check_refusal(op: Op, case: Case, arrays: list[Array]) -> None:
    """Either the call works, or its error says what was wrong, and where."""
    if not arrays:
        return
    types = [str(type_of(array)) for array in arrays]
    try:
        op(*(Tensor(array, None) for array in arrays), **case.attributes)
    except (DTypeError, ShapeError) as error:
        check_text(str(error), op, types)


def check_text(text: str, op: Op, types: list[str]) -> None:
    assert text.startswith(f"{op.name}({', '.join(types)}): "), text
    assert re.search(r"\n  at line \d+ of test_every_op.py: op\(", text), text
    assert text.count("\n") == 1, text


def test_an_op_is_defined_once() -> None:
    with pytest.raises(ValueError, match="'add' is defined twice"):
        define(OPS["add"])


def test_an_op_needs_a_tensor() -> None:
    with pytest.raises(DTypeError, match=r"add\(\): it takes Tensors, not int, float; wrap"):
        st.add(1, 2.0)


def test_choices_come_up() -> None:
    """The drawing gives every choice a turn where there is room for it."""
    for op, _, case in CALLS:
        for sample in case.inputs:
            drawn = draw(sample, generator())
            if drawn.size >= len(sample.choices) > 0:
                assert len(np.unique(drawn)) == len(np.unique(sample.choices)), op.name
