"""Classes of any type: numbered to learn, text in the model file, given back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import TextColumn, parse_number
from steepest.errors import DataError, nearest


def label_text(label: Any) -> str:  # noqa: ANN401 - a class may be anything
    """How the model file and the command write a class.

    >>> label_text(np.int64(3)), label_text(np.bool_(True)), label_text(0.5), label_text("a")
    ('3', 'True', '0.5', 'a')
    """
    return str(label.item() if isinstance(label, np.generic) else label)


def labels_of_texts(texts: Sequence[str]) -> NDArray[Any]:
    """The classes of a model file as scikit-learn would have them: numbers where all are numbers.

    >>> labels_of_texts(["0", "1"]), labels_of_texts(["False", "True"]), labels_of_texts(["a", "b"])
    (array([0, 1]), array([False,  True]), array(['a', 'b'], dtype='<U1'))
    """
    if {each.lower() for each in texts} <= {"true", "false"}:
        return np.array([each.lower() == "true" for each in texts])
    numbers = [parse_number(each) for each in texts]
    if any(each is None for each in numbers):
        return np.array(texts)
    values = np.array(numbers, dtype=np.float64)
    is_whole = all(each.lstrip("+-").isdigit() for each in texts)
    return values.astype(np.int64) if is_whole else values


def class_codes(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int32]:
    """The place of each label among the classes, which are in order.

    Raises:
        DataError: a label that is no class.
    """
    place = np.searchsorted(classes, y)
    place[place == len(classes)] = 0
    odd = np.flatnonzero(classes[place] != y)
    if len(odd):
        label = y[odd[0]]
        raise DataError(
            f"{label_text(label)!r} is not among the classes; "
            f"{nearest(label_text(label), map(label_text, classes))}"
        )
    return place.astype(np.int32)


def label_column(codes: NDArray[np.int32], classes: NDArray[Any]) -> TextColumn:
    """Labels as a column of text.

    Raises:
        DataError: two classes that are written alike, such as 1 and "1".
    """
    texts = tuple(label_text(each) for each in classes)
    if len(set(texts)) < len(texts):
        raise DataError(f"two of the classes are written alike: {', '.join(map(repr, texts[:9]))}")
    return TextColumn(codes, texts)
