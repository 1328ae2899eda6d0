"""Methods chosen by name, with their own options: what a field may hold, and making the method."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from steepest.errors import ConfigurationError, SteepestError, nearest
from steepest.methods import Registry


@final
@dataclass(frozen=True)
class OneOf:
    """Of a field: it holds a name from one of these registries, or one of the words."""

    registries: tuple[Registry[Any], ...]
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that are possible."""
        return (*self.words, *(name for registry in self.registries for name in registry))


@final
@dataclass(frozen=True)
class OptionsOf:
    """Of a field: it holds own options of the method that another field of its section names."""

    field: str


@final
@dataclass(frozen=True)
class Choice:
    """A method that was chosen, and what is known about its parameters before it is made.

    Args:
        option: the option that holds the method's own options: "optimizer.options".
        name: the method's, as it was chosen.
        make: its class or function.
        elsewhere: parameters that have an option of their own, by the name of that option.
        filled: values of parameters that need not be given.
    """

    option: str
    name: str
    make: Callable[..., Any]
    elsewhere: Mapping[str, str]
    filled: Mapping[str, Any]

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """All of the method's."""
        return inspect.signature(self.make).parameters

    @property
    def own(self) -> list[str]:
        """The names of its own options."""
        return [name for name in self.parameters if name not in self.elsewhere]

    def made(self, options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever was registered
        """The method with these own options.

        Raises:
            ConfigurationError: an option that it does not have or that is missing, a value that it
                refuses.
        """
        for name in options:
            if name in self.elsewhere and name in self.parameters:
                raise self._error(f"{name!r} is not given here, but as {self.elsewhere[name]}")
            if name not in self.own:
                known = nearest(name, self.own) if self.own else "it has none"
                raise self._error(f"{self.name!r} has no option {name!r}; {known}")
        values = {name: self.filled[name] for name in self.filled if name in self.parameters}
        values |= {name: _frozen(value) for name, value in options.items()}
        for name, parameter in self.parameters.items():
            if parameter.default is inspect.Parameter.empty and name not in values:
                raise self._error(f"{self.name!r} needs a value for {name!r}")
        try:
            return self.make(**values)
        except SteepestError as error:
            raise self._error(str(error)) from None
        except (TypeError, ValueError) as error:
            raise self._error(f"{self.name!r} cannot be made with {options}: {error}") from None

    def _error(self, text: str) -> ConfigurationError:
        return ConfigurationError(f"{self.option}: {text}")


def _frozen(value: Any) -> Any:  # noqa: ANN401 - an option's
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
