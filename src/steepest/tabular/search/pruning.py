"""Which trials are stopped early, judged by their validation loss beside that of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from steepest.errors import extra
from steepest.methods import Registry

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

MakePruner: TypeAlias = "Callable[[int], BasePruner]"

# Functions of the most epochs of a trial.
PRUNERS = Registry[MakePruner]("pruner", option="--pruner NAME")
_FIRST = 5  # trials that are trained to their end in any case
_BEFORE = 0.2  # share of the epochs before which nothing is judged


@PRUNERS.register("median", "E4")
def median_rule(epochs: int) -> BasePruner:
    """Stop a trial whose best loss by epoch e is worse than the median of the others' at e.

    The first 5 trials are trained to their end, and no trial is judged in the first fifth of its
    epochs, nor in its first two.

    Source: Golovin et al.: "Google Vizier" (2017), the median stopping rule.
    """
    with extra("search"):
        from optuna.pruners import MedianPruner
    return MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=max(3, round(_BEFORE * epochs)))


@PRUNERS.register("asha", "E4")
def successive_halving(epochs: int) -> BasePruner:
    """Successive halving: at epochs r, 3r, 9r … only the best third so far goes on.

    r is a ninth of the epochs.

    Source: Li et al.: "A system for massively parallel hyperparameter tuning" (2020).
    """
    with extra("search"):
        from optuna.pruners import SuccessiveHalvingPruner
    return SuccessiveHalvingPruner(min_resource=max(1, epochs // 9), reduction_factor=3)


@PRUNERS.register("none", "E4")
def no_pruning(epochs: int) -> BasePruner:
    """Train every trial until it stops by itself: P(prune) = 0.

    Source: what the others are measured against.
    """
    with extra("search"):
        from optuna.pruners import NopPruner
    return NopPruner()
