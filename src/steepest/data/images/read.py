"""The door for images: a folder, an .npz file or an IDX file, as training and test images."""

from __future__ import annotations

import re
from pathlib import Path

from steepest.data.files import holds_tables
from steepest.data.images.arrays import is_idx, read_head, read_idx, read_npz
from steepest.data.images.folders import Size, class_folders, read_folder
from steepest.data.images.images import Images
from steepest.data.source import check_file
from steepest.errors import ConfigurationError, DataError

_PARTS = {"training": ("train", "training"), "test": ("test", "t10k")}


def holds_images(path: Path) -> bool:
    """Whether a path is one that images are read from, and no table.

    That is a folder without tables, or an .npz or IDX file.

    >>> holds_images(Path("table.csv"))
    False
    """
    if path.is_dir():
        return not holds_tables(path)
    if path.suffix.lower() == ".npz":
        return True
    try:
        return path.is_file() and is_idx(read_head(path))
    except OSError:
        return False


def read_images(path: str | Path, *, size: Size | None = None) -> dict[str, Images]:
    """Read images: "training" and, where the source keeps some apart, "test".

    Args:
        path: a folder of class folders of .png and .jpg files (or two of them, train and test); an
            .npz file with x and y, or x_train, y_train, x_test, y_test; an IDX file of images,
            plain or gzip, whose labels are in the file beside it, or a folder of such files.
        size: (height, width) that pictures are brought to; only for folders.

    Returns:
        The parts, by "training" and "test".

    Raises:
        DataError: nothing there, something damaged, or images that do not fit together; the file
            is named.

    >>> import tempfile, numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "dots.npz"
    >>> np.savez(file, x=np.zeros((3, 8, 8), np.uint8), y=[0, 1, 1])
    >>> read_images(file)["training"].classes
    ('0', '1')
    """
    path = Path(path)
    if path.is_dir():
        return _from_folder(path, size)
    head = check_file_of_images(path)
    if size is not None:
        raise ConfigurationError(
            f"--image-size is for folders of pictures; {path} holds arrays of one size"
        )
    return read_npz(path) if head.startswith(b"PK") else {"training": read_idx(path)}


def check_file_of_images(path: Path) -> bytes:
    """The first bytes of an .npz or IDX file.

    Raises:
        DataError: it is not there, empty, or something else.
    """
    if not path.is_file():
        check_file(path)  # says what is wrong, and which names are near
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    head = read_head(path)
    if not head.startswith(b"PK") and not is_idx(head):
        raise DataError(
            f"{path} holds no images that can be read: a folder of pictures, an .npz file or an "
            "IDX file (as MNIST's) is wanted"
        )
    return head


def _from_folder(folder: Path, size: Size | None) -> dict[str, Images]:
    idx = _idx_files(folder)
    if idx:
        if size is not None:
            raise ConfigurationError(
                f"--image-size is for folders of pictures; the arrays in {folder} have one size"
            )
        return {part: read_idx(file) for part, file in idx.items()}
    inside = {each.name.lower(): each for each in sorted(folder.iterdir()) if each.is_dir()}
    parts: dict[str, Images] = {}
    for part, names in _PARTS.items():
        found = next((inside[name] for name in names if name in inside), None)
        if found is not None and class_folders(found):
            parts[part] = read_folder(found, size)
    return parts if "training" in parts else {"training": read_folder(folder, size)}


def _idx_files(folder: Path) -> dict[str, Path]:
    """The IDX files of images in a folder, as MNIST names them."""
    files = [each for each in sorted(folder.iterdir()) if each.is_file() and "images" in each.name]
    files = [each for each in files if is_idx(read_head(each))]
    found: dict[str, Path] = {}
    for part, names in _PARTS.items():
        named = [each for each in files if each.name.lower().startswith(names)]
        if named:
            found[part] = named[0]
    if files and "training" not in found:
        found["training"] = files[0]
    return found


def parse_size(text: str) -> Size:
    """Read "28x28" as (height, width); one number is a square.

    Raises:
        ConfigurationError: it is neither.

    >>> parse_size("28x32"), parse_size("64")
    ((28, 32), (64, 64))
    """
    found = re.fullmatch(r"\s*(\d{1,5})\s*(?:[x×]\s*(\d{1,5})\s*)?", text)
    if found is None or not int(found[1]) or found[2] == "0":
        raise ConfigurationError(f"an image size is HEIGHTxWIDTH, such as 28x28, not {text!r}")
    height = int(found[1])
    return height, int(found[2]) if found[2] else height
