"""Batch and layer normalisation against NumPy, in training, in use and after exact statistics."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, DataError, ShapeError, TrainingError
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("N2", "N3")

RNG = np.random.default_rng(0)
BACKENDS: list[Backend] = ["native", "reference"]
Array = Any


def normalised(x: Array, epsilon: float = 1e-5) -> Array:
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)


def layer_of(x: Array, **options: float) -> st.nn.BatchNorm:
    """A layer whose scale, shift and averages are no round numbers, in float64."""
    layer = st.nn.BatchNorm(x.shape[-1], **options).astype(st.float64)
    layer.scale.assign(RNG.normal(size=x.shape[-1]))
    layer.shift.assign(RNG.normal(size=x.shape[-1]))
    return layer


@pytest.mark.parametrize("lead", [(7,), (2,), (3, 4)])
def test_training_takes_the_batch(lead: tuple[int, ...]) -> None:
    x = RNG.normal(size=(*lead, 3)) * 5 + 2
    layer = layer_of(x)
    with st.nn.training():
        found = layer(st.tensor(x)).detach().numpy()
    rows = x.reshape(-1, 3)
    expected = normalised(rows) * layer.scale.value.numpy() + layer.shift.value.numpy()
    np.testing.assert_allclose(found.reshape(-1, 3), expected, rtol=1e-12, atol=1e-12)


def test_gradient_by_the_paper() -> None:
    """Ioffe, Szegedy 2015, section 3: the derivatives, transcribed."""
    x, g = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    layer, epsilon = layer_of(x), 1e-5
    mu, variance, m = x.mean(axis=0), x.var(axis=0), 6
    hat = (x - mu) / np.sqrt(variance + epsilon)
    g_hat = g * layer.scale.value.numpy()
    g_variance = (g_hat * (x - mu) * -0.5 * (variance + epsilon) ** -1.5).sum(axis=0)
    g_mu = (-g_hat / np.sqrt(variance + epsilon)).sum(axis=0) + g_variance * (-2 * (x - mu)).mean(
        axis=0
    )
    expected = g_hat / np.sqrt(variance + epsilon) + g_variance * 2 * (x - mu) / m + g_mu / m

    def total(layer: st.nn.BatchNorm, x: st.Tensor) -> st.Tensor:
        return st.sum(layer(x) * st.tensor(g))

    with st.nn.training():
        by_layer, by_x = st.grad(total, (0, 1))(layer, st.tensor(x))
    np.testing.assert_allclose(by_x.numpy(), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(by_layer["scale"].numpy(), (g * hat).sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(by_layer["shift"].numpy(), g.sum(axis=0), rtol=1e-10)


def test_second_derivatives_are_right_too() -> None:
    layer, x = layer_of(np.zeros((5, 2))), st.tensor(RNG.normal(size=(5, 2)))
    with st.nn.training():
        first = st.grad(lambda x: st.sum(layer(x) ** 3))
        factors = st.tensor(RNG.normal(size=(5, 2)))
        assert st.check_gradients(lambda x: st.sum(first(x) * factors), x)


def test_running_statistics_are_the_mean_at_first_and_then_exponential() -> None:
    batches = RNG.normal(size=(30, 8, 2)) * 3 + 1
    layer, mean, variance = layer_of(batches[0], share=0.2), np.zeros(2), np.zeros(2)
    for t, batch in enumerate(batches, start=1):
        with st.nn.training():
            layer(st.tensor(batch))
        share = max(0.2, 1 / t)
        mean = mean + share * (batch.mean(axis=0) - mean)
        variance = variance + share * (batch.var(axis=0, ddof=1) - variance)
        np.testing.assert_allclose(layer.mean.value.numpy(), mean, rtol=1e-12)
        np.testing.assert_allclose(layer.variance.value.numpy(), variance, rtol=1e-12)
        if t <= 5:
            np.testing.assert_allclose(mean, batches[:t].mean(axis=(0, 1)), rtol=1e-12)


def test_use_takes_the_running_statistics_whatever_the_batch() -> None:
    x = RNG.normal(size=(40, 3)) * 4 - 1
    layer = layer_of(x)
    with st.nn.training():
        layer(st.tensor(x))
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    hat = (x - mean) / np.sqrt(variance + 1e-5)
    expected = hat * layer.scale.value.numpy() + layer.shift.value.numpy()
    for mode in (st.nn.evaluating, st.nn.sampling):
        with mode():
            together = layer(st.tensor(x)).detach().numpy()
            alone = layer(st.tensor(x[:1])).detach().numpy()
        np.testing.assert_allclose(together, expected, rtol=1e-12)
        np.testing.assert_array_equal(alone, together[:1])


def trained(backend: Backend = "native") -> tuple[st.Trainer, Array, Array]:
    """A small classifier with batch normalisation after two epochs of uneven batches."""
    x = np.random.default_rng(3).normal(size=(101, 4)).astype(np.float32) * 3 + 1
    y = (x[:, 0] > 1).astype(np.int64)
    with st.random.stream(1):
        model = st.nn.MLP(4, [8, 6], 2, batch_norm="before")
    trainer = st.Trainer(model, "cross_entropy", st.optim.SGD(0.1), l2=0.1, backend=backend)
    trainer.fit(x, y, epochs=2, batch_size=20)
    return trainer, x, y


def test_the_trainer_assigns_the_averages_and_both_back_ends_agree() -> None:
    native, x, _ = trained("native")
    reference, _, _ = trained("reference")
    pairs = zip(native.model.states().values(), reference.model.states().values(), strict=True)
    for mine, theirs in pairs:
        np.testing.assert_allclose(
            mine.value.numpy(), theirs.value.numpy(), rtol=2e-4, atol=2e-5, err_msg=mine.name
        )
    assert native.model.states()["layers.1.batches"].value.item() == 10
    np.testing.assert_allclose(native.predict(x), reference.predict(x), rtol=1e-3, atol=1e-4)


def test_the_first_step_leaves_the_statistics_of_its_batch() -> None:
    x = RNG.normal(size=(32, 3)) * 3 + 1
    model = st.nn.Sequential(st.nn.BatchNorm(3), st.nn.Linear(3, 1)).astype(st.float64)
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(0.1))
    trainer.fit(x, x[:, 0], epochs=1, batch_size=None)
    states = model.states()
    np.testing.assert_allclose(states["layers.0.mean"].value.numpy(), x.mean(axis=0))
    np.testing.assert_allclose(states["layers.0.variance"].value.numpy(), x.var(axis=0, ddof=1))


def test_predictions_do_not_depend_on_the_rows_beside() -> None:
    trainer, x, _ = trained()
    together = trainer.predict(x)
    for rows in (slice(0, 1), slice(5, 9)):
        np.testing.assert_array_equal(trainer.predict(x[rows]), together[rows])
    np.testing.assert_array_equal(trainer.predict(x[::-1]), together[::-1])


def test_neither_scale_nor_shift_is_penalised() -> None:
    trainer, _, _ = trained()
    penalised = [name for name, cell in trainer.model.states().items() if cell.penalised]
    assert penalised == ["layers.0.weight", "layers.3.weight", "layers.6.weight"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [7, 64, 1000])
def test_exact_statistics_are_those_of_all_rows_layer_by_layer(backend: Backend, size: int) -> None:
    trainer, x, _ = trained()
    st.nn.recompute_statistics(trainer.model, x, batch_size=size, backend=backend)
    cells = {name: cell.value.numpy() for name, cell in trainer.model.states().items()}
    z = x.astype(np.float64)
    for layer in (0, 3):
        a = z @ cells[f"layers.{layer}.weight"].T
        mean, variance = a.mean(axis=0), a.var(axis=0, ddof=1)
        found = cells[f"layers.{layer + 1}.mean"], cells[f"layers.{layer + 1}.variance"]
        np.testing.assert_allclose(found[0], mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[1], variance, rtol=1e-5)
        hat = (a - mean) / np.sqrt(variance + 1e-5)
        scale, shift = cells[f"layers.{layer + 1}.scale"], cells[f"layers.{layer + 1}.shift"]
        z = np.maximum(hat * scale + shift, 0)


def test_exact_statistics_of_named_tables_and_of_a_layer_used_twice() -> None:
    class Twice(st.nn.Module):
        def __init__(self) -> None:
            self.norm = st.nn.BatchNorm(2)

        def forward(self, x: dict[str, st.Tensor]) -> st.Tensor:
            return self.norm(x["a"]) + self.norm(x["b"])

    a, b = RNG.normal(size=(50, 2)), RNG.normal(size=(50, 2)) + 7
    model = Twice()
    st.nn.recompute_statistics(model, {"a": a, "b": b}, batch_size=16)
    both = np.concatenate([a, b])
    np.testing.assert_allclose(model.norm.mean.value.numpy(), both.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.norm.variance.value.numpy(), both.var(axis=0, ddof=1), 1e-5)


def test_statistics_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="no BatchNorm"):
        st.nn.recompute_statistics(st.nn.Linear(2, 1), np.ones((4, 2)))
    with pytest.raises(DataError, match="fewer than two rows"):
        st.nn.recompute_statistics(st.nn.BatchNorm(2), np.ones((1, 2)))
    with pytest.raises(TrainingError, match="not finite"):
        st.nn.recompute_statistics(st.nn.BatchNorm(2), np.full((4, 2), np.inf))


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_perceptron_has_it_before_or_after_the_activation(
    place: Literal["before", "after"],
) -> None:
    net = st.nn.MLP(3, [5], 2, batch_norm=place, dropout=0.5, activation="tanh")
    kinds = [type(layer).__name__ for layer in net.layers]
    expected = {
        "before": ["Linear", "BatchNorm", "Activation", "Dropout", "Linear"],
        "after": ["Linear", "Activation", "BatchNorm", "Dropout", "Linear"],
    }[place]
    assert kinds == expected
    assert ("layers.0.bias" in net.states()) == (place == "after")


def test_a_batch_of_one_row_is_refused_before_training() -> None:
    trainer = st.Trainer(st.nn.MLP(2, [3], 1, batch_norm="before"), "squared_error", "sgd")
    x, y = np.ones((4, 2)), np.ones(4)
    with pytest.raises(ConfigurationError, match=r"single row has no variance.*batch_size of 2"):
        trainer.fit(x, y, epochs=1, batch_size=1)
    assert trainer.steps == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: st.nn.BatchNorm(0), "whole number from 1"),
        (lambda: st.nn.BatchNorm(2, epsilon=0.0), "epsilon is a number above 0"),
        (lambda: st.nn.BatchNorm(2, share=0.0), "share is that of a new batch"),
        (lambda: st.nn.BatchNorm(2, share=1.5), "share is that of a new batch"),
        (lambda: st.nn.MLP(2, [3], 1, batch_norm="befor"), "did you mean 'before'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_options(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_another_number_of_features_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"it takes \(batch, …, 2\)"):
        st.nn.BatchNorm(2)(st.ones((4, 3)))


def test_layer_norm_takes_each_example() -> None:
    x = RNG.normal(size=(6, 5)) * 3 + 2
    layer = st.nn.LayerNorm(5).astype(st.float64)
    layer.scale.assign(RNG.normal(size=5))
    layer.shift.assign(RNG.normal(size=5))
    expected = normalised(x.T).T * layer.scale.value.numpy() + layer.shift.value.numpy()
    for mode in (st.nn.training, st.nn.evaluating):
        with mode():
            found = layer(st.tensor(x)).detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_constant_feature_becomes_the_shift() -> None:
    x = np.full((4, 1), 3.0)
    for layer in (st.nn.BatchNorm(1), st.nn.LayerNorm(1)):
        with st.nn.training():
            assert not layer(st.tensor(x)).detach().numpy().any()
