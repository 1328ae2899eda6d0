"""Centre and scale numbers, per feature.

A scaling of tables is fitted to the training rows of one feature and is then two numbers and,
for the robust one, a clip: z = clip(scale · (x − centre)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.errors import ConfigurationError, nearest
from steepest.methods import implements

_LARGEST = 1e150  # its square still is a number

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Scaling:
    """One way to scale features, by name.

    Attributes:
        name: as the configuration says it.
        fit: values of one feature, NaN-free float64 of shape (rows,) → (centre, scale).
        clip: applied to the scaled values.
    """

    name: str
    fit: Callable[[NDArray[np.float64]], tuple[float, float]]
    clip: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def smooth_clip(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend values softly into −3..3: z / √(1 + (z/3)²), the identity near 0.

    Source: Holzmüller et al. 2024, RealMLP (arXiv 2407.04491).

    >>> smooth_clip(np.array([0.0, 4.0, 1e300]))
    array([0. , 2.4, 3. ])
    """
    bounded = np.clip(values, -_LARGEST, _LARGEST)
    return bounded / np.sqrt(1.0 + (bounded / 3.0) ** 2)


def robust(values: NDArray[np.float64]) -> tuple[float, float]:
    """Centre at the median; scale 1/(q75 − q25), else 2/(max − min), else 0.

    Quartiles are interpolated linearly, as NumPy does. Source: RealMLP, as `smooth_clip`; differs
    from scikit-learn's RobustScaler where half of the values are equal: that one then leaves them
    unscaled.

    >>> robust(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    (2.0, 0.5)
    """
    lower, centre, upper = (float(each) for each in np.quantile(values, [0.25, 0.5, 0.75]))
    return centre, _inverse(upper - lower) or _inverse(float(np.ptp(values)) / 2.0)


def standard(values: NDArray[np.float64]) -> tuple[float, float]:
    """Centre at the mean; scale 1/σ with σ² = (1/N) Σ (x − mean)², 0 for a constant feature.

    >>> standard(np.array([1.0, 3.0])), standard(np.array([5.0, 5.0]))
    ((2.0, 1.0), (5.0, 0.0))
    """
    if np.ptp(values) == 0:  # the mean of equal values may be rounded away from them
        return float(values[0]), 0.0
    centre = float(values.mean())
    spread = values - centre
    largest = float(np.abs(spread).max())  # squares of large or tiny numbers would not be numbers
    return centre, _inverse(largest * float(np.sqrt(np.mean((spread / largest) ** 2))))


def minmax(values: NDArray[np.float64]) -> tuple[float, float]:
    """Map the training rows onto −1..1; 0 for a constant feature.

    >>> minmax(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    low, high = float(values.min()), float(values.max())
    return low + (high - low) / 2.0, _inverse((high - low) / 2.0)


def unscaled(values: NDArray[np.float64]) -> tuple[float, float]:
    """Leave values as they are.

    >>> unscaled(np.array([1.0, 3.0]))
    (0.0, 1.0)
    """
    return 0.0, 1.0


def _inverse(width: float) -> float:
    """1/width, 0 where that is not a finite number."""
    inverse = 1.0 / width if width else 0.0
    return inverse if math.isfinite(inverse) else 0.0


def _keep(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


SCALINGS = {
    each.name: each
    for each in (
        Scaling("robust", robust, smooth_clip),
        Scaling("standard", standard, _keep),
        Scaling("minmax", minmax, _keep),
        Scaling("none", unscaled, _keep),
    )
}


def scaling_named(name: str) -> Scaling:
    """Find a scaling by name.

    Raises:
        ConfigurationError: no scaling has this name; the names are told.

    >>> scaling_named("robust").name
    'robust'
    """
    if name not in SCALINGS:
        raise ConfigurationError(f"no scaling is called {name!r}; {nearest(name, SCALINGS)}")
    return SCALINGS[name]


@implements("N1", option="--set preprocessing.numeric=standard")
def standardise(train: Floats, *others: Floats) -> tuple[Floats, ...]:
    """Centre and scale the columns of arrays by the training rows: (x − mean) / σ.

    σ² = (1/N) Σ (x − mean)²; a constant column becomes 0 in the training rows and everywhere else.
    As scikit-learn's StandardScaler, except that it leaves a constant column unscaled.

    Source: lectures 1 and 3.

    Args:
        train: (rows, features); mean and σ come from these alone.
        others: (any rows, features), transformed alike.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 6.0]]))
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([[3., 0.]]))
    """
    fitted = [standard(column) for column in train.astype(np.float64).T]
    centres = np.array([centre for centre, _ in fitted])
    scales = np.array([scale for _, scale in fitted])
    return tuple(((each - centres) * scales).astype(each.dtype) for each in (train, *others))
