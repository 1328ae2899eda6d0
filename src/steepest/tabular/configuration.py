"""Every option of a fit in one typed, frozen, nested value that is saved with the model."""

from __future__ import annotations

import inspect
from typing import Annotated, Literal, TypeAlias, final

from msgspec import Meta, Struct, field

from steepest.data.options import MISSING
from steepest.errors import ConfigurationError
from steepest.init import INITIALISERS
from steepest.losses import LOSSES
from steepest.nn.activations import ACTIVATIONS
from steepest.nn.images import IMAGE_SCALINGS
from steepest.optim import DRIVERS, RULES
from steepest.optim.schedules import SCHEDULES
from steepest.tabular.chosen import OneOf, OptionsOf
from steepest.tabular.flag import Flag
from steepest.train.samplers import SAMPLERS

Auto: TypeAlias = Literal["auto"]
Task: TypeAlias = Literal["classification", "regression"]
# What a method's own options may be, as TOML and JSON write them: nested, but not endlessly.
Plainest: TypeAlias = bool | int | float | str
Listed: TypeAlias = Plainest | list[Plainest | list[Plainest]]
OwnOptions: TypeAlias = dict[str, Listed | dict[str, Listed]]


@final
class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the table is read, which column is predicted and which rows are held out."""

    target: Annotated[
        str,
        Meta(description="the column to predict"),
        Flag("The column to predict.", "COL", short="t"),
    ] = ""
    task: Annotated[
        Literal["auto", "classification", "regression"],
        Meta(description="auto: text, booleans, at most 20 different integers are classes"),
        Flag("classification or regression, where the target alone misleads."),
    ] = "auto"
    types: Annotated[
        dict[str, Literal["numeric", "categorical", "drop"]],
        Meta(description="the kind of a column where the inferred one is wrong"),
        Flag("Kinds of columns: numeric, categorical, drop.", "COL=KIND", several=True),
    ] = field(default_factory=dict[str, Literal["numeric", "categorical", "drop"]])
    drop: Annotated[
        tuple[str, ...],
        Meta(description="columns left out"),
        Flag("Leave columns out.", "COL,...", several=True),
    ] = ()
    features: Annotated[
        tuple[str, ...],
        Meta(description="the only columns used; empty: all but the target"),
        Flag("Use only these columns.", "COL,...", several=True),
    ] = ()
    missing: Annotated[
        tuple[str, ...],
        Meta(description="what means a missing value, besides an empty field"),
        Flag("What means a missing value, besides nothing.", "NA,?", several=True),
    ] = MISSING
    separator: Annotated[
        str,
        Meta(description="one character, or tab; empty: found out from the file"),
        Flag("Between fields: one character, or tab."),
    ] = ""
    quote: Annotated[
        str,
        Meta(description="around fields that hold separators; empty: none"),
        Flag("Around fields that hold separators; '' for none."),
    ] = '"'
    decimal: Annotated[
        Literal["", ".", ","], Meta(description="the decimal sign; empty: found out from the file")
    ] = ""
    encoding: Annotated[str, Meta(description="of a text file")] = "utf-8"
    header: Annotated[
        bool,
        Meta(description="the first line holds the column names"),
        Flag("The first line is data; columns are column_1, column_2 …", name="no-header"),
    ] = True
    sample_weight: Annotated[
        str,
        Meta(description="column of row weights (not a feature); empty: equal weights"),
        Flag("Column of row weights.", "COL"),
    ] = ""
    validation: Annotated[
        float,
        Meta(description="share of the rows for early stopping; 0: none", ge=0, lt=1),
        Flag("Rows for early stopping: a share (0.1) or a table.", "FRACTION|FILE", or_table=True),
    ] = 0.1
    test: Annotated[
        float,
        Meta(description="share of the rows kept away for an honest test; 0: none", ge=0, lt=1),
        Flag("Rows for an honest test: a share or a table.", "FRACTION|FILE", or_table=True),
    ] = 0.0


@final
class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How columns become numbers; fitted on the training rows only."""

    numeric: Annotated[
        Literal["robust", "standard", "minmax", "none"],
        Meta(description="robust: median and quartiles, then a smooth clip to (-3, 3)"),
    ] = "robust"
    one_hot_levels: Annotated[
        int,
        Meta(description="categories with more levels get an embedding", ge=0, le=10_000),
    ] = 8


