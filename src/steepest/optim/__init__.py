"""Optimisers: update rules, transforms around them, and learning-rate schedules."""

from steepest.optim import (
    adam,
    adaptive,
    averaging,
    clipping,
    decay,
    drivers,
    gradient_descent,
    groups,
    named,
    rules,
    schedules,
)
from steepest.optim.adam import *
from steepest.optim.adaptive import *
from steepest.optim.averaging import *
from steepest.optim.clipping import *
from steepest.optim.decay import *
from steepest.optim.drivers import *
from steepest.optim.gradient_descent import *
from steepest.optim.groups import *
from steepest.optim.named import *
from steepest.optim.rule import (
    Attached as Attached,
    LooksAhead as LooksAhead,
    Parameter as Parameter,
    Rule as Rule,
    average_cells as average_cells,
)
from steepest.optim.rules import *
from steepest.optim.schedules import Time as Time

__all__ = [
    "Attached",
    "LooksAhead",
    "Parameter",
    "Rule",
    "Time",
    "average_cells",
    "schedules",
]
__all__ += adam.__all__
__all__ += adaptive.__all__
__all__ += averaging.__all__
__all__ += clipping.__all__
__all__ += decay.__all__
__all__ += drivers.__all__
__all__ += gradient_descent.__all__
__all__ += groups.__all__
__all__ += named.__all__
__all__ += rules.__all__
