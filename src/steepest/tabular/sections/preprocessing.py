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
    one_hot_levels: Annotated[
        int,
        Meta(description="categories with more levels get an embedding", ge=0, le=10_000),
    ] = 8
