"""Tables: options, the recipe, the fitted model and its file."""

from steepest.tabular import search
from steepest.tabular.configuration import Configuration
from steepest.tabular.evaluate import Evaluation, Score
from steepest.tabular.fit import fit_table
from steepest.tabular.model import TableModel, load as load
from steepest.tabular.results import Results
from steepest.tabular.search import SearchResult, search_table

__all__ = [
    "Configuration",
    "Evaluation",
    "Results",
    "Score",
    "SearchResult",
    "TableModel",
    "fit_table",
    "search",
    "search_table",
]
