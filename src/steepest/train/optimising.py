"""What a Trainer keeps of its optimiser between calls of ``fit``: a rule's slots, or an iterate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.optim.drivers import Driver, Iterate
from steepest.optim.rule import Rule, convert_slots, make_plateau, make_slots, start_slots
from steepest.runtime.executable import Stop
from steepest.tensor.state import State
from steepest.train.checkpoint import Keeper
from steepest.train.drive import Drive
from steepest.train.loop import Loop
from steepest.train.plan import Plan
from steepest.train.step import Objective, Step
from steepest.train.surface import Driven
from steepest.transform.memory import Memory


class Optimising(ABC):
    """An optimiser at work on some parameters."""

    @abstractmethod
    def begin(self, *, is_first: bool) -> None:
        """Before a call of ``fit``; the first one may start what is kept anew."""

    @abstractmethod
    def is_like(self, optimizer: Rule | Driver) -> bool:
        """Whether another optimiser can go on with what is kept: another schedule, say."""

    @abstractmethod
    def go_on_with(self, optimizer: Rule | Driver) -> None:
        """From the next call of ``fit`` on, one that is like it."""

    @abstractmethod
    def step(
        self, objective: Objective, parameters: Mapping[str, State], counter: State
    ) -> Step | Driven:
        """What is trained: these parameters, which may be fewer than at first.

        Raises:
            ConfigurationError: they are others.
        """

    @abstractmethod
    def loop(
        self, plan: Plan[Step | Driven], memory: Memory, request: Stop, keeper: Keeper
    ) -> Loop | Drive:
        """A call of ``fit``."""

    @abstractmethod
    def end(self, loop: Loop | Drive) -> None:
        """After a call of ``fit``, however it ended."""


def optimising(optimizer: Rule | Driver, parameters: Mapping[str, State]) -> Optimising:
    """What is kept of a rule or a driver."""
    if isinstance(optimizer, Driver):
        return Driving(optimizer, parameters)
    return Stepping(optimizer, parameters)


@final
class Stepping(Optimising):
    """A rule and its slots."""

    def __init__(self, rule: Rule, parameters: Mapping[str, State]) -> None:
        self._rule = rule
        self._slots = make_slots(rule, parameters)
        self._plateau = make_plateau(rule)

    def begin(self, *, is_first: bool) -> None:
        """Slots get the element type of their parameters, and their first values."""
        convert_slots(self._slots)
        if is_first:
            start_slots(self._rule, self._slots)

    def is_like(self, optimizer: Rule | Driver) -> bool:
        """Whether it keeps the same numbers for each parameter."""
        kept = next(iter(self._slots.values()))
        return isinstance(optimizer, Rule) and optimizer.slots().keys() == kept.keys()

    def go_on_with(self, optimizer: Rule | Driver) -> None:
        """With other scalars on the same slots; a plateau starts anew."""
        self._rule = cast("Rule", optimizer)
        self._plateau = make_plateau(self._rule)

    def step(self, objective: Objective, parameters: Mapping[str, State], counter: State) -> Step:
        """See :class:`Optimising`."""
        _check_known(parameters, self._slots)
        slots = {cell: self._slots[cell] for cell in parameters.values()}
        return Step(objective, self._rule, slots, counter, self._plateau)

    def loop(
        self, plan: Plan[Step | Driven], memory: Memory, request: Stop, keeper: Keeper
    ) -> Loop:
        """See :class:`Optimising`."""
        return Loop(cast("Plan[Step]", plan), memory, request, keeper)

    def end(self, loop: Loop | Drive) -> None:
        """All that changed is in cells."""


@final
class Driving(Optimising):
    """A driver and where it is."""

    def __init__(self, driver: Driver, parameters: Mapping[str, State]) -> None:
        self._driver = driver
        self._known = dict.fromkeys(parameters.values())
        self._length = State(np.ones(()), trainable=False, name="length")
        self._iterate: Iterate | None = None

    def begin(self, *, is_first: bool) -> None:
        """It goes on from where the model is by now."""

    def is_like(self, optimizer: Rule | Driver) -> bool:
        """Whether it is of the same kind."""
        return type(optimizer) is type(self._driver)

    def go_on_with(self, optimizer: Rule | Driver) -> None:
        """From the same iterate."""
        self._driver = cast("Driver", optimizer)

    def step(self, objective: Objective, parameters: Mapping[str, State], counter: State) -> Driven:
        """See :class:`Optimising`."""
        _check_known(parameters, self._known)
        cells = tuple(parameters.values())
        size = sum(cell.type.size for cell in cells)
        if self._iterate is not None and len(self._iterate.point.x) != size:
            self._iterate = None  # frozen meanwhile: what it knows is of another space
        return Driven(objective, self._driver, cells, counter, self._length)

    def loop(
        self, plan: Plan[Step | Driven], memory: Memory, request: Stop, keeper: Keeper
    ) -> Drive:
        """See :class:`Optimising`."""
        return Drive(cast("Plan[Driven]", plan), memory, request, keeper, self._iterate)

    def end(self, loop: Loop | Drive) -> None:
        """Keep what the driver knows."""
        if isinstance(loop, Drive):
            self._iterate = loop.iterate


def _check_known(parameters: Mapping[str, State], known: Mapping[State, object]) -> None:
    new = [name for name, cell in parameters.items() if cell not in known]
    if new:
        raise ConfigurationError(
            f"the model has parameters that this Trainer does not know, {', '.join(new[:3])}: "
            "make a new Trainer for it"
        )
