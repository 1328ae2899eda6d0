"""Tensors from data of every kind, refusals of what is no data, and creation against NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError, ShapeError, TraceError
from steepest.ir.types import DTYPES, DType
from steepest.tensor.tensor import Tensor


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1, "int64", 1),
        (1.5, "float32", 1.5),
        (True, "bool", True),
        ([1, 2.5], "float32", [1.0, 2.5]),
        ([True, False], "bool", [True, False]),
        ([[1], [2]], "int64", [[1], [2]]),
        ((1, 2), "int64", [1, 2]),
        (range(3), "int64", [0, 1, 2]),
        ([], "float32", []),
        (np.array([1.5]), "float64", [1.5]),
        (np.array([1], np.int8), "int8", [1]),
        (np.float64(1.5), "float64", 1.5),
        (st.tensor([1.0]), "float32", [1.0]),
        ([st.tensor(1.0), st.tensor(2.0)], "float32", [1.0, 2.0]),
        ([st.tensor([1, 2]), [3, 4]], "int64", [[1, 2], [3, 4]]),
    ],
    ids=str,
)
def test_data(data: Any, dtype: str, values: Any) -> None:
    x = st.tensor(data)
    assert (str(x.dtype), x.tolist()) == (dtype, values)


class Foreign:
    """An array of another library, which speaks DLPack only."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


