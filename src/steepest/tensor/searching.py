"""Functions whose result's shape depends on the values: eager only."""

from __future__ import annotations

import numpy as np

from steepest.errors import TraceError
from steepest.tensor.tensor import Tensor

__all__ = [
    "nonzero",
    "searchsorted",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


def _eager(name: str, x: Tensor) -> np.ndarray:  # pyright: ignore[reportMissingTypeArgument,reportUnknownParameterType]
    if x.is_traced:
        raise TraceError(
            f"{name}(): the shape of the result depends on the values, which a traced function "
            "does not know; compute it outside, or use where(condition, x, y)"
        )
    return x.data


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The positions of the elements that are not zero (not False), one Tensor per axis.

    >>> import steepest as st
    >>> st.nonzero(st.tensor([0.0, 3.0, 5.0]))
    (tensor([1, 2]),)
    """
    return tuple(Tensor(each, None) for each in np.nonzero(_eager("nonzero", x)))


def unique_values(x: Tensor, /) -> Tensor:
    """The different values, in order.

    >>> import steepest as st
    >>> st.unique_values(st.tensor([3, 1, 3]))
    tensor([1, 3])
    """
    return Tensor(np.unique(_eager("unique_values", x), equal_nan=False), None)


def unique_counts(x: Tensor, /) -> tuple[Tensor, Tensor]:
    """The different values, in order, and how often each occurs.

    >>> import steepest as st
    >>> st.unique_counts(st.tensor([3, 1, 3]))
    (tensor([1, 3]), tensor([1, 2]))
    """
    values, counts = np.unique(_eager("unique_counts", x), return_counts=True, equal_nan=False)
    return Tensor(values, None), Tensor(counts, None)


def unique_inverse(x: Tensor, /) -> tuple[Tensor, Tensor]:
    """The different values, in order, and for each element the position of its value there.

    >>> import steepest as st
    >>> st.unique_inverse(st.tensor([3, 1, 3]))
    (tensor([1, 3]), tensor([1, 0, 1]))
    """
    found = np.unique_inverse(_eager("unique_inverse", x))
    return Tensor(found.values, None), Tensor(found.inverse_indices, None)


def searchsorted(x: Tensor, values: Tensor, /, *, side: str = "left") -> Tensor:
    """Where each value would be inserted into the sorted vector ``x``.

    >>> import steepest as st
    >>> st.searchsorted(st.tensor([1.0, 3.0]), st.tensor([2.0, 4.0]))
    tensor([1, 2])
    """
    sorted_values, wanted = _eager("searchsorted", x), _eager("searchsorted", values)
    return Tensor(np.searchsorted(sorted_values, wanted, side=side), None)  # pyright: ignore
