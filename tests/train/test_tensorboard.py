"""Event files, read back by TensorBoard's own reader."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import steepest as st
from steepest.errors import ConfigurationError

pytestmark = pytest.mark.row("W1", "W2")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def fit(folder: Path, epochs: int = 3, watch: int | None = 4) -> st.History:
    with st.random.stream(0):
        model = st.nn.MLP(3, [5], 2, activation="tanh")
    trainer = st.Trainer(model, "cross_entropy", st.optim.Adam(0.01))
    return trainer.fit(
        X, Y, epochs=epochs, batch_size=20, validation_data=(X, Y), metrics=["accuracy"],
        watch=watch, callbacks=[st.TensorBoard(folder)],
    )  # fmt: skip


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar by tag: step and value."""
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    tags: Any = accumulator.Tags()
    return {
        tag: [(each.step, each.value) for each in accumulator.Scalars(tag)]
        for tag in tags["scalars"]
    }


COLUMNS = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "accuracy/training": "accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "learning_rate",
    "penalty": "penalty",
}


def test_every_epoch_and_every_watched_step_is_there(tmp_path: Path) -> None:
    history = fit(tmp_path / "runs" / "first")
    found = read(tmp_path / "runs" / "first")
    for tag, column in COLUMNS.items():
        expected = [(row["step"], np.float32(row[column])) for row in history.rows]
        assert found.pop(tag) == expected, tag
    watched = {
        (row["step"], f"{row['what']}/{row['layer']}"): np.float32(row["value"])
        for row in history.watched.rows
        if not np.isnan(row["value"])
    }
    assert {step for step, _ in watched} == {1, 5, 9}
    assert watched == {(step, tag): v for tag, pairs in found.items() for step, v in pairs}


def test_each_object_writes_one_file(tmp_path: Path) -> None:
    fit(tmp_path, watch=None)
    fit(tmp_path, watch=None)
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    assert all(file.name.startswith("events.out.tfevents.") for file in files)


def test_the_file_is_whole_after_every_epoch(tmp_path: Path) -> None:
    counts: list[int] = []
    writer = st.TensorBoard(tmp_path)

    def look(now: st.Snapshot) -> None:
        writer(now)
        counts.append(len(read(tmp_path)["loss/training"]))

    trainer = st.Trainer(st.nn.Linear(3, 2), "cross_entropy", st.optim.SGD(0.1))
    trainer.fit(X, Y, epochs=3, batch_size=20, callbacks=[look])
    assert counts == [1, 2, 3]


def test_every_so_many_steps_if_asked(tmp_path: Path) -> None:
    trainer = st.Trainer(st.nn.Linear(3, 2), "cross_entropy", st.optim.SGD(0.1))
    trainer.fit(
        X, Y, epochs=2, batch_size=20, callbacks=[st.EverySteps(2, st.TensorBoard(tmp_path))]
    )
    assert [step for step, _ in read(tmp_path)["loss/training"]] == [2, 4, 6]


def test_the_members_of_an_ensemble_are_runs_of_their_own(tmp_path: Path) -> None:
    writer = st.TensorBoard(tmp_path)
    for member in (0, 2):
        now = st.Snapshot(
            epoch=1, epochs=1, step=7, steps_per_epoch=7, seconds=1.0, learning_rate=0.1,
            metrics={"epoch": 1, "loss": 0.5 + member}, values={}, member=member,
        )  # fmt: skip
        writer(now)
    assert read(tmp_path / "member-2") == {"loss/training": [(7, 2.5)]}
    assert len([each for each in tmp_path.iterdir() if each.is_file()]) == 1


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigurationError, match="runs is a file"):
        st.TensorBoard(tmp_path / "runs")


def test_without_the_package_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'steepest\[tensorboard\]'"):
        st.TensorBoard(tmp_path)
