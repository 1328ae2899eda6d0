"""Which head a table's network has."""

from __future__ import annotations

from steepest.data import Preprocessor
from steepest.losses import Quantile
from steepest.tabular.configuration import Configuration
from steepest.tabular.decision import PLAIN, Decision
from steepest.tabular.heads.classes import ClassHead
from steepest.tabular.heads.head import Head
from steepest.tabular.heads.labels import LabelHead
from steepest.tabular.heads.numbers import NumberHead
from steepest.tabular.heads.quantiles import QuantileHead
from steepest.tabular.heads.units import Counted, Standardised
from steepest.tabular.recipe import make_loss, purpose_of


def head_of(
    preprocessor: Preprocessor, configuration: Configuration, decision: Decision | None = None
) -> Head:
    """What the outputs of a table's network mean, by its targets and its loss.

    Args:
        preprocessor: knows the targets.
        configuration: says the loss.
        decision: what was chosen once the network was trained.

    Raises:
        ConfigurationError: the loss is not for such targets.
    """
    schema = preprocessor.schema
    decided = decision or PLAIN
    loss = make_loss(configuration, purpose_of(schema.targets))
    if loss.head == "labels":
        return LabelHead(loss, schema.targets, decided)
    if schema.task == "classification":
        return ClassHead(loss, schema.target.classes, decided)
    scales = preprocessor.target_scales
    if isinstance(loss, Quantile):
        return QuantileHead(loss, loss.quantiles, schema.target.name, Standardised(scales))
    counted = loss.head == "log"
    units = Counted(tuple(each.centre for each in scales)) if counted else Standardised(scales)
    return NumberHead(loss, schema.target_names, units)
