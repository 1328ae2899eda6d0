"""Images that are arrays in a file: NumPy's .npz, and the IDX files of MNIST and its kin."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.images.images import Images, labels_as_text, size_text
from steepest.errors import DataError

# What people call the arrays, in the order of preference; upper and lower case are the same.
TRAINING_IMAGES = ("x_train", "train_x", "train_images", "images_train", "x", "images", "data")
TRAINING_LABELS = ("y_train", "train_y", "train_labels", "labels_train", "y", "labels", "target")
TEST_IMAGES = ("x_test", "test_x", "test_images", "images_test")
TEST_LABELS = ("y_test", "test_y", "test_labels", "labels_test")
_LARGEST = 1e15  # whose square, and sums of it, float32 can hold
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_npz(path: Path) -> dict[str, Images]:
    """Read an .npz file: its images and labels, "training" and, where there is one, "test".

    Raises:
        DataError: it is damaged, holds no images, or labels that do not fit them.
    """
    try:
        # Opened here: NumPy would leave a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read as an .npz file: {error}") from None
    parts: dict[str, Images] = {}
    wanted = {
        "training": (TRAINING_IMAGES, TRAINING_LABELS),
        "test": (TEST_IMAGES, TEST_LABELS),
    }
    for part, (images, labels) in wanted.items():
        name = _found(arrays, images)
        if name is not None:
            label = _found(arrays, labels)
            found = None if label is None else arrays[label]
            parts[part] = _images(arrays[name], found, f"{path}: {name}", label or "labels")
    if not parts:
        held = ", ".join(f"{name} {size_text(a.shape)}" for name, a in arrays.items()) or "nothing"
        raise DataError(
            f"{path} holds no images: they are called x_train and y_train (x_test and y_test), or "
            f"x and y; it holds {held}"
        )
    return parts


def _found(arrays: Mapping[str, Any], names: Iterable[str]) -> str | None:
    lower = {name.lower(): name for name in arrays}
    return next((lower[name] for name in names if name in lower), None)


def is_idx(head: bytes) -> bool:
    """Tell an IDX file by its first bytes (uncompressed): two zeros, a type, a number of axes."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX_TYPES and 1 <= head[3] <= 4


def read_head(path: Path) -> bytes:
    """The first bytes of what is in a file, unpacked if it is gzip."""
    with path.open("rb") as file:
        head = file.read(4)
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        with gzip.open(path) as file:
            return file.read(4)
    except (OSError, EOFError, zlib.error):
        return head


def read_idx(path: Path) -> Images:
    """Read the images of an IDX file, and their labels from the file beside it.

    They belong together by name: images-idx3 and labels-idx1, as in train-images-idx3-ubyte.gz and
    train-labels-idx1-ubyte.gz.

    Raises:
        DataError: a file is damaged, holds no images, or their numbers differ.
    """
    pixels = _idx(path)
    if pixels.ndim not in (3, 4):
        raise DataError(
            f"{path} holds an array of shape {size_text(pixels.shape)}, no images; give the file "
            "whose name says images-idx3"
        )
    beside = labels_beside(path)
    labels = None if beside is None else _idx(beside)
    return _images(pixels, labels, str(path), str(beside))


def labels_beside(path: Path) -> Path | None:
    """The file with the labels of an IDX file of images, if it is there."""
    name = path.name
    if "images" not in name:
        return None
    stem = name.replace("images", "labels")
    for axes in ("idx3", "idx4"):
        stem = stem.replace(axes, "idx1")
    plain = stem.removesuffix(".gz")
    candidates = (path.with_name(each) for each in (stem, plain, f"{plain}.gz"))
    return next((each for each in candidates if each.is_file()), None)


def _idx(path: Path) -> NDArray[Any]:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip or cannot be read: {error}") from None
    if not is_idx(content[:4]):
        raise DataError(f"{path} is no IDX file: it does not begin with two zeros and a type")
    axes, start = content[3], 4 + 4 * content[3]
    shape = tuple(int(each) for each in np.frombuffer(content[4:start], ">u4"))
    kind = np.dtype(_IDX_TYPES[content[2]])
    wanted = math.prod(shape) * kind.itemsize
    if len(shape) != axes or len(content) - start != wanted:
        raise DataError(
            f"{path} is damaged or cut short: it says {size_text(shape)}, which is {wanted:,} "
            f"bytes, and {max(len(content) - start, 0):,} are there"
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def _images(
    pixels: NDArray[Any], labels: NDArray[Any] | None, source: str, labels_source: str
) -> Images:
    checked = _pixels(pixels, source)
    text = None if labels is None else labels_as_text(labels, f"{source}, {labels_source}")
    if text is not None and len(text) != len(checked):
        raise DataError(
            f"{source} holds {len(checked):,} images and {labels_source} {len(text):,} labels"
        )
    return Images(
        pixels=checked,
        labels=text,
        names=tuple(map(str, range(len(checked)))),
        source=source,
    )


def _pixels(pixels: NDArray[Any], source: str) -> NDArray[Any]:
    """Bytes as they are; floats in float32; other whole numbers as bytes, if they fit."""
    shown = size_text(pixels.shape)
    if pixels.ndim not in (3, 4):
        raise DataError(
            f"{source} has shape {shown}; images are N×height×width or N×height×width×channels: "
            "reshape them, as in x.reshape(-1, 28, 28)"
        )
    if pixels.ndim == 4 and pixels.shape[3] > 4 and pixels.shape[1] in (1, 3, 4):
        raise DataError(
            f"{source} has shape {shown}, channels first; put them last: x.transpose(0, 2, 3, 1)"
        )
    if not pixels.size:
        raise DataError(f"{source} has shape {shown}: there is no image")
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise DataError(f"{source} holds pixels that are NaN or infinite")
        if np.abs(pixels).max() > _LARGEST:
            raise DataError(
                f"{source} holds pixels up to {np.abs(pixels).max():.3g}; write floats from 0 to 1"
            )
        return pixels.astype(np.float32)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind not in "iu" or pixels.min() < 0 or pixels.max() > 255:
        raise DataError(
            f"{source} holds {pixels.dtype}; pixels are whole numbers from 0 to 255, or floats"
        )
    return pixels.astype(np.uint8)
