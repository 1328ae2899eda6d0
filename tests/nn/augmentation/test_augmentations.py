"""Augmentations against NumPy and SciPy: what they compute, what they draw, where they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, stats

import steepest as st
from steepest.errors import ConfigurationError, DTypeError, ShapeError
from steepest.nn import augment
from steepest.nn.augment import AUGMENTATIONS, Map, augmentation
from steepest.nn.augment.resample import Outside, resampled

pytestmark = pytest.mark.row("N6")

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (64, 9, 12)).astype(np.uint8)
FLOATS = RNG.normal(size=(5, 9, 12, 3)).astype(np.float32)
NAMES = list(AUGMENTATIONS)


def trained(
    layer: Callable[[st.Tensor], st.Tensor], x: NDArray[Any], seed: int = 0
) -> NDArray[Any]:
    with st.nn.training(), st.random.stream(seed):
        return layer(st.tensor(x)).numpy()


def one_map(**numbers: float) -> Map:
    """A map of one image; the identity where nothing else is said."""
    given = {"yy": 1.0, "xx": 1.0, "y0": 0.0, "x0": 0.0, **numbers}
    return Map(**{name: st.tensor([value]) for name, value in given.items()})


def from_the_middle(
    image: NDArray[Any], matrix: ArrayLike, offset: ArrayLike, outside: Outside
) -> NDArray[Any]:
    """SciPy's resampling, y(p) = x(A p + b), with p from the middle as ours."""
    middle = (np.array(image.shape[:2]) - 1) / 2
    shift = middle + np.asarray(offset) - np.asarray(matrix) @ middle
    mode = "nearest" if outside == "edge" else "grid-constant"
    channels = image.reshape(*image.shape[:2], -1)
    done = [
        ndimage.affine_transform(
            channels[..., c].astype(np.float64), np.asarray(matrix), shift, order=1, mode=mode
        )
        for c in range(channels.shape[-1])
    ]
    return np.stack(done, axis=-1).reshape(image.shape)


# ------------------------------------------------------------------------------ for all of them


