"""What backward() adds up, keeps and frees, and what it refuses."""

import itertools

import numpy as np
import pytest

import steepest as st
from steepest.errors import GradientError, ShapeError, TraceError
from steepest.tensor.tensor import Tensor


def variable(*values: float) -> Tensor:
    return st.tensor(list(values), dtype=st.float64, requires_grad=True)


def grad_of(x: Tensor) -> list[float]:
    assert x.grad is not None
    return x.grad.tolist()


def test_gradients_add_up_over_calls() -> None:
    x = variable(1.0, 2.0)
    st.sum(x * x).backward()
    assert grad_of(x) == [2.0, 4.0]
    st.sum(3.0 * x).backward()
    assert grad_of(x) == [5.0, 7.0]
    x.grad = None
    assert x.grad is None
    st.sum(x).backward()
    assert grad_of(x) == [1.0, 1.0]


def test_gradients_add_up_over_consumers() -> None:
    x = variable(2.0)
    y = x * 3.0
    st.sum(y * y + y + x).backward()
    assert grad_of(x) == [2 * 6.0 * 3.0 + 3.0 + 1.0]


def test_what_does_not_require_grad_gets_none() -> None:
    x, c = variable(1.0), st.tensor([5.0])
    st.sum(x * c).backward()
    assert c.grad is None
    assert not c.requires_grad
    assert (c + c).is_leaf, "nothing is recorded of constants"


def test_a_leaf_that_is_not_reached_has_no_gradient() -> None:
    x, y = variable(1.0), variable(2.0)
    st.sum(x).backward()
    assert y.grad is None


def test_intermediate_results_keep_theirs_on_request() -> None:
    x = variable(2.0)
    y = x * x
    y.retain_grad()
    assert not y.is_leaf
    st.sum(y * 5.0).backward()
    assert grad_of(y) == [5.0]
    with pytest.raises(GradientError, match=r"cannot retain_grad\(\): .*does not require grad"):
        st.tensor(1.0).retain_grad()


def test_a_second_backward_needs_the_values() -> None:
    x = variable(2.0)
    y = st.sum(x * x)
    y.backward()
    with pytest.raises(GradientError, match="retain_graph=True") as caught:
        y.backward()
    assert "test_backward.py: y = st.sum(x * x)" in str(caught.value)
    with pytest.raises(GradientError, match="freed"):
        (y * 2.0).backward()
    assert grad_of(x) == [4.0], "a refused backward adds nothing"


def test_values_are_freed() -> None:
    x = variable(*range(10))
    squares = x * x
    y = st.sum(squares)
    record = squares.node.record
    assert record is not None
    assert record.value is not None
    y.backward()
    assert record.value is None
    assert squares.tolist() == [v * v for v in range(10)], "the Tensor has its own"


def test_retain_graph_keeps_them() -> None:
    x = variable(3.0)
    y = st.sum(x * x)
    y.backward(retain_graph=True)
    y.backward()
    assert grad_of(x) == [12.0]


def test_create_graph_gives_gradients_with_gradients() -> None:
    x = variable(2.0)
    st.sum(x**3).backward(create_graph=True)
    first = x.grad
    assert first is not None
    assert first.requires_grad
    assert first.tolist() == [12.0]
    x.grad = None
    st.sum(first).backward(create_graph=True)
    second = x.grad
    assert second is not None
    assert second.tolist() == [12.0]
    x.grad = None
    st.sum(second).backward()
    assert grad_of(x) == [6.0]


def test_without_create_graph_gradients_are_constants() -> None:
    x = variable(2.0)
    st.sum(x**3).backward()
    assert x.grad is not None
    assert not x.grad.requires_grad


def test_a_gradient_that_comes_in() -> None:
    x = variable(1.0, 2.0)
    y = x * x
    y.backward(st.tensor([1.0, 10.0]))
    assert grad_of(x) == [2.0, 40.0]
    with pytest.raises(ShapeError, match=r"gradient \(3,\) for a Tensor of \(2,\)"):
        (x * x).backward(st.ones((3,)))


def test_backward_refuses() -> None:
    x = variable(1.0, 2.0)
    with pytest.raises(GradientError, match=r"shape \(2,\): only a single number has a gradient"):
        (x * x).backward()
    with pytest.raises(GradientError, match="nothing was recorded"):
        st.sum(st.ones((2,))).backward()
    with pytest.raises(GradientError, match="nothing was recorded"), st.no_grad():
        st.sum(x * x).backward()
    with pytest.raises(TraceError, match="inside of traced functions"):
        st.trace(lambda x: st.sum(x).backward())(st.ones((2,)))


def test_one_element_of_any_rank_is_a_number() -> None:
    x = variable(3.0)
    (x * x).backward()
    assert grad_of(x) == [6.0]


def test_no_grad_and_enable_grad() -> None:
    x = variable(1.0)
    with st.no_grad():
        assert not st.is_recording()
        assert not (x * 2.0).requires_grad
        with st.enable_grad():
            assert (x * 2.0).requires_grad
        assert not (x * 2.0).requires_grad
    assert st.is_recording()
    assert (x * 2.0).requires_grad
    with pytest.raises(ValueError, match="on purpose"), st.no_grad():
        raise ValueError("on purpose")
    assert st.is_recording()


