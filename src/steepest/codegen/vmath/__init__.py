"""Vector mathematics: exp, log, sin and their kind in the basic instructions, without branches.

Each function takes and gives a :class:`~steepest.ir.scalar.Scalar` and serves float32 and float64.
The coefficients are printed by ``tools/coefficients.py``.
"""

from steepest.codegen.vmath.expansions import EXPANSIONS

__all__ = ["EXPANSIONS"]
