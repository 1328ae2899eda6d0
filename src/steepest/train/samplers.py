"""Samplers: which rows the steps of an epoch see, drawn by the engine's generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array, uint32
from steepest.methods import Registry
from steepest.tensor.random import choices, permutation
from steepest.train.batches import Batches

__all__ = [
    "SAMPLERS",
    "DisjointBatches",
    "FreshSubsets",
    "InOrder",
    "Sampler",
    "WithReplacement",
    "sampler",
]


@final
@dataclass(frozen=True)
class Draw:
    """What the rows of an epoch, or of one of its blocks, are a function of."""

    seed: int
    member: int
    epoch: int
    block: int = 0


class Sampler(ABC):
    """How the rows of an epoch's steps are drawn; frozen, and a function of :class:`Draw` alone.

    Every sampler makes as many steps of an epoch, ⌈n/B⌉, so that schedules mean the same for all.

    Attributes:
        takes_each_row_once: in an epoch, so that it can go through :class:`steepest.Blocks`.
    """

    takes_each_row_once: ClassVar[bool] = False

    @abstractmethod
    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The number of rows of each step."""

    @abstractmethod
    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The rows of all steps, one step after the other."""


SAMPLERS: Registry[type[Sampler]] = Registry("sampler", option="--sampler NAME")


@SAMPLERS.register("disjoint", "P2")
@final
@dataclass(frozen=True)
class DisjointBatches(Sampler):
    """Each row once an epoch, in a new order each time: S₁ ∪ … ∪ S_T = {1, …, n}, all disjoint.

    The gradient of a step is the full one on average only before the epoch begins: the later a
    step, the more its rows are those that the earlier ones left, at weights that these have moved.
    Batches that hold all rows are taken in order.

    Source: L3, "stochastic gradient descent"; Bottou, Curiously fast convergence of some stochastic
    gradient descent algorithms, 2009.

    Differs from the others: the last batch is smaller; one of a single row joins the one before.

    >>> import numpy as np
    >>> import steepest as st
    >>> draw = st.samplers.Draw(seed=0, member=0, epoch=0)
    >>> rows = st.samplers.DisjointBatches().rows(st.Batches(6, 3), draw)
    >>> sorted(rows.tolist())
    [0, 1, 2, 3, 4, 5]
    """

    takes_each_row_once: ClassVar[bool] = True

    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The number of rows of each step."""
        return batches.extents

    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The rows of all steps, one step after the other."""
        if batches.size == batches.rows:
            return np.arange(batches.rows, dtype=uint32)
        order = permutation(
            batches.rows, seed=draw.seed, draw=draw.epoch, member=draw.member, part=draw.block
        )
        return order.astype(uint32)


@SAMPLERS.register("in_order", "P2")
@final
@dataclass(frozen=True)
class InOrder(Sampler):
    """The rows as they stand, the same batches each epoch: S_t = {(t − 1) B + 1, …, t B}.

    For data in a random order already, and to compare with other programs. Rows sorted by class
    are learnt badly so.

    Source: what PyTorch and scikit-learn call shuffle=False.

    >>> import steepest as st
    >>> draw = st.samplers.Draw(seed=0, member=0, epoch=0)
    >>> st.samplers.InOrder().rows(st.Batches(4, 2), draw).tolist()
    [0, 1, 2, 3]
    """

    takes_each_row_once: ClassVar[bool] = True

    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The number of rows of each step."""
        return batches.extents

    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The rows of all steps, one step after the other."""
        return np.arange(batches.rows, dtype=uint32)


@SAMPLERS.register("fresh_subsets", "P2")
@final
@dataclass(frozen=True)
class FreshSubsets(Sampler):
    """A new random subset each step, |S_t| = B, all subsets equally likely: P(i ∈ S_t) = B/n.

    Every step's gradient is an unbiased estimate of the full one at its own weights, with variance
    (σ²/B) (n − B)/(n − 1). In an epoch a row comes once on average; a share of about 1/e does not
    come at all where B is small.

    Source: L1, "size-k subset": S_t ⊂ {1, …, n}.

    Differs from L1's slide: it writes {1, …, T}, the number of steps, for {1, …, n}.

    >>> import steepest as st
    >>> draw = st.samplers.Draw(seed=0, member=0, epoch=0)
    >>> rows = st.samplers.FreshSubsets().rows(st.Batches(6, 3), draw).reshape(2, 3)
    >>> [len(set(step)) for step in rows.tolist()]  # no row twice in a step
    [3, 3]
    """

    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The number of rows of each step."""
        return (batches.size,) * len(batches.extents)

    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The rows of all steps, one step after the other."""
        n, size, steps = batches.rows, batches.size, len(batches.extents)
        if size == n:
            return np.arange(n, dtype=uint32)
        drawn = _choices(n, (steps, size), draw)
        ordered = np.sort(drawn, axis=1)
        repeating = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        for step in repeating.tolist():
            drawn[step] = _first_distinct(n, size, step, draw)
        return drawn.reshape(-1).astype(uint32)


@SAMPLERS.register("with_replacement", "P2")
@final
@dataclass(frozen=True)
class WithReplacement(Sampler):
    """Every row of every step drawn alone, any of the n with probability 1/n: i ~ U{1, …, n}.

    Every step's gradient is an unbiased estimate of the full one, with variance σ²/B; a row may
    come twice in a batch. This is the sampling that most proofs about SGD assume.

    Source: L1, stochastic gradient descent; Robbins and Monro, A stochastic approximation method,
    1951.

    >>> import steepest as st
    >>> draw = st.samplers.Draw(seed=0, member=0, epoch=0)
    >>> len(st.samplers.WithReplacement().rows(st.Batches(10, 4), draw))  # 3 steps of 4
    12
    """

    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The number of rows of each step."""
        return (batches.size,) * len(batches.extents)

    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The rows of all steps, one step after the other."""
        steps = len(batches.extents)
        return _choices(batches.rows, (steps, batches.size), draw).reshape(-1).astype(uint32)


def sampler(given: object) -> Sampler:
    """A sampler, or the one of a name.

    Raises:
        ConfigurationError: no such name (the nearest are given), or something else.
    """
    if isinstance(given, str):
        return SAMPLERS.find(given)()
    if isinstance(given, Sampler):
        return given
    hint = f"; write st.samplers.{given.__name__}()" if isinstance(given, type) else ""
    raise ConfigurationError(
        f"sampler is one of st.samplers or its name ({', '.join(SAMPLERS)}), not {given!r}{hint}"
    )


def _choices(n: int, shape: tuple[int, int], draw: Draw, first: int = 0) -> Array:
    return choices(n, shape, seed=draw.seed, draw=draw.epoch, member=draw.member, first=first)


def _first_distinct(n: int, size: int, step: int, draw: Draw) -> Array:
    """The first ``size`` different ones of a step's choices: all subsets are equally likely."""
    count = 2 * size
    while True:
        drawn: Any = _choices(n, (1, count), draw, first=step)[0]
        places = np.sort(np.unique(drawn, return_index=True)[1])
        if len(places) >= size:
            return drawn[places[:size]]
        count *= 2
