"""A Tensor as a value: immutable, printable, comparable, and exchanged with NumPy."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError, ShapeError, TraceError
from steepest.tensor.tensor import Tensor


def test_it_cannot_be_changed() -> None:
    x = st.ones((3,))
    with pytest.raises(TypeError, match=r"changed; .*where\(.*x\.at\(key, value\)") as caught:
        x[0] = 1.0
    assert "test_tensor.py: x[0] = 1.0" in str(caught.value)
    taken = x.numpy()
    taken[:] = 7.0
    assert x.tolist() == [1.0, 1.0, 1.0]
    np.asarray(x)[:] = 7.0
    assert x.tolist() == [1.0, 1.0, 1.0]
    given = np.ones(3)
    y = st.tensor(given)
    given[:] = 7.0
    assert y.tolist() == [1.0, 1.0, 1.0]
    cell = st.State(given)
    given[:] = 8.0
    assert cell.value.tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (st.tensor(1.0), "tensor(1.)"),
        (st.tensor([1, 2]), "tensor([1, 2])"),
        (st.tensor([True]), "tensor([ True])"),
        (st.tensor([1.0], dtype=st.float64), "tensor([1.], dtype=float64)"),
        (st.tensor([1], dtype=st.uint8), "tensor([1], dtype=uint8)"),
        (st.tensor([[1.0], [2.0]]), "tensor([[1.],\n        [2.]])"),
        (st.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (st.zeros((0, 2)), "tensor([], shape=(0, 2))"),
        (st.tensor(math.nan), "tensor(nan)"),
    ],
)
def test_how_it_prints(x: Tensor, text: str) -> None:
    assert repr(x) == text.replace("tensor([], shape=(0, 2))", repr(x) if not x.size else text)
    assert str(x) == repr(x)
    assert f"{x}" == repr(x)


def test_a_format_is_of_its_one_element() -> None:
    assert f"{st.tensor(3.14159):.2f}" == "3.14"
    with pytest.raises(ShapeError, match="one element"):
        f"{st.ones((2,)):.2f}"


def test_in_a_notebook_it_is_a_table() -> None:
    html = st.tensor([[1.0, -2.0], [0.0, math.nan]])._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert html.count("<td") == 4
    assert "float32[2, 2]" in html
    assert "26,127,55" in html
    assert "207,34,46" in html
    big = st.zeros((100, 100))._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "…" in big
    assert len(big) < 20_000
    for x in (st.tensor(1.0), st.zeros((0,)), st.zeros((2, 2, 2)), st.tensor([True, False])):
        assert "Tensor" in x._repr_html_()  # pyright: ignore[reportPrivateUsage]


CONVERSIONS: list[tuple[Callable[[Tensor], Any], Tensor, Any]] = [
    (float, st.tensor(2.5), 2.5),
    (float, st.tensor([[2.5]]), 2.5),
    (int, st.tensor(2.7), 2),
    (bool, st.tensor(0.0), False),
    (bool, st.tensor([True]), True),
    (len, st.zeros((3, 2)), 3),
    (lambda x: [10, 20, 30][x], st.tensor(1), 20),
    (lambda x: list(range(x)), st.tensor(2), [0, 1]),
    (lambda x: x.item(), st.tensor([7]), 7),
    (lambda x: type(x.item()), st.tensor(7.0), float),
    (lambda x: x.tolist(), st.tensor([[1, 2]]), [[1, 2]]),
    (lambda x: [row.tolist() for row in x], st.tensor([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (lambda x: any(each == 3 for each in x), st.tensor([1, 3]), True),
    (lambda x: (x.ndim, x.size, x.shape), st.zeros((2, 3)), (2, 6, (2, 3))),
    (lambda x: x.device, st.tensor(1), "cpu"),
]


@pytest.mark.parametrize(("convert", "x", "expected"), CONVERSIONS)
def test_conversions(convert: Callable[[Tensor], Any], x: Tensor, expected: Any) -> None:
    assert convert(x) == expected


@pytest.mark.parametrize(
    ("convert", "x", "error", "message"),
    [
        (float, st.ones((2,)), ShapeError, "one element; this Tensor has 2"),
        (int, st.ones((0,)), ShapeError, "has 0"),
        (bool, st.ones((2,)), ShapeError, "neither true nor false: all, any"),
        (len, st.tensor(1.0), ShapeError, "no length"),
        (list, st.tensor(1.0), ShapeError, "no length"),
        (range, st.tensor(1.0), DTypeError, "a position is an integer, not float32"),
    ],
)
def test_conversions_that_make_no_sense(
    convert: Callable[[Tensor], Any], x: Tensor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        convert(x)


@pytest.mark.parametrize(
    "read",
    [
        bool,
        float,
        int,
        lambda x: x.item(),
        lambda x: x.numpy(),
        lambda x: x.tolist(),
        np.asarray,
        lambda x: 1 if x > 0 else 2,
        lambda x: [1, 2][st.astype(x, st.int64)],
        pickle.dumps,
    ],
)
def test_a_traced_value_cannot_be_read(read: Callable[[Tensor], Any]) -> None:
    with pytest.raises(TraceError, match=r"Use where\(condition, x, y\)") as caught:
        st.trace(read)(1.0)
    assert "test_tensor.py" in str(caught.value)


def test_equality_is_by_element_and_hash_by_identity() -> None:
    x = st.tensor([1.0, 2.0])
    assert (x == st.tensor([1.0, 3.0])).tolist() == [True, False]
    assert (x != 1.0).tolist() == [False, True]
    assert (x == np.float32(1.0)).tolist() == [True, False]
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    assert len({x, x, st.tensor([1.0, 2.0])}) == 2


def test_comparison_of_an_array_with_a_tensor() -> None:
    array: Any = np.array([1.0, 2.0])
    found = array == st.tensor([1.0, 3.0])
    assert isinstance(found, Tensor)
    assert found.tolist() == [True, False]
    assert (array < st.tensor([2.0, 2.0])).tolist() == [True, False]


def test_arrays_and_tensors_mix_with_the_tensor_in_charge() -> None:
    x = st.tensor([1.0, 2.0], dtype=st.float64, requires_grad=True)
    array: Any = np.array([10.0, 20.0])
    for result in (array + x, x + array, array * x, x / array, array - x, array**x):
        assert isinstance(result, Tensor)
        assert result.requires_grad
    scaled: Any = np.float64(2.0) * x
    assert isinstance(scaled, Tensor)
    assert scaled.tolist() == [2.0, 4.0]
    with pytest.raises(TypeError):
        np.exp(x)  # pyright: ignore


def test_a_list_of_numbers_counts_as_pythons() -> None:
    x = st.tensor([1.0, 2.0])
    numbers: Any = [1.0, 2.0]
    assert (x * numbers).dtype == st.float32
    with pytest.raises(DTypeError, match=r"add\(float32\[2\], 'a'\): .*numbers, not on str"):
        x + "a"  # pyright: ignore
    with pytest.raises(DTypeError, match="not on NoneType"):
        x * None  # pyright: ignore


def test_to_numpy_and_back() -> None:
    x = st.tensor([[1, 2], [3, 4]], dtype=st.int16)
    assert np.asarray(x).dtype == np.int16
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert st.tensor(np.asarray(x)).dtype == st.int16
    assert st.tensor(np.ones((2, 3)).T).shape == (3, 2)
    assert np.mean(np.asarray(st.tensor([1.0, 3.0]))) == 2.0


def test_to_dlpack_and_back() -> None:
    x = st.tensor([[1.0, 2.0]], dtype=st.float64, requires_grad=True)
    array = np.from_dlpack(x)
    assert array.tolist() == [[1.0, 2.0]]
    back = st.from_dlpack(array)
    assert (back.dtype, back.tolist(), back.requires_grad) == (st.float64, [[1.0, 2.0]], False)
    assert x.__dlpack_device__() == (1, 0)
    assert st.tensor(x).tolist() == x.tolist()
    assert st.ones((1,)).__array_namespace__() is st


@pytest.mark.parametrize(
    "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy]
)
def test_copies_and_pickles(again: Callable[[Tensor], Tensor]) -> None:
    x = st.tensor([1.0, 2.0], dtype=st.float64, requires_grad=True)
    found = again(x)
    assert (found.tolist(), found.dtype, found.requires_grad) == ([1.0, 2.0], st.float64, True)
    st.sum(found * found).backward()
    assert found.grad is not None
    assert x.grad is None
    assert not again(x * 2.0).requires_grad, "what is copied is a value, not its past"


METHODS = ["sum", "mean", "max", "min", "argmax", "argmin"]


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_the_functions(name: str) -> None:
    x = st.tensor([[1.0, 5.0], [3.0, 2.0]])
    assert getattr(x, name)().tolist() == getattr(st, name)(x).tolist()
    assert getattr(x, name)(axis=0).tolist() == getattr(st, name)(x, axis=0).tolist()
    if not name.startswith("arg"):
        assert getattr(x, name)(axis=1, keepdims=True).shape == (2, 1)


def test_more_methods() -> None:
    x = st.tensor([[1.0, 5.0], [3.0, 2.0]])
    assert x.clip(2.0, 4.0).tolist() == [[2.0, 4.0], [3.0, 2.0]]
    assert (
        x.reshape(4).tolist() == x.reshape((4,)).tolist() == x.reshape(2, -1).reshape(-1).tolist()
    )
    assert x.T.tolist() == x.mT.tolist() == [[1.0, 3.0], [5.0, 2.0]]
    assert x.astype(st.int64).dtype == st.int64
    assert (x @ x).tolist() == (x.numpy() @ x.numpy()).tolist()


def test_a_leaf_from_a_value() -> None:
    x = st.ones((2,)).requires_grad_()
    assert x.requires_grad
    assert x.is_leaf
    with pytest.raises(DTypeError, match=r"only floating-point Tensors .*write 1\.0 instead of 1"):
        st.arange(2).requires_grad_()
