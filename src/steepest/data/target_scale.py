"""How a regression target is trained: standardised, itself or its logarithm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from steepest.data.scaling import standard

Floats = NDArray[np.float64]
Transform: TypeAlias = Literal["none", "log"]
FAR = 8.0  # deviations of a logarithm: beyond, predictions are held there instead of exploding


@final
@dataclass(frozen=True, kw_only=True)
class TargetScale:
    """A regression target y is trained as z = (t(y) − centre) / scale, t the identity or log.

    Args:
        centre: mean of t(y) over the training rows.
        scale: its deviation.
        transform: "none" or "log".

    >>> scale = TargetScale.fit(np.array([1.0, 3.0]))
    >>> scale.standardised(np.array([5.0])), scale.original(np.array([3.0]))
    (array([3.]), array([5.]))
    >>> scale = TargetScale.fit(np.array([1.0, 100.0]), "log")
    >>> scale.original(np.array([-1.0, 0.0, 1.0])).round(6).tolist()
    [1.0, 10.0, 100.0]
    """

    centre: float
    scale: float
    transform: Transform = "none"

    @classmethod
    def fit(cls, values: Floats, transform: Transform = "none") -> TargetScale:
        """Mean and 1/N deviation of the training rows' targets, (rows,), positive for "log"."""
        with np.errstate(over="ignore", invalid="ignore"):  # infinite: told with their row
            centre, inverse = standard(np.log(values) if transform == "log" else values)
        scale = 1.0 / inverse if inverse else 1.0
        return cls(centre=centre, scale=scale, transform=transform)

    def standardised(self, values: Floats) -> Floats:
        """Values in the target's units as they are trained; NaN or −∞ where there is no log."""
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values) if self.transform == "log" else values
            return (values - self.centre) / self.scale

    def original(self, values: NDArray[Any]) -> Floats:
        """Values as they are trained in the target's units, float64; rising with them."""
        values = values.astype(np.float64)
        if self.transform == "log":
            return np.exp(self.centre + self.scale * np.clip(values, -FAR, FAR))
        return self.centre + self.scale * values


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
    """From the preprocessing in a model file; those of the first format have one target or none.

    Raises:
        ValueError: what stands there is of another type.
    """
    if "target_scales" in data:
        return msgspec.convert(data["target_scales"], tuple[TargetScale, ...])
    one = msgspec.convert(data["target_scale"], TargetScale | None)
    return () if one is None else (one,)
