"""Transformations of transformations, in any order; nothing leaks from one to the other."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from kit.draw import generator
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.tensor.tensor import Tensor
from steepest.transform.trace import record


def f(x: Tensor) -> Tensor:
    """A function of one number: x³ sin x."""
    return x**3 * st.sin(x)


def first(x: Any) -> Any:
    return 3 * x**2 * np.sin(x) + x**3 * np.cos(x)


def second(x: Any) -> Any:
    return 6 * x * np.sin(x) + 6 * x**2 * np.cos(x) - x**3 * np.sin(x)


def third(x: Any) -> Any:
    return 6 * np.sin(x) + 18 * x * np.cos(x) - 9 * x**2 * np.sin(x) - x**3 * np.cos(x)


def by_jvp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: st.jvp(f, [x], [st.ones_like(x)])[1]


def by_vjp(f: Callable[..., Any]) -> Callable[..., Any]:
    def derivative(x: Tensor) -> Tensor:
        value, pullback = st.vjp(f, x)
        return pullback(st.ones_like(value))[0]

    return derivative


def by_graph(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function traced, and its graph run by the interpreter."""

    def run(*arguments: Any) -> Any:
        trace = record(f, *arguments)
        return run_trace(trace, arguments)

    return run


def run_trace(trace: Any, arguments: Any) -> Tensor:
    graph: Graph = trace.graph
    leaves = [st.asarray(each).data for each in arguments]
    (value,) = Program(graph.inputs, graph.outputs)(*leaves, *trace.captured)
    return Tensor(value, None)


WAYS = {"grad": st.grad, "jvp": by_jvp, "vjp": by_vjp, "jacobian": st.jacobian}
POINTS = st.tensor([0.3, -1.2, 2.0], dtype=st.float64)


@pytest.mark.parametrize("outer", WAYS)
@pytest.mark.parametrize("inner", WAYS)
def test_second_derivatives_by_any_two(outer: str, inner: str) -> None:
    derivative = WAYS[outer](WAYS[inner](f))
    for x in POINTS:
        assert derivative(x).item() == pytest.approx(second(x.item()), rel=1e-12)
        assert not derivative(x).requires_grad


