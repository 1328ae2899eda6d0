"""A fit that was interrupted, anywhere, and goes on: the bits of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import CheckpointError, ConfigurationError, DataError, TrainingError
from steepest.train.checkpoint import CheckpointFile, Moment, read_moments, write_moments
from steepest.train.samplers import WithReplacement

RNG = np.random.default_rng(0)
X = RNG.normal(size=(43, 3))
Y = np.tanh(X @ np.array([1.0, -2.0, 0.5])) + 0.3 * RNG.normal(size=43)
HELD_OUT = (X[:11], Y[:11])
Anything = Any  # trainers and ensembles, and what they are given


@dataclass
class Collected:
    """A store that keeps every moment, each as a file gives it back."""

    file: Path
    moments: list[Moment] = field(default_factory=list[Moment])

    def check(self) -> None:
        pass

    def write(self, moment: Moment) -> None:
        write_moments(self.file, {"": moment})
        self.moments.append(CheckpointFile(self.file).read())

    def read(self) -> Moment:
        return self.moments[-1]


@dataclass
class At:
    """A store with one moment to go on from."""

    moment: Moment

    def check(self) -> None:
        pass

    def write(self, moment: Moment) -> None:
        self.moment = moment

    def read(self) -> Moment:
        return self.moment


def trainer(
    optimizer: Anything = None,
    *,
    dropout: float = 0.0,
    batch_norm: str | None = None,
    seed: int = 0,
    backend: Anything = "native",
) -> st.Trainer:
    with st.random.stream(1):
        extra: dict[str, Any] = {} if batch_norm is None else {"batch_norm": batch_norm}
        model = st.nn.MLP(3, [8], 1, activation="tanh", dropout=dropout, **extra)
    rule = st.optim.Adam(0.02) if optimizer is None else optimizer
    return st.Trainer(model, "half_squared_error", rule, l2=1e-3, seed=seed, backend=backend)


schedules = st.optim.schedules
FITS: dict[str, tuple[Callable[[], st.Trainer], dict[str, Any]]] = {
    "gradient descent": (lambda: trainer(st.optim.SGD(0.1)), {}),
    "momentum that rises, rate that falls": (
        lambda: trainer(
            st.optim.Momentum(
                schedules.CosineAnnealing(0.1, steps=30),
                momentum=schedules.LinearAnnealing(0.5, 0.99, steps=25),
            )
        ),
        {"sampler": "fresh_subsets"},
    ),
    "adam, dropout": (lambda: trainer(dropout=0.3), {"sampler": "with_replacement"}),
    "plateau": (lambda: trainer(st.optim.SGD(schedules.Plateau(0.1, patience=1))), {}),
    "averages": (
        lambda: trainer(st.optim.AveragedParameters(st.optim.Adam(0.02), 0.9), dropout=0.2),
        {},
    ),
    "averages, batch normalisation": (
        lambda: trainer(st.optim.AveragedParameters(st.optim.Adam(0.02), 0.9), batch_norm="before"),
        {"sample_weight": np.linspace(0.5, 1.5, 43)},
    ),
    "watched": (lambda: trainer(st.optim.SGD(0.1)), {"watch": 3}),
    "lbfgs": (
        lambda: trainer(st.optim.LBFGS()),
        {"batch_size": None, "epochs": 22, "early_stopping": None},
    ),
}
OPTIONS: dict[str, Any] = {
    "epochs": 6,
    "batch_size": 10,  # the last batch of an epoch is smaller
    "validation_data": HELD_OUT,
    "metrics": ["mse"],
    "early_stopping": st.EarlyStopping(patience=3),
}


def fit(of: st.Trainer, **options: Anything) -> st.History:
    return of.fit(X, Y, **{**OPTIONS, **options})


def cells(of: st.Trainer) -> dict[str, Anything]:
    return {name: cell.value.numpy() for name, cell in of.model.states().items()}


def assert_equal(one: st.Trainer, other: st.Trainer) -> None:
    for name, value in cells(one).items():
        np.testing.assert_array_equal(cells(other)[name], value, err_msg=name)
    assert (one.steps, one.epochs) == (other.steps, other.epochs)


def told(history: st.History) -> tuple[Anything, ...]:
    rows = [{name: row[name] for name in row if name != "seconds"} for row in history.rows]
    ending = (history.stopped, history.best_epoch, history.message)
    return rows, ending, history.watched.to_json_lines()


@pytest.mark.parametrize("name", FITS)
def test_resumed_at_any_step_it_has_the_bits_of_an_uninterrupted_fit(
    name: str, tmp_path: Path
) -> None:
    """After random steps, twenty for each kind of memory that a rule has."""
    make, options = FITS[name]
    whole, store = make(), Collected(tmp_path / "all")
    every = st.Checkpoint(store, every=1, unit="steps")
    expected = fit(whole, **options, checkpoint=every)
    random = np.random.default_rng(len(name))
    again = make()
    count = 20 if name in {"gradient descent", "adam, dropout", "averages", "lbfgs"} else 6
    for place in random.choice(len(store.moments), count, replace=False):
        again = make()
        history = fit(again, **options, resume=At(store.moments[place]))
        assert_equal(again, whole)
        assert told(history) == told(expected)
    more = {**options, "epochs": 1}
    assert told(fit(whole, **more)) == told(fit(again, **more))  # a second call goes on alike


def test_a_fit_that_is_kept_has_the_bits_of_one_that_is_not(tmp_path: Path) -> None:
    kept, plain = trainer(dropout=0.3), trainer(dropout=0.3)
    expected = fit(plain)
    history = fit(kept, checkpoint=st.Checkpoint(tmp_path / "c", every=3, unit="steps"))
    assert_equal(kept, plain)
    assert told(history) == told(expected)


@pytest.mark.parametrize("unit", ["steps", "epochs"])
def test_on_the_reference_too(unit: Anything, tmp_path: Path) -> None:
    store = Collected(tmp_path / "c")
    whole = trainer(dropout=0.3, backend="reference")
    expected = fit(whole, epochs=3, checkpoint=st.Checkpoint(store, every=2, unit=unit))
    again = trainer(dropout=0.3, backend="reference")
    history = fit(again, epochs=3, resume=At(store.moments[0]))
    assert_equal(again, whole)
    assert told(history) == told(expected)


def test_an_ensemble_goes_on_each_member_from_where_it_was(tmp_path: Path) -> None:
    def ensemble() -> st.EnsembleTrainer:
        return st.EnsembleTrainer(
            lambda: st.nn.MLP(3, [8], 1, dropout=0.2),
            "half_squared_error",
            st.optim.Adam(0.02),
            size=2,
            seed=5,
        )

    options: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 6,
        "early_stopping": st.EarlyStopping(monitor="loss"),
    }
    file = tmp_path / "c"
    whole = again = ensemble()
    expected = [told(each) for each in whole.fit(X, Y, **options)]
    random = np.random.default_rng(6)
    for steps in random.integers(1, 22, size=20):

        def stop(now: st.Snapshot, steps: int = int(steps)) -> st.Stop | None:
            return st.Stop("enough") if now.step >= steps - 5 * now.member else None

        callbacks = [st.EverySteps(1, stop)]
        ensemble().fit(X, Y, **options, callbacks=callbacks, checkpoint=st.Checkpoint(file))
        again = ensemble()
        histories = again.fit(X, Y, **options, resume=file)
        assert [told(each) for each in histories] == expected
        np.testing.assert_array_equal(again.predict(X), whole.predict(X))
    with pytest.raises(CheckpointError, match="an ensemble of 2, now one model"):
        fit(trainer(), resume=file)
    smaller = st.EnsembleTrainer.of(again.members[:1])
    with pytest.raises(CheckpointError, match="an ensemble of 2, now an ensemble of 1"):
        smaller.fit(X, Y, **options, resume=file)


# -------------------------------------------------------------------------- when it is interrupted


def test_at_the_time_limit_the_epoch_that_was_cut_short_is_not_counted(tmp_path: Path) -> None:
    """The history has a row of it; the checkpoint goes on within it."""
    slow = st.EverySteps(1, lambda _: time.sleep(0.05))
    file = tmp_path / "c"
    cut = fit(
        trainer(), epochs=50, time_limit=0.4, callbacks=[slow], checkpoint=st.Checkpoint(file)
    )
    assert cut.stopped == "time limit"
    whole, again = trainer(), trainer()
    expected = fit(whole)
    assert told(fit(again, resume=file)) == told(expected)
    assert_equal(again, whole)


INTERRUPTED = """
import os, signal, sys, numpy as np, steepest as st
from test_checkpoints import OPTIONS, fit, trainer

