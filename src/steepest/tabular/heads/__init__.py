"""What the outputs of a network mean, as its loss and its targets say: a class for each meaning."""

from steepest.tabular.heads.choice import head_of
from steepest.tabular.heads.classes import ClassHead
from steepest.tabular.heads.head import Head
from steepest.tabular.heads.labels import LabelHead
from steepest.tabular.heads.numbers import NumberHead
from steepest.tabular.heads.quantiles import QuantileHead, quantile_columns
from steepest.tabular.heads.units import Counted, Standardised, Units

__all__ = [
    "ClassHead",
    "Counted",
    "Head",
    "LabelHead",
    "NumberHead",
    "QuantileHead",
    "Standardised",
    "Units",
    "head_of",
    "quantile_columns",
]
