"""The picture of watched steps."""

from functools import cache

import numpy as np
import pytest

import steepest as st
from steepest.errors import DataError
from steepest.report import draw_watched
from steepest.report.watching import blocks

pytestmark = pytest.mark.row("W2")


@cache
def watched(activation: str, hidden: tuple[int, ...], deviation: float = 0.3) -> st.Watched:
    """A network of weights drawn from N(0, σ²), trained for some steps."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(64, 4)).astype(np.float32)
    model = st.nn.MLP(4, hidden, 1, activation=activation)
    for cell in model.parameters().values():
        if cell.penalised:
            cell.assign(draw.normal(scale=deviation, size=cell.shape).astype(np.float32))
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(0.01))
    return trainer.fit(x, x[:, 0], epochs=4, batch_size=16, watch=4).watched


def comments(picture: bytes) -> str:
    """Matplotlib draws letters as shapes, and leaves the text in a comment."""
    return picture.decode()


def test_a_row_for_each_layer_with_weights_and_what_follows_it() -> None:
    found = blocks(watched("tanh", (6, 5)))
    assert [block.parts for block in found] == [
        ("layers.0", "layers.1"),
        ("layers.2", "layers.3"),
        ("layers.4",),
    ]
    picture = comments(draw_watched(watched("tanh", (6, 5)), title="a net", format="svg"))
    for text in ("a net", "layers.0", "layers.4", "Linear → tanh", "gradient norm", "saturated"):
        assert f"<!-- {text} -->" in picture, text
    assert "vanishing" not in picture


def test_what_stands_out_is_written_beside_its_row() -> None:
    sick = watched("sigmoid", (6,) * 7, 0.01)
    picture = comments(draw_watched(sick, title="a sick net", format="svg"))
    assert picture.count("<!-- vanishing gradients -->") == 1
    assert "small updates" in picture


def test_a_deep_network_is_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steepest.report.watching._MOST_ROWS", 3)
    deep = watched("tanh", (3,) * 3)
    assert len(blocks(deep)) == 4
    picture = comments(draw_watched(deep, title="deep", format="svg"))
    shown = [block.name for block in blocks(deep) if f"<!-- {block.name} -->" in picture]
    assert shown == [f"layers.{4 * i}" for i in range(2)]


@pytest.mark.parametrize(
    ("format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_equal_runs_give_equal_bytes_of_the_format(format: str, start: bytes) -> None:
    first, second = (
        draw_watched(watched("relu", ()), title="linear", format=format) for _ in range(2)
    )
    assert first == second
    assert first.startswith(start)


def test_gradients_of_zero_are_drawn_as_nothing() -> None:
    x = np.ones((8, 4), np.float32)
    model = st.nn.Linear(4, 1)
    trainer = st.Trainer(model, lambda f, y: 0.0 * f[:, 0], st.optim.SGD(0.01))
    found = trainer.fit(x, x[:, 0], epochs=2, batch_size=4, watch=1).watched
    assert draw_watched(found, title="nothing", format="svg").startswith(b"<?xml")


def test_where_nothing_was_watched_nothing_is_drawn() -> None:
    with pytest.raises(DataError, match="no step was watched: train with watch=50"):
        draw_watched(st.Watched(), title="", format="png")