def press(now):
    if now.step == 17:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))

history = fit(
    trainer(dropout=0.3),
    callbacks=[st.EverySteps(1, press)],
    checkpoint=st.Checkpoint(sys.argv[1], every=3, unit="steps"),
)
print(history.stopped)
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_after_ctrl_c_or_a_kill_it_goes_on(how: str, tmp_path: Path) -> None:
    file = tmp_path / "c"
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(file), how],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert ran.stdout.strip() == ("interrupted" if how == "SIGINT" else ""), ran.stderr
    assert CheckpointFile(file).read().state["journal"]["history"]["rows"][-1]["step"] == 15
    whole, again = trainer(dropout=0.3), trainer(dropout=0.3)
    expected = fit(whole)
    assert told(fit(again, resume=file)) == told(expected)
    assert_equal(again, whole)


def test_a_fit_that_diverges_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    file = tmp_path / "c"
    checkpoint = st.Checkpoint(file, every=1)

    def spoil(now: st.Snapshot) -> None:
        if now.epoch == 2:
            cell = chosen.model.states()["layers.0.weight"]
            cell.assign(np.full(cell.shape, np.inf))

    chosen = trainer()
    history = fit(chosen, callbacks=[spoil], checkpoint=checkpoint)
    assert history.stopped == "non-finite loss"
    # What the callback did came after the second epoch, and is in its checkpoint.
    assert CheckpointFile(file).read().state["epoch"] == 3


