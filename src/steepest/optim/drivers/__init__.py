"""Drivers: optimisers that evaluate the whole objective as often as they need."""

from steepest.optim.drivers.bfgs import BFGS
from steepest.optim.drivers.driver import (
    DRIVERS,
    Driver,
    Iterate,
    Point,
    Surface,
    Tolerances,
)
from steepest.optim.drivers.forced import Forced
from steepest.optim.drivers.lbfgs import LBFGS
from steepest.optim.drivers.minimise import Minimum, minimise
from steepest.optim.drivers.newton import Newton

__all__ = [
    "BFGS",
    "DRIVERS",
    "LBFGS",
    "Driver",
    "Forced",
    "Iterate",
    "Minimum",
    "Newton",
    "Point",
    "Surface",
    "Tolerances",
    "minimise",
]
