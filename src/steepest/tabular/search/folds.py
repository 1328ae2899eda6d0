"""The rows that trials are trained on and judged by: one validation part, or k folds."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from steepest.errors import ConfigurationError
from steepest.tabular.parts import Parts, strata
from steepest.tensor.random import permutation

_DRAW = 2**31 + 2  # after those of the test and the validation part


def folds(parts: Parts, count: int) -> list[Parts]:
    """Parts with each of the k folds of the training rows for validation in turn.

    Each fold has each class by its share, as near as whole rows allow.

    Errors:
        ConfigurationError: fewer than two folds, or more than there are rows.
    """
    rows = len(parts.training)
    if not 2 <= count <= rows:
        raise ConfigurationError(
            f"cross-validation takes from 2 folds up to one for each of the {rows:,} rows, not "
            f"{count}"
        )
    place = fold_of_rows(parts, count)
    return [
        msgspec.structs.replace(
            parts,
            training=parts.training.take(np.flatnonzero(place != fold)),
            validation=parts.training.take(np.flatnonzero(place == fold)),
            test=None,
        )
        for fold in range(count)
    ]


def fold_of_rows(parts: Parts, count: int) -> NDArray[np.intp]:
    """The fold of each training row, dealt out in a shuffled order, class after class."""
    rows = len(parts.training)
    order = permutation(rows, seed=parts.configuration.training.seed, draw=_DRAW)
    labels = strata(parts.training, parts.schema)
    if labels is not None:
        order = order[np.argsort(np.array(labels)[order], kind="stable")]
    fold = np.empty(rows, np.intp)
    fold[order] = np.arange(rows) % count
    return fold
