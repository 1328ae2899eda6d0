"""A fit that goes on from where an earlier one ended, on other rows or with other options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

from msgspec import structs

from steepest.data import Preprocessor
from steepest.errors import ConfigurationError
from steepest.nn import Ensemble
from steepest.optim import Driver, Rule
from steepest.tabular.configuration import Configuration
from steepest.tabular.learner import learner
from steepest.tabular.model import TableModel
from steepest.tabular.network import TableNetwork
from steepest.tabular.options import Plain, to_plain
from steepest.tabular.parts import Parts
from steepest.tabular.prepared import PreparedTable, rows_of_table
from steepest.tabular.recipe import make_optimizer
from steepest.tabular.resolved import Resolved, resolve
from steepest.train.batches import Batches
from steepest.train.trainer import Trainer

# What preprocessing and networks were made by: sections, and of some a few options.
_STAYING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "network": (),
        "preprocessing": (),
        "training": ("loss", "dtype", "ensemble_size"),
        "data": ("missing",),
    }
)


def continued(earlier: PreparedTable, parts: Parts) -> PreparedTable:
    """What has learnt already, ready for the rows of `parts` and as their configuration says.

    Preprocessing and networks stay. The optimiser goes on with what it keeps for each parameter,
    where the configuration still names the same; its schedule begins anew.

    Args:
        earlier: that has been trained.
        parts: of the same columns.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
        ConfigurationError: Options that do not go together.
    """
    configuration, learns = parts.configuration, earlier.learner
    _check_stays(learns.configuration, configuration)
    rows = rows_of_table(parts.training, earlier.preprocessor, configuration)
    resolved = _resolved(parts, earlier.preprocessor, learns.resolved)
    if configuration.optimizer.learning_rate == "auto":  # was found at the beginning
        resolved = structs.replace(resolved, learning_rate=learns.resolved.learning_rate)
    extents = Batches(len(parts.training), resolved.batch_size).extents
    steps = len(extents) * resolved.max_epochs

    def going_on(trainer: Trainer) -> Trainer:
        optimizer = make_optimizer(configuration, resolved, steps, trainer.steps)
        if not trainer.can_go_on_with(optimizer):
            optimizer = make_optimizer(configuration, resolved, steps)
            trainer = _anew(trainer, optimizer)
        else:
            trainer.go_on_with(optimizer)
        trainer.l2 = configuration.training.l2
        return trainer

    trainers = tuple(going_on(each) for each in learns.trainers)
    going = structs.replace(
        learns, configuration=configuration, resolved=resolved, rows=rows, trainers=trainers
    )
    return structs.replace(earlier, learner=going)


def fine_tuning(model: TableModel, parts: Parts) -> PreparedTable:
    """A fitted model, of a file say, ready to learn from the rows of `parts`.

    Preprocessing and networks are the model's; the optimiser begins anew.

    Args:
        model: whose networks are trained further.
        parts: of the same columns.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
        ConfigurationError: Options that do not go together.
    """
    configuration, preprocessor = parts.configuration, model.preprocessor
    _check_stays(model.configuration, configuration)
    one = model.network
    networks = one.members if isinstance(one, Ensemble) else [one]
    return PreparedTable(
        preprocessor=preprocessor,
        learner=learner(
            cast("Sequence[TableNetwork]", networks),
            rows_of_table(parts.training, preprocessor, configuration),
            configuration,
            _resolved(parts, preprocessor, model.results.resolved),
            model.trained.backend,
        ),
    )


def _check_stays(before: Configuration, now: Configuration) -> None:
    """Refuse options that say something else of what was made already and stays."""
    plain, changed = to_plain(before), to_plain(now)
    for section, leaves in _STAYING.items():
        had, has = (cast("dict[str, Plain]", each[section]) for each in (plain, changed))
        for leaf in leaves or had:
            if had[leaf] != has[leaf]:
                there, here = json.dumps(had[leaf]), json.dumps(has[leaf])
                raise ConfigurationError(
                    f"{section}.{leaf} = {here} cannot be where a fit goes on from one with "
                    f"{there}: set it back, or fit anew (warm_start=False)"
                )


def _resolved(parts: Parts, preprocessor: Preprocessor, before: Resolved) -> Resolved:
    """What is on "auto" for these rows, but for the network, which is there already."""
    numbers = len(preprocessor.continuous)
    found = resolve(parts.configuration, parts.schema.task, len(parts.training), numbers)
    return structs.replace(
        found,
        dropout=before.dropout,
        numeric_embedding=before.numeric_embedding,
        hidden_layer_sizes=before.hidden_layer_sizes,
    )


def without_rows(prepared: PreparedTable) -> PreparedTable:
    """The same without the rows that it was trained on: :func:`continued` gives it others."""
    rows = prepared.learner.rows
    none = structs.replace(rows, inputs={}, targets=rows.targets[:0], weights=None)
    return structs.replace(prepared, learner=structs.replace(prepared.learner, rows=none))


def _anew(trainer: Trainer, optimizer: Rule | Driver) -> Trainer:
    """A Trainer of the same model for another optimiser."""
    return Trainer(
        trainer.model,
        trainer.loss,
        optimizer,
        seed=trainer.seed,
        member=trainer.member,
        backend=trainer.backend,
    )
