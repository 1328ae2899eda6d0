"""How training ends: early stopping, callbacks, time limit, Ctrl-C, a loss that is not finite."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, TrainingError
from steepest.transform.executable import Backend, Executable, Task, executable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ np.array([1.0, -2.0, 0.5])
NOISE = RNG.normal(size=60)
Array = Any


def trainer(rule: str | st.optim.Rule = "adam", *, activation: str = "tanh") -> st.Trainer:
    with st.random.stream(0):
        model = st.nn.MLP(3, [30], 1, activation=activation)
    return st.Trainer(model, "half_squared_error", rule)


def cells(of: st.Trainer) -> dict[str, Array]:
    return {name: cell.value.numpy() for name, cell in of.model.states().items()}


def equal(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


# --------------------------------------------------------------------------------- early stopping

# learning noise by heart: the validation loss falls first and rises then
OVERFITS: dict[str, Any] = {
    "epochs": 200,
    "batch_size": 10,
    "validation_data": (X[30:], Y[30:] + NOISE[30:]),
}


def fit_with_snapshots(
    early_stopping: st.EarlyStopping | None, **options: Array
) -> tuple[st.Trainer, st.History, list[dict[str, Array]]]:
    seen: list[dict[str, Array]] = []
    chosen = trainer(st.optim.Adam(0.02))
    history = chosen.fit(
        X[:30],
        Y[:30] + NOISE[:30],
        callbacks=[lambda now: seen.append(now.weights())],
        early_stopping=early_stopping,
        **{**OVERFITS, **options},
    )
    return chosen, history, seen


@pytest.mark.row("N8")
def test_patience_runs_out_and_the_best_weights_come_back() -> None:
    chosen, history, seen = fit_with_snapshots(st.EarlyStopping(patience=7))
    losses = history.column("validation_loss")
    assert history.stopped == "early stopping"
    assert history.best_epoch is not None
    assert history.best_epoch == 1 + int(np.argmin(losses))
    assert len(losses) == history.best_epoch + 7
    assert equal(cells(chosen), seen[history.best_epoch - 1])
    assert not equal(cells(chosen), seen[-1])
    prediction = chosen.predict(X[30:])[:, 0].astype(np.float64)
    assert 0.5 * np.mean((prediction - OVERFITS["validation_data"][1]) ** 2) == pytest.approx(
        min(losses), rel=1e-5
    )


@pytest.mark.parametrize("patience", [None, 1000])
def test_the_best_weights_come_back_also_when_patience_never_fires(patience: int | None) -> None:
    chosen, history, seen = fit_with_snapshots(st.EarlyStopping(patience=patience), epochs=60)
    assert history.stopped == "finished"
    assert history.best_epoch is not None
    assert history.best_epoch < 60
    assert equal(cells(chosen), seen[history.best_epoch - 1])


@pytest.mark.row("N8")
def test_without_early_stopping_the_last_weights_stay() -> None:
    chosen, history, seen = fit_with_snapshots(None, epochs=60)
    assert history.best_epoch is not None
    assert history.best_epoch < 60
    assert equal(cells(chosen), seen[-1])


def test_small_improvements_do_not_reset_patience_but_still_give_the_best_weights() -> None:
    stopping = st.EarlyStopping(patience=3, minimum_improvement=10.0)
    chosen, history, seen = fit_with_snapshots(stopping)
    assert history.best_epoch is not None
    assert len(history) == 4  # the first epoch counts as an improvement on nothing
    assert history.best_epoch == 1 + int(np.argmin(history.column("validation_loss")))
    assert equal(cells(chosen), seen[history.best_epoch - 1])


def test_a_rising_metric_can_be_watched() -> None:
    metrics = {"r2": st.metrics.r2}
    stopping = st.EarlyStopping(patience=5, monitor="validation_r2")
    _, history, _ = fit_with_snapshots(stopping, metrics=metrics)
    assert history.best_epoch == 1 + int(np.argmax(history.column("validation_r2")))


def test_a_value_that_is_not_a_number_is_never_the_best() -> None:
    values = iter([float("nan"), 3.0, float("nan"), 2.0, 5.0])
    history = trainer().fit(
        X,
        Y,
        epochs=5,
        batch_size=30,
        metrics={"odd": lambda f, y: next(values) if len(f) == 60 else 0.0},
        early_stopping=st.EarlyStopping(patience=3, monitor="odd"),
    )
    assert len(history) == 5
    assert history.best_epoch == 4


def test_what_is_watched_must_exist() -> None:
    with pytest.raises(ConfigurationError, match="give validation_data, or watch 'loss'"):
        trainer().fit(X, Y, epochs=1, batch_size=10, early_stopping=st.EarlyStopping())
    with pytest.raises(ConfigurationError, match="did you mean 'validation_loss'"):
        fit_with_snapshots(st.EarlyStopping(monitor="validation_los"), epochs=1)
    history = trainer().fit(
        X, Y, epochs=2, batch_size=10, early_stopping=st.EarlyStopping(monitor="loss")
    )
    assert history.best_epoch is not None


@pytest.mark.parametrize("options", [{"patience": 0}, {"minimum_improvement": -1.0}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="EarlyStopping"):
        st.EarlyStopping(**options)


# -------------------------------------------------------------------------------------- callbacks


def test_callbacks_see_snapshots_that_stay_as_they_were() -> None:
    seen: list[st.Snapshot] = []
    trainer().fit(X, Y, epochs=3, batch_size=25, callbacks=[st.EveryEpoch(seen.append)])
    assert [now.epoch for now in seen] == [1, 2, 3]
    assert [now.step for now in seen] == [3, 6, 9]
    assert {(now.epochs, now.steps_per_epoch, now.learning_rate) for now in seen} == {(3, 3, 0.001)}
    assert [now.metrics["epoch"] for now in seen] == [1, 2, 3]
    first, second = (now.weights()["layers.0.weight"] for now in seen[:2])
    assert not np.array_equal(first, second)
    first[:] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        seen[0].values["layers.0.weight"][:] = 0.0
    assert seen[0].weights()["layers.0.weight"].any()
    with pytest.raises(AttributeError):
        seen[0].epoch = 5  # type: ignore[misc]


def test_callbacks_every_n_steps_count_over_epochs() -> None:
    steps: list[int] = []
    trainer().fit(
        X, Y, epochs=4, batch_size=20, callbacks=[st.EverySteps(5, lambda n: steps.append(n.step))]
    )
    assert steps == [5, 10]


def test_the_models_cells_hold_the_snapshots_values_during_a_callback() -> None:
    chosen = trainer()

    def compare(now: st.Snapshot) -> None:
        assert equal(now.weights(), cells(chosen))

    chosen.fit(X, Y, epochs=2, batch_size=20, callbacks=[compare, st.EverySteps(1, compare)])


def test_a_callback_may_change_the_models_cells() -> None:
    chosen = trainer(st.optim.SGD(1e-12))
    cell = chosen.model.states()["layers.0.bias"]
    chosen.fit(
        X, Y, epochs=2, batch_size=None, callbacks=[lambda now: cell.assign(np.full(30, 7.0))]
    )
    np.testing.assert_allclose(cell.value.numpy(), 7.0)


def test_a_callback_stops_training_with_its_reason() -> None:
    def stop(now: st.Snapshot) -> st.Stop | None:
        return st.Stop("far enough") if now.epoch == 2 else None

    history = trainer().fit(X, Y, epochs=5, batch_size=20, callbacks=[stop])
    assert (len(history), history.stopped, history.message) == (2, "callback", "far enough")
    inside = st.EverySteps(4, lambda now: st.Stop())
    history = trainer().fit(X, Y, epochs=5, batch_size=20, callbacks=[inside])
    assert (len(history), history.stopped) == (1, "callback")


def test_an_error_in_a_callback_is_the_users_and_leaves_the_model_as_it_was_then() -> None:
    chosen = trainer()

    def fail(now: st.Snapshot) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        chosen.fit(X, Y, epochs=5, batch_size=20, callbacks=[fail])
    assert chosen.epochs == 1


# ----------------------------------------------------------------------------- time limit, Ctrl-C


def test_the_time_limit_is_kept_and_the_epoch_under_way_still_counts() -> None:
    chosen = trainer()
    slow = st.EverySteps(1, lambda now: time.sleep(0.01))
    begun = time.monotonic()
    history = chosen.fit(
        X, Y, epochs=10_000, batch_size=2, time_limit=0.5, callbacks=[slow], sampler="in_order"
    )
    assert history.stopped == "time limit"
    assert time.monotonic() - begun < 10
    assert history.rows[-1]["step"] == chosen.steps


def press_after(steps: int) -> st.EverySteps:
    return st.EverySteps(steps, lambda now: os.kill(os.getpid(), signal.SIGINT))


def test_control_c_stops_within_a_batch_and_returns() -> None:
    chosen = trainer()
    before = signal.getsignal(signal.SIGINT)
    history = chosen.fit(X, Y, epochs=10, batch_size=6, callbacks=[press_after(25)])
    assert history.stopped == "interrupted"
    assert len(history) == 2
    assert chosen.steps == 25
    assert signal.getsignal(signal.SIGINT) is before


def test_control_c_gives_the_best_weights_back() -> None:
    seen: list[dict[str, Array]] = []
    chosen = trainer(st.optim.Adam(0.02))
    history = chosen.fit(
        X[:30],
        Y[:30] + NOISE[:30],
        callbacks=[lambda now: seen.append(now.weights()), press_after(302)],
        early_stopping=st.EarlyStopping(patience=None),
        **OVERFITS,
    )
    assert history.stopped == "interrupted"
    assert len(history) == 100
    assert history.best_epoch is not None
    assert equal(cells(chosen), seen[history.best_epoch - 1])


def test_a_second_control_c_leaves_at_once() -> None:
    def press_twice(now: st.Snapshot) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)  # the signal is delivered at the latest here

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trainer().fit(X, Y, epochs=10, batch_size=6, callbacks=[press_twice])
    assert signal.getsignal(signal.SIGINT) is before


def test_training_in_another_thread_leaves_signals_alone() -> None:
    found: list[str] = []

    def work() -> None:
        found.append(trainer().fit(X, Y, epochs=1, batch_size=20).stopped)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["finished"]


def test_control_c_that_is_ignored_stays_ignored() -> None:
    code = (
        "import os, signal, numpy as np, steepest as st\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "press = st.EverySteps(1, lambda now: os.kill(os.getpid(), signal.SIGINT))\n"
        "trainer = st.Trainer(st.nn.Linear(1, 1), 'squared_error', 'sgd')\n"
        "x = np.ones((4, 1))\n"
        "print(trainer.fit(x, x, epochs=2, batch_size=2, callbacks=[press]).stopped)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "finished"


# ------------------------------------------------------------------------------- non-finite losses


def test_a_rate_that_is_too_high_is_named_with_place_cause_and_remedy() -> None:
    chosen = trainer(st.optim.SGD(1e6), activation="relu")
    with pytest.raises(TrainingError) as caught:
        chosen.fit(X, Y, epochs=3, batch_size=5)
    text = str(caught.value)
    assert "in epoch 1, batch" in text
    assert " of 12 (step " in text
    assert ", learning rate 1e+06): " in text
    assert "learning rate (1e+06) is too high" in text


def test_the_best_weights_are_kept_when_the_loss_is_not_finite_later() -> None:
    chosen = trainer(st.optim.SGD(0.01))
    seen: list[dict[str, Array]] = []

    def spoil(now: st.Snapshot) -> None:
        seen.append(now.weights())
        if now.epoch == 3:
            cell = chosen.model.states()["layers.0.weight"]
            cell.assign(np.full(cell.shape, np.inf))

    history = chosen.fit(X, Y, epochs=9, batch_size=20, callbacks=[spoil])
    assert history.stopped == "non-finite loss"
    place = "in epoch 4, batch 1 of 3 (step 10, learning rate 0.01)"
    assert f"the loss is nan {place}" in history.message
    assert "parameter layers.0.weight" in history.message
    assert f"the best weights, those of epoch {history.best_epoch}, are kept" in history.message
    assert len(history) == 3
    assert history.best_epoch is not None
    assert equal(cells(chosen), seen[history.best_epoch - 1])


class Logarithm(st.nn.Module):
    def __init__(self) -> None:
        self.inner = st.nn.Linear(3, 1, initialise="zeros")

    def forward(self, x: st.Tensor) -> st.Tensor:
        return st.log(self.inner(x))


def test_the_layer_and_the_operation_are_named() -> None:
    model = st.nn.Sequential(st.nn.Linear(3, 3), Logarithm())
    with pytest.raises(TrainingError) as caught:
        st.Trainer(model, "squared_error", "sgd").fit(X, Y, epochs=1, batch_size=20)
    text = str(caught.value)
    assert "comes out of layers.1 (Logarithm(), in log at line " in text
    assert "of test_stopping.py: return st.log(self.inner(x)))" in text
    assert "log has no finite value for what it was given" in text


def test_a_loss_that_is_not_finite_by_itself_is_named() -> None:
    loss = st.losses.Unchecked(lambda f, y: st.log(f[:, 0] * 0.0 - 1.0))
    chosen = st.Trainer(st.nn.Linear(3, 1), loss, "sgd")
    before = cells(chosen)
    with pytest.raises(TrainingError, match="comes out of the loss itself, in log at line "):
        chosen.fit(X, Y, epochs=1, batch_size=20)
    assert equal(cells(chosen), before)
    assert chosen.steps == 0


def test_the_step_with_the_bad_loss_is_not_kept() -> None:
    """Row 50 alone is bad: the weights are those after two batches."""
    x = X.astype(np.float32)
    x[50] = 1e30
    bad, good = (trainer(st.optim.SGD(0.01), activation="relu") for _ in range(2))
    with pytest.raises(TrainingError, match="batch 3 of 3"):
        bad.fit(x, Y, epochs=1, batch_size=20, sampler="in_order")
    good.fit(
        x,
        Y,
        epochs=1,
        batch_size=20,
        sampler="in_order",
        callbacks=[st.EverySteps(2, lambda now: st.Stop())],
    )
    assert bad.steps == good.steps == 2
    assert equal(cells(bad), cells(good))


# ---------------------------------------------------------------------------------------- history


def test_history_as_json_lines_and_in_a_notebook() -> None:
    history = trainer().fit(
        X, Y, epochs=20, batch_size=20, validation_data=(X, Y), metrics={"r2": st.metrics.r2}
    )
    rows = [json.loads(line) for line in history.to_json_lines().splitlines()]
    assert rows == history.rows
    html: Any = history
    text = html._repr_html_()
    assert text.count("<polyline") == 2
    assert "validation loss" in text
    assert "8 earlier epochs not shown" in text
    assert repr(history) == f"<history: 20 epochs, finished, best epoch {history.best_epoch}>"


def test_history_says_which_epochs_it_is_of() -> None:
    one = trainer()
    one.fit(X, Y, epochs=10, batch_size=20)
    again = one.fit(X, Y, epochs=3, batch_size=20)
    assert repr(again) == f"<history: 3 epochs (11–13), finished, best epoch {again.best_epoch}>"
    assert repr(one.fit(X, Y, epochs=1, batch_size=20)).startswith("<history: 1 epoch (14), ")


def test_history_prints_as_a_table_of_its_last_epochs() -> None:
    history = trainer().fit(X, Y, epochs=20, batch_size=20, metrics=["r2"])
    lines = str(history).splitlines()
    assert lines[0] == "(8 earlier epochs not shown)"
    assert lines[1].split() == ["epoch", "loss", "penalty", "r2", "learning", "rate"]
    assert len({len(line) for line in lines[1:-1]}) == 1
    assert [line.split()[-5] for line in lines[2:-1]] == [str(epoch) for epoch in range(9, 21)]
    starred = [line.split()[1] for line in lines if line.startswith("*")]
    assert starred == [str(history.best_epoch)]
    assert lines[-1] == "finished"
    assert str(st.History()) == repr(st.History())


def test_the_curve_has_axes_with_numbers() -> None:
    history = st.History()
    losses = [4.0, float("nan"), 1.0]
    history.rows = [{"epoch": 7 + i, "loss": loss} for i, loss in enumerate(losses)]
    html: Any = history
    picture = html._repr_html_().partition("</svg>")[0]
    for text in (">4<", ">1<", ">7<", ">9<", ">epoch<", "sans-serif"):
        assert text in picture
    points = picture.partition('points="')[2].partition('"')[0].split()
    assert [point.split(",")[0] for point in points] == ["56.0", "412.0"]  # the NaN leaves a gap


def test_the_curve_of_a_falling_loss_falls() -> None:
    history = st.History()
    history.rows = [{"epoch": 1, "loss": 4.0}, {"epoch": 2, "loss": 1.0}]
    html: Any = history
    points = html._repr_html_().partition('points="')[2].partition('"')[0]
    (x0, y0), (x1, y1) = ([float(n) for n in each.split(",")] for each in points.split())
    assert 0 <= x0 < x1 <= 420
    assert 0 <= y0 < y1 <= 140  # y counts from the top


def test_numbers_that_json_lacks_become_null() -> None:
    history = st.History()
    history.rows.append({"epoch": 1, "loss": float("nan")})
    assert json.loads(history.to_json_lines()) == {"epoch": 1, "loss": None}
    html: Any = history
    assert "<table>" in html._repr_html_()


def test_it_says_how_long_programs_took_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three: for whole batches, for the smaller last one, and for validation."""
    made: list[Task] = []

    def slowly(task: Task, backend: Backend) -> Executable:
        made.append(task)
        time.sleep(0.05)
        return executable(task, backend)

    for name in ("loop", "predict"):
        monkeypatch.setattr(sys.modules[f"steepest.train.{name}"], "executable", slowly)
    once = trainer().fit(X, Y, epochs=3, batch_size=25, validation_data=(X, Y))
    assert len(made) == 3
    assert once.compiling >= 3 * 0.05
    assert once.rows[-1]["seconds"] >= 2 * 0.05  # which does not begin before the first batch
    assert st.History().compiling == 0
