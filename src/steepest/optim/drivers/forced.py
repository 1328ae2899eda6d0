"""A driver made to work on an objective that changes from step to step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from steepest.optim.drivers.driver import Driver, Iterate, Point, Surface

__all__ = ["Forced"]


@final
@dataclass(frozen=True)
class Forced(Driver):
    """A driver that takes mini-batches and dropout: w ← w + α d of each batch's own objective.

    Drivers compare values and gradients of different places, which says little when the objective
    is another one each time: L1 says of L-BFGS on mini-batches that it "gives bad results". This is
    for seeing that. Nothing counts as converged.

    Args:
        driver: such as :class:`LBFGS`.

    >>> import steepest as st
    >>> st.optim.Forced(st.optim.LBFGS(memory=5)).bears_noise
    True
    """

    driver: Driver

    @property
    def bears_noise(self) -> bool:
        """Yes."""
        return True

    def check_size(self, parameters: int) -> None:
        """As the driver."""
        self.driver.check_size(parameters)

    def begin(self, point: Point) -> Iterate:
        """As the driver."""
        return replace(self.driver.begin(point), reason="")

    def advance(self, iterate: Iterate, surface: Surface) -> Iterate:
        """As the driver; the next batch may want a step where this one does not."""
        return replace(self.driver.advance(iterate, surface), reason="")
