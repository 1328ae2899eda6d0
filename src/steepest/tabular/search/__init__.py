"""The search for good options of a table: spaces, layouts, trials that outlive the process."""

from steepest.tabular.search.layouts import (
    LAYOUTS,
    GridLayout,
    Layout,
    RandomLayout,
    TreeParzen,
)
from steepest.tabular.search.pruning import PRUNERS, median_rule, no_pruning, successive_halving
from steepest.tabular.search.records import Trial, trials_csv
from steepest.tabular.search.search import Running, SearchNow, SearchResult, search_table
from steepest.tabular.search.space import (
    DEFAULT_SPACE,
    Choice,
    Dimension,
    Range,
    Space,
    space_from_plain,
)

__all__ = [
    "DEFAULT_SPACE",
    "LAYOUTS",
    "PRUNERS",
    "Choice",
    "Dimension",
    "GridLayout",
    "Layout",
    "RandomLayout",
    "Range",
    "Running",
    "SearchNow",
    "SearchResult",
    "Space",
    "TreeParzen",
    "Trial",
    "median_rule",
    "no_pruning",
    "search_table",
    "space_from_plain",
    "successive_halving",
    "trials_csv",
]
