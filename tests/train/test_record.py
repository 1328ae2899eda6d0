"""Whatever trains, the same record is kept: rows, as a table, as JSON, as a picture."""

from __future__ import annotations

import json

import numpy as np
import pytest

import steepest as st
from steepest.optim.drivers import DRIVERS
from steepest.optim.rules import RULES
from steepest.report import draw_curves

pytestmark = pytest.mark.row("W1")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
COLUMNS = {"epoch", "step", "loss", "validation_loss", "accuracy", "validation_accuracy", "seconds"}


@pytest.mark.parametrize("optimizer", [*RULES, *DRIVERS])
def test_every_optimiser_leaves_loss_and_accuracy_of_both_parts(optimizer: str) -> None:
    with st.random.stream(0):
        model = st.nn.MLP(3, [4], 2, activation="tanh")
    trainer = st.Trainer(model, "cross_entropy", optimizer, backend="reference")
    history = trainer.fit(
        X, Y, epochs=3, batch_size=None, metrics=["accuracy"], validation_data=(X[:10], Y[:10])
    )
    assert isinstance(history, st.History)
    assert len(history) == 3
    for row in history.rows:
        assert set(row) >= COLUMNS
        assert all(np.isfinite(value) for value in row.values())
    scores = trainer.predict(X[:10])
    assert history.rows[-1]["validation_accuracy"] == st.metrics.accuracy(scores, Y[:10])
    assert history.rows[-1]["loss"] < history.rows[0]["loss"]


def test_the_record_is_drawn_and_read_back() -> None:
    trainer = st.Trainer(st.nn.Linear(3, 2), "cross_entropy", "sgd", backend="reference")
    history = trainer.fit(X, Y, epochs=3, batch_size=20, validation_data=(X, Y))
    lines = history.to_json_lines().splitlines()
    assert [json.loads(line) for line in lines] == history.rows
    assert "validation loss" in str(history)
    picture = draw_curves(history.rows, best_epoch=3, title="by hand", format="svg").decode()
    for text in ("by hand", "loss", "training", "validation", "kept: epoch 3"):
        assert f"<!-- {text} -->" in picture, text
