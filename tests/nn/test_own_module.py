"""A module of one's own: what is a parameter, and what is said to who takes a cell for a Tensor."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, DTypeError


class Lost(st.nn.Module):
    def __init__(self) -> None:
        self.scales = [st.ones((3,)), st.tensor([1.0], requires_grad=True)]

    def forward(self, x: st.Tensor) -> st.Tensor:
        return x * self.scales[0]


class Remembering(st.nn.Module):
    def __init__(self) -> None:
        self.linear = st.nn.Linear(2, 1)
        self.last: Any = None

    def forward(self, x: st.Tensor) -> st.Tensor:
        self.last = self.linear(x)
        return self.last


def test_a_tensor_that_nothing_would_train_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"Lost: self.scales.1 .* self.scales.1 = st.State"
    ):
        st.nn.Sequential(st.nn.Linear(3, 3), Lost()).parameters()


def test_a_result_that_forward_keeps_is_no_parameter() -> None:
    model = Remembering()
    st.sum(model(st.ones((1, 2)))).backward()
    assert list(model.states()) == ["linear.weight", "linear.bias"]
    x = np.ones((4, 2))
    st.Trainer(model, "squared_error", "sgd").fit(x, x[:, 0], epochs=1, batch_size=2)
    assert list(model.states()) == ["linear.weight", "linear.bias"]


STATE: Any = st.State(st.ones((3,)), name="scale")
MISTAKES: list[Callable[[], object]] = [
    lambda: st.ones((3,)) * STATE,
    lambda: STATE * st.ones((3,)),
    lambda: np.ones(3) + STATE,
    lambda: STATE + 1,
    lambda: 1 - STATE,
    lambda: -STATE,
    lambda: STATE[0],
    lambda: np.asarray(STATE),
    lambda: st.tensor(STATE),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_cell_taken_for_a_tensor(mistake: Callable[[], object]) -> None:
    with pytest.raises(DTypeError, match=r"<state scale: .* is a cell and no Tensor; write .value"):
        mistake()


@pytest.mark.parametrize("name", ["grad", "numpy", "item", "detach"])
def test_what_a_tensor_has_is_found_at_the_value(name: str) -> None:
    with pytest.raises(AttributeError, match=f"write .value.{name}"):
        getattr(STATE, name)


def test_a_module_without_forward() -> None:
    class Empty(st.nn.Module):
        pass

    with pytest.raises(ConfigurationError, match="Empty has no forward; write def forward"):
        Empty()(st.ones((1,)))


def test_sequential_takes_layers() -> None:
    anything: Any = st.nn.Sequential
    with pytest.raises(ConfigurationError, match=r"Sequential\(\*layers\)"):
        anything([st.nn.Linear(2, 2), st.nn.tanh])
    with pytest.raises(ConfigurationError, match="layer 1 is the class Linear"):
        anything(st.nn.tanh, st.nn.Linear)
    with pytest.raises(ConfigurationError, match="layer 0 is 'relu', which is no layer"):
        anything("relu")


def test_one_hidden_layer_may_be_a_number() -> None:
    assert st.nn.MLP(10, 8, 2).summary() == st.nn.MLP(10, [8], 2).summary()
