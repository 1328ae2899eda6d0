"""Ensembles: members as if each were trained alone, and the mean of what they predict."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

import steepest as st
from steepest.compile import Source
from steepest.errors import ConfigurationError, TrainingError
from steepest.ir.types import Array
from steepest.runtime.executable import NativeProgram
from steepest.train.turns import Turns, run_in_threads
from steepest.transform import executable
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("E1")

X = np.random.default_rng(5).normal(size=(70, 3)).astype(np.float32)
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
NUMBERS = (X[:, :1] * X[:, 1:2] + X[:, 2:]).astype(np.float32)


def network(outputs: int = 3, dropout: float = 0.3) -> Callable[[], st.nn.Module]:
    return lambda: st.nn.MLP(3, [7], outputs, dropout=dropout)


def weights(trainer: st.Trainer) -> list[Any]:
    return [cell.value.numpy() for cell in trainer.model.states().values()]


# ------------------------------------------------------------------------------------- independence


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_each_member_is_what_it_would_be_alone(backend: Backend) -> None:
    options: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 16,
        "validation_data": (X[:20], CLASSES[:20]),
        "early_stopping": st.EarlyStopping(patience=1),
        "metrics": ["accuracy"],
    }
    rule = st.optim.Adam(0.02)
    ensemble = st.EnsembleTrainer(
        network(), "cross_entropy", rule, size=3, l2=0.01, seed=4, threads=2, backend=backend
    )
    histories = ensemble.fit(X, CLASSES, **options)
    for number, (member, history) in enumerate(zip(ensemble.members, histories, strict=True)):
        with st.random.stream(4, member=number):
            model = network()()
        alone = st.Trainer(
            model, "cross_entropy", rule, l2=0.01, seed=4, member=number, backend=backend
        )
        expected = alone.fit(X, CLASSES, **options)
        for mine, other in zip(weights(member), weights(alone), strict=True):
            np.testing.assert_array_equal(mine, other)
        for name in expected.rows[0].keys() - {"seconds"}:
            assert history.column(name) == expected.column(name)
        assert (history.stopped, history.best_epoch) == (expected.stopped, expected.best_epoch)


def constant(dropout: float) -> Callable[[], st.nn.Module]:
    """The same initial weights for all."""

    def make() -> st.nn.Module:
        with st.random.stream(1):
            return network(dropout=dropout)()

    return make


@pytest.mark.parametrize(
    ("dropout", "batch_size", "differ"),
    [(0.0, 8, True), (0.3, None, True), (0.0, None, False)],
    ids=["order of rows", "dropout masks", "nothing"],
)
def test_members_shuffle_and_drop_by_themselves(
    dropout: float, batch_size: int | None, differ: bool
) -> None:
    ensemble = st.EnsembleTrainer(constant(dropout), "cross_entropy", "sgd", size=2)
    first, second = ensemble.fit(X, CLASSES, epochs=2, batch_size=batch_size)
    assert (first.column("loss") != second.column("loss")) is differ


def test_members_begin_with_weights_of_their_own() -> None:
    ensemble = st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=3)
    drawn = {weights(member)[0].tobytes() for member in ensemble.members}
    assert len(drawn) == 3
    with st.random.stream(0):
        alone = network()()
    np.testing.assert_array_equal(
        weights(ensemble.members[0])[0], next(iter(alone.states().values())).value.numpy()
    )


def test_an_equal_program_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    original, made = executable.compiled, list[bytes]()

    def counted(source: Source) -> NativeProgram:
        made.append(source.key)
        return original(source)

    monkeypatch.setattr(executable, "compiled", counted)
    ensemble = st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=4, threads=2)
    ensemble.fit(X, CLASSES, epochs=1, batch_size=16, validation_data=(X, CLASSES))
    assert len(made) == len(set(made)) == 3  # a step, one of the smaller last batch, a prediction


# ---------------------------------------------------------------------------------------- averages


@pytest.mark.parametrize(
    ("loss", "target", "outputs", "meant"),
    [
        ("cross_entropy", CLASSES, 3, lambda f: softmax(f, axis=1)),
        ("binary_logistic", CLASSES > 0, 1, expit),
        ("half_squared_error", NUMBERS, 1, lambda f: f),
        ("poisson", CLASSES, 1, np.exp),
    ],
)
def test_predictions_are_means_over_the_members(
    loss: str, target: Array, outputs: int, meant: Callable[[Any], Any]
) -> None:
    ensemble = st.EnsembleTrainer(network(outputs), loss, st.optim.Adam(0.05), size=4)
    ensemble.fit(X, target, epochs=2, batch_size=None)
    each = [meant(st.predict(m.model, X).astype(np.float64)) for m in ensemble.members]
    mean, deviation = ensemble.predict(X, return_std=True)
    np.testing.assert_allclose(mean, sum(each) / 4, rtol=1e-12)
    squares = sum((one - sum(each) / 4) ** 2 for one in each) / 4
    np.testing.assert_allclose(deviation, np.sqrt(squares), rtol=1e-9)
    np.testing.assert_array_equal(ensemble.predict(X), mean)
    as_one = meant(st.predict(ensemble.network, X).astype(np.float64))
    np.testing.assert_allclose(as_one, mean, rtol=1e-5, atol=1e-6)


def test_the_mean_is_better_than_the_members_are_on_average() -> None:
    """By Jensen's inequality, whatever they predict."""
    ensemble = st.EnsembleTrainer(network(), "cross_entropy", st.optim.Adam(0.05), size=5)
    histories = ensemble.fit(X, CLASSES, epochs=5, batch_size=10, validation_data=(X, CLASSES))
    p = ensemble.predict(X)[np.arange(len(X)), CLASSES]
    assert -np.log(p).mean() < np.mean([h.rows[-1]["validation_loss"] for h in histories])


