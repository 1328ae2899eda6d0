"""Optimisers: update rules, transforms around them, and learning-rate schedules."""

from steepest.optim import schedules
from steepest.optim.rule import Attached, Parameter, Rule, Time, average_cells
from steepest.optim.rules import (
    RULES,
    SGD,
    Adam,
    AdamW,
    AveragedParameters,
    Momentum,
    Nesterov,
    NesterovLookAhead,
    WeightDecay,
    rule,
)

__all__ = [
    "RULES",
    "SGD",
    "Adam",
    "AdamW",
    "Attached",
    "AveragedParameters",
    "Momentum",
    "Nesterov",
    "NesterovLookAhead",
    "Parameter",
    "Rule",
    "Time",
    "WeightDecay",
    "average_cells",
    "rule",
    "schedules",
]
