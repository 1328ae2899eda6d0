"""The lectures' examples: PyTorch's with one line changed, and the circuit q = x + y, f = qz."""

import warnings

import pytest

import steepest as st
import steepest as torch

pytestmark = pytest.mark.row("D2", "D4")


def test_the_lectures_example_with_one_changed_line(capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.tensor([[1.0, 2], [3, 4]], requires_grad=True)
    print(x)
    y = x + 2
    print(y)
    z = y * y * 3
    out = z.mean()
    print(z)
    print(out)
    z.retain_grad()
    out.backward()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        print(y.grad)
    assert [each.category for each in caught] == [UserWarning]
    assert caught[0].filename == __file__
    assert "retain_grad()" in str(caught[0].message)
    print(z.grad)
    print(x.grad)
    assert capsys.readouterr().out == (
        "tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)\n"
        "tensor([[3., 4.],\n        [5., 6.]], requires_grad=True)\n"
        "tensor([[ 27.,  48.],\n        [ 75., 108.]], requires_grad=True)\n"
        "tensor(64.5, requires_grad=True)\n"
        "None\n"
        "tensor([[0.25, 0.25],\n        [0.25, 0.25]])\n"
        "tensor([[4.5, 6. ],\n        [7.5, 9. ]])\n"
    )


def test_the_circuit_of_a_sum_and_a_product() -> None:
    x, y, z = (st.tensor(value, requires_grad=True) for value in (-2.0, 5.0, -4.0))
    q = x + y
    q.retain_grad()
    f = q * z
    f.backward()
    assert f.item() == -12.0
    grads = [each.grad for each in (x, y, z, q)]
    assert [each.item() for each in grads if each is not None] == [-4.0, -4.0, 3.0, -4.0]


def test_a_value_used_directly_and_through_another() -> None:
    """ℓ = v · u with u = v²: ∂ℓ/∂v = u + v · 2v, where ∂f_u/∂v alone would give 2v."""
    v: st.Tensor = st.tensor(3.0, requires_grad=True)
    u = v * v
    (v * u).backward()
    assert v.grad is not None
    assert v.grad.item() == 27.0


def test_a_training_loop_by_hand() -> None:
    """The line 2x + 1, found by gradient descent that is written out."""
    x = st.tensor([[0.0], [1.0], [2.0], [3.0]])
    y = 2.0 * x + 1.0
    w = st.tensor([[0.0]], requires_grad=True)
    b = st.tensor([0.0], requires_grad=True)
    for _ in range(200):
        loss = st.mean((x @ w + b - y) ** 2)
        loss.backward()
        assert w.grad is not None
        assert b.grad is not None
        with st.no_grad():
            w -= 0.1 * w.grad
            b -= 0.1 * b.grad
        w.grad = None
        b.grad = None
    assert w.item() == pytest.approx(2.0, abs=1e-2)
    assert b.item() == pytest.approx(1.0, abs=2e-2)
