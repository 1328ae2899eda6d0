"""What an update rule is, and how it is applied: traced into a training step, or by hand.

A rule is pure: from a parameter, its gradient, the rule's own numbers for it (slots), and scalars
that depend on the time alone, to the change of the parameter and the next slots.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, final, runtime_checkable

import numpy as np

from steepest.errors import ConfigurationError, GradientError
from steepest.methods import implements
from steepest.ops.rows import converted
from steepest.optim.schedules import Plateau, Rate, Time
from steepest.optim.schedules.plateau import NO_PLATEAU
from steepest.tensor.modes import no_grad
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import HoldsStates

Scalars: TypeAlias = Mapping[str, "Tensor | float"]
Slots: TypeAlias = Mapping[str, Tensor]
Updated: TypeAlias = tuple[Tensor, dict[str, Tensor]]
Start: TypeAlias = Literal["zeros", "parameter"]


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter as a rule sees it.

    Args:
        name: its name in the model.
        value: the current value.
        gradient: of the objective.
        decay: how much a decay counts it: 1 for weights, 0 for biases.
    """

    name: str
    value: Tensor
    gradient: Tensor
    decay: float


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
    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
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


@runtime_checkable
class ChangesGradients(Protocol):
    """A rule around another that changes gradients before they reach it: clipping."""

    def changed(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """The gradients of all parameters, as the rule inside shall see them."""
        ...


@runtime_checkable
class ChoosesByName(Protocol):
    """A rule around another that treats parameters by their names."""

    def check_names(self, names: Sequence[str]) -> None:
        """Refuse what fits none of the parameters."""
        ...


def with_rules_inside(rule: Rule) -> Iterator[Rule]:
    """A rule, the rule that it is around, and so on."""
    inside: Any = rule
    while isinstance(inside, Rule):
        yield inside
        inside = getattr(inside, "rule", None)


# Rules around rules may use the same names for their numbers.


def nested(inside: Scalars, **own: Tensor | float) -> Scalars:
    """The scalars of a rule around another: its own, and those of the rule inside."""
    return {**own, **{f"rule.{name}": value for name, value in inside.items()}}


def inside_of(scalars: Scalars, place: str = "rule") -> Scalars:
    """The scalars of the rule inside."""
    return {
        name.removeprefix(f"{place}."): value
        for name, value in scalars.items()
        if name.startswith(f"{place}.")
    }


def running_mean(mean: Tensor, new: Tensor, memory: float) -> Tensor:
    """β (mean so far) + (1 − β) (what is new)."""
    return memory * mean + (1.0 - memory) * new


def check_around(outside: str, rule: Any) -> None:
    """What is around a rule changes what it does: not where it looks ahead, nor its averages.

    Raises:
        ConfigurationError: what is inside is no rule, looks ahead, or is averaged already.
    """
    if not isinstance(rule, Rule):
        raise ConfigurationError(
            f"{outside} goes around a rule such as Adam(0.001), and this is {rule!r}"
        )
    if isinstance(rule, LooksAhead):
        raise ConfigurationError(
            f"{outside}: compose it with Nesterov, which takes NesterovLookAhead's path"
        )
    if AVERAGE in rule.slots():
        raise ConfigurationError(f"{outside}: AveragedParameters goes around it, not inside")


SlotCells: TypeAlias = dict[State, dict[str, State]]
AVERAGE = "average"  # the slot in which a rule keeps what to predict with


def make_slots(rule: Rule, cells: Mapping[str, State]) -> SlotCells:
    """Cells for the rule's slots; ``layers.0.weight/velocity`` and so on.

    Raises:
        ConfigurationError: a group of parameters that none belongs to.
    """
    for each in with_rules_inside(rule):
        if isinstance(each, ChoosesByName):
            each.check_names(list(cells))
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
    names: Mapping[str, State],
) -> None:
    """Assign every parameter and slot its next value; at once, or in a trace as updates.

    Args:
        rule: what says so.
        slots: its numbers.
        gradients: of the parameters that are to move.
        scalars: the rule's, for a parameter's element type.
        names: the cells by the names that groups know them by. (A cell's own name is that in the
            module that was last asked for its cells, which may be a part of the model.)
    """
    name_of = {cell: name for name, cell in names.items()}
    changed = list(gradients.values())
    for each in with_rules_inside(rule):
        if isinstance(each, ChangesGradients):
            changed = each.changed(changed)
    for cell, gradient in zip(gradients, changed, strict=True):
        value = cell.value
        parameter = Parameter(name_of[cell], value, gradient, 1.0 if cell.penalised else 0.0)
        change, following = rule.update(parameter, slot_values(slots[cell]), scalars(cell))
        cell.assign(value + change)
        for name, new in following.items():
            slots[cell][name].assign(new)


def make_plateau(rule: Rule) -> State | None:
    """The cell that holds how far the rate was lowered, for a rule whose rate is a Plateau."""
    if not isinstance(rule.rate, Plateau):
        return None
    return State(np.array(NO_PLATEAU), trainable=False, name="plateau")


def time_of(step: Tensor, epoch: Tensor, plateau: State | None) -> Time:
    """When a step is taken.

    Args:
        step: steps finished.
        epoch: epochs finished.
        plateau: see :func:`make_plateau`.
    """
    return Time(step, epoch) if plateau is None else Time(step, epoch, plateau.value[0])


@implements("T1")
@final
class Attached:
    """A rule at work on a model's parameters, in a training loop written by hand.

    Made by ``rule.attach(model)``. Gradients are those that ``backward()`` left on the parameters,
    or are given to :meth:`step`. As in PyTorch, they add up until :meth:`zero_grad`.

    Attributes:
        epoch: Epochs finished, for schedules that count them; yours to raise, or by
            :meth:`end_epoch`.

    Raises:
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
        self._plateau = make_plateau(rule)
        self._steps = 0

    def step(self, gradients: Mapping[str, Tensor] | None = None) -> None:
        """Change every parameter that has a gradient.

        Args:
            gradients: by name, as ``st.grad(f)(model)`` gives them; by default each parameter's
                ``.grad``.

        Raises:
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
            time = time_of(_scalar(self._steps), _scalar(self.epoch), self._plateau)
            scalars = cast_scalars(self.rule, list(found), time)
            advance(self.rule, self._slots, found, scalars, self._cells)
        for cell, gradient in kept.items():
            cell.value.grad = gradient
        self._steps += 1

    def end_epoch(self, watched: float | None = None) -> None:
        """Count an epoch, for schedules.

        Args:
            watched: what a :class:`schedules.Plateau` looks at, such as the validation loss.

        Raises:
            ConfigurationError: the rate is a plateau, and there is nothing to look at.
        """
        self.epoch += 1
        if self._plateau is not None and isinstance(self.rule.rate, Plateau):
            if watched is None:
                raise ConfigurationError("end_epoch(loss): the Plateau looks at a loss")
            state = self.rule.rate.after_epoch(self._plateau.value.numpy(), watched)
            self._plateau.assign(state)

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
