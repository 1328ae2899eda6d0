"""From a table's parts to what learns them: preprocessing fitted, network made, rows as numbers."""

from __future__ import annotations

from typing import final

from msgspec import Struct

from steepest.data import Preprocessor, Table
from steepest.tabular.configuration import Configuration
from steepest.tabular.heads import head_of
from steepest.tabular.learner import Learner, Rows, learner
from steepest.tabular.network import TableNetwork, build_network, network_inputs
from steepest.tabular.parts import Parts, row_weights
from steepest.tabular.resolved import resolve
from steepest.transform.executable import Backend


@final
class PreparedTable(Struct, frozen=True, kw_only=True):
    """The preprocessing of a table, and what learns the rows that it gives."""

    preprocessor: Preprocessor
    learner: Learner[TableNetwork]

    def rows(self, table: Table) -> Rows:
        """Other rows, as the training rows were prepared.

        Raises:
            DataError: A value that the columns' kinds do not allow; names row and column.
        """
        return _rows(table, self.preprocessor, self.learner.configuration)


def prepare_table(parts: Parts, backend: Backend = "native") -> PreparedTable:
    """Fit the preprocessing to the training rows, and make the network and its trainer.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
    """
    configuration = parts.configuration
    resolved = resolve(configuration, parts.schema.target.task, len(parts.training))
    preprocessor = Preprocessor.fit(
        parts.training,
        parts.schema,
        scaling=configuration.preprocessing.numeric,
        one_hot_levels=configuration.preprocessing.one_hot_levels,
    )
    rows = _rows(parts.training, preprocessor, configuration)
    networks = [
        build_network(preprocessor, configuration, resolved, member)
        for member in range(configuration.training.ensemble_size)
    ]
    return PreparedTable(
        preprocessor=preprocessor,
        learner=learner(networks, rows, configuration, resolved, backend),
    )


def _rows(table: Table, preprocessor: Preprocessor, configuration: Configuration) -> Rows:
    head = head_of(preprocessor, configuration)
    inputs = network_inputs(preprocessor.transform(table))
    if head is None:
        targets = preprocessor.transform_target(table)
        weights = row_weights(table, configuration, targets)
        return Rows(inputs=inputs, targets=targets, weights=weights, head=None)
    return Rows(
        inputs=inputs,
        targets=head.targets(preprocessor, table),
        weights=row_weights(table, configuration, None),
        head=head,
    )
