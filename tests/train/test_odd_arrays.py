"""Arrays that NumPy makes, and no processor reads at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import steepest as st
from steepest.errors import DataError, ShapeError

Anything = Any  # arrays of any type

RNG = np.random.default_rng(0)
X = np.rint(RNG.normal(size=(23, 3)) * 9)
Y = X[:, 0] - 2 * X[:, 1]


def unaligned(array: Anything) -> Anything:
    memory = bytearray(array.nbytes + 1)
    view = np.ndarray(array.shape, array.dtype, buffer=memory, offset=1)
    view[...] = array
    assert not view.flags.aligned
    return view


def read_only(array: Anything) -> Anything:
    view = array.view()
    view.flags.writeable = False
    return view


KINDS: dict[str, Callable[[Anything], Anything]] = {
    "float32, unaligned": lambda array: unaligned(array.astype(np.float32)),
    "int32, unaligned": lambda array: unaligned(array.astype(np.int32)),
    "int16, big-endian": lambda array: array.astype(">i2"),
    "float32, big-endian": lambda array: array.astype(">f4"),
    "int64, big-endian and unaligned": lambda array: unaligned(array.astype(">i8")),
    "backwards": lambda array: np.ascontiguousarray(array[::-1])[::-1],
    "column after column": np.asfortranarray,
    "read-only": read_only,
    "every second": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
}


def absolute_error(prediction: st.Tensor, target: st.Tensor) -> st.Tensor:
    return st.abs(st.reshape(prediction, (-1,)) - target)


def trained(x: Anything, y: Anything, loss: Anything) -> tuple[list[float], Anything]:
    with st.random.stream(0):
        model = st.nn.MLP(3, [4], 1)
    trainer = st.Trainer(model, loss, st.optim.SGD(0.001))
    history = trainer.fit(x, y, epochs=2, batch_size=5, validation_data=(x, y))
    return [row["validation_loss"] for row in history.rows], trainer.predict(x)


@pytest.mark.parametrize("loss", ["half_squared_error", absolute_error])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_count_and_not_how_they_lie(kind: str, loss: Anything) -> None:
    losses, predictions = trained(KINDS[kind](X), KINDS[kind](Y), loss)
    expected, as_usual = trained(X, Y, loss)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(predictions, as_usual, rtol=1e-5, atol=1e-6)


def test_cells_and_tensors_are_in_the_order_of_bytes_of_this_machine() -> None:
    array = np.array([1.0, 2.0], ">f4")
    assert st.tensor(array).dtype == np.float32
    cell = st.State(array, trainable=False)
    assert st.jit(lambda x: x + cell.value)(st.tensor(array)).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("name", ["x", "y"])
def test_numbers_too_large_for_the_element_type_are_named(name: str) -> None:
    x, y = (X * 1e300, Y) if name == "x" else (X, Y * 1e300)
    with pytest.raises(DataError, match=rf"{name} holds numbers up to .*e\+30.*float32 can hold"):
        trained(x, y, "half_squared_error")


def test_what_float64_can_hold_is_no_mistake_in_float64() -> None:
    model = st.nn.Linear(3, 1).astype(st.float64)
    assert np.isfinite(st.predict(model, X * 1e290)).all()


class Both(NamedTuple):
    left: Anything
    right: Anything


class Difference(st.nn.Module):
    def __init__(self) -> None:
        self.linear = st.nn.Linear(3, 1, bias=False)

    def forward(self, x: Both) -> st.Tensor:
        return self.linear(x.left - x.right)


def test_a_named_tuple_reaches_the_model_as_one() -> None:
    both, model = Both(X, X * 0.5), Difference()
    trainer = st.Trainer(model, "half_squared_error", "sgd")
    trainer.fit(both, Y, epochs=1, batch_size=10, validation_data=(both, Y))
    expected = (X * 0.5).astype(np.float32) @ model.linear.weight.value.numpy().T
    np.testing.assert_allclose(trainer.predict(both), expected, rtol=1e-5, atol=1e-5)


class Numeric(st.nn.Module):
    def __init__(self) -> None:
        self.linear = st.nn.Linear(3, 1)

    def forward(self, x: dict[str, st.Tensor]) -> st.Tensor:
        return self.linear(x["numeric"])


NUMERIK = {"numerik": X}
USES: dict[str, Callable[[st.Trainer], object]] = {
    "predict": lambda trainer: trainer.predict(NUMERIK),
    "fit": lambda trainer: trainer.fit(NUMERIK, Y, epochs=1, batch_size=10),
}


@pytest.mark.parametrize("use", USES)
def test_a_table_that_the_model_asks_for_is_named(use: str) -> None:
    trainer = st.Trainer(Numeric(), "half_squared_error", "sgd")
    with pytest.raises(DataError, match=r"asks for x\['numeric'\].*did you mean 'numerik'"):
        USES[use](trainer)


def test_rows_are_shown_as_they_were_given_and_not_as_blocks() -> None:
    with pytest.raises(ShapeError, match=r"float32\[23, 2\]"):
        st.predict(st.nn.Linear(3, 1), X[:, :2])