def test_a_step_in_place_keeps_a_leaf_a_leaf_and_its_gradient() -> None:
    w = variable(1.0, 2.0)
    before = w
    st.sum(w * w).backward()
    gradient = w.grad
    assert gradient is not None
    with st.no_grad():
        w -= 0.5 * gradient
    assert w is not before
    assert before.tolist() == [1.0, 2.0], "the Tensor itself never changes"
    assert w.tolist() == [0.0, 0.0]
    assert w.is_leaf
    assert w.requires_grad
    assert w.grad is gradient
    with st.no_grad():
        w += 1.0
        w *= 6.0
        w /= 2.0
    assert w.tolist() == [3.0, 3.0]
    assert w.is_leaf
    st.sum(w * w).backward()
    assert grad_of(w) == [8.0, 10.0]


def test_in_place_while_recording_is_an_ordinary_operation() -> None:
    x = variable(3.0)
    y = x
    y += 1.0
    y *= x
    assert not y.is_leaf
    st.sum(y).backward()
    assert grad_of(x) == [7.0]


def test_detach_is_the_same_value_without_a_past() -> None:
    x = variable(3.0)
    y = x * x
    assert not y.detach().requires_grad
    assert y.detach().tolist() == [9.0]
    st.sum(y.detach() * x).backward()
    assert grad_of(x) == [9.0]


def test_a_result_of_whole_numbers_passes_no_gradient() -> None:
    x = variable(1.5, 2.5)
    assert not st.argmax(x).requires_grad
    assert not (x > 2.0).requires_grad
    assert not st.floor(x).requires_grad
    assert not st.astype(x, st.int64).requires_grad
    st.sum(st.where(x > 2.0, x, 0.0)).backward()
    assert grad_of(x) == [0.0, 1.0]


def test_mixed_precision_gives_each_leaf_its_own_type() -> None:
    x = st.tensor([2.0], requires_grad=True)
    y = variable(3.0)
    st.sum(x * y).backward()
    assert x.grad is not None
    assert (x.grad.dtype, x.grad.tolist()) == (st.float32, [3.0])
    assert y.grad is not None
    assert (y.grad.dtype, y.grad.tolist()) == (st.float64, [2.0])


def test_what_is_changed_after_the_forward_pass_changes_nothing() -> None:
    """The values that backward needs are copies, not the user's array."""
    x, factor = variable(1.0, 1.0), np.array([2.0, 3.0])
    y = st.sum(x * factor)
    factor[:] = -1.0
    y.backward()
    assert grad_of(x) == [2.0, 3.0]


def test_a_gradient_may_be_set_if_it_fits() -> None:
    x = variable(1.0, 2.0)
    x.grad = st.ones((2,), dtype=st.float64)
    st.sum(x).backward()
    assert grad_of(x) == [2.0, 2.0]
    with pytest.raises(ShapeError, match=r"\.grad of a Tensor of \(2,\) cannot have shape \(1,\)"):
        x.grad = st.ones((1,))
    with pytest.raises(GradientError, match=r"cannot assign \.grad"):
        st.ones((2,)).grad = st.ones((2,))


@pytest.mark.row("D7")
def test_an_mlp_has_the_gradients_derived_by_hand() -> None:
    """∂ℓ/∂W(l) = z(l−1)ᵀ ∂ℓ/∂a(l), ∂ℓ/∂z = ∂ℓ/∂a Wᵀ, to 1e-12 in float64."""
    random = np.random.default_rng(0)
    sizes, n = [5, 7, 6, 3], 11
    weights = [random.normal(size=shape) for shape in itertools.pairwise(sizes)]
    biases = [random.normal(size=size) for size in sizes[1:]]
    x, labels = random.normal(size=(n, 5)), random.integers(0, 3, n)
    ws = [st.tensor(w, requires_grad=True) for w in weights]
    bs = [st.tensor(b, requires_grad=True) for b in biases]
    z = st.tensor(x)
    for i, (w, b) in enumerate(zip(ws, bs, strict=True)):
        a = z @ w + b
        z = st.sigmoid(a) if i < 2 else a
    log_p = st.log_softmax(z)
    st.mean(-st.take_along_axis(log_p, labels[:, None], axis=1)).backward()

    zs = [x]
    for w, b in zip(weights[:2], biases[:2], strict=True):
        zs.append(1 / (1 + np.exp(-(zs[-1] @ w + b))))
    logits = zs[-1] @ weights[2] + biases[2]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    delta = (p - np.eye(3)[labels]) / n
    for layer in (2, 1, 0):
        by_w, by_b = ws[layer].grad, bs[layer].grad
        assert by_w is not None
        assert by_b is not None
        np.testing.assert_allclose(by_w.numpy(), zs[layer].T @ delta, rtol=0, atol=1e-12)
        np.testing.assert_allclose(by_b.numpy(), delta.sum(0), rtol=0, atol=1e-12)
        delta = (delta @ weights[layer].T) * zs[layer] * (1 - zs[layer])