def test_foreign_arrays_come_in_by_dlpack_and_are_copied() -> None:
    array = np.array([1.0, 2.0])
    for x in (st.tensor(Foreign(array)), st.from_dlpack(Foreign(array))):
        assert x.dtype == st.float64
    array[:] = 9.0
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_element_type(dtype: DType) -> None:
    assert st.tensor([0, 1], dtype=dtype).dtype == dtype
    assert st.tensor(np.array([0, 1]).astype(dtype)).dtype == dtype
    assert st.zeros((2,), dtype=dtype).dtype == dtype
    assert st.ones_like(st.zeros((2,), dtype=dtype)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ("a", {}, DTypeError, "not numbers"),
        (["a", "b"], {}, DTypeError, "not numbers"),
        (None, {}, DTypeError, "not numbers"),
        ({1: 2}, {}, DTypeError, "not numbers"),
        (1j, {}, DTypeError, "not numbers but complex128"),
        (slice(3), {}, DTypeError, "not numbers"),
        ([[1.0], [1.0, 2.0]], {}, ShapeError, "nested lists of unequal lengths"),
        ([1, [2]], {}, ShapeError, "nested lists of unequal lengths"),
        (np.float16(1), {}, DTypeError, "no element type .*float16"),
        (
            [1],
            {"dtype": "complex64"},
            DTypeError,
            "no element type 'complex64' here",
        ),
        ([1], {"dtype": "nonsense"}, DTypeError, "no element type 'nonsense'"),
        ([300], {"dtype": "int8"}, DTypeError, "out of bounds for int8"),
        ([2**70], {}, DTypeError, "not numbers"),
        ([1], {"requires_grad": True}, DTypeError, r"write 1\.0 instead of 1, or pass dtype"),
        (["1"], {"dtype": "float32", "requires_grad": True}, DTypeError, "not numbers"),
    ],
    ids=str,
)
def test_what_is_no_data(
    data: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        st.tensor(data, **options)


def test_asarray_does_not_copy_a_tensor() -> None:
    x = st.tensor([1.0])
    assert st.asarray(x) is x
    assert st.asarray(x, dtype=st.float64).dtype == st.float64
    assert st.asarray([1, 2]).tolist() == [1, 2]


CALLS: dict[str, tuple[Callable[[], Tensor], Any]] = {
    "zeros": (lambda: st.zeros((2, 3)), np.zeros((2, 3), np.float32)),
    "zeros n": (lambda: st.zeros(3), np.zeros(3, np.float32)),
    "ones": (lambda: st.ones((2,), dtype=st.int8), np.ones(2, np.int8)),
    "empty": (lambda: st.empty((2,)), np.zeros(2, np.float32)),
    "full": (lambda: st.full((2,), 7.0), np.full(2, 7.0, np.float32)),
    "full int": (lambda: st.full((2,), 7), np.full(2, 7)),
    "full bool": (lambda: st.full((2,), True), np.full(2, True)),
    "full nan": (lambda: st.full((), math.nan), np.full((), math.nan, np.float32)),
    "full like": (lambda: st.full_like(st.arange(2), 5), np.array([5, 5])),
    "zeros like": (lambda: st.zeros_like(st.arange(2), dtype=st.float64), np.zeros(2)),
    "arange": (lambda: st.arange(5), np.arange(5)),
    "arange two": (lambda: st.arange(2, 5), np.arange(2, 5)),
    "arange back": (lambda: st.arange(5, 0, -2), np.arange(5, 0, -2)),
    "arange none": (lambda: st.arange(3, 3), np.arange(0)),
    "arange float": (lambda: st.arange(0.0, 1.0, 0.25), np.arange(0, 1, 0.25).astype(np.float32)),
    "arange type": (lambda: st.arange(3, dtype=st.float64), np.arange(3.0)),
    "linspace": (lambda: st.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5, dtype=np.float32)),
    "linspace open": (
        lambda: st.linspace(0.0, 1.0, 4, endpoint=False, dtype=st.float64),
        np.linspace(0, 1, 4, endpoint=False),
    ),
    "eye": (lambda: st.eye(3), np.eye(3, dtype=np.float32)),
    "eye k": (lambda: st.eye(2, 3, k=1), np.eye(2, 3, 1, np.float32)),
    "tril": (
        lambda: st.tril(st.ones((2, 3, 3)), k=-1),
        np.tril(np.ones((2, 3, 3), np.float32), -1),
    ),
    "triu": (lambda: st.triu(st.ones((2, 3)), k=1), np.triu(np.ones((2, 3), np.float32), 1)),
    "meshgrid": (
        lambda: st.meshgrid(st.arange(2), st.arange(3))[1],
        np.meshgrid(np.arange(2), np.arange(3))[1],
    ),
    "meshgrid ij": (
        lambda: st.meshgrid(st.arange(2), st.arange(3), indexing="ij")[0],
        np.meshgrid(np.arange(2), np.arange(3), indexing="ij")[0],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_creation_is_numpys(name: str) -> None:
    call, expected = CALLS[name]
    found = call()
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_creation_refuses() -> None:
    with pytest.raises(ShapeError, match="cannot be negative"):
        st.zeros((2, -1))
    with pytest.raises(ShapeError, match="'xy' or 'ij'"):
        st.meshgrid(st.arange(2), indexing="no")
    with pytest.raises(ShapeError, match="at least two axes"):
        st.tril(st.ones((2,)))


def test_gradients_pass_through_triangles() -> None:
    x = st.ones((2, 2))
    assert st.grad(lambda x: st.sum(st.tril(x) * 3.0))(x).tolist() == [[3.0, 0.0], [3.0, 3.0]]
    assert st.grad(lambda x: st.sum(st.triu(x) * 3.0))(x).tolist() == [[3.0, 3.0], [0.0, 3.0]]


def test_searching_is_numpys_and_eager_only() -> None:
    array = np.array([[3, 0, 1], [1, 3, 0]])
    x = st.tensor(array)
    assert [each.tolist() for each in st.nonzero(x)] == [e.tolist() for e in np.nonzero(array)]
    assert st.unique_values(x).tolist() == [0, 1, 3]
    assert [each.tolist() for each in st.unique_counts(x)] == [[0, 1, 3], [2, 2, 2]]
    edges, values = st.tensor([1.0, 2.0, 2.0, 4.0]), st.tensor([2.0, 5.0, 0.0])
    assert st.searchsorted(edges, values).tolist() == [1, 4, 0]
    assert st.searchsorted(edges, values, side="right").tolist() == [3, 4, 0]
    for search in (st.nonzero, st.unique_values, st.unique_counts):
        with pytest.raises(TraceError, match="depends on the values"):
            st.trace(search)(x)
