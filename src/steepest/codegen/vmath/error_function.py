"""erf: a polynomial near 0, and 1 − erfc x = 1 − exp P(x) further out."""

from __future__ import annotations

from collections.abc import Mapping

from steepest.codegen.vmath.exponential import parts
from steepest.codegen.vmath.floats import FLOAT32, FLOAT64, Layout, at_most, layout, polynomial
from steepest.ir.scalar import Scalar, absolute, copysign, multiply_add, select

# erf x = x + x·P(x²) for |x| < 1
SMALL: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        0.12837916612625122,
        -0.3761262595653534,
        0.1128358244895935,
        -0.026853643357753754,
        0.005187962669879198,
        -0.0008006793214008212,
        7.842288323445246e-05,
    ),
    FLOAT64: (
        0.12837916709551256,
        -0.37612638903183454,
        0.11283791670942442,
        -0.02686617064289931,
        0.005223977604689966,
        -0.0008548325870703971,
        0.00012055292035174393,
        -1.4924685750072198e-05,
        1.6446833684025832e-06,
        -1.6204216644959769e-07,
        1.370256913134439e-08,
        -7.764805895007783e-10,
    ),
}
# erf x = 1 − exp P(x) for 1 ≤ x; 1 within the type's precision from the end of its interval on
LARGE: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        -0.000329790695104748,
        -1.1271381378173828,
        -0.6380612254142761,
        -0.10318152606487274,
        0.021874958649277687,
        -0.002957174787297845,
        0.00018738101061899215,
    ),
    FLOAT64: (
        -1.090953842259465e-06,
        -1.128368464364138,
        -0.6366686165357767,
        -0.10263498402542871,
        0.0188606835172161,
        0.0005900970099432474,
        -0.0021046036343509047,
        0.0009242667304750389,
        -0.00023313583424633264,
        2.911189806046623e-05,
        3.2245124585037346e-06,
        -2.570219884993819e-06,
        6.672152025490872e-07,
        -1.0523905755514874e-07,
        1.0606668327796015e-08,
        -6.33743736032608e-10,
        1.7196560756063912e-11,
    ),
}
END: Mapping[Layout, float] = {FLOAT32: 4.0, FLOAT64: 6.0}


def error_function(x: Scalar) -> Scalar:
    """The error function 2/√π · ∫₀ˣ e^−t² dt."""
    form = layout(x.dtype)
    size = absolute(x)
    square = size * size
    small = multiply_add(size, polynomial(square, SMALL[form]), size)
    found = parts(polynomial(at_most(size, END[form]), LARGE[form]), form)
    complement = multiply_add(found.rest, 2.0, 2.0)
    large = multiply_add(-complement, found.half_scale.bits(x.dtype), 1.0)
    return copysign(select(size < 1.0, small, large), x)
