"""Layouts: which points of a space are tried. Each is a function of the seed and the trial's place.

So a search that was killed and goes on, or is shared by processes, tries what it would have tried.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import final

from steepest.errors import ConfigurationError
from steepest.methods import Registry
from steepest.tabular.search.space import Drawn, Space
from steepest.tensor.random import permutation


class Layout(ABC):
    """Which points are tried: one at each place 0, 1, 2 and so on."""

    def __init__(self, space: Space, seed: int, trials: int | None) -> None:
        self.space = space
        self.seed = seed
        self.trials = self.places(trials)

    @abstractmethod
    def places(self, trials: int | None) -> int:
        """How many trials there are, of which `trials` are asked for, None where none are."""

    @abstractmethod
    def drawn(self, place: int) -> Drawn | None:
        """The values at a place; None where they follow from the trials before."""


LAYOUTS = Registry[type[Layout]]("sampler", option="--sampler NAME")
_MANY = 50
_MOST_UNASKED = 1_000


@LAYOUTS.register("random", "E4")
@final
class RandomLayout(Layout):
    """Each option's value is drawn by itself, whatever the others are: u ~ U[0, 1), value(u).

    Of 64 trials each option has 64 different values, where a grid of 3 options has 4 of each, and
    an option that does not matter costs nothing.

    Source: Bergstra, Bengio: "Random search for hyper-parameter optimization" (2012).
    """

    def places(self, trials: int | None) -> int:
        """As many as are asked for, or 50."""
        return trials or _MANY

    def drawn(self, place: int) -> Drawn:
        """A number for each option that depends on its name, the place and the seed."""
        return self.space.drawn(
            {name: share(self.seed, place, name) for name in self.space.dimensions}
        )


@LAYOUTS.register("grid", "E4")
@final
class GridLayout(Layout):
    """All combinations of a few values of each option, V₁ × V₂ × …, in a shuffled order.

    A choice has all its values, a range three evenly spaced (on its scale) or as many as `points`
    says.

    Raises:
        ConfigurationError: fewer trials are asked for than there are points.

    Source: the full factorial design (Fisher 1935), against which random layouts are measured.
    """

    def places(self, trials: int | None) -> int:
        """One for each point."""
        self._points = self.space.grid()
        size = len(self._points)
        if size > (_MOST_UNASKED if trials is None else trials):
            asked = f"{size:,} points" if trials is None else f"{size:,} points, not {trials:,}"
            raise ConfigurationError(
                f"the grid has {asked}: ask for --trials {size}, or give the space fewer options "
                "or values, or search at random"
            )
        return size

    def drawn(self, place: int) -> Drawn:
        """The point at a place of the shuffled grid."""
        return self._points[int(permutation(len(self._points), seed=self.seed)[place])]


@LAYOUTS.register("tpe", "E4")
@final
class TreeParzen(Layout):
    """The tree-structured Parzen estimator: draws where good trials are dense, x ~ l(x)/g(x).

    l and g are densities of the better and the worse trials so far; the first 10 are at random.

    Source: Bergstra, Bardenet, Bengio, Kégl: "Algorithms for hyper-parameter optimization" (2011),
    as Optuna computes it, all options jointly.
    """

    def places(self, trials: int | None) -> int:
        """As many as are asked for, or 50."""
        return trials or _MANY

    def drawn(self, place: int) -> None:
        """Optuna draws it."""
        return None


def share(seed: int, place: int, name: str) -> float:
    """A number of [0, 1), uniform and independent for different arguments.

    >>> share(0, 0, "a") == share(0, 0, "a") != share(0, 1, "a")
    True
    """
    digest = hashlib.blake2b(f"{seed}/{place}/{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
