"""How much each searched option mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from steepest.errors import extra
from steepest.tabular.search.quiet import quiet
from steepest.tabular.search.records import Trial
from steepest.tabular.search.samplers import distributions, labelled
from steepest.tabular.search.space import Space

_FEWEST = 4


def importances(trials: Sequence[Trial], space: Space) -> dict[str, float]:
    """Shares of the variance of the value that come from each option alone, the largest first.

    Of a forest of regression trees fitted to the complete trials.

    Source: Hutter, Hoos, Leyton-Brown: "An efficient approach for assessing hyperparameter
    importance" (2014), as Optuna computes it.
    """
    complete = [each for each in trials if each.state == "complete" and each.value is not None]
    if len(complete) < _FEWEST or len({each.value for each in complete}) < 2:
        return {}
    with extra("search"):
        from optuna import create_study
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances
        from optuna.trial import create_trial
    with quiet():
        study = create_study()
    for each in complete:
        study.add_trial(
            create_trial(
                params=labelled(space, each.options),
                distributions=distributions(space),
                value=cast("float", each.value),
            )
        )
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(found[name]) for name in sorted(found, key=lambda name: -found[name])}
