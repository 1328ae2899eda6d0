"""Options of preprocessing: how columns become numbers."""

from __future__ import annotations

from typing import Annotated, Literal, final

from msgspec import Meta, Struct


@final
class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How columns become numbers; fitted on the training rows only."""

    numeric: Annotated[
        Literal["robust", "standard", "minmax", "none"],
        Meta(description="robust: median and quartiles, then a smooth clip to (-3, 3)"),
    ] = "robust"
    target: Annotated[
        Literal["auto", "none", "log"],
        Meta(
            description="log: learn a number's logarithm; auto: if it is skewed and trials of both "
            "say that this predicts the validation rows better"
        ),
    ] = "auto"
    one_hot_levels: Annotated[
        int,
        Meta(description="categories with more levels get an embedding", ge=0, le=10_000),
    ] = 8
    text_buckets: Annotated[
        int,
        Meta(description="codes that the words of a free text share, by a hash", ge=1, le=1 << 20),
    ] = 16_384
    text_length: Annotated[
        int,
        Meta(description="codes kept of a free text; words first", ge=1, le=4096),
    ] = 256
