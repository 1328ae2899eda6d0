"""What every op has to fulfil, each as a function that raises AssertionError where it does not.

The test of all ops calls these on the ops as they are, the test of the tests on spoilt ones.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

import steepest as st
from kit.draw import draw, inputs
from steepest.autodiff import gradients
from steepest.ir.interpret import Program
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import Case, Op, PiecewiseConstant
from steepest.ir.types import Array, DType, Shape, TensorType, float64, is_floating, type_of
from steepest.tensor.tensor import Tensor

_STEP = 1e-6


def meaning(op: Op, arrays: Sequence[Array], case: Case) -> Array:
    """What NumPy gives."""
    with np.errstate(all="ignore"):
        return np.asarray(op.reference(*arrays, **case.attributes))


def node_of(op: Op, nodes: Sequence[Node], case: Case) -> Node:
    """The op applied, without alignment: the inputs of a case are aligned."""
    attributes = dict(case.attributes)
    return Node(op, tuple(nodes), attributes, op.infer(*(n.type for n in nodes), **attributes))


def check_type(
    op: Op, case: Case, random: np.random.Generator, dtype: DType, shape: Shape | None = None
) -> None:
    """The inferred type is that of NumPy's result."""
    arrays = inputs(case, random, dtype, shape)
    inferred = op.infer(*map(type_of, arrays), **case.attributes)
    found = type_of(meaning(op, arrays, case))
    assert inferred == found, f"{op.name} infers {inferred}, NumPy gives {found}"


def central_difference(function: Callable[[Array], Any], point: Array, along: Array) -> Any:
    """(f(x + hv) − f(x − hv)) / 2h in float64: O(h²) off."""
    step = along * _STEP
    return (function(point + step) - function(point - step)) / (2 * _STEP)


def check_pullback(
    op: Op, case: Case, random: np.random.Generator, shape: Shape | None = None
) -> None:
    """⟨u, J v⟩ by the pullback and by differences, for one input after the other."""
    arrays = inputs(case, random, float64, shape)
    variables = [placeholder(type_of(array)) for array in arrays]
    output = node_of(op, variables, case)
    if is_floating(output.dtype):
        _check_derivatives(output, variables, arrays, random)


def check_second_pullback(
    op: Op, case: Case, random: np.random.Generator, shape: Shape | None = None
) -> None:
    """The pullback's gradients, differentiated again by every input and by what comes in."""
    arrays = inputs(case, random, float64, shape)
    variables = [placeholder(type_of(array)) for array in arrays]
    output = node_of(op, variables, case)
    if not is_floating(output.dtype) or isinstance(op.pullback, PiecewiseConstant):
        return
    incoming = placeholder(output.type)
    for found in gradients([output], [incoming], _active(variables)):
        if found is not None:
            values = [*arrays, random.normal(size=output.shape)]
            _check_derivatives(found, [*variables, incoming], values, random)


def _active(variables: Sequence[Node]) -> list[Node]:
    return [each for each in variables if is_floating(each.dtype)]


def _check_derivatives(
    output: Node, variables: Sequence[Node], values: Sequence[Array], random: np.random.Generator
) -> None:
    weights = random.normal(size=output.shape)
    found = gradients([output], [constant(weights)], _active(variables))
    forward = Program(variables, [output])
    for variable, gradient in zip(_active(variables), found, strict=True):
        at = list(variables).index(variable)

        def moved(point: Array, at: int = at) -> np.floating[Any]:
            (value,) = forward(*values[:at], point, *values[at + 1 :])
            return np.vdot(weights, value)

        along = random.normal(size=variable.shape)
        expected = central_difference(moved, values[at], along)
        actual = np.float64(0.0)
        if gradient is not None:
            assert gradient.type == variable.type
            actual = np.vdot(along, Program(variables, [gradient])(*values)[0])
        scale = 1e-7 * (1 + np.abs(weights).sum()) + 1e-6 * abs(expected)
        assert abs(actual - expected) < scale, (
            f"{output.op.name}: {actual} by input {at}, differences say {expected}"
        )


def check_gradient_types(op: Op, case: Case, random: np.random.Generator, dtype: DType) -> None:
    """Each gradient has its input's type (also in float32, where differences are useless)."""
    arrays = inputs(case, random, dtype)
    variables = [placeholder(type_of(array)) for array in arrays]
    output = node_of(op, variables, case)
    if not is_floating(output.dtype):
        return
    seed = constant(np.ones(output.shape, output.dtype))
    for variable, found in zip(variables, gradients([output], [seed], variables), strict=True):
        if found is not None and is_floating(variable.dtype):
            assert found.type == variable.type
            (value,) = Program(variables, [found])(*arrays)
            assert type_of(value) == variable.type


def check_batch(
    op: Op,
    case: Case,
    random: np.random.Generator,
    size: int = 3,
    dtype: DType = float64,
    shape: Shape | None = None,
) -> None:
    """vmap of the op is a stack of its results, for every choice of mapped inputs."""
    for mapped in product([True, False], repeat=len(case.inputs)):
        if any(mapped):
            _check_mapped(op, case, random, size, mapped, dtype, shape)


def _check_mapped(
    op: Op,
    case: Case,
    random: np.random.Generator,
    size: int,
    mapped: tuple[bool, ...],
    dtype: DType,
    shape: Shape | None,
) -> None:
    arrays: list[Array] = []
    for sample, is_mapped in zip(case.inputs, mapped, strict=True):
        one = draw(sample, random, dtype, shape)
        many = [draw(sample, random, dtype, shape) for _ in range(size)]
        stacked = np.stack(many) if many else np.zeros((0, *one.shape), one.dtype)
        arrays.append(stacked if is_mapped else one)

    def of_one(*tensors: Tensor) -> Tensor:
        return tensors[0].apply(op, tensors, dict(case.attributes))

    axes = tuple(0 if is_mapped else None for is_mapped in mapped)
    found = st.vmap(of_one, axes)(*(Tensor(array, None) for array in arrays)).numpy()
    slices = [
        meaning(op, [a[i] if m else a for a, m in zip(arrays, mapped, strict=True)], case)
        for i in range(size)
    ]
    examples = [a[0] if m and size else a for a, m in zip(arrays, mapped, strict=True)]
    types = [
        TensorType(a.shape[1:] if m and not size else np.shape(a), a.dtype)
        for a, m in zip(examples, mapped, strict=True)
    ]
    one_type = op.infer(*types, **case.attributes)
    assert type_of(found) == TensorType((size, *one_type.shape), one_type.dtype), op.name
    if size:
        np.testing.assert_allclose(found, np.stack(slices), rtol=1e-12, atol=1e-14)
