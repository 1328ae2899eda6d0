"""Ops that move elements, and joins, against NumPy, over many shapes; and their refusals."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra import numpy as arrays_of

import steepest as st
from kit.draw import generator
from kit.judge import check_batch, check_pullback, check_second_pullback, check_type
from steepest.errors import DTypeError, ShapeError, SteepestError
from steepest.ir.op import OPS, Case, Sample
from steepest.ir.types import float64

SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def counted(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape)


def check(name: str, case: Case) -> None:
    """All that the table of ops asks, for a call that hypothesis has made up."""
    check_type(OPS[name], case, generator(), float64)
    check_pullback(OPS[name], case, generator())
    check_second_pullback(OPS[name], case, generator())
    check_batch(OPS[name], case, generator(), 2)


# ------------------------------------------------------------- the table's checks at any shape


@given(some.data(), SHAPES)
def test_broadcasts(data: some.DataObject, shape: tuple[int, ...]) -> None:
    wide = tuple(data.draw(some.integers(0, 3)) if n == 1 else n for n in shape)
    new = tuple(data.draw(some.lists(some.integers(0, 2), max_size=2)))
    check("broadcast_to", Case((Sample(shape),), {"shape": (*new, *wide)}))


@given(some.data(), SHAPES)
def test_reshapes(data: some.DataObject, shape: tuple[int, ...]) -> None:
    factors = [f for n in shape for f in ((2, 1) if n == 2 else (n,))]
    other = tuple(data.draw(some.permutations(factors)))
    check("reshape", Case((Sample(shape),), {"shape": other}))


@given(some.data(), SHAPES)
def test_permutations(data: some.DataObject, shape: tuple[int, ...]) -> None:
    axes = tuple(data.draw(some.permutations(range(len(shape)))))
    check("permute_dims", Case((Sample(shape),), {"axes": axes}))


@given(some.data(), SHAPES)
def test_cuts_and_places(data: some.DataObject, shape: tuple[int, ...]) -> None:
    parts = tuple(data.draw(some.slices(n)).indices(n) for n in shape)
    check("cut", Case((Sample(shape),), {"cut": parts}))
    inside = tuple(len(range(*part)) for part in parts)
    check("place", Case((Sample(inside),), {"shape": shape, "cut": parts}))


@given(some.data(), SHAPES.filter(bool), some.integers(1, 3))
def test_concatenations(data: some.DataObject, shape: tuple[int, ...], count: int) -> None:
    axis = data.draw(some.integers(0, len(shape) - 1))
    extents = [data.draw(some.integers(0, 3)) for _ in range(count)]
    samples = tuple(Sample((*shape[:axis], n, *shape[axis + 1 :])) for n in extents)
    check("concat", Case(samples, {"axis": axis}))


@given(some.data(), SHAPES.filter(lambda shape: len(shape) > 0 and 0 not in shape))
def test_takes_and_scatters(data: some.DataObject, shape: tuple[int, ...]) -> None:
    axis = data.draw(some.integers(0, len(shape) - 1))
    positions = data.draw(arrays_of.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2))
    choices = tuple(float(i) for i in range(shape[axis]))
    where = Sample(positions, dtype="int64", choices=choices)
    check("take", Case((Sample(shape), where), {"axis": axis}))
    updates = Sample((*shape[:axis], *positions, *shape[axis + 1 :]))
    check("scatter_add", Case((updates, where), {"axis": axis, "size": shape[axis]}))


@given(some.data(), SHAPES.filter(bool))
def test_running_sums(data: some.DataObject, shape: tuple[int, ...]) -> None:
    axis = data.draw(some.integers(0, len(shape) - 1))
    check("cumulative_sum", Case((Sample(shape),), {"axis": axis}))


ANY_SHAPE = [
    pytest.param(op.name, case, id=op.name)
    for op in OPS.values()
    for case in op.cases
    if case.any_shape
]


@pytest.mark.parametrize(("name", "case"), ANY_SHAPE)
def test_elementwise_ops_at_any_shape(name: str, case: Case) -> None:
    @given(SHAPES)
    def holds(shape: tuple[int, ...]) -> None:
        op = OPS[name]
        check_type(op, case, generator(), float64, shape)
        if callable(op.pullback):
            check_pullback(op, case, generator(), shape)
        check_batch(op, case, generator(), 2, float64, shape)

    from hypothesis import settings

    settings(max_examples=8)(holds)()


# ------------------------------------------------------------------ the functions against NumPy


CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape -1": (lambda x: st.reshape(x, (4, -1)), lambda x: x.reshape(4, -1)),
    "reshape flat": (lambda x: st.reshape(x, -1), lambda x: x.reshape(-1)),
    "reshape method": (lambda x: x.reshape(6, 4), lambda x: x.reshape(6, 4)),
    "reshape tuple": (lambda x: x.reshape((6, 4)), lambda x: x.reshape(6, 4)),
    "permute": (lambda x: st.permute_dims(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "permute negative": (lambda x: st.permute_dims(x, (-1, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "transpose": (st.matrix_transpose, lambda x: x.swapaxes(-1, -2)),
    "mT": (lambda x: x.mT, lambda x: x.swapaxes(-1, -2)),
    "T": (lambda x: x[0].T, lambda x: x[0].T),
    "expand first": (lambda x: st.expand_dims(x, axis=0), lambda x: np.expand_dims(x, 0)),
    "expand last": (lambda x: st.expand_dims(x, axis=-1), lambda x: np.expand_dims(x, -1)),
    "expand second": (lambda x: st.expand_dims(x, axis=-3), lambda x: np.expand_dims(x, -3)),
    "squeeze": (
        lambda x: st.squeeze(x[:, :1, :1], (1, -1)),
        lambda x: np.squeeze(x[:, :1, :1], (1, -1)),
    ),
    "moveaxis": (lambda x: st.moveaxis(x, 0, 2), lambda x: np.moveaxis(x, 0, 2)),
    "moveaxis back": (lambda x: st.moveaxis(x, -1, 0), lambda x: np.moveaxis(x, -1, 0)),
    "flip all": (st.flip, np.flip),
    "flip one": (lambda x: st.flip(x, axis=-1), lambda x: np.flip(x, -1)),
    "flip two": (lambda x: st.flip(x, axis=(0, 2)), lambda x: np.flip(x, (0, 2))),
    "pad": (
        lambda x: st.pad(x, [(1, 0), (0, 2), (0, 0)]),
        lambda x: np.pad(x, [(1, 0), (0, 2), (0, 0)]),
    ),
    "pad value": (
        lambda x: st.pad(x, [(1, 1)] * 3, value=7.0),
        lambda x: np.pad(x, 1, constant_values=7.0),
    ),
    "roll": (lambda x: st.roll(x, 1, axis=2), lambda x: np.roll(x, 1, 2)),
    "roll back": (lambda x: st.roll(x, -5, axis=1), lambda x: np.roll(x, -5, 1)),
    "roll none": (lambda x: st.roll(x, 4, axis=2), lambda x: x),
    "repeat": (lambda x: st.repeat(x, 3, axis=1), lambda x: np.repeat(x, 3, 1)),
    "repeat never": (lambda x: st.repeat(x, 0, axis=0), lambda x: np.repeat(x, 0, 0)),
    "tile": (lambda x: st.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    "tile fewer": (lambda x: st.tile(x, (2,)), lambda x: np.tile(x, (2,))),
    "tile more": (lambda x: st.tile(x, (2, 1, 1, 2)), lambda x: np.tile(x, (2, 1, 1, 2))),
    "concat": (lambda x: st.concat([x, x + 1.0], axis=-1), lambda x: np.concatenate([x, x + 1], 2)),
    "concat flat": (
        lambda x: st.concat([x, x[0]], axis=None),
        lambda x: np.concatenate([x, x[0]], None),
    ),
    "stack": (lambda x: st.stack([x, -x], axis=1), lambda x: np.stack([x, -x], 1)),
    "stack last": (lambda x: st.stack([x, -x], axis=-1), lambda x: np.stack([x, -x], -1)),
    "unstack": (lambda x: st.unstack(x, axis=1)[2], lambda x: np.unstack(x, axis=1)[2]),
    "broadcast": (
        lambda x: st.broadcast_arrays(x, x[:, :1, :])[1],
        lambda x: np.broadcast_arrays(x, x[:, :1, :])[1],
    ),
    "astype": (lambda x: st.astype(x - 11.5, st.int32), lambda x: (x - 11.5).astype(np.int32)),
    "tril": (lambda x: st.tril(x, k=-1), lambda x: np.tril(x, -1)),
    "triu": (lambda x: st.triu(x, k=1), lambda x: np.triu(x, 1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_numpys(name: str) -> None:
    ours, numpys = CALLS[name]
    x = counted((2, 3, 4))
    found, expected = ours(st.tensor(x)), numpys(x)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", [n for n in CALLS if n != "astype"])
def test_calls_are_linear(name: str) -> None:
    """J v by jvp is f(v) − f(0), whatever is moved where."""
    ours, _ = CALLS[name]
    x, v = counted((2, 3, 4)), generator().normal(size=(2, 3, 4))
    value, found = st.jvp(ours, [st.tensor(x)], [st.tensor(v)])
    expected = ours(st.tensor(x + v)).numpy() - value.numpy()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


X = st.ones((2, 3))
REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "reshape": (lambda: st.reshape(X, (4, 2)), "6 elements do not fit shape"),
    "reshape -1": (lambda: st.reshape(X, (4, -1)), "6 elements do not fit"),
    "reshape twice": (lambda: st.reshape(X, (-1, -1)), "6 elements do not fit"),
    "reshape nothing": (lambda: st.reshape(st.zeros((0, 2)), (-1, 0)), "0 elements do not fit"),
    "permute": (lambda: st.permute_dims(X, (0, 0)), "not a permutation"),
    "permute fewer": (lambda: st.permute_dims(X, (0,)), "not a permutation"),
    "expand": (lambda: st.expand_dims(X, axis=4), "no axis 4"),
    "squeeze": (lambda: st.squeeze(X, 0), "axis 0 has extent 2, not 1"),
    "moveaxis": (lambda: st.moveaxis(X, 0, 2), "no axis 2"),
    "transpose": (lambda: st.matrix_transpose(st.ones((2,))), "at least two axes"),
    "flip": (lambda: st.flip(X, axis=2), "no axis 2"),
    "pad": (lambda: st.pad(X, [(1, 1)]), "a pair of numbers"),
    "pad negative": (lambda: st.pad(X, [(-1, 0), (0, 0)]), "a pair of numbers"),
    "roll": (lambda: st.roll(X, 1, axis=2), "no axis 2"),
    "repeat": (lambda: st.repeat(X, -1), "negative"),
    "tile": (lambda: st.tile(X, (-1, 1)), "negative"),
    "concat": (lambda: st.concat([X, st.ones((2, 2))]), "differ off axis 0"),
    "concat ranks": (lambda: st.concat([X, st.ones((2,))]), "differ off axis 0"),
    "concat axis": (lambda: st.concat([X, X], axis=2), "no axis 2"),
    "concat number": (lambda: st.concat([st.tensor(1.0)]), "no axis 0"),
    "concat nothing": (lambda: st.concat([]), "nothing to join"),
    "stack": (lambda: st.stack([X, st.ones((2,))]), "differ off axis 0"),
    "stack nothing": (lambda: st.stack([]), "nothing to join"),
    "broadcast": (lambda: st.broadcast_to(X, shape=(2, 2)), "do not broadcast|does not stretch"),
    "broadcast back": (lambda: st.broadcast_to(X, shape=(3,)), "does not stretch"),
    "broadcast arrays": (lambda: st.broadcast_arrays(X, st.ones((2,))), "do not broadcast"),
    "astype": (lambda: st.astype(X, "complex64"), "no element type 'complex64'"),
    "T": (lambda: st.ones((2,)).T, "2 axes"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_what_was_wrong(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(SteepestError) as caught:
        call()
    said, _, line = str(caught.value).partition("\n")  # the line quoted holds the message as well
    assert re.search(message, said)
    assert name == "T" or re.match(r"\w+\(", said), "which function"
    assert name == "T" or "at line" in line, "where"


def test_casts_between_all_kinds() -> None:
    x = st.tensor([0.0, 1.7, -2.3])
    assert st.astype(x, st.int64).tolist() == [0, 1, -2]
    assert st.astype(x, bool).tolist() == [False, True, True]
    assert st.astype(x, "float64").dtype == st.float64
    assert st.astype(x, st.float32) is x
    assert st.grad(lambda x: st.sum(st.astype(x, st.float64) * 2.0))(x).dtype == st.float32
    assert st.grad(lambda x: st.sum(st.astype(st.astype(x, st.int64), st.float32)))(x).tolist() == [
        0.0,
        0.0,
        0.0,
    ]


def test_a_broadcast_of_a_wrong_rank_is_refused() -> None:
    with pytest.raises(ShapeError):
        st.broadcast_to(st.ones((2, 3)), shape=(3,))


def test_what_is_joined() -> None:
    x = st.tensor([1.0, 2.0])
    assert st.stack([st.tensor(1.0), 2.0]).tolist() == [1.0, 2.0]  # pyright: ignore
    assert st.concat([x, np.array([3.0])]).tolist() == [1.0, 2.0, 3.0]  # pyright: ignore
    assert st.concat([x, st.tensor([3])]).dtype == st.float32
    for join in (st.concat, st.stack):
        with pytest.raises(DTypeError, match=rf"{join.__name__}\(\): it joins Tensors, not float"):
            join([1.0, 2.0])  # pyright: ignore


def test_movements_of_nothing() -> None:
    nothing = st.zeros((0, 2))
    assert st.roll(nothing, 1).shape == (0, 2)
    assert st.roll(nothing, 1, axis=1).shape == (0, 2)
    assert st.flip(nothing).shape == (0, 2)
    assert st.repeat(nothing, 2).shape == (0, 2)
    assert st.tile(nothing, (2, 2)).shape == (0, 4)
    assert st.pad(nothing, [(1, 0), (0, 0)]).tolist() == [[0.0, 0.0]]
    assert st.concat([nothing, st.ones((1, 2))]).tolist() == [[1.0, 1.0]]
    assert st.unstack(nothing) == ()
    assert len(st.unstack(nothing, axis=1)) == 2
