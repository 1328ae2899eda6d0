"""What options left on "auto" come to, for one table."""

from __future__ import annotations

import inspect
import math
from typing import Literal, TypeAlias, final

from msgspec import Struct, structs

from steepest.errors import ConfigurationError
from steepest.optim import DRIVERS, RULES
from steepest.tabular.configuration import Configuration
from steepest.tabular.sections.network import Network

Task: TypeAlias = Literal["classification", "regression"]


@final
class Resolved(Struct, frozen=True, kw_only=True):
    """What the options left on "auto" came to for one table."""

    batch_size: int
    dropout: float
    learning_rate: float
    weight_decay: float
    max_epochs: int = 50
    numeric_embedding: Literal["none", "periodic"] = "none"
    hidden_layer_sizes: tuple[int, ...] = (256, 128)


_FEW, _SMALL, _LARGE = 1024, 2048, 16_384
_FEWEST_STEPS = 160
_MOST_WAVING = 64


def resolve(
    configuration: Configuration, task: Task, rows: int, continuous: int | None = None
) -> Resolved:
    """Replace every "auto" by its documented value.

    Args:
        configuration: what is on "auto" there.
        task: what is predicted.
        rows: to train on.
        continuous: how many columns of a table are numbers; None for images.

    Raises:
        ConfigurationError: a batch of more rows than there are.

    >>> found = resolve(Configuration(), "classification", 20_000, continuous=6)
    >>> found.batch_size, found.dropout, found.max_epochs, found.numeric_embedding
    (256, 0.3, 16, 'periodic')
    """
    optimizer, size = configuration.optimizer, configuration.training.batch_size
    if size != "auto" and size > rows:
        raise ConfigurationError(
            f"training.batch_size = {size:,} is more than the {rows:,} rows there are to train on; "
            "give fewer, or leave it at auto"
        )
    if optimizer.name in DRIVERS:
        return _resolved_for_driver(configuration, rows, continuous)
    own = inspect.signature(RULES.find(optimizer.name)).parameters
    adaptive = own["learning_rate"].default <= 0.001
    automatic = Resolved(
        batch_size=32 if rows <= _SMALL else 64 if rows <= 8192 else 128 if rows <= _LARGE else 256,
        dropout=0.3 if task == "classification" else 0.05,
        learning_rate=0.002 if adaptive else 0.05,
        weight_decay=0.01 if "weight_decay" in own else 0.0,
        max_epochs=50 if continuous is None else automatic_epochs(task, rows),
        numeric_embedding=_automatic_embedding(configuration, rows, continuous or 0),
        hidden_layer_sizes=_hidden_layers(configuration, rows if continuous is not None else None),
    )
    dropout = configuration.network.dropout
    rate, decay = optimizer.learning_rate, optimizer.weight_decay
    epochs, embedding = configuration.training.max_epochs, configuration.network.numeric_embedding
    return Resolved(
        batch_size=min(automatic.batch_size, rows) if size == "auto" else size,
        dropout=automatic.dropout if dropout == "auto" else dropout,
        learning_rate=automatic.learning_rate if isinstance(rate, str) else rate,
        weight_decay=automatic.weight_decay if decay == "auto" else decay,
        max_epochs=automatic.max_epochs if epochs == "auto" else epochs,
        numeric_embedding=automatic.numeric_embedding if embedding == "auto" else embedding,
        hidden_layer_sizes=automatic.hidden_layer_sizes,
    )


def _hidden_layers(configuration: Configuration, rows: int | None) -> tuple[int, ...]:
    """As they are given, or by the rows of a table."""
    given = configuration.network.hidden_layer_sizes
    if given != "auto":
        return given
    return (256, 128) if rows is None or rows > _FEW else (128, 64)


def explicit(network: Network, resolved: Resolved) -> Network:
    """Options of a network with its layers in place of "auto"; those of old files say them."""
    given = network.hidden_layer_sizes
    sizes = resolved.hidden_layer_sizes if given == "auto" else given
    return structs.replace(network, hidden_layer_sizes=sizes)


def automatic_epochs(task: Task, rows: int) -> int:
    """Fewer where the rate may come down sooner: many rows are learnt by then, few by heart."""
    if rows <= _FEW:
        return min(50, max(20, math.ceil(_FEWEST_STEPS / math.ceil(max(rows, 1) / 32))))
    if rows <= _SMALL:
        return 30
    if rows <= _LARGE:
        return 50
    return 16 if task == "classification" else 24


def _automatic_embedding(
    configuration: Configuration, rows: int, continuous: int
) -> Literal["none", "periodic"]:
    """Waves of numbers that are scaled, where there are rows enough to learn them."""
    scaled = configuration.preprocessing.numeric != "none"
    deep = bool(configuration.network.hidden_layer_sizes)
    few = 0 < continuous <= _MOST_WAVING
    return "periodic" if rows > _SMALL and few and scaled and deep else "none"


def _resolved_for_driver(
    configuration: Configuration, rows: int, continuous: int | None
) -> Resolved:
    """All rows at each step, nothing random, no rate.

    Raises:
        ConfigurationError: mini-batches.
    """
    size = configuration.training.batch_size
    if size != "auto" and size < rows:
        raise ConfigurationError(
            f"training.batch_size = {size} does not go with {configuration.optimizer.name}: it "
            f"takes all {rows:,} rows at each step; leave it at auto"
        )
    epochs, embedding = configuration.training.max_epochs, configuration.network.numeric_embedding
    return Resolved(
        batch_size=rows,
        dropout=0.0,
        learning_rate=0.0,
        weight_decay=0.0,
        max_epochs=50 if epochs == "auto" else epochs,
        numeric_embedding="none" if embedding == "auto" else embedding,
        hidden_layer_sizes=_hidden_layers(configuration, rows if continuous is not None else None),
    )
