"""Dropout inverted and vanilla, by enumerating masks; Monte-Carlo dropout against averages."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, DTypeError
from steepest.transform.executable import Backend

RNG = np.random.default_rng(0)
BACKENDS: list[Backend] = ["native", "reference"]
Kind = Callable[[float], st.nn.Module]
KINDS: list[Kind] = [st.nn.Dropout, st.nn.VanillaDropout]
Array = Any


def drawn(layer: st.nn.Module, x: Array, seed: int = 3) -> Array:
    with st.nn.training(), st.random.stream(seed):
        return layer(st.tensor(x)).numpy()


@pytest.mark.row("N4")
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_vanilla_masks_are_not_rescaled_and_use_is(rate: float) -> None:
    layer, x = st.nn.VanillaDropout(rate), RNG.normal(size=(300, 200)) + 5
    found = drawn(layer, x)
    np.testing.assert_array_equal(found[found != 0], x[found != 0])
    assert abs(float((found == 0).mean()) - rate) < 0.01
    np.testing.assert_allclose(layer(st.tensor(x)).numpy(), x * (1 - rate), rtol=1e-12)


@pytest.mark.row("N4")
def test_both_kinds_draw_equal_masks_and_differ_by_the_factor_kept() -> None:
    x = RNG.normal(size=(20, 30))
    inverted, vanilla = (drawn(kind(0.25), x) for kind in KINDS)
    np.testing.assert_allclose(inverted * 0.75, vanilla, rtol=1e-12)


@pytest.mark.row("N4")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_used_is_the_expectation_of_a_linear_layer(kind: Kind) -> None:
    """All masks of four units, each with its probability; the next layer is linear."""
    rate, x, w = 0.3, RNG.normal(size=4), RNG.normal(size=4)
    masks: Array = np.array(list(itertools.product([0, 1], repeat=4)))
    chances = np.prod(np.where(masks == 1, 1 - rate, rate), axis=1)
    factor = 1 / (1 - rate) if kind is st.nn.Dropout else 1.0
    outputs = (masks * x * factor) @ w
    expected = chances @ outputs
    assert kind(rate)(st.tensor(x)).numpy() @ w == pytest.approx(expected)
    many = drawn(kind(rate), np.broadcast_to(x, (40_000, 4)).copy()) @ w
    assert many.mean() == pytest.approx(expected, abs=5 * many.std() / 200)
    assert many.var() == pytest.approx(
        chances @ ((masks * x * factor) @ w - expected) ** 2, rel=0.1
    )


@pytest.mark.row("N4")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_each_example_and_each_step_has_a_mask_of_its_own(kind: Kind, backend: Backend) -> None:
    """A layer of ones, seen through the gradient of a step: rows with equal masks would show."""

    class Seen(st.nn.Module):
        def __init__(self) -> None:
            self.scale = st.State(st.ones((32,)))
            self.seen = st.State(st.zeros((16, 32)), trainable=False)
            self.drop = kind(0.5)

        def forward(self, x: st.Tensor) -> st.Tensor:
            dropped = self.drop(x * self.scale.value)
            if st.nn.is_training():
                self.seen.assign(dropped.detach())
            return st.sum(dropped, axis=1)

    masks: list[Array] = []
    model = Seen()
    trainer = st.Trainer(model, "squared_error", st.optim.SGD(1e-9), backend=backend)
    for _ in range(3):
        trainer.fit(np.ones((16, 32)), np.ones(16), epochs=1, batch_size=None)
        masks.append(model.seen.value.numpy() != 0)
    assert len({row.tobytes() for mask in masks for row in mask}) == 48
    shares = np.array(masks).mean(axis=(0, 1))
    assert ((shares > 0.2) & (shares < 0.8)).all()  # no column keeps its mask: one for a batch


@pytest.mark.parametrize("kind", KINDS)
def test_impossible_rates_and_element_types(kind: Kind) -> None:
    for rate in (-0.1, 1.0, float("nan"), True, "half"):
        with pytest.raises(ConfigurationError, match="probability of dropping"):
            kind(rate)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="floating-point"):
        drawn(kind(0.5), np.ones((3, 2), int))


# ---------------------------------------------------------------------------- Monte-Carlo dropout


def network(dropout: float = 0.4, *, norm: bool = False) -> st.nn.MLP:
    with st.random.stream(1):
        place = "before" if norm else None
        return st.nn.MLP(3, [16], 2, dropout=dropout, batch_norm=place)


@pytest.mark.row("N5")
@pytest.mark.parametrize("backend", BACKENDS)
def test_samples_average_to_the_enumerated_expectation(backend: Backend) -> None:
    """One hidden layer, dropout before the last: mean and variance over masks in closed form."""
    model, x = network(), RNG.normal(size=(5, 3)).astype(np.float32)
    states = {name: cell.value.numpy() for name, cell in model.states().items()}
    hidden = np.maximum(x @ states["layers.0.weight"].T, 0)
    w = states["layers.3.weight"]
    expected = hidden @ w.T
    variance = (hidden**2 @ (w**2).T) * (0.4 / 0.6)
    samples = 3000 if backend == "native" else 1000
    mean, deviation = st.predict(model, x, return_std=True, samples=samples, backend=backend)
    np.testing.assert_allclose(mean, expected, atol=5 * np.sqrt(variance.max() / samples))
    np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=0.15)


@pytest.mark.row("N5")
def test_samples_are_equal_on_both_back_ends_and_for_any_number_of_rows_and_samples() -> None:
    model, x = network(), RNG.normal(size=(600, 3))
    found = st.sample_predictions(model, x, samples=4, seed=7)
    assert found.shape == (4, 600, 2)
    other = st.sample_predictions(model, x, samples=4, seed=7, backend="reference")
    np.testing.assert_allclose(found, other, rtol=1e-5, atol=1e-6)
    fewer = st.sample_predictions(model, x[:300], samples=2, seed=7)
    np.testing.assert_array_equal(fewer, found[:2, :300])
    assert (st.sample_predictions(model, x, samples=4, seed=8) != found).mean() > 0.5
    assert (found[0] != found[1]).mean() > 0.5
    alike = st.sample_predictions(model, np.ones((600, 3)), samples=2)
    assert (alike[0, :256] != alike[0, 256:512]).mean() > 0.5  # each block has masks of its own


@pytest.mark.row("N5")
def test_mean_and_deviation_are_those_of_the_samples() -> None:
    model, x = network(), RNG.normal(size=(300, 3))
    trainer = st.Trainer(model, "cross_entropy", "sgd")
    samples = st.sample_predictions(model, x, samples=30, seed=5)
    mean, deviation = trainer.predict(x, return_std=True, samples=30, seed=5)
    np.testing.assert_allclose(mean, samples.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(deviation, samples.std(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.row("N5", "N3")
def test_sampling_keeps_batch_norm_at_its_running_statistics() -> None:
    model, x = network(norm=True), RNG.normal(size=(400, 3)) * 5 + 3
    labels = (x[:, 0] > 3).astype(int)
    st.Trainer(model, "cross_entropy", st.optim.SGD(0.1)).fit(x, labels, epochs=2, batch_size=50)
    before = {name: cell.value.numpy() for name, cell in model.states().items()}
    alone = st.sample_predictions(model, x[:1], samples=5)
    np.testing.assert_array_equal(alone, st.sample_predictions(model, x, samples=5)[:, :1])
    for name, cell in model.states().items():
        np.testing.assert_array_equal(cell.value.numpy(), before[name])


@pytest.mark.row("N5")
def test_a_model_without_dropout_and_odd_numbers_are_refused() -> None:
    for model in (network(0.0), st.nn.Linear(3, 1)):
        with pytest.raises(ConfigurationError, match="draws nothing at random"):
            st.sample_predictions(model, np.ones((4, 3)))
        with pytest.raises(ConfigurationError, match="draws nothing at random"):
            st.predict(model, np.ones((4, 3)), return_std=True)
    for samples in (1, 0, -3, 2.5, True):
        with pytest.raises(ConfigurationError, match="whole number from 2 on"):
            st.sample_predictions(network(), np.ones((4, 3)), samples=samples)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="a seed is"):
        st.sample_predictions(network(), np.ones((4, 3)), seed=-1)
