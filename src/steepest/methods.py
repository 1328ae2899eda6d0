"""Registries: the methods of the textbook by name, with the rows of docs/methods.md they fulfil.

A method is defined in one file and registered there. Whatever lists methods reads the registries:
options of the command, error messages, tests that go through all of a kind, docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, final

from steepest.errors import ConfigurationError, nearest

T = TypeVar("T")
V = TypeVar("V")


@final
@dataclass(frozen=True)
class Method(Generic[T]):
    """A registered method.

    Args:
        name: in its registry, as people type it.
        value: the class, function or value.
        rows: what it stands for in docs/methods.md: "P7", say.
        option: how it is reached on the command line, if it can be.
    """

    name: str
    value: T
    rows: tuple[str, ...]
    option: str


@final
class Registry(Mapping[str, T]):
    """The methods of one kind, by name.

    Args:
        kind: what they are, in one or two words, as messages say it: "optimizer".
        option: how one is chosen on the command line, if it can be: "--optimizer NAME".
        place: how Python code comes by one that has no public name of its own.
        in_textbook: docs/methods.md has them, each at its rows; what serves tables only is
            documented where tables are.

    >>> shapes = Registry[float]("shape")
    >>> _ = shapes.register("square", "M1")(4.0)
    >>> shapes["square"], list(shapes)
    (4.0, ['square'])
    >>> shapes.find("squere")
    Traceback (most recent call last):
    ...
    steepest.errors.ConfigurationError: there is no shape 'squere'; did you mean 'square'?
    """

    def __init__(
        self, kind: str, *, option: str = "", place: str = "", in_textbook: bool = True
    ) -> None:
        self.kind = kind
        self.option = option
        self.place = place
        self.in_textbook = in_textbook
        self._methods: dict[str, Method[T]] = {}

    def register(self, name: str, *rows: str, option: str | None = None) -> Callable[[V], V]:
        """Enter what follows (a class, a function; or call the result with a value).

        Args:
            name: as people type it.
            rows: of docs/methods.md that it stands for.
            option: where it is chosen otherwise than others of its kind; "" where it cannot be.
        """
        chosen = self.option.replace("NAME", name) if option is None else option

        def enter(value: V) -> V:
            if name in self._methods:
                raise ValueError(f"there are two of the {self.kind} {name!r}")
            self._methods[name] = Method(name, cast("Any", value), rows, chosen)
            return value

        return enter

    def find(self, name: str) -> T:
        """The method of this name.

        Raises:
            ConfigurationError: there is none; the nearest names are given.
        """
        if name not in self._methods:
            raise ConfigurationError(
                f"there is no {self.kind} {name!r}; {nearest(str(name), self._methods)}"
            )
        return self._methods[name].value

    @property
    def methods(self) -> tuple[Method[T], ...]:
        """All of them, as registered."""
        return tuple(self._methods.values())

    def __getitem__(self, name: str) -> T:
        return self._methods[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def __repr__(self) -> str:
        return f"<{self.kind}: {', '.join(self)}>"


# What is used by its own name in Python and never looked up: functions, layers, the Trainer.
CAPABILITIES = Registry[object]("capability")


def implements(*rows: str, option: str = "") -> Callable[[V], V]:
    """Mark a public class or function as what stands for these rows of docs/methods.md.

    Args:
        rows: their names.
        option: how it is reached on the command line, if it can be.
    """

    def enter(value: V) -> V:
        place: Any = value
        name = f"{place.__module__}.{place.__qualname__}"
        CAPABILITIES.register(name, *rows, option=option)(value)
        return value

    return enter
