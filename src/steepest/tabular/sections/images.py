"""Options of images."""

from __future__ import annotations

from typing import Annotated, final

from msgspec import Meta, Struct

from steepest.nn.images import IMAGE_SCALINGS
from steepest.tabular.chosen import OneOf
from steepest.tabular.flag import Flag


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
