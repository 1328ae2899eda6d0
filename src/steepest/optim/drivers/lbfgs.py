"""L-BFGS: the inverse Hessian from the last m steps, without storing it."""

from __future__ import annotations

from collections.abc import Mapping
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
from steepest.optim.drivers.line_search import search
from steepest.optim.options import names_its_options

__all__ = ["LBFGS"]


@DRIVERS.register("lbfgs", "P10")
@final
@names_its_options
@dataclass(frozen=True)
class LBFGS(Driver):
    """BFGS from the last m pairs (s, y): w ← w + α d, d = −H∇f by the two-loop recursion.

    s = w_new − w and y = ∇f_new − ∇f; H is what BFGS makes of γI, γ = sᵀy / yᵀy, and these pairs,
    in O(m p) time and memory for p parameters. The length α satisfies the strong Wolfe conditions
    f(w + αd) ≤ f(w) + c₁ α ∇f·d and |∇f(w + αd)·d| ≤ c₂ |∇f·d| with c₁ = 1e-4, c₂ = 0.9.

    It wants the whole objective, the same at each iteration: mini-batches and dropout are refused
    (L1: "gives bad results"), unless it is wrapped in :class:`Forced`. In a Trainer an iteration is
    an epoch and a step. Differs from ``torch.optim.LBFGS``: the line search is always on, no
    learning rate; from SciPy's L-BFGS-B: no bounds.

    Args:
        memory: m, how many pairs are kept.
        gradient_tolerance: it has converged where no part of the gradient is larger.
        function_tolerance: and where an iteration decreases f by no more than this share of |f|.

    Raises:
        ConfigurationError: a memory below 1, a negative tolerance.

    Source: Nocedal 1980; Liu, Nocedal 1989; Nocedal, Wright: "Numerical optimization" (2006), 7.2.

    >>> import steepest as st
    >>> found = st.optim.minimise(lambda x: st.sum((x - 3.0) ** 4), [0.0, 1.0], st.optim.LBFGS())
    >>> bool(np.allclose(found.x, 3.0, atol=0.05))
    True
    """

    memory: int = 10
    gradient_tolerance: float = 1e-5
    function_tolerance: float = 1e-9

    def __post_init__(self) -> None:
        if isinstance(self.memory, bool) or not isinstance(self.memory, int) or self.memory < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"LBFGS: memory is a whole number of pairs from 1 on, not {self.memory!r}"
            )
        check_tolerances("LBFGS", self.gradient_tolerance, self.function_tolerance)

    @property
    def tolerances(self) -> Tolerances:
        """When it has converged."""
        return Tolerances(self.gradient_tolerance, self.function_tolerance)

    def begin(self, point: Point) -> Iterate:
        """No pairs yet."""
        none = np.empty((0, len(point.x)))
        start = Iterate(point, {"steps": none, "changes": none})
        return replace(start, reason=self.tolerances.at_start(point))

    def advance(self, iterate: Iterate, surface: Surface) -> Iterate:
        """A line search along −H∇f; along −∇f where that leads nowhere."""
        before, kept = iterate.point, iterate.kept
        found = None
        if len(kept["steps"]):
            direction = -product(kept["steps"], kept["changes"], before.gradient)
            found = search(surface, before, direction, 1.0)
        if found is None:  # the pairs say nothing about this place: begin anew
            kept = {name: array[:0] for name, array in kept.items()}
            found = search(surface, before, -before.gradient, cautious(before))
        if found is None:
            return replace(iterate, kept=kept, reason=NO_PROGRESS)
        length, point = found
        after = Iterate(
            point, self._remembered(kept, before, point), iterate.iterations + 1, length
        )
        return self.tolerances.judged(before, after)

    def _remembered(
        self, kept: Mapping[str, Array], before: Point, after: Point
    ) -> dict[str, Array]:
        """The pairs with the new one, which counts only if it shows positive curvature."""
        step, change = after.x - before.x, after.gradient - before.gradient
        if not is_curved(step, change):
            return dict(kept)
        return {
            "steps": np.vstack([kept["steps"], step])[-self.memory :],
            "changes": np.vstack([kept["changes"], change])[-self.memory :],
        }


NO_PROGRESS = (
    "no progress: the line search found no lower value along the gradient, which is as small as "
    "rounding allows"
)


def product(steps: Array, changes: Array, vector: Array) -> Array:
    """H v by the two-loop recursion, H₀ = γ I with γ = sᵀy / yᵀy of the last pair."""
    weights = [1.0 / float(s @ y) for s, y in zip(steps, changes, strict=True)]
    result, alphas = vector.copy(), [0.0] * len(weights)
    for i in reversed(range(len(weights))):
        alphas[i] = weights[i] * float(steps[i] @ result)
        result -= alphas[i] * changes[i]
    result *= 1.0 / (weights[-1] * float(changes[-1] @ changes[-1]))
    for i in range(len(weights)):
        beta = weights[i] * float(changes[i] @ result)
        result += (alphas[i] - beta) * steps[i]
    return result


def cautious(point: Point) -> float:
    """The length tried first along −∇f, of which nothing is known but its direction: ‖αd‖ ≤ 0.1."""
    return min(1.0, 0.1 / max(float(np.linalg.norm(point.gradient)), 1e-300))


def is_curved(step: Array, change: Array) -> bool:
    """Whether sᵀy > 0, beyond rounding: H stays positive definite."""
    return float(step @ change) > 1e-14 * float(np.linalg.norm(step) * np.linalg.norm(change))
