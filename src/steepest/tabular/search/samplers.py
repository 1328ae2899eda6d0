"""A layout as Optuna asks for it, and values as Optuna keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast, final

from steepest.errors import extra
from steepest.tabular.options import Plain
from steepest.tabular.search.layouts import Layout, share
from steepest.tabular.search.space import Choice, Dimension, Drawn, Range, Space

with extra("search"):
    from optuna import Study
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )
    from optuna.samplers import BaseSampler, TPESampler
    from optuna.trial import FrozenTrial, Trial


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The values of each dimension, as Optuna has it."""
    return {name: _distribution(each) for name, each in space.dimensions.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution([_label(value) for value in dimension.values])
    ranged = cast("Range", dimension)
    if ranged.whole:
        return IntDistribution(int(ranged.low), int(ranged.high), log=ranged.log)
    return FloatDistribution(ranged.low, ranged.high, log=ranged.log)


def labelled(space: Space, options: Mapping[str, Plain]) -> dict[str, Any]:
    """Drawn values as Optuna keeps them."""
    return {
        name: _label(value) if isinstance(space.dimensions[name], Choice) else value
        for name, value in options.items()
    }


def suggested(trial: Trial, name: str, dimension: Dimension) -> Plain:
    """The value of a dimension in a trial, which Optuna takes note of."""
    if isinstance(dimension, Choice):
        labels = [_label(value) for value in dimension.values]
        return written(dimension, trial.suggest_categorical(name, labels))
    ranged = cast("Range", dimension)
    low, high = ranged.low, ranged.high
    if ranged.whole:
        return trial.suggest_int(name, int(low), int(high), log=ranged.log)
    return trial.suggest_float(name, low, high, log=ranged.log)


def written(dimension: Dimension, kept: Any) -> Plain:  # noqa: ANN401 - as Optuna keeps it
    """A value that Optuna kept, as an option takes it."""
    if isinstance(dimension, Choice):
        return next(value for value in dimension.values if _label(value) == kept)
    return kept


def _label(value: Plain) -> str:
    """Optuna keeps text as it is; lists it does not, and 1 would be taken for true."""
    return json.dumps(value)


@final
class Laid(BaseSampler):
    """Gives each trial the values of its place in the layout, or what TPE says with its seed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._drawn: dict[int, Drawn] = {}
        self._asked: dict[int, TPESampler] = {}

    def place(self, number: int, place: int) -> None:
        """Which place the trial of this number has."""
        drawn = self._layout.drawn(place)
        if drawn is None:
            seed = int(share(self._layout.seed, place, "tpe") * 2**32)
            self._asked[number] = TPESampler(seed=seed)
        else:
            self._drawn[number] = drawn

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What is drawn jointly: all, or nothing."""
        asked = self._asked.get(trial.number)
        return {} if asked is None else asked.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values that are drawn jointly."""
        asked = self._asked.get(trial.number)
        return {} if asked is None else asked.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401 - Optuna's
        """One value."""
        if trial.number in self._drawn:
            value = self._drawn[trial.number][param_name]
            is_choice = isinstance(param_distribution, CategoricalDistribution)
            return _label(value) if is_choice else value
        asked = self._asked[trial.number]
        return asked.sample_independent(study, trial, param_name, param_distribution)
