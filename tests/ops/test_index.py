"""Indexing, take and its transpose, sorting and replacing, each against NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra import numpy as arrays_of

import steepest as st
from kit.draw import generator
from steepest.errors import DTypeError, ShapeError

SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def counted(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape)


@given(some.data(), SHAPES)
def test_slices_integers_ellipsis_and_new_axes(data: some.DataObject, shape: Any) -> None:
    x = counted(shape)
    key = data.draw(arrays_of.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    expected = x[key]
    found = st.tensor(x)[key]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)


@some.composite
def keys_with_arrays(draw: some.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A key of which at least one part is an array of integers; arrays broadcast."""
    common = draw(arrays_of.array_shapes(min_dims=0, max_dims=2, max_side=3))
    count = draw(some.integers(1, len(shape)))
    key: list[Any] = []
    for extent in shape[:count]:
        kind = draw(some.sampled_from(["slice", "array", "array", "integer"]))
        positions = some.integers(-extent, extent - 1)
        if kind == "slice":
            key.append(draw(some.slices(extent)))
        elif kind == "integer":
            key.append(draw(positions))
        else:
            dropped = draw(some.integers(0, len(common)))
            own = tuple(draw(some.sampled_from([1, n])) if n else n for n in common[dropped:])
            key.append(draw(arrays_of.arrays(np.int64, own, elements=positions)))
    if draw(some.booleans()):
        key.insert(draw(some.integers(0, len(key))), None)
    if draw(some.booleans()):
        key.append(Ellipsis)
    return tuple(key)


@given(some.data(), arrays_of.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_arrays_of_integers(data: some.DataObject, shape: Any) -> None:
    x = counted(shape)
    key = data.draw(keys_with_arrays(shape))
    expected = x[key]
    found = st.tensor(x)[tuple(st.tensor(k) if isinstance(k, np.ndarray) else k for k in key)]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [1, 2]),
        ([0, 1], slice(None), 2),
        (0, [1, 2]),
        (slice(None), 0, [1, 2]),
        ([0, 1], None, [1, 2]),
        (slice(None), [0, 1], None, [1, 2]),
        (slice(None), 1, None, [1, 2]),
        (slice(None), [0, 1], [1, 2]),
        ([0, 1], slice(None), [1, 2]),
        ([[0], [1]], slice(None), [1, 2]),
        ([1, 0],),
        (..., [1, 0]),
        (np.int64(1), np.array([0, 2], np.int8)),
    ],
    ids=str,
)
def test_where_the_axes_of_arrays_go(key: Any) -> None:
    x = counted((2, 3, 4))
    found = st.tensor(x)[key]
    assert found.shape == x[key].shape
    np.testing.assert_array_equal(found.numpy(), x[key])


