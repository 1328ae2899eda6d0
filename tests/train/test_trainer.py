"""The Trainer: what a step computes, what it reports, and that equal seeds give equal bits."""

import itertools
import math
import time
import warnings
from typing import Any

import numpy as np
import pytest

import steepest as st

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
Array = Any


def network(seed: int = 0, outputs: int = 1, **options: Array) -> st.nn.MLP:
    with st.random.stream(seed):
        return st.nn.MLP(3, [8], outputs, activation="tanh", **options).astype(st.float64)


def weights(model: st.nn.Module) -> list[Array]:
    return [cell.value.numpy() for cell in model.states().values()]


def same(a: list[Array], b: list[Array]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------------ what it computes


@pytest.mark.row("P1")
def test_full_batch_gradient_descent_is_the_recursion() -> None:
    """w ← w − η (Xᵀ(Xw + b − y)/n + λ w), b without λ: a single neuron is linear regression."""
    model = st.nn.Linear(3, 1).astype(st.float64)
    w, b, rate, l2 = model.weight.value.numpy()[0], 0.0, 0.1, 0.05
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(rate), l2=l2)
    history = trainer.fit(X, Y, epochs=20, batch_size=None)
    for row in history.rows:
        error = X @ w + b - Y
        assert row["loss"] == pytest.approx(0.5 * np.mean(error**2), rel=1e-12)
        assert row["penalty"] == pytest.approx(0.5 * l2 * np.sum(w**2), rel=1e-12)
        w, b = w - rate * (X.T @ error / len(X) + l2 * w), b - rate * error.mean()
    np.testing.assert_allclose(model.weight.value.numpy()[0], w, rtol=1e-12)
    assert model.bias is not None
    np.testing.assert_allclose(model.bias.value.numpy(), [b], rtol=1e-12)


def test_full_batch_reaches_least_squares() -> None:
    model = st.nn.Linear(3, 1).astype(st.float64)
    st.Trainer(model, "half_squared_error", st.optim.SGD(0.5)).fit(
        X, Y, epochs=200, batch_size=None
    )
    np.testing.assert_allclose(model.weight.value.numpy(), [[1.0, -2.0, 0.5]], atol=1e-8)


