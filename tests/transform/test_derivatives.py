"""grad, vjp, jvp, jacobian, hessian, hvp: against closed forms, differences, and each other."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from kit.draw import generator
from kit.judge import central_difference
from steepest.errors import DTypeError, GradientError, ShapeError
from steepest.tensor.tensor import Tensor

pytestmark = pytest.mark.row("D3", "D5")

A = generator(3).normal(size=(4, 4))


def quadratic(x: Tensor) -> Tensor:
    """xᵀAx, whose gradient is (A + Aᵀ)x and whose Hessian is A + Aᵀ."""
    return st.sum(x * (A @ x))


def rosenbrock(x: Tensor) -> Tensor:
    return st.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def network(x: Tensor) -> Tensor:
    hidden = st.tanh(A @ x)
    return st.logsumexp(A.T @ hidden) + st.norm(hidden)


def looped(x: Tensor) -> Tensor:
    total = x[0]
    for i in range(1, 4):
        total = st.sin(total * x[i]) + x[i] / (1.0 + total * total)
    return total


SCALAR = [quadratic, rosenbrock, network, looped]
every_function = pytest.mark.parametrize("f", SCALAR, ids=lambda f: f.__name__)


def point() -> Tensor:
    return st.tensor(generator(4).normal(size=4))


def direction() -> Tensor:
    return st.tensor(generator(5).normal(size=4))


def numeric(f: Callable[[Tensor], Tensor], x: Tensor, along: Tensor) -> Any:
    return central_difference(lambda at: f(st.tensor(at)).numpy(), x.numpy(), along.numpy())


def close(found: Tensor, expected: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance)


def test_closed_forms() -> None:
    x = point()
    close(st.grad(quadratic)(x), (A + A.T) @ x.numpy())
    close(st.hessian(quadratic)(x), A + A.T)
    close(st.jacobian(lambda x: st.sin(x))(x), np.diag(np.cos(x.numpy())))
    close(st.jacobian(lambda x: A @ x)(x), A)
    close(st.hessian(lambda x: st.sum(st.exp(x)))(x), np.diag(np.exp(x.numpy())))
    assert st.grad(lambda x: x**3)(2.0).item() == 12.0
    assert st.grad(st.exp)(st.tensor(1.0, dtype=st.float64)).item() == pytest.approx(math.e)


@every_function
def test_grad_is_the_central_difference(f: Callable[[Tensor], Tensor]) -> None:
    x, v = point(), direction()
    found = st.sum(st.grad(f)(x) * v).item()
    assert found == pytest.approx(numeric(f, x, v), rel=1e-7)


@every_function
def test_value_and_grad_gives_both(f: Callable[[Tensor], Tensor]) -> None:
    value, gradient = st.value_and_grad(f)(point())
    assert value.item() == f(point()).item()
    assert gradient.tolist() == st.grad(f)(point()).tolist()
    assert not value.requires_grad
    assert not gradient.requires_grad


@every_function
def test_hvp_is_the_hessian_times_a_vector_and_the_difference_of_gradients(
    f: Callable[[Tensor], Tensor],
) -> None:
    x, v = point(), direction()
    product = st.hvp(f, [x], [v])
    hessian = st.hessian(f)(x)
    close(hessian, hessian.numpy().T, 1e-10)
    close(product, hessian.numpy() @ v.numpy(), 1e-10)
    close(product, numeric(st.grad(f), x, v), 1e-5)


@every_function
def test_third_derivatives(f: Callable[[Tensor], Tensor]) -> None:
    x, v = point(), direction()
    third = st.jacobian(st.hessian(f))(x)
    assert third.shape == (4, 4, 4)
    close(third, third.numpy().transpose(2, 1, 0), 1e-8)
    along = np.einsum("ijk,k->ij", third.numpy(), v.numpy())
    close(st.jvp(st.hessian(f), [x], [v])[1], along, 1e-8)


def vector(x: Tensor) -> Tensor:
    return st.stack([x[0] * x[1], st.sin(x[2]) + x[3], st.exp(x[0])])


def test_vjp_and_jvp_are_products_with_the_jacobian() -> None:
    x, v = point(), direction()
    u = st.tensor(generator(6).normal(size=3))
    jacobian = st.jacobian(vector)(x).numpy()
    assert jacobian.shape == (3, 4)
    value, pullback = st.vjp(vector, x)
    (pulled,) = pullback(u)
    close(value, vector(x).numpy())
    close(pulled, u.numpy() @ jacobian)
    value, pushed = st.jvp(vector, [x], [v])
    close(value, vector(x).numpy())
    close(pushed, jacobian @ v.numpy())
    close(pushed, numeric(vector, x, v), 1e-7)
    close(pullback(2.0 * u)[0], 2.0 * u.numpy() @ jacobian)


def test_several_arguments() -> None:
    def f(x: Tensor, y: Tensor, n: int) -> Tensor:
        return st.sum(x * y**n)

    x, y = point(), direction()
    by_x, by_y = st.grad(f, (0, 1))(x, y, 3)
    close(by_x, y.numpy() ** 3)
    close(by_y, 3 * x.numpy() * y.numpy() ** 2)
    close(st.grad(f, 1)(x, y, 3), by_y.numpy())
    value, (again, _) = st.value_and_grad(f, (0, 1))(x, y, 3)
    close(value, np.sum(x.numpy() * y.numpy() ** 3))
    close(again, by_x.numpy())
    close(st.jacobian(f, 1)(x, y, 2), 2 * x.numpy() * y.numpy())
    close(st.hessian(f, 1)(x, y, 3), np.diag(6 * x.numpy() * y.numpy()))
    _, along = st.jvp(lambda x, y: f(x, y, 1), [x, y], [st.ones((4,)), st.zeros((4,))])
    close(along, np.sum(y.numpy()), 1e-6)


def test_what_does_not_depend_has_gradient_zero() -> None:
    x = point()
    assert st.grad(lambda x: 3.0 * st.sum(st.tensor([1.0])))(x).tolist() == [0.0] * 4
    assert st.grad(lambda x: st.sum(st.floor(x)))(x).tolist() == [0.0] * 4
    assert st.jacobian(lambda x: st.tensor([1.0, 2.0]))(x).tolist() == [[0.0] * 4] * 2
    assert st.jvp(lambda x: st.tensor([1.0]), [x], [x])[1].tolist() == [0.0]
    assert st.vjp(lambda x: st.tensor([1.0]), x)[1](st.ones((1,)))[0].tolist() == [0.0] * 4
    assert st.hessian(st.sum)(x).tolist() == [[0.0] * 4] * 4
    assert st.hvp(st.sum, [x], [x]).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("x", "slope"), [(3.0, 6.0), (-3.0, -1.0), (0.5, 0.5**0 * 8 * 0.5**7)], ids=str
)
def test_branches_and_loops_of_python(x: float, slope: float) -> None:
    def f(x: Tensor) -> Tensor:
        if x > 1.0:
            return x * x
        if x < 0.0:
            return -x
        while x > 0.01:
            x = x * x
        return x

    assert st.grad(f)(st.tensor(x, dtype=st.float64)).item() == pytest.approx(slope)


def test_the_types_of_derivatives_are_those_of_the_arguments() -> None:
    assert st.grad(lambda x: st.sum(x**2))(st.ones((2,))).dtype == st.float32
    mixed = st.grad(lambda x, y: st.sum(x * y), (0, 1))
    by_x, by_y = mixed(st.ones((2,)), st.ones((2,), dtype=st.float64))
    assert (by_x.dtype, by_y.dtype) == (st.float32, st.float64)
    assert st.grad(lambda x: x * x)(np.float64(3.0)).dtype == st.float64


def test_refusals() -> None:
    x = point()
    with pytest.raises(GradientError, match=r"returns \(4,\): only a single number has a gradient"):
        st.grad(st.sin)(x)
    with pytest.raises(GradientError, match="only a single number"):
        st.grad(lambda x: (x[0], x[1]))(x)
    with pytest.raises(DTypeError, match=r"argument 0 has element type int64; .*1\.0 instead of 1"):
        st.grad(lambda x: x * x)(3)
    with pytest.raises(ShapeError, match=r"the cotangent has shape \(2,\), not \(3,\)"):
        st.vjp(vector, x)[1](st.ones((2,)))
    with pytest.raises(ShapeError, match=r"the tangent at 0 has shape \(2,\), not \(4,\)"):
        st.jvp(vector, [x], [st.ones((2,))])
    with pytest.raises(ShapeError, match="the tangent has parts"):
        st.jvp(vector, [x], [])
