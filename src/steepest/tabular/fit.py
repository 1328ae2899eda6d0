"""The recipe: a table's parts in, a fitted model out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from steepest.data import Table, read_targets
from steepest.errors import ConfigurationError, nearest
from steepest.tabular.comparison import check_comparable, compare as comparison_of
from steepest.tabular.configuration import Configuration
from steepest.tabular.deciding import decide
from steepest.tabular.decision import Decision, check_decision
from steepest.tabular.doubts import repeats
from steepest.tabular.ending import Ending
from steepest.tabular.model import TableModel
from steepest.tabular.options import from_plain, options, to_plain
from steepest.tabular.parts import Parts, as_option
from steepest.tabular.prepare import prepare
from steepest.tabular.prepared import PreparedTable, prepare_table, prepared_with
from steepest.tabular.stopwatch import Stopwatch
from steepest.train.callbacks import Callback
from steepest.train.checkpoint import Checkpoint
from steepest.transform.executable import Backend
from steepest.transform.stages import Explanation


def fit_table(
    source: object,
    target: str | Sequence[str] | None = None,
    configuration: Configuration | Mapping[str, Any] | None = None,
    *,
    validation: object | None = None,
    test: object | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    resume: str | Path | None = None,
    watch: int | None = None,
    compare: bool = False,
    backend: Backend = "native",
    **unknown: object,
) -> TableModel:
    """Train a network on a table, as `steepest fit` does.

    Args:
        source: A path, a pandas, polars or Arrow frame, a dictionary of columns, or a Table.
        target: The column to predict, or a list of several; by default
            `configuration.data.target`.
        configuration: All options, or nested dictionaries of those that shall not have their
            defaults.
        validation: Rows to stop on, instead of a share of `source`.
        test: Rows for an honest test, instead of a share of `source`.
        callbacks: Called while it trains, as in `steepest.Trainer.fit`; may stop it.
        checkpoint: Where and how often the running fit is kept in a file.
        resume: Such a file, of an interrupted fit of the same table with the same options.
        watch: Look into every layer each so many steps, as in `steepest.Trainer.fit`; the model's
            `watched` holds what was seen.
        compare: Fit scikit-learn's models to the same rows as well: the model's `comparison` has
            all scores on the test rows.
        backend: "native" compiles the training step, "reference" interprets it with NumPy.
        unknown: No more arguments are taken; options are told where they belong.

    Raises:
        DataError: The table cannot be used: file, row, column and remedy.
        ConfigurationError: An option makes no sense.

    >>> from steepest.data import bundled_table
    >>> model = fit_table(bundled_table("iris"), "target", {"training": {"seed": 1}})
    >>> model.results.validation["accuracy"] > 0.8
    True
    """
    if unknown:
        raise ConfigurationError(_misplaced(next(iter(unknown))))
    if target is not None:
        target = as_option(target)
    given = to_plain(configuration) if isinstance(configuration, Configuration) else configuration
    configuration = from_plain(given or {})
    if target is not None:
        data = msgspec.structs.replace(configuration.data, target=target)
        configuration = msgspec.structs.replace(configuration, data=data)
    if compare:
        check_comparable(configuration, test=test is not None)
    parts = prepare(source, configuration, validation=validation, test=test)
    began = time.perf_counter()
    model = fit_parts(
        parts,
        callbacks=callbacks,
        checkpoint=checkpoint,
        resume=None if resume is None else Path(resume),
        watch=watch,
        backend=backend,
    )
    if compare:
        model.comparison = comparison_of(model, parts, time.perf_counter() - began)
    return model


def _misplaced(name: str) -> str:
    """Say where an option goes that was given as an argument of `fit_table`."""
    for option in options():
        section, _, leaf = option.partition(".")
        if leaf == name:
            way = (
                f"give it in the third: fit_table(table, target, {{{section!r}: {{{leaf!r}: …}}}})"
            )
            return f"fit_table has no argument {name!r}; {option} is an option, {way}"
    leaves = [option.partition(".")[2] for option in options()]
    arguments = [each for each in signature(fit_table).parameters if each != "unknown"]
    return (
        f"fit_table has no argument {name!r}; {nearest(name, [*arguments, *leaves])}; options are "
        "given in the third, as nested dictionaries or a steepest.tabular.Configuration"
    )


def fit_parts(
    parts: Parts,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    resume: Path | None = None,
    watch: int | None = None,
    backend: Backend = "native",
    stopwatch: Stopwatch | None = None,
) -> TableModel:
    """Fit preprocessing and network to the training rows, and score the others.

    Args:
        parts: the table's.
        callbacks: called while it trains.
        checkpoint: where and how often the running fit is kept.
        resume: the checkpoint to go on from.
        watch: look into every layer each so many steps: `model.watched`.
        backend: of the training step and of what the model predicts.
        stopwatch: gets the time of preparing, compiling, training and scoring.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
        TrainingError: The loss is not finite from the first step on.
    """
    clock = stopwatch or Stopwatch()
    with clock.part("preparing"):
        prepared = prepare_table(parts, backend)
    return fit_prepared(
        prepared,
        parts,
        callbacks=callbacks,
        checkpoint=checkpoint,
        resume=resume,
        watch=watch,
        stopwatch=clock,
    )


def fit_prepared(
    prepared: PreparedTable,
    parts: Parts,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
    resume: Path | None = None,
    watch: int | None = None,
    stopwatch: Stopwatch | None = None,
) -> TableModel:
    """Train what was prepared, or go on with it, and score the rows held out.

    Args:
        prepared: of these parts.
        parts: the table's.
        callbacks: as in :func:`fit_parts`, like the others.
        checkpoint: likewise.
        resume: likewise.
        watch: likewise.
        stopwatch: likewise.

    Raises:
        DataError: A value in the rows held out that the columns' kinds do not allow.
        TrainingError: The loss is not finite from the first step on.
    """
    clock = stopwatch or Stopwatch()
    check_decision(
        prepared.learner.configuration.decision,
        parts.schema,
        has_probabilities=prepared.learner.rows.head.has_probabilities,
        validation=parts.validation is not None,
    )
    with clock.part("preparing"):
        held_out = None if parts.validation is None else prepared.rows(parts.validation)
        if parts.test is not None:  # what cannot be scored should be known before training
            prepared.rows(parts.test)
    with clock.part("training"):
        histories = prepared.learner.train(
            held_out, callbacks, checkpoint=checkpoint, resume=resume, watch=watch
        )
        ending = Ending.of(histories)
        clock.count_as("compiling", ending.compiling)
    with clock.part("scoring"):
        model = _scored(prepared, ending, parts)
    model.watched = histories[0].watched
    return model


def explain_parts(parts: Parts) -> Explanation:
    """What the compiler makes of the step that :func:`fit_parts` would run."""
    learns = prepared_with(parts, "none").learner
    rows, batch_size = learns.rows, learns.resolved.batch_size
    return learns.trainer.show_stages(rows.inputs, rows.targets, batch_size=batch_size)


def _scored(prepared: PreparedTable, ending: Ending, parts: Parts) -> TableModel:
    """The model with how it does on the rows it was not trained on."""
    learns, preprocessor = prepared.learner, prepared.preprocessor
    model = TableModel(
        configuration=learns.configuration,
        preprocessor=preprocessor,
        network=learns.network,
        backend=learns.trainer.backend,
        history=ending.rows,
        results=ending.results(
            parts.stream or parts.training,
            parts.validation,
            parts.test,
            learns.resolved,
            learns.rows.head.baseline(read_targets(parts.training, preprocessor.schema.targets)),
        ),
    )
    model.results = msgspec.structs.replace(
        model.results,
        decision=_decided(model, prepared, parts.validation),
        notes=prepared.notes,
    )
    model.results = msgspec.structs.replace(
        model.results,
        validation=None if parts.validation is None else model.evaluate(parts.validation),
        test=None if parts.test is None else model.evaluate(parts.test),
        **_of_new_rows(model, parts),
    )
    return model


def _decided(
    model: TableModel, prepared: PreparedTable, validation: Table | None
) -> Decision | None:
    """Temperature, threshold and costs, as far as rows held out have a say."""
    options = model.configuration.decision
    if validation is None:
        return decide(model.head, options, None, None)
    return decide(
        model.head,
        options,
        model.outputs(validation),
        read_targets(validation, model.schema.targets),
        prepared.rows(validation).weights,
    )


def _of_new_rows(model: TableModel, parts: Parts) -> dict[str, Any]:
    """How many test rows repeat a training row, and the scores of the others."""
    if parts.test is None or parts.stream is not None:  # of a stream only a sample is here
        return {}
    known = repeats(parts.schema, parts.training, parts.test)
    count = int(known.sum())
    if count in (0, len(known)):
        return {"repeated_test_rows": count}
    rows = parts.test.take(np.flatnonzero(~known))
    return {"repeated_test_rows": count, "new_test": model.evaluate(rows)}
