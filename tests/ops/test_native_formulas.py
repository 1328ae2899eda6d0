"""Formulas as machine code: what the processor gives is what the op's reference says."""

import numpy as np
import pytest

from codegen.native import run_elementwise, widths
from kit.formulas import ANY_ZERO, calls_with_a_formula, every_pair, formula_of
from kit.judge import meaning
from steepest.errors import SteepestError
from steepest.ir.op import Case, Op
from steepest.ir.types import DTYPES, Array, DType, float32, is_floating, type_of

ULPS = {"float32": 2.5, "float64": 4.0}
# The reference itself rounds several times, or cancels: compared with room for that.
ROUGH = {"logaddexp": 8.0}


def check_native(op: Op, case: Case, dtype: DType, lanes: int) -> None:
    arrays = every_pair(op, case, dtype)
    op.infer(*map(type_of, arrays), **case.attributes)
    root, check = formula_of(op, case, arrays)
    if check is not None:
        holds = run_elementwise(check, lanes, *arrays)
        arrays = [each[holds] for each in arrays]
    found = run_elementwise(root, lanes, *arrays)
    expected = meaning(op, arrays, case)
    assert found.dtype == expected.dtype
    if op.name == "cast" and is_floating(arrays[0].dtype) and not is_floating(found.dtype):
        inside = np.abs(arrays[0]) < 2.0**31  # out of range is up to the machine
        found, expected = found[inside], expected[inside]
    if is_floating(expected.dtype):
        check_floats(op, arrays, found, expected, lanes)
    else:
        np.testing.assert_array_equal(found, expected, err_msg=f"{op.name} {dtype} {lanes}")


def check_floats(op: Op, arrays: list[Array], found: Array, exact: Array, lanes: int) -> None:
    """A few units in the last place of the exact result, computed in a wider type for float32."""
    dtype = found.dtype
    with np.errstate(all="ignore"):
        if (
            dtype == float32
            and op.name != "nextafter"
            and all(is_floating(each.dtype) for each in arrays)
        ):
            wide = op.reference(*(each.astype(np.float64) for each in arrays))
            exact = np.where(np.isfinite(exact) & np.isfinite(wide), wide, exact)
        units = np.abs(np.spacing(np.where(np.isfinite(exact), exact, 1).astype(dtype)))
        same = (found == exact) | (np.isnan(found) & np.isnan(exact))
        off = np.where(same, 0, np.abs(found.astype(np.float64) - exact) / units)
    worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    limit = ROUGH.get(op.name, ULPS[str(dtype)])
    assert off[worst] <= limit, (
        f"{op.name} at {lanes} lanes of {dtype}: {[each[worst] for each in arrays]} gives "
        f"{found[worst]!r}, not {exact[worst]!r}: {off[worst]} units"
    )
    if op.name not in ANY_ZERO:
        numbers = ~np.isnan(found)
        np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(exact[numbers]))


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize(("op", "case"), list(calls_with_a_formula()))
def test_machine_code_of_a_formula_is_the_reference(op: Op, case: Case, lanes: int) -> None:
    wanted = DTYPES if lanes == widths()[0] else (float32, np.dtype("float64"))
    for dtype in wanted:
        try:
            op.infer(*map(type_of, every_pair(op, case, dtype)), **case.attributes)
        except SteepestError:
            continue
        check_native(op, case, dtype, lanes)