@pytest.mark.row("E2")
def test_snapshots_of_one_training_are_averaged() -> None:
    with st.random.stream(0):
        trainer = st.Trainer(network()(), "cross_entropy", st.optim.Adam(0.05))
    ensemble = st.SnapshotEnsemble(trainer, every=2, last=2)
    with pytest.raises(TrainingError, match="at least 2 epochs"):
        ensemble.predict(X)
    predicted: list[Array] = []

    def see(_: st.Snapshot) -> None:
        predicted.append(softmax(trainer.predict(X).astype(np.float64), axis=1))

    trainer.fit(X, CLASSES, epochs=7, batch_size=16, callbacks=[ensemble, see])
    assert ensemble.epochs == (4, 6)
    mean, deviation = ensemble.predict(X, return_std=True)
    np.testing.assert_allclose(mean, (predicted[3] + predicted[5]) / 2, rtol=1e-12)
    np.testing.assert_allclose(deviation, np.abs(predicted[3] - predicted[5]) / 2, atol=1e-12)
    np.testing.assert_allclose(
        softmax(st.predict(ensemble.network, X), axis=1), mean, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(predicted[-1], softmax(trainer.predict(X), axis=1), rtol=1e-6)


# ------------------------------------------------------------------------------ what can go wrong


def spoilt(*members: int) -> Callable[[], st.nn.Module]:
    """Models of which some have weights that no loss is finite at."""
    count = iter(range(99))

    def make() -> st.nn.Module:
        model = network()()
        if next(count) in members:
            cell = next(iter(model.parameters().values()))
            cell.assign(cell.value * float("inf"))
        return model

    return make


def test_a_member_that_diverges_at_once_is_left_out() -> None:
    ensemble = st.EnsembleTrainer(spoilt(1), "cross_entropy", "sgd", size=3)
    histories = ensemble.fit(X, CLASSES, epochs=2, batch_size=16)
    assert [len(each) for each in histories] == [2, 0, 2]
    assert histories[1].stopped == "non-finite loss"
    assert histories[1].message.startswith("left out: the loss is nan in epoch 1, batch 1 of 5")
    assert ensemble.voters == (ensemble.members[0], ensemble.members[2])
    assert np.isfinite(ensemble.predict(X)).all()


def test_that_all_diverge_is_an_error() -> None:
    ensemble = st.EnsembleTrainer(spoilt(0, 1), "cross_entropy", "sgd", size=2)
    with pytest.raises(TrainingError, match="the loss is nan in epoch 1"):
        ensemble.fit(X, CLASSES, epochs=2, batch_size=16)


def test_interrupting_stops_all() -> None:
    def interrupt(snapshot: st.Snapshot) -> None:
        if snapshot.member == 2 and snapshot.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    ensemble = st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=4)
    before = signal.getsignal(signal.SIGINT)
    options: dict[str, Any] = {"epochs": 10**6, "batch_size": 16}
    histories = ensemble.fit(X, CLASSES, **options, callbacks=[interrupt])
    assert {each.stopped for each in histories} == {"interrupted"}
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_a_callback_ends_all() -> None:
    def fail(snapshot: st.Snapshot) -> None:
        if snapshot.member == 1:
            raise ZeroDivisionError

    ensemble = st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=3)
    with pytest.raises(ZeroDivisionError):
        ensemble.fit(X, CLASSES, epochs=10**6, batch_size=16, callbacks=[fail])


