"""Reading images: folders of pictures, .npz and IDX files; and what is wrong with them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from steepest.data import holds_images, parse_size, read_images
from steepest.errors import ConfigurationError, DataError

pytestmark = pytest.mark.row("N6")

RNG = np.random.default_rng(0)
FASHION = Path(__file__).parents[3] / "shared" / "data" / "fashion-mnist" / "fashion-mnist.npz"


def picture(path: Path, pixels: NDArray[Any], exif: Image.Exif | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95, exif=exif or Image.Exif())
    return path


def grey(height: int = 5, width: int = 6) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (height, width)).astype(np.uint8)


def colour(height: int = 5, width: int = 6) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (height, width, 3)).astype(np.uint8)


def idx(path: Path, array: NDArray[Any], kind: int = 8) -> Path:
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    content += array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


# ------------------------------------------------------------------------------------- folders


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    pixels = {name: grey() for name in ("cat/1.png", "cat/2.PNG", "dog/a.png")}
    for name, each in pixels.items():
        picture(tmp_path / name, each)
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    (found,) = read_images(tmp_path).values()
    assert found.names == ("cat/1.png", "cat/2.PNG", "dog/a.png")
    assert found.known_labels().tolist() == ["cat", "cat", "dog"]
    assert found.classes == ("cat", "dog")
    assert found.pixels.dtype == np.uint8
    np.testing.assert_array_equal(found.pixels, np.stack(list(pixels.values())))


def test_one_colour_picture_makes_all_colour(tmp_path: Path) -> None:
    light, red = grey(), colour()
    picture(tmp_path / "a" / "1.png", light)
    picture(tmp_path / "b" / "1.png", red)
    (found,) = read_images(tmp_path).values()
    assert found.shape == (5, 6, 3)
    np.testing.assert_array_equal(found.pixels[0], np.repeat(light[..., None], 3, axis=2))
    np.testing.assert_array_equal(found.pixels[1], red)


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGBA", "CMYK"])
def test_other_kinds_of_pictures_are_converted(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").mkdir()
    made = Image.fromarray(colour()).convert(mode)
    name = "x.jpg" if mode == "CMYK" else "x.png"
    made.save(tmp_path / "a" / name)
    (found,) = read_images(tmp_path).values()
    assert found.shape == ((5, 6) if mode in ("1", "LA") else (5, 6, 3))


def test_a_jpeg_is_turned_upright(tmp_path: Path) -> None:
    sideways = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows are columns
    picture(tmp_path / "a" / "1.jpg", sideways, exif)
    (found,) = read_images(tmp_path).values()
    assert found.shape == (16, 8)
    np.testing.assert_allclose(found.pixels[0].astype(int), np.rot90(sideways, -1), atol=4)


def test_different_sizes_name_both_files_and_the_way_out(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", grey())
    picture(tmp_path / "b" / "2.png", grey(7, 6))
    with pytest.raises(DataError, match=r"1\.png is 5×6 and .*2\.png 7×6 .*--image-size 5x6"):
        read_images(tmp_path)
    (found,) = read_images(tmp_path, size=(4, 8)).values()
    assert found.shape == (4, 8)


def test_resizing_keeps_what_is_constant(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", np.full((50, 40), 77, np.uint8))
    (found,) = read_images(tmp_path, size=(9, 9)).values()
    assert (found.pixels == 77).all()


def test_train_and_test_folders(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for number in range(count):
            for name in ("a", "b"):
                picture(tmp_path / part / name / f"{number}.png", grey())
    found = read_images(tmp_path)
    assert {name: len(each) for name, each in found.items()} == {"training": 6, "test": 4}


def test_pictures_without_classes_have_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", grey())
    (found,) = read_images(tmp_path).values()
    assert found.labels is None
    with pytest.raises(DataError, match="put each class into a folder of its own"):
        found.known_labels()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n cut short"])
def test_a_damaged_picture_is_named(tmp_path: Path, content: bytes) -> None:
    picture(tmp_path / "a" / "1.png", grey())
    (tmp_path / "a" / "2.png").write_bytes(content)
    with pytest.raises(DataError, match=r"2\.png cannot be read as a picture"):
        read_images(tmp_path)


def test_a_picture_that_is_cut_short_is_named(tmp_path: Path) -> None:
    whole = picture(tmp_path / "a" / "1.png", grey(60, 60)).read_bytes()
    (tmp_path / "a" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"2\.png cannot be read as a picture"):
        read_images(tmp_path)


def test_sixteen_bits_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", grey().astype(np.uint16) * 255)
    with pytest.raises(DataError, match=r"1\.png is of a kind that is not read .*8 bits"):
        read_images(tmp_path)


def test_an_empty_folder_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        read_images(tmp_path)


# ---------------------------------------------------------------------------------------- arrays


@pytest.mark.parametrize(
    ("images", "labels"),
    [("x", "y"), ("X_train", "y_train"), ("train_x", "train_y"), ("images", "labels")],
)
def test_arrays_by_their_usual_names(tmp_path: Path, images: str, labels: str) -> None:
    x, y = np.stack([grey() for _ in range(4)]), np.array([3, 10, 3, 10])
    arrays: dict[str, Any] = {images: x, labels: y}
    np.savez(tmp_path / "a.npz", **arrays)
    (found,) = read_images(tmp_path / "a.npz").values()
    np.testing.assert_array_equal(found.pixels, x)
    assert found.known_labels().tolist() == ["3", "10", "3", "10"]
    assert found.classes == ("3", "10")
    assert found.names == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([[[True, False]]]), np.array([[[255, 0]]], np.uint8)),
        (np.array([[[0, 255]]], np.int64), np.array([[[0, 255]]], np.uint8)),
        (np.array([[[0.0, 0.5]]]), np.array([[[0.0, 0.5]]], np.float32)),
        (np.array([[[[7], [8]]]], np.uint8), np.array([[[7, 8]]], np.uint8)),
    ],
)
def test_pixels_as_they_are_kept(
    tmp_path: Path, given: NDArray[Any], expected: NDArray[Any]
) -> None:
    np.savez(tmp_path / "a.npz", x=given)
    (found,) = read_images(tmp_path / "a.npz").values()
    assert found.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(found.pixels, expected)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros((2, 3))}, r"holds no images: .*it holds a 2×3"),
        ({"x": np.zeros((2, 784))}, r"shape 2×784.*reshape\(-1, 28, 28\)"),
        ({"x": np.zeros((2, 3, 8, 8), np.uint8)}, r"channels first.*transpose\(0, 2, 3, 1\)"),
        ({"x": np.zeros((0, 8, 8), np.uint8)}, "there is no image"),
        ({"x": np.full((1, 2, 2), np.nan)}, "NaN or infinite"),
        ({"x": np.full((1, 2, 2), 1e300)}, r"pixels up to 1e\+300"),
        ({"x": np.full((1, 2, 2), 300)}, "0 to 255"),
        ({"x": np.zeros((2, 2, 2)), "y": [1]}, "holds 2 images and y 1 labels"),
        ({"x": np.zeros((2, 2, 2)), "y": np.eye(2)}, r"argmax\(axis=1\)"),
        ({"x": np.zeros((2, 2, 2)), "y": [0.5, 1.0]}, "whole numbers or text"),
    ],
)
def test_arrays_that_are_no_images(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path / "a.npz")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], object))
    with pytest.raises(DataError, match=r"cannot be read as an \.npz file"):
        read_images(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"PK\x03\x04 damaged", b"no zip at all"])
def test_a_damaged_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz (cannot be read|holds no images)"):
        read_images(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_as_mnists(tmp_path: Path, suffix: str) -> None:
    for part, count in (("train", 5), ("t10k", 3)):
        x = RNG.integers(0, 256, (count, 4, 6)).astype(np.uint8)
        idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", x)
        idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", np.arange(count, dtype=np.uint8))
    found = read_images(tmp_path)
    assert {name: len(each) for name, each in found.items()} == {"training": 5, "test": 3}
    np.testing.assert_array_equal(found["test"].pixels, x)
    assert found["training"].known_labels().tolist() == list("01234")
    (one,) = read_images(tmp_path / f"t10k-images-idx3-ubyte{suffix}").values()
    np.testing.assert_array_equal(one.pixels, x)


def test_idx_of_other_element_types(tmp_path: Path) -> None:
    x = RNG.normal(size=(2, 3, 4)).astype(">f4")
    (found,) = read_images(idx(tmp_path / "some-images", x, kind=13)).values()
    np.testing.assert_array_equal(found.pixels, x.astype(np.float32))
    assert found.labels is None


def test_an_idx_file_that_is_cut_short(tmp_path: Path) -> None:
    path = idx(tmp_path / "train-images-idx3-ubyte", np.zeros((3, 4, 4), np.uint8))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"damaged or cut short: it says 3×4×4, .*43 are there"):
        read_images(path)


def test_an_idx_file_of_labels_is_no_images(tmp_path: Path) -> None:
    path = idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="no images; give the file whose name says images-idx3"):
        read_images(path)


@pytest.mark.skipif(not FASHION.is_file(), reason="Fashion-MNIST is not here")
def test_fashion_mnist() -> None:
    found = read_images(FASHION)
    assert {name: each.pixels.shape for name, each in found.items()} == {
        "training": (60000, 28, 28),
        "test": (10000, 28, 28),
    }
    assert found["test"].classes == tuple("0123456789")


# ------------------------------------------------------------------------------------- the door


def test_what_holds_images(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    np.savez(tmp_path / "a.npz", x=np.zeros((1, 2, 2)))
    idx(tmp_path / "images.gz", np.zeros((1, 2, 2), np.uint8))
    assert holds_images(tmp_path)
    assert holds_images(tmp_path / "a.npz")
    assert holds_images(tmp_path / "images.gz")
    assert not holds_images(tmp_path / "t.csv")
    assert not holds_images(tmp_path / "missing")


def test_something_else_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="holds no images that can be read"):
        read_images(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"does not exist; did you mean 't\.csv'"):
        read_images(tmp_path / "tt.csv")


def test_a_size_is_for_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((1, 2, 2)))
    with pytest.raises(ConfigurationError, match="--image-size is for folders of pictures"):
        read_images(tmp_path / "a.npz", size=(2, 2))


@pytest.mark.parametrize("text", ["28y28", "0x3", "", "-4", "3x0", "big"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HEIGHTxWIDTH, such as 28x28"):
        parse_size(text)