def test_a_finished_fit_has_nothing_left_to_do_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "c"
    first = trainer()
    expected = fit(first, checkpoint=st.Checkpoint(file), early_stopping=None)
    assert CheckpointFile(file).read().ending == "finished"
    again = trainer()
    seen: list[int] = []
    history = fit(again, resume=file, early_stopping=None, callbacks=[lambda now: seen.append(1)])
    assert told(history) == told(expected)
    assert not seen
    assert_equal(again, first)
    longer, whole = trainer(), trainer()
    expected = fit(whole, epochs=9, early_stopping=None)
    assert told(fit(longer, epochs=9, resume=file, early_stopping=None)) == told(expected)
    assert_equal(longer, whole)
    with pytest.raises(CheckpointError, match="after epoch 6, and epochs asks for 4 in all"):
        fit(trainer(), epochs=4, resume=file, early_stopping=None)


@pytest.mark.row("N8")
def test_early_stopping_is_over_for_good(tmp_path: Path) -> None:
    file = tmp_path / "c"
    options = {"epochs": 300, "early_stopping": st.EarlyStopping(patience=2)}
    first, again = trainer(st.optim.Adam(0.1)), trainer(st.optim.Adam(0.1))
    expected = fit(first, **options, checkpoint=st.Checkpoint(file))
    assert expected.stopped == CheckpointFile(file).read().ending == "early stopping"
    assert told(fit(again, **options, resume=file)) == told(expected)
    assert_equal(again, first)


def test_the_second_call_of_fit_is_kept_with_its_own_beginning(tmp_path: Path) -> None:
    file = tmp_path / "c"
    whole, cut, again = trainer(), trainer(), trainer()
    fit(whole, epochs=2)
    fit(cut, epochs=2)
    expected = fit(whole)
    stop = st.EverySteps(1, lambda now: st.Stop() if now.step == 23 else None)
    fit(cut, callbacks=[stop], checkpoint=st.Checkpoint(file))
    history = fit(again, resume=file)
    assert history.rows[0]["epoch"] == 3
    assert told(history) == told(expected)
    assert_equal(again, whole)


