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
    Augment,
    BatchSize,
    Config,
    HiddenLayerSizes,
    ImageSize,
    Json,
    Quiet,
    Reference,
    Set,
    Table,
    Target,
    backend_of,
    columns,
    combined,
    kinds,
    table_path,
)
from steepest.cli.keeping import CheckpointEvery, CheckpointFile, Keeping, Resume
from steepest.cli.outputs import Outputs, stem
from steepest.cli.terminal import Terminal, shell
from steepest.cli.timing import process_age, timing_line
from steepest.cli.watching import TensorBoardFolder, Watch, Watching, WatchPlot, WatchRows
from steepest.errors import ConfigurationError, TrainingError

if TYPE_CHECKING:
    from steepest.tabular.configuration import Configuration
    from steepest.tabular.options import Plain
    from steepest.tabular.results import Results
    from steepest.transform.executable import Backend


def fit(
    context: typer.Context,
    table: Table = "",
    target: Target = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="classification or regression, where the target alone misleads."
        ),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--types", help="Kinds of columns: numeric, categorical, drop.", metavar="COL=KIND"
        ),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="Leave columns out.", metavar="COL,...")
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", help="Use only these columns.", metavar="COL,..."),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            "--missing", help="What means a missing value, besides nothing.", metavar="NA,?"
        ),
    ] = None,
    separator: Annotated[
        str | None, typer.Option("--separator", help="Between fields: one character, or tab.")
    ] = None,
    quote: Annotated[
        str | None, typer.Option("--quote", help="Around fields that hold separators; '' for none.")
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header", help="The first line is data; columns are column_1, column_2 …"
        ),
    ] = False,
    sample_weight: Annotated[
        str | None, typer.Option("--sample-weight", help="Column of row weights.", metavar="COL")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            "--validation",
            help="Rows for early stopping: a share (0.1) or a table.",
            metavar="FRACTION|FILE",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            "--test", help="Rows for an honest test: a share or a table.", metavar="FRACTION|FILE"
        ),
    ] = None,
    augment: Augment = None,
    image_size: ImageSize = None,
    hidden_layer_sizes: HiddenLayerSizes = None,
    activation: Annotated[
        str | None, typer.Option("--activation", help="relu, silu, gelu, tanh, ...")
    ] = None,
    dropout: Annotated[
        str | None, typer.Option("--dropout", help="Probability of dropping a unit.", metavar="P")
    ] = None,
    batch_norm: Annotated[
        str | None,
        typer.Option("--batch-norm", help="Batch normalisation before or after each activation."),
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option("--optimizer", help="adamw, adam, nesterov, sgd, lbfgs, ...")
    ] = None,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            "--learning-rate", help="The highest rate; auto: by a range test.", metavar="RATE"
        ),
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="Of the rate: cosine, constant, linear, ...")
    ] = None,
    weight_decay: Annotated[
        str | None,
        typer.Option("--weight-decay", help="Decoupled decay, as in AdamW.", metavar="DECAY"),
    ] = None,
    l1: Annotated[
        str | None,
        typer.Option("--l1", help="Pull weights to exactly 0, so strongly.", metavar="DECAY"),
    ] = None,
    clip_norm: Annotated[
        str | None,
        typer.Option("--clip-norm", help="Shorten longer gradients to this.", metavar="NORM"),
    ] = None,
    quantiles: Annotated[
        str | None,
        typer.Option(
            "--quantiles",
            help="Predict these quantiles of a number: intervals.",
            metavar="0.1,0.5,0.9",
        ),
    ] = None,
    loss: Annotated[
        str | None, typer.Option("--loss", help="What is made small.  [by the task]")
    ] = None,
    batch_size: BatchSize = None,
    sampler: Annotated[
        str | None,
        typer.Option("--sampler", help="How a step's rows are drawn: disjoint, fresh_subsets, ..."),
    ] = None,
    max_epochs: Annotated[
        str | None, typer.Option("--max-epochs", help="Passes over the rows at most.", metavar="N")
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option("--class-weight", help="balanced: every class counts alike.")
    ] = None,
    average_weights: Annotated[
        str | None,
        typer.Option(
            "--average-weights",
            help="Use running averages of the weights that keep this share a step: 0.995.",
            metavar="SHARE",
        ),
    ] = None,
    ensemble_size: Annotated[
        str | None,
        typer.Option(
            "--ensemble-size", help="Train so many networks and average them.", metavar="N"
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option("--time-limit", help="Stop training after so long.", metavar="SECONDS"),
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", help="Same seed, same model.", metavar="N")
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
    timing: Annotated[
        bool, typer.Option("--timing", help="Say at the end where the time went.")
    ] = False,
    reference: Reference = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> int:
    r"""Train a network on a table or on images, and save it.

    Images are a folder with a folder of pictures for each class, an .npz or an IDX file.

    \b
    Examples:
      steepest fit income.csv --target income
      steepest fit income.csv --target income --test 0.2 --plot curves.png
      steepest fit prices.parquet --target price --drop id --types zip=categorical
      steepest fit income.csv --target income --print-config > options.toml
      steepest fit income.csv --config options.toml --seed 1
      steepest fit photos/ --image-size 32x32 --augment shift=2,flip --test 0.2
      steepest fit income.csv --target income --checkpoint-every 10 --resume
    """
    flags: dict[str, Plain] = {
        "data.target": target,
        "data.task": task,
        "data.types": {**kinds(types)} if types else None,
        "data.drop": [*columns(drop)] if drop else None,
        "data.features": [*columns(features)] if features else None,
        "data.missing": None if missing is None else [*columns([missing])],
        "data.separator": separator,
        "data.quote": quote,
        "data.header": False if no_header else None,
        "data.sample_weight": sample_weight,
        **_share_flags(validation=validation, test=test),
        **_image_flags(augment, image_size),
        "network.hidden_layer_sizes": hidden_layer_sizes,
        "network.activation": activation,
        "network.dropout": dropout,
        "optimizer.name": optimizer,
        "optimizer.learning_rate": learning_rate,
        "optimizer.schedule": schedule,
        "optimizer.weight_decay": weight_decay,
        "optimizer.l1": l1,
        "optimizer.clip_norm": clip_norm,
        "training.loss": loss,
        **_quantile_flags(quantiles, loss),
        "network.batch_norm": batch_norm,
        "training.batch_size": batch_size,
        "training.sampler": sampler,
        "training.max_epochs": max_epochs,
        "training.class_weight": class_weight,
        "training.average_weights": average_weights,
        "training.ensemble_size": ensemble_size,
        "training.time_limit": time_limit,
        "training.seed": seed,
    }
    configuration = combined(config, flags, set_ or [])
    if print_config:
        return _print(configuration, Terminal(quiet=quiet), validation=validation, test=test)
    given = _tables(table, validation=validation, test=test)
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
    read = [Path(table), *given.values(), *([config] if config is not None else [])]
    outputs.check(read, json_too=json_)
    work = Work(
        table=table,
        given=given,
        configuration=configuration,
        outputs=outputs,
        keeping=keeping,
        watching=watching,
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


def _fit(work: Work, terminal: Terminal, backend: Backend, *, json_: bool, timing: bool) -> int:
    from steepest.cli.kinds import kind_of
    from steepest.cli.progress import TrainingProgress
    from steepest.tabular.stopwatch import Stopwatch

    kind = kind_of(work.table)
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
    seconds = stopwatch.seconds if timing else {}
    if work.configuration.optimizer.learning_rate == "auto":
        found = model.results.resolved.learning_rate
        terminal.say(f"learning rate {found:.2g}, proposed by a range test")
    told = work.keeping.afterwards(model.results.stopped)
    for line in (*told, *work.watching.findings(model.watched)):
        terminal.say(line)
    told_to = _told(model.results, work.outputs, terminal, seconds, is_new=is_new, json_=json_)
    if told_to == FINISHED and not work.outputs.model_goes_to_stdout:
        words = ["steepest", "predict", str(work.outputs.model), kind.example]
        terminal.say(f"next: {shell(words)}")
    return told_to


def _told(
    results: Results,
    outputs: Outputs,
    terminal: Terminal,
    seconds: Mapping[str, float],
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
    timed: dict[str, Any] = {}
    if seconds:
        terminal.say(timing_line(seconds))
        timed = {"seconds": seconds}
    if json_:
        print(json.dumps({"model": str(outputs.model), **to_builtins(results), **timed}))
    if results.stopped == "interrupted":
        terminal.say("interrupted: the file holds the best weights so far")
        return INTERRUPTED
    if results.stopped == "non-finite loss":
        raise TrainingError(f"{results.message}\nthe best weights so far were saved: {where}")
    return FINISHED


def _image_flags(augment: list[str] | None, size: str | None) -> dict[str, Plain]:
    return {"images.augment": [*columns(augment)] if augment else None, "images.size": size}


def _share_flags(**texts: str | None) -> dict[str, Plain]:
    return {f"data.{name}": _share(text) for name, text in texts.items()}


def _quantile_flags(quantiles: str | None, loss: str | None) -> dict[str, Plain]:
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


def _tables(table: str, **others: str | None) -> dict[str, Path]:
    """The tables of their own for validation and test, which are not the one to train on."""
    if not table:
        raise ConfigurationError("which table? write 'steepest fit TABLE --target COLUMN'")
    given = {name: Path(file) for name, file in others.items() if file and _is_file(file)}
    for file in given.values():
        if file.is_file() and Path(table).is_file() and file.samefile(table):
            raise ConfigurationError(
                f"{table} is the table to train on; rows that were trained on test nothing: give a "
                "share, as in --test 0.2"
            )
    return given


def _print(configuration: Configuration, terminal: Terminal, **tables: str | None) -> int:
    from steepest.tabular.options import to_toml

    print(to_toml(configuration), end="")
    _say_left_out(terminal, **tables)
    return FINISHED


def _say_left_out(terminal: Terminal, **tables: str | None) -> None:
    files = [f"--{name} {file}" for name, file in tables.items() if file and _is_file(file)]
    if files:
        given = " and ".join(files)
        terminal.say(f"files are not part of the configuration: give {given} again beside --config")


def _is_file(text: str) -> bool:
    return _share(text) is None


def _share(text: str | None) -> str | None:
    """Keep what `--validation` or `--test` gives if it is a number; otherwise it is a file."""
    return text if text is not None and _number(text) is not None else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
