"""`steepest schedule`: how a learning rate will change, before training."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steepest.cli.flags import Json
from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from steepest.optim.schedules import Schedule

_MOST = 10_000_000  # steps that are shown
_STEPS, _EPOCHS, _RATE, _ROWS = 1000, 10, 0.1, 20


def schedule(
    name: Annotated[
        str | None, typer.Argument(help="Which; without it all are listed.", metavar="[NAME]")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of it: --set steps=500", metavar="NAME=VALUE"),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", help="Steps of the training; 1000 unless set.", metavar="N", min=1),
    ] = None,
    steps_per_epoch: Annotated[
        int | None,
        typer.Option(
            "--steps-per-epoch", help="For what counts epochs; a tenth of the steps.", metavar="N",
            min=1,
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", help="Write each N-th step; about 20 rows unless set.", min=1),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw it: a .svg, .png or .pdf file.", metavar="FILE"),
    ] = None,
    json_: Json = False,
) -> None:  # fmt: skip
    r"""Show a learning-rate schedule before training: the rate of each step.

    In a fit its options are those of optimizer.schedule_options.

    \b
    Examples:
      steepest schedule
      steepest schedule cosine --set high=0.1 --set steps=1000
      steepest schedule warm_restarts --set cycle=100 --steps 700 --plot rate.svg
    """
    if name is None:
        _refuse_without_name(assignments, steps, plot)
        _list(json_)
        return
    if plot is not None:
        from steepest.data import check_writable
        from steepest.report import picture_format

        picture_format(plot)
        check_writable(plot)
    options = dict(_assignment(each) for each in assignments or [])
    length = steps or _length(options)
    if length > _MOST:
        raise ConfigurationError(f"{length:,} steps are too many to show; give --steps {_MOST}")
    per_epoch = steps_per_epoch or max(1, length // _EPOCHS)
    made = _made(name, options, length)
    rates = made.curve(length, steps_per_epoch=per_epoch)
    shown = range(0, length, every or max(1, length // _ROWS))
    if json_:
        rows = [{"step": t, "epoch": t // per_epoch, "rate": float(rates[t])} for t in shown]
        print(json.dumps({"schedule": repr(made), "rows": rows}))
    else:
        print("step\tepoch\trate")
        for t in shown:
            print(f"{t}\t{t // per_epoch}\t{rates[t]:.6g}")
    if plot is not None:
        from steepest.data import whole_file
        from steepest.report import draw_schedule, picture_format

        picture = draw_schedule(
            made, length, format=picture_format(plot), steps_per_epoch=per_epoch
        )
        with whole_file(plot) as file:
            file.write(picture)


def _made(name: str, options: dict[str, Any], steps: int) -> Schedule:
    """The schedule; what is not given is filled in for a training of so many steps."""
    from steepest.optim.schedules import SCHEDULES, of_training
    from steepest.tabular.chosen import Choice

    make = SCHEDULES.find(name)
    highest = next(iter(Choice("", "", make, {}, {}).parameters))
    filled = {highest: _RATE, **of_training(make, {}, steps=steps)}
    made: Schedule = Choice("--set", name, make, {}, filled).made(options)
    return made


def _length(options: dict[str, Any]) -> int:
    """How long to look, where nobody says: as long as the schedule is said to last."""
    steps = options.get("steps")
    return steps if isinstance(steps, int) and steps > 0 else _STEPS


def _assignment(text: str) -> tuple[str, Any]:
    """An option as people type it: TOML, or numbers with commas between them."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError(f"--set {text}: write it as NAME=VALUE, such as high=0.1")
    listed = value if "," not in value or value.strip().startswith("[") else f"[{value}]"
    try:
        return name.strip(), tomllib.loads(f"value = {listed}")["value"]
    except tomllib.TOMLDecodeError:
        raise ConfigurationError(
            f"--set {text}: {value.strip()!r} is no value; a number such as 0.1, or several "
            "with commas between them"
        ) from None


def _refuse_without_name(
    assignments: list[str] | None, steps: int | None, plot: Path | None
) -> None:
    if assignments or steps is not None or plot is not None:
        raise ConfigurationError(
            "say which schedule is meant: steepest schedule cosine; 'steepest schedule' alone "
            "lists them"
        )


def _list(json_: bool) -> None:
    """All schedules, each with its formula and its options."""
    import inspect

    from steepest.optim.schedules import SCHEDULES

    rows = [
        {
            "name": method.name,
            "what": (inspect.getdoc(method.value) or "").partition("\n")[0].replace("``", ""),
            "options": list(inspect.signature(method.value).parameters),
        }
        for method in SCHEDULES.methods
    ]
    if json_:
        print(json.dumps(rows))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['what']}")
        print(f"{'':<{width}}  options: {', '.join(row['options'])}")
