"""What is searched: options with a range or a list of choices each, and how they are written."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias, cast, final

from steepest.errors import ConfigurationError, nearest
from steepest.tabular.options import Option, Plain, options, require_option, set_option

# The shape of the network in three numbers: width, width·narrowing, width·narrowing², …
SHAPE = {
    "network.layers": "how many hidden layers",
    "network.width": "units of the first hidden layer",
    "network.narrowing": "each further layer has this share of the units before it",
}
_SIZES = "network.hidden_layer_sizes"
_RANGE = {"low", "high", "log", "points"}
_POINTS = 3
_LARGEST_GRID = 100_000

Drawn: TypeAlias = "dict[str, Plain]"


class Dimension(ABC):
    """The values that one option may take."""

    @abstractmethod
    def at(self, u: float) -> Plain:
        """The value at u of [0, 1), so that equal shares of u are equally probable values."""

    @property
    @abstractmethod
    def points(self) -> tuple[Plain, ...]:
        """The values that a grid takes."""

    @property
    @abstractmethod
    def ends(self) -> tuple[Plain, ...]:
        """Values which, if they are possible, show that all are."""

    @property
    @abstractmethod
    def plain(self) -> Plain:
        """As a space file writes it."""


@final
@dataclass(frozen=True)
class Choice(Dimension):
    """One of a few values, equally probable."""

    values: tuple[Plain, ...]

    def at(self, u: float) -> Plain:
        """The value at u."""
        return self.values[int(u * len(self.values))]

    @property
    def points(self) -> tuple[Plain, ...]:
        """All of them."""
        return self.values

    @property
    def ends(self) -> tuple[Plain, ...]:
        """All of them."""
        return self.values

    @property
    def plain(self) -> Plain:
        """A list."""
        return [*self.values]


@final
@dataclass(frozen=True)
class Range(Dimension):
    """A number from `low` to `high`: uniform, or with a uniform logarithm.

    u ↦ low + u (high − low), or low (high/low)ᵘ; whole numbers as if u were of one part for each,
    the ends included.

    Args:
        low: the least.
        high: the greatest.
        log: whether the logarithm is uniform: as many trials from 1e-4 to 1e-3 as from 1e-3 to
            1e-2.
        whole: whether it is a whole number.
        count: how many points a grid takes of it.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    count: int = _POINTS

    def at(self, u: float) -> Plain:
        """The value at u."""
        if not self.whole:
            return min(max(self._between(self.low, self.high, u), self.low), self.high)
        value = math.floor(self._between(self.low - 0.5, self.high + 0.5, u) + 0.5)
        return int(min(max(value, self.low), self.high))

    @property
    def points(self) -> tuple[Plain, ...]:
        """Evenly spaced, the ends among them."""
        shares = [place / (self.count - 1) for place in range(self.count)]
        values = [self._between(self.low, self.high, share) for share in shares]
        if self.whole:
            return tuple(dict.fromkeys(round(value) for value in values))
        return (self.low, *values[1:-1], self.high)

    @property
    def ends(self) -> tuple[Plain, ...]:
        """Both ends."""
        return self.low, self.high

    @property
    def plain(self) -> Plain:
        """A table."""
        written: dict[str, Plain] = {"low": self.low, "high": self.high}
        if self.log:
            written["log"] = True
        if self.count != _POINTS:
            written["points"] = self.count
        return written

    def _between(self, low: float, high: float, u: float) -> float:
        if self.log:
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        return low + u * (high - low)


