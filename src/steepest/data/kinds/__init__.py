"""The kinds of columns. One is defined in one file, and listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from steepest.data.kinds.categorical import CATEGORICAL, CategoricalColumn
from steepest.data.kinds.kind import (
    ARRAYS,
    Bag,
    FittedColumn,
    Fitting,
    Inputs,
    Kind,
    Layout,
    Sight,
)
from steepest.data.kinds.numeric import NUMERIC, NumericColumn

# A column is offered to each in this order; the last takes all that is left.
KINDS: Mapping[str, Kind] = MappingProxyType({each.name: each for each in (NUMERIC, CATEGORICAL)})

__all__ = [
    "ARRAYS",
    "KINDS",
    "Bag",
    "CategoricalColumn",
    "FittedColumn",
    "Fitting",
    "Inputs",
    "Kind",
    "Layout",
    "NumericColumn",
    "Sight",
]
