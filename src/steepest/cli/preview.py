"""`steepest preview`: what augmentation makes of images, before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steepest.cli.flags import Quiet
from steepest.cli.outputs import refuse_input, write_output
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError


def preview(
    images: Annotated[
        str, typer.Argument(metavar="IMAGES", help="A folder of class folders, .npz or IDX file.")
    ],
    augment: Annotated[
        list[str] | None,
        typer.Option(
            "--augment", metavar="NAME=VALUE,...", help="As of fit: shift=2,flip,rotate=10."
        ),
    ] = None,
    plot: Annotated[Path, typer.Option("--plot", help="The picture (.png, .svg, .pdf).")] = Path(
        "augmented.png"
    ),
    image_size: Annotated[
        str | None, typer.Option("--image-size", metavar="HxW", help="Bring pictures to it.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=64, help="Images.")] = 4,
    draws: Annotated[int, typer.Option("--draws", min=1, max=32, help="Of each image.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    quiet: Quiet = False,
) -> None:
    r"""Draw a few images and what augmentation makes of them.

    A row is an image, as it is at the left; every step of training sees another draw.

    \b
    Examples:
      steepest preview photos/ --augment shift=0.1,flip,rotate=10 --plot augmented.png
    """
    from steepest.cli.flags import columns
    from steepest.data import check_writable, parse_size, read_images
    from steepest.images.preview import preview as draw
    from steepest.nn.augment import AUGMENTATIONS, Compose
    from steepest.report import picture_format

    kind = picture_format(plot)
    parts = columns(augment or [])
    if not parts:
        names = ", ".join(AUGMENTATIONS)
        raise ConfigurationError(f"which augmentations? --augment shift=2,flip; there are {names}")
    Compose(*parts)
    refuse_input(plot, [Path(images)])
    check_writable(plot)
    size = parse_size(image_size) if image_size else None
    sets = read_images(images, size=size)
    shown = next(iter(sets.values()))
    write_output(plot, draw(shown, parts, rows=rows, draws=draws, seed=seed, format=kind))
    Terminal(quiet=quiet).say(f"drew {min(rows, len(shown))} images to {plot}")