@final
@dataclass(frozen=True)
class Space:
    """What is searched by the options' names, and values that are the same in all trials."""

    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Plain]

    def drawn(self, shares: Mapping[str, float]) -> Drawn:
        """A value of each dimension, at its share of [0, 1)."""
        return {name: each.at(shares[name]) for name, each in self.dimensions.items()}

    def grid(self) -> Sequence[Drawn]:
        """All combinations of the dimensions' points.

        Raises:
            ConfigurationError: there are too many to be meant.
        """
        size = math.prod(len(each.points) for each in self.dimensions.values())
        if size > _LARGEST_GRID:
            raise ConfigurationError(
                f"the grid of this space has {size:,} points; give it fewer options or values, as "
                "in {low = 1e-4, high = 1e-1, log = true, points = 2}, or search at random"
            )
        values = product(*(each.points for each in self.dimensions.values()))
        return [dict(zip(self.dimensions, each, strict=True)) for each in values]

    def without(self, names: Sequence[str]) -> Space:
        """The same without options that are given; a given list of sizes takes the shape's place.

        >>> DEFAULT_SPACE.without(["network.hidden_layer_sizes"]).dimensions.keys() & SHAPE.keys()
        set()
        """
        gone = {*names, *(SHAPE if _SIZES in names else ())}
        kept = {name: each for name, each in self.dimensions.items() if name not in gone}
        return Space(kept, {name: self.fixed[name] for name in self.fixed if name not in gone})

    def applied(self, plain: Mapping[str, Plain], drawn: Mapping[str, Plain]) -> dict[str, Plain]:
        """Nested options with the fixed and the drawn values in them.

        >>> drawn = {"network.layers": 3, "network.width": 64, "network.narrowing": 0.5}
        >>> Space({}, {"training.l2": 0.1}).applied({}, drawn)
        {'training': {'l2': 0.1}, 'network': {'hidden_layer_sizes': [64, 32, 16]}}
        """
        applied = {
            section: dict(each) if isinstance(each, dict) else each
            for section, each in plain.items()
        }
        values = {**self.fixed, **drawn}
        if shape := {name: values.pop(name) for name in SHAPE if name in values}:
            values[_SIZES] = _sizes(shape)
        for name, value in values.items():
            option = require_option(name)
            section, _, leaf = option.name.partition(".")
            inside = cast("dict[str, Plain]", applied.setdefault(section, {}))
            if option.name != name and isinstance(inside.get(leaf), dict):
                inside[leaf] = dict(cast("dict[str, Plain]", inside[leaf]))
            set_option(applied, name, value)
        return applied

    @property
    def plain(self) -> dict[str, Plain]:
        """By name, as JSON can hold it."""
        searched = {name: each.plain for name, each in self.dimensions.items()}
        return {**searched, **self.fixed}


def _sizes(shape: Mapping[str, Plain]) -> list[Plain]:
    layers, width = int(_number(shape, "layers", 2)), _number(shape, "width", 256)
    narrowing = _number(shape, "narrowing", 1.0)
    further = [max(1, round(width * narrowing**layer)) for layer in range(1, layers)]
    return [int(width), *further] if layers else []


def _number(shape: Mapping[str, Plain], name: str, otherwise: float) -> float:
    return cast("float", shape.get(f"network.{name}", otherwise))


# Rates and penalties act by their magnitude, so their logarithm is uniform, as is that of sizes.
DEFAULT_SPACE = Space(
    {
        "network.layers": Range(1, 4, whole=True),
        "network.width": Range(32, 512, log=True, whole=True),
        "network.narrowing": Choice((1.0, 0.5)),
        "network.activation": Choice(("relu", "silu", "gelu", "tanh")),
        "network.dropout": Range(0.0, 0.5),
        "optimizer.name": Choice(("adamw", "nesterov")),
        "optimizer.learning_rate": Range(1e-4, 1e-1, log=True),
        "optimizer.schedule": Choice(("cosine", "constant")),
        "optimizer.momentum": Choice((0.5, 0.9, 0.95, 0.99)),
        "optimizer.weight_decay": Range(1e-4, 1e-1, log=True),
        "training.l2": Range(1e-7, 1e-3, log=True),
        "training.batch_size": Choice((32, 64, 128, 256)),
    },
    {},
)


def space_from_plain(plain: Mapping[str, Any]) -> Space:
    """Read a space: an option's value is a list of choices, {low, high, log, points}, or fixed.

    Raises:
        ConfigurationError: an unknown name, a range that is none, nothing to search.

    >>> space_from_plain({"optimizer": {"learning_rate": {"low": 1e-4, "high": 0.1, "log": True}}})
    Space(dimensions={'optimizer.learning_rate': Range(low=0.0001, high=0.1, log=True, ...
    """
    dimensions: dict[str, Dimension] = {}
    fixed: dict[str, Plain] = {}
    for name, value in _named(plain):
        if name.startswith("images."):
            raise ConfigurationError(f"the space names {name!r}, which is for images, not tables")
        if name.startswith("data.") or name == "training.seed":
            raise ConfigurationError(
                f"the space names {name!r}, which is the same in all trials: give it with --set"
            )
        if _is_range(value):
            dimensions[name] = _range(name, cast("dict[str, Any]", value))
        elif isinstance(value, list):
            dimensions[name] = _choice(name, cast("list[Plain]", value))
        else:
            fixed[name] = value
        if name in SHAPE:
            _check_shape(name, dimensions[name].ends if name in dimensions else (value,))
    if not dimensions:
        raise ConfigurationError(
            "the space holds nothing to search: give an option a list of choices, or a range such "
            "as {low = 1e-4, high = 1e-1, log = true}"
        )
    clash = sorted({*dimensions, *fixed} & SHAPE.keys())
    if clash and _SIZES in {*dimensions, *fixed}:
        raise ConfigurationError(f"the space names both {_SIZES} and {clash[0]}: leave one out")
    return Space(dimensions, fixed)


