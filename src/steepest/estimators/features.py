"""X as scikit-learn users hand it over, frames, arrays, sparse matrices, lists, to a Table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from steepest.data import ReadOptions, Table, read_table
from steepest.data.frames import check_has_rows, table_from_frame
from steepest.data.table import NumberColumn, without
from steepest.errors import OutOfMemoryError

_MOST_DENSE = 2**33  # bytes of float64 that a sparse matrix may come to


def is_frame(x: object) -> bool:
    """Whether columns have types of their own: pandas, polars, Arrow and what narwhals knows.

    Raises:
        DataError: a frame whose rows are not computed yet.
    """
    import narwhals as nw

    check_has_rows(x)
    return bool(nw.dependencies.is_into_dataframe(x))


def generic_names(count: int) -> list[str]:
    """Names for the columns of an array: x0, x1 …, as scikit-learn calls them."""
    return [f"x{place}" for place in range(count)]


def table_of_frame(frame: Any, names: Sequence[str], options: ReadOptions) -> Table:
    """The columns of a data frame under these names."""
    if hasattr(frame, "set_axis"):  # pandas, where names may be numbers
        frame = frame.set_axis(list(names), axis="columns")
    table = table_from_frame(frame, options)
    return Table.from_columns(dict(zip(names, table.columns.values(), strict=True)))


def table_of_array(array: NDArray[Any], names: Sequence[str], options: ReadOptions) -> Table:
    """The columns of an array (rows, features); one of objects may hold text beside numbers."""
    if array.dtype.kind in "biuf":
        whole = array.dtype.kind != "f"
        numbers = np.asfortranarray(without(array, options.marker_numbers), np.float64)
        columns = {name: NumberColumn(numbers[:, place], whole) for place, name in enumerate(names)}
        return Table.from_columns(columns)
    return read_table({name: array[:, place] for place, name in enumerate(names)}, options)


def dense(matrix: Any) -> NDArray[np.float64]:
    """A sparse matrix with its zeros.

    Raises:
        OutOfMemoryError: it would take more than 8 GB.
    """
    rows, columns = cast("tuple[int, int]", matrix.shape)
    size = 8 * rows * columns
    if size > _MOST_DENSE:
        raise OutOfMemoryError(
            f"the sparse matrix of {rows:,} rows and {columns:,} columns would take "
            f"{size / 2**30:,.0f} GB when its zeros are written out: choose columns first "
            "(SelectKBest) or make fewer of them (TruncatedSVD)"
        )
    return np.asarray(matrix.toarray(), np.float64)
