"""Options of the optimiser and its learning rate."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct, field

from steepest.optim import DRIVERS, RULES
from steepest.optim.schedules import SCHEDULES
from steepest.tabular.chosen import OneOf, OptionsOf
from steepest.tabular.flag import Flag
from steepest.tabular.sections.values import Auto, OwnOptions


@final
class Optimizer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule that turns gradients into steps, and its learning rate over time."""

    name: Annotated[
        str,
        OneOf((RULES, DRIVERS)),
        Meta(description="a rule, or a driver such as lbfgs, which takes all rows at each step"),
        Flag("adamw, adam, nesterov, sgd, lbfgs, ...", name="optimizer"),
    ] = "adamw"
    options: Annotated[
        OwnOptions, OptionsOf("name"), Meta(description="the rule's own: {beta2 = 0.99}")
    ] = field(default_factory=OwnOptions)
    learning_rate: Annotated[
        Literal["recipe", "auto"] | Annotated[float, Meta(gt=0, le=1000)],
        Meta(
            description="its highest value; recipe: 0.002 for adamw and its like, or 0.05; auto: "
            "found by a range test"
        ),
        Flag("The highest rate; auto: by a range test.", "RATE"),
    ] = "recipe"
    schedule: Annotated[
        str,
        OneOf((SCHEDULES,)),
        Meta(description="of the rate; 'steepest schedule' lists and draws them"),
        Flag("Of the rate: cosine, constant, linear, ..."),
    ] = "cosine"
    schedule_options: Annotated[
        OwnOptions,
        OptionsOf("schedule"),
        Meta(description="the schedule's own, times in epochs: {milestones = [30, 40]}"),
    ] = field(default_factory=OwnOptions)
    warm_up: Annotated[
        float, Meta(description="share of the steps during which the rate rises", ge=0, lt=1)
    ] = 0.05
    weight_decay: Annotated[
        Auto | Annotated[float, Meta(ge=0, le=1000)],
        Meta(description="decoupled: w <- (1 - rate * decay) w; auto: 0.01 for adamw, else 0"),
        Flag("Decoupled decay, as in AdamW.", "DECAY"),
    ] = "auto"
    momentum: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | OwnOptions,
        Meta(description="where the rule has one; a table is a schedule of its own"),
    ] = 0.9
    l1: Annotated[
        float,
        Meta(
            description="weights are pulled towards 0 by rate * l1 a step, to exactly 0",
            ge=0,
            le=1000,
        ),
        Flag("Pull weights to exactly 0, so strongly.", "DECAY"),
    ] = 0.0
    clip_norm: Annotated[
        float,
        Meta(
            description="gradients are shortened to this norm, all together; 0: not", ge=0, le=1e6
        ),
        Flag("Shorten longer gradients to this.", "NORM"),
    ] = 0.0
    clip_value: Annotated[
        float,
        Meta(description="each element of a gradient is kept within +-this; 0: not", ge=0, le=1e6),
    ] = 0.0
