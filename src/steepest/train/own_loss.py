"""A loss of one's own is looked at before the first step that uses it."""

from __future__ import annotations

from steepest.losses import LOSSES, LossFunction, Unchecked, check_own_loss
from steepest.nn import Module, evaluating
from steepest.tensor.modes import no_grad
from steepest.train.arrays import mapped
from steepest.train.rows import Examples
from steepest.train.step import constant

_ROWS = 64


def check_if_own(model: Module, loss: LossFunction, examples: Examples) -> None:
    """Check the gradient of a function that is no loss of ``st.losses``, at some predictions.

    Raises:
        ShapeError, TrainingError, GradientError: as :func:`steepest.losses.check_own_loss`.
    """
    if isinstance(loss, (*LOSSES.values(), Unchecked)):
        return
    rows = mapped(examples.x, lambda table: constant(table[:_ROWS]))
    with no_grad(), evaluating():
        prediction = model(rows)
    check_own_loss(loss, prediction.data, examples.y[:_ROWS])
