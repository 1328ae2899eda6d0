"""What a user hands to ``fit`` and ``predict``, checked and brought to the model's element type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias, cast, final

import numpy as np

from steepest.errors import DataError, DTypeError, nearest
from steepest.ir.types import Array, DType, is_floating
from steepest.tensor.tensor import Tensor

# An array, or dicts, lists and tuples of arrays; all with one first axis: the examples.
Tables: TypeAlias = Any


def tables(x: Any, dtype: DType, name: str = "x") -> Tables:
    """The arrays of ``x`` in their structure; floating-point ones cast to ``dtype``.

    Raises:
        DTypeError: something that is not numbers.
        DataError: no rows, unequal lengths, a NaN or infinite value (its place is named).
    """
    checked = _each(x, name, lambda value, where: _table(value, dtype, where))
    lengths = {where: len(array) for where, array in leaves(checked, name)}
    if not lengths:
        raise DataError(f"{name} holds no arrays")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{where} {length:,}" for where, length in lengths.items())
        raise DataError(f"the parts of {name} should have equally many rows: {listed}")
    if not next(iter(lengths.values())):
        raise DataError(f"{name} has no rows")
    return checked


def rows_of(x: Tables) -> int:
    """How many examples there are."""
    return len(next(leaves_of(x)))


def leaves(x: Tables, name: str = "x") -> list[tuple[str, Array]]:
    """The arrays with their places: ``x``, or ``x['numeric']`` and so on."""
    found: list[tuple[str, Array]] = []
    _each(x, name, lambda value, where: found.append((where, value)))
    return found


def leaves_of(x: Tables) -> Any:
    """The arrays, in order."""
    return (array for _, array in leaves(x))


def mapped(x: Tables, function: Callable[[Any], Any]) -> Any:
    """The structure of ``x`` with ``function`` applied to each array (or Tensor)."""
    return _each(x, "x", lambda value, _: function(value))


def _each(x: Any, name: str, function: Callable[[Any, str], Any]) -> Any:
    if isinstance(x, Mapping):
        items = cast("Mapping[Any, Any]", x).items()
        named = {key: _each(part, f"{name}[{key!r}]", function) for key, part in items}
        return Named(named, name=name)
    if isinstance(x, list | tuple) and _holds_arrays(cast("list[Any]", x)):
        parts = enumerate(cast("list[Any]", x))
        kind: Any = list if isinstance(x, list) else getattr(cast("Any", x), "_make", tuple)
        return kind(_each(part, f"{name}[{i}]", function) for i, part in parts)
    return function(x, name)


@final
class Named(dict[Any, Any]):
    """A dict of tables that tells who asks for one that is not there which ones are."""

    def __init__(self, parts: Mapping[Any, Any], *, name: str) -> None:
        super().__init__(parts)
        self._name = name

    def __missing__(self, key: object) -> NoReturn:
        raise DataError(
            f"the model asks for {self._name}[{key!r}], which is not given; "
            f"{nearest(str(key), map(str, self))}"
        )


def _holds_arrays(x: list[Any] | tuple[Any, ...]) -> bool:
    return any(isinstance(each, np.ndarray | Tensor | Mapping) for each in x)


def array_of(value: Any, name: str) -> Array:
    """A NumPy array of numbers, as the processor reads them: aligned, in its order of bytes.

    Raises:
        DTypeError: it holds something else.
        DataError: it is a single number.
    """
    masked: Any = np.ma
    if isinstance(value, masked.MaskedArray) and masked.is_masked(value):
        raise DataError(
            f"{name} is a masked array, {masked.count_masked(value):,} of its values being masked; "
            "fill them in (.filled(…)) or leave their rows out"
        )
    array: Array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{name} holds {array.dtype}, not numbers; encode text as numbers first")
    if not array.ndim:
        raise DataError(f"{name} is a single number; its first axis should be the examples")
    return np.require(array, array.dtype.newbyteorder("="), "A")


def _table(value: Any, dtype: DType, name: str) -> Array:
    array = array_of(value, name)
    check_finite(array, name)
    return in_dtype(array, dtype, name) if is_floating(array.dtype) else np.ascontiguousarray(array)


def in_dtype(array: Array, dtype: DType, name: str) -> Array:
    """Finite floating-point numbers in the model's element type.

    Raises:
        DataError: numbers that would be infinite there.
    """
    try:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(array, dtype)
    except FloatingPointError:
        raise DataError(
            f"{name} holds numbers up to {np.abs(array).max():.3g}, which is more than {dtype} "
            "can hold: standardise them"
        ) from None


def check_finite(array: Array, name: str) -> None:
    """Refuse NaN and infinity, naming the first place."""
    if is_floating(array.dtype) and not np.isfinite(array).all():
        place: list[int] = np.argwhere(~np.isfinite(array))[0].tolist()
        found = array[tuple(place)]
        column = f", column {place[1]}" if len(place) > 1 else ""
        raise DataError(
            f"{name} holds {found} at row {place[0]}{column} (counted from 0); fill missing values "
            "in or leave the row out"
        )


def normalised_weights(weights: Any, n: int, dtype: DType, name: str = "sample_weight") -> Array:
    """Weights of mean 1.

    Raises:
        DataError: not one per example, negative, not finite (or their sum is not), or all zero.
    """
    array = checked_weights(weights, n, name)
    with np.errstate(over="ignore"):
        mean = array.mean()
    if not np.isfinite(mean):
        raise DataError(f"{name} adds up to infinity; divide it by its largest value")
    if not mean:
        raise DataError(f"{name} is 0 everywhere: there is nothing to learn from")
    return (array / mean).astype(dtype)


def checked_weights(weights: Any, n: int, name: str = "sample_weight") -> Array:
    """Weights as they are, float64.

    Raises:
        DataError: not one per example, negative, not finite.
    """
    array = array_of(weights, name).astype(np.float64)
    if array.shape != (n,):
        raise DataError(f"{name} should be one number per example, shape ({n},), not {array.shape}")
    check_finite(array, name)
    if (array < 0).any():
        row = int(np.flatnonzero(array < 0)[0])
        raise DataError(f"{name} is negative at row {row}: {array[row]}")
    return array
