"""How a regression target is trained: standardised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.scaling import standard

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True, kw_only=True)
class TargetScale:
    """A regression target y is trained as z = (y − centre) / scale.

    >>> scale = TargetScale.fit(np.array([1.0, 3.0]))
    >>> scale.standardised(np.array([5.0])), scale.original(np.array([3.0]))
    (array([3.]), array([5.]))
    """

    centre: float
    scale: float

    @classmethod
    def fit(cls, values: Floats) -> TargetScale:
        """Mean and 1/N deviation of the training rows' targets, (rows,)."""
        centre, inverse = standard(values)
        return cls(centre=centre, scale=1.0 / inverse if inverse else 1.0)

    def standardised(self, values: Floats) -> Floats:
        """Values in the target's units as they are trained."""
        return (values - self.centre) / self.scale

    def original(self, values: NDArray[Any]) -> Floats:
        """Values as they are trained in the target's units, float64."""
        return self.centre + self.scale * values.astype(np.float64)


def scaled(
    scales: Sequence[TargetScale],
    map_: Callable[[TargetScale, Floats], Floats],
    values: NDArray[Any],
) -> NDArray[Any]:
    """Take each target there or back by its own scale; values are untouched where there is none.

    Args:
        scales: one for each target.
        map_: `TargetScale.standardised` or `TargetScale.original`.
        values: (rows,) or (rows, targets); of one target also (rows, any).
    """
    if not scales:
        return values
    if len(scales) == 1:
        return map_(scales[0], values)
    columns = [map_(each, values[:, place]) for place, each in enumerate(scales)]
    return np.stack(columns, axis=1)


def target_scales_of(data: Mapping[str, Any]) -> tuple[TargetScale, ...]:
    """From the preprocessing in a model file; those of the first format have one target or none."""
    if "target_scales" in data:
        return tuple(TargetScale(**each) for each in data["target_scales"])
    one = data["target_scale"]
    return () if one is None else (TargetScale(**one),)
