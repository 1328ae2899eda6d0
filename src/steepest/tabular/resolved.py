"""What options left on "auto" come to, for one table."""

from __future__ import annotations

import inspect
from typing import Literal, TypeAlias, final

from msgspec import Struct

from steepest.errors import ConfigurationError
from steepest.optim import DRIVERS, RULES
from steepest.tabular.configuration import Configuration

Task: TypeAlias = Literal["classification", "regression"]


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
