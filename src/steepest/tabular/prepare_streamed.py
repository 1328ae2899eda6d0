"""From a table that memory does not hold to its parts: a sample, rows held out, and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steepest.data import Table, kept_as_text, possible_targets, read_blocks
from steepest.data.drawn_rows import joined_tables
from steepest.data.leaks import suspected_leaks
from steepest.data.options import ReadOptions
from steepest.data.split import check_shares
from steepest.data.streams import TableStream
from steepest.errors import ConfigurationError, DataError
from steepest.optim import DRIVERS
from steepest.tabular.configuration import Configuration
from steepest.tabular.parts import (
    Parts,
    dividing_columns,
    dropped_rows,
    read_options,
    schema_of,
    with_targets,
)
from steepest.tabular.stopwatch import Stopwatch
from steepest.tabular.streaming.memory import parse_memory, row_bytes
from steepest.tabular.streaming.streamed import StreamedRows
from steepest.tabular.streaming.survey import Survey, survey
from steepest.train.samplers import SAMPLERS


def prepare_streamed(
    source: object,
    configuration: Configuration,
    given: Mapping[str, object],
    stopwatch: Stopwatch,
) -> Parts:
    """Look at all rows of a table once, keeping a sample and those that are held out.

    Args:
        source: a path.
        configuration: `data.memory` says what rows may take.
        given: "validation" and "test" → tables of their own.
        stopwatch: gets the time of reading.

    Raises:
        DataError: the table cannot be used; a table for validation or test that memory does not
            hold.
        ConfigurationError: an option that needs all rows at hand.
    """
    data = configuration.data
    budget = parse_memory(data.memory)
    check_streamable(source, configuration)
    options = read_options(data)
    text = frozenset([*kept_as_text(data.types), *possible_targets(data.target)])
    asked = {"validation": data.validation, "test": data.test}
    shares = {name: 0.0 if name in given else share for name, share in asked.items()}
    check_shares(**shares)
    with stopwatch.part("reading"):
        stream = TableStream(Path(str(source)), options, budget.reading)
        found = survey(stream, data, shares, text, configuration.training.seed, budget)
    _check_rows(found, shares)
    schema = schema_of(found.sample, data, () if found.known is None else (found.known,))
    held_out = {name: rows for name, (rows, _) in found.held_out.items()}
    notes = [dropped_rows("the table", found.dropped, found.targets)]
    for name, part in given.items():
        with stopwatch.part("reading"):
            rows = _rows_of(part, options, text, budget.total // 16, name)
        held_out[name], note = with_targets(rows, name, schema)
        notes.append(note)
    rows = StreamedRows(stream, found, budget)
    notes += [
        *_notes(found, stream, shares, len(rows)),
        *map(str, suspected_leaks(found.sample, schema)),
    ]
    return Parts(
        configuration=configuration,
        schema=schema,
        training=found.sample,
        validation=held_out.get("validation"),
        test=held_out.get("test"),
        notes=tuple(note for note in notes if note),
        stream=rows,
    )


def check_streamable(source: object, configuration: Configuration) -> None:
    """Refuse what needs all rows at hand.

    Raises:
        ConfigurationError: names the option.
    """
    training, optimizer = configuration.training, configuration.optimizer.name
    dividing = dividing_columns(configuration.data)
    why = ""
    if not isinstance(source, str | Path):
        why = "is for a table in a file; this one is in memory already"
    elif training.ensemble_size > 1:
        why = "trains one network: give other seeds in further calls, or leave --ensemble-size out"
    elif optimizer in DRIVERS:
        why = f"trains in batches, and {optimizer} takes all rows at each step: take adamw, say"
    elif not SAMPLERS.find(training.sampler).takes_each_row_once:
        why = f"takes each row once an epoch: the sampler {training.sampler!r} needs all at hand"
    elif dividing:
        why = f"draws rows one by one: --{next(iter(dividing))} needs all at hand"
    if why:
        raise ConfigurationError(f"--memory {why}")


def _check_rows(found: Survey, shares: Mapping[str, float]) -> None:
    """Refuse a table of which nothing was drawn for a part.

    Raises:
        DataError: names the part.
    """
    for name, share in shares.items():
        if share > 0 and name not in found.held_out:
            raise DataError(
                f"{found.rows:,} rows are too few for a {name} part of {share:g}: none was drawn; "
                f"give a larger share, or --{name} 0"
            )
    if found.rows == len(found.held) or not len(found.sample):
        raise DataError(
            f"{found.rows:,} rows are too few: all were drawn for validation or test; leave "
            "--memory out"
        )


def _rows_of(
    part: object, options: ReadOptions, text: frozenset[str], most: int, name: str
) -> Table:
    """A table of its own for validation or test.

    Raises:
        DataError: it is larger than its share of the memory.
    """
    tables: list[Table] = []
    size = 0
    for table in read_blocks(part, options, text_columns=text):
        tables.append(table)
        size += len(table) * row_bytes(table)
        if size > most:
            remedy = "score it afterwards with 'steepest evaluate'" if name == "test" else ""
            raise DataError(
                f"--{name} {part} is larger than the sixteenth of --memory that there is for it "
                f"({most:,} bytes): give more, or {remedy or 'fewer rows'}"
            )
    return joined_tables(tables)


def _notes(found: Survey, stream: TableStream, shares: Mapping[str, float], rows: int) -> list[str]:
    """What was decided, in sentences."""
    notes = [
        f"columns, scales and levels are found by {len(found.sample):,} rows drawn evenly of "
        f"{rows:,}; classes are counted in all"
    ]
    for name in found.was_cut:
        count = len(found.held_out[name][0])
        notes.append(
            f"{name}: {count:,} rows, as many as --memory leaves room for, in place of "
            f"{shares[name]:.3g} of {found.rows:,}; the others are trained on"
        )
    if found.held_out:
        notes.append("rows are held out one by one, by their numbers and the seed")
    if not stream.pieces:
        notes.append(
            "rows come in the order of the file and mix within a block: a file sorted by its "
            "target is learnt badly so; shuffle it, or write it as one Parquet file, which is read "
            "in a drawn order"
        )
    return notes
