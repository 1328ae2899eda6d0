"""Groups of parameters with a rate and a decay of their own, around any rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import cast, final

from steepest.errors import ConfigurationError, nearest
from steepest.methods import implements
from steepest.optim.options import check_from_zero, names_its_options
from steepest.optim.rule import (
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
    check_around,
    inside_of,
)
from steepest.optim.schedules import Rate, Time
from steepest.tensor.tensor import Tensor

__all__ = ["ForGroups", "Group"]


@final
@names_its_options
@dataclass(frozen=True)
class Group:
    """The parameters whose names fit a pattern, and what is theirs.

    Args:
        pattern: a name such as "layers.0.weight", with * for anything: "layers.0.*", "*.bias".
        rate: factor of the learning rate; 0: they stay.
        decay: factor of the decay; by default 1 for weights and 0 for biases.

    >>> import steepest as st
    >>> st.optim.Group("*.bias", rate=2.0)
    Group(pattern='*.bias', rate=2.0, decay=None)
    """

    pattern: str
    rate: float = 1.0
    decay: float | None = None

    def __post_init__(self) -> None:
        check_from_zero("Group", "rate", self.rate)
        if self.decay is not None:
            check_from_zero("Group", "decay", self.decay)


@implements("O7")
@final
@names_its_options
@dataclass(frozen=True)
class ForGroups(Rule):
    """Another rule with factors for groups of parameters: η_i = η · rateᵢ, λ_i = λ · decayᵢ.

    A parameter is of the first group whose pattern fits its name; those that fit none are treated
    as by the rule alone. It goes around all decays, so that they see the factors.

    Args:
        rule: the rule inside.
        groups: each :class:`Group`.

    Raises:
        ConfigurationError: no group; and, when the rule meets a model, a pattern that fits none of
            its parameters.

    Differs from PyTorch's ``param_groups``, which hold values and not factors, so that a schedule
    has to know them.

    >>> import steepest as st
    >>> rule = st.optim.ForGroups(
    ...     st.optim.AdamW(0.001), [st.optim.Group("layers.0.*", rate=0.1)])
    >>> trainer = st.Trainer(st.nn.MLP(2, [4], 1), "half_squared_error", rule)
    >>> wrong = st.optim.ForGroups(st.optim.SGD(0.1), [st.optim.Group("layer.0.*")])
    >>> wrong.attach(st.nn.MLP(2, [4], 1))
    Traceback (most recent call last):
    ...
    steepest.errors.ConfigurationError: ForGroups: no parameter fits 'layer.0.*'; ...
    """

    rule: Rule
    groups: Sequence[Group]

    def __post_init__(self) -> None:
        check_around("ForGroups", self.rule)
        groups = cast("tuple[object, ...]", tuple(self.groups))
        if not groups or not all(isinstance(each, Group) for each in groups):
            raise ConfigurationError(
                'ForGroups: groups are a list such as [Group("layers.0.*", rate=0.1)]'
            )
        object.__setattr__(self, "groups", groups)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def check_names(self, names: Sequence[str]) -> None:
        """Every pattern fits one of these names."""
        for group in self.groups:
            if not any(fnmatchcase(name, group.pattern) for name in names):
                raise ConfigurationError(
                    f"ForGroups: no parameter fits {group.pattern!r}; "
                    f"{nearest(group.pattern, names)}"
                )

    def scalars(self, time: Time) -> Scalars:
        """Those of the rule at the rate of each group, and at its own."""
        found: dict[str, Tensor | float] = {}
        for place, rate in enumerate((*(group.rate for group in self.groups), 1.0)):
            scaled = replace(time, scale=time.scale * rate)
            inside = self.rule.scalars(scaled)
            found |= {f"group{place}.{name}": value for name, value in inside.items()}
        return found

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The rule's, at the rate and the decay of the parameter's group."""
        fitting = (i for i, g in enumerate(self.groups) if fnmatchcase(parameter.name, g.pattern))
        place = next(fitting, len(self.groups))
        own = inside_of(scalars, f"group{place}")
        decay = self.groups[place].decay if place < len(self.groups) else None
        if decay is not None:
            parameter = replace(parameter, decay=decay)
        return self.rule.update(parameter, slots, own)
