"""Augmentation inside the compiled training step, and images as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import steepest as st
from steepest.errors import ShapeError
from steepest.nn import IMAGE_SCALINGS, augment
from steepest.transform.executable import Backend

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (48, 8, 8)).astype(np.uint8)
CLASSES = RNG.integers(0, 3, 48)


def network(*parts: str) -> st.nn.Module:
    with st.random.stream(0):
        perceptron = st.nn.MLP(64, [16], 3)
    scaled = st.nn.standardise_channels(IMAGES)
    return st.nn.Sequential(augment.Compose(*parts), scaled, st.nn.Flatten(), perceptron)


def weights(*parts: str, backend: Backend = "native", seed: int = 0) -> NDArray[Any]:
    net = network(*parts)
    trainer = st.Trainer(net, "cross_entropy", st.optim.SGD(0.1), backend=backend, seed=seed)
    trainer.fit(IMAGES, CLASSES, epochs=2, batch_size=20)
    return np.concatenate([each.value.numpy().ravel() for each in net.parameters().values()])


ALL = ("flip", "flip_vertical", "shift=2", "rotate=10", "scale=0.1", "crop=0.8", "noise=0.05",
       "brightness=0.1", "contrast=0.1")  # fmt: skip


@pytest.mark.row("N6")
def test_a_step_with_all_of_them_is_native_and_equals_the_reference() -> None:
    # A program that fell back to the reference would warn, and warnings are errors here.
    native, reference = weights(*ALL), weights(*ALL, backend="reference")
    np.testing.assert_allclose(native, reference, atol=2e-3)


@pytest.mark.row("N6")
def test_training_is_reproducible_and_the_seed_matters() -> None:
    np.testing.assert_array_equal(weights("shift=2", "flip"), weights("shift=2", "flip"))
    assert (weights("shift=2", "flip") != weights("shift=2", "flip", seed=1)).any()
    assert (weights("shift=2", "flip") != weights()).any()


@pytest.mark.row("N6")
def test_each_step_draws_anew() -> None:
    """The loss of a network that is not trained changes only with what it is shown."""
    net = network("noise=0.2")
    trainer = st.Trainer(net, "cross_entropy", st.optim.SGD(1e-30))
    losses = trainer.fit(IMAGES, CLASSES, epochs=4, batch_size=None).column("loss")
    assert len(set(losses)) == 4


@pytest.mark.row("N6")
def test_predictions_are_of_the_images_as_they_are() -> None:
    net, plain = network(*ALL), network()
    np.testing.assert_array_equal(st.predict(net, IMAGES), st.predict(plain, IMAGES))


# ----------------------------------------------------------------------------- images as numbers


def apply(layer: st.nn.Module, x: NDArray[Any]) -> NDArray[Any]:
    return st.predict(layer, x)


@pytest.mark.row("N1")
@pytest.mark.parametrize("shape", [(30, 5, 6), (30, 5, 6, 3)])
def test_channels_are_centred_and_scaled(shape: tuple[int, ...]) -> None:
    x = RNG.integers(0, 200, shape).astype(np.uint8)
    done = apply(st.nn.standardise_channels(x), x).reshape(-1, shape[3] if len(shape) == 4 else 1)
    np.testing.assert_allclose(done.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(done.std(0), 1, atol=1e-5)


@pytest.mark.row("N1")
def test_the_mean_image_is_subtracted() -> None:
    x = RNG.integers(0, 256, (30, 5, 6)).astype(np.uint8)
    other = RNG.integers(0, 256, (7, 5, 6)).astype(np.uint8)
    mean = x.mean(0)
    deviation = np.sqrt(((x - mean) ** 2).mean())
    done = apply(st.nn.subtract_mean_image(x), other)
    np.testing.assert_allclose(done, (other - mean) / deviation, atol=1e-5)
    np.testing.assert_allclose(apply(st.nn.subtract_mean_image(x), x).mean(0), 0, atol=1e-5)


@pytest.mark.row("N1")
def test_bytes_become_numbers_from_0_to_1() -> None:
    done = apply(st.nn.scale_to_unit(IMAGES), IMAGES)
    np.testing.assert_allclose(done, IMAGES / 255, rtol=1e-6)
    floats = RNG.uniform(size=(3, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(apply(st.nn.scale_to_unit(floats), floats), floats)


@pytest.mark.row("N1")
@pytest.mark.parametrize("name", list(IMAGE_SCALINGS))
def test_a_constant_image_becomes_a_constant_and_nothing_is_trained(name: str) -> None:
    grey = np.full((4, 3, 3, 2), 7, np.uint8)
    layer = IMAGE_SCALINGS[name](grey)
    assert np.isfinite(apply(layer, grey)).all()
    if name != "unit":
        assert not apply(layer, grey + 1).any()
    assert not layer.parameters()
    assert set(layer.states()) == {"mean", "scale"}


@pytest.mark.row("N1")
def test_images_of_another_shape_are_refused() -> None:
    layer = st.nn.subtract_mean_image(IMAGES)
    with pytest.raises(ShapeError, match=r"fitted to images of shape \(8, 8\)"):
        layer(st.ones((3, 1, 8)))


@pytest.mark.row("N6")
def test_flatten_is_row_major() -> None:
    np.testing.assert_array_equal(apply(st.nn.Flatten(), IMAGES), IMAGES.reshape(48, 64))