@final
class Images(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to images; tables have none of it."""

    augment: Annotated[
        tuple[str, ...],
        Meta(description="augmentations, such as shift=2, flip, rotate=10, drawn in each step"),
        Flag(
            "Change images anew in each step: shift=2,flip,rotate=10,scale=0.1,noise=0.05.",
            "NAME=VALUE,...",
            several=True,
        ),
    ] = ()
    standardise: Annotated[
        str,
        OneOf((IMAGE_SCALINGS,)),
        Meta(description="what is subtracted and divided by, of the training images"),
    ] = "channels"
    size: Annotated[
        str,
        Meta(description="pictures are brought to it, 28x28; empty: they have one size"),
        Flag("Bring pictures to one size: 32x32.", "HxW", name="image-size"),
    ] = ""


@final
class Network(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The multi-layer perceptron between the columns and the prediction."""

    hidden_layer_sizes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="units of each hidden layer; []: a linear model"),
        Flag("Units per hidden layer: 256,128", "N,..."),
    ] = (256, 128)
    activation: Annotated[
        str,
        OneOf((ACTIVATIONS,)),
        Meta(description="after each hidden layer"),
        Flag("relu, silu, gelu, tanh, ..."),
    ] = "relu"
    dropout: Annotated[
        Auto | Annotated[float, Meta(ge=0, lt=1)],
        Meta(description="probability of dropping a hidden unit; auto: 0.3 for classes, else 0.05"),
        Flag("Probability of dropping a unit.", "P"),
    ] = "auto"
    batch_norm: Annotated[
        Literal["none", "before", "after"],
        Meta(description="batch normalisation before or after each activation"),
        Flag("Batch normalisation before or after each activation."),
    ] = "none"
    initialiser: Annotated[
        str,
        OneOf((INITIALISERS,), words=("auto",)),
        Meta(description="how weights are drawn; auto: as the activation wants them"),
    ] = "auto"
    embedding_size: Annotated[
        int, Meta(description="numbers per level of a category with many levels", ge=1, le=1024)
    ] = 8
    embedding_dropout: Annotated[
        float, Meta(description="probability of dropping an embedded number", ge=0, lt=1)
    ] = 0.0


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
        int,
        Meta(description="passes over the training rows at most", ge=1, le=1_000_000),
        Flag("Passes over the rows at most.", "N"),
    ] = 50
    patience: Annotated[
        int,
        Meta(description="epochs without a better validation loss before stopping; 0: never", ge=0),
    ] = 12
    l2: Annotated[
        float, Meta(description="penalty l2/2 * sum of squared weights", ge=0, le=1000)
    ] = 0.0
    class_weight: Annotated[
        Literal["none", "balanced"],
        Meta(description="balanced: every class counts alike, whatever its number of rows"),
        Flag("balanced: every class counts alike."),
    ] = "none"
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


@final
class Configuration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option of a fit; written to TOML, replayed from it, saved in the model file.

    >>> Configuration().network.activation
    'relu'
    >>> Configuration(training=Training(seed=3)).training.seed
    3
    """

    data: Data = Data()
    preprocessing: Preprocessing = Preprocessing()
    images: Images = Images()
    network: Network = Network()
    optimizer: Optimizer = Optimizer()
    training: Training = Training()


@final
class Resolved(Struct, frozen=True, kw_only=True):
    """What the options left on "auto" came to for one table."""

    batch_size: int
    dropout: float
    learning_rate: float
    weight_decay: float


def resolve(configuration: Configuration, task: Task, rows: int) -> Resolved:
    """Replace every "auto" by its documented value for a task and `rows` training rows.

    Errors:
        ConfigurationError: a batch of more rows than there are.

    >>> resolve(Configuration(), "classification", 1_000)
    Resolved(batch_size=32, dropout=0.3, learning_rate=0.002, weight_decay=0.01)
    """
    optimizer, size = configuration.optimizer, configuration.training.batch_size
    if size != "auto" and size > rows:
        raise ConfigurationError(
            f"training.batch_size = {size:,} is more than the {rows:,} rows there are to train on; "
            "give fewer, or leave it at auto"
        )
    if optimizer.name in DRIVERS:
        return _resolved_for_driver(configuration, rows)
    own = inspect.signature(RULES.find(optimizer.name)).parameters
    adaptive = own["learning_rate"].default <= 0.001
    automatic = Resolved(
        batch_size=32 if rows <= 2048 else 64 if rows <= 8192 else 128 if rows <= 16_384 else 256,
        dropout=0.3 if task == "classification" else 0.05,
        learning_rate=0.002 if adaptive else 0.05,
        weight_decay=0.01 if "weight_decay" in own else 0.0,
    )
    dropout = configuration.network.dropout
    rate, decay = optimizer.learning_rate, optimizer.weight_decay
    return Resolved(
        batch_size=min(automatic.batch_size, rows) if size == "auto" else size,
        dropout=automatic.dropout if dropout == "auto" else dropout,
        learning_rate=automatic.learning_rate if isinstance(rate, str) else rate,
        weight_decay=automatic.weight_decay if decay == "auto" else decay,
    )


def _resolved_for_driver(configuration: Configuration, rows: int) -> Resolved:
    """All rows at each step, nothing random, no rate.

    Errors:
        ConfigurationError: mini-batches.
    """
    size = configuration.training.batch_size
    if size != "auto" and size < rows:
        raise ConfigurationError(
            f"training.batch_size = {size} does not go with {configuration.optimizer.name}: it "
            f"takes all {rows:,} rows at each step; leave it at auto"
        )
    return Resolved(batch_size=rows, dropout=0.0, learning_rate=0.0, weight_decay=0.0)
