"""A fitted model of a table: predicts, evaluates, explains itself, and is saved in one file."""

from __future__ import annotations

import copy
import html
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from steepest import __version__
from steepest.data import (
    Preprocessor,
    Schema,
    Table,
    drop_rows_without,
    read_blocks,
    read_table,
    read_targets,
)
from steepest.errors import DataError, ModelFileError
from steepest.nn import Module
from steepest.tabular.comparison import Comparison
from steepest.tabular.configuration import Configuration
from steepest.tabular.deciding import decided_by
from steepest.tabular.evaluate import Evaluation
from steepest.tabular.files import damage_told, model_bytes, read_model_file, timeless, write_model
from steepest.tabular.first_format import reordered
from steepest.tabular.heads import Head, head_of
from steepest.tabular.importance import Importances, Progress, column_importances
from steepest.tabular.network import (
    build_network,
    network_inputs,
    network_weights,
    set_weights,
    together,
)
from steepest.tabular.options import from_plain, to_plain
from steepest.tabular.parts import options_of_new_table, the_targets
from steepest.tabular.results import Results
from steepest.tabular.summary import first_scores, summarise
from steepest.tabular.trained import TrainedNetwork
from steepest.train.predict import SAMPLES, mean_and_deviation_of_draws
from steepest.train.watched import Watched
from steepest.transform.executable import Backend

Row: TypeAlias = Mapping[str, Any]
_NEXT_HEADING = "\n\nlayers\n"
_ROWS = 8192  # of a file that are read at a time


