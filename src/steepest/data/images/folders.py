"""Images that are files: PNG and JPEG, each class in a folder of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.images.images import Images, size_text
from steepest.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg")
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)  # of the orientations in EXIF, those that exchange height and width
_GREY = ("L", "1", "LA")
_COLOUR = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")

Size = tuple[int, int]


def class_folders(folder: Path) -> list[Path]:
    """The folders in a folder that hold pictures, by name."""
    inside = sorted(each for each in folder.iterdir() if each.is_dir())
    return [each for each in inside if not each.name.startswith(".") and pictures_in(each)]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder, by name."""
    return sorted(
        each
        for each in folder.iterdir()
        if each.suffix.lower() in SUFFIXES and each.is_file() and not each.name.startswith(".")
    )


def read_folder(folder: Path, size: Size | None) -> Images:
    """Read a folder of class folders; or of pictures, which then have no labels.

    Args:
        folder: with a folder of pictures for each class, named after it.
        size: (height, width) that all are brought to; None where they are of one size.

    Raises:
        DataError: no pictures; a damaged one; different sizes. The file is named.
    """
    groups = class_folders(folder)
    files = [file for group in groups for file in pictures_in(group)] or pictures_in(folder)
    if not files:
        raise DataError(
            f"{folder} holds no pictures: put the .png or .jpg files of each class into a folder "
            "of its own in it"
        )
    labels = [file.parent.name for file in files] if groups else None
    return Images(
        pixels=read_pictures(files, size),
        labels=None if labels is None else np.array(labels),
        names=tuple(file.relative_to(folder).as_posix() for file in files),
        source=str(folder),
    )


def read_pictures(files: Sequence[Path], size: Size | None) -> NDArray[np.uint8]:
    """Read pictures into one array: grey, or in colours if one of them is.

    Args:
        files: of one size, unless one is given.
        size: (height, width) that all are brought to, smoothly.

    Raises:
        DataError: a damaged file; different sizes. The file is named.
    """
    looked = [_look(file) for file in files]
    sizes = [each for each, _ in looked]
    if size is None:
        _check_equal(files, sizes)
        size = sizes[0]
    in_colour = any(colour for _, colour in looked)
    pixels = np.empty((len(files), *size, *((3,) if in_colour else ())), np.uint8)
    for place, file in enumerate(files):
        pixels[place] = _read(file, size, "RGB" if in_colour else "L")
    return pixels


def _check_equal(files: Sequence[Path], sizes: Sequence[Size]) -> None:
    for file, each in zip(files, sizes, strict=True):
        if each != sizes[0]:
            raise DataError(
                f"pictures of different sizes: {files[0]} is {size_text(sizes[0])} and {file} "
                f"{size_text(each)} (height×width); bring them to one size with "
                f"--image-size {sizes[0][0]}x{sizes[0][1]}, say"
            )


def _look(file: Path) -> tuple[Size, bool]:
    """Height and width, and whether it has colours; only its header is read."""
    with _Opened(file) as picture:
        if picture.mode not in (*_GREY, *_COLOUR):
            raise DataError(
                f"{file} is of a kind that is not read ({picture.mode}); save it with 8 bits per "
                "channel"
            )
        width, height = picture.size
        if picture.getexif().get(_ORIENTATION) in _SIDEWAYS:
            width, height = height, width
        return (height, width), picture.mode in _COLOUR


def _read(file: Path, size: Size, mode: str) -> NDArray[Any]:
    from PIL import ImageOps
    from PIL.Image import Resampling

    height, width = size
    with _Opened(file) as picture:
        upright = ImageOps.exif_transpose(picture)
        converted = (upright or picture).convert(mode)
        if converted.size != (width, height):
            converted = converted.resize((width, height), Resampling.BILINEAR)
        return np.asarray(converted)


class _Opened:
    """A picture that is open within a block; what is wrong with it names the file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._picture: Image | None = None

    def __enter__(self) -> Image:
        from PIL import Image, UnidentifiedImageError
        from PIL.Image import DecompressionBombError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # large pictures are read all the same
                self._picture = Image.open(self._file)
        except (UnidentifiedImageError, DecompressionBombError, OSError, ValueError) as error:
            raise DataError(_damaged(self._file, error)) from None
        return self._picture

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._picture is not None:
            self._picture.close()
        if isinstance(error, (OSError, ValueError, SyntaxError)) and not isinstance(
            error, DataError
        ):
            raise DataError(_damaged(self._file, error)) from None


def _damaged(file: Path, error: BaseException) -> str:
    what = str(error).replace(repr(str(file)), "it").removesuffix(" it").strip()
    return f"{file} cannot be read as a picture ({what or type(error).__name__})"
