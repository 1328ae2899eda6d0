"""What the command line says about watching: how often, and which files it fills."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, final

import typer
from msgspec import Struct

if TYPE_CHECKING:
    from steepest.train.callbacks import Callback
    from steepest.train.watched import Watched

Watch: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--watch",
        min=1,
        help="Look into every layer each so many steps, and say what stands out.",
        metavar="N",
    ),
]
WatchPlot: TypeAlias = Annotated[
    Path | None,
    typer.Option("--watch-plot", help="Draw what was seen (.png, .svg, .pdf).  [--watch 50]"),
]
WatchRows: TypeAlias = Annotated[
    Path | None,
    typer.Option("--watch-rows", help="Write what was seen as JSON lines.  [--watch 50]"),
]
TensorBoardFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard", help="Write event files for TensorBoard there.", metavar="FOLDER"
    ),
]
_EVERY = 50
_FEW = 3


@final
class Watching(Struct, frozen=True, kw_only=True):
    """How often a fit is watched, and where what it sees is written."""

    every: int | None
    plot: Path | None
    rows: Path | None
    tensorboard: Path | None

    @classmethod
    def of(
        cls, every: int | None, plot: Path | None, rows: Path | None, tensorboard: Path | None
    ) -> Watching:
        """Read the four flags; a file that is asked for is filled.

        >>> Watching.of(None, Path("layers.png"), None, None).every
        50
        """
        asked = plot is not None or rows is not None
        steps = _EVERY if every is None and asked else every
        return cls(every=steps, plot=plot, rows=rows, tensorboard=tensorboard)

    def callbacks(self) -> list[Callback]:
        """What the Trainer is to call.

        Raises:
            ConfigurationError: the package tensorboard is missing, or the folder is a file.
        """
        if self.tensorboard is None:
            return []
        from steepest.train.tensorboard import TensorBoard

        return [TensorBoard(self.tensorboard)]

    def findings(self, watched: Watched) -> Sequence[str]:
        """Say what stands out."""
        if self.every is None:
            return []
        found = [str(each) for each in watched.findings]
        steps = len(watched)
        seen = f"{steps:,} watched step{'s' * (steps != 1)}"
        if steps < _FEW and self.every > 1:
            seen += f", too few to judge by: --watch {max(1, self.every // 10)} sees more"
        return found or [f"nothing stands out in {seen}"]
