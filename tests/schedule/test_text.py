"""A schedule as text, whole: every kind of kernel, and the memory they work in."""

from steepest.ir.scalar import Scalar, absolute
from steepest.ir.types import DType, float32, int64, uint32
from steepest.schedule.kernels import (
    Access,
    Buffer,
    Contraction,
    Draw,
    Finite,
    Folded,
    Folds,
    Kernel,
    Scanned,
    Scattered,
    Store,
)
from steepest.schedule.memory import Lifetime, arrange
from steepest.schedule.plan import Schedule
from steepest.schedule.text import text


def buffer(name: str, *extents: int, dtype: DType = float32) -> Buffer:
    """Rows of 16."""
    strides = (16, 1)[2 - len(extents) :]
    return Buffer(name, dtype, extents, strides, "scratch", 16 * (extents[0] if strides[1:] else 1))


def load(access: Access, *places: Scalar) -> Scalar:
    return Scalar("load", places, access.buffer.dtype, access)


X, Y = buffer("x", 5, 3), buffer("y", 3, 4)
AT = buffer("at", 5, dtype=int64)
KEY, STEP = buffer("key", 2, dtype=uint32), buffer("step", dtype=uint32)
Z, SUMS = buffer("z", 5, 4), buffer("sums", 5)
R0 = Scalar("result", (), float32, 0)
POSITION = load(Access(AT, (1, 0)))
PICKED = load(Access(X, (0, 0), 2, (16,)), POSITION)
TWICE = absolute(R0)

KERNELS = (
    Kernel(
        "product",
        (5, 4),
        (
            Store(Access(Z, (16, 1)), TWICE * TWICE + PICKED),
            Store(Access(Z, (16, 1), 48), TWICE * 0.5, exact=True),
        ),
        1,
        Contraction(3, Access(X, (16, 0, 1)), Access(Y, (0, 1, 16))),
        (POSITION < 5, TWICE < 9.0),
    ),
    Kernel(
        "sums",
        (5,),
        (Store(Access(SUMS, (1,)), R0 + Scalar("result", (), float32, 1)),),
        1,
        Folds(
            (4,),
            (
                Folded("sum", load(Access(Z, (16, 1)))),
                Folded("max", load(Access(Z, (16, -1), 3)) * load(Access(SUMS, (0, 0)))),
            ),
        ),
    ),
    Kernel("copy", (5,), (Store(Access(SUMS, (1,)), load(Access(Z, (16,)))),), 0),
    Draw("words", Access(KEY, (), 2), Access(STEP, ()), 3, Access(Z, (16, 1)), 5, 4),
    Scattered(
        "scatter", (1, 5, 3), 7, Access(X, (0, 16, 1)), Access(AT, (1,)), Access(Z, (0, 16, 1))
    ),
    Scanned("running sum", (1, 5, 3), Access(X, (0, 16, 1)), Access(Z, (0, 16, 1))),
    Finite("is it finite?", SUMS),
)

EXPECTED = """\
kernel 0: product
  for i0 < 5, i1 < 4; vectors along i1
    r0 = sum over i2 < 3 of x[16 i0 + i2] * y[i1 + 16 i2]
    t0 = absolute(r0)
    t1 = at[i0]
    z[16 i0 + i1] = add(multiply(t0, t0), x[16 t1 + 2])
    z[16 i0 + i1 + 48] = multiply(t0, 0.5)
    check less(t1, 5)
    check less(t0, 9.0)
kernel 1: sums
  for i0 < 5; vectors along i1
    r0 = sum over i1 < 4 of z[16 i0 + i1]
    r1 = max over i1 < 4 of multiply(z[16 i0 + -1 i1 + 3], sums[0])
    sums[i0] = add(r0, r1)
kernel 2: copy
  for i0 < 5; vectors along i0
    sums[i0] = z[16 i0]
kernel 3: words
  z[16 i0 + i1] = random words of key key[2], step step[0], site 3; 5 x 4
kernel 4: scatter
  z[16 i1 + i2] = 0, then += x[16 i1 + i2] at row at[i0]; 1 x 5 x 3
kernel 5: running sum
  z[16 i1 + i2] = running sum of x[16 i1 + i2]; 1 x 5 x 3
kernel 6: is it finite?
  stop unless sums is finite
scratch memory: 640 bytes, of which 384 are in use at once
           0  z: float32[5, 4]
           0  step: uint32[]
         320  sums: float32[5]
"""


def test_everything() -> None:
    lives = {Z: Lifetime(0, 2), SUMS: Lifetime(1, 2), STEP: Lifetime(3, 3)}
    plan = Schedule(KERNELS, (), (), (), (), arrange(lives), None)
    assert text(plan) == EXPECTED.rstrip("\n")
