"""Several augmentations as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from steepest.errors import ConfigurationError
from steepest.methods import implements
from steepest.nn.augment.geometric import Geometric
from steepest.nn.augment.named import augmentation
from steepest.nn.augment.pixels import check_images
from steepest.nn.augment.resample import resampled
from steepest.nn.mode import is_training
from steepest.nn.module import Module
from steepest.tensor.tensor import Tensor


@final
@implements("N6")
class Compose(Module):
    """Augmentations one after the other; those that move pixels, next to each other, as one map.

    y = aₖ(… a₁(x)), in training only. The maps of neighbours are multiplied, M = M₁ M₂ …, and the
    image is interpolated once: it is blurred less than by each in turn, and it takes less time.
    What leaves the image in one and comes back in the next is not lost.

    Args:
        parts: augmentations, or their names as the command takes them: "shift=2".

    Shapes: (n, h, w) or (n, h, w, channels), integers or floats, to the same.

    Raises:
        ConfigurationError: an unknown name, or something that is no augmentation.

    Source: Simard et al. 2003; Krizhevsky et al. 2012.

    >>> import steepest as st
    >>> augment = st.nn.augment.Compose("flip", "shift=2", st.nn.augment.GaussianNoise(0.05))
    >>> x = st.ones((2, 28, 28), dtype=st.uint8)
    >>> augment(x) is x  # in use
    True
    """

    def __init__(self, *parts: Module | str) -> None:
        made = [augmentation(part) if isinstance(part, str) else part for part in parts]
        for part in made:
            if not isinstance(part, Module):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(
                    f"Compose takes augmentations, such as Shift(2) or 'shift=2', not {part!r}"
                )
        self.layers = tuple(made)

    def forward(self, x: Tensor) -> Tensor:
        """All in turn in training; pass on in use."""
        check_images(x, "Compose")
        if not is_training():
            return x
        for group in _groups(self.layers):
            first = group[0]
            if not isinstance(first, Geometric):
                x = first(x)
                continue
            of = first.draw(*x.shape[:3])
            for part in group[1:]:
                assert isinstance(part, Geometric)
                of = of.then(part.draw(*x.shape[:3]))
            x = resampled(x, of, first.outside)
        return x


def _groups(parts: Sequence[Module]) -> Iterator[list[Module]]:
    """Neighbours that move pixels and agree about what is outside; the others alone."""
    group: list[Module] = []
    for part in parts:
        last = group[-1] if group else None
        fits = (
            isinstance(last, Geometric)
            and isinstance(part, Geometric)
            and part.outside == last.outside
        )
        if group and not fits:
            yield group
            group = []
        group.append(part)
    if group:
        yield group
