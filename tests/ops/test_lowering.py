"""What every op is lowered to: a kind of the closed list, and formulas that mean the reference."""

import itertools
import math
import typing

import numpy as np
import pytest

from kit.draw import generator, inputs
from kit.judge import meaning
from steepest.errors import SteepestError
from steepest.ir.lowering import Host, Lowering, Pointwise
from steepest.ir.op import OPS, Case, Op
from steepest.ir.scalar import INSTRUCTIONS, Scalar, argument, evaluate, ordered
from steepest.ir.types import DTYPES, Array, DType, bool_, float32, float64, is_floating, type_of

KINDS = typing.get_args(Lowering)
CALLS = [(op, number, case) for op in OPS.values() for number, case in enumerate(op.cases)]
HOST = {"argmax", "argmin", "argsort"}
LEAVES = {"argument", "constant"}
SHAPED = {"cast", "bits", "call"}  # instructions that say more than their operands
# Where both are zero, NumPy's own choice between 0 and −0 depends on the machine.
ANY_ZERO = {"maximum", "minimum", "relu"}
# Formulas that round elsewhere than the reference.
CLOSE = {"logaddexp": 4e-7}

calls = pytest.mark.parametrize(
    ("op", "case"), [pytest.param(op, case, id=f"{op.name}-{n}") for op, n, case in CALLS]
)
formulas = pytest.mark.parametrize(
    ("op", "case"),
    [
        pytest.param(op, case, id=f"{op.name}-{n}")
        for op, n, case in CALLS
        if isinstance(op.lower(**case.attributes), Pointwise)
    ],
)


@calls
def test_a_call_is_lowered_to_a_kind_of_the_list(op: Op, case: Case) -> None:
    assert isinstance(op.lower(**case.attributes), KINDS)


@calls
def test_only_these_need_the_reference(op: Op, case: Case) -> None:
    """A program with such an op is not compiled: nobody should add one unnoticed."""
    lowered = op.lower(**case.attributes)
    assert isinstance(lowered, Host) == (op.name in HOST)
    assert not isinstance(lowered, Host) or len(lowered.reason) > 10


def special(dtype: DType) -> list[float]:
    """Numbers at which a formula is likely to be wrong."""
    if dtype == bool_:
        return [False, True]
    if not is_floating(dtype):
        limits = np.iinfo(dtype)
        near = [limits.min, limits.min + 1, limits.max - 1, limits.max, 0, 1, 2, 3, 7, 100]
        return sorted({*near, *([-1, -2, -7] if limits.min else [])})
    limits = np.finfo(dtype)
    tiny, small = float(limits.smallest_subnormal), float(limits.smallest_normal)
    sizes = [0.0, tiny, 3 * tiny, small, 1e-9, 0.5, 1.0, 1.5, 2.5, 7.0, 20.0, 104.0, 1e6, 2.0**31]
    sizes += [float(limits.max), math.inf]
    return [math.nan, *sizes, *(-each for each in sizes)]


def every_pair(op: Op, case: Case, dtype: DType) -> list[Array]:
    """All combinations of special numbers, one array per input."""
    dtypes = [dtype if s.dtype == "floating" else np.dtype(s.dtype) for s in case.inputs]
    if op.name != "where" and len(set(dtypes)) == 1 and dtypes[0] != bool_:
        dtypes = [dtype] * len(dtypes)
    choices = [special(each) for each in dtypes]
    columns = zip(*itertools.product(*choices), strict=True)
    return [np.array(c, each) for c, each in zip(columns, dtypes, strict=True)]


def formula_of(op: Op, case: Case, arrays: list[Array]) -> tuple[Scalar, Scalar | None]:
    lowered = op.lower(**case.attributes)
    assert isinstance(lowered, Pointwise)
    leaves = [argument(i, each.dtype) for i, each in enumerate(arrays)]
    check = None if lowered.check is None else lowered.check(*leaves)
    return lowered.formula(*leaves), check


def check_formula(op: Op, case: Case, arrays: list[Array]) -> None:
    """The formula has the type and the value of the reference, and its check tells its errors."""
    root, check = formula_of(op, case, arrays)
    if check is not None:
        holds = np.broadcast_to(evaluate(check, *arrays), arrays[0].shape)
        if not holds.all():
            with pytest.raises(SteepestError):
                meaning(op, arrays, case)
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
        arrays = every_pair(op, case, dtype)
        try:
            op.infer(*map(type_of, arrays), **case.attributes)
        except SteepestError:
            assert dtype not in (float32, float64) or case.inputs[0].dtype != "floating"
            continue
        check_formula(op, case, arrays)


@formulas
def test_a_formula_is_made_of_the_instructions_of_the_list(op: Op, case: Case) -> None:
    for dtype in (float32, float64):
        root, _ = formula_of(op, case, inputs(case, generator(), dtype))
        for scalar in ordered([root]):
            known = scalar.instruction in (INSTRUCTIONS.keys() | LEAVES | SHAPED)
            assert known, scalar.instruction


def test_every_instruction_keeps_its_element_types() -> None:
    """Operands of one type where the machine wants that: a formula does not lean on NumPy."""
    mixed = {"select", "cast", "bits"}
    for op, _, case in CALLS:
        for dtype in DTYPES:
            arrays = every_pair(op, case, dtype)
            try:
                op.infer(*map(type_of, arrays), **case.attributes)
            except (SteepestError, IndexError, ValueError):
                continue
            if isinstance(op.lower(**case.attributes), Pointwise):
                for scalar in ordered([formula_of(op, case, arrays)[0]]):
                    if scalar.instruction not in mixed:
                        assert len({each.dtype for each in scalar.inputs}) <= 1, scalar
