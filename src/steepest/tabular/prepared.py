"""From a table's parts to what learns them: preprocessing fitted, network made, rows as numbers."""

from __future__ import annotations

from typing import final

from msgspec import Struct, structs

from steepest.data import Preprocessor, Table, Transform, read_targets
from steepest.errors import DataError, TrainingError
from steepest.tabular.configuration import Configuration
from steepest.tabular.heads import head_of
from steepest.tabular.learner import Learner, Rows, learner
from steepest.tabular.network import TableNetwork, build_network, network_inputs
from steepest.tabular.parts import Parts
from steepest.tabular.resolved import resolve
from steepest.tabular.target_trial import target_transform, trial_score
from steepest.tabular.trained import TrainedNetwork
from steepest.tabular.weights import as_weighted, row_weights
from steepest.transform.executable import Backend


@final
class PreparedTable(Struct, frozen=True, kw_only=True):
    """The preprocessing of a table, what learns the rows that it gives, and what was decided."""

    preprocessor: Preprocessor
    learner: Learner[TableNetwork]
    notes: tuple[str, ...] = ()

    def rows(self, table: Table) -> Rows:
        """Other rows, as the training rows were prepared.

        Raises:
            DataError: A value that the columns' kinds do not allow; names row and column.
        """
        return rows_of_table(table, self.preprocessor, self.learner.configuration)


def prepare_table(parts: Parts, backend: Backend = "native") -> PreparedTable:
    """Fit the preprocessing to the training rows, and make the network and its trainer.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
    """
    transform, notes = target_transform(parts, lambda some, how: _trial(some, how, backend))
    try:
        prepared = prepared_with(parts, transform, backend)
    except DataError as error:
        asked = parts.configuration.preprocessing.target
        if parts.stream is None or transform == "none" or asked != "auto":
            raise
        prepared = prepared_with(parts, "none", backend)  # the sample did not show all rows
        notes = (*notes, f"but it is learnt as it is: {error}")
    return structs.replace(prepared, notes=notes)


def _trial(parts: Parts, transform: Transform, backend: Backend) -> float:
    """Train for a score on the validation rows; infinite where training fails."""
    assert parts.validation is not None
    prepared = prepared_with(parts, transform, backend)
    learns, head = prepared.learner, prepared.learner.rows.head
    held_out = prepared.rows(parts.validation)
    try:
        (history,) = learns.train(held_out, ())
        if history.stopped == "interrupted":
            raise KeyboardInterrupt
        outputs = TrainedNetwork(learns.network, backend).outputs(held_out.inputs)
    except TrainingError:
        return float("inf")
    actual = read_targets(parts.validation, parts.schema.targets)
    found = head.evaluate(actual, head.meaning(outputs), head.baseline(actual))
    return found[trial_score(parts.configuration)] or 0.0


def prepared_with(parts: Parts, transform: Transform, backend: Backend = "native") -> PreparedTable:
    """The same, with what is done to the targets first decided already."""
    configuration = parts.configuration
    preprocessor = Preprocessor.fit(
        as_weighted(parts.training, configuration),
        parts.schema,
        scaling=configuration.preprocessing.numeric,
        one_hot_levels=configuration.preprocessing.one_hot_levels,
        text_buckets=configuration.preprocessing.text_buckets,
        text_length=configuration.preprocessing.text_length,
        target=transform,
    )
    resolved = resolve(
        configuration, parts.schema.task, parts.rows_to_train_on, len(preprocessor.continuous)
    )
    rows = rows_of_table(parts.training, preprocessor, configuration)
    networks = [
        build_network(preprocessor, configuration, resolved, member)
        for member in range(configuration.training.ensemble_size)
    ]
    blocks = None
    if parts.stream is not None:
        blocks = parts.stream.blocks(preprocessor, rows.head, configuration, rows.inputs)
    return PreparedTable(
        preprocessor=preprocessor,
        learner=learner(networks, rows, configuration, resolved, backend, blocks),
    )


def rows_of_table(table: Table, preprocessor: Preprocessor, configuration: Configuration) -> Rows:
    """Rows of a table as a network takes them, with what their targets mean.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
    """
    schema, head = preprocessor.schema, head_of(preprocessor, configuration)
    inputs = network_inputs(preprocessor.transform(table, configuration.training.dtype))
    actual = read_targets(table, schema.targets)
    return Rows(
        inputs=inputs,
        targets=head.encode(actual, lambda row, i: table.place(row, schema.target_names[i])),
        weights=row_weights(table, configuration, schema, actual),
        head=head,
    )
