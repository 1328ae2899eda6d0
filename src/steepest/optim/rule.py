"""What an update rule is, and how it is applied: traced into a training step, or by hand.

A rule is pure: from a parameter, its gradient, the rule's own numbers for it (slots), and scalars
that depend on the time alone, to the change of the parameter and the next slots.
"""

from __future__ import annotations

import functools
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, final, runtime_checkable

import numpy as np

from steepest.errors import ConfigurationError, GradientError, nearest
from steepest.ops.rows import converted
from steepest.optim.schedules import PerEpoch, Rate, Schedule
from steepest.tensor.modes import no_grad
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import HoldsStates

Scalars: TypeAlias = Mapping[str, "Tensor | float"]
Slots: TypeAlias = Mapping[str, Tensor]
Start: TypeAlias = Literal["zeros", "parameter"]


@final
@dataclass(frozen=True)
class Time:
    """When a step is taken: how many steps, and how many epochs, were finished before (float64)."""

    step: Tensor
    epoch: Tensor

    def value(self, rate: Rate) -> Tensor | float:
        """A rate (or a momentum) now."""
        if not isinstance(rate, Schedule):
            return rate
        return rate.at(self.epoch if isinstance(rate, PerEpoch) else self.step)

    def next_value(self, rate: Rate) -> Tensor | float:
        """A momentum at the step after this one."""
        return Time(self.step + 1.0, self.epoch).value(rate)


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter, its gradient, and whether a decay counts it (weights, not biases)."""

    value: Tensor
    gradient: Tensor
    penalised: bool


class Rule(ABC):
    """An update rule such as :class:`Adam`: frozen, pure, written in ops.

    It works on one parameter at a time, eager or traced. A transform such as :class:`WeightDecay`
    is a rule made of another rule.
    """

    @property
    @abstractmethod
    def rate(self) -> Rate:
        """The learning rate, a number or a schedule."""

    @abstractmethod
    def slots(self) -> Mapping[str, Start]:
        """What it keeps for each parameter, arrays of its shape: names, and what each starts as."""

    @abstractmethod
    def scalars(self, time: Time) -> Scalars:
        """The numbers of this step that all parameters share."""

    @abstractmethod
    def update(
        self, parameter: Parameter, slots: Slots, scalars: Scalars
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The change to add to the parameter, and the next slots."""

    def attach(self, model: HoldsStates) -> Attached:
        """This rule for a training loop written by hand.

        >>> import steepest as st
        >>> model = st.nn.Linear(1, 1)
        >>> optimizer = st.optim.SGD(0.1).attach(model)
        >>> st.sum(model(st.ones((4, 1)))).backward()
        >>> optimizer.step()
        >>> optimizer.zero_grad()
        """
        return Attached(self, model)


@runtime_checkable
class LooksAhead(Protocol):
    """A rule that wants the gradient at another point than the parameters."""

    def point(self, value: Tensor, slots: Slots, scalars: Scalars) -> Tensor:
        """Where the gradient is taken."""
        ...


SlotCells: TypeAlias = dict[State, dict[str, State]]
AVERAGE = "average"  # the slot in which a rule keeps what to predict with


def make_slots(rule: Rule, cells: Mapping[str, State]) -> SlotCells:
    """Cells for the rule's slots; ``layers.0.weight/velocity`` and so on."""
    slots = {
        cell: {
            slot: State(np.zeros(cell.shape, cell.dtype), trainable=False, name=f"{name}/{slot}")
            for slot in rule.slots()
        }
        for name, cell in cells.items()
    }
    start_slots(rule, slots)
    return slots


def start_slots(rule: Rule, slots: SlotCells) -> None:
    """Give slots the value they start with: again, where a parameter was assigned meanwhile."""
    starts = rule.slots()
    for cell, own in slots.items():
        for name, slot in own.items():
            value = cell.value.data
            slot.assign(np.zeros_like(value) if starts[name] == "zeros" else value)


def average_cells(slots: SlotCells) -> dict[State, State]:
    """Of each parameter the cell that holds its running average, if the rule keeps one.

    See :class:`steepest.optim.AveragedParameters`.
    """
    return {cell: own[AVERAGE] for cell, own in slots.items() if AVERAGE in own}


def convert_slots(slots: SlotCells) -> None:
    """Give slots the element type of their parameter, which ``model.astype`` may have changed."""
    for cell, own in slots.items():
        for slot in own.values():
            if slot.dtype != cell.dtype:
                slot.convert(cell.dtype)


def cast_scalars(rule: Rule, cells: Sequence[State], time: Time) -> Callable[[State], Scalars]:
    """The rule's scalars, for each cell in its element type; computed once in float64."""
    scalars = rule.scalars(time)
    cast = {
        dtype: {
            name: converted(value, dtype) if isinstance(value, Tensor) else value
            for name, value in scalars.items()
        }
        for dtype in {cell.dtype for cell in cells}
    }
    return lambda cell: cast[cell.dtype]


def slot_values(cells: Mapping[str, State]) -> dict[str, Tensor]:
    """What the slot cells hold now."""
    return {name: cell.value for name, cell in cells.items()}


