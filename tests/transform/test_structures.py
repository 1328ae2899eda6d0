"""Derivatives and batches over nested dicts and lists, and over modules with cells."""

from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ShapeError, TraceError
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import flatten


class Line:
    """The smallest module: something with cells."""

    def __init__(self) -> None:
        self.weight = st.State(st.tensor([2.0, 3.0]), name="weight")
        self.count = st.State(st.tensor(0), trainable=False, name="count")

    def states(self) -> dict[str, st.State]:
        return {"weight": self.weight, "count": self.count}

    def __call__(self, x: Tensor) -> Tensor:
        self.count.assign(self.count.value + 1)
        return st.sum(self.weight.value * x)


def nested(parameters: dict[str, Any]) -> Tensor:
    w, (a, b) = parameters["w"], parameters["rest"]
    return st.sum(w * w) + a * 3.0 + st.sum(b["deep"] ** 3)


PARAMETERS = {
    "w": st.tensor([1.0, 2.0]),
    "rest": [st.tensor(4.0), {"deep": st.tensor([[1.0, 2.0]])}],
}


def test_gradients_have_the_structure_of_the_argument() -> None:
    found = st.grad(nested)(PARAMETERS)
    assert found["w"].tolist() == [2.0, 4.0]
    assert isinstance(found["rest"], list)
    assert found["rest"][0].item() == 3.0
    assert found["rest"][1]["deep"].tolist() == [[3.0, 12.0]]


def test_products_with_structures() -> None:
    tangent = {"w": [1.0, 0.0], "rest": [1.0, {"deep": [[0.0, 1.0]]}]}
    tangent = {
        "w": st.tensor([1.0, 0.0]),
        "rest": [st.tensor(1.0), {"deep": st.tensor([[0.0, 1.0]])}],
    }
    value, along = st.jvp(nested, [PARAMETERS], [tangent])
    assert value.item() == nested(PARAMETERS).item()
    assert along.item() == 2.0 + 3.0 + 12.0
    _, pullback = st.vjp(nested, PARAMETERS)
    assert pullback(st.tensor(2.0))[0]["w"].tolist() == [4.0, 8.0]
    product = st.hvp(nested, [PARAMETERS], [tangent])
    assert product["w"].tolist() == [2.0, 0.0]
    assert product["rest"][1]["deep"].tolist() == [[0.0, 12.0]]


def test_results_with_structure() -> None:
    def f(x: Tensor) -> dict[str, Any]:
        return {"a": x * 2.0, "b": (st.sum(x), [x[0]])}

    x = st.tensor([1.0, 2.0])
    value, along = st.jvp(f, [x], [st.tensor([1.0, 10.0])])
    assert value["b"][1][0].item() == 1.0
    assert along["a"].tolist() == [2.0, 20.0]
    assert isinstance(along["b"], tuple)
    assert along["b"][0].item() == 11.0
    jacobian = st.jacobian(f)(x)
    assert jacobian["a"].tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert jacobian["b"][0].tolist() == [1.0, 1.0]
    assert jacobian["b"][1][0].tolist() == [1.0, 0.0]
    batch = st.vmap(f)(st.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert batch["b"][0].tolist() == [3.0, 7.0]
    cotangent = {"a": st.zeros((2,)), "b": (st.tensor(1.0), [st.tensor(5.0)])}
    assert st.vjp(f, x)[1](cotangent)[0].tolist() == [6.0, 1.0]


def test_the_jacobian_by_a_structure() -> None:
    found = st.jacobian(lambda p: p["a"] * p["b"])(
        {"a": st.tensor([1.0, 2.0]), "b": st.tensor(3.0)}
    )
    assert found["a"].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert found["b"].tolist() == [1.0, 2.0]


def test_the_hessian_by_a_structure() -> None:
    found = st.hessian(lambda p: st.sum(p["a"] ** 2) * p["b"])(
        {"a": st.tensor([1.0, 2.0]), "b": st.tensor(3.0)}
    )
    assert found["a"]["a"].tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert found["a"]["b"].tolist() == [2.0, 4.0]
    assert found["b"]["a"].tolist() == [2.0, 4.0]
    assert found["b"]["b"].tolist() == 0.0


def test_the_gradient_by_a_module_is_a_dict_of_its_trainable_cells() -> None:
    model, x = Line(), st.tensor([1.0, 10.0])
    value, found = st.value_and_grad(lambda model, x: model(x) ** 2, 0)(model, x)
    assert value.item() == 32.0**2
    assert {name: each.tolist() for name, each in found.items()} == {"weight": [64.0, 640.0]}
    assert model.weight.value.tolist() == [2.0, 3.0]
    assert model.count.value.item() == 1, "cells that are not differentiated by change as ever"
    assert st.grad(lambda model: model(x))(model)["weight"].tolist() == [1.0, 10.0]


def test_second_derivatives_by_a_module() -> None:
    model, x = Line(), st.tensor([1.0, 10.0])
    product = st.hvp(lambda model: model(x) ** 2, [model], [{"weight": st.tensor([1.0, 0.0])}])
    assert product["weight"].tolist() == [2.0, 20.0]
    hessian = st.hessian(lambda model: model(x) ** 2)(model)
    assert hessian["weight"]["weight"].tolist() == [[2.0, 20.0], [20.0, 200.0]]


def test_gradients_for_each_example_by_a_module() -> None:
    model = Line()
    model.count = st.State(st.tensor(0), trainable=False)
    xs = st.tensor([[1.0, 10.0], [2.0, 20.0], [0.0, 1.0]])
    weight = model.weight
    each = st.vmap(lambda x: st.grad(lambda w: st.sum(w * x) ** 2)(weight.value))(xs)
    expected = [2 * (2 * a + 3 * b) * np.array([a, b]) for a, b in xs.tolist()]
    np.testing.assert_allclose(each.numpy(), expected, rtol=1e-6)


def test_names_say_where_a_leaf_is() -> None:
    assert flatten([PARAMETERS]).names == ("0.w", "0.rest.0", "0.rest.1.deep")
    flat = flatten(PARAMETERS)
    again = flat.call(flat.leaves)
    assert again["w"] is PARAMETERS["w"]
    assert flatten({}).leaves == ()


def test_what_cannot_be_taken_apart_is_named() -> None:
    with pytest.raises(TraceError, match=r"0\.a\.1 is of type str; it should be a Tensor"):
        st.grad(lambda p: p)({"a": [1.0, "text"]})
    with pytest.raises(TraceError, match=r"^the result is of type NoneType"):
        st.grad(lambda x: None)(1.0)
    with pytest.raises(TraceError, match=r"^the result a\.1 is of type str"):
        st.trace(lambda x: {"a": [x, "text"]})(1.0)
    with pytest.raises(TraceError, match=r"^argument 1 is of type str"):
        st.jit(lambda x, kind: x)(1.0, "text")
    with pytest.raises(ShapeError, match="the cotangent has parts"):
        st.vjp(lambda x: {"a": x}, st.tensor(1.0))[1]({"b": st.tensor(1.0)})
