"""Which rows train, validate and test: drawn at random, by whole groups, or by time.

Each way is a class in a file of its own, with the meaning of one of scikit-learn's splitters;
:data:`DIVISIONS` holds those that a column asks for, by the name of the option.
"""

from steepest.data.divisions.division import DIVISIONS, Division, Fold
from steepest.data.divisions.grouped import Grouped
from steepest.data.divisions.ordered import Ordered
from steepest.data.divisions.shuffled import Shuffled

__all__ = ["DIVISIONS", "Division", "Fold", "Grouped", "Ordered", "Shuffled"]
