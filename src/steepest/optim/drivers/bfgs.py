"""BFGS: the inverse Hessian, corrected by two ranks at each step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.optim.drivers.driver import (
    DRIVERS,
    Driver,
    Iterate,
    Point,
    Surface,
    Tolerances,
    check_tolerances,
)
from steepest.optim.drivers.lbfgs import NO_PROGRESS, cautious, is_curved
from steepest.optim.drivers.line_search import search
from steepest.optim.options import names_its_options

__all__ = ["BFGS"]

MOST_PARAMETERS = 5000  # of which H has 25 million numbers


@DRIVERS.register("bfgs", "P9")
@final
@names_its_options
@dataclass(frozen=True)
class BFGS(Driver):
    """Quasi-Newton with the whole inverse Hessian: w ← w − α H∇f, H ← VᵀHV + ssᵀ/sᵀy.

    V = I − ysᵀ/sᵀy with s = w_new − w and y = ∇f_new − ∇f, so that H y = s; after the first step H₀
    is scaled to sᵀy / yᵀy. The correction has rank **two** (ssᵀ and Hysᵀ + syᵀH); L2 calls it rank
    one, which is another method (SR1). α by the strong Wolfe conditions, as in :class:`LBFGS`,
    which needs O(m p) memory where this needs p².

    Args:
        gradient_tolerance: it has converged where no part of the gradient is larger.
        function_tolerance: and where an iteration decreases f by no more than this share of |f|.

    Raises:
        ConfigurationError: a negative tolerance; more than 5,000 parameters.

    Source: Broyden, Fletcher, Goldfarb, Shanno 1970; Nocedal, Wright (2006), algorithm 6.1.

    >>> import steepest as st
    >>> found = st.optim.minimise(lambda x: (x[0] - 1.0) ** 2 + x[1] ** 2, [4.0, 4.0], "bfgs")
    >>> bool(np.allclose(found.x, [1.0, 0.0], atol=1e-5))
    True
    """

    gradient_tolerance: float = 1e-5
    function_tolerance: float = 1e-9

    def __post_init__(self) -> None:
        check_tolerances("BFGS", self.gradient_tolerance, self.function_tolerance)

    @property
    def tolerances(self) -> Tolerances:
        """When it has converged."""
        return Tolerances(self.gradient_tolerance, self.function_tolerance)

    def check_size(self, parameters: int) -> None:
        """H has p² numbers."""
        if parameters > MOST_PARAMETERS:
            raise ConfigurationError(
                f"BFGS keeps a matrix of {parameters:,} × {parameters:,} numbers, for up to "
                f"{MOST_PARAMETERS:,} parameters; LBFGS ('lbfgs') keeps 10 vectors instead"
            )

    def begin(self, point: Point) -> Iterate:
        """Nothing is known of the Hessian: the empty matrix."""
        start = Iterate(point, {"inverse": np.empty((0, 0))})
        return replace(start, reason=self.tolerances.at_start(point))

    def advance(self, iterate: Iterate, surface: Surface) -> Iterate:
        """A line search along −H∇f; along −∇f where that leads nowhere."""
        before, inverse = iterate.point, iterate.kept["inverse"]
        found = None
        if len(inverse):
            found = search(surface, before, -(inverse @ before.gradient), 1.0)
        if found is None:
            inverse = np.empty((0, 0))
            found = search(surface, before, -before.gradient, cautious(before))
        if found is None:
            return replace(iterate, kept={"inverse": inverse}, reason=NO_PROGRESS)
        length, point = found
        step, change = point.x - before.x, point.gradient - before.gradient
        kept = {"inverse": corrected(inverse, step, change)}
        after = Iterate(point, kept, iterate.iterations + 1, length)
        return self.tolerances.judged(before, after)


def corrected(inverse: Array, step: Array, change: Array) -> Array:
    """The inverse Hessian after a step s that changed the gradient by y: H y = s then.

    >>> s, y = np.array([1.0, 2.0]), np.array([3.0, 1.0])
    >>> h = corrected(np.eye(2), s, y)
    >>> bool(np.allclose(h @ y, s)), int(np.linalg.matrix_rank(h - np.eye(2)))
    (True, 2)
    """
    if not is_curved(step, change):
        return inverse
    product = float(step @ change)
    if not len(inverse):
        inverse = (product / float(change @ change)) * np.eye(len(step))
    bent = inverse @ change  # Hy
    scale = (1.0 + float(change @ bent) / product) / product
    return inverse + scale * np.outer(step, step) - (
        np.outer(bent, step) + np.outer(step, bent)
    ) / product  # fmt: skip
