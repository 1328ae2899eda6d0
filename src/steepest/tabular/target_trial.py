"""Whether a number or its logarithm is learnt: two short trainings decide, on validation rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from msgspec import structs

from steepest.data import Schema, Table, Transform, read_targets
from steepest.errors import ConfigurationError
from steepest.tabular.configuration import Configuration
from steepest.tabular.parts import Parts
from steepest.tabular.summary import plain
from steepest.tensor.random import permutation

SKEWED = 2.0
"""From this skewness on, the third standardised moment, a target's logarithm is tried."""
GAIN = 0.98
"""The logarithm is kept where its score is below this share of the other's."""
ROWS, EPOCHS = 4096, 10
"""At most so many rows, to train on and to judge by, and so many epochs; of fewer rows more."""
_USUAL = 50  # epochs of a fit of few rows
_DRAW = 2**31 + 96

# A short training of these parts with this transform: its score on the validation rows.
Trial: TypeAlias = Callable[[Parts, Transform], float]
# What a trial is judged by is what the loss means; by default the root mean squared error.
_SCORES = {"quantile": "pinball", "absolute_error": "mae", "huber": "mae"}


def target_transform(parts: Parts, trial: Trial) -> tuple[Transform, tuple[str, ...]]:
    """What is done to the targets before they are standardised, and lines that say why.

    With `preprocessing.target` on "auto" the logarithm is tried where one positive number is
    predicted whose skewness m₃ / m₂^1.5 over the training rows is 2 or more and becomes smaller,
    and where there are validation rows. Both are trained on up to 4,096 rows for 10 epochs, on
    fewer rows for as many as see 40,960, and never for more than the fit; the logarithm is kept if
    it makes the validation score at least 2 % smaller: the error in the target's own units, as the
    loss counts it.

    Args:
        parts: the table's.
        trial: trains and scores.

    Raises:
        ConfigurationError: the logarithm is asked for where there is none.
    """
    configuration, schema = parts.configuration, parts.schema
    asked = configuration.preprocessing.target
    if asked == "log":
        check_logarithm(configuration, schema)
        return "log", ()
    if asked == "none" or not _is_tried(parts):
        return "none", ()
    shorter = _shorter(parts)
    as_it_is, logarithm = trial(shorter, "none"), trial(shorter, "log")
    name, score = schema.target.name, trial_score(configuration)
    in_trials = f"in short trials validation {score} was"
    if logarithm < GAIN * as_it_is:
        found = f"{in_trials} {plain(logarithm)}, and {plain(as_it_is)} without it"
        return "log", (f"{name!r} is skewed, its logarithm is learnt: {found}",)
    found = f"{in_trials} {plain(as_it_is)}, and {plain(logarithm)} with its logarithm"
    return "none", (f"{name!r} is skewed, but learnt as it is: {found}",)


def trial_score(configuration: Configuration) -> str:
    """What trials are judged by, which is small where predictions are good."""
    return _SCORES.get(configuration.training.loss, "rmse")


def check_logarithm(configuration: Configuration, schema: Schema) -> None:
    """Refuse logarithms of what is no number, or of what has them already.

    Raises:
        ConfigurationError: says which.
    """
    if schema.task == "classification":
        raise ConfigurationError(
            "preprocessing.target = 'log' is for numbers, and "
            f"{', '.join(map(repr, schema.target_names))} holds classes: leave it out, or say "
            "--task regression"
        )
    if configuration.training.loss == "poisson":
        raise ConfigurationError(
            "the loss 'poisson' predicts logarithms already: leave preprocessing.target = 'log' out"
        )


def _is_tried(parts: Parts) -> bool:
    one_number = parts.schema.task == "regression" and len(parts.schema.targets) == 1
    if not one_number or parts.validation is None:
        return False
    if parts.configuration.training.loss == "poisson":
        return False
    tables = [each for each in (parts.training, parts.validation, parts.test) if each is not None]
    if any((read_targets(each, parts.schema.targets) <= 0).any() for each in tables):
        return False
    values = read_targets(parts.training, parts.schema.targets)
    before = skewness(values)
    return before >= SKEWED and abs(skewness(np.log(values))) < before


def skewness(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The third standardised moment m₃ / m₂^1.5, as SciPy's ``stats.skew``; 0 for a constant.

    >>> skewness(np.array([0.0, 0.0, 3.0])) > 0.7
    True
    """
    largest = float(np.abs(values).max())
    apart = values / largest - np.mean(values / largest)
    spread = float(np.mean(apart**2))
    return float(np.mean(apart**3)) / spread**1.5 if spread > 0 else 0.0


def _shorter(parts: Parts) -> Parts:
    """Parts for a trial: some rows, few epochs, one network."""
    configuration = parts.configuration
    training, seed = configuration.training, configuration.training.seed
    rows = _some(parts.training, seed)
    most, size = training.max_epochs, training.batch_size
    epochs = max(EPOCHS, EPOCHS * ROWS // len(rows))
    short = structs.replace(
        training,
        max_epochs=min(epochs, _USUAL if isinstance(most, str) else most),
        batch_size=size if isinstance(size, str) else min(size, len(rows)),
        ensemble_size=1,
    )
    return structs.replace(
        parts,
        configuration=structs.replace(configuration, training=short),
        training=rows,
        validation=None if parts.validation is None else _some(parts.validation, seed),
        test=None,
        stream=None,
    )


def _some(table: Table, seed: int) -> Table:
    if len(table) <= ROWS:
        return table
    return table.take(np.sort(permutation(len(table), seed=seed, draw=_DRAW)[:ROWS]))