def test_the_gradient_of_indexing_counts_how_often_an_element_is_read() -> None:
    x = st.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    st.sum(x[[0, 0, -1]] * st.tensor([1.0, 10.0, 100.0])).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [11.0, 0.0, 0.0, 100.0]
    assert st.grad(lambda x: st.sum(x[::-2] * 2.0))(x).tolist() == [0.0, 2.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("key", "kind", "message"),
    [
        (5, ShapeError, "position 5 is outside of axis 0 of extent 2"),
        ((0, -4), ShapeError, "position -4 is outside of axis 1 of extent 3"),
        ([5], ShapeError, "position 5 is outside of an axis of extent 2"),
        ([-3], ShapeError, "position -3 is outside of an axis of extent 2"),
        (([0], [5]), ShapeError, "position 5 is outside of an axis of extent 3"),
        ((0, 0, 0), ShapeError, "3 indices for 2 axes"),
        ((..., ...), ShapeError, "only one"),
        (1.5, DTypeError, "positions are integers"),
        ("a", DTypeError, "positions are integers"),
        (True, DTypeError, "use where"),
        ([True, False], DTypeError, "depends on the values"),
    ],
    ids=str,
)
def test_positions_that_do_not_exist(key: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        st.ones((2, 3))[key]


@given(some.data(), arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
def test_take(data: some.DataObject, shape: tuple[int, ...]) -> None:
    x = counted(shape)
    axis = data.draw(some.integers(-len(shape), len(shape) - 1))
    extent = shape[axis]
    positions = data.draw(
        arrays_of.arrays(
            some.sampled_from([np.int64, np.int32, np.int8]),
            arrays_of.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
            elements=some.integers(-extent, extent - 1),
        )
    )
    found = st.take(st.tensor(x), st.tensor(positions), axis=axis)
    np.testing.assert_array_equal(found.numpy(), np.take(x, positions, axis))


def test_take_of_small_positions_in_a_long_axis() -> None:
    x = st.arange(1000)
    assert st.take(x, st.tensor([-1, 5], dtype=st.int8)).tolist() == [999, 5]
    assert st.take(x, st.tensor([200], dtype=st.uint8)).tolist() == [200]
    assert st.take(x, [3, -3]).tolist() == [3, 997]  # pyright: ignore[reportArgumentType]


def test_take_needs_to_know_where() -> None:
    with pytest.raises(ShapeError, match="say along which axis"):
        st.take(st.ones((2, 2)), st.tensor([0]))
    with pytest.raises(ShapeError, match=r"position -5 is outside of an axis of extent 3"):
        st.take(st.ones((3,)), st.tensor([-5]))
    with pytest.raises(DTypeError, match="positions are integers, not float32"):
        st.take(st.ones((3,)), st.tensor([1.0]))


@given(some.data(), arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
def test_take_along_axis(data: some.DataObject, shape: tuple[int, ...]) -> None:
    x = counted(shape)
    axis = data.draw(some.integers(-len(shape), len(shape) - 1))
    extent = shape[axis]
    own = [data.draw(some.sampled_from([1, n])) for n in shape]
    own[axis] = data.draw(some.integers(0, 4))
    positions = data.draw(
        arrays_of.arrays(np.int64, tuple(own), elements=some.integers(-extent, extent - 1))
    )
    found = st.take_along_axis(st.tensor(x), st.tensor(positions), axis=axis)
    np.testing.assert_array_equal(found.numpy(), np.take_along_axis(x, positions, axis))


def test_one_element_along_an_axis_is_one_op_and_its_gradient_adds_nothing_up() -> None:
    def loss(x: st.Tensor, labels: st.Tensor) -> st.Tensor:
        return st.sum(st.take_along_axis(x, labels, axis=1))

    x, labels = st.tensor(counted((4, 3))), st.tensor([[2], [0], [-1], [0]])
    np.testing.assert_array_equal(
        st.grad(loss)(x, labels).numpy(), np.eye(3)[[2, 0, 2, 0]], strict=True
    )
    recorded = str(st.trace(st.grad(loss))(x, labels))
    assert "pick(" not in recorded  # the gradient does not need the value
    assert "scatter_add" not in recorded
    assert "take(" not in recorded
    assert str(st.trace(loss)(x, labels)).count("pick(") == 1


def test_take_along_axis_refuses() -> None:
    x = st.ones((2, 3))
    with pytest.raises(ShapeError, match="position 7 is outside of an axis of extent 3"):
        st.take_along_axis(x, st.tensor([[7]]), axis=1)
    with pytest.raises(ShapeError, match="equally many axes"):
        st.take_along_axis(x, st.tensor([1]), axis=1)
    with pytest.raises(ShapeError, match="broadcast"):
        st.take_along_axis(x, st.zeros((3, 1), dtype=st.int64), axis=1)


@given(
    arrays_of.arrays(np.float64, SHAPES.filter(bool), elements=some.integers(-3, 3)), some.data()
)
def test_sort_and_argsort_are_stable_in_both_directions(x: Any, data: some.DataObject) -> None:
    axis = data.draw(some.integers(-x.ndim, x.ndim - 1))
    tensor = st.tensor(x)
    np.testing.assert_array_equal(st.sort(tensor, axis=axis).numpy(), np.sort(x, axis))
    np.testing.assert_array_equal(
        st.argsort(tensor, axis=axis).numpy(), np.argsort(x, axis, stable=True)
    )
    np.testing.assert_array_equal(
        st.argsort(tensor, axis=axis, descending=True).numpy(), np.argsort(-x, axis, stable=True)
    )
    np.testing.assert_array_equal(
        st.sort(tensor, axis=axis, descending=True).numpy(), -np.sort(-x, axis)
    )


def test_the_gradient_of_sort_goes_back_where_each_came_from() -> None:
    x = st.tensor([3.0, 1.0, 2.0])
    weights = st.tensor([1.0, 10.0, 100.0])
    assert st.grad(lambda x: st.sum(st.sort(x) * weights))(x).tolist() == [100.0, 1.0, 10.0]
    assert st.grad(lambda x: st.sum(st.sort(x, descending=True) * weights))(x).tolist() == [
        1.0,
        100.0,
        10.0,
    ]


def test_at_replaces_a_part() -> None:
    x = counted((3, 4))
    for key in [1, (slice(None), 2), (0, slice(1, 3)), ..., (slice(None, None, -1), [0, 3])]:
        expected = x.copy()
        expected[key] = -1.0
        found = st.tensor(x).at(key, -1.0)
        np.testing.assert_array_equal(found.numpy(), expected)
        assert found.dtype == st.float64
    rows = st.tensor(x).at((slice(None), 1), st.tensor([7.0, 8.0, 9.0]))
    assert rows[:, 1].tolist() == [7.0, 8.0, 9.0]
    assert st.tensor(x).at(st.tensor([0, 2]), 0.0).tolist()[2] == [0.0] * 4
    assert st.arange(3).at(1, 9).tolist() == [0, 9, 2]


def test_the_gradient_of_at_splits() -> None:
    def f(x: st.Tensor, y: st.Tensor) -> st.Tensor:
        return st.sum(x.at(slice(1, 3), y) * st.tensor([1.0, 2.0, 3.0, 4.0]))

    by_x, by_y = st.grad(f, (0, 1))(st.ones((4,)), st.ones((2,)))
    assert by_x.tolist() == [1.0, 0.0, 0.0, 4.0]
    assert by_y.tolist() == [2.0, 3.0]


def test_scatter_add_is_the_transpose_of_take() -> None:
    """⟨take(x), y⟩ = ⟨x, scatter_add(y)⟩."""
    random = generator()
    x, y = random.normal(size=(5, 3)), random.normal(size=(7, 3))
    positions = random.integers(0, 5, 7)
    by_numpy = np.zeros_like(x)
    for row, position in zip(y, positions, strict=True):
        by_numpy[position] += row
    pulled = st.vjp(lambda x: st.take(x, positions, axis=0), st.tensor(x))[1](st.tensor(y))[0]
    np.testing.assert_allclose(pulled.numpy(), by_numpy, rtol=1e-14)
