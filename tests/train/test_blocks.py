"""Training from blocks that are read: their order, every row once, and nothing left behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

import steepest as st
from steepest.errors import CheckpointError, ConfigurationError, DataError, TrainingError
from steepest.losses import Unchecked
from steepest.tensor.random import permutation
from steepest.train.checkpoint import CheckpointFile, Moment, write_moments
from steepest.train.samplers import Draw

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1003, 3))
Y = np.tanh(X @ np.array([1.0, -2.0, 0.5])) + 0.3 * RNG.normal(size=1003)
_DRAWN = RNG.uniform(0.5, 1.5, size=1003)
WEIGHTS = _DRAWN / _DRAWN.mean()
HELD_OUT = (X[:101], Y[:101])
Anything = Any
THREAD = "steepest reads ahead"


def order_of(draw: Draw, rows: int = len(X)) -> Anything:
    """Which rows an epoch reads, one after the other."""
    return permutation(rows, seed=99, draw=draw.epoch)


def reading(
    *arrays: Anything, cuts: Sequence[int] = (70, 1, 333), pause: float = 0.0
) -> Callable[[Draw], Iterator[Anything]]:
    """Chunks of these lengths in turn, in the order of the draw."""

    def read(draw: Draw) -> Iterator[Anything]:
        order, start, turn = order_of(draw, len(arrays[0])), 0, 0
        while start < len(order):
            rows = order[start : start + cuts[turn % len(cuts)]]
            time.sleep(pause)
            yield tuple(array[rows] for array in arrays)
            start, turn = start + len(rows), turn + 1

    return read


def blocks(*arrays: Anything, block_rows: int = 300, **options: Anything) -> st.Blocks:
    return st.Blocks(reading(*arrays, **options), rows=len(arrays[0]), block_rows=block_rows)


def trainer(rule: Anything = None, backend: Anything = "native", **options: Anything) -> st.Trainer:
    with st.random.stream(1):
        model = st.nn.MLP(3, [8], 1, activation="tanh", **options)
    return st.Trainer(model, "half_squared_error", rule or st.optim.Adam(0.02), backend=backend)


def cells(of: st.Trainer) -> list[Anything]:
    return [cell.value.numpy() for cell in of.model.states().values()]


def equal(one: st.Trainer, other: st.Trainer) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(cells(one), cells(other), strict=True))


def rows_in_order(epochs: int, block_rows: int, batch: int, rows: int = len(X)) -> Anything:
    """A transcription: what is read, cut into blocks, and each block in an order of its own."""
    found = []
    for epoch in range(epochs):
        read = order_of(Draw(0, 0, epoch), rows)
        for number, start in enumerate(range(0, rows, block_rows)):
            block = read[start : start + block_rows]
            if len(block) != batch:
                drawn = permutation(len(block), seed=0, draw=epoch, part=number)
                block = block[drawn]
            found.append(block)
    return np.concatenate(found).reshape(epochs, rows)


@dataclass
class Line:
    """Half the squared error of a line by gradient descent, in NumPy."""

    rate: float
    weight: Anything = field(default_factory=lambda: np.zeros(3))
    bias: float = 0.0

    def step(self, x: Anything, y: Anything, weights: Anything) -> float:
        error = x @ self.weight + self.bias - y
        loss = float(np.mean(weights * 0.5 * error**2))
        slope = weights * error / len(y)
        self.weight = self.weight - self.rate * (x.T @ slope)
        self.bias = self.bias - self.rate * float(slope.sum())
        return loss


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    ("block_rows", "batch", "whole"),
    [(300, 50, 300), (310, 50, 300), (501, 50, 500), (50, 50, 50), (64, 20, 60), (1000, 7, 994)],
)
def test_losses_are_those_of_a_transcription(
    backend: Anything, block_rows: int, batch: int, whole: int
) -> None:
    model = st.nn.Linear(3, 1)
    model = model.astype(st.float64)
    for cell in model.states().values():
        cell.assign(np.zeros(cell.shape))
    of = st.Trainer(model, "half_squared_error", st.optim.SGD(0.1), backend=backend)
    data = blocks(X, Y, WEIGHTS, block_rows=block_rows)
    history = of.fit(data, epochs=2, batch_size=batch)
    line = Line(0.1)
    for row, order in zip(history.rows, rows_in_order(2, whole, batch), strict=True):
        losses = [
            (len(rows), line.step(X[rows], Y[rows], WEIGHTS[rows]))
            for rows in np.split(order, range(batch, len(X), batch))
        ]
        expected = sum(n * loss for n, loss in losses) / len(X)
        assert row["loss"] == pytest.approx(expected, rel=1e-12)
    assert np.allclose(cells(of)[0].reshape(-1), line.weight, rtol=1e-12)


@settings(max_examples=25)
@given(
    rows=strategies.integers(2, 120),
    block_rows=strategies.integers(1, 60),
    batch=strategies.integers(1, 60),
    cuts=strategies.lists(strategies.integers(1, 50), min_size=1, max_size=4),
    sampler=strategies.sampled_from(["disjoint", "in_order"]),
)
def test_every_row_comes_once_an_epoch(
    rows: int, block_rows: int, batch: int, cuts: list[int], sampler: str
) -> None:
    numbers = np.arange(rows)
    seen: list[Anything] = []

    def told(prediction: Anything, target: Anything) -> float:
        seen.append(target)
        return float(len(target))

    with st.random.stream(1):
        of = st.Trainer(
            st.nn.Linear(1, 1), "half_squared_error", st.optim.SGD(1e-30), backend="reference"
        )
    data = blocks(np.ones((rows, 1)), numbers, block_rows=block_rows, cuts=cuts)
    options: dict[str, Any] = {"epochs": 2, "batch_size": batch, "sampler": sampler}
    if batch > rows or batch > block_rows < rows:
        with pytest.raises(ConfigurationError, match="batch_size"):
            of.fit(data, **options)
        return
    history = of.fit(data, **options, metrics={"told": told})
    all_seen = np.concatenate(seen).reshape(2, rows)
    assert np.array_equal(np.sort(all_seen, axis=1), np.tile(numbers, (2, 1)))
    steps = len(st.Batches(rows, batch).extents)
    assert [row["step"] for row in history.rows] == [steps, 2 * steps]


def test_the_result_does_not_depend_on_chunks_nor_on_time() -> None:
    results = []
    every: list[dict[str, Any]] = [{}, {"cuts": [1003]}, {"cuts": [17]}, {"pause": 0.01}]
    for options in every:
        of = trainer(dropout=0.2)
        of.fit(blocks(X, Y, **options), epochs=3, batch_size=20, validation_data=HELD_OUT)
        results.append(of)
    assert all(equal(results[0], each) for each in results[1:])


def test_one_block_is_what_arrays_are() -> None:
    order = order_of(Draw(0, 0, 0))
    streamed, plain = trainer(), trainer()
    told = streamed.fit(blocks(X, Y, block_rows=1003), epochs=3, batch_size=32, metrics=["mse"])
    rows = plain.fit(X[order], Y[order], epochs=3, batch_size=32, metrics=["mse"]).rows
    assert equal(streamed, plain)
    assert [row["mse"] for row in told.rows] == [row["mse"] for row in rows]


def test_one_program_serves_all_blocks_and_another_the_last_batch() -> None:
    of = trainer()
    with pytest.MonkeyPatch.context() as patch:
        made: list[int] = []
        from steepest.train import loop

        original = loop.trace_step

        def counted(*given: Anything, **options: Anything) -> Anything:
            made.append(given[4])
            return original(*given, **options)

        patch.setattr(loop, "trace_step", counted)
        of.fit(blocks(X, Y), epochs=3, batch_size=20)
    assert made == [20, 3]


def test_metrics_are_means_over_blocks() -> None:
    of = trainer(st.optim.SGD(1e-30))
    history = of.fit(blocks(X, Y), epochs=1, batch_size=20, metrics=["mse", "mae"])
    for name, metric in (("mse", st.metrics.mse), ("mae", st.metrics.mae)):
        assert history.rows[0][name] == pytest.approx(metric(of.predict(X), Y), rel=1e-6)


def test_inputs_may_have_several_parts() -> None:
    def read(draw: Draw) -> Iterator[Anything]:
        for x, y in reading(X, Y)(draw):
            yield {"left": x[:, :1], "right": x[:, 1:]}, y

    class Sum(st.nn.Module):
        def __init__(self) -> None:
            with st.random.stream(1):
                self.left, self.right = st.nn.Linear(1, 1), st.nn.Linear(2, 1)

        def forward(self, x: Anything) -> st.Tensor:
            return self.left(x["left"]) + self.right(x["right"])

    rule = st.optim.SGD(0.1)
    of = st.Trainer(Sum(), "half_squared_error", rule)
    history = of.fit(st.Blocks(read, rows=1003, block_rows=300), epochs=2, batch_size=10)
    assert history.rows[1]["loss"] < history.rows[0]["loss"]


# ------------------------------------------------------------------------------- what goes wrong


@dataclass
class Failing:
    """Reads as it should until an epoch, then does something else."""

    epoch: int
    then: Callable[[], Iterator[Anything]]
    closed: bool = False

    def __call__(self, draw: Draw) -> Iterator[Anything]:
        try:
            if draw.epoch == self.epoch:
                yield from self.then()
            yield from reading(X, Y)(draw)
        finally:
            self.closed = True


def broken() -> Iterator[Anything]:
    raise OSError("the disk is gone")
    yield


@pytest.mark.parametrize(
    ("then", "error", "words"),
    [
        (broken, OSError, "the disk is gone"),
        (lambda: iter([(X[:5], Y[:5])]), DataError, "1,003 rows were announced, and epoch 2 has m"),
        (lambda: iter([(X[:5], Y[:4])]), DataError, "one target for each row"),
        (lambda: iter([(X[:5] * np.nan, Y[:5])]), DataError, "nan at row 0"),
        (lambda: iter([(X[:5, :2], Y[:5])]), DataError, "other types, shapes or weights"),
        (lambda: iter([(X[:5], Y[:5], WEIGHTS[:5])]), DataError, "other types, shapes or w"),
        (lambda: iter([X[:5]]), DataError, r"a chunk is \(x, y\)"),
    ],
)
def test_what_goes_wrong_while_reading_reaches_the_user(
    then: Anything, error: type[Exception], words: str
) -> None:
    data = st.Blocks(Failing(1, then), rows=1003, block_rows=300)
    with pytest.raises(error, match=words):
        trainer().fit(data, epochs=3, batch_size=20)
    assert not any(each.name == THREAD for each in threading.enumerate())


def test_too_few_rows_are_told() -> None:
    data = st.Blocks(reading(X[:900], Y[:900]), rows=1003, block_rows=300)
    with pytest.raises(DataError, match="1,003 rows were announced, and epoch 1 has 900"):
        trainer().fit(data, epochs=1, batch_size=20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": None}, "batch_size=None means all 1,003 rows"),
        ({"batch_size": 301}, "more than the 300 rows of a block"),
        ({"sampler": "with_replacement"}, "WithReplacement needs all rows at hand"),
        ({"sampler": "fresh_subsets"}, "FreshSubsets needs all rows at hand"),
        ({"y": Y}, "leave y and sample_weight out"),
        ({"sample_weight": WEIGHTS}, "leave y and sample_weight out"),
    ],
)
def test_what_does_not_go_with_blocks_is_refused(options: dict[str, Any], words: str) -> None:
    every: dict[str, Any] = {"epochs": 1, "batch_size": 20, **options}
    with pytest.raises(ConfigurationError, match=words):
        trainer().fit(blocks(X, Y), **every)


def test_a_driver_takes_one_block_and_refuses_several() -> None:
    with pytest.raises(ConfigurationError, match="LBFGS needs all rows at hand"):
        trainer(st.optim.LBFGS()).fit(blocks(X, Y), epochs=1, batch_size=100)
    of = trainer(st.optim.LBFGS())
    history = of.fit(blocks(X, Y, block_rows=1003), epochs=5, batch_size=None)
    assert history.rows[-1]["loss"] < history.rows[0]["loss"]


def test_an_ensemble_refuses_them() -> None:
    ensemble = st.EnsembleTrainer(
        lambda: st.nn.Linear(3, 1), "half_squared_error", st.optim.SGD(0.1), size=2
    )
    with pytest.raises(ConfigurationError, match="each member would read"):
        ensemble.fit(blocks(X, Y), None, epochs=1, batch_size=20)


@pytest.mark.parametrize(
    "given",
    [{"rows": 0}, {"rows": 1.5}, {"block_rows": 0}, {"block_rows": True}, {"read": [1, 2]}],
)
def test_blocks_are_checked(given: dict[str, Any]) -> None:
    every: dict[str, Any] = {"read": reading(X, Y), "rows": 5, "block_rows": 5, **given}
    with pytest.raises(ConfigurationError, match=f"Blocks: {next(iter(given))}"):
        st.Blocks(**every)


# ------------------------------------------------------------------------------ ends before time


def test_the_time_limit_is_kept_while_reading_takes_long() -> None:
    began = time.monotonic()
    data = blocks(X, Y, pause=0.05, cuts=[20])
    history = trainer().fit(data, epochs=100, batch_size=20, time_limit=0.3)
    assert history.stopped == "time limit"
    assert time.monotonic() - began < 3
    assert not any(each.name == THREAD for each in threading.enumerate())


def test_ctrl_c_is_heard_while_reading_takes_long() -> None:
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    data = blocks(X, Y, pause=0.02, cuts=[20])
    history = trainer().fit(data, epochs=100, batch_size=20)
    assert history.stopped == "interrupted"
    assert not any(each.name == THREAD for each in threading.enumerate())


def test_early_stopping_and_an_error_of_a_callback_leave_no_thread_and_close_the_source() -> None:
    source = Failing(10**6, broken)
    data = st.Blocks(source, rows=1003, block_rows=300)

    def fail(_: st.Snapshot) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        trainer().fit(data, epochs=100, batch_size=20, callbacks=[fail])
    assert not any(each.name == THREAD for each in threading.enumerate())
    assert source.closed


@dataclass
class Moments:
    """A store that keeps every moment as a file gives it back."""

    file: Path
    found: list[Moment] = field(default_factory=list[Moment])

    def check(self) -> None:
        pass

    def write(self, moment: Moment) -> None:
        write_moments(self.file, {"": moment})
        self.found.append(CheckpointFile(self.file).read())

    def read(self) -> Moment:
        return self.found[-1]


def test_a_fit_goes_on_from_within_any_block_with_equal_bits(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 50,
        "validation_data": HELD_OUT,
        "metrics": ["mse"],
    }
    moments = Moments(tmp_path / "moment")
    whole = trainer(dropout=0.2)
    every = st.Checkpoint(moments, 3, "steps")
    rows = whole.fit(blocks(X, Y), **options, checkpoint=every).rows
    assert len(moments.found) > 10
    for position in range(len(moments.found)):
        again = trainer(dropout=0.2)
        store = Moments(tmp_path / "again", [moments.found[position]])
        history = again.fit(blocks(X, Y), **options, resume=store)
        assert equal(whole, again), position
        for one, other in zip(rows, history.rows, strict=True):
            assert {**one, "seconds": 0} == {**other, "seconds": 0}
    other = trainer(dropout=0.2)
    with pytest.raises(CheckpointError, match="rows of a block=300, now 200"):
        other.fit(blocks(X, Y, block_rows=200), **options, resume=moments)


def test_a_loss_that_is_not_finite_is_explained_by_its_block() -> None:
    bad = Y.copy()
    bad[order_of(Draw(0, 0, 0))[700]] = 1e30  # in the third block
    batch = 1 + int(np.argmax(bad[rows_in_order(1, 300, 50)[0]])) // 50
    assert 12 < batch <= 18
    with pytest.raises(TrainingError, match=rf"in epoch 1, batch {batch} of 21 \(step {batch},"):
        trainer().fit(blocks(X, bad), epochs=1, batch_size=50)


def test_averages_with_batch_normalisation_take_statistics_of_the_first_rows() -> None:
    rule = st.optim.AveragedParameters(st.optim.Adam(0.02), 0.9)
    of = trainer(rule, batch_norm="before")
    history = of.fit(blocks(X, Y), epochs=3, batch_size=20, validation_data=HELD_OUT)
    assert history.rows[-1]["validation_loss"] < history.rows[0]["validation_loss"]


def test_a_loss_of_ones_own_is_checked_on_the_first_rows() -> None:
    def loss(prediction: Anything, target: Anything) -> Anything:
        return st.square(prediction[:, 0] - target)

    with st.random.stream(1):
        of = st.Trainer(st.nn.Linear(3, 1), loss, st.optim.SGD(0.1))
    unchecked = st.Trainer(st.nn.Linear(3, 1), Unchecked(loss), st.optim.SGD(0.1))
    for each in (of, unchecked):
        assert each.fit(blocks(X, Y), epochs=1, batch_size=20).rows