@pytest.mark.parametrize("x", [BYTES, FLOATS, FLOATS.astype(np.float64)], ids=["u1", "f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_shape_and_type_stay(name: str, x: NDArray[Any]) -> None:
    found = trained(augmentation(name), x)
    assert (found.shape, found.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("name", NAMES)
def test_in_use_nothing_happens(name: str) -> None:
    x = st.tensor(FLOATS)
    assert augmentation(name)(x) is x


@pytest.mark.parametrize("name", NAMES)
def test_each_example_has_a_draw_of_its_own(name: str) -> None:
    same = np.repeat(BYTES[:1], 64, axis=0)
    found = trained(augmentation(name), same)
    kinds = len(np.unique(found.reshape(64, -1), axis=0))
    assert kinds == 2 if name.startswith("flip") else kinds > 8


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_reproducible_and_another_differs(name: str) -> None:
    layer = augmentation(name)
    np.testing.assert_array_equal(trained(layer, BYTES, 1), trained(layer, BYTES, 1))
    assert (trained(layer, BYTES, 1) != trained(layer, BYTES, 2)).any()


@pytest.mark.parametrize("x", [BYTES[:20], FLOATS], ids=["u1", "f4"])
@pytest.mark.parametrize("name", NAMES)
def test_native_equals_the_reference(name: str, x: NDArray[Any]) -> None:
    layer = augmentation(name)

    def apply(x: st.Tensor) -> st.Tensor:
        with st.nn.training(), st.random.stream(3):
            return layer(x)

    with st.random.stream(3):
        native = st.jit(apply)(st.tensor(x)).numpy()
    reference = apply(st.tensor(x)).numpy()
    if x.dtype == np.uint8:  # a sum may be rounded to the other side of a half
        apart = np.abs(native.astype(int) - reference.astype(int))
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.01
    else:
        np.testing.assert_allclose(native, reference, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_image_is_refused(name: str) -> None:
    with pytest.raises(ShapeError, match=r"N×H×W or N×H×W×C.*reshape"):
        augmentation(name)(st.ones((4, 784)))
    with pytest.raises(DTypeError, match="images are numbers"):
        augmentation(name)(st.ones((4, 7, 7)) > 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_pass_through(name: str) -> None:
    layer = augmentation(name)

    def loss(x: st.Tensor) -> st.Tensor:
        with st.nn.training(), st.random.stream(0):
            return st.sum(layer(x) * st.tensor(FLOATS))

    gradient = st.grad(loss)(st.tensor(FLOATS)).numpy()
    direction = RNG.normal(size=FLOATS.shape).astype(np.float32)  # all are affine in the image
    ahead, behind = (loss(st.tensor(FLOATS + sign * direction)).item() for sign in (1, -1))
    assert np.sum(gradient * direction) == pytest.approx((ahead - behind) / 2, rel=2e-3, abs=2e-2)


# --------------------------------------------------------------------------- what moves pixels


@pytest.mark.parametrize("outside", ["zero", "edge"])
@pytest.mark.parametrize("image", [BYTES[0].astype(np.float32), FLOATS[0]], ids=["grey", "colour"])
@pytest.mark.parametrize(
    "numbers",
    [
        {"yy": 0.8, "xx": 1.3, "y0": 0.7, "x0": -1.25},
        {"yy": 0.9, "xx": 0.7, "y0": 1.5, "x0": -2.25, "yx": 0.4, "xy": -0.3},
        {"yy": -1.0, "xx": 1.0, "y0": 20.0, "x0": 0.0},
    ],
)
def test_resampling_is_scipys(
    numbers: dict[str, float], image: NDArray[Any], outside: Outside
) -> None:
    found = resampled(st.tensor(image[None]), one_map(**numbers), outside).numpy()[0]
    matrix = [
        [numbers["yy"], numbers.get("yx", 0.0)],
        [numbers.get("xy", 0.0), numbers["xx"]],
    ]
    expected = from_the_middle(image, matrix, (numbers["y0"], numbers["x0"]), outside)
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(image).max() + 1e-5)


def test_bytes_are_rounded_and_stay_in_range() -> None:
    of = one_map(yy=0.8, xx=1.1, y0=0.3, x0=-0.2, yx=0.2, xy=-0.1)
    found = resampled(st.tensor(BYTES[:1]), of, "edge").numpy()
    exact = resampled(st.tensor(BYTES[:1].astype(np.float64)), of, "edge").numpy()
    assert np.abs(found - exact).max() <= 0.5 + 1e-3
    bright = np.full((1, 9, 12), 250, np.uint8)
    assert trained(augment.Brightness(0.5), np.repeat(bright, 20, 0)).max() == 255


def test_a_map_after_another_is_the_product_of_matrices() -> None:
    numbers = RNG.normal(size=(2, 6))
    names = ("yy", "xx", "y0", "x0", "yx", "xy")
    maps = [one_map(**dict(zip(names, row.tolist(), strict=True))) for row in numbers]

    def matrix(of: Map) -> NDArray[Any]:
        entry = {name: 0.0 if (v := getattr(of, name)) is None else v.item() for name in names}
        rows = [[entry["yy"], entry["yx"], entry["y0"]], [entry["xy"], entry["xx"], entry["x0"]]]
        return np.array([*rows, [0.0, 0.0, 1.0]])

    straight = one_map(yy=2.0, xx=-1.0, y0=0.5, x0=3.0)
    for first, second in [(maps[0], maps[1]), (maps[0], straight), (straight, maps[1])]:
        product = matrix(first) @ matrix(second)
        np.testing.assert_allclose(matrix(first.then(second)), product, rtol=1e-5, atol=1e-6)
    both = straight.then(straight)
    assert both.yx is None
    assert both.xy is None
    np.testing.assert_allclose(matrix(both), matrix(straight) @ matrix(straight), rtol=1e-6)


def test_flips_are_numpys() -> None:
    across = trained(augment.HorizontalFlip(1.0), BYTES)
    np.testing.assert_array_equal(across, BYTES[:, :, ::-1])
    down = trained(augment.VerticalFlip(1.0), FLOATS)
    np.testing.assert_array_equal(down, FLOATS[:, ::-1])
    np.testing.assert_array_equal(trained(augment.HorizontalFlip(0.0), BYTES), BYTES)


def test_half_of_the_images_are_flipped() -> None:
    many = np.repeat(BYTES[:1], 2000, axis=0)
    flipped = (trained(augment.HorizontalFlip(), many)[:, 0, 0] == many[0, 0, -1]).mean()
    assert abs(flipped - 0.5) < 0.05


@pytest.mark.parametrize("x", [BYTES, RNG.normal(size=(64, 9, 12, 2)).astype(np.float32)])
def test_a_shift_moves_whole_pixels_and_fills_with_zeros(x: NDArray[Any]) -> None:
    found = trained(augment.Shift(2), x)
    wide = np.pad(x, [(0, 0), (2, 2), (2, 2), *[(0, 0)] * (x.ndim - 3)])
    seen = set[tuple[int, int]]()
    for image, padded in zip(found, wide, strict=True):
        places = [
            (a, b)
            for a in range(5)
            for b in range(5)
            if np.array_equal(image, padded[a : a + 9, b : b + 12])
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) > 15  # of 25


def test_a_shift_fills_with_the_edge() -> None:
    found = trained(augment.Shift(2, outside="edge"), BYTES)
    wide = np.pad(BYTES, [(0, 0), (2, 2), (2, 2)], mode="edge")
    for image, padded in zip(found, wide, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 12))
        assert (windows == image).all(axis=(2, 3)).sum() == 1


def test_shifts_are_uniform() -> None:
    dot = np.zeros((4000, 9, 9), np.uint8)
    dot[:, 4, 4] = 1
    rows = trained(augment.Shift(2), dot).argmax(axis=(1)).max(axis=1)
    counts = np.bincount(rows, minlength=9)[2:7]
    assert counts.sum() == 4000
    assert stats.chisquare(counts).pvalue > 1e-4


def test_a_shift_by_a_share() -> None:
    dot = np.zeros((500, 11, 21), np.float32)
    dot[:, 5, 10] = 1.0
    found = trained(augment.Shift(0.2), dot)
    _, rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max()) == (3, 7)
    assert (columns.min(), columns.max()) == (6, 14)


def drawn(layer: augment.Geometric, n: int = 400, size: int = 9) -> Map:
    with st.random.stream(0):
        return layer.draw(n, size, size)


def test_rotations_are_scipys_with_the_drawn_angles() -> None:
    images = RNG.normal(size=(6, 9, 12)).astype(np.float32)
    layer = augment.Rotation(30)
    found = trained(layer, images)
    of = drawn(layer, 6)
    assert of.yx is not None
    angles = np.rad2deg(np.arctan2(of.yx.numpy(), of.yy.numpy()))
    with st.random.stream(0):
        drawn_angles = st.random.uniform((6,), low=-30.0, high=30.0).numpy()
    np.testing.assert_allclose(angles, drawn_angles, rtol=1e-4)  # positive: counter-clockwise
    for image, angle, ours in zip(images, angles, found, strict=True):
        turned = ndimage.rotate(image, angle, reshape=False, order=1, mode="grid-constant")
        np.testing.assert_allclose(ours, turned, atol=1e-4)


def test_a_right_angle_is_rot90() -> None:
    square = FLOATS[:1, :9, :9]
    of = one_map(yy=0.0, xx=0.0, yx=1.0, xy=-1.0)
    np.testing.assert_allclose(
        resampled(st.tensor(square), of, "zero").numpy()[0], np.rot90(square[0]), atol=1e-6
    )


def test_angles_and_factors_are_uniform() -> None:
    turned = drawn(augment.Rotation(40), 4000)
    assert turned.yx is not None
    angles = np.rad2deg(np.arctan2(turned.yx.numpy(), turned.yy.numpy()))
    assert stats.kstest(angles, stats.uniform(-40, 80).cdf).pvalue > 1e-4
    factors = 1.0 / drawn(augment.Scale(0.3), 4000).yy.numpy()
    assert stats.kstest(factors, stats.uniform(0.7, 0.6).cdf).pvalue > 1e-4


def test_a_scaled_image_is_scipys() -> None:
    layer = augment.Scale(0.4)
    images = RNG.normal(size=(6, 9, 9)).astype(np.float32)
    found, of = trained(layer, images), drawn(layer, 6)
    for image, ours, inverse in zip(images, found, of.yy.numpy(), strict=True):
        expected = from_the_middle(image, np.eye(2) * inverse, (0, 0), "zero")
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_a_crop_stays_inside_and_is_scipys() -> None:
    layer = augment.Crop(0.4)
    images = RNG.normal(size=(40, 9, 12)).astype(np.float32)
    found = trained(layer, images)
    with st.random.stream(0):
        of = layer.draw(40, 9, 12)
    share, down, right = (each.numpy() for each in (of.yy, of.y0, of.x0))
    assert (share >= 0.4).all()
    assert (share <= 1).all()
    for offset, extent in ((down, 9), (right, 12)):
        assert (np.abs(offset) + share * extent / 2 <= extent / 2 + 1e-4).all()
    for place in range(0, 40, 8):
        matrix, offset = np.eye(2) * share[place], (down[place], right[place])
        expected = from_the_middle(images[place], matrix, offset, "edge")
        np.testing.assert_allclose(found[place], expected, atol=1e-4)


# ----------------------------------------------------------------------- what changes brightness


def test_noise_is_normal_and_its_own_for_each_pixel() -> None:
    x = np.full((50, 8, 9), 0.5, np.float32)
    noise = (trained(augment.GaussianNoise(0.2), x) - 0.5) / 0.2
    assert stats.kstest(noise.reshape(-1), stats.norm.cdf).pvalue > 1e-4
    assert abs(np.corrcoef(noise[0].reshape(-1), noise[1].reshape(-1))[0, 1]) < 0.5


def test_noise_of_bytes_is_a_share_of_white_and_stays_in_range() -> None:
    grey = np.full((50, 8, 9), 128, np.uint8)
    deviation = trained(augment.GaussianNoise(0.1), grey).astype(float).std()
    assert deviation == pytest.approx(25.5, rel=0.05)
    white = trained(augment.GaussianNoise(0.1), np.full((5, 8, 9), 255, np.uint8))
    assert white.min() > 100  # nothing wrapped around
    assert (white == 255).mean() > 0.4


def test_brightness_adds_one_number_to_an_image() -> None:
    change = trained(augment.Brightness(0.25), FLOATS) - FLOATS
    assert np.ptp(change.reshape(5, -1), axis=1).max() < 1e-5
    assert 0.01 < np.abs(change).max() <= 0.25


def test_contrast_scales_about_the_mean() -> None:
    found = trained(augment.Contrast(0.5), FLOATS)
    axes = (1, 2, 3)
    mean = FLOATS.mean(axes, keepdims=True)
    np.testing.assert_allclose(found.mean(axes, keepdims=True), mean, atol=1e-5)
    factor = ((found - mean) / (FLOATS - mean)).reshape(5, -1)
    np.testing.assert_allclose(factor, np.broadcast_to(np.median(factor, 1)[:, None], factor.shape),
                               rtol=0.05, atol=1e-2)  # fmt: skip
    assert 0.5 <= factor.min() < factor.max() <= 1.6


# --------------------------------------------------------------------------------------- several


def test_neighbours_that_move_pixels_are_one_map() -> None:
    parts = augment.HorizontalFlip(), augment.Rotation(30), augment.Scale(0.2)
    x = RNG.normal(size=(4, 9, 9)).astype(np.float32)
    found = trained(augment.Compose(*parts), x)
    with st.random.stream(0):
        maps = [part.draw(4, 9, 9) for part in parts]
    of = maps[0].then(maps[1]).then(maps[2])
    np.testing.assert_array_equal(found, resampled(st.tensor(x), of, "zero").numpy())


def test_whole_pixels_are_moved_exactly_as_one_after_the_other() -> None:
    x = np.pad(BYTES, [(0, 0), (4, 4), (4, 4)])  # so that nothing leaves the image
    parts = augment.Shift(2), augment.HorizontalFlip(), augment.Shift(2), augment.VerticalFlip()
    together = trained(augment.Compose(*parts), x)
    np.testing.assert_array_equal(together, trained(st.nn.Sequential(*parts), x))


def test_others_are_applied_in_turn() -> None:
    parts = augment.GaussianNoise(0.1), augment.HorizontalFlip(), augment.Contrast(0.3)
    together = trained(augment.Compose(*parts), FLOATS)
    np.testing.assert_array_equal(together, trained(st.nn.Sequential(*parts), FLOATS))


def test_neighbours_that_disagree_about_the_outside_stay_apart() -> None:
    parts = augment.Shift(3, outside="edge"), augment.Shift(3, outside="zero")
    together = trained(augment.Compose(*parts), FLOATS)
    np.testing.assert_array_equal(together, trained(st.nn.Sequential(*parts), FLOATS))


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shif=2", r"no augmentation 'shif'; did you mean 'shift'"),
        ("shift=two", r"after = stands a number"),
        ("shift=0", r"whole number of pixels from 1 on, or a share"),
        ("shift=1.5", r"between 0 and 1, not 1\.5"),
        ("rotate=0", r"above 0 up to 180"),
        ("rotate=200", r"above 0 up to 180"),
        ("scale=1", r"above 0 and below 1"),
        ("crop=1", r"above 0 and below 1"),
        ("noise=-1", r"above 0, not -1"),
        ("brightness=0", r"above 0"),
        ("contrast=0", r"above 0"),
        ("flip=2", r"from 0 to 1, not 2"),
        ("flip_vertical=-1", r"from 0 to 1, not -1"),
    ],
)
def test_impossible_augmentations_say_what_is_possible(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        augmentation(text)


def test_a_shift_out_of_sight_is_refused() -> None:
    with st.nn.training():
        assert augment.Shift(5)(st.ones((2, 6, 6))).shape == (2, 6, 6)
        with pytest.raises(ConfigurationError, match="6 pixels move all of an image of 6 pixels"):
            augment.Shift(6)(st.ones((2, 8, 6)))


def test_another_outside_names_the_two() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'edge'"):
        augment.Shift(2, outside="edges")  # pyright: ignore[reportArgumentType]


def test_compose_takes_augmentations() -> None:
    with pytest.raises(ConfigurationError, match="Compose takes augmentations"):
        augment.Compose(3)  # pyright: ignore[reportArgumentType]
