"""A model file of any kind: of a table or of images."""

from __future__ import annotations

import os
from pathlib import Path

from steepest.images.model import KIND, ImageModel, load_images_model
from steepest.tabular import TableModel
from steepest.tabular.files import read_model_file
from steepest.tabular.model import load as load_table_model


def load(path: str | os.PathLike[str]) -> TableModel | ImageModel:
    """Read a model file, of a table or of images.

    Args:
        path: What `save` or `steepest fit` wrote; of this or an earlier version.

    Raises:
        ModelFileError: Missing, cut short, damaged, of a newer format, or not ours.
    """
    path = Path(path)
    _, document = read_model_file(path)
    return load_images_model(path) if document.get("kind") == KIND else load_table_model(path)