def test_what_a_trainer_had_learnt_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "c"
    stop = st.EverySteps(1, lambda now: st.Stop() if now.step == 12 else None)
    fit(trainer(), callbacks=[stop], checkpoint=st.Checkpoint(file))
    whole, used = trainer(), trainer()
    fit(used, epochs=3)
    expected = fit(whole)
    assert told(fit(used, resume=file)) == told(expected)
    assert_equal(used, whole)


def test_seconds_count_on(tmp_path: Path) -> None:
    file = tmp_path / "c"
    slow = [st.EverySteps(1, lambda now: time.sleep(0.1) if now.step == 1 else None)]
    stop = st.EverySteps(1, lambda now: st.Stop() if now.step == 7 else None)
    fit(trainer(), callbacks=[*slow, stop], checkpoint=st.Checkpoint(file))
    history = fit(trainer(), resume=file)
    seconds = history.column("seconds")
    assert seconds[0] > 0.1
    assert seconds == sorted(seconds)


# --------------------------------------------------------------------------------- of another fit


def with_one(array: Anything, value: float) -> Anything:
    changed = np.array(array)
    changed.flat[4] = value
    return changed


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "rows": (lambda file: trainer().fit(X[:40], Y[:40], **OPTIONS, resume=file), "43 rows, now 40"),
    "validation rows": (
        lambda file: fit(trainer(), validation_data=(X[:9], Y[:9]), resume=file),
        "11 validation rows, now 9",
    ),
    "x": (
        lambda file: trainer().fit(with_one(X, 7.0), Y, **OPTIONS, resume=file),
        "other values in x",
    ),
    "y": (
        lambda file: trainer().fit(X, with_one(Y, 7.0), **OPTIONS, resume=file),
        "other values in y",
    ),
    "validation x": (
        lambda file: fit(trainer(), validation_data=(with_one(X[:11], 1.0), Y[:11]), resume=file),
        "other values in validation x",
    ),
    "weights": (
        lambda file: fit(trainer(), sample_weight=np.arange(43), resume=file),
        "no sample_weight, now with it",
    ),
    "no validation": (
        lambda file: fit(trainer(), validation_data=None, early_stopping=None, resume=file),
        "early_stopping=EarlyStopping, now None",
    ),
    "batch size": (
        lambda file: fit(trainer(), batch_size=12, resume=file),
        "batch_size=10, now 12",
    ),
    "sampler": (
        lambda file: fit(trainer(), sampler=WithReplacement(), resume=file),
        "sampler=DisjointBatches, now WithReplacement",
    ),
    "seed": (lambda file: fit(trainer(seed=1), resume=file), "seed=0, now 1"),
    "rate": (
        lambda file: fit(trainer(st.optim.Adam(0.03)), resume=file),
        "optimizer.learning_rate=0.02, now 0.03",
    ),
    "rule": (
        lambda file: fit(trainer(st.optim.SGD(0.02)), resume=file),
        "optimizer=Adam, now SGD",
    ),
    "dropout": (lambda file: fit(trainer(dropout=0.5), resume=file), "model="),
    "patience": (
        lambda file: fit(trainer(), early_stopping=st.EarlyStopping(patience=4), resume=file),
        "early_stopping.patience=3, now 4",
    ),
    "metrics": (lambda file: fit(trainer(), metrics=["r2"], resume=file), "metrics=mse, now r2"),
    "backend": (
        lambda file: fit(trainer(backend="reference"), resume=file),
        "backend=native, now reference",
    ),
    "member": (
        lambda file: fit(
            st.Trainer(trainer().model, "half_squared_error", st.optim.Adam(0.02), member=1),
            resume=file,
        ),
        "member=0, now 1",
    ),
    "loss": (
        lambda file: fit(
            st.Trainer(trainer().model, "squared_error", st.optim.Adam(0.02), l2=1e-3), resume=file
        ),
        "loss=HalfSquaredError, now SquaredError",
    ),
    "width": (
        lambda file: fit(
            st.Trainer(
                st.nn.MLP(3, [9], 1, activation="tanh"),
                "half_squared_error",
                st.optim.Adam(0.02),
                l2=1e-3,
            ),
            resume=file,
        ),
        r"layers.0.weight of the model=float32\[8, 3\], now float32\[9, 3\]",
    ),
    "about": (
        lambda file: fit(
            trainer(), resume=file, checkpoint=st.Checkpoint(file, about={"scaling": "standard"})
        ),
        "scaling=robust, now standard",
    ),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kept") / "run.safetensors"
    fit(trainer(), epochs=2, checkpoint=st.Checkpoint(file, about={"scaling": "robust"}))
    return file


