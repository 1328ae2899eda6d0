"""`steepest fit`: a table in, a trained network out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, final

import typer
from msgspec import Struct, to_builtins

from steepest.cli.exit_codes import FINISHED, INTERRUPTED
from steepest.cli.flags import (
    Config,
    Json,
    Quiet,
    Reference,
    Set,
    Table,
    backend_of,
    columns,
    combined,
    table_path,
)
from steepest.cli.keeping import CheckpointEvery, CheckpointFile, Keeping, Resume
from steepest.cli.option_flags import Given, option_tables, option_values, with_options
from steepest.cli.outputs import Outputs, stem
from steepest.cli.terminal import Terminal, shell
from steepest.cli.timing import process_age, timing_line
from steepest.cli.watching import TensorBoardFolder, Watch, Watching, WatchPlot, WatchRows
from steepest.errors import ConfigurationError, TrainingError

if TYPE_CHECKING:
    from steepest.cli.kinds import Kind
    from steepest.tabular.comparison import Comparison
    from steepest.tabular.configuration import Configuration
    from steepest.tabular.options import Plain
    from steepest.tabular.results import Results
    from steepest.transform.executable import Backend

_FITTING = ("preparing", "training", "compiling")  # parts of the stopwatch


@with_options()
def fit(
    context: typer.Context,
    table: Table = "",
    quantiles: Annotated[
        str | None,
        typer.Option(
            "--quantiles",
            help="Predict these quantiles of a number: intervals.",
            rich_help_panel="Options of [training]",
            metavar="0.1,0.5,0.9",
        ),
    ] = None,
    set_: Set = None,
    config: Config = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print all options as TOML and leave.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The model file, or - for stdout.  "
            "[TABLE.safetensors; model.safetensors for a table from stdin]",
        ),
    ] = None,
    history: Annotated[
        Path | None, typer.Option("--history", help="Write every epoch as a JSON line.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the learning curves (.png, .svg, .pdf).")
    ] = None,
    checkpoint_every: CheckpointEvery = None,
    checkpoint: CheckpointFile = None,
    resume: Resume = False,
    watch: Watch = None,
    watch_plot: WatchPlot = None,
    watch_rows: WatchRows = None,
    tensorboard: TensorBoardFolder = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Score scikit-learn's models on the same rows as well."),
    ] = False,
    timing: Annotated[
        bool, typer.Option("--timing", help="Say at the end where the time went.")
    ] = False,
    reference: Reference = False,
    json_: Json = False,
    quiet: Quiet = False,
    **options: Given,
) -> int:
    r"""Train a network on a table or on images, and save it.

    Images are a folder with a folder of pictures for each class, an .npz or an IDX file.

    \b
    Examples:
      steepest fit income.csv --target income
      steepest fit income.csv --target income --test 0.2 --compare
      steepest fit income.csv --target income --group person --plot curves.png
      steepest fit prices.parquet --target price --drop id --types zip=categorical
      steepest fit income.csv --target income --print-config > options.toml
      steepest fit income.csv --config options.toml --seed 1
      steepest fit photos/ --image-size 32x32 --augment shift=2,flip --test 0.2
      steepest fit income.csv --target income --checkpoint-every 10 --resume
    """
    flags = option_values(options) | _quantile_flags(quantiles, options["loss"])
    configuration, tables = combined(config, flags, set_ or []), option_tables(options)
    if print_config:
        return _print(configuration, tables, Terminal(quiet=quiet))
    _check_tables(table, tables, memory=configuration.data.memory)
    model = out or Path(f"{stem(table)}.safetensors")
    keeping = Keeping.of(model, stem(table), checkpoint, checkpoint_every, resumes=resume)
    watching = Watching.of(watch, watch_plot, watch_rows, tensorboard)
    outputs = Outputs(
        model=model,
        history=history,
        plot=plot,
        checkpoint=keeping.file,
        watch_plot=watch_plot,
        watch_rows=watch_rows,
    )
    read = [Path(table), *tables.values(), *([config] if config is not None else [])]
    outputs.check(read, json_too=json_)
    work = Work(
        table=table,
        given=tables,
        configuration=configuration,
        outputs=outputs,
        keeping=keeping,
        watching=watching,
        compares=compare,
    )
    return _fit(work, Terminal(quiet=quiet), backend_of(reference), json_=json_, timing=timing)


@final
class Work(Struct, frozen=True, kw_only=True):
    """What is to be done: `given` are tables of their own for validation and test."""

    table: str
    given: Mapping[str, Path]
    configuration: Configuration
    outputs: Outputs
    keeping: Keeping
    watching: Watching
    compares: bool


def _fit(work: Work, terminal: Terminal, backend: Backend, *, json_: bool, timing: bool) -> int:
    from steepest.cli.kinds import kind_of
    from steepest.cli.progress import TrainingProgress
    from steepest.tabular.stopwatch import Stopwatch

    kind = kind_of(work.table)
    if work.compares:
        _check_comparable(work, kind)
    going_on, watches = work.keeping.going_on(), work.watching.callbacks()
    stopwatch = Stopwatch({"importing": process_age()})
    reading, preparing = stopwatch.part("reading"), stopwatch.part("preparing")
    with reading, table_path(work.table) as path, preparing:
        parts = kind.prepare(path, work.configuration, **work.given, stopwatch=stopwatch)
    for line in (*kind.describe(parts), *going_on):
        terminal.say(line)
    members = work.configuration.training.ensemble_size
    with TrainingProgress(terminal, members) as progress:
        model = kind.fit(
            parts,
            callbacks=[*progress.callbacks(), *watches],
            checkpoint=work.keeping.checkpoint,
            resume=work.keeping.resume,
            watch=work.watching.every,
            backend=backend,
            stopwatch=stopwatch,
        )
    is_new = work.outputs.model_goes_to_stdout or not work.outputs.model.is_file()
    with stopwatch.part("saving"):
        work.outputs.write(model, kind.title(parts))
    seconds = stopwatch.seconds
    comparison = _compared(work, model, parts, kind, terminal, seconds)
    if work.configuration.optimizer.learning_rate == "auto":
        found = model.results.resolved.learning_rate
        terminal.say(f"learning rate {found:.2g}, proposed by a range test")
    told = work.keeping.afterwards(model.results.stopped)
    for line in (*model.results.notes, *told, *work.watching.findings(model.watched)):
        terminal.say(line)
    more: dict[str, Any] = {"seconds": seconds} if timing else {}
    more |= {} if comparison is None else {"comparison": comparison}
    told_to = _told(model.results, work.outputs, terminal, more, is_new=is_new, json_=json_)
    if told_to == FINISHED and not work.outputs.model_goes_to_stdout:
        words = ["steepest", "predict", str(work.outputs.model), kind.example]
        terminal.say(f"next: {shell(words)}")
    return told_to


def _compared(
    work: Work,
    model: Any,  # noqa: ANN401 - of the kind
    parts: object,
    kind: Kind[Any],
    terminal: Terminal,
    seconds: Mapping[str, float],
) -> Comparison | None:
    """Our scores beside those of scikit-learn's models, if that was asked for."""
    if not work.compares or kind.compare is None or model.results.stopped == "interrupted":
        return None
    terminal.say("fitting scikit-learn's models to the same rows …")
    return kind.compare(model, parts, sum(seconds.get(each, 0.0) for each in _FITTING))


