"""Modules: which cells they hold, under which names, and how they look."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError


class Scale(st.nn.Module):
    def __init__(self, value: float) -> None:
        self.factor = st.State(st.tensor(value))

    def forward(self, x: st.Tensor) -> st.Tensor:
        return x * self.factor.value


class Nest(st.nn.Module):
    def __init__(self) -> None:
        self.first = Scale(1.0)
        self.many = [Scale(2.0), Scale(3.0)]
        self.named_parts = {"left": Scale(4.0), "right": (Scale(5.0),)}
        self.count = st.State(np.zeros((), np.int64), trainable=False)
        self.again = self.first

    def forward(self, x: st.Tensor) -> st.Tensor:
        for part in (self.first, *self.many, self.named_parts["left"]):
            x = part(x)  # type: ignore[operator]
        return x


def test_states_are_named_by_the_attributes_that_lead_to_them() -> None:
    nest = Nest()
    assert list(nest.states()) == [
        "count",
        "first.factor",
        "many.0.factor",
        "many.1.factor",
        "named_parts.left.factor",
        "named_parts.right.0.factor",
    ]
    assert [cell.name for cell in nest.states().values()] == list(nest.states())


def test_parameters_are_the_trainable_states() -> None:
    assert "count" not in Nest().parameters()
    assert len(Nest().parameters()) == 5


def test_named_gives_each_module_once() -> None:
    names = [name for name, _ in Nest().named()]
    assert names == ["", "first", "many.0", "many.1", "named_parts.left", "named_parts.right.0"]


def test_a_shared_cell_is_one_parameter() -> None:
    nest = Nest()
    assert nest.again is nest.first
    assert sum("factor" in name for name in nest.states()) == 5


def test_a_cell_that_two_modules_hold_is_one_parameter() -> None:
    one, two = st.nn.Linear(2, 2, bias=False), st.nn.Linear(2, 2, bias=False)
    two.weight = one.weight
    model = st.nn.Sequential(one, st.nn.tanh, two)
    assert list(model.states()) == ["layers.0.weight"]
    assert model.summary().splitlines()[-1].split() == ["total", "4"]
    assert list(st.grad(lambda model: st.sum(model(st.ones((1, 2)))))(model)) == ["layers.0.weight"]


def test_astype_converts_floats_only_and_returns_the_module() -> None:
    nest = Nest()
    assert nest.astype(st.float64) is nest
    assert nest.dtype == st.float64
    assert nest.count.dtype == st.int64
    assert nest.first.factor.value.requires_grad


def test_astype_refuses_integers() -> None:
    with pytest.raises(DTypeError, match="floating-point"):
        Nest().astype(st.int32)


def test_summary_counts_every_parameter_once() -> None:
    model = st.nn.MLP(10, [20, 30], 3, dropout=0.1)
    lines = model.summary().splitlines()
    assert lines[-1].split() == ["total", f"{10 * 20 + 20 + 20 * 30 + 30 + 30 * 3 + 3}"]
    assert [line.split()[0] for line in lines[1:-1]] == [f"layers.{i}" for i in range(7)]
    assert "Dropout(rate=0.1)" in model.summary()
    assert "weight 20×10, bias 20" in model.summary()
    assert Scale(1.0).summary().splitlines()[1].split() == ["Scale()", "1", "factor", "1"]


def test_summary_of_nested_modules_is_in_order() -> None:
    model = st.nn.Sequential(
        st.nn.Linear(2, 4), st.nn.tanh, st.nn.Residual(st.nn.Sequential(st.nn.Linear(4, 4)))
    )
    names = [line.split()[0] for line in model.summary().splitlines()]
    assert names == ["layer", "layers.0", "layers.1", "layers.2.inner.layers.0", "total"]


def test_notebook_display_escapes() -> None:
    html: Any = st.nn.Sequential(st.nn.Linear(2, 1), lambda x: x)
    text = html._repr_html_()
    assert "<table>" in text
    assert "&lt;lambda&gt;" in text


def test_a_copy_has_cells_of_its_own() -> None:
    model = st.nn.Linear(2, 1)
    twin = copy.deepcopy(model)
    twin.weight.assign(np.zeros((1, 2)))
    assert float(np.abs(model.weight.value.data).sum()) > 0


def test_pickling_keeps_the_weights() -> None:
    model = st.nn.Linear(2, 1)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.weight.value.data, model.weight.value.data)
    assert again.weight.penalised
    assert not again.bias.penalised


def test_watching_sees_every_call_inner_first() -> None:
    model = st.nn.MLP(2, [3], 1, activation="tanh")
    with st.nn.watching() as calls:
        model(st.ones((5, 2)))
    kinds = [type(layer).__name__ for layer, _ in calls]
    assert kinds == ["Linear", "Activation", "Linear", "MLP"]


def test_training_mode_is_a_context() -> None:
    assert not st.nn.is_training()
    with st.nn.training():
        assert st.nn.is_training()
        with st.nn.evaluating():
            assert not st.nn.is_training()
        assert st.nn.is_training()
    assert not st.nn.is_training()
