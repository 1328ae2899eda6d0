"""Embedding bags against NumPy, and PyTorch where it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

import steepest
from steepest.errors import ConfigurationError, DTypeError, ShapeError

LEVELS, WIDTH = 7, 3
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 6))
CODES = arrays(np.int32, SHAPES, elements=st.integers(0, LEVELS))


def layer(speed: float = 1.0) -> steepest.nn.EmbeddingBag:
    with steepest.random.stream(3):
        return steepest.nn.EmbeddingBag(LEVELS, WIDTH, deviation=1.0, speed=speed)


def written_out(codes: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rows = np.zeros((len(codes), WIDTH))
    for row, found in enumerate(codes):
        present = [weight[code - 1] for code in found if code > 0]
        if present:
            rows[row] = np.mean(present, axis=0)
    return rows


@pytest.mark.row("M8")
@given(CODES)
def test_against_a_transcription(codes: np.ndarray[Any, Any]) -> None:
    bag = layer()
    found = bag(steepest.tensor(codes)).detach().numpy()
    weight = bag.vectors.weight.value.numpy()
    np.testing.assert_allclose(found, written_out(codes, weight), rtol=1e-5, atol=1e-6)


def test_compiled_with_its_gradient() -> None:
    codes = np.array([[1, 2, 2, 0], [7, 0, 0, 0], [0, 0, 0, 0]], np.int32)
    goal = np.arange(9.0, dtype=np.float32).reshape(3, 3)
    bag = layer(speed=4.0)
    before = bag.vectors.weight.value.numpy()
    trainer = steepest.Trainer(bag, "half_squared_error", steepest.optim.SGD(0.5))
    trainer.fit(codes, goal, epochs=1, batch_size=3)
    # The gradient of the mean of ½ (4 · mean - goal)², by hand; the third row has no codes.
    share = np.array([[1, 2, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 3], [0] * 7]) * (4.0 / 3.0)
    missed = share @ before - goal
    after = bag.vectors.weight.value.numpy()
    np.testing.assert_allclose(after, before - 0.5 * share.T @ missed / 9, rtol=1e-5, atol=1e-6)
    assert np.array_equal(after[2:6], before[2:6])


def test_against_pytorch() -> None:
    torch = pytest.importorskip("torch")
    codes = np.array([[1, 2, 2, 0], [7, 0, 0, 0], [3, 4, 5, 6]], np.int32)
    bag = layer()
    weight = np.vstack([np.zeros((1, WIDTH), np.float32), bag.vectors.weight.value.numpy()])
    theirs = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(weight), mode="mean", padding_idx=0)
    expected = theirs(torch.tensor(codes, dtype=torch.long)).numpy()
    np.testing.assert_allclose(bag(steepest.tensor(codes)).detach().numpy(), expected, rtol=1e-5)


def test_speed_changes_steps_and_not_the_start() -> None:
    codes = steepest.tensor([[1, 2, 0]])
    slow, quick = (layer(speed)(codes).detach().numpy() for speed in (1.0, 10.0))
    np.testing.assert_allclose(slow, quick, rtol=1e-5)


def test_refusals() -> None:
    with pytest.raises(ConfigurationError, match="levels"):
        steepest.nn.EmbeddingBag(0, 3)
    with pytest.raises(ConfigurationError, match="speed"):
        steepest.nn.EmbeddingBag(3, 3, speed=0.0)
    with pytest.raises(DTypeError, match="integers"):
        layer()(steepest.tensor([[0.5]]))
    with pytest.raises(ShapeError, match="axis"):
        layer()(steepest.tensor(1))