def _told(
    results: Results,
    outputs: Outputs,
    terminal: Terminal,
    more: Mapping[str, Any],
    *,
    is_new: bool,
    json_: bool,
) -> int:
    """How it went, what to do next, and the exit code."""
    from steepest.tabular.summary import ending, results_lines

    terminal.say(ending(results))
    if results.members and results.message:
        terminal.say(results.message)
    for line in results_lines(results):
        terminal.say(line)
    where = "to the standard output" if outputs.model_goes_to_stdout else str(outputs.model)
    terminal.say(f"{'saved' if is_new else 'replaced'} {where}")
    for line in more["comparison"].lines() if "comparison" in more else ():
        terminal.say(line)
    if "seconds" in more:
        terminal.say(timing_line(more["seconds"]))
    if json_:
        everything = {"model": str(outputs.model), **to_builtins(results), **to_builtins(more)}
        print(json.dumps(everything))
    if results.stopped == "interrupted":
        terminal.say("interrupted: the file holds the best weights so far")
        return INTERRUPTED
    if results.stopped == "non-finite loss":
        raise TrainingError(f"{results.message}\nthe best weights so far were saved: {where}")
    return FINISHED


def _quantile_flags(quantiles: str | None, loss: Given) -> dict[str, Plain]:
    """The loss whose outputs are quantiles."""
    if quantiles is None:
        return {}
    if loss not in (None, "quantile"):
        raise ConfigurationError(
            f"--quantiles are predicted by the loss 'quantile': leave --loss {loss} out, or them"
        )
    try:
        several: list[Plain] = [float(each) for each in columns([quantiles])]
    except ValueError:
        raise ConfigurationError(
            f"--quantiles {quantiles}: write numbers between 0 and 1, such as 0.1,0.5,0.9"
        ) from None
    options: Plain = {"quantiles": several}
    return {"training.loss": "quantile", "training.loss_options": options}


def _check_tables(table: str, others: Mapping[str, Path], *, memory: str) -> None:
    """Those for validation and test are not the one to train on, which can be read as it must."""
    if not table:
        raise ConfigurationError("which table? write 'steepest fit TABLE --target COLUMN'")
    if table == "-" and memory:
        raise ConfigurationError(
            f"--memory {memory} reads the table in every epoch, and the standard input can be read "
            "once: write it to a file"
        )
    for file in others.values():
        if file.is_file() and Path(table).is_file() and file.samefile(table):
            raise ConfigurationError(
                f"{table} is the table to train on; rows that were trained on test nothing: give a "
                "share, as in --test 0.2"
            )


def _check_comparable(work: Work, kind: Kind[Any]) -> None:
    """There is something to compare with, on rows that nobody has seen."""
    from steepest.tabular.comparison import check_comparable

    if kind.compare is None:
        raise ConfigurationError("--compare is for tables; these are images")
    check_comparable(work.configuration, test="test" in work.given)


def _print(configuration: Configuration, tables: Mapping[str, Path], terminal: Terminal) -> int:
    from steepest.tabular.options import to_toml

    print(to_toml(configuration), end="")
    if tables:
        given = " and ".join(f"--{name} {file}" for name, file in tables.items())
        terminal.say(f"files are not part of the configuration: give {given} again beside --config")
    return FINISHED