def test_callbacks_are_called_one_at_a_time_for_each_member() -> None:
    inside, seen = threading.Lock(), list[tuple[int, int]]()

    def see(snapshot: st.Snapshot) -> st.Stop | None:
        assert inside.acquire(blocking=False)
        seen.append((snapshot.member, snapshot.epoch))
        inside.release()
        return st.Stop() if snapshot.member == snapshot.epoch else None

    ensemble = st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=3, threads=3)
    histories = ensemble.fit(
        X, CLASSES, epochs=4, batch_size=16, callbacks=[see, st.EverySteps(1, see)]
    )
    assert [each.stopped for each in histories] == ["finished", "callback", "callback"]
    assert set(seen) == {(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (2, 1), (2, 2)}


def repeated() -> Callable[[], st.nn.Module]:
    model = network()()
    return lambda: model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: st.EnsembleTrainer(network(), "sgd", "sgd", size=0), "size .* not 0"),
        (lambda: st.EnsembleTrainer(network(), "sgd", "sgd", size=True), "size .* not True"),
        (
            lambda: st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=2, threads=0),
            "threads .* not 0",
        ),
        (
            lambda: st.EnsembleTrainer(network()(), "cross_entropy", "sgd", size=2),  # type: ignore
            "make_model is a function",
        ),
        (
            lambda: st.EnsembleTrainer(repeated(), "cross_entropy", "sgd", size=2),
            "the same model",
        ),
        (
            lambda: st.EnsembleTrainer.of(
                [st.Trainer(network()(), "cross_entropy", "sgd") for _ in range(2)]
            ),
            "the same seed and member number",
        ),
        (lambda: st.EnsembleTrainer.of([]), "at least one"),
    ],
)
def test_what_cannot_be_an_ensemble(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


# ------------------------------------------------------------------------------------------- turns


def test_who_waits_longest_is_next() -> None:
    turns, order = Turns(1), list[int]()

    def work(number: int) -> None:
        with turns.taken():
            while len(set(order)) < 3 and len(order) < 10_000:  # until all have begun
                order.append(number)
                turns.pass_on()
            for _ in range(20):
                order.append(number)
                turns.pass_on()

    run_in_threads([lambda number=number: work(number) for number in range(3)], lambda: None)
    all_ask = max(order.index(number) for number in range(3))
    one_ends = min(len(order) - 1 - order[::-1].index(number) for number in range(3))
    settled = order[all_ask : one_ends + 1]
    assert len(settled) > 3
    assert all(len(set(settled[i : i + 3])) == 3 for i in range(len(settled) - 2))


def test_not_more_hold_a_turn_than_there_are_places() -> None:
    turns, inside, most = Turns(2), list[int](), list[int]()

    def work() -> None:
        with turns.taken():
            for _ in range(50):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                turns.pass_on()

    run_in_threads([work] * 5, lambda: None)
    assert max(most) <= 2


@pytest.mark.parametrize("members", [[], 3, [st.nn.Linear(1, 1), 3], st.nn.Linear(1, 1)])
def test_an_ensemble_is_of_modules(members: list[st.nn.Module]) -> None:
    with pytest.raises(ConfigurationError, match=r"nn\.Ensemble: .*members"):
        st.nn.Ensemble(members)


def test_more_members_than_can_be_meant_are_refused_before_one_is_made() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 100,000, not 1,000,000,000"):
        st.EnsembleTrainer(network(), "cross_entropy", "sgd", size=10**9)
