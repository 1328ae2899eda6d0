"""What a drawing calls things, and which derivatives it shows."""

import re
from pathlib import Path

import pytest

import steepest as st
from steepest.errors import ConfigurationError, DTypeError


def red(picture: st.Picture) -> list[str]:
    return re.findall(r'class="derivative"[^>]*>([^<]*)<', picture.svg)


def test_whole_numbers_have_derivatives_and_exponents_have_none() -> None:
    assert sorted(red(st.draw(lambda x, y: x * y, 2, 3))) == ["1", "2", "3"]
    assert sorted(red(st.draw(lambda x: x**2, 3.0))) == ["1", "6"]
    assert sorted(red(st.draw(lambda x: st.sum(x * 2.0), st.ones((2,))))) == ["1", "[1 1]", "[2 2]"]


def test_weights_of_a_drawn_module_have_their_names() -> None:
    svg = st.draw(st.nn.Sequential(st.nn.Linear(2, 1)), st.ones((1, 2))).svg
    assert "layers.0.weight" in svg
    assert "layers.0.bias" in svg


def test_an_argument_without_a_derivative_is_named() -> None:
    with pytest.raises(DTypeError, match=r"^argument 1 has element type int64"):
        st.grad(lambda x, n: x * n, argument=(0, 1))(1.0, 2)
    with pytest.raises(DTypeError, match=r"^b of argument 0 has element type int64"):
        st.grad(lambda p: p["a"] * p["b"])({"a": 1.0, "b": 2})


@pytest.mark.parametrize(
    ("name", "told"),
    [("randn", r"st\.random\.normal"), ("cat", r"st\.concat"), ("softmx", "'softmax'")],
)
def test_names_from_elsewhere_lead_to_ours(name: str, told: str) -> None:
    with pytest.raises(AttributeError, match=told):
        getattr(st, name)


def test_a_picture_is_saved_as_svg_or_not_at_all(tmp_path: Path) -> None:
    picture = st.draw(lambda x: x * x, 3.0)
    picture.save(tmp_path / "square.svg")
    assert (tmp_path / "square.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(ConfigurationError, match=r"a drawn graph is SVG"):
        picture.save(tmp_path / "square.png")
    assert not (tmp_path / "square.png").exists()
