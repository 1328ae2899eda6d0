"""The one contraction op, and the products of linear algebra built from it."""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np

from steepest.errors import ShapeError
from steepest.ir.lowering import Contract
from steepest.ir.op import Case, Op, Operand, Sample, T, define, explain
from steepest.ir.types import Array, TensorType, normalise_axis
from steepest.ops.movement import reshape
from steepest.ops.rows import (
    accept,
    common_shape,
    operand,
    promoted,
    stretched,
)

__all__ = [
    "matmul",
    "outer",
    "tensordot",
    "vecdot",
]

# The axes of each operand carry labels; elements with equal labels are multiplied, and labels that
# the result lacks are summed over, as Einstein wrote it: left=(0, 1), right=(1, 2), result=(0, 2).
Labels: TypeAlias = tuple[int, ...]


def _contract_type(
    a: TensorType, b: TensorType, *, left: Labels, right: Labels, result: Labels
) -> TensorType:
    accept("numeric", a, b)
    extents: dict[int, int] = {}
    for labels, each in ((left, a), (right, b)):
        for label, extent in zip(labels, each.shape, strict=True):
            if extents.setdefault(label, extent) != extent:
                raise ShapeError(
                    f"{a} and {b}: extents {extents[label]} and {extent} should be equal"
                )
    return TensorType(tuple(extents[label] for label in result), a.dtype)


def _contract_reference(
    a: Array, b: Array, *, left: Labels, right: Labels, result: Labels
) -> Array:
    """Batch axes first, the rest flattened to rows and columns: one stacked matrix product."""
    batch = [label for label in result if label in left and label in right]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    summed = [label for label in left if label in right and label not in result]
    x = a.transpose([left.index(label) for label in (*batch, *rows, *summed)])
    y = b.transpose([right.index(label) for label in (*batch, *summed, *columns)])
    outer, inner = x.shape[: len(batch)], x.shape[len(batch) + len(rows) :]
    x_rows = x.shape[len(batch) : len(batch) + len(rows)]
    y_columns = y.shape[len(batch) + len(summed) :]
    depth = prod(inner)
    x = x.reshape((*outer, prod(x_rows), depth))
    y = y.reshape((*outer, depth, prod(y_columns)))
    product = np.matmul(x, y).reshape((*outer, *x_rows, *y_columns))
    labels = (*batch, *rows, *columns)
    return product.transpose([labels.index(label) for label in result])


def _contract_pullback(
    g: Any, y: Any, a: Any, b: Any, *, left: Labels, right: Labels, result: Labels
) -> tuple[Any, Any]:
    """Each label stands in at least two of the three, so the gradients are contractions again."""
    return (
        contract(g, b, left=result, right=right, result=left),
        contract(g, a, left=result, right=left, result=right),
    )


def _batch_contract(
    op: Op,
    inputs: tuple[Any, ...],
    mapped: tuple[bool, ...],
    size: int,
    attributes: dict[str, Any],
) -> Any:
    left, right, result = (attributes[name] for name in ("left", "right", "result"))
    new = max((*left, *right, -1)) + 1
    left = (new, *left) if mapped[0] else left
    right = (new, *right) if mapped[1] else right
    return op(*inputs, left=left, right=right, result=(new, *result))


def _case(a: tuple[int, ...], b: tuple[int, ...], *labels: Labels) -> Case:
    names = ("left", "right", "result")
    return Case((Sample(a), Sample(b)), dict(zip(names, labels, strict=True)))


contract = define(
    Op(
        name="contract",
        summary="Products of elements with equal labels, summed over the labels the result lacks.",
        infer=_contract_type,
        reference=_contract_reference,
        lower=Contract,
        pullback=_contract_pullback,
        batch=_batch_contract,
        align=promoted,
        cases=(
            _case((2, 3), (3, 4), (0, 1), (1, 2), (0, 2)),
            _case((2, 3), (4, 3), (0, 1), (2, 1), (2, 0)),
            _case((5, 2, 3), (5, 3, 2), (0, 1, 2), (0, 2, 3), (0, 1, 3)),
            _case((3,), (3,), (0,), (0,), ()),
            _case((2,), (3,), (0,), (1,), (0, 1)),
            _case((2, 0), (0, 3), (0, 1), (1, 2), (0, 2)),
            _case((2, 3, 4), (4, 3), (0, 1, 2), (2, 1), (0,)),
        ),
    )
)


