"""Options of the network."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct

from steepest.init import INITIALISERS
from steepest.nn.activations import ACTIVATIONS
from steepest.tabular.chosen import OneOf
from steepest.tabular.flag import Flag
from steepest.tabular.sections.values import Auto


@final
class Network(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The multi-layer perceptron between the columns and the prediction."""

    hidden_layer_sizes: Annotated[
        Auto | tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(
            description="units of each hidden layer; []: a linear model; auto: 256,128, or 128,64 "
            "for tables up to 1,024 rows"
        ),
        Flag("Units per hidden layer: 256,128", "N,..."),
    ] = "auto"
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
    numeric_embedding: Annotated[
        Literal["auto", "none", "periodic"],
        Meta(
            description="numbers beside each number, learned waves of it; auto: for 2,049 rows or "
            "more, 64 columns of scaled numbers or fewer, a hidden layer and no driver"
        ),
        Flag("Learned waves beside each number: none, periodic."),
    ] = "auto"
    embedding_size: Annotated[
        int, Meta(description="numbers per level of a category with many levels", ge=1, le=1024)
    ] = 8
    text_size: Annotated[
        int, Meta(description="numbers that a free text becomes", ge=1, le=1024)
    ] = 32
    embedding_dropout: Annotated[
        float, Meta(description="probability of dropping an embedded number", ge=0, lt=1)
    ] = 0.0
