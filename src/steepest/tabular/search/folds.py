"""The rows that trials are trained on and judged by: one validation part, or k folds."""

from __future__ import annotations

import msgspec

from steepest.tabular.parts import Parts, division_of


def folds(parts: Parts, count: int) -> list[Parts]:
    """Parts with each of the k folds of the training rows for validation in turn.

    Folds are as the rows are divided: each class by its share, or whole groups, or each stretch of
    time but the first after all that came before it.

    Raises:
        ConfigurationError: fewer than two folds, or more than the rows allow.
    """
    division = division_of(parts.training, parts.schema, parts.configuration.data)
    return [
        msgspec.structs.replace(
            parts,
            training=parts.training.take(training),
            validation=parts.training.take(held_out),
            test=None,
        )
        for training, held_out in division.folds(count, seed=parts.configuration.training.seed)
    ]
