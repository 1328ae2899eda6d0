"""Classes of any type: numbered to learn, text in the model file, given back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import parse_number
from steepest.errors import DataError, nearest

_TEXT = "it holds text"  # as the reasons of inferred targets begin


def label_text(label: Any) -> str:
    """How the model file and the command write a class.

    >>> label_text(np.int64(3)), label_text(np.bool_(True)), label_text(0.5), label_text("a")
    ('3', 'True', '0.5', 'a')
    """
    return str(label.item() if isinstance(label, np.generic) else label)


def reason_of(classes: NDArray[Any]) -> str:
    """What a schema says of classes; tells :func:`labels_of_texts` whether they were text."""
    count = len(classes)
    if classes.dtype.kind == "b":
        return f"it holds true or false, {count} classes"
    if classes.dtype.kind in "iu":
        return f"it holds whole numbers with {count} values"
    if classes.dtype.kind == "f":
        return f"it holds numbers with {count} values"
    is_text = all(isinstance(each, str) for each in classes.tolist())
    return f"{_TEXT}, {count} classes" if is_text else f"it holds objects, {count} classes"


def labels_of_texts(texts: Sequence[str], reason: str) -> NDArray[Any]:
    """The classes of a model file as scikit-learn would have them: numbers, unless they were text.

    Args:
        texts: as the file has them.
        reason: the schema's, for their being classes.

    >>> labels_of_texts(["0", "1"], ""), labels_of_texts(["False", "True"], "")
    (array([0, 1]), array([False,  True]))
    >>> labels_of_texts(["0", "1"], "it holds text, 2 classes")
    array(['0', '1'], dtype='<U1')
    """
    if reason.startswith(_TEXT):
        return np.array(texts)
    if {each.lower() for each in texts} <= {"true", "false"}:
        return np.array([each.lower() == "true" for each in texts])
    numbers = [parse_number(each) for each in texts]
    if any(each is None for each in numbers):
        return np.array(texts)
    if all(each.lstrip("+-").isdigit() for each in texts):
        return np.array([int(each) for each in texts])
    return np.array(numbers, dtype=np.float64)


def distinct(labels: NDArray[Any]) -> NDArray[Any]:
    """The classes among labels, in order.

    Raises:
        DataError: text beside numbers, which have no order.
    """
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(each).__name__ for each in labels.tolist()})
        raise DataError(
            f"the labels in y are of types that have no common order ({', '.join(kinds)}): make "
            "them all text, or all numbers"
        ) from None


def class_codes(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int32]:
    """The place of each label among the classes, which are in order.

    Raises:
        DataError: a label that is no class.
    """
    try:
        place = np.searchsorted(classes, y)
    except TypeError:  # dates, where the classes of a model file are text
        y = np.array([label_text(each) for each in y], dtype=object)
        place = np.searchsorted(classes.astype(object), y)
    place[place == len(classes)] = 0
    odd = np.flatnonzero(classes[place] != y)
    if len(odd):
        label = label_text(y[odd[0]])
        raise DataError(
            f"{label!r} is not among the classes; {nearest(label, map(label_text, classes))}"
        )
    return place.astype(np.int32)


def without_mask(y: Any) -> Any:
    """Whole numbers, and true and false, of pandas' nullable types as NumPy has them.

    scikit-learn makes floats of them, which a model file would hold as "1.0"; where some are
    missing, they stay as they are.

    >>> import pandas as pd
    >>> without_mask(pd.Series([True, False], dtype="boolean"))
    array([ True, False])
    """
    plain = getattr(getattr(y, "dtype", None), "numpy_dtype", None)
    if plain is None or plain.kind not in "biu" or y.isna().any():
        return y
    return y.to_numpy(plain)