@pytest.mark.row("T1")
def test_a_loop_by_hand_takes_the_same_steps() -> None:
    one, two = network(), network()
    trainer = st.Trainer(one, "half_squared_error", st.optim.Adam(0.01), l2=0.1)
    trainer.fit(X, Y, epochs=2, batch_size=20, sampler="in_order")
    optimizer = st.optim.Adam(0.01).attach(two)
    loss = st.losses.HalfSquaredError()
    for _ in range(2):
        for start in range(0, 100, 20):
            rows = slice(start, start + 20)
            optimizer.zero_grad()
            with st.nn.training():
                mean = st.mean(loss(two(st.tensor(X[rows])), st.tensor(Y[rows])))
            squares = [st.sum(c.value**2) for c in two.states().values() if c.penalised]
            (mean + 0.05 * (squares[0] + squares[1])).backward()
            optimizer.step()
    for a, b in zip(weights(one), weights(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


@pytest.mark.row("O1")
def test_weights_have_mean_one_over_the_training_set_not_over_the_batch() -> None:
    """The mean of all mini-batch gradients is the full gradient, whatever the weights."""
    importance = RNG.uniform(0.1, 5.0, size=100)
    start = network()
    moves: list[Array] = []
    for batch in range(5):
        model = network()
        rows = np.arange(100)
        order = np.concatenate([rows[batch * 20 :], rows[: batch * 20]])
        trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(1.0))
        stop = st.EverySteps(1, lambda now: st.Stop())
        trainer.fit(
            X[order],
            Y[order],
            epochs=1,
            batch_size=20,
            sampler="in_order",
            sample_weight=importance[order],
            callbacks=[stop],
        )
        moves.append(np.concatenate([w.ravel() for w in weights(model)]))
    full = network()
    st.Trainer(full, "half_squared_error", st.optim.SGD(1.0)).fit(
        X, Y, epochs=1, batch_size=None, sample_weight=7 * importance
    )
    before = np.concatenate([w.ravel() for w in weights(start)])
    after = np.concatenate([w.ravel() for w in weights(full)])
    np.testing.assert_allclose(np.mean(moves, axis=0) - before, after - before, atol=1e-13)


@pytest.mark.row("O1")
def test_whole_weights_are_repetitions() -> None:
    counts = RNG.integers(1, 4, size=100)
    one, two = network(), network()
    st.Trainer(one, "half_squared_error", st.optim.SGD(0.1)).fit(
        X, Y, epochs=5, batch_size=None, sample_weight=counts
    )
    st.Trainer(two, "half_squared_error", st.optim.SGD(0.1)).fit(
        np.repeat(X, counts, axis=0), np.repeat(Y, counts), epochs=5, batch_size=None
    )
    for a, b in zip(weights(one), weights(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


@pytest.mark.row("P2")
def test_each_row_once_an_epoch_in_an_order_of_its_own() -> None:
    seen: list[list[float]] = []

    class Spy(st.nn.Module):
        def __init__(self) -> None:
            self.weight = st.State(np.zeros(1))

        def forward(self, x: st.Tensor) -> st.Tensor:
            return x * self.weight.value + x

    spy = Spy()
    rows = np.arange(1.0, 11.0)
    trainer = st.Trainer(spy, lambda f, y: f[:, 0], st.optim.SGD(1e-300))
    for sampler in ("disjoint", "disjoint", "in_order"):
        losses: list[float] = []
        trainer.fit(
            rows[:, None],
            rows,
            epochs=1,
            batch_size=1,
            sampler=sampler,
            callbacks=[st.EverySteps(1, lambda now, to=losses: to.append(now.metrics["loss"]))],
        )
        seen.append(losses)
    assert seen[2] == rows.tolist()
    assert [sorted(each) for each in seen] == [rows.tolist()] * 3
    assert seen[0] != seen[1]
    assert seen[0] != seen[2]


def test_bits_are_equal_for_equal_seeds_and_differ_for_others() -> None:
    def run(seed: int) -> tuple[list[Array], list[float]]:
        model = network(dropout=0.3)
        trainer = st.Trainer(model, "half_squared_error", st.optim.AdamW(0.01), seed=seed)
        history = trainer.fit(X, Y, epochs=3, batch_size=16)
        return weights(model), history.column("loss")

    first, again, other = run(1), run(1), run(2)
    assert same(first[0], again[0])
    assert first[1] == again[1]
    assert not same(first[0], other[0])


def test_fitting_on_is_fitting_longer() -> None:
    whole, parts = network(dropout=0.3), network(dropout=0.3)
    options: Any = {"batch_size": 16}
    rule = st.optim.Adam(st.optim.schedules.CosineAnnealing(0.05, steps=42))
    long = st.Trainer(whole, "half_squared_error", rule).fit(X, Y, epochs=6, **options)
    trainer = st.Trainer(parts, "half_squared_error", rule)
    rows = [*trainer.fit(X, Y, epochs=2, **options).rows]
    rows += trainer.fit(X, Y, epochs=4, **options).rows
    assert same(weights(whole), weights(parts))
    assert [row["loss"] for row in rows] == long.column("loss")
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert trainer.epochs == 6
    assert trainer.steps == 6 * 7


def test_dropout_masks_differ_by_step_and_by_row() -> None:
    """A model that is nothing but dropout shows its masks in what it predicts in training."""

    def loss(f: st.Tensor, y: st.Tensor) -> st.Tensor:
        return f[:, 0] + y

    class Mask(st.nn.Module):
        def __init__(self) -> None:
            self.drop = st.nn.Dropout(0.5)
            self.still = st.State(np.zeros(1))

        def forward(self, x: st.Tensor) -> st.Tensor:
            return self.drop(x) + 0.0 * self.still.value

    masks: list[Array] = []

    def keep(prediction: Array, target: Array) -> float:
        masks.append(prediction[:, 0] > 0)
        return 0.0

    trainer = st.Trainer(Mask(), loss, st.optim.SGD(0.1))
    trainer.fit(np.ones((64, 1)), np.zeros(64), epochs=3, batch_size=None, metrics={"seen": keep})
    assert len({mask.tobytes() for mask in masks}) == 3
    assert 0.3 < np.mean(masks) < 0.7


@pytest.mark.parametrize(("rows", "size", "extents"), [
    (10, 4, (4, 4, 2)),
    (9, 4, (4, 5)),
    (5, 4, (5,)),
    (8, 4, (4, 4)),
    (3, 1, (1, 1, 1)),
    (1, 1, (1,)),
    (7, 7, (7,)),
])  # fmt: skip
@pytest.mark.row("P2")
def test_a_last_batch_of_one_row_joins_the_one_before(
    rows: int, size: int, extents: tuple[int, ...]
) -> None:
    batches = st.Batches(rows, size)
    assert batches.extents == extents
    cut = [part.tolist() for part in batches.epoch(np.arange(rows))]
    assert [len(part) for part in cut] == list(extents)
    assert list(itertools.chain(*cut)) == list(range(rows))
    model = st.nn.Linear(1, 1)
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(0.1))
    trainer.fit(np.ones((rows, 1)), np.ones(rows), epochs=1, batch_size=size)
    assert trainer.steps == len(extents)


# -------------------------------------------------------------------------------- what it reports


def test_the_training_loss_is_the_mean_as_trained_weighted_by_batch_size() -> None:
    steps: list[tuple[int, float]] = []
    sizes = iter(st.Batches(100, 30).extents)
    trainer = st.Trainer(network(), "half_squared_error", st.optim.SGD(0.1))
    history = trainer.fit(
        X,
        Y,
        epochs=1,
        batch_size=30,
        callbacks=[st.EverySteps(1, lambda now: steps.append((next(sizes), now.metrics["loss"])))],
    )
    assert [size for size, _ in steps] == [30, 30, 30, 10]
    expected = sum(size * loss for size, loss in steps) / 100
    assert history.rows[0]["loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.row("W1")
def test_the_validation_loss_is_that_of_the_epochs_last_weights_without_dropout() -> None:
    model = network(dropout=0.5, outputs=2)
    importance = RNG.uniform(0.1, 5.0, size=30)
    history = st.Trainer(model, "cross_entropy", st.optim.Adam(0.01), l2=1.0).fit(
        X[30:],
        LABELS[30:],
        epochs=3,
        batch_size=10,
        validation_data=(X[:30], LABELS[:30], importance),
        metrics={"accuracy": st.metrics.accuracy},
    )
    with st.no_grad():
        scores = model(st.tensor(X[:30]))
        each = st.losses.CrossEntropy()(scores, st.tensor(LABELS[:30])).numpy()
    last = history.rows[-1]
    assert last["validation_loss"] == pytest.approx(np.average(each, weights=importance))
    hits = scores.numpy().argmax(axis=1) == LABELS[:30]
    assert last["validation_accuracy"] == pytest.approx(hits.mean())
    assert 0.0 <= last["accuracy"] <= 1.0
    assert history.best_epoch == 1 + int(np.argmin(history.column("validation_loss")))


def test_training_metrics_are_computed_as_trained() -> None:
    """With a vanishing rate and no dropout they are those of the model itself."""
    model = network(outputs=2)
    history = st.Trainer(model, "cross_entropy", st.optim.SGD(1e-12)).fit(
        X, LABELS, epochs=1, batch_size=16, metrics={"accuracy": st.metrics.accuracy}
    )
    hits = st.predict(model, X).argmax(axis=1) == LABELS
    assert history.rows[0]["accuracy"] == pytest.approx(hits.mean())


@pytest.mark.row("W1")
def test_rows_are_complete_and_count() -> None:
    begun = time.monotonic()
    history = st.Trainer(network(), "squared_error", "sgd").fit(X, Y, epochs=3, batch_size=20)
    assert 0 < history.rows[-1]["seconds"] <= time.monotonic() - begun
    assert history.column("epoch") == [1, 2, 3]
    assert history.column("step") == [5, 10, 15]
    assert history.column("learning_rate") == [0.01] * 3
    falling = st.optim.schedules.LinearAnnealing(1.0, 0.0, steps=10)
    for rate, expected in ((falling, [0.6, 0.1]), (st.optim.schedules.PerEpoch(falling), [1, 0.9])):
        trainer = st.Trainer(network(), "squared_error", st.optim.SGD(rate))
        rows = trainer.fit(X, Y, epochs=2, batch_size=20).rows
        np.testing.assert_allclose([row["learning_rate"] for row in rows], expected)
    assert history.column("seconds") == sorted(history.column("seconds"))
    assert history.stopped == "finished"
    assert len(history) == 3


# ------------------------------------------------------------------------------------ what it takes


class Two(st.nn.Module):
    def __init__(self) -> None:
        self.embedding = st.nn.Embedding(3, 2)
        self.linear = st.nn.Linear(5, 1)

    def forward(self, x: dict[str, st.Tensor]) -> st.Tensor:
        return self.linear(st.concat([x["numeric"], self.embedding(x["code"])], axis=1))


def test_x_may_be_a_dict_of_arrays() -> None:
    code = RNG.integers(0, 4, size=100).astype(np.int32)
    x = {"numeric": X, "code": code}
    effect = np.array([0.0, 1.0, -1.0, 2.0])[code]
    model = Two()
    trainer = st.Trainer(model, "half_squared_error", st.optim.Adam(0.05))
    history = trainer.fit(x, Y + effect, epochs=60, batch_size=20, validation_data=(x, Y + effect))
    assert history.rows[-1]["validation_loss"] < 0.01
    assert trainer.predict(x).shape == (100, 1)
    assert trainer.predict(x).dtype == np.float32


def test_a_list_of_arrays_is_handed_on_as_a_list() -> None:
    class Pair(st.nn.Module):
        def __init__(self) -> None:
            self.linear = st.nn.Linear(3, 1)

        def forward(self, pair: list[st.Tensor]) -> st.Tensor:
            assert isinstance(pair, list)
            return self.linear(pair[0] - pair[1])

    trainer = st.Trainer(Pair(), "half_squared_error", st.optim.SGD(0.1))
    assert trainer.fit([X, X / 2], Y, epochs=1, batch_size=50).stopped == "finished"


def test_data_is_cast_to_the_models_element_type() -> None:
    for dtype in (st.float32, st.float64):
        model = network().astype(dtype)
        trainer = st.Trainer(model, "half_squared_error", "adam")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            trainer.fit(X.astype(np.float32), Y.tolist(), epochs=1, batch_size=10)
        assert trainer.predict(X).dtype == dtype
        assert model.dtype == dtype


def test_a_model_may_change_its_element_type_between_fits() -> None:
    trainer = st.Trainer(network().astype(st.float32), "half_squared_error", "adam")
    trainer.fit(X, Y, epochs=1, batch_size=10)
    trainer.model.astype(st.float64)
    other = st.Trainer(network().astype(st.float32), "half_squared_error", "adam")
    other.fit(X, Y, epochs=2, batch_size=10)
    trainer.fit(X, Y, epochs=1, batch_size=10)
    for a, b in zip(weights(trainer.model), weights(other.model), strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
        assert not np.array_equal(a, b)


def test_masks_are_not_the_numbers_the_weights_were_drawn_from() -> None:
    """One seed for both, as the command does: the first step's mask has bits of its own."""
    with st.random.stream(0):
        drawn = st.random.bernoulli(0.5, (64, 1)).numpy()[:, 0]
    masks: list[Array] = []

    class Mask(st.nn.Module):
        def __init__(self) -> None:
            self.drop = st.nn.Dropout(0.5)
            self.still = st.State(np.zeros(1))

        def forward(self, x: st.Tensor) -> st.Tensor:
            return self.drop(x) + 0.0 * self.still.value

    def keep(prediction: Array, target: Array) -> float:
        masks.append(prediction[:, 0] > 0)
        return 0.0

    trainer = st.Trainer(Mask(), "half_squared_error", "sgd", seed=0)
    trainer.fit(np.ones((64, 1)), np.zeros(64), epochs=1, batch_size=None, metrics={"m": keep})
    assert 10 < np.count_nonzero(masks[0] != drawn) < 54


def test_tensors_are_data_too() -> None:
    history = st.Trainer(network(), "half_squared_error", "sgd").fit(
        st.tensor(X), st.tensor(Y), epochs=1, batch_size=10
    )
    assert history.stopped == "finished"


def test_a_function_is_a_loss() -> None:
    model = network()
    trainer = st.Trainer(model, lambda f, y: st.abs(f[:, 0] - y), st.optim.Adam(0.05))
    history = trainer.fit(X, Y, epochs=100, batch_size=20)
    assert history.rows[-1]["loss"] < 0.2


def test_every_rule_and_every_activation_learns_by_name() -> None:
    for rule in st.optim.RULES:
        trainer = st.Trainer(network(outputs=2), "cross_entropy", rule, backend="reference")
        history = trainer.fit(X, LABELS, epochs=5, batch_size=10)
        assert history.rows[-1]["loss"] < history.rows[0]["loss"]


@pytest.mark.row("W1")
@pytest.mark.parametrize("name", [*st.optim.RULES, *st.optim.DRIVERS])
def test_every_optimiser_has_rows_of_loss_and_accuracy_of_both_parts(name: str) -> None:
    """Those of validation are what NumPy makes of the epoch's predictions."""
    labels = (X[:, 0] > 0).astype(int)
    trainer = st.Trainer(network(outputs=2), "cross_entropy", name, backend="reference")
    history = trainer.fit(
        X[:70],
        labels[:70],
        epochs=2,
        batch_size=None,
        validation_data=(X[70:], labels[70:]),
        metrics=["accuracy"],
    )
    scores = trainer.predict(X[70:]).astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    row = history.rows[-1]
    expected = -np.log(shares[np.arange(len(scores)), labels[70:]]).mean()
    assert row["validation_loss"] == pytest.approx(expected, rel=1e-5)
    assert row["validation_accuracy"] == np.mean(scores.argmax(axis=1) == labels[70:])
    assert np.isfinite([row["loss"], row["accuracy"], row["learning_rate"]]).all()


def test_modes_around_do_not_matter() -> None:
    usual, odd = network(dropout=0.3), network(dropout=0.3)
    options: Any = {"epochs": 2, "batch_size": 20, "validation_data": (X, Y)}
    expected = st.Trainer(usual, "half_squared_error", "adam").fit(X, Y, **options)
    with st.no_grad(), st.nn.training(), st.random.stream(9):
        found = st.Trainer(odd, "half_squared_error", "adam").fit(X, Y, **options)
    assert same(weights(usual), weights(odd))
    assert found.column("validation_loss") == expected.column("validation_loss")


def test_the_step_is_one_graph_with_the_state_as_updates() -> None:
    model = network(dropout=0.2)
    trainer = st.Trainer(model, "half_squared_error", st.optim.Adam(0.01), l2=0.1)
    graph = trainer.graph(X, Y, batch_size=20)
    slots = [f"{n}/{s}" for n in model.states() for s in ("mean", "mean_square")]
    assert {state.name for state, _ in graph.updates} == {*model.states(), *slots, "step"}
    assert "random_bits" in repr(graph)
    assert not any(node.op.name == "stop_gradient" for node in graph.nodes)


# ---------------------------------------------------------------------------------- predictions


def test_predictions_do_not_depend_on_the_rows_beside() -> None:
    model = st.nn.MLP(3, [50, 50], 2, dropout=0.5)
    x = RNG.normal(size=(700, 3))
    whole = st.predict(model, x)
    parts = np.concatenate([st.predict(model, x[i : i + 1]) for i in range(0, 700, 50)])
    np.testing.assert_array_equal(whole[::50], parts)
    np.testing.assert_allclose(whole, model(st.tensor(x, dtype=st.float32)).numpy(), atol=1e-5)


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 512])
def test_every_row_is_predicted_once(rows: int) -> None:
    identity = st.nn.Linear(1, 1, initialise=st.init.constant(1.0))
    x = np.arange(rows, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(st.predict(identity, x), x)


def test_predicting_is_evaluation_whatever_the_mode_around() -> None:
    model = st.nn.Sequential(st.nn.Dropout(0.9), st.nn.Linear(3, 1))
    with st.nn.training():
        first, second = st.predict(model, X), st.predict(model, X)
    np.testing.assert_array_equal(first, second)
    assert np.count_nonzero(first) == 100


def test_metrics() -> None:
    scores = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 5.0]])
    assert st.metrics.accuracy(scores, np.array([0, 1])) == 0.5
    assert st.metrics.binary_accuracy(np.array([[1.0], [-1.0]]), np.array([1, 1])) == 0.5
    assert st.metrics.binary_accuracy(np.array([1.0, -1.0]), np.array([1, -1])) == 1.0
    f, y = RNG.normal(size=(2, 50))
    assert st.metrics.mse(f[:, None], y) == pytest.approx(np.mean((f - y) ** 2))
    assert st.metrics.mae(f, y) == pytest.approx(np.mean(np.abs(f - y)))
    from sklearn.metrics import r2_score

    assert st.metrics.r2(f, y) == pytest.approx(r2_score(y, f))
    assert math.isnan(st.metrics.r2(f, np.ones(50)))
