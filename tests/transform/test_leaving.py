"""Inside of grad, a value that leaves the record is an error, not a silent constant."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import steepest as st
from steepest.errors import GradientError

LEAVES: dict[str, Callable[[st.Tensor], object]] = {
    "math": lambda x: x * math.exp(x),
    "float": lambda x: x * float(x),
    "item": lambda x: x * x.item(),
    "numpy": lambda x: st.sum(x * x.numpy()),
    "array": lambda x: st.sum(x * np.asarray(x)),
    "list": lambda x: x * x.tolist(),
}


@pytest.mark.parametrize("name", LEAVES)
@pytest.mark.parametrize("transform", [st.grad, st.value_and_grad, st.jacobian])
def test_a_value_that_leaves_is_refused(name: str, transform: Callable[..., object]) -> None:
    with pytest.raises(GradientError, match=r"would lose its derivative; use st\.sin\(x\)"):
        transform(LEAVES[name])(2.0)  # pyright: ignore


def test_constants_and_branches_stay_possible() -> None:
    def f(x: st.Tensor) -> st.Tensor:
        scale = x.detach().item()
        weight = st.tensor(3.0, requires_grad=False)
        return x * scale * float(weight) if x > 0 else -x

    assert st.grad(f)(2.0).item() == 6.0
    assert st.grad(f)(-2.0).item() == -1.0
    assert st.grad(lambda x: st.sum(x[: int(x[0])]))(st.tensor([2.0, 3.0, 4.0])).tolist() == [
        1,
        1,
        0,
    ]


def test_the_mode_ends_with_the_call() -> None:
    x = st.tensor(2.0, requires_grad=True)
    st.grad(lambda y: y * x)(1.0)
    assert float(x) == 2.0
    with pytest.raises(ZeroDivisionError):
        st.grad(lambda y: 1 / 0)(1.0)
    assert (x * x).item() == 4.0
