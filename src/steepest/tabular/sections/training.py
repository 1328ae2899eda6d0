"""Options of training: how long, on which batches, with which weights."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct, field

from steepest.losses import LOSSES
from steepest.tabular.chosen import OneOf, OptionsOf
from steepest.tabular.flag import Flag
from steepest.tabular.sections.values import Auto, OwnOptions
from steepest.train.samplers import SAMPLERS


@final
class Training(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to train, on which batches, with which weights."""

    loss: Annotated[
        str,
        OneOf((LOSSES,), words=("auto",)),
        Meta(description="auto: cross_entropy for classes, half_squared_error for numbers"),
        Flag("What is made small.  [by the task]"),
    ] = "auto"
    loss_options: Annotated[
        OwnOptions, OptionsOf("loss"), Meta(description="the loss's own options")
    ] = field(default_factory=OwnOptions)
    batch_size: Annotated[
        Auto | Annotated[int, Meta(ge=1)],
        Meta(description="auto: 32 up to 2,048 rows, 64 up to 8,192, 128 up to 16,384, then 256"),
        Flag("Rows per step.", "N"),
    ] = "auto"
    sampler: Annotated[
        str,
        OneOf((SAMPLERS,)),
        Meta(description="disjoint: each row once an epoch; or how else a step's rows are drawn"),
        Flag("How a step's rows are drawn: disjoint, fresh_subsets, ..."),
    ] = "disjoint"
    max_epochs: Annotated[
        Auto | Annotated[int, Meta(ge=1, le=1_000_000)],
        Meta(
            description="passes over the training rows at most; auto: 50; of tables up to 1,024 "
            "rows what 160 steps take, but 20 to 50, and up to 2,048 rows 30; of more than 16,384 "
            "16 for classes, else 24"
        ),
        Flag("Passes over the rows at most.", "N"),
    ] = "auto"
    patience: Annotated[
        int,
        Meta(description="epochs without a better validation loss before stopping; 0: never", ge=0),
    ] = 12
    l2: Annotated[
        float, Meta(description="penalty l2/2 * sum of squared weights", ge=0, le=1000)
    ] = 0.0
    class_weight: Annotated[
        Literal["none", "balanced"] | dict[str, Annotated[float, Meta(ge=0, le=1_000_000)]],
        Meta(description="balanced: every class counts alike; or a table: {yes = 3}, 1 for others"),
        Flag("balanced: every class counts alike."),
    ] = "none"
    dtype: Annotated[
        Literal["float32", "float64"],
        Meta(description="element type of the weights and of all that is computed with them"),
    ] = "float32"
    average_weights: Annotated[
        float,
        Meta(
            description="use averages a <- v * a + (1 - v) * w of the weights w; 0: w itself",
            ge=0,
            lt=1,
        ),
        Flag("Use running averages of the weights that keep this share a step: 0.995.", "SHARE"),
    ] = 0.0
    ensemble_size: Annotated[
        int,
        Meta(
            description="networks trained side by side, whose predictions are averaged",
            ge=1,
            le=1000,
        ),
        Flag("Train so many networks and average them.", "N"),
    ] = 1
    seed: Annotated[
        int,
        Meta(description="same seed, same model", ge=0, lt=2**32),
        Flag("Same seed, same model.", "N"),
    ] = 0
    time_limit: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="seconds of training at most; unset: no limit"),
        Flag("Stop training after so long.", "SECONDS"),
    ] = None
