"""The files a fit writes, checked before it starts and written at its end."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from msgspec import Struct

from steepest.errors import ConfigurationError

_STDOUT = Path("-")

if TYPE_CHECKING:
    from steepest.images.model import ImageModel
    from steepest.tabular.model import TableModel


@final
class Outputs(Struct, frozen=True, kw_only=True):
    """The files a fit writes; - is the standard output."""

    model: Path
    history: Path | None
    plot: Path | None
    checkpoint: Path | None = None
    watch_plot: Path | None = None
    watch_rows: Path | None = None

    @property
    def model_goes_to_stdout(self) -> bool:
        """Whether the standard output, and no file, gets the model."""
        return self.model == _STDOUT

    def check(self, inputs: list[Path], *, json_too: bool = False) -> None:
        """Refuse, before any work, files that cannot be written or that are inputs too.

        Args:
            inputs: the files that are read.
            json_too: whether the standard output gets JSON as well.
        """
        from steepest.data import check_writable
        from steepest.report import picture_format

        for picture in (self.plot, self.watch_plot):
            if picture is not None:
                picture_format(picture)
        seen = (self.watch_plot, self.watch_rows)
        every = (self.model, self.history, self.plot, self.checkpoint, *seen)
        named = [path for path in every if path is not None]
        if json_too and _STDOUT in named:
            raise ConfigurationError("--json and - both write to stdout; give one of them a file")
        if self.model_goes_to_stdout and sys.stdout.isatty():
            raise ConfigurationError(
                "--out - writes the model to stdout: send it to a file or pipe"
            )
        for place, path in enumerate(named):
            if path == _STDOUT:
                if path in named[:place]:
                    raise ConfigurationError("- would be written twice; give two names")
                continue
            refuse_input(path, inputs)
            if path.resolve() in [each.resolve() for each in named[:place]]:
                raise ConfigurationError(f"{path} would be written twice; give two names")
            check_writable(path)

    def write(self, model: TableModel | ImageModel, title: str) -> None:
        """Write the model, the history and the pictures under a title, each whole or not at all."""
        from steepest.report import draw_curves, draw_watched, picture_format

        write_output(self.model, model.to_bytes())
        if self.history is not None:
            lines = "".join(json.dumps(_without_nan(row)) + "\n" for row in model.history)
            write_output(self.history, lines.encode())
        if self.plot is not None:
            picture = draw_curves(
                model.history,
                best_epoch=model.results.best_epoch,
                title=title,
                format=picture_format(self.plot),
            )
            write_output(self.plot, picture)
        if self.watch_rows is not None:
            write_output(self.watch_rows, model.watched.to_json_lines().encode())
        if self.watch_plot is not None:
            format = picture_format(self.watch_plot)
            picture = draw_watched(model.watched, title=title, format=format)
            write_output(self.watch_plot, picture)


def refuse_input(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write over a file that is read, be it by name, by a link or on stdin."""
    if not path.is_file():
        return
    if any(each.is_file() and path.samefile(each) for each in inputs):
        raise ConfigurationError(
            f"{path} is read by this command; give another name for the output"
        )
    if _is_stdin(path):
        raise ConfigurationError(f"{path} is what stdin reads; give another name for the output")


def _is_stdin(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or not a real file
        return os.path.samestat(os.fstat(sys.stdin.fileno()), path.stat())
    return False


def write_output(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; - is the standard output."""
    from steepest.data import whole_file

    if path == _STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with whole_file(path) as file:
        file.write(content)


def _without_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write numbers that JSON lacks as null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def stem(table: str) -> str:
    """Name a model after its table.

    >>> stem("data/income.csv.gz"), stem("logs/*.csv"), stem("-")
    ('income', 'logs', 'model')
    """
    from steepest.data import table_suffixes

    path = Path(table)
    if any(sign in path.name for sign in "*?[") and not path.exists():
        path = next((each for each in path.parents if not any(s in str(each) for s in "*?[")), path)
    name = path.name
    for suffix in (*table_suffixes(), ".npz"):
        name = name.removesuffix(suffix)
    return name if name not in ("", "-") else "model"