def advance(
    rule: Rule,
    slots: SlotCells,
    gradients: Mapping[State, Tensor],
    scalars: Callable[[State], Scalars],
) -> None:
    """Assign every parameter and slot its next value; at once, or in a trace as updates."""
    for cell, gradient in gradients.items():
        value = cell.value
        parameter = Parameter(value, gradient, cell.penalised)
        change, following = rule.update(parameter, slot_values(slots[cell]), scalars(cell))
        cell.assign(value + change)
        for name, new in following.items():
            slots[cell][name].assign(new)


@final
class Attached:
    """A rule at work on a model's parameters, in a training loop written by hand.

    Made by ``rule.attach(model)``. Gradients are those that ``backward()`` left on the parameters,
    or are given to :meth:`step`. As in PyTorch, they add up until :meth:`zero_grad`.

    Attributes:
        epoch: Epochs finished, for schedules that count them; yours to raise.

    Errors:
        ConfigurationError: the rule wants the gradient elsewhere (NesterovLookAhead).
    """

    def __init__(self, rule: Rule, model: HoldsStates) -> None:
        _check_model(model)
        if isinstance(rule, LooksAhead):
            raise ConfigurationError(
                f"{type(rule).__name__} wants the gradient at a point ahead of the parameters, "
                "where backward() has not been; use Nesterov, which takes the same path"
            )
        self.rule = rule
        self.epoch = 0
        self._cells = {name: cell for name, cell in model.states().items() if cell.trainable}
        self._slots = make_slots(rule, self._cells)
        self._steps = 0

    def step(self, gradients: Mapping[str, Tensor] | None = None) -> None:
        """Change every parameter that has a gradient.

        Args:
            gradients: by name, as ``st.grad(f)(model)`` gives them; by default each parameter's
                ``.grad``.

        Errors:
            GradientError: no parameter has a gradient.
        """
        found = {
            cell: gradient
            for name, cell in self._cells.items()
            if (gradient := gradients.get(name) if gradients is not None else cell.value.grad)
            is not None
        }
        if not found:
            raise GradientError(
                "step(): no parameter has a gradient; call backward() on the loss first"
            )
        kept = {cell: cell.value.grad for cell in found}
        convert_slots(self._slots)
        if not self._steps:
            start_slots(self.rule, self._slots)
        with no_grad():
            time = Time(_scalar(self._steps), _scalar(self.epoch))
            scalars = cast_scalars(self.rule, list(found), time)
            advance(self.rule, self._slots, found, scalars)
        for cell, gradient in kept.items():
            cell.value.grad = gradient
        self._steps += 1

    def averages(self) -> dict[str, Tensor]:
        """The running averages by name, where the rule is :class:`AveragedParameters`."""
        found = average_cells(self._slots)
        return {name: found[cell].value for name, cell in self._cells.items() if cell in found}

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next ``backward()`` starts from nothing."""
        for cell in self._cells.values():
            cell.value.grad = None


def _check_model(model: object) -> None:
    if not isinstance(model, HoldsStates) or isinstance(model, type):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise ConfigurationError(
            f"attach() takes the model itself, attach(net) and not net.parameters(); this is {kind}"
        )


def _scalar(value: float) -> Tensor:
    return Tensor(np.asarray(value, np.float64), None)


# --------------------------------------------------------------------- impossible values, refused


def check_rate(rule: str, rate: Any) -> None:
    """A learning rate is positive, or a schedule."""
    if isinstance(rate, Schedule):
        return
    if not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise ConfigurationError(
            f"{rule}: learning_rate is a number above 0 or a schedule, not {rate!r}"
        )


def check_fraction(rule: str, name: str, value: Any) -> None:
    """A momentum or a β is in [0, 1), or a schedule."""
    if isinstance(value, Schedule):
        return
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigurationError(f"{rule}: {name} is a number from 0 to below 1, not {value!r}")


def check_from_zero(rule: str, name: str, value: Any) -> None:
    """An ε or a decay is not negative."""
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{rule}: {name} is a number from 0 on, not {value!r}")


# Other libraries' names for the same.
_SYNONYMS = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "rate": "learning_rate",
    "step_size": "learning_rate",
    "mu": "momentum",
    "eps": "epsilon",
}
R = TypeVar("R")


def names_its_options(rule: type[R]) -> type[R]:
    """Have a class of :mod:`steepest.optim` answer an unknown keyword with the names it knows."""
    make: Callable[..., None] = rule.__init__
    known = [name for name in inspect.signature(make).parameters if name != "self"]

    @functools.wraps(make)
    def checked(self: R, *values: Any, **named: Any) -> None:
        for name in named:
            if name not in known:
                meant = _SYNONYMS.get(name, "")
                hint = f"write {meant}" if meant in known else nearest(name, known)
                raise ConfigurationError(f"{rule.__name__} has no option {name!r}; {hint}")
        make(self, *values, **named)

    type.__setattr__(rule, "__init__", checked)
    return rule
