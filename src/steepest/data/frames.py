"""Take tables that are in memory: pandas, polars, Arrow (through narwhals) and dicts of arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from steepest.data.options import ReadOptions
from steepest.data.table import Column, NumberColumn, Table, text_column, without
from steepest.errors import DataError

if TYPE_CHECKING:
    import narwhals as nw


def table_from_frame(frame: object, options: ReadOptions | None = None) -> Table:
    """Make a Table of a data frame or of a dict of equally long columns.

    Null, None and NaN are missing, and so is text that is one of `options.missing`. Booleans and
    dates become text, durations seconds; numbers keep their values as float64.

    Raises:
        DataError: not a table, a column name that is no text, a nested column, unequal lengths.

    >>> table_from_frame({"age": [31, None], "job": ["cook", "smith"]}).column("age").texts()
    ['31', '']
    """
    options = options or ReadOptions()
    if isinstance(frame, Mapping):
        columns = cast("Mapping[object, Any]", frame)
        return Table.from_columns(
            {_name(name): _column(name, values, options) for name, values in columns.items()}
        )
    import narwhals as nw  # frames only: a fit of a CSV file starts without it

    check_has_rows(frame)
    try:
        native = nw.from_native(cast("Any", frame), eager_only=True)
    except TypeError:
        raise DataError(
            f"a {type(frame).__name__} is not a table; give a path, a pandas, polars or Arrow "
            "frame, or a dict of columns"
        ) from None
    except ValueError as error:  # narwhals: pandas columns with one name twice
        raise DataError(f"the data frame cannot be used: {error}") from None
    return Table.from_columns(
        {_name(name): _series(name, native[name], options) for name in native.columns}
    )


def check_has_rows(frame: object) -> None:
    """Refuse a frame whose rows are not computed yet.

    Raises:
        DataError: it is one of polars.
    """
    import narwhals as nw

    if nw.dependencies.is_polars_lazyframe(frame):
        raise DataError("a LazyFrame has no rows yet: give what its collect() makes")


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise DataError(f"a column is called {name!r}; column names must be text")
    return name


def _series(name: str, series: nw.Series[Any], options: ReadOptions) -> Column:
    import narwhals as nw

    kind = series.dtype
    if kind.is_numeric():
        values = np.array(series.cast(nw.Float64).fill_null(math.nan).to_numpy(), dtype=np.float64)
        return NumberColumn(without(values, options.marker_numbers), kind.is_integer())
    order = _order(series.to_native())
    if order:
        cells = series.to_list()
        column = text_column([None if _is_absent(cell) else str(cell) for cell in cells])
        return replace(column, order=order)
    cells = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return _column(name, [None if null else cell for cell, null in cells], options)


def _order(native: Any) -> tuple[str, ...]:  # noqa: ANN401 - a library's
    """The levels of an ordered column of pandas or Arrow, the lowest first; none of others."""
    kind: Any = getattr(native, "dtype", None) or getattr(native, "type", None)
    if not getattr(kind, "ordered", False):
        return ()
    if hasattr(kind, "categories"):
        return tuple(str(level) for level in kind.categories)
    chunks = native.chunks if hasattr(native, "chunks") else [native]
    found = [str(level) for chunk in chunks for level in chunk.dictionary.to_pylist()]
    return tuple(dict.fromkeys(found))


def _column(name: object, values: object, options: ReadOptions) -> Column:
    array = _one_dimension(name, values)
    if array.dtype.kind in "iuf":
        numbers = array.astype(np.float64)
        return NumberColumn(without(numbers, options.marker_numbers), array.dtype.kind != "f")
    cells = [None if _is_absent(cell) else _plain(cell) for cell in array.tolist()]
    present = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, list | tuple | dict | set | bytes | complex) for cell in present):
        raise DataError(
            f"column {name!r} holds nested values, bytes or complex numbers; only numbers, text, "
            "booleans and dates make a feature"
        )
    if present and all(isinstance(cell, Real) for cell in present) and not _any_bool(present):
        numbers = np.array([math.nan if cell is None else _float(cell) for cell in cells])
        whole = all(isinstance(cell, Integral) for cell in present)
        return NumberColumn(without(numbers, options.marker_numbers), whole)
    texts = [None if cell is None else str(cell) for cell in cells]
    return text_column(texts, options.markers)


def _plain(cell: object) -> object:
    return cell.total_seconds() if isinstance(cell, timedelta) else cell


def _float(number: Any) -> float:  # noqa: ANN401 - any Real
    """As float64; infinite where it is beyond that, which is refused with its row."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _any_bool(cells: list[object]) -> bool:
    return any(isinstance(cell, bool) for cell in cells)


def _is_absent(cell: object) -> bool:
    if cell is None:
        return True
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):  # pandas.NA refuses to be compared, arrays to be one truth
        return type(cell).__name__ == "NAType"


def _one_dimension(name: object, values: object) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        array = np.asarray(values, dtype=object)
    if array.dtype.kind == "m":
        array = array / np.timedelta64(1, "s")
    elif array.dtype.kind == "M":
        texts = array.astype(str).astype(object)
        texts[np.isnat(array)] = None
        array = texts
    elif array.dtype.kind in "OSc" or not isinstance(values, np.ndarray):
        array = np.asarray(values, dtype=object)  # keeps None and numbers apart from text
    if array.ndim != 1:
        raise DataError(
            f"column {name!r} has {array.ndim} dimensions; a column is one value for each row"
        )
    return array
