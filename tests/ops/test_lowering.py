"""What every op is lowered to: a kind of the closed list, and formulas that mean the reference."""

import typing

import numpy as np
import pytest

from kit.draw import generator, inputs
from kit.formulas import (
    ANY_ZERO,
    calls_with_a_formula,
    dtypes_of,
    every_pair,
    formula_of,
    of_many_sizes,
    special,
)
from kit.judge import meaning
from steepest.errors import SteepestError
from steepest.ir.lowering import Host, Lowering, Pointwise
from steepest.ir.op import OPS, Case, Op, Sample
from steepest.ir.scalar import INSTRUCTIONS, evaluate, ordered
from steepest.ir.types import (
    DTYPES,
    Array,
    DType,
    TensorType,
    bool_,
    float32,
    float64,
    is_floating,
)

KINDS = typing.get_args(Lowering)
CALLS = [(op, number, case) for op in OPS.values() for number, case in enumerate(op.cases)]
HOST = {"argsort"}
LEAVES = {"argument", "constant"}
SHAPED = {"cast", "bits", "call"}  # instructions that say more than their operands
# Formulas that round elsewhere than the reference.
CLOSE = {"logaddexp": 4e-7}

calls = pytest.mark.parametrize(
    ("op", "case"), [pytest.param(op, case, id=f"{op.name}-{n}") for op, n, case in CALLS]
)
formulas = pytest.mark.parametrize(("op", "case"), list(calls_with_a_formula()))


@calls
def test_a_call_is_lowered_to_a_kind_of_the_list(op: Op, case: Case) -> None:
    assert isinstance(op.lower(**case.attributes), KINDS)


@calls
def test_only_these_need_the_reference(op: Op, case: Case) -> None:
    """A program with such an op is not compiled: nobody should add one unnoticed."""
    lowered = op.lower(**case.attributes)
    assert isinstance(lowered, Host) == (op.name in HOST)
    assert not isinstance(lowered, Host) or len(lowered.reason) > 10


def is_taken(op: Op, case: Case, dtype: DType) -> bool:
    """Whether the op works on such numbers."""
    types = [TensorType((2,), each) for each in dtypes_of(op, case, dtype)]
    try:
        op.infer(*types, **case.attributes)
    except SteepestError:
        assert not is_floating(dtype) or case.inputs[0].dtype != "floating"
        return False
    return True


def check_formula(op: Op, case: Case, arrays: list[Array]) -> None:
    """The formula has the type and the value of the reference, and its check tells its errors."""
    root, check = formula_of(op, case, arrays)
    if check is not None:
        holds = np.broadcast_to(evaluate(check, *arrays), arrays[0].shape)
        for at in np.flatnonzero(~holds)[:50]:
            with pytest.raises(SteepestError):
                meaning(op, [each.reshape(-1)[at : at + 1] for each in arrays], case)
        arrays = [each[holds] for each in arrays]
    expected = meaning(op, arrays, case)
    found = np.broadcast_to(evaluate(root, *arrays), expected.shape)
    assert (root.dtype, found.dtype) == (expected.dtype, expected.dtype)
    tolerance = CLOSE.get(op.name, 0.0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=op.name)
    if is_floating(expected.dtype) and op.name not in ANY_ZERO:
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(expected)[numbers])


@formulas
def test_a_formula_is_the_reference(op: Op, case: Case) -> None:
    for dtype in (float32, float64):
        for seed in range(3):
            check_formula(op, case, inputs(case, generator(seed), dtype))


@formulas
def test_a_formula_is_the_reference_at_the_edges(op: Op, case: Case) -> None:
    """At zeros of both signs, infinities, NaN, denormals, and the ends of every integer type."""
    for dtype in DTYPES:
        if is_taken(op, case, dtype):
            check_formula(op, case, every_pair(op, case, dtype))


@formulas
def test_a_formula_is_the_reference_from_small_to_large(op: Op, case: Case) -> None:
    for dtype in DTYPES:
        if is_taken(op, case, dtype):
            check_formula(op, case, of_many_sizes(op, case, dtype, generator(5)))


@pytest.mark.parametrize("target", DTYPES, ids=str)
def test_every_cast_is_numpys(target: DType) -> None:
    case = Case((Sample(),), {"dtype": target})
    for dtype in DTYPES:
        numbers = special(dtype)
        if is_floating(dtype) and not is_floating(target) and target != bool_:
            numbers = [each for each in numbers if abs(each) < 100]  # beyond is the machine's
        check_formula(OPS["cast"], case, [np.array(numbers, dtype)])


@formulas
def test_a_formula_is_made_of_the_instructions_of_the_list(op: Op, case: Case) -> None:
    for dtype in (float32, float64):
        root, _ = formula_of(op, case, inputs(case, generator(), dtype))
        for scalar in ordered([root]):
            known = scalar.instruction in (INSTRUCTIONS.keys() | LEAVES | SHAPED)
            assert known, scalar.instruction


def test_every_instruction_keeps_its_element_types() -> None:
    """Operands of one type where the machine wants that: a formula does not lean on NumPy."""
    for op, _, case in CALLS:
        lowered = op.lower(**case.attributes)
        for dtype in DTYPES if isinstance(lowered, Pointwise) else ():
            if is_taken(op, case, dtype):
                root, _ = formula_of(op, case, every_pair(op, case, dtype))
                for scalar in ordered([root]):
                    operands = (
                        scalar.inputs[1:] if scalar.instruction == "select" else scalar.inputs
                    )
                    assert len({each.dtype for each in operands}) <= 1, scalar


def test_a_check_that_always_holds_is_none() -> None:
    """So that powers of floats are computed wherever they are needed, like any other formula."""
    lowered = OPS["pow"].lower()
    assert isinstance(lowered, Pointwise)
    assert lowered.on([float32, float32]).check is None
    assert lowered.on([np.dtype("uint8")] * 2).check is None
    assert lowered.on([np.dtype("int8")] * 2).check is not None
    added = OPS["add"].lower()
    assert isinstance(added, Pointwise)
    assert added.on([float32, float32]) is added
