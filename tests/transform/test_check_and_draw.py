"""Gradient checks find what is wrong, and where; drawings show values and derivatives."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import steepest as st
from steepest.errors import GradientError
from steepest.tensor.tensor import Tensor

pytestmark = pytest.mark.row("D3", "D6", "W3")


class Model:
    """Two layers, the second with a gradient that can be spoilt in one place."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.w = st.State(random.normal(size=(3, 4)).astype("f4"), name="first.weight")
        self.v = st.State(random.normal(size=(4, 2)).astype("f4"), name="second.weight")

    def states(self) -> dict[str, st.State]:
        return {"first.weight": self.w, "second.weight": self.v}

    def __call__(self, x: Tensor) -> Tensor:
        return st.tanh(x @ self.w.value) @ self.v.value


def test_a_right_gradient_passes() -> None:
    model, x = Model(), np.ones((5, 3), "f4")
    found = st.check_gradients(lambda m, x: st.mean(m(x) ** 2), model, x)
    assert found
    assert "gradient right" in repr(found)
    assert found.checked == 3 * 4 + 4 * 2 + 5 * 3
    assert st.check_gradients_along_random_direction(lambda m, x: st.mean(m(x) ** 2), model, x)
    assert model.w.value.dtype == st.float32


def spoilt(m: Model, x: Tensor) -> Tensor:
    """Right in value; the gradient by second.weight[2, 1] is missing."""
    mask = np.zeros((4, 2), bool)
    mask[2, 1] = True
    v = st.where(mask, st.stop_gradient(m.v.value), m.v.value)
    return st.mean((st.tanh(x @ m.w.value) @ v) ** 2)


def test_a_wrong_gradient_is_found_and_named() -> None:
    found = st.check_gradients(spoilt, Model(), np.ones((5, 3), "f4"))
    assert not found
    assert found.where == "second.weight[2, 1]"
    assert found.automatic == 0.0
    assert found.numeric != 0.0
    assert "WRONG" in repr(found)
    directed = st.check_gradients_along_random_direction(spoilt, Model(), np.ones((5, 3), "f4"))
    assert not directed
    assert "direction" in directed.where


def test_corners_are_left_out_and_wrong_slopes_at_corners_are_not() -> None:
    found = st.check_gradients(lambda x: st.sum(st.relu(x)), st.tensor([-1.0, 0.0, 1.0]))
    assert found
    assert found.kinks == 1
    assert found.checked == 2
    assert not st.check_gradients(lambda x: st.sum(-2.0 * x.detach() + x), st.tensor([0.0]))


def test_a_gradient_that_is_not_a_number_is_wrong() -> None:
    found = st.check_gradients(lambda x: st.sum(x) + st.std(x), st.ones((3,)))
    assert not found


def test_checks_refuse() -> None:
    with pytest.raises(GradientError, match="no floating-point argument"):
        st.check_gradients(lambda n: st.sum(n), st.arange(3))
    with pytest.raises(GradientError, match="only a single number"):
        st.check_gradients(lambda x: x * 2.0, st.ones((3,)))


def test_random_draws_repeat_during_a_check() -> None:
    def noisy(x: Tensor) -> Tensor:
        return st.sum(x * x * st.random.bernoulli(0.5, (6,)))

    assert st.check_gradients(noisy, st.arange(6).astype(st.float64))


def words(svg: str, kind: str) -> list[str]:
    ET.fromstring(svg)
    return re.findall(rf'<text class="{kind}"[^>]*>([^<]*)<', svg)


def test_the_lectures_circuit_drawn() -> None:
    """Values −2, 5, −4, 3, −12 in green; derivatives −4, −4, 3, −4, 1 in red."""
    picture = st.draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
    assert sorted(words(picture.svg, "value")) == sorted(["−2", "5", "−4", "3", "−12"])
    assert sorted(words(picture.svg, "derivative")) == sorted(["−4", "−4", "3", "−4", "1"])
    assert "picture" in repr(picture)


def test_a_function_of_several_numbers_is_drawn_without_derivatives() -> None:
    picture = st.draw(lambda x: x * 2.0, st.ones((3,)))
    assert words(picture.svg, "derivative") == []
    assert words(picture.svg, "value")


def test_the_backward_computation_drawn() -> None:
    picture = st.draw_backward(lambda x: st.sin(x) * x, 1.0)
    assert {"sin", "cos"} <= set(words(picture.svg, ""))
    with pytest.raises(GradientError, match="single number"):
        st.draw_backward(lambda x: x * 2.0, st.ones((3,)))