@pytest.mark.parametrize("name", OTHERS)
def test_the_checkpoint_of_another_fit_is_refused_with_the_difference(
    name: str, kept: Path
) -> None:
    attempt, message = OTHERS[name]
    before = kept.read_bytes()
    with pytest.raises(CheckpointError, match=f"checkpoint of another fit: .*{message}") as caught:
        attempt(kept)
    assert "run.safetensors is a" in str(caught.value)
    assert kept.read_bytes() == before


def test_equal_options_are_taken_and_nobody_need_repeat_what_it_is_about(kept: Path) -> None:
    expected = told(fit(trainer()))
    assert told(fit(trainer(), resume=kept)) == expected
    file = kept.with_name("copy")
    file.write_bytes(kept.read_bytes())
    about = {"scaling": "robust"}
    checkpoint = st.Checkpoint(file, about=about)
    assert told(fit(trainer(), resume=file, checkpoint=checkpoint)) == expected


def test_epochs_that_the_rate_depends_on_are_named(tmp_path: Path) -> None:
    def falling(epochs: int) -> st.Trainer:
        return trainer(st.optim.SGD(schedules.CosineAnnealing(0.1, steps=5 * epochs)))

    file = tmp_path / "c"
    fit(falling(6), checkpoint=st.Checkpoint(file))
    with pytest.raises(CheckpointError, match="steps=30, now 45; epochs=6, now 9"):
        fit(falling(9), epochs=9, resume=file)


def test_a_trainer_that_was_refused_is_as_it_was(kept: Path) -> None:
    chosen, same = trainer(), trainer()
    with pytest.raises(CheckpointError):
        fit(chosen, batch_size=12, resume=kept)
    assert_equal(chosen, same)
    assert told(fit(chosen)) == told(fit(same))


