"""The recipe: a table's parts in, a fitted model out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast, final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Preprocessor, Table
from steepest.errors import ConfigurationError, nearest
from steepest.losses import CrossEntropy, HalfSquaredError
from steepest.nn import Module
from steepest.tabular.configuration import Configuration, Resolved, resolve
from steepest.tabular.model import TableModel
from steepest.tabular.network import build_network, network_inputs
from steepest.tabular.options import from_plain, options, to_plain
from steepest.tabular.parts import Parts, prepare, row_weights
from steepest.tabular.recipe import make_optimizer
from steepest.tabular.results import Results
from steepest.tabular.threads import suitable_threads
from steepest.train.batches import Batches
from steepest.train.callbacks import Callback
from steepest.train.early_stopping import EarlyStopping
from steepest.train.history import History
from steepest.train.metrics import Metric, accuracy, mse
from steepest.train.trainer import Trainer
from steepest.transform.executable import Backend
from steepest.transform.stages import Explanation


def fit_table(
    source: object,
    target: str | None = None,
    configuration: Configuration | Mapping[str, Any] | None = None,
    *,
    validation: object | None = None,
    test: object | None = None,
    callbacks: Sequence[Callback] = (),
    backend: Backend = "native",
    **unknown: object,
) -> TableModel:
    """Train a network on a table, as `steepest fit` does.

    Args:
        source: A path, a pandas, polars or Arrow frame, a dictionary of columns, or a Table.
        target: The column to predict; by default `configuration.data.target`.
        configuration: All options, or nested dictionaries of those that shall not have their
            defaults.
        validation: Rows to stop on, instead of a share of `source`.
        test: Rows for an honest test, instead of a share of `source`.
        callbacks: Called while it trains, as in `steepest.Trainer.fit`; may stop it.
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
    if target is not None and not isinstance(cast("object", target), str):
        raise ConfigurationError(
            f"the second argument is the name of the target's column, and {type(target).__name__} "
            "is none: put the column into the table and give its name, as in "
            "fit_table(table, 'price'); options are the third argument"
        )
    given = to_plain(configuration) if isinstance(configuration, Configuration) else configuration
    configuration = from_plain(given or {})
    if target is not None:
        data = msgspec.structs.replace(configuration.data, target=target)
        configuration = msgspec.structs.replace(configuration, data=data)
    parts = prepare(source, configuration, validation=validation, test=test)
    return fit_parts(parts, callbacks=callbacks, backend=backend)


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
    arguments = ["source", "target", "configuration", "validation", "test", "callbacks", "backend"]
    return (
        f"fit_table has no argument {name!r}; {nearest(name, [*arguments, *leaves])}; options are "
        "given in the third, as nested dictionaries or a steepest.tabular.Configuration"
    )


def fit_parts(
    parts: Parts, *, callbacks: Sequence[Callback] = (), backend: Backend = "native"
) -> TableModel:
    """Fit preprocessing and network to the training rows, and score the others.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
        TrainingError: The loss is not finite from the first step on.
    """
    configuration = parts.configuration
    resolved = resolve(configuration, parts.schema.target.task, len(parts.training))
    preprocessor = _preprocessor(parts)
    rows = _arrays(parts.training, preprocessor, configuration)
    held_out = None
    if parts.validation is not None:
        held_out = _arrays(parts.validation, preprocessor, configuration)
    if parts.test is not None:  # what cannot be scored should be known before training
        _arrays(parts.test, preprocessor, configuration)
    network = build_network(preprocessor, configuration, resolved)
    history = _train(network, rows, held_out, configuration, resolved, callbacks, backend)
    model = TableModel(
        configuration=configuration,
        preprocessor=preprocessor,
        network=network,
        backend=backend,
        history=history.rows,
        results=Results(
            training_rows=len(parts.training),
            validation_rows=len(parts.validation or ()),
            test_rows=len(parts.test or ()),
            baseline=_baseline(parts.training, preprocessor),
            resolved=resolved,
            stopped=history.stopped,
            message=history.message,
            epochs=len(history.rows),
            best_epoch=history.best_epoch if held_out is not None else None,
            validation=None,
            test=None,
        ),
    )
    model.results = msgspec.structs.replace(
        model.results,
        validation=None if parts.validation is None else model.evaluate(parts.validation),
        test=None if parts.test is None else model.evaluate(parts.test),
    )
    return model


