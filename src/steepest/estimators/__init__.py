"""scikit-learn's door: a classifier and a regressor that take the place of its MLP."""

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from steepest.estimators.classifier import NeuralClassifier
    from steepest.estimators.regressor import NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor"]

# scikit-learn takes a second to import: not before somebody asks for one of them.
_FILES = {"NeuralClassifier": "classifier", "NeuralRegressor": "regressor"}


def __getattr__(name: str) -> object:
    """Load an estimator."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
