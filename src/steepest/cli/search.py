"""`steepest search`: a table in, many trained networks, the best one out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    nested,
    share_or_file,
    table_path,
    whole_number,
)
from steepest.cli.option_flags import Given, option_values, with_options
from steepest.cli.outputs import Outputs, stem, write_output
from steepest.cli.search_report import (
    best_lines,
    importance_picture,
    scores_lines,
    searched_lines,
    space_toml,
)
from steepest.cli.terminal import Terminal, shell
from steepest.errors import ConfigurationError, TrainingError

if TYPE_CHECKING:
    from steepest.tabular.options import Plain
    from steepest.tabular.search import SearchResult, Space
    from steepest.transform.executable import Backend


@with_options("data.target", "data.task", "data.types", "data.drop", "data.features")
def search(
    context: typer.Context,
    table: Table = "",
    validation: Annotated[
        str | None,
        typer.Option(
            "--validation",
            help="Rows to judge trials by: a share or a table.  [0.1]",
            metavar="FRACTION|FILE",
        ),
    ] = None,
    cv: Annotated[
        str | None, typer.Option("--cv", help="Judge by so many folds instead.", metavar="K")
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            "--test",
            help="Rows that the search never sees: a share or a table.  [0.2]",
            metavar="FRACTION|FILE",
        ),
    ] = None,
    trials: Annotated[
        str | None, typer.Option("--trials", help="How many.  [50, or the grid]", metavar="N")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="accuracy, rmse, ...  [log_loss or rmse]")
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option("--space", help="What is searched, from a TOML file.", metavar="FILE"),
    ] = None,
    print_space: Annotated[
        bool, typer.Option("--print-space", help="Print the space as TOML and leave.")
    ] = False,
    sampler: Annotated[str, typer.Option("--sampler", help="random, grid or tpe.")] = "random",
    pruner: Annotated[
        str, typer.Option("--pruner", help="Stops bad trials: median, asha or none.")
    ] = "median",
    max_epochs: Annotated[
        str | None, typer.Option("--max-epochs", help="Of each trial.", metavar="N")
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", help="Start nothing more after so long.", metavar="SECONDS"),
    ] = None,
    jobs: Annotated[
        str, typer.Option("--jobs", help="Trials at once; at most one a processor.", metavar="N")
    ] = "1",
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            help="Where trials are kept: a file or any URL of Optuna's.  [beside --out]",
            metavar="FILE|URL",
        ),
    ] = None,
    study: Annotated[
        str, typer.Option("--study", help="The name of this search in the storage.")
    ] = "search",
    seed: Annotated[
        str | None, typer.Option("--seed", help="Same seed, same search.", metavar="N")
    ] = None,
    set_: Set = None,
    config: Config = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The best model's file.  [TABLE.safetensors]"),
    ] = None,
    trials_csv: Annotated[
        Path | None, typer.Option("--trials-csv", help="Write all trials as CSV.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw what mattered (.png, .svg, .pdf).")
    ] = None,
    reference: Reference = False,
    json_: Json = False,
    quiet: Quiet = False,
    **flags: Given,
) -> int:
    r"""Look for good options of a table, and save a network trained with the best.

    A search that was stopped or killed goes on when the same command is given again.

    \b
    Examples:
      steepest search income.csv --target income
      steepest search income.csv -t income --trials 200 --jobs 2 --plot mattered.png
      steepest search income.csv -t income --sampler grid --space space.toml --cv 5
      steepest search income.csv -t income --print-space > space.toml
    """
    terminal = Terminal(quiet=quiet)
    shares = {"validation": share_or_file(validation), "test": share_or_file(test)}
    values: dict[str, Plain] = {
        **option_values(flags),
        "data.validation": shares["validation"][0],
        "data.test": shares["test"][0],
        "training.max_epochs": max_epochs,
        "training.seed": seed,
    }
    options, given = nested(config, values, set_ or [])
    searched = _space(space, given)
    if print_space:
        print(space_toml(searched), end="")
        return FINISHED
    if not table:
        raise ConfigurationError("which table? write 'steepest search TABLE --target COLUMN'")
    model = out or Path(f"{stem(table)}.safetensors")
    work = Work(
        table=table,
        options=options,
        space=searched,
        arguments={
            "trials": whole_number("--trials", trials),
            "sampler": sampler,
            "metric": metric,
            "cv": whole_number("--cv", cv),
            "pruner": pruner,
            "validation": shares["validation"][1],
            "test": shares["test"][1],
            "timeout": _seconds(timeout),
            "jobs": whole_number("--jobs", jobs),
            "storage": _storage(storage, model, table),
            "study": study,
        },
        outputs=Outputs(model=model, history=trials_csv, plot=plot),
    )
    read = [Path(table), *(file for _, file in shares.values() if file is not None)]
    work.outputs.check([*read, *(each for each in (config, space) if each)], json_too=json_)
    return _search(work, terminal, backend_of(reference), json_=json_)


@final
class Work(Struct, frozen=True, kw_only=True):
    """What is to be done; `arguments` are those of `search_table`, the history is of trials."""

    table: str
    options: Mapping[str, Any]
    space: Space
    arguments: Mapping[str, Any]
    outputs: Outputs


def _search(work: Work, terminal: Terminal, backend: Backend, *, json_: bool) -> int:
    from steepest.cli.search_progress import SearchProgress
    from steepest.tabular.search import search_table, trials_csv

    storage = work.arguments["storage"]
    terminal.say(f"searching over {', '.join(work.space.dimensions)}")
    try:
        with table_path(work.table) as path, SearchProgress(terminal) as progress:
            found = search_table(
                path,
                None,
                work.options,
                space=work.space,
                on_progress=None if terminal.quiet else progress.see,
                backend=backend,
                **work.arguments,
            )
    except KeyboardInterrupt:
        terminal.say(f"interrupted: the trials are kept in {_shown(storage)}; the same command")
        terminal.say("goes on with them")
        return INTERRUPTED
    if work.outputs.plot is not None and (picture := importance_picture(found, work.table)):
        write_output(work.outputs.plot, picture(work.outputs.plot))
    if work.outputs.history is not None:
        write_output(work.outputs.history, trials_csv(found.trials, found.metric).encode())
    return _told(work, found, terminal, json_=json_)


def _told(work: Work, found: SearchResult, terminal: Terminal, *, json_: bool) -> int:
    """What was found, where it is, what to do next, and the exit code."""
    model = work.outputs.model
    is_new = work.outputs.model_goes_to_stdout or not model.is_file()
    write_output(model, found.model.to_bytes())
    for line in (*searched_lines(found), *best_lines(found), *scores_lines(found)):
        terminal.say(line)
    where = "to the standard output" if work.outputs.model_goes_to_stdout else str(model)
    terminal.say(f"{'saved' if is_new else 'replaced'} {where}")
    if json_:
        print(json.dumps(_summary(work, found)))
    if found.model.results.stopped == "interrupted":
        terminal.say("interrupted: the file holds the best weights so far")
        return INTERRUPTED
    if found.model.results.stopped == "non-finite loss":
        raise TrainingError(f"{found.model.results.message}\nthe best weights were saved: {where}")
    if not work.outputs.model_goes_to_stdout:
        terminal.say(f"next: {shell(['steepest', 'predict', str(model), 'NEW.csv'])}")
    return FINISHED


def _summary(work: Work, found: SearchResult) -> dict[str, Any]:
    states = [trial.state for trial in found.trials]
    return {
        "model": str(work.outputs.model),
        "storage": work.arguments["storage"],
        "metric": found.metric,
        "trials": {state: states.count(state) for state in ("complete", "pruned", "failed")},
        "best": to_builtins(found.best),
        "importances": found.importances(),
        **to_builtins(found.model.results),
    }


def _space(file: Path | None, given: Sequence[str]) -> Space:
    from steepest.tabular.options import read_toml
    from steepest.tabular.search import DEFAULT_SPACE, space_from_plain

    if file is None:
        space = DEFAULT_SPACE.without([*given])
        if not space.dimensions:
            raise ConfigurationError(
                "every option of the space is given: nothing is left to search"
            )
        return space
    try:
        space = space_from_plain(read_toml(file))
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if twice := sorted({*given} & {*space.dimensions, *space.fixed}):
        raise ConfigurationError(f"{file} names {twice[0]}, which is given too: leave one out")
    return space


def _storage(given: str | None, model: Path, table: str) -> str:
    if given is not None and "://" in given:
        return given
    beside = Path(f"{stem(table)}.safetensors") if model == Path("-") else model
    path = Path(given) if given is not None else beside.with_suffix(".search.db")
    return f"sqlite:///{path}"


def _shown(storage: str) -> str:
    return storage.removeprefix("sqlite:///")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"--timeout {text}: give a number of seconds") from None
