"""`steepest export`: a model as a file that needs no steepest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from steepest.cli.flags import Model, Quiet
from steepest.cli.outputs import refuse_input, write_output
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError

_STDOUT = Path("-")


def export(
    model: Model,
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", help="An ONNX graph; needs the extra 'onnx'.", metavar="FILE"),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option("--python", help="A Python file that needs NumPy only.", metavar="FILE"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    r"""Write a model of a table as a file that predicts without steepest.

    Preprocessing is in it: it takes the table's columns and gives labels or numbers, with
    probabilities or quantiles if the model has them. - is the standard output.

    \b
    Examples:
      steepest export income.safetensors --onnx income.onnx
      steepest export income.safetensors --python income.py
      python income.py test.csv > predictions.csv
    """
    from steepest.data import check_writable
    from steepest.export import onnx_bytes, python_source
    from steepest.images import ImageModel, load

    wanted = [path for path in (onnx, python) if path is not None]
    if not wanted:
        raise ConfigurationError("say what to write: --onnx FILE, --python FILE, or both")
    if len({path.resolve() for path in wanted}) < len(wanted):
        raise ConfigurationError(f"{wanted[0]} would be written twice; give two names")
    if onnx == _STDOUT and sys.stdout.isatty():
        raise ConfigurationError("--onnx - writes bytes to stdout: send them to a file or pipe")
    for path in wanted:
        if path != _STDOUT:
            refuse_input(path, [model])
            check_writable(path)
    fitted = load(model)
    if isinstance(fitted, ImageModel):
        raise ConfigurationError(f"{model} is a model of images; those of tables can be exported")
    # Both are made before either is written: whole or not at all.
    contents = [
        *([(onnx, onnx_bytes(fitted))] if onnx is not None else []),
        *([(python, python_source(fitted).encode())] if python is not None else []),
    ]
    terminal = Terminal(quiet=quiet)
    for path, content in contents:
        write_output(path, content)
        if path != _STDOUT:
            terminal.say(f"{path}: {len(content):,} bytes")
