"""Checkpoints of a fit: the file, how often it is written, and going on from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, final

import typer
from msgspec import Struct

from steepest.errors import CheckpointError, ConfigurationError

if TYPE_CHECKING:
    from steepest.train.checkpoint import Checkpoint

CheckpointEvery: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--checkpoint-every",
        help="Keep the running fit in a file every so many epochs, or 500steps.",
        metavar="N|Nsteps",
    ),
]
CheckpointFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        help="That file; every 10 epochs by default.  [MODEL.checkpoint.safetensors]",
        metavar="FILE",
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option("--resume", help="Go on from that file, after an interruption; same options."),
]
_EVERY = 10


@final
class Keeping(Struct, frozen=True, kw_only=True):
    """What the command line says about checkpoints; without a file there are none."""

    file: Path | None
    every: int
    unit: Literal["epochs", "steps"]
    resumes: bool

    @classmethod
    def of(
        cls, model: Path, name: str, file: Path | None, every: str | None, *, resumes: bool
    ) -> Keeping:
        """Read the three flags.

        Args:
            model: the model file, beside which the checkpoint is by default.
            name: of the table, for a model that goes to the standard output.
            file: `--checkpoint`.
            every: `--checkpoint-every`.
            resumes: `--resume`.

        Raises:
            ConfigurationError: not a number of epochs or steps.

        >>> keeping = Keeping.of(Path("a/m.safetensors"), "t", None, "500steps", resumes=False)
        >>> str(keeping.file), keeping.every, keeping.unit
        ('a/m.checkpoint.safetensors', 500, 'steps')
        """
        if file is None and (every is not None or resumes):
            plain = name if model == Path("-") else model.name.removesuffix(".safetensors")
            file = (
                Path() if model == Path("-") else model.parent
            ) / f"{plain}.checkpoint.safetensors"
        found = re.fullmatch(r"(\d+)\s*(|epochs?|steps?)", every or str(_EVERY))
        if found is None or not int(found[1]):
            raise ConfigurationError(
                f"--checkpoint-every {every}: write a number of epochs from 1 on, such as 10, "
                "or of steps, such as 500steps"
            )
        unit = "steps" if found[2].startswith("step") else "epochs"
        return cls(file=file, every=int(found[1]), unit=unit, resumes=resumes)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where and how often the fit is kept."""
        from steepest.train.checkpoint import Checkpoint

        if self.file is None:
            return None
        return Checkpoint(self.file, every=self.every, unit=self.unit)

    @property
    def resume(self) -> Path | None:
        """What the fit goes on from."""
        return self.file if self.resumes else None

    def going_on(self) -> list[str]:
        """Say from where it goes on, before the table is read.

        Raises:
            CheckpointError: there is nothing to go on from.
        """
        from steepest.train.checkpoint import read_moments

        if self.resume is None:
            return []
        if not self.resume.exists():
            raise CheckpointError(
                f"there is no checkpoint {self.resume} to go on from; leave --resume out to begin"
            )
        moments = [each for each in read_moments(self.resume).values() if each is not None]
        done = min((each.state["epoch"] - 1 for each in moments), default=0)
        if moments and all(each.ending for each in moments):
            return [f"{self.resume} is of a fit that was over: {moments[0].ending}, epoch {done:,}"]
        return [f"going on from {self.resume}, after epoch {done:,}"]

    def afterwards(self, stopped: str) -> list[str]:
        """Say what the checkpoint is good for, after the fit."""
        if self.file is None:
            return []
        if stopped in ("interrupted", "time limit"):
            return [f"kept {self.file}: the same command with --resume goes on from there"]
        if stopped == "non-finite loss":
            return []
        return [f"{self.file} is not needed any more"]