@final
class TableModel:
    """A network with all that stands between it and a table.

    Attributes:
        configuration: The options it was fitted with.
        schema: What the table's columns mean.
        preprocessor: From columns to arrays.
        network: The trained module.
        results: How training went, and the scores.
        history: One mapping an epoch.
        watched: What `fit_table(…, watch=n)` saw; of an ensemble, in its first member. Not saved.
        comparison: What `fit_table(…, compare=True)` found. Not saved.
        trained: The same in use; its ``backend`` is what predictions run on, and is not saved.
    """

    def __init__(
        self,
        *,
        configuration: Configuration,
        preprocessor: Preprocessor,
        network: Module,
        results: Results,
        history: Sequence[Row],
        backend: Backend = "native",
    ) -> None:
        self.configuration = configuration
        self.preprocessor = preprocessor
        self.results = results
        self.history: tuple[Row, ...] = tuple(history)
        self.watched = Watched()
        self.comparison: Comparison | None = None
        self.trained = TrainedNetwork(network, backend)

    def __repr__(self) -> str:
        """Say what is predicted, and how well.

        >>> from steepest.data import bundled_table
        >>> from steepest.tabular import fit_table
        >>> fit_table(bundled_table("iris"), "target")
        <TableModel: classification of 'target', validation accuracy ..., baseline 0.33333>
        """
        names = ", ".join(map(repr, self.schema.target_names))
        parts = [f"{self.schema.task} of {names}", *first_scores(self.results)]
        return f"<TableModel: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        """Show the summary's first part in a notebook."""
        return f"<pre>{html.escape(self.summary().partition(_NEXT_HEADING)[0])}</pre>"

    @property
    def network(self) -> Module:
        """The trained module."""
        return self.trained.network

    @property
    def schema(self) -> Schema:
        """What the table's columns mean."""
        return self.preprocessor.schema

    @property
    def classes(self) -> tuple[str, ...]:
        """The class labels as the table writes them; empty for regression and several targets."""
        return self.schema.target.classes if len(self.schema.targets) == 1 else ()

    @property
    def text_columns(self) -> frozenset[str]:
        """Columns to keep as the file writes them: labels, and categories such as "01".

        Others that were text in training are read as what they are, so that one that has become
        numbers is noticed.
        """
        return self.preprocessor.text_columns

    @property
    def head(self) -> Head:
        """What the network's outputs mean."""
        return head_of(self.preprocessor, self.configuration, self.results.decision)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that it predicts, if it was trained for some."""
        return self.head.quantiles

    @property
    def has_probabilities(self) -> bool:
        """Whether it was trained so that what its outputs mean are probabilities."""
        return self.head.has_probabilities

    @overload
    def predict(
        self,
        source: object,
        *,
        return_std: Literal[False] = False,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> NDArray[Any]: ...
    @overload
    def predict(
        self, source: object, *, return_std: Literal[True], samples: int = SAMPLES, seed: int = 0
    ) -> tuple[NDArray[Any], NDArray[np.float64]]: ...
    def predict(
        self, source: object, *, return_std: bool = False, samples: int = SAMPLES, seed: int = 0
    ) -> NDArray[Any] | tuple[NDArray[Any], NDArray[np.float64]]:
        """Predict each row: the likeliest class's label (text), or a number in the target's units.

        Args:
            source: A path, a pandas, polars or Arrow frame, a dictionary of columns, or a Table.
            return_std: Predict by the mean over draws with dropout (Monte-Carlo dropout), and give
                the standard deviation as well: in the target's units, or that of the predicted
                class's probability.
            samples: How many draws.
            seed: Of the draws.

        Returns:
            Array (n,), in the order of the rows, or (n, targets) of several; or two.

        Raises:
            DataError: A column is missing or of another type; names row and column.
            ConfigurationError: `return_std` of a network without dropout.
        """
        table, head = self.read(source), self.head
        if not return_std:
            return head.choose(head.meaning(self.outputs(table)))
        means, deviations = self.sampled(table, samples=samples, seed=seed)
        return head.choose(means), head.deviation(means, deviations)

    def predict_proba(self, source: object) -> NDArray[np.float64]:
        """Predict each class's probability: softmax of the network's outputs, float64 (n, classes).

        Of several labels it is the probability of each label's second class, (n, labels).

        Raises:
            DataError: As `predict`; also if the model is one of regression, or was trained with a
                loss that knows no probabilities.
        """
        head = self.head
        head.check_probabilities()
        return head.meaning(self.outputs(self.read(source)))

    def check_probabilities(self) -> None:
        """Refuse where there are none.

        Raises:
            DataError: The model is one of regression, or was trained for margins.
        """
        self.head.check_probabilities()

    def predict_quantiles(self, source: object) -> NDArray[np.float64]:
        """Predict each quantile, float64 (n, quantiles), rising in each row; see `quantiles`.

        Raises:
            DataError: As `predict`; also if the model was not trained with the loss "quantile".
        """
        head = self.head
        head.check_quantiles()
        return head.meaning(self.outputs(self.read(source)))

    def sampled(
        self, table: Table, *, samples: int = SAMPLES, seed: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation over draws with dropout: of probabilities, or of numbers.

        Args:
            table: As `read` gives it.
            samples: How many draws.
            seed: Of the draws.

        Returns:
            Two arrays (n, classes) or (n, labels), or (n, quantiles) or (n, targets) in the
            targets' units.

        Raises:
            ConfigurationError: The network has no dropout; fewer than two samples.
            DataError: The model is one of classes, but has no probabilities.
        """
        head = self.head
        if self.schema.task == "classification":
            head.check_probabilities()
        inputs = self.inputs(table)
        draws = (head.meaning(outputs) for outputs in self.trained.samples(inputs, samples, seed))
        return mean_and_deviation_of_draws(draws, np.float64)

    def evaluate(self, source: object) -> Evaluation:
        """Score the predictions of rows whose target is known; others are left out.

        A file is read block by block: only what is predicted for its rows is kept of them.

        Raises:
            DataError: A label that is no class of the model (row, nearest class).
        """
        return self.score(self.blocks(source))[0]

    def score(self, tables: Iterable[Table]) -> tuple[Evaluation, int]:
        """Score the rows of several tables together; also how many were left out.

        Raises:
            DataError: As `evaluate`.
        """
        names, head, left_out = self.schema.target_names, self.head, 0
        actual: list[NDArray[Any]] = []
        outputs: list[NDArray[Any]] = []
        for each in tables:
            table, dropped = drop_rows_without(each, *names)
            left_out += dropped
            if len(table):
                # Before the predictions, which take time: a label that nobody trained.
                actual.append(read_targets(table, self.schema.targets))
                outputs.append(self.outputs(table))
        if not actual:
            raise DataError(f"no row has a value in {the_targets(names)}")
        meant = head.meaning(np.concatenate(outputs))
        return head.evaluate(np.concatenate(actual), meant, self.results.baseline), left_out

    def importance(
        self,
        source: object,
        *,
        metric: str | None = None,
        repeats: int = 10,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Importances:
        """How much each column matters: what a score loses when the column is shuffled.

        Args:
            source: Rows with their target, best such as were not trained on.
            metric: A score that `evaluate` gives; by default log_loss or rmse.
            repeats: How often each column is shuffled.
            seed: Of the orders.
            progress: Told how many columns are done, and how many there are.

        Raises:
            ConfigurationError: No such score, or fewer than two repeats.
            DataError: As `evaluate`.
        """
        return column_importances(
            self, source, metric=metric, repeats=repeats, seed=seed, progress=progress
        )

    def with_threshold(self, threshold: float) -> TableModel:
        """The same model, predicting the second of two classes from this probability on.

        Args:
            threshold: Between 0 and 1.

        Raises:
            ConfigurationError: It does not predict one target of two classes by probabilities.
        """
        changed = copy.copy(self)
        decision = decided_by(threshold, self.schema, self.head, self.results.decision)
        changed.results = msgspec.structs.replace(self.results, decision=decision)
        return changed

    def read(
        self,
        source: object,
        *,
        separator: str | None = None,
        sheet: str | None = None,
        query: str | None = None,
    ) -> Table:
        """Read a table with the model's own options: missing markers, header, text columns.

        Args:
            source: a path, a data frame, a dictionary of columns or a Table.
            separator: between fields, in place of the model's.
            sheet: of a workbook, or table of a database.
            query: SQL whose rows are the table, ``FROM data``.
        """
        options = options_of_new_table(
            self.configuration.data, separator=separator, sheet=sheet, query=query
        )
        return read_table(source, options, text_columns=self.text_columns)

    def blocks(
        self,
        source: object,
        *,
        separator: str | None = None,
        sheet: str | None = None,
        query: str | None = None,
    ) -> Iterator[Table]:
        """Read a table as `read` does, a file block by block."""
        if not isinstance(source, str | os.PathLike):
            yield self.read(source)
            return
        options = options_of_new_table(
            self.configuration.data, separator=separator, sheet=sheet, query=query
        )
        yield from read_blocks(source, options, rows=_ROWS, text_columns=self.text_columns)

    def outputs(self, table: Table) -> NDArray[Any]:
        """Compute the raw outputs of the network: scores (n, classes), or standardised (n, 1).

        Raises:
            TrainingError: They are not finite, because training went wrong.
        """
        return self.trained.outputs(self.inputs(table))

    def inputs(self, table: Table) -> dict[str, NDArray[Any]]:
        """Make the arrays that the network takes, of a table as `read` gives it."""
        return network_inputs(self.preprocessor.transform(table, self.network.dtype))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, whole or not at all; it holds no rows, times or paths.

        Raises:
            DataError: The file cannot be written; an old one under the name is untouched.
        """
        write_model(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Build the model file's content; equal fits give equal bytes."""
        document = {
            "kind": "table",
            "version": __version__,
            "configuration": to_plain(self.configuration),
            "preprocessor": self.preprocessor.to_json(),
            "results": msgspec.to_builtins(self.results),
            "history": [timeless(row) for row in self.history],
        }
        return model_bytes(network_weights(self.network), document)

    def summary(self) -> str:
        """Describe the model for a person: task, layers, schema, training and scores."""
        return summarise(self.configuration, self.preprocessor, self.network, self.results)


def load(path: str | os.PathLike[str]) -> TableModel:
    """Read the model file of a table; `steepest.load` reads those of images too.

    Args:
        path: What `TableModel.save` or `steepest fit` wrote; of this or an earlier version.

    Raises:
        ModelFileError: Missing, cut short, damaged, of a newer format, or not ours.
    """
    path = Path(path)
    tensors, document = read_model_file(path)
    if document.get("kind", "table") != "table":
        raise ModelFileError(f"{path} is no model of a table but of {document['kind']}: st.load it")
    with damage_told(path):
        configuration = from_plain(document["configuration"])
        preprocessor = Preprocessor.from_json(document["preprocessor"])
        results = msgspec.convert(document["results"], Results)
        history = msgspec.convert(document["history"], list[dict[str, Any]])
        networks = [
            build_network(preprocessor, configuration, results.resolved)
            for _ in range(results.networks)
        ]
        head = head_of(preprocessor, configuration)
        if len(results.baseline) != (1 if head.quantiles else head.outputs):
            raise ValueError("the baseline is not of these targets")
        network = together(networks, head.loss, results)
        set_weights(network, reordered(tensors, document["preprocessor"]))
    return TableModel(
        configuration=configuration,
        preprocessor=preprocessor,
        network=network,
        results=results,
        history=history,
    )
