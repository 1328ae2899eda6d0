"""A fit that goes on from where an earlier one ended, on other rows or with other options."""

from __future__ import annotations

from msgspec import structs

from steepest.optim import Driver, Rule
from steepest.tabular.parts import Parts
from steepest.tabular.prepared import PreparedTable
from steepest.tabular.recipe import make_optimizer
from steepest.tabular.resolved import resolve
from steepest.train.batches import Batches
from steepest.train.trainer import Trainer


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
    given = structs.replace(learns, configuration=configuration)
    rows = structs.replace(earlier, learner=given).rows(parts.training)
    resolved = resolve(configuration, parts.schema.task, len(parts.training))
    if configuration.optimizer.learning_rate == "auto":  # was found at the beginning
        resolved = structs.replace(resolved, learning_rate=learns.resolved.learning_rate)
    extents = Batches(len(parts.training), resolved.batch_size).extents
    steps = len(extents) * configuration.training.max_epochs

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
    learner = structs.replace(
        learns, configuration=configuration, resolved=resolved, rows=rows, trainers=trainers
    )
    return structs.replace(earlier, learner=learner)


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