@pytest.mark.parametrize("ways", list(itertools.product(["grad", "jvp"], repeat=3)), ids=str)
def test_third_derivatives_by_any_three(ways: tuple[str, ...]) -> None:
    derivative: Any = f
    for way in ways:
        derivative = WAYS[way](derivative)
    assert derivative(POINTS[0]).item() == pytest.approx(third(0.3), rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_of_derivatives(way: str) -> None:
    found = st.vmap(WAYS[way](f))(POINTS)
    np.testing.assert_allclose(found.numpy(), first(POINTS.numpy()), rtol=1e-12)
    twice = st.vmap(WAYS[way](st.grad(f)))(POINTS)
    np.testing.assert_allclose(twice.numpy(), second(POINTS.numpy()), rtol=1e-12)


def test_the_derivative_of_a_batch() -> None:
    found = st.grad(lambda x: st.sum(st.vmap(f)(x)))(POINTS)
    np.testing.assert_allclose(found.numpy(), first(POINTS.numpy()), rtol=1e-12)
    jacobian = st.jacobian(st.vmap(f))(POINTS)
    np.testing.assert_allclose(jacobian.numpy(), np.diag(first(POINTS.numpy())), rtol=1e-12)
    along = st.jvp(st.vmap(f), [POINTS], [st.ones_like(POINTS)])[1]
    np.testing.assert_allclose(along.numpy(), first(POINTS.numpy()), rtol=1e-12)
    hessian = st.hessian(lambda x: st.sum(st.vmap(f)(x)))(POINTS)
    np.testing.assert_allclose(hessian.numpy(), np.diag(second(POINTS.numpy())), rtol=1e-12)


def test_a_batch_of_batches() -> None:
    x, y = generator().normal(size=4), generator(1).normal(size=5)
    table = st.vmap(lambda a: st.vmap(lambda b: a * st.sin(b))(st.tensor(y)))(st.tensor(x))
    np.testing.assert_allclose(table.numpy(), np.outer(x, np.sin(y)), rtol=1e-12)
    deep = st.vmap(st.vmap(st.vmap(f)))(st.tensor(generator().normal(size=(2, 3, 4))))
    assert deep.shape == (2, 3, 4)


def test_a_batch_of_jacobians_and_hessians() -> None:
    def g(x: Tensor) -> Tensor:
        return st.stack([x[0] * x[1], x[1] ** 3])

    x = generator().normal(size=(5, 2))
    found = st.vmap(st.jacobian(g))(st.tensor(x)).numpy()
    for i in range(5):
        np.testing.assert_allclose(found[i], st.jacobian(g)(st.tensor(x[i])).numpy(), rtol=1e-12)
    hessians = st.vmap(st.hessian(lambda x: st.sum(g(x))))(st.tensor(x)).numpy()
    np.testing.assert_allclose(hessians[:, 1, 1], 6 * x[:, 1], rtol=1e-12)
    np.testing.assert_allclose(hessians[:, 0, 1], 1.0, rtol=1e-12)


TRANSFORMED: dict[str, Callable[..., Any]] = {
    "grad": st.grad(f),
    "grad grad": st.grad(st.grad(f)),
    "jvp": by_jvp(f),
    "jvp grad": by_jvp(st.grad(f)),
    "grad jvp": st.grad(by_jvp(f)),
    "vjp": by_vjp(f),
    "jacobian": st.jacobian(f),
    "hessian": st.hessian(f),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_trace_of_each_computes_the_same(name: str) -> None:
    transformed = TRANSFORMED[name]
    for x in POINTS:
        assert by_graph(transformed)(x).item() == pytest.approx(transformed(x).item(), rel=1e-13)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_trace_of_a_batch_of_each(name: str) -> None:
    transformed = st.vmap(TRANSFORMED[name])
    expected = transformed(POINTS)
    np.testing.assert_allclose(by_graph(transformed)(POINTS).numpy(), expected.numpy(), rtol=1e-13)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_backward_through_each(name: str) -> None:
    """Recorded gradients pass through a transformation of anything further in."""
    transformed = TRANSFORMED[name]
    x = st.tensor(0.7, dtype=st.float64, requires_grad=True)
    y = transformed(x)
    assert y.requires_grad
    y.backward()
    assert x.grad is not None
    expected = st.grad(transformed)(st.tensor(0.7, dtype=st.float64)).item()
    assert x.grad.item() == pytest.approx(expected, rel=1e-12)


def test_backward_inside_of_a_function_that_is_differentiated_by_another_way() -> None:
    w = st.tensor(2.0, requires_grad=True)
    loss = st.grad(lambda x: x * x * w)(3.0)
    loss.backward()
    assert w.grad is not None
    assert w.grad.item() == 6.0


def test_perturbations_are_not_confused() -> None:
    """d/dx x · d/dy (x + y) = 1, and d/dx x · d/dy (x · y) = 2x."""
    assert st.grad(lambda x: x * st.grad(lambda y: x + y)(1.0))(3.0).item() == 1.0
    assert st.grad(lambda x: x * st.grad(lambda y: x * y)(1.0))(3.0).item() == 6.0
    assert st.grad(lambda x: x * by_jvp(lambda y: x * y)(st.tensor(1.0)))(3.0).item() == 6.0
    assert (
        by_jvp(lambda x: x * by_jvp(lambda y: x * y)(st.tensor(1.0)))(st.tensor(3.0)).item() == 6.0
    )
    assert by_jvp(lambda x: x * st.grad(lambda y: x * y)(1.0))(st.tensor(3.0)).item() == 6.0
    nested = st.grad(lambda x: x * st.grad(lambda y: y * st.grad(lambda z: x * y * z)(1.0))(x))
    assert nested(2.0).item() == pytest.approx(3 * 2 * 2.0**2)  # x · d/dy (y · xy) at y = x: 2x³


def test_the_same_argument_inside_and_outside() -> None:
    assert st.grad(lambda x: st.grad(lambda y: y**3)(x))(2.0).item() == 12.0
    assert st.grad(lambda x: x * st.grad(lambda y: y**3)(x))(2.0).item() == 9 * 4.0


def test_nothing_leaks_out() -> None:
    kept: list[Tensor] = []
    x = st.tensor(3.0)

    def g(y: Tensor) -> Tensor:
        kept.append(y)
        return y * y

    gradient = st.grad(g)(x)
    assert not gradient.requires_grad
    assert not x.requires_grad
    assert x.grad is None
    value, pullback = st.vjp(g, x)
    assert not value.requires_grad
    assert not pullback(st.tensor(1.0))[0].requires_grad
    assert not st.jvp(g, [x], [x])[1].requires_grad
    assert not st.jacobian(g)(x).requires_grad
    assert not st.vmap(g)(st.ones((2,))).requires_grad
    assert not st.hvp(g, [x], [x]).requires_grad


def test_a_leaf_that_requires_grad_gets_nothing_from_grad() -> None:
    w = st.tensor(3.0, requires_grad=True)
    assert st.grad(lambda x: x * x)(w).item() == 6.0
    assert w.grad is None


def test_grad_records_though_recording_is_off() -> None:
    with st.no_grad():
        found = st.grad(lambda x: x**3)(2.0)
        assert found.item() == 12.0
        assert st.grad(st.grad(lambda x: x**3))(2.0).item() == 12.0
        assert not st.is_recording()
    assert not found.requires_grad


def test_no_grad_within_grad_is_a_constant() -> None:
    def g(x: Tensor) -> Tensor:
        with st.no_grad():
            factor = x * x
        return factor * x

    assert st.grad(g)(3.0).item() == 9.0
    assert by_graph(st.grad(g))(3.0).item() == 9.0
    assert st.vmap(st.grad(g))(st.tensor([3.0, 4.0])).tolist() == [9.0, 16.0]


def test_stop_gradient_and_detach_within_grad() -> None:
    assert st.grad(lambda x: x * x.detach())(3.0).item() == 3.0
    assert by_graph(st.grad(lambda x: x * x.detach()))(3.0).item() == 3.0


def test_a_pullback_may_be_called_again_and_inside_of_other_transformations() -> None:
    _, pullback = st.vjp(lambda x: x**3, st.tensor([1.0, 2.0]))
    basis = st.eye(2)
    assert st.vmap(lambda seed: pullback(seed)[0])(basis).tolist() == [[3.0, 0.0], [0.0, 12.0]]
    assert st.grad(lambda seed: st.sum(pullback(seed)[0]))(st.ones((2,))).tolist() == [3.0, 12.0]


def test_newtons_method_finds_a_minimum() -> None:
    """Hessian and gradient of a smooth function, used together."""

    def g(x: Tensor) -> Tensor:
        return st.sum(st.exp(x) - 2.0 * x) + x[0] * x[1] * 0.1

    x = np.zeros(3)
    for _ in range(8):
        at = st.tensor(x)
        x = x - np.linalg.solve(st.hessian(g)(at).numpy(), st.grad(g)(at).numpy())
    assert np.abs(st.grad(g)(st.tensor(x)).numpy()).max() < 1e-12