def _named(plain: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each option of the space with what stands for it, its name checked."""
    for section, inside in plain.items():
        whole = {section: inside} if "." in section else None
        if whole is None and not isinstance(inside, dict):
            raise ConfigurationError(
                f"the space: {section!r} is a section of options and needs names under it"
            )
        entries = whole or {f"{section}.{leaf}": each for leaf, each in inside.items()}
        for name, value in entries.items():
            option = _option(name)
            is_table = option is not None and option.name == name and option.is_table
            if is_table and isinstance(value, dict) and not _is_range(cast("object", value)):
                inner = cast("dict[str, Any]", value)
                yield from ((f"{name}.{key}", each) for key, each in inner.items())
            else:
                yield name, value


def _option(name: str) -> Option | None:
    if name in SHAPE:
        return None
    known = options()
    if name in known or any(
        each.is_table and name.startswith(f"{each.name}.") for each in known.values()
    ):
        return require_option(name)
    close = nearest(name, [*known, *SHAPE])
    if not close.startswith("did"):
        require_option(name)  # tells which option of which section may be meant
    raise ConfigurationError(f"the space: there is no option {name!r}; {close}")


def _is_range(value: object) -> bool:
    return isinstance(value, dict) and bool({"low", "high"} & value.keys())


def _range(name: str, given: Mapping[str, Any]) -> Range:
    where = f"the space: {name}"
    for key in given:
        if key not in _RANGE:
            raise ConfigurationError(f"{where} has no {key!r}; {nearest(key, sorted(_RANGE))}")
    low, high = given.get("low"), given.get("high")
    for end, value in (("low", low), ("high", high)):
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or not math.isfinite(value)
        ):
            raise ConfigurationError(f"{where} needs a number for {end!r}, not {_shown(value)}")
    low, high = cast("float", low), cast("float", high)
    log, count = given.get("log", False), given.get("points", _POINTS)
    if not isinstance(log, bool):
        raise ConfigurationError(f"{where}: log is true or false, not {_shown(log)}")
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= _LARGEST_GRID:
        raise ConfigurationError(
            f"{where}: points is a number from 2 to {_LARGEST_GRID:,}, not {_shown(count)}"
        )
    if not low < high:
        raise ConfigurationError(f"{where}: low = {low:g} should be less than high = {high:g}")
    if log and low <= 0:
        raise ConfigurationError(f"{where}: on a logarithmic scale low is above 0, not {low:g}")
    whole = _is_whole(name, low, high)
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise ConfigurationError(f"{where} takes whole numbers, not {low:g} to {high:g}")
    return Range(*((int(low), int(high)) if whole else (low, high)), log, whole, count)


def _is_whole(name: str, low: float, high: float) -> bool:
    if name in SHAPE:
        return name != "network.narrowing"
    option = require_option(name)
    if option.name == name:
        return option.is_whole
    return isinstance(low, int) and isinstance(high, int)  # a method's own: as it is written


def _choice(name: str, values: Sequence[Plain]) -> Choice:
    if not values:
        raise ConfigurationError(f"the space: the list of choices of {name} is empty")
    texts = [_shown(value) for value in values]
    twice = [text for place, text in enumerate(texts) if text in texts[:place]]
    if twice:
        raise ConfigurationError(f"the space: {name} lists {twice[0]} twice")
    return Choice(tuple(values))


def _check_shape(name: str, values: Sequence[Plain]) -> None:
    """Refuse a shape that no network has, which no option would notice."""
    least = 0 if name == "network.layers" else 1
    for value in values:
        if name == "network.narrowing":
            fits, wanted = isinstance(value, int | float) and 0 < value <= 1, "a share up to 1"
        else:
            fits = isinstance(value, int) and value >= least
            wanted = f"a whole number from {least} on"
        if not fits or isinstance(value, bool):
            raise ConfigurationError(f"the space: {name} is {wanted}, not {_shown(value)}")


def _shown(value: object) -> str:
    return json.dumps(value, default=str)