def rewritten(file: Path, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with another document in it."""
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    document = json.loads(header["__metadata__"]["steepest"])
    del document["checksum"]  # that of the change is not the point
    change(document)
    header["__metadata__"]["steepest"] = json.dumps(document)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def other_version(document: dict[str, Any]) -> None:
    document["moments"][""]["fingerprint"]["steepest"] = "0.0.9"


BROKEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "cut short": (lambda file: file.read_bytes()[:-100], "is damaged or cut short"),
    "empty": (lambda file: b"", "it has only 0 bytes"),
    "text": (lambda file: b"a,b\n1,2\n" * 9, "is no checkpoint; give a file written by a fit"),
    "newer": (
        lambda file: rewritten(file, lambda document: document.update(format=99)),
        "has checkpoint format 99",
    ),
    "of another version": (
        lambda file: rewritten(file, other_version),
        "made with steepest 0.0.9, and this is",
    ),
    "without moments": (
        lambda file: rewritten(file, lambda document: document.pop("moments")),
        "it lacks what a checkpoint has",
    ),
    "a model": (
        lambda file: rewritten(file, lambda document: document.pop("holds")),
        "is a model, no checkpoint",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_checkpoint_or_a_broken_one_is_refused(
    name: str, kept: Path, tmp_path: Path
) -> None:
    spoil, message = BROKEN[name]
    file = tmp_path / "broken.safetensors"
    file.write_bytes(spoil(kept))
    with pytest.raises(CheckpointError, match=message):
        fit(trainer(), resume=file)


def test_there_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        fit(trainer(), resume=tmp_path / "none")


# ------------------------------------------------------------------------------------- the file


def test_numbers_of_all_kinds_come_back_as_they_were(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "nothing": None,
        "numbers": [1, -0.1, 1e-310, float("inf"), float("-inf"), True],
        "scalar": np.float32(0.1),
        "arrays": {
            "a/b": np.arange(6, dtype=np.uint32).reshape(2, 3),
            "c": [np.array(0.1), np.zeros((0, 4), np.float32), np.array([np.nan, -0.0])],
        },
        "text": 'a "dict": {array}',
    }
    file = tmp_path / "c"
    write_moments(file, {"": Moment({"seed": "0"}, state, 1, 2), "1": None})
    moments = read_moments(file)
    assert moments["1"] is None
    again = moments[""]
    assert again is not None
    assert again.state["numbers"] == state["numbers"]
    assert again.state["scalar"] == float(np.float32(0.1))
    assert again.state["text"] == state["text"]
    np.testing.assert_array_equal(again.state["arrays"]["a/b"], state["arrays"]["a/b"])
    for one, other in zip(again.state["arrays"]["c"], state["arrays"]["c"], strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()


def test_a_disk_that_is_full_is_no_reason_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import steepest.data

    file = tmp_path / "c"
    fit(trainer(), epochs=1, checkpoint=st.Checkpoint(file))
    before = file.read_bytes()

    def full(path: object) -> None:
        raise DataError(f"{path} cannot be written: no space left on device")

    monkeypatch.setattr(steepest.data, "whole_file", full)
    with pytest.warns(st.CheckpointWarning, match="training goes on: .* no space left"):
        history = fit(trainer(), epochs=2, checkpoint=st.Checkpoint(file))
    assert len(history) == 2
    assert file.read_bytes() == before


def test_a_folder_that_is_not_there_is_refused_before_training(tmp_path: Path) -> None:
    chosen = trainer()
    with pytest.raises(DataError, match="there is no folder"):
        fit(chosen, checkpoint=st.Checkpoint(tmp_path / "none" / "c"))
    assert chosen.steps == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every is a whole number from 1 on, not 0"),
        ({"every": 1.5}, "not 1.5"),
        ({"unit": "minutes"}, "unit is 'epochs' or 'steps', not 'minutes'"),
    ],
)
def test_impossible_intervals_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        st.Checkpoint("c", **options)


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is the path of a file, not 3"):
        fit(trainer(), checkpoint=st.Checkpoint(3))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match=r"checkpoint is st\.Checkpoint\(FILE\).* not 'c'"):
        fit(trainer(), checkpoint="c")


def test_it_is_written_when_it_is_due(tmp_path: Path) -> None:
    for unit, every, expected in (
        ("epochs", 2, [10, 20, 30]),
        ("epochs", 4, [20, 30]),  # always at the end
        ("steps", 7, [7, 14, 21, 28, 30]),
        ("steps", 5, [5, 10, 15, 20, 25, 30]),
    ):
        store = Collected(tmp_path / "c")
        checkpoint = st.Checkpoint(store, every=every, unit=unit)  # pyright: ignore[reportArgumentType]
        fit(trainer(), checkpoint=checkpoint, early_stopping=None)
        steps = [int(each.state["cells"]["step"]) for each in store.moments]
        assert steps == expected, (unit, every)


def test_an_exception_of_a_callback_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    file = tmp_path / "c"

    def fail(now: st.Snapshot) -> None:
        if now.step == 14:
            raise TrainingError("a mistake")

    checkpoint = st.Checkpoint(file, every=4, unit="steps")
    with pytest.raises(TrainingError, match="a mistake"):
        fit(trainer(), callbacks=[st.EverySteps(1, fail)], checkpoint=checkpoint)
    assert int(CheckpointFile(file).read().state["cells"]["step"]) == 12
    whole, again = trainer(), trainer()
    assert told(fit(again, resume=file)) == told(fit(whole))
    assert_equal(again, whole)