def matmul(a: T | Array, b: T | Array, /) -> T:
    """The matrix product Σₖ aᵢₖ bₖⱼ; leading axes are batches and broadcast.

    Args:
        a: shape (…, m, k), or (k,).
        b: shape (…, k, n), or (k,).

    Raises:
        ShapeError: where k differs.

    >>> import steepest as st
    >>> st.matmul(st.tensor([[1.0, 2.0], [3.0, 4.0]]), st.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    x, y = _both(a, b)
    if not x.ndim or not y.ndim:
        raise explain(ShapeError("use * to multiply with a number"), "matmul", (x, y))
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        error = ShapeError(
            f"the last axis of the first ({x.shape[-1]}) and the "
            f"{'second to last' if y.ndim > 1 else 'only'} axis of the second "
            f"({y.shape[-2 if y.ndim > 1 else 0]}) should be equal"
        )
        raise explain(error, "matmul", (x, y))
    if y.ndim <= 2:  # the rows of every batch at once: nothing needs to be broadcast
        rows, k = tuple(range(x.ndim - 1)), x.ndim - 1
        columns = (k + 1,) * (y.ndim - 1)
        return contract(x, y, left=(*rows, k), right=(k, *columns), result=(*rows, *columns))
    if x.ndim == 1:
        outer, k, n = tuple(range(y.ndim - 2)), y.ndim - 2, y.ndim - 1
        return contract(x, y, left=(k,), right=(*outer, k, n), result=(*outer, n))
    return _matmul_stacks(x, y)


def _both(a: Any, b: Any) -> tuple[Any, Any]:
    kind = a if isinstance(a, Operand) else operand(b)
    return tuple(each if isinstance(each, Operand) else kind.lift(each) for each in (a, b))  # pyright: ignore[reportReturnType]


def _matmul_stacks(x: Any, y: Any) -> Any:
    batch = common_shape("matmul", (x.shape[:-2], y.shape[:-2]), (x, y))
    x, y = stretched(x, (*batch, *x.shape[-2:])), stretched(y, (*batch, *y.shape[-2:]))
    outer = tuple(range(len(batch)))
    m, k, n = len(batch), len(batch) + 1, len(batch) + 2
    return contract(x, y, left=(*outer, m, k), right=(*outer, k, n), result=(*outer, m, n))


def vecdot(a: T, b: T, /, *, axis: int = -1) -> T:
    """The dot products Σₖ aₖ bₖ along an axis.

    >>> import steepest as st
    >>> st.vecdot(st.tensor([1.0, 2.0]), st.tensor([3.0, 4.0]))
    tensor(11.)
    """
    if axis >= 0:
        raise ShapeError("vecdot(): axis counts from the right, so it is negative")
    shape = common_shape("vecdot", (a.shape, b.shape), (a, b))
    a, b = stretched(a, shape), stretched(b, shape)
    at = normalise_axis(axis, len(shape))
    labels = tuple(range(len(shape)))
    return contract(a, b, left=labels, right=labels, result=labels[:at] + labels[at + 1 :])


def tensordot(a: T, b: T, /, *, axes: int | tuple[tuple[int, ...], tuple[int, ...]] = 2) -> T:
    """Products summed over pairs of axes: the last of a with the first of b, or as given.

    >>> import steepest as st
    >>> st.tensordot(st.ones((2, 3)), st.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    if isinstance(axes, int):
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    first = [normalise_axis(axis, a.ndim) for axis in axes[0]]
    second = [normalise_axis(axis, b.ndim) for axis in axes[1]]
    left = tuple(range(a.ndim))
    pairs = dict(zip(second, first, strict=True))
    right = tuple(pairs.get(axis, a.ndim + axis) for axis in range(b.ndim))
    summed = set(first)
    result = tuple(label for label in (*left, *right) if label not in summed)
    return contract(a, b, left=left, right=right, result=result)


def outer(a: T, b: T, /) -> T:
    """All products of an element of one vector with an element of another: aᵢ bⱼ.

    >>> import steepest as st
    >>> st.outer(st.tensor([1.0, 2.0]), st.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return tensordot(reshape(a, (-1,)), reshape(b, (-1,)), axes=0)
