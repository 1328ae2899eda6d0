"""The kinds of columns. One is defined in one file, and listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from steepest.data.kinds.boolean import BOOLEAN, BooleanColumn
from steepest.data.kinds.categorical import CATEGORICAL, CategoricalColumn
from steepest.data.kinds.datetime import DATETIME, DatetimeColumn
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
from steepest.data.kinds.ordinal import ORDINAL, OrdinalColumn
from steepest.data.kinds.text import TEXT, FreeTextColumn

# A column is offered to each in this order; the last takes all that is left.
_IN_ORDER = (ORDINAL, NUMERIC, BOOLEAN, DATETIME, TEXT, CATEGORICAL)
KINDS: Mapping[str, Kind] = MappingProxyType({each.name: each for each in _IN_ORDER})

__all__ = [
    "ARRAYS",
    "KINDS",
    "Bag",
    "BooleanColumn",
    "CategoricalColumn",
    "DatetimeColumn",
    "FittedColumn",
    "Fitting",
    "FreeTextColumn",
    "Inputs",
    "Kind",
    "Layout",
    "NumericColumn",
    "OrdinalColumn",
    "Sight",
]