def explain_parts(parts: Parts) -> Explanation:
    """What the compiler makes of the step that :func:`fit_parts` would run."""
    configuration = parts.configuration
    resolved = resolve(configuration, parts.schema.target.task, len(parts.training))
    preprocessor = _preprocessor(parts)
    rows = _arrays(parts.training, preprocessor, configuration)
    network = build_network(preprocessor, configuration, resolved)
    trainer = _trainer(network, rows, configuration, resolved, "native")
    return trainer.show_stages(rows.inputs, rows.targets, batch_size=resolved.batch_size)


def _preprocessor(parts: Parts) -> Preprocessor:
    options = parts.configuration.preprocessing
    return Preprocessor.fit(
        parts.training,
        parts.schema,
        scaling=options.numeric,
        one_hot_levels=options.one_hot_levels,
    )


@final
class Rows(Struct, frozen=True, kw_only=True):
    """Preprocessed rows; `scale` is a regression target's deviation, None for classes."""

    inputs: dict[str, NDArray[Any]]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    scale: float | None


def _train(
    network: Module,
    rows: Rows,
    held_out: Rows | None,
    configuration: Configuration,
    resolved: Resolved,
    callbacks: Sequence[Callback],
    backend: Backend,
) -> History:
    training = configuration.training
    trainer = _trainer(network, rows, configuration, resolved, backend)
    with suitable_threads(network, resolved.batch_size, backend):
        return trainer.fit(
            rows.inputs,
            rows.targets,
            epochs=training.max_epochs,
            batch_size=resolved.batch_size,
            sample_weight=rows.weights,
            validation_data=None
            if held_out is None
            else (held_out.inputs, held_out.targets, held_out.weights),
            metrics=_metrics(rows.scale),
            callbacks=callbacks,
            early_stopping=None if held_out is None else _stopping(training.patience),
            time_limit=training.time_limit,
        )


def _trainer(
    network: Module,
    rows: Rows,
    configuration: Configuration,
    resolved: Resolved,
    backend: Backend,
) -> Trainer:
    training = configuration.training
    batches = Batches(len(rows.targets), resolved.batch_size)
    return Trainer(
        network,
        CrossEntropy() if rows.scale is None else HalfSquaredError(),
        make_optimizer(configuration, resolved, len(batches.extents) * training.max_epochs),
        l2=training.l2,
        seed=training.seed,
        backend=backend,
    )


def _arrays(table: Table, preprocessor: Preprocessor, configuration: Configuration) -> Rows:
    targets = preprocessor.transform_target(table)
    scale = preprocessor.target_scale
    return Rows(
        inputs=network_inputs(preprocessor.transform(table)),
        targets=targets,
        weights=row_weights(table, configuration, targets if scale is None else None),
        scale=None if scale is None else scale.scale,
    )


def _stopping(patience: int) -> EarlyStopping:
    """Restore the best epoch's weights in any case; 0 means: train to the end all the same."""
    return EarlyStopping(patience=patience or None)


def _metrics(scale: float | None) -> dict[str, Metric]:
    """Return accuracy, or the root mean squared error in the target's units."""
    if scale is None:
        return {"accuracy": accuracy}
    return {"rmse": lambda prediction, target: math.sqrt(mse(prediction, target)) * scale}


def _baseline(table: Table, preprocessor: Preprocessor) -> tuple[float, ...]:
    """Return each class's share of the rows, or the target's mean."""
    if preprocessor.target_scale is not None:
        return (preprocessor.target_scale.centre,)
    codes = preprocessor.transform_target(table)
    counts = np.bincount(codes, minlength=len(preprocessor.schema.target.classes))
    return tuple((counts / len(codes)).tolist())
